/*
 * Stores to copy: places of every kind of database, a store in which every
 * table is filled with values that are awkward to carry over, and what to
 * compare.
 */
#ifndef REUNITE_TESTS_TRANSFER_KIT_H
#define REUNITE_TESTS_TRANSFER_KIT_H

#include "contract.h"
#include "pg_server.h"
#include "store/transfer.h"

#define TK_EVENTS 2345 /* more than two batches */
#define TK_ROWS	  40

enum tk_kind { TK_SQLITE, TK_POSTGRESQL, TK_KINDS };

/* An empty place for a store. */
struct tk_place {
	enum tk_kind kind;
	char url[PG_URL_SIZE];
	struct contract_dir dir;
	struct pg_database database;
};
void tk_place_make(struct tk_place *p, enum tk_kind kind);
void tk_place_remove(struct tk_place *p);
/* The SQLite store's file. */
const char *tk_path(const struct tk_place *p);

/* A store of SQLite's with every table full. */
void tk_fill(struct tk_place *p);

/* Copies; fails the test unless it works. */
void tk_copy(const char *from, const char *to, struct transfer *out);
/* Fails the test unless it is refused so, with these words. */
void tk_refused(const char *from, const char *to, enum result why,
		const char *words);
/* The same rows, checksums and last ids in every table. */
void tk_same(const struct transfer *a, const struct transfer *b);

#endif
