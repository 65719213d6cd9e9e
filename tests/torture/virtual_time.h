/*
 * The process's own clock: it stands still while there is something to do,
 * and leaps to the next timer when there is not. Nobody waits.
 *
 * The loop's wait (epoll_wait) is where time passes; files are not synced to a
 * disk, which takes time, too.
 *
 * There may be a second loop: the inner one turns while the outer one, which
 * runs, has nothing to do, and time passes in it. So the outer one can be
 * stopped in the middle of a callback, as a signal would stop a process: what
 * it does stands still, and the inner one goes on.
 */
#ifndef REUNITE_TESTS_VIRTUAL_TIME_H
#define REUNITE_TESTS_VIRTUAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* The wall clock starts anew; the monotonic one goes on. */
void virtual_time_start(void);
/* While it says true another thread works for the loop: no leap. */
void virtual_time_while(bool (*busy)(void));
/* inner NULL: there is one loop. */
void virtual_time_loops(struct loop *outer, struct loop *inner);
/* From inside a callback of the outer loop: calls begin() and runs the inner
 * one, until somebody stops that and it is over. */
void virtual_time_stand_still(void (*begin)(void *arg), void *arg,
			      const bool *over);
/* Is what runs now of the inner loop? */
bool virtual_time_inside(void);
bool virtual_time_stands_still(void); /* the outer one does */
/* Since it started. */
int64_t virtual_time_ms(void);

#endif
