/*
 * What time another machine has: by how much its clock is ahead of ours, from
 * answers that took a while. Pure; all times in milliseconds.
 *
 * An answer says between which two bounds that is: it was read somewhere
 * between the question and the answer. Bounds of several answers are taken
 * together, and grow further apart with time, since no two clocks go alike.
 * Bounds that have nothing in common with those of before mean that one of the
 * clocks was set: the new ones count.
 */
#ifndef REUNITE_CORE_REMOTE_CLOCK_H
#define REUNITE_CORE_REMOTE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define REMOTE_CLOCK_DRIFT 2000 /* it may go wrong by one in so many */

struct remote_clock {
	bool known;
	int64_t least_ms; /* ahead by at least, at most, so much */
	int64_t most_ms;
	int64_t at_ms; /* when that was so, by our clock */
};

/* It said said_ms to a question of asked_ms, answered at answered_ms. */
void remote_clock_learn(struct remote_clock *c, int64_t asked_ms,
			int64_t answered_ms, int64_t said_ms);
/* The middle; 0 while nothing is known. */
int64_t remote_clock_ahead_ms(const struct remote_clock *c);

#endif
