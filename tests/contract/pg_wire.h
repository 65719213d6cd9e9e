/*
 * A wire between a store and the test program's PostgreSQL server, which can
 * be cut at the moments that matter.
 */
#ifndef REUNITE_TESTS_PG_WIRE_H
#define REUNITE_TESTS_PG_WIRE_H

#include <stdbool.h>

#include "pg_server.h"

enum pg_wire_cut {
	PG_WIRE_WHOLE,
	PG_WIRE_CUT_BEFORE, /* "COMMIT" does not get there */
	PG_WIRE_CUT_LATE,   /* it does after a while, when the wire is cut */
	PG_WIRE_CUT_AFTER,  /* "COMMIT", the server's answer, is lost */
};

struct pg_wire;
/* url: to the same database through the wire; PG_URL_SIZE bytes. */
struct pg_wire *pg_wire_new(const struct pg_database *d, char *url);
void pg_wire_free(struct pg_wire *w);
/* The next such moment cuts every connection, and then the wire is whole
 * again; unless *for_good*: then nobody gets through until it is armed anew. */
void pg_wire_arm(struct pg_wire *w, enum pg_wire_cut cut, bool for_good);
/* How often it was cut. */
int pg_wire_cuts(struct pg_wire *w);

#endif
