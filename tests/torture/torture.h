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
	bool thorough;	   /* every disturbance, not only the usual ones */
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

/* Every scenario (only the thorough ones, if asked), disturbed at its first
 * operation or request, at its second, and so on; fails the test if any run
 * ended in another way than the undisturbed one. The numbers in d are added
 * to that. REUNITE_TORTURE names the scenarios to play, by a part of their name. */
void torture_all(const struct disturbance *d, bool thorough);

#endif
