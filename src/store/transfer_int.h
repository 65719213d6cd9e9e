/*
 * What copies and backups have in common: two stores, transactions on each,
 * checksums of tables, how far it is.
 */
#ifndef REUNITE_STORE_TRANSFER_INT_H
#define REUNITE_STORE_TRANSFER_INT_H

#include "mark.h"
#include "store/transfer.h"
#include "table.h"

struct side {
	const char *what; /* in errors */
	struct store *store;
	struct db *db;
	struct error err; /* of the last statement that failed */
};

struct copying {
	struct transfer *t;
	struct side from, to;
	struct error *err;
	struct mark mark;
	int64_t done, total; /* rows, each as often as it is looked at */
};

void copying_tell(struct copying *c, const char *doing, const char *table,
		  int64_t rows);

/* What went wrong, as c->err; returns r. */
enum result side_failed(struct copying *c, const struct side *s, enum result r);
enum result side_open(struct copying *c, struct side *s, const char *url,
		      enum store_mode mode);
void side_close(struct side *s);
enum result side_begin(struct copying *c, struct side *s, bool writes);
/* r: how it went so far, returned. */
enum result side_roll_back(struct side *s, enum result r);
/* Unless r, or a statement, says that something failed. */
enum result side_commit(struct copying *c, struct side *s, enum result r);

void copying_hex(struct crypto_sha256 *h, char out[TRANSFER_SUM_SIZE]);
/* Reads a table: counts and checksum. In a transaction of that side. */
enum result copying_sum(struct copying *c, struct side *s,
			const struct table *t, const char *doing,
			struct transfer_table *out);
/* The target's table against the source's. */
enum result copying_compare(struct copying *c, const struct transfer_table *is,
			    const struct transfer_table *want);

#endif
