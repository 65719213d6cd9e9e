/*
 * The share: see budget.h. What was sent is counted in cells; how much of a
 * minute is ours, and will be, is the stake's (core/stake.h).
 */
#include "budget_int.h"

#include <string.h>

enum {
	UNKNOWN_LIMIT = 200, /* the smallest plan that has messaging */
	GUARD_MIN_MS = 250,
	GUARD_MAX_MS = 2500,
	PLAN_MIN_MS = 2000,    /* what is nearer the hard limits take care of */
	SETTLE_MS = SECOND_MS, /* by then our part may be another */
};

int64_t budget_allowance(const struct budget *b)
{
	int64_t limit = b->limit > 0 ? b->limit : UNKNOWN_LIMIT;

	if (b->configured_per_minute > 0)
		limit = b->limit > 0 ? min64(b->configured_per_minute, limit)
				     : b->configured_per_minute;
	return max64(limit - (limit * b->reserve_percent + 99) / 100, 1);
}

/* What we may send a minute as things are, in millionths. */
int64_t budget_ours(const struct budget *b)
{
	return budget_allowance(b) *
	       (b->stake.shared ? b->stake.claim : STAKE_ONE);
}

int64_t budget_burst(const struct budget *b)
{
	int64_t most = max64(budget_ours(b) / ONE, 1);
	int64_t share = most * BUDGET_BURST_PERCENT / 100;

	if (b->limit == 0 && b->configured_per_minute == 0)
		share = 0;
	return min64(max64(share, BUDGET_JOB_REQUESTS), most);
}

/* By how much two requests may differ on their way there: half of the time
 * that answers take. */
static int64_t guard_ms(const struct budget *b)
{
	return min64(max64(b->slowest_ms / 2, GUARD_MIN_MS), GUARD_MAX_MS);
}

/* The first cell that still counts. */
int64_t budget_oldest_cell(const struct budget *b, int64_t now_ms)
{
	int64_t oldest = (now_ms - MINUTE_MS - guard_ms(b)) / BUDGET_CELL_MS;

	return max64(oldest, b->cell - BUDGET_CELLS + 1);
}

int64_t budget_in_cell(const struct budget *b, int64_t cell)
{
	return cell < 0 || cell > b->cell ? 0 : b->taken[cell % BUDGET_CELLS];
}

int64_t budget_used_since(const struct budget *b, int64_t cell)
{
	int64_t sum = 0;

	for (int64_t c = cell; c <= b->cell; c++)
		sum += budget_in_cell(b, c);
	return sum;
}

int64_t budget_used(const struct budget *b, int64_t now_ms)
{
	return budget_used_since(b, budget_oldest_cell(b, now_ms));
}

/* When what was sent in the cell no longer counts. */
int64_t budget_cell_ends_ms(const struct budget *b, int64_t cell)
{
	return (cell + 1) * BUDGET_CELL_MS + MINUTE_MS + guard_ms(b);
}

static int64_t ahead_in(const struct budget_ahead *a, int64_t cell)
{
	return cell > a->now_cell ? a->claim : stake_in(&a->b->stake, cell);
}

static int64_t ahead_share(const struct budget_ahead *a)
{
	return budget_allowance(a->b) * a->sum / STAKE_MINUTE;
}

/* What may be sent at this moment, in millionths. */
int64_t budget_share_free(const struct budget *b, int64_t now_ms)
{
	int64_t sum = stake_sum(&b->stake, now_ms / BUDGET_CELL_MS);

	return budget_allowance(b) * sum / STAKE_MINUTE -
	       budget_used(b, now_ms) * ONE;
}

struct budget_ahead budget_ahead(const struct budget *b, int64_t now_ms)
{
	struct budget_ahead a = {
		.b = b,
		.claim = stake_claim(&b->stake, now_ms),
		.now_cell = now_ms / BUDGET_CELL_MS,
		.cell = budget_oldest_cell(b, now_ms),
	};
	int64_t now_share = budget_share_free(b, now_ms);

	a.at = budget_cell_ends_ms(b, a.cell) / BUDGET_CELL_MS;
	for (int64_t c = a.at - STAKE_MINUTE + 1; c <= a.at; c++)
		a.sum += ahead_in(&a, c);
	a.free = ahead_share(&a) - budget_used(b, now_ms) * ONE;
	a.shrinks = a.free < now_share;
	return a;
}

void budget_ahead_next(struct budget_ahead *a)
{
	int64_t before = ahead_share(a);

	a->free += budget_in_cell(a->b, a->cell) * ONE;
	a->cell++;
	a->at++;
	a->sum += ahead_in(a, a->at) - ahead_in(a, a->at - STAKE_MINUTE);
	a->free += ahead_share(a) - before;
	a->shrinks = ahead_share(a) < before;
}

/* The last one that can change anything. */
static int64_t ahead_last(const struct budget_ahead *a)
{
	return a->b->stake.shared ? a->now_cell : a->b->cell;
}

/* Whether another one would be too many for what we hold later. */
static bool later_full(const struct budget *b, int64_t now_ms)
{
	struct budget_ahead a;

	if (!b->stake.shared)
		return false;
	for (a = budget_ahead(b, now_ms); a.cell <= a.now_cell;
	     budget_ahead_next(&a))
		if (a.free < ONE)
			return true;
	return false;
}

/* How long until one more may be sent; 0: now. */
int64_t budget_share_wait_ms(const struct budget *b, int64_t now_ms)
{
	struct budget_ahead a;

	if (budget_share_free(b, now_ms) >= ONE)
		return later_full(b, now_ms) ? STAKE_CELL_MS : 0;
	for (a = budget_ahead(b, now_ms); a.cell <= ahead_last(&a);
	     budget_ahead_next(&a))
		if (a.free + budget_in_cell(b, a.cell) * ONE >= ONE)
			return max64(budget_cell_ends_ms(b, a.cell) - now_ms,
				     1);
	return SETTLE_MS;
}

void budget_count(struct budget *b, int64_t now_ms)
{
	int64_t cell = now_ms / BUDGET_CELL_MS;

	if (cell - b->cell >= BUDGET_CELLS) {
		memset(b->taken, 0, sizeof(b->taken));
		b->cell = cell;
	}
	while (b->cell < cell)
		b->taken[++b->cell % BUDGET_CELLS] = 0;
	b->taken[b->cell % BUDGET_CELLS]++;
	b->count++;
	b->open++;
	b->taken_ms = now_ms;
}

/* The highest even rate that never meets the share. */
int64_t budget_share_rate(const struct budget *b, int64_t now_ms)
{
	int64_t rate = budget_ours(b) / MINUTE_MS * BUDGET_PACE_PERCENT / 100;
	struct budget_ahead a;

	for (a = budget_ahead(b, now_ms); a.cell <= ahead_last(&a);
	     budget_ahead_next(&a)) {
		int64_t in_ms = budget_cell_ends_ms(b, a.cell) - now_ms;

		if ((budget_in_cell(b, a.cell) > 0 || a.shrinks) &&
		    in_ms >= PLAN_MIN_MS)
			rate = min64(rate, max64(a.free + ONE - b->tokens, 0) /
						   in_ms);
	}
	return rate;
}
