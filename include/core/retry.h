/*
 * When to try again after a failure, and when to give up. Pure: the random
 * number is a parameter.
 */
#ifndef REUNITE_CORE_RETRY_H
#define REUNITE_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define RETRY_FIRST_MS	 1000
#define RETRY_LONGEST_MS (10 * 60 * 1000)
/* Limits tell how long to wait, and hold requests back themselves: a job that
 * often came in vain must not wait on when they are free. */
#define RETRY_RATE_LONGEST_MS (60 * 1000)
#define RETRY_TOLD_MAX_MS     (60 * 60 * 1000) /* a wrong date must not stop us */
#define RETRY_HOLD_MS	      (60 * 1000) /* between probes of a held account */
#define RETRY_PERM_TRIES      5
#define RETRY_LOOK_FIRST_MS   15000

/*
 * attempts: failures in a row, this one included (>= 1). Exponential, with
 * full jitter over the upper half; never below what a 429 told us (told_ms,
 * -1: nothing), as far as that is within reason. random: 32 random bits.
 */
int64_t retry_delay_ms(enum result why, int attempts, int64_t told_ms,
		       uint32_t random);
/* What will not work however often it is tried ends after some tries; what
 * may work later never ends: nothing accepted is lost. */
bool retry_gives_up(enum result why, int attempts);

/* Between two looks of a waiting job (looks: how many were there): seldom,
 * since events wake it earlier; three times as long each time, jittered by a
 * tenth either way. */
int64_t retry_wait_ms(int looks, uint32_t random);

#endif
