/*
 * A PostgreSQL server of the test program's own: the newest that is installed,
 * on a temporary folder and a Unix socket in it. The first call starts it; it
 * ends, and its folder goes, when the program ends in whatever way. As root it
 * runs as the user "postgres", since PostgreSQL refuses root. It does not sync
 * to the disk.
 *
 * All fail the test when something is wrong.
 */
#ifndef REUNITE_TESTS_PG_SERVER_H
#define REUNITE_TESTS_PG_SERVER_H

#include <stddef.h>

#define PG_URL_SIZE 192

struct pg_database {
	char name[32];
	char url[PG_URL_SIZE]; /* what store_open() takes */
};

/* A new, empty database; *like* names another as which it begins, with nobody
 * connected, or is NULL. */
void pg_database_make(struct pg_database *d, const char *like);
/* Whoever is still connected is thrown out. */
void pg_database_drop(struct pg_database *d);

/* Statements, beside whoever uses it. */
void pg_database_sql(const struct pg_database *d, const char *text);
/* A query's first value as text, "" for NULL or no row; *new*. */
char *pg_database_value(const struct pg_database *d, const char *query);

/* The server's socket folder, which is what libpq takes as host. */
const char *pg_server_host(void);

#endif
