/*
 * Between the machine and its store and APIs: everything that passes is
 * numbered, and the nth can be made to fail, or to be the machine's last.
 *
 * The linker puts it there (--wrap): store_open(), storeq_submit() and
 * http_client_send() of everybody in the process. Requests to the sandbox's
 * control endpoints and webhooks pass as they are.
 */
#ifndef REUNITE_TESTS_WIRES_H
#define REUNITE_TESTS_WIRES_H

#include <stdbool.h>
#include <stddef.h>

#include "net/loop.h"

#define WIRES_TRIPS_MAX 2

/* What happens to the nth operation of the store, or request. */
enum trip_kind {
	TRIP_NONE,
	/* the store */
	TRIP_STORE_REFUSED,	/* it fails, without effect */
	TRIP_STORE_UNCOMMITTED, /* with its whole transaction */
	TRIP_STORE_UNANSWERED,	/* it is done, but seems to have failed */
	TRIP_STORE_DIES_BEFORE, /* the process ends before it is done */
	TRIP_STORE_DIES_AFTER,
	TRIP_STORE_STOPS_BEFORE, /* the process stands still for long */
	TRIP_STORE_STOPS_AFTER,	 /* it is done, and not told yet */
	/* requests: what the sandbox can do to them is its own business */
	TRIP_HTTP_REFUSED,     /* nobody listens */
	TRIP_HTTP_DIES_BEFORE, /* the process ends before it is sent */
	TRIP_HTTP_DIES_SOON,   /* when it has been sent */
	TRIP_HTTP_DIES_AFTER,  /* when its answer is there */
	TRIP_HTTP_STOPS_BEFORE,
	TRIP_HTTP_STOPS_CHECKED, /* likewise, but nothing more is asked before
				    it is sent: the last moment */
	TRIP_HTTP_STOPS_SOON,	 /* when it has been sent */
	TRIP_HTTP_STOPS_AFTER,	 /* when its answer is there */
};
struct trip {
	enum trip_kind kind;
	int at; /* from 1 */
	int of; /* counts only operations of this kind + 1; 0: of all */
	bool tripped;
};

/* Everything from the beginning. stops is called when the machine is to stand
 * still, and returns when it goes on. Of two lives (virtual_time_loops()) only
 * what the one on the outer loop does is counted and disturbed. dies is called on the loop when the machine
 * is to end: from then on nothing passes, until wires_revive(). */
void wires_start(struct loop *loop, const struct trip *trips, size_t count,
		 loop_fn *dies, loop_fn *stops, void *arg);
void wires_stop(void);
void wires_revive(void);
bool wires_tripped(size_t i);
/* Calls fn when the life on the inner loop has done so much more, of both. */
void wires_tell_at(int more, loop_fn *fn, void *arg);
int wires_stored(void); /* operations so far */
int wires_asked(void);	/* requests so far */
/* What the first trip hit, for messages. */
const char *wires_hit(void);

#endif
