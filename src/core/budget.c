/*
 * Requests per minute: see budget.h.
 *
 * What cannot be known is assumed to our disadvantage: a request under way is
 * not yet in the `remaining` that was heard; of answers that overtook one
 * another the least counts; a window that does not say when it ends lasts a
 * minute from when it was last heard of.
 */
#include "budget_int.h"

enum {
	GUARD_FIRST_MS = 1000, /* before an answer was timed */
	ROUNDED_MS = 1000,     /* resets come in whole seconds */
	PROBE_MS = 2000,    /* to hear of a rest that is too small to spend */
	PLENTY_PERCENT = 5, /* is there, however fast it fell */
	DRIFT_STEP_MS = 1000,
	DRIFT_MEMORY_MS = 6000,
	SLOWEST_MEMORY_MS = 60 * 1000,
	FADE_MS = 30 * SECOND_MS,
	ENDLESS_MS = 20 * SECOND_MS, /* while no window's end is known */
	RECHECK_MS = 10 * SECOND_MS,
	LATE_MS = 5 * SECOND_MS,
};

/* Of the burst, in percent: what a lane leaves to the higher ones, for them
 * to start at once. It is what lower lanes alone cannot use. */
static const int64_t lane_leaves_percent[LANE_COUNT] = {
	[LANE_LIVE] = 0,
	[LANE_REVIEW] = 5,
	[LANE_BACKFILL] = 10,
};

/* ---- the rest ---- */

static bool rest_known(const struct budget *b, int64_t now_ms)
{
	return b->limit > 0 && now_ms < b->ends_ms;
}

/* How long it must last. */
static int64_t lasts_ms(const struct budget *b, int64_t now_ms)
{
	return max64(b->ends_ms - ROUNDED_MS - now_ms, 0);
}

static int64_t root(int64_t n)
{
	int64_t r = 0;

	while ((r + 1) * (r + 1) <= n)
		r++;
	return r;
}

/* For how long we have not heard what the others do, when what goes now
 * arrives. */
static int64_t blind_ms(const struct budget *b, int64_t now_ms)
{
	return min64(now_ms - b->heard_ms + b->slowest_ms / 2, MINUTE_MS);
}

/* What is left when all that is under way has arrived, less what the others
 * take before we could hear of it: as fast as of late. Millionths. */
static int64_t rest(const struct budget *b, int64_t now_ms)
{
	int64_t ms = min64(blind_ms(b, now_ms), lasts_ms(b, now_ms));

	return b->remaining * budget_part(b) - b->open * ONE -
	       max64(b->drift, 0) * ms;
}

/* Some more, since they do not come evenly. */
static int64_t unevenness(const struct budget *b, int64_t now_ms)
{
	int64_t blind = max64(b->drift, 0) * blind_ms(b, now_ms);

	return blind < ONE / 10 ? 0 : (1 + root(blind / ONE)) * ONE;
}

/* What the others will take until the window ends: what is missing to what
 * they took in the one before, towards the end only if they still take any;
 * or, if they took more already, as fast as of late, but not at once a
 * multiple of it. */
static int64_t others_to_come(const struct budget *b, int64_t now_ms)
{
	int64_t more = (b->others - b->others_before) * ONE;
	int64_t lasts = lasts_ms(b, now_ms);
	int64_t falls = max64(b->drift, 0) * lasts;

	if (more > 0)
		return min64(falls, 2 * more);
	return max64(min64(falls, -more),
		     -more / FADE_MS * min64(lasts, FADE_MS));
}

static int64_t rest_wait_ms(const struct budget *b, int64_t leave,
			    int64_t now_ms)
{
	int64_t left = rest(b, now_ms) - ONE - leave;
	int64_t probe_ms;

	if (!rest_known(b, now_ms) || left >= unevenness(b, now_ms))
		return 0;
	if (left < 0 &&
	    b->remaining - b->open <= b->limit * PLENTY_PERCENT / 100)
		return b->ends_ms - now_ms;
	/* one at a time, to hear more */
	probe_ms = b->taken_ms + PROBE_MS - now_ms;
	return max64(probe_ms, b->open > 0 ? PROBE_MS : 0);
}

/* ---- the pace ---- */

/* The even rate at which the rest lasts as long as it must. */
static int64_t rest_rate(const struct budget *b, int64_t now_ms)
{
	int64_t must_ms = max64(lasts_ms(b, now_ms), BUDGET_CELL_MS);
	int64_t free =
		rest(b, now_ms) - unevenness(b, now_ms) + ONE - b->tokens;
	int64_t even = max64(free, 0) / must_ms;

	if (b->turn_ends_ms > now_ms)
		return max64((free - others_to_come(b, now_ms)) / must_ms,
			     even / 8);
	even = max64(free, 0) / ENDLESS_MS;
	return max64(even - b->drift, even / 8);
}

/* While a request waited, at the rate that it was told of; a quiet time
 * counts at today's. */
void budget_refill(struct budget *b, int64_t now_ms)
{
	int64_t waited_ms = min64(max64(b->waits_ms, b->refilled_ms), now_ms);
	int64_t full = budget_burst(b) * ONE;
	int64_t rate = budget_share_rate(b, now_ms);

	if (rest_known(b, now_ms))
		rate = min64(rate, rest_rate(b, now_ms));
	b->tokens += b->rate * (waited_ms - b->refilled_ms);
	b->tokens += rate * (now_ms - waited_ms);
	b->tokens = min64(b->tokens, full);
	b->refilled_ms = now_ms;
	b->rate = rate;
}

static int64_t pace_wait_ms(const struct budget *b, int64_t leave,
			    int64_t now_ms)
{
	int64_t missing = ONE + leave - b->tokens;
	int64_t most_ms = RECHECK_MS; /* by then there may be another rate */

	if (missing <= 0)
		return 0;
	if (rest_known(b, now_ms))
		most_ms = min64(most_ms, b->ends_ms - now_ms);
	return b->rate > 0 ? min64(missing / b->rate + 1, most_ms) : most_ms;
}

static int64_t leaves(const struct budget *b, enum job_lane lane)
{
	int64_t burst = budget_burst(b);

	return min64(burst * ONE * lane_leaves_percent[lane] / 100,
		     (burst - 1) * ONE);
}

static int64_t wait_to_leave(struct budget *b, int64_t leave, int64_t now_ms)
{
	int64_t refused_ms = throttle_wait_ms(&b->refused, now_ms);
	int64_t wait_ms = budget_share_wait_ms(b, now_ms);

	budget_refill(b, now_ms);
	wait_ms = max64(wait_ms, rest_wait_ms(b, leave, now_ms));
	wait_ms = max64(wait_ms, pace_wait_ms(b, leave, now_ms));
	wait_ms = max64(wait_ms, refused_ms);
	if (wait_ms > 0)
		b->waits_ms = max64(b->waits_ms, now_ms + wait_ms);
	return wait_ms;
}

int64_t budget_wait_ms(struct budget *b, enum job_lane lane, int64_t now_ms)
{
	return wait_to_leave(b, leaves(b, lane), now_ms);
}

bool budget_has_plenty(struct budget *b, int64_t now_ms)
{
	budget_refill(b, now_ms);
	return 2 * b->tokens >= budget_burst(b) * ONE &&
	       budget_share_wait_ms(b, now_ms) == 0 &&
	       rest_wait_ms(b, 0, now_ms) == 0 &&
	       throttle_wait_ms(&b->refused, now_ms) == 0;
}

int64_t budget_jobs_max(const struct budget *b)
{
	if (b->limit == 0 && b->configured_per_minute == 0)
		return BUDGET_JOBS_MAX;
	return max64(budget_ours(b) / ONE * BUDGET_SOON_MS / MINUTE_MS, 1);
}

int64_t budget_job_wait_ms(struct budget *b, int64_t now_ms)
{
	int64_t job = min64(BUDGET_JOB_REQUESTS, budget_burst(b));

	/* its first request will ask for a part */
	if (stake_claim(&b->stake, now_ms) == 0)
		return throttle_wait_ms(&b->refused, now_ms);
	return wait_to_leave(b, budget_jobs_max(b) > 1 ? 0 : (job - 1) * ONE,
			     now_ms);
}

struct budget_pass budget_take(struct budget *b, int64_t now_ms)
{
	b->tokens -= ONE;
	budget_count(b, now_ms);
	throttle_sent(&b->refused, now_ms);
	budget_refill(b, now_ms);
	return (struct budget_pass){b->count, now_ms};
}

/* It may have been counted there, though nothing was heard. */
void budget_end(struct budget *b)
{
	b->open--;
	b->remaining--;
}

/* ---- what answers say ---- */

static void learn_limit(struct budget *b, int64_t limit)
{
	int64_t before = budget_burst(b);

	b->limit = limit;
	b->tokens += max64(budget_burst(b) - before, 0) * ONE;
}

static void learn_time(struct budget *b, int64_t took_ms, int64_t now_ms)
{
	int64_t since_ms = min64(now_ms - b->heard_ms, SLOWEST_MEMORY_MS);

	b->slowest_ms -= b->slowest_ms * since_ms / SLOWEST_MEMORY_MS;
	b->slowest_ms = max64(b->slowest_ms, took_ms);
}

/* What is more does not happen within a window. */
static int64_t leap(const struct budget *b)
{
	return max64(b->limit / 4, 2);
}

/* An answer that was overtaken by the window's turn. */
static bool outdated(const struct budget *b, const struct budget_pass *pass,
		     const struct budget_headers *h, int64_t now_ms)
{
	if (pass->sent_ms >= b->turned_ms)
		return false;
	if (h->reset_ms >= 0)
		return now_ms + h->reset_ms < b->ends_ms - MINUTE_MS / 4;
	return h->remaining + leap(b) < b->remaining;
}

/* Whether the answer is of another window than what was heard before. */
static bool turned(const struct budget *b, const struct budget_headers *h,
		   int64_t now_ms)
{
	bool fresh = b->limit - h->remaining <= b->open + 2 + b->limit / 8;

	if (h->reset_ms >= 0)
		return now_ms + h->reset_ms + ROUNDED_MS >
		       b->turn_ends_ms + 2 * ROUNDED_MS;
	return fresh && (now_ms >= b->turn_ends_ms ||
			 h->remaining > b->remaining + leap(b));
}

static void learn_low(struct budget *b, int64_t remaining, bool anew,
		      int64_t now_ms)
{
	int64_t cell = now_ms / BUDGET_CELL_MS;
	int64_t late = (now_ms - b->slowest_ms) / BUDGET_CELL_MS;
	int at = (int)(cell % BUDGET_LOW_CELLS);

	for (int i = 0; i < BUDGET_LOW_CELLS; i++)
		if (anew || b->low[i].cell < late)
			b->low[i].cell = -1;
	if (b->low[at].cell != cell || remaining < b->low[at].remaining) {
		b->low[at].cell = cell;
		b->low[at].remaining = remaining;
	}
	b->remaining = remaining;
	for (int i = 0; i < BUDGET_LOW_CELLS; i++)
		if (b->low[i].cell >= 0)
			b->remaining = min64(b->remaining, b->low[i].remaining);
}

static void learn_ends(struct budget *b, int64_t reset_ms, bool anew,
		       int64_t now_ms)
{
	if (anew) {
		b->turned_ms = now_ms;
		b->turn_ends_ms = now_ms + MINUTE_MS;
	}
	if (reset_ms >= 0)
		b->turn_ends_ms =
			now_ms + min64(reset_ms, MINUTE_MS) + ROUNDED_MS;
	b->ends_ms =
		b->turn_ends_ms > now_ms ? b->turn_ends_ms : now_ms + MINUTE_MS;
}

static void learn_drift(struct budget *b, const struct budget_pass *pass,
			int64_t remaining, bool anew)
{
	int64_t fell = (b->drift_remaining - remaining) * budget_part(b) -
		       (pass->nth - b->drift_nth) * ONE;
	int64_t step_ms = pass->sent_ms - b->drift_ms;

	if (!anew && step_ms < DRIFT_STEP_MS)
		return;
	if (!anew)
		b->drift += (fell / step_ms - b->drift) * step_ms /
			    (step_ms + DRIFT_MEMORY_MS);
	b->drift_remaining = remaining;
	b->drift_nth = pass->nth;
	b->drift_ms = pass->sent_ms;
}

/* What is missing to the limit in the first answer of a window, but for what
 * of ours was under way. In one that is not quite new, siblings may have taken
 * it. */
static int64_t others_so_far(const struct budget *b, int64_t remaining,
			     int64_t now_ms)
{
	int64_t missing = (b->limit - remaining) * budget_part(b) / ONE;

	if (b->stake.shared && now_ms - b->heard_ms >= LATE_MS)
		return 0;
	return max64(missing - b->open - 1, 0);
}

static void learn_others(struct budget *b, const struct budget_pass *pass,
			 int64_t remaining, bool anew, int64_t now_ms)
{
	int64_t fell;

	if (anew) {
		b->others_before = b->others;
		b->others = others_so_far(b, remaining, now_ms);
		b->others_first = b->others;
		b->others_remaining = remaining;
		b->others_nth = pass->nth;
	}
	fell = (b->others_remaining - remaining) * budget_part(b) / ONE -
	       (pass->nth - b->others_nth);
	if (pass->sent_ms >= b->turned_ms)
		b->others = max64(b->others, b->others_first + fell);
}

void budget_learn(struct budget *b, const struct budget_pass *pass,
		  const struct budget_headers *h, int64_t now_ms)
{
	bool anew;

	learn_time(b, now_ms - pass->sent_ms, now_ms);
	if (h->limit > 0)
		learn_limit(b, h->limit);
	if (h->remaining >= 0 && !outdated(b, pass, h, now_ms)) {
		anew = turned(b, h, now_ms);
		learn_low(b, h->remaining, anew, now_ms);
		learn_ends(b, h->reset_ms, anew, now_ms);
		learn_drift(b, pass, h->remaining, anew);
		learn_others(b, pass, h->remaining, anew, now_ms);
	}
	b->heard_ms = now_ms;
	budget_refill(b, now_ms);
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

void budget_told_refused(struct budget *b, int64_t until_ms, int64_t now_ms)
{
	throttle_told(&b->refused, until_ms, now_ms);
}

int64_t budget_left(const struct budget *b, int64_t now_ms)
{
	int64_t n = budget_share_free(b, now_ms) / ONE;

	if (throttle_wait_ms(&b->refused, now_ms) > 0)
		return 0;
	if (rest_known(b, now_ms))
		n = min64(n, rest(b, now_ms) / ONE);
	return max64(n, 0);
}

int64_t budget_per_minute(const struct budget *b, enum job_lane lane)
{
	return max64(budget_allowance(b) - leaves(b, lane) / ONE, 1);
}

/* ---- life ---- */

void budget_init(struct budget *b, int64_t per_minute, int64_t reserve_percent)
{
	*b = (struct budget){.slowest_ms = GUARD_FIRST_MS};
	budget_configure(b, per_minute, reserve_percent);
	b->tokens = budget_burst(b) * ONE;
}

void budget_configure(struct budget *b, int64_t per_minute,
		      int64_t reserve_percent)
{
	b->configured_per_minute = max64(per_minute, 0);
	b->reserve_percent = min64(max64(reserve_percent, 0), 100);
}
