/*
 * The tables as things to be copied: their columns, rows in the order of their
 * keys, and checksums that are the same on every kind of database.
 *
 * Every table of the schema is in one of the two lists, and every column of
 * the first: tests/contract/test_transfer.c compares them with the schema.
 */
#ifndef REUNITE_STORE_TABLE_H
#define REUNITE_STORE_TABLE_H

#include "base/crypto.h"
#include "db.h"

#define TABLE_COLUMNS_MAX 32
#define TABLE_KEY_MAX	  4
#define TABLE_BATCH	  1000 /* rows that are read, or written, at a time */

struct table {
	const char *name;
	size_t keys;   /* so many columns are the key: the first */
	bool numbered; /* ids come from the database, none twice */
	/* with blanks between; "i.": a number, "t.": text, "b.": bytes */
	const char *columns;
};
/* Parents before their children. */
extern const struct table store_tables[];
extern const size_t store_table_count;

/* Those that are not copied row by row, and why. */
struct table_left_out {
	const char *name;
	const char *why;
};
extern const struct table_left_out store_tables_left_out[];
extern const size_t store_table_left_out_count;

/* How far a table was read; all zero: not at all. */
struct table_place {
	size_t keys; /* 0: at the beginning */
	struct db_val key[TABLE_KEY_MAX];
	char *bytes[TABLE_KEY_MAX]; /* *owned*, of texts and bytes */
};
void table_place_release(struct table_place *at);
/* Behind the last row that is there. */
void table_place_end(struct db *db, const struct table *t,
		     struct table_place *at);

/* A row's values, one a column, borrowed until it returns. */
typedef void table_row_fn(void *arg, const struct db_val *values);
/* Reads a batch behind the place, which it moves. How many rows; fewer than
 * TABLE_BATCH: that was the end, or the handle has failed. */
size_t table_read(struct db *db, const struct table *t, struct table_place *at,
		  table_row_fn *each, void *arg);
int64_t table_rows(struct db *db, const struct table *t);
/* Removes a batch from the front; how many rows. */
size_t table_remove(struct db *db, const struct table *t);
/* The highest id that it has or ever had; 0 for one without numbers. */
int64_t table_last_id(struct db *db, const struct table *t);
void table_set_last_id(struct db *db, const struct table *t, int64_t id);

size_t table_columns(const struct table *t); /* how many */
/* Adds a row to a checksum. */
void table_digest(const struct db_val *values, size_t count,
		  struct crypto_sha256 *h);

/* Rows on their way into a table, many to a statement. */
struct table_writer;
struct table_writer *table_writer_new(struct db *db, const struct table *t);
void table_writer_add(struct table_writer *w, const struct db_val *values);
/* What was added is on its way to the database, or the handle has failed. */
void table_writer_flush(struct table_writer *w);
void table_writer_free(struct table_writer *w); /* drops what was not */

#endif
