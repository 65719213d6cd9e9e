/*
 * The process's own clock: it stands still while there is something to do,
 * and leaps to the next timer when there is not. Nobody waits.
 *
 * The loop must be the only one of the process. Its wait (epoll_wait) is where
 * time passes; files are not synced to a disk, which takes time, too.
 */
#ifndef REUNITE_TESTS_VIRTUAL_TIME_H
#define REUNITE_TESTS_VIRTUAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* The wall clock starts anew; the monotonic one goes on. */
void virtual_time_start(void);
/* While it says true another thread works for the loop: no leap. */
void virtual_time_while(bool (*busy)(void));
/* Since it started. */
int64_t virtual_time_ms(void);

#endif
