/*
 * Scenarios, and one disturbed run of each after the other.
 *
 * A run that is not disturbed says how it must end; every disturbed one must
 * end the same.
 */
#ifndef REUNITE_TESTS_TORTURE_H
#define REUNITE_TESTS_TORTURE_H

#include "machine.h"

/* Disturbances that every scenario takes, and others that few do. */
enum torture_what { TORTURE_ALL, TORTURE_THOROUGH, TORTURE_PAIRS };

struct scenario {
	const char *name;
	const char *account;  /* lines of the account's section */
	const char *settings; /* the sandbox's */
	const char *people;   /* NULL: nobody is there */
	const char *sweeps;   /* sweep_every; NULL: off */
	void (*act)(struct machine *m);
	/* when it is quiet: what a person then does; NULL: nothing */
	void (*decide)(struct machine *m);
	const char *deeds;	 /* as oracle_deeds() says */
	enum torture_what takes; /* so much, and everything below it */
};
extern const struct scenario torture_scenarios[];
extern const size_t torture_scenario_count;

/* What disturbs a run. */
struct disturbance {
	struct trip trips[WIRES_TRIPS_MAX];
	size_t trip_count;
	const char *fault; /* the rest of a row of the sandbox's; or NULL */
	int fault_at;	   /* the request that it strikes, from 1 */
	bool two;	   /* nodes: see machine.h */
	int patience;	   /* as the machine's */
	bool counts;	   /* only how many merges there are must be the same */
};

/*
 * Every scenario that takes as much, disturbed at its first operation or
 * request, at its second, and so on: the numbers in d are added to that. Fails
 * the test if any run ended in another way than the undisturbed one.
 * REUNITE_TORTURE names the scenarios to play, by a part of their name.
 */
void torture(const struct disturbance *d, enum torture_what what);

#endif
