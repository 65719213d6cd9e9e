/*
 * Whether a transaction of events that could begin waits a little for more of
 * them, so that they share one sync (what PostgreSQL calls commit_delay).
 *
 * That pays only where they come fast, and come though nobody is answered. How
 * fast they come is measured. The other shows when it is tried: of few senders
 * who each wait for their answer all have come soon, and then nobody does.
 * After a wait that was in vain the next transactions do without one, twice as
 * many each time.
 *
 * Whoever writes now and then never waits: one who comes after a pause, or as
 * one of few, finds the pace too slow for it.
 *
 * Pure: time is a parameter, in microseconds of one clock.
 */
#ifndef REUNITE_CORE_COMMIT_DELAY_H
#define REUNITE_CORE_COMMIT_DELAY_H

#include <stddef.h>
#include <stdint.h>

#define COMMIT_DELAY_US	    5000 /* since the first of them came */
#define COMMIT_DELAY_ENOUGH 12	 /* so many do not wait for more */

/* All 0 at first. */
struct commit_delay {
	int64_t came_us; /* the last event */
	int64_t gap_us;	 /* between two of them, on average */
	int vain;	 /* waits, in a row */
	unsigned skip;	 /* so many transactions do not wait */
};

void commit_delay_came(struct commit_delay *d, int64_t now_us);
/* How long a transaction waits from when the first of its *count* events
 * came; 0: not at all. */
int64_t commit_delay_us(const struct commit_delay *d, size_t count);
/* A transaction begins, with so many, the first of which came at *first_us*. */
void commit_delay_ends(struct commit_delay *d, size_t count, int64_t first_us,
		       int64_t now_us);

#endif
