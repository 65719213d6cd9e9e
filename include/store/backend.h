/*
 * What a backend is: an ops table. The front (store.c) owns transactions,
 * replay, metrics and checks; a backend knows one kind of database.
 */
#ifndef REUNITE_STORE_BACKEND_H
#define REUNITE_STORE_BACKEND_H

#include "store/store.h"

struct store_backend {
	const struct store_backend_ops *ops;
};

struct store_backend_ops {
	const char *scheme; /* "sqlite" */
	/* location: the url behind "scheme:" */
	enum result (*open)(struct store_backend **out, const char *location,
			    enum store_mode mode, int64_t now_ms,
			    struct error *err);
	void (*close)(struct store_backend *b);
	enum result (*begin)(struct store_backend *b, bool writes,
			     struct error *err);
	/* op->result is set. RESULT_TEMP means that the transaction is spoilt
	 * and shall be rolled back and replayed. */
	void (*apply)(struct store_backend *b, struct store_op *op);
	enum result (*commit)(struct store_backend *b, struct error *err);
	void (*rollback)(struct store_backend *b);
	bool (*changed)(struct store_backend *b);
	enum result (*watch)(struct store_backend *b, struct error *err);
	int64_t (*checkpoint)(struct store_backend *b);
	bool (*empty_log)(struct store_backend *b);
	void (*leave)(struct store_backend *b); /* or NULL; any thread */
	bool (*is_left)(const char *location);	/* or NULL */
	size_t (*copies)(const char *location, struct store_copy **out);
	const uint8_t *(*key)(const struct store_backend *b);
};

extern const struct store_backend_ops store_sqlite_ops;

/* A store over a given backend (*taken*); for tests that wrap one. */
struct store *store_over(struct store_backend *b);

#endif
