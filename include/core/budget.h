/*
 * How many requests one account may be sent, and when the next one may go.
 *
 * Pure: time is a parameter, monotonic. It learns the account's limit from
 * the rate-limit headers, keeps a reserve for the account's other
 * integrations, serves lanes in order (live, review, backfill: the lower ones
 * may not spend the last of it), spends at once while there is plenty and
 * spreads the last quarter over the rest of the minute, and honours endpoint
 * limits (updating users: 1 a second per account; what their headers say; a
 * 429's Retry-After).
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

#define BUDGET_SECONDS 61 /* a minute and the second that is running */

struct budget {
	int64_t configured_per_minute; /* the account's limit; 0: learn */
	int64_t reserve_percent;
	int64_t limit;	   /* per minute, as last heard; 0: not heard yet */
	int64_t remaining; /* in this window, as last heard, less what is sent */
	int64_t window_ends_ms;
	int64_t blocked_until_ms; /* a 429 said so */
	int64_t next_update_ms;	  /* update user: one a second */
	int64_t next_ms;	  /* spacing when little is left */
	int64_t second;		  /* the newest one in taken[] */
	int64_t used;		  /* sum of taken[] */
	int32_t taken[BUDGET_SECONDS];
};
void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent);
/* Other settings; what was taken and learnt stays. */
void budget_configure(struct budget *b, int64_t per_minute,
		      int64_t reserve_percent);

/* What a rate-limited answer said; -1 where a header was absent. */
struct budget_headers {
	int64_t limit;
	int64_t remaining;
	int64_t reset_ms;	/* from now */
	int64_t retry_after_ms; /* from now, of a 429 */
	int64_t update_wait_ms; /* updating users is used up for so long */
};
/* 0: a request of this lane may go now, and has been counted; else how long
 * to wait before asking again. updates_user: counts as an update of a user. */
int64_t budget_take(struct budget *b, enum job_lane lane, bool updates_user,
		    int64_t now_ms);
void budget_learn(struct budget *b, const struct budget_headers *h,
		  int64_t now_ms);
/* What is left to us this minute (never negative); for the metric. */
int64_t budget_left(const struct budget *b, int64_t now_ms);

#endif
