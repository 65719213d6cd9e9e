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

/* What is to become one transaction. */
struct store_batch {
	struct store_op *const *ops;
	size_t count;
	bool writes;
};

/* Why a transaction came to nothing. */
enum store_failure {
	STORE_FAILED_BY_ONE,	/* an operation is to blame: find out which */
	STORE_FAILED_BY_MOMENT, /* another writer was in the way: once more */
	/* The database is away, or has gone before it said whether it stored
	 * the transaction: nothing is tried again. */
	STORE_FAILED_FOR_NOW,
};

/* How a store is saved in a file. */
struct store_save {
	const char *file;      /* is there, and empty */
	int64_t log_bytes_max; /* of the store's own; then it is given up */
	void (*tell)(void *arg, int64_t done, int64_t total);
	void *arg;
};

struct store_backend_ops {
	const char *scheme; /* "sqlite" */
	bool shared;	    /* any number of processes may serve one */
	/* location: the url behind "scheme:", never empty */
	bool (*is_location)(const char *location); /* NULL: all are */
	enum result (*open)(struct store_backend **out, const char *location,
			    enum store_mode mode, int64_t now_ms,
			    struct error *err);
	void (*close)(struct store_backend *b);
	enum result (*begin)(struct store_backend *b,
			     const struct store_batch *batch,
			     struct error *err);
	/* op->result is set. RESULT_TEMP means that the transaction is spoilt
	 * and shall be rolled back and replayed. */
	void (*apply)(struct store_backend *b, struct store_op *op);
	enum result (*commit)(struct store_backend *b, struct error *err);
	void (*rollback)(struct store_backend *b);
	/* Of the transaction that failed last. NULL: always by one. */
	enum store_failure (*failure)(struct store_backend *b);
	bool (*changed)(struct store_backend *b);
	enum result (*watch)(struct store_backend *b, struct error *err);
	int64_t (*checkpoint)(struct store_backend *b);
	int64_t (*log_bytes)(const struct store_backend *b); /* NULL: none */
	bool (*empty_log)(struct store_backend *b);
	void (*leave)(struct store_backend *b); /* or NULL; any thread */
	bool (*is_left)(const char *location);	/* or NULL */
	size_t (*copies)(const char *location, struct store_copy **out);
	const uint8_t *(*key)(const struct store_backend *b);
	const char *(*file)(const struct store_backend *b); /* or NULL: none */
	/* What the transaction that is open sees, as a whole; or NULL: it goes
	 * row by row. */
	enum result (*save)(struct store_backend *b,
			    const struct store_save *save, struct error *err);
};

extern const struct store_backend_ops store_sqlite_ops;
/* "postgresql:" and "postgres:" */
extern const struct store_backend_ops store_pg_ops, store_pg_short_ops;

/* A store's own; borrowed. */
struct store_backend *store_backend(struct store *s);
/* A store over a given backend (*taken*); for tests that wrap one. */
struct store *store_over(struct store_backend *b);

#endif
