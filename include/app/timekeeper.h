/*
 * What time it is, when that is not so sure: follows steps of the machine's
 * wall clock, and knows the latest time that has certainly come.
 *
 * A step, either way: runs under way keep their time, what the store has
 * planned moves along in the first operation after it (STORE_CLOCK), and
 * everybody looks again at what is due.
 *
 * A store with a clock of its own, which other daemons go by as well: it is
 * asked every few seconds, and is the loop's wall clock; the machine's does not
 * matter then, and nothing that is planned ever moves. Answers that took longer
 * than TIMEKEEPER_TRIP_MS are not believed. Should it be set (another server
 * took over), runs under way keep their time, and everybody looks again.
 *
 * The sure clock: what is removed by its age is removed by this one. It is the
 * wall clock while an answer of the APIs confirms that (their Date, within
 * TIMEKEEPER_OFF_MS); otherwise it goes on from where it stood, and never
 * beyond the wall clock. So a clock that jumps years ahead deletes nothing.
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_TIMEKEEPER_H
#define REUNITE_APP_TIMEKEEPER_H

#include "app/engine.h"

#define TIMEKEEPER_OFF_MS   (10 * 60 * 1000)
#define TIMEKEEPER_TRIP_MS  1000
#define TIMEKEEPER_LOCAL_MS (2 * 60 * 1000) /* more off: told in the log */

struct timekeeper;
/* fn: the clock was set, and the store knows; look at what is due. */
struct timekeeper *timekeeper_new(struct loop *loop, struct engine *engine,
				  loop_fn *fn, void *arg);
void timekeeper_free(struct timekeeper *t); /* NULL is allowed */
/* 0: not known yet. */
int64_t timekeeper_sure_ms(const struct timekeeper *t);

#endif
