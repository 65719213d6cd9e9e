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

struct table_column {
	const char *name;
	int type; /* DB_INT, DB_TEXT or DB_BLOB */
};

struct table {
	const char *name;
	const struct table_column *columns; /* those of its key first */
	size_t count;
	size_t keys;
	bool numbered; /* the database gives the ids, each once */
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
	bool begun;
	struct db_val key[TABLE_KEY_MAX]; /* texts and bytes are *owned* */
};
void table_place_release(struct table_place *at);
/* Behind the last row that is there. */
void table_place_end(struct db *db, const struct table *t,
		     struct table_place *at);

/* A row's values, borrowed until it returns. */
typedef void table_row_fn(void *arg, const struct db_val *values);
/* Reads a batch behind the place, which it moves. How many rows; fewer than
 * TABLE_BATCH: that was the end, or it failed. */
size_t table_read(struct db *db, const struct table *t, struct table_place *at,
		  table_row_fn *each, void *arg);
int64_t table_rows(struct db *db, const struct table *t);
/* Removes a batch from the front; false: there is none left. */
bool table_remove(struct db *db, const struct table *t);
/* The highest id that it has or ever had; 0 for a table without numbers. */
int64_t table_last_id(struct db *db, const struct table *t);

/* Adds a row to a checksum. Texts that are no UTF-8 have been made so. */
void table_digest(const struct table *t, const struct db_val *values,
		  struct crypto_sha256 *h);

/* Rows on their way into a table, many to a statement. */
struct table_writer;
struct table_writer *table_writer_new(struct db *db, const struct table *t);
void table_writer_add(struct table_writer *w, const struct db_val *values);
/* What was added is in the database, or the handle has failed. */
void table_writer_flush(struct table_writer *w);
void table_writer_free(struct table_writer *w); /* drops what was not */

#endif
