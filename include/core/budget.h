/*
 * How many requests one account may be sent, and when the next one may go.
 *
 * Pure: time is a parameter, monotonic. It learns the account's limit from
 * the rate-limit headers, keeps a reserve for the account's other
 * integrations, serves lanes in order (live, review, backfill: the lower ones
 * may not spend the last of it), spends at once while there is plenty and
 * spreads the last quarter over the rest of the minute, and obeys refusals
 * (core/throttle.h). Endpoints have limits of their own: core/endpoint.h.
 *
 * Invariant: in any 60 seconds at most the allowance is taken, that is the
 * limit (the smaller of the configured and the heard one, 60 while neither is
 * known) less the reserve, but never less than 1.
 */
#ifndef REUNITE_CORE_BUDGET_H
#define REUNITE_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"
#include "core/throttle.h"

#define BUDGET_SECONDS 61 /* a minute and the second that is running */

struct budget {
	int64_t configured_per_minute; /* the account's limit; 0: learn */
	int64_t reserve_percent;
	int64_t limit;	   /* per minute, as last heard; 0: not heard yet */
	int64_t remaining; /* in this window, as last heard, less what is sent */
	int64_t window_ends_ms;
	struct throttle refused;
	int64_t next_ms; /* spacing when little is left */
	int64_t second;	 /* the newest one in taken[] */
	int64_t used;	 /* sum of taken[] */
	int32_t taken[BUDGET_SECONDS];
};
void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent);
/* Other settings; what was taken and learnt stays. */
void budget_configure(struct budget *b, int64_t per_minute,
		      int64_t reserve_percent);

/* What an answer said of the account's limit; -1 where it did not. */
struct budget_headers {
	int64_t limit;
	int64_t remaining;
	int64_t reset_ms; /* from now */
};
#define BUDGET_UNTOLD ((struct budget_headers){-1, -1, -1})
/* 0: a request of this lane may go now; else how long to wait before asking
 * again. */
int64_t budget_wait_ms(const struct budget *b, enum job_lane lane,
		       int64_t now_ms);
/* It goes now. */
void budget_take(struct budget *b, int64_t now_ms);
/* A 429 of the account. told_ms: for how long, -1: not told. */
void budget_refused(struct budget *b, int64_t told_ms, uint32_t random,
		    int64_t now_ms);
void budget_passed(struct budget *b, int64_t now_ms);
void budget_learn(struct budget *b, const struct budget_headers *h,
		  int64_t now_ms);
/* So many requests a minute a lane may have at most, as far as is known. */
int64_t budget_per_minute(const struct budget *b, enum job_lane lane);
/* What is left to us this minute (never negative); for the metric. */
int64_t budget_left(const struct budget *b, int64_t now_ms);

#endif
