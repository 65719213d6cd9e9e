/*
 * The schema as numbered steps. A step never changes once it was released: a
 * new need is a new step. Steps run in order, each in one transaction together
 * with its number, so that an interrupted upgrade goes on where it stopped.
 */
#ifndef REUNITE_STORE_MIGRATE_H
#define REUNITE_STORE_MIGRATE_H

#include <stdbool.h>

#include "base/error.h"

/* A statement that begins with this is for SQLite alone: it moves what only
 * its older stores have. */
#define MIGRATE_EMBEDDED "/* embedded */ "

/* What the backend lends: runs one statement. */
struct migrate_db {
	enum result (*exec)(void *arg, const char *sql, struct error *err);
	void *arg;
	const char *begin; /* a transaction that writes */
	bool embedded;
};

/* The version this program reads and writes. */
int migrate_newest(void);
/* RESULT_PERM: a program as new as this one cannot work with it, or only once
 * somebody migrated it. */
MUST_CHECK enum result migrate_check(int have, bool may_migrate,
				     struct error *err);
/* From version have (0: an empty database) to the newest. */
MUST_CHECK enum result migrate_run(const struct migrate_db *db, int have,
				   struct error *err);

#endif
