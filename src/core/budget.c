/*
 * Requests per minute: a sliding count of what was sent, and what the
 * account's own counter says.
 *
 * Two limits hold at once. The sliding count (one cell a second) keeps our
 * own requests within the allowance in any 60 seconds. The account's counter,
 * as heard in the headers, keeps the reserve free when other integrations
 * spend too; it is forgotten at the end of its window.
 *
 * What cannot be known is assumed to our disadvantage: a window without a
 * reset header lasts 60 s from when it was first heard of, and within one
 * window `remaining` only falls (answers overtake one another).
 */
#include "core/budget.h"

#include <string.h>

enum {
	MINUTE_MS = 60 * 1000,
	SECOND_MS = 1000,
	UNKNOWN_LIMIT = 60,
	WINDOW_SLACK_MS = 2000, /* resets come in whole seconds */
};

/* How much of the allowance a lane may use, so that the next higher one
 * always finds some. */
static const int64_t lane_percent[LANE_COUNT] = {
	[LANE_LIVE] = 100,
	[LANE_REVIEW] = 90,
	[LANE_BACKFILL] = 70,
};

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent)
{
	*b = (struct budget){0};
	budget_configure(b, per_minute, reserve_percent);
}

void budget_configure(struct budget *b, int64_t per_minute,
		      int64_t reserve_percent)
{
	b->configured_per_minute = max64(per_minute, 0);
	b->reserve_percent = min64(max64(reserve_percent, 0), 100);
}

static int64_t reserve_of(const struct budget *b, int64_t limit)
{
	return (limit * b->reserve_percent + 99) / 100;
}

static int64_t allowance(const struct budget *b)
{
	int64_t limit = b->limit > 0 ? b->limit : UNKNOWN_LIMIT;

	if (b->configured_per_minute > 0)
		limit = b->limit > 0 ? min64(b->configured_per_minute, limit)
				     : b->configured_per_minute;
	return max64(limit - reserve_of(b, limit), 1);
}

static int64_t lane_allowance(const struct budget *b, enum job_lane lane)
{
	return max64(allowance(b) * lane_percent[lane] / 100, 1);
}

/* Drops the cells that are a minute old. */
static void roll(struct budget *b, int64_t now_ms)
{
	int64_t now_s = now_ms / SECOND_MS;

	if (now_s - b->second >= BUDGET_SECONDS) {
		memset(b->taken, 0, sizeof(b->taken));
		b->used = 0;
		b->second = now_s;
	}
	while (b->second < now_s) {
		int32_t *cell = &b->taken[++b->second % BUDGET_SECONDS];

		b->used -= *cell;
		*cell = 0;
	}
}

/* How long until at most max of the requests taken are younger than a
 * minute; 0 if that is so now. Rolled. */
static int64_t own_wait(const struct budget *b, int64_t max, int64_t now_ms)
{
	int64_t used = b->used;

	for (int64_t s = b->second - BUDGET_SECONDS + 1; s <= b->second; s++) {
		if (used <= max)
			break;
		used -= s < 0 ? 0 : b->taken[s % BUDGET_SECONDS];
		if (used <= max)
			return (s + BUDGET_SECONDS) * SECOND_MS - now_ms;
	}
	return 0;
}

static bool window_open(const struct budget *b, int64_t now_ms)
{
	return b->limit > 0 && now_ms < b->window_ends_ms;
}

/* What the lane may take of what the account's counter leaves. */
static int64_t heard_left(const struct budget *b, enum job_lane lane)
{
	return b->remaining - reserve_of(b, b->limit) -
	       (allowance(b) - lane_allowance(b, lane));
}

static int64_t left(const struct budget *b, enum job_lane lane, int64_t now_ms)
{
	int64_t n = lane_allowance(b, lane) - b->used;

	if (window_open(b, now_ms))
		n = min64(n, heard_left(b, lane));
	return max64(n, 0);
}

static int64_t lane_wait(const struct budget *b, enum job_lane lane,
			 int64_t now_ms)
{
	int64_t wait = own_wait(b, lane_allowance(b, lane) - 1, now_ms);

	if (window_open(b, now_ms) && heard_left(b, lane) <= 0)
		wait = max64(wait, b->window_ends_ms - now_ms);
	return wait;
}

/* The last quarter is spread until something comes back: the oldest request
 * turns a minute old, or the account's window ends. */
static void space_out(struct budget *b, int64_t now_ms)
{
	int64_t n = left(b, LANE_LIVE, now_ms);
	int64_t relief;

	if (n * 4 > allowance(b))
		return;
	if (n == allowance(b) - b->used)
		relief = own_wait(b, b->used - 1, now_ms);
	else
		relief = b->window_ends_ms - now_ms;
	b->next_ms = now_ms + relief / (n + 1);
}

int64_t budget_wait_ms(const struct budget *b, enum job_lane lane,
		       int64_t now_ms)
{
	struct budget now = *b;
	int64_t wait;

	roll(&now, now_ms);
	wait = max64(throttle_wait_ms(&b->refused, now_ms),
		     b->next_ms - now_ms);
	return max64(wait, lane_wait(&now, lane, now_ms));
}

void budget_take(struct budget *b, int64_t now_ms)
{
	roll(b, now_ms);
	b->taken[b->second % BUDGET_SECONDS]++;
	b->used++;
	b->remaining--;
	throttle_sent(&b->refused, now_ms);
	space_out(b, now_ms);
}

void budget_refused(struct budget *b, int64_t told_ms, uint32_t random,
		    int64_t now_ms)
{
	throttle_refused(&b->refused, told_ms, random, now_ms);
}

void budget_passed(struct budget *b, int64_t now_ms)
{
	throttle_passed(&b->refused, now_ms);
}

static void learn_remaining(struct budget *b, const struct budget_headers *h,
			    int64_t now_ms)
{
	bool fresh = now_ms >= b->window_ends_ms;
	int64_t ends = now_ms + (h->reset_ms >= 0 ? h->reset_ms : MINUTE_MS);

	if (h->reset_ms >= 0)
		fresh = fresh || ends > b->window_ends_ms + WINDOW_SLACK_MS;
	else
		fresh = fresh || h->remaining > b->remaining + b->limit / 4;
	b->remaining = fresh ? h->remaining : min64(b->remaining, h->remaining);
	if (fresh || h->reset_ms >= 0)
		b->window_ends_ms = ends;
	if (fresh)
		b->next_ms = 0;
}

void budget_learn(struct budget *b, const struct budget_headers *h,
		  int64_t now_ms)
{
	if (h->limit > b->limit)
		b->next_ms = 0;
	if (h->limit > 0)
		b->limit = h->limit;
	if (h->remaining >= 0)
		learn_remaining(b, h, now_ms);
}

int64_t budget_per_minute(const struct budget *b, enum job_lane lane)
{
	return lane_allowance(b, lane);
}

int64_t budget_left(const struct budget *b, int64_t now_ms)
{
	struct budget now = *b;

	roll(&now, now_ms);
	if (throttle_wait_ms(&b->refused, now_ms) > 0)
		return 0;
	return left(&now, LANE_LIVE, now_ms);
}
