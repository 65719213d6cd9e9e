/*
 * The whole machine on one loop: the sandbox, and the lives of one daemon
 * (intake behind its listener, store, engine, sweeper) that webhooks reach
 * over loopback. Time is virtual; see virtual_time.h and wires.h.
 *
 * Or two nodes over one store: the first daemon has a loop of its own, and when
 * it is stopped (a trip of wires.h) another one begins beside it and gets the
 * webhooks; the first one goes on once the other has nothing to do, or has
 * done so much.
 */
#ifndef REUNITE_TESTS_MACHINE_H
#define REUNITE_TESTS_MACHINE_H

#include "app/engine.h"
#include "app/intake.h"
#include "app/sweeper.h"
#include "sandbox/sandbox.h"
#include "wires.h"

#define MACHINE_PATIENCE_MS (4 * 3600 * 1000) /* until it must be quiet */

struct json_t;

/* A daemon's. */
struct life {
	struct machine *m;
	struct loop *loop;
	struct engine *engine;
	struct sweeper *sweeper;
	struct intake *intake;
	struct http_server *server;
	bool ending;
};

struct machine {
	struct loop *loop; /* the sandbox's; the daemon's, if it is alone */
	struct loop *own;  /* the first of two daemons'; or NULL */
	struct sandbox *sandbox;
	struct http_client *control; /* for the sandbox's endpoints */
	char dir[64];
	char conf[96];
	char store[96];
	struct life first;
	struct life other; /* engine NULL: not there */
	int patience; /* what the other one does until the first goes on; 0:
			 everything */
	struct sqlite3 *peek; /* beside all of it */
};

/* sweeps: sweep_every. account: more lines of its section. settings: the sandbox's, JSON with ' in
 * place of ". */
void machine_start(struct machine *m, const char *sweeps, const char *account,
		   const char *settings, const struct trip *trips,
		   size_t trip_count, bool two);
void machine_stop(struct machine *m);
/* The engine that people's commands go to: the other one's, once it is there. */
struct engine *machine_engine(const struct machine *m);

/* A request to a control endpoint, body as above; its answer: *new*. */
struct json_t *machine_control(struct machine *m, const char *name,
			       const char *body);
/* Runs the loop until nothing is left to do but to wait for people; false: it
 * went on for longer than MACHINE_PATIENCE_MS. */
bool machine_settle(struct machine *m);
/* Runs the loop for so long. */
void machine_pass(struct machine *m, int64_t delay_ms);
/* An operation on the store, beside the machine; no trip hits it. */
enum result machine_do(const struct machine *m, struct store_op *op);
/* One through the machine's own queue, as the admin API would send it. */
enum result machine_submit(struct machine *m, struct store_op *op);

#endif
