/*
 * How many requests one account may be sent, and when the next one may go.
 *
 * Pure: time is a parameter. It learns the account's limit from the
 * rate-limit headers, keeps a reserve for the account's other integrations,
 * spreads what is left over the minute, serves lanes in order (live, review,
 * backfill), and honours endpoint limits (updating users: 1 a second per
 * account, 5 a minute per user; a 429's Retry-After).
 */
#ifndef REUNITE_CORE_BUDGET_H
#define REUNITE_CORE_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"

struct budget {
	int64_t configured_per_minute; /* 0: learn */
	int64_t reserve_percent;
	int64_t limit;     /* per minute, as last heard; 0: not heard yet */
	int64_t remaining; /* in this window, as last heard, less what is sent */
	int64_t window_ends_ms;
	int64_t blocked_until_ms; /* a 429 said so */
	int64_t next_update_ms;   /* update user: one a second */
	int64_t next_ms;          /* spacing when little is left */
};
void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent);

/* What a rate-limited answer said; -1 where a header was absent. */
struct budget_headers {
	int64_t limit;
	int64_t remaining;
	int64_t reset_ms;       /* from now */
	int64_t retry_after_ms; /* from now, of a 429 */
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
