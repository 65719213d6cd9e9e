/*
 * Scenarios, and one disturbed run of each after the other.
 *
 * A run that is not disturbed says how it must end; every disturbed one must
 * end the same.
 */
#ifndef REUNITE_TESTS_TORTURE_H
#define REUNITE_TESTS_TORTURE_H

#include "machine.h"

struct scenario {
	const char *name;
	const char *account;  /* lines of the account's section */
	const char *settings; /* the sandbox's */
	const char *people;   /* NULL: nobody is there */
	void (*act)(struct machine *m);
	/* when it is quiet: what a person then does; NULL: nothing */
	void (*decide)(struct machine *m);
	const char *deeds; /* as oracle_deeds() says */
};
extern const struct scenario torture_scenarios[];
extern const size_t torture_scenario_count;

/* What disturbs a run. */
struct disturbance {
	struct trip trips[WIRES_TRIPS_MAX];
	size_t trip_count;
	/* rows of the sandbox's faults, NULL: none; %d is replaced by how many
	 * requests pass first */
	const char *fault;
	int fault_at; /* from 1 */
};

/* The undisturbed end. */
struct torture {
	const struct scenario *scenario;
	char *picture;
	int stored; /* operations that it took */
	int asked;  /* requests */
	int most;   /* of either */
	int runs;   /* disturbed ones, so far */
	int wrong;
};
void torture_begin(struct torture *t, const struct scenario *s);
void torture_end(struct torture *t); /* fails the test if any went wrong */
/* One disturbed run; false: nothing disturbed it any more, or not all. */
bool torture_run(struct torture *t, const struct disturbance *d);

#endif
