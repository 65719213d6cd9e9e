/*
 * Our part of the budget among several nodes: see budget.h and stake.h.
 *
 * Who has work that waits would like to have all of it; who has none lets go
 * of what it did not use, so that the others have it within seconds.
 */
#include "budget_int.h"

enum {
	FLOOR_CELLS = 5 * SECOND_MS / BUDGET_CELL_MS,
	RECENT_MS = 5 * SECOND_MS,
	IDLE_MS = SECOND_MS,
	MEMORY_RATIO = 10,
};

/* The least claim from now on that holds what was sent, and for how long it
 * takes one. The next seconds are no matter: nothing is sent in them, then. */
static void set_floor(const struct budget *b, struct stake_row *out,
		      int64_t now_ms)
{
	int64_t each = STAKE_MINUTE * ONE / budget_allowance(b);
	int64_t counts = budget_used(b, now_ms) * each;
	struct budget_ahead a;

	out->floor = out->floor_ms = 0;
	for (a = budget_ahead(b, now_ms); a.cell <= b->cell;
	     budget_ahead_next(&a)) {
		int64_t cells = a.at - a.now_cell;
		int64_t lacks = counts - (a.sum - cells * a.claim);

		if (cells >= FLOOR_CELLS)
			out->floor = max64(out->floor, lacks / cells);
		if (lacks > each)
			out->floor_ms = budget_cell_ends_ms(b, a.cell) - now_ms;
		counts -= budget_in_cell(b, a.cell) * each;
	}
	out->floor = min64(out->floor, a.claim);
}

void budget_share(struct budget *b, int64_t now_ms)
{
	stake_share(&b->stake, now_ms);
	b->tokens = min64(b->tokens, budget_burst(b) * ONE);
}

bool budget_lacks_stake(const struct budget *b, int64_t now_ms)
{
	return stake_claim(&b->stake, now_ms) == 0;
}

int64_t budget_sharers(const struct budget *b)
{
	return max64(budget_allowance(b) / (2 * BUDGET_JOB_REQUESTS), 1);
}

/* Of a minute's requests, in millionths. Who has work that waits would like to
 * have all of them; else somewhat more than of late. */
static int64_t need(const struct budget *b, bool waiting, int64_t now_ms)
{
	int64_t recent = (now_ms - RECENT_MS) / BUDGET_CELL_MS;
	int64_t n;

	if (waiting)
		return ONE;
	if (b->open == 0 && now_ms - b->taken_ms >= IDLE_MS)
		return 0;
	n = budget_used_since(b, max64(recent, budget_oldest_cell(b, now_ms)));
	n = max64(n * (MINUTE_MS / RECENT_MS) * 5 / 4, BUDGET_JOB_REQUESTS);
	return min64(n * ONE / budget_allowance(b), ONE);
}

/* What was not used is the others'. */
static void let_go(struct budget *b, int64_t now_ms)
{
	stake_let_go(&b->stake, now_ms);
	for (int64_t c = budget_oldest_cell(b, now_ms); c <= b->cell; c++)
		if (budget_in_cell(b, c) > 0)
			stake_used(&b->stake, c,
				   budget_in_cell(b, c) * STAKE_MINUTE * ONE /
					   budget_allowance(b));
}

void budget_stake(struct budget *b, bool waiting, struct stake_row *out,
		  int64_t now_ms)
{
	budget_refill(b, now_ms);
	out->need = need(b, waiting, now_ms);
	if (out->need == 0)
		let_go(b, now_ms);
	out->claim = stake_claim(&b->stake, now_ms);
	set_floor(b, out, now_ms);
	out->held = stake_held(&b->stake, now_ms);
}

/* What was learnt of the others is measured in our part: from now on in
 * another one. */
static void rescale(struct budget *b, int64_t was)
{
	int64_t is = b->stake.claim;

	if (was == is)
		return;
	b->others_remaining = b->drift_remaining;
	b->others_nth = b->drift_nth;
	if (was * MEMORY_RATIO < is)
		is = 0; /* of so little nothing was learnt */
	was = max64(was, 1);
	b->drift = b->drift * is / was;
	b->others = b->others * is / was;
	b->others_before = b->others_before * is / was;
	b->others_first = b->others;
}

void budget_settle(struct budget *b, const struct stake_row *row,
		   int64_t since_ms, int64_t now_ms)
{
	int64_t was = b->stake.claim;

	budget_refill(b, now_ms);
	stake_settle(&b->stake, row, since_ms, now_ms);
	rescale(b, was);
	if (was == 0)
		b->tokens += budget_allowance(b) * row->gain;
	budget_refill(b, now_ms);
}
