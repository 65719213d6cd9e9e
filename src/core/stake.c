/*
 * Parts of an account's requests: see stake.h.
 *
 * Invariant: over all nodes the claims of any cell add up to STAKE_ONE at most.
 * What a node gets of the past goes into its oldest cells: whatever cells the
 * others left free, none of the minutes to come has more of it than they left.
 */
#include "core/stake.h"

enum { MINUTE_MS = STAKE_MINUTE * STAKE_CELL_MS };

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* ---- ours ---- */

int64_t stake_claim(const struct stake *s, int64_t now_ms)
{
	if (!s->shared)
		return STAKE_ONE;
	return now_ms < s->ends_ms ? s->claim : 0;
}

int64_t stake_in(const struct stake *s, int64_t cell)
{
	if (!s->shared)
		return STAKE_ONE;
	if (cell > s->cell && cell * STAKE_CELL_MS < s->ends_ms)
		return s->claim;
	if (cell > s->cell)
		return cell * STAKE_CELL_MS < s->floor_ends_ms ? s->floor : 0;
	return cell < 0 ? 0 : s->claimed[cell % STAKE_CELLS];
}

int64_t stake_sum(const struct stake *s, int64_t cell)
{
	int64_t sum = 0;

	if (!s->shared)
		return STAKE_MINUTE * STAKE_ONE;
	for (int64_t c = cell - STAKE_MINUTE + 1; c <= cell; c++)
		sum += stake_in(s, c);
	return sum;
}

int64_t stake_held(const struct stake *s, int64_t now_ms)
{
	return stake_sum(s, now_ms / STAKE_CELL_MS) / STAKE_MINUTE;
}

/* Writes down what was claimed until and with now. */
static int64_t write_down(struct stake *s, int64_t now_ms)
{
	int64_t cell = now_ms / STAKE_CELL_MS;
	int64_t from = max64(s->cell + 1, cell - STAKE_CELLS + 1);

	for (int64_t c = from; c <= cell; c++)
		s->claimed[c % STAKE_CELLS] = (int32_t)stake_in(s, c);
	s->cell = max64(s->cell, cell);
	return cell;
}

void stake_share(struct stake *s, int64_t now_ms)
{
	*s = (struct stake){.shared = true, .cell = now_ms / STAKE_CELL_MS};
}

/* What nobody held goes into the oldest cells. */
static void top_up(struct stake *s, int64_t more, int64_t cell)
{
	int64_t c = max64(cell - STAKE_MINUTE + 1, 0);

	for (; c <= cell && more > 0; c++) {
		int32_t *part = &s->claimed[c % STAKE_CELLS];
		int64_t free = max64(min64(STAKE_ONE - *part, more), 0);

		*part += (int32_t)free;
		more -= free;
	}
}

/* Less counts from when it was asked for: others may have more since then. */
void stake_settle(struct stake *s, const struct stake_row *row,
		  int64_t since_ms, int64_t now_ms)
{
	int64_t cell = write_down(s, now_ms);

	for (int64_t c = since_ms / STAKE_CELL_MS; c < cell; c++)
		if (s->claimed[c % STAKE_CELLS] > row->claim)
			s->claimed[c % STAKE_CELLS] = (int32_t)row->claim;
	s->claimed[cell % STAKE_CELLS] = (int32_t)row->claim;
	s->claim = row->claim;
	s->floor = min64(row->floor, row->claim);
	s->ends_ms = since_ms + STAKE_LASTS_MS;
	s->floor_ends_ms = since_ms + row->floor_ms;
	top_up(s, row->gain * STAKE_MINUTE, cell);
}

void stake_let_go(struct stake *s, int64_t now_ms)
{
	int64_t cell = write_down(s, now_ms);

	for (int64_t c = max64(cell - STAKE_CELLS + 1, 0); c <= cell; c++)
		s->claimed[c % STAKE_CELLS] = 0;
	s->claim = s->floor = 0;
}

void stake_used(struct stake *s, int64_t cell, int64_t part)
{
	s->claimed[cell % STAKE_CELLS] =
		(int32_t)min64(part, STAKE_MINUTE * STAKE_ONE);
}

/* ---- everybody's ---- */

/* It may have claimed it for longer than its row says, and need nothing any
 * more. */
bool stake_grow_old(struct stake_row *row, int64_t age_ms)
{
	if (age_ms >= MINUTE_MS + STAKE_LASTS_MS)
		*row = (struct stake_row){0};
	row->held += row->claim * max64(age_ms, 0) / MINUTE_MS;
	row->held = min64(row->held, STAKE_ONE);
	if (age_ms >= STAKE_LASTS_MS + STAKE_LATER_MS) {
		row->claim = age_ms < row->floor_ms + STAKE_LATER_MS
				     ? min64(row->floor, row->claim)
				     : 0;
		row->need = 0;
	}
	return row->held > 0 || row->claim > 0 || row->need > 0;
}

/* Whether it is one of those that share it now. */
static bool has_turn(const struct stake_row *rows, size_t count, size_t at,
		     int64_t at_once, int64_t turn)
{
	int64_t needy = 0, nth = 0;

	for (size_t i = 0; i < count; i++) {
		if (rows[i].need == 0)
			continue;
		nth += i < at;
		needy++;
	}
	if (rows[at].need == 0 || needy <= at_once)
		return rows[at].need > 0;
	return (nth + turn) % needy < at_once;
}

/* As much as all need, or equal parts, with what is left over. */
static int64_t fair_part(const int64_t *needs, size_t count, size_t me)
{
	int64_t level = 0, before, left, more, needy = 0;

	do {
		before = level;
		left = STAKE_ONE;
		more = 0;
		for (size_t i = 0; i < count; i++) {
			left -= needs[i] > level ? 0 : needs[i];
			more += needs[i] > level;
		}
		level = more > 0 ? left / more : level;
	} while (level > before);
	for (size_t i = 0; i < count; i++)
		needy += needs[i] > 0;
	if (needs[me] > level || needy == 0)
		return needs[me] ? level : 0;
	return needs[me] + (more == 0 && needs[me] ? left / needy : 0);
}

void stake_divide(struct stake_row *rows, size_t count, size_t me,
		  int64_t at_once, int64_t turn)
{
	int64_t needs[STAKE_NODES];
	int64_t claimed = 0, held = 0, fair;

	for (size_t i = 0; i < count; i++) {
		bool now = has_turn(rows, count, i, max64(at_once, 1), turn);

		needs[i] = now ? min64(rows[i].need, STAKE_ONE) : 0;
		claimed += i == me ? 0 : rows[i].claim;
		held += rows[i].held;
	}
	fair = fair_part(needs, count, me);
	fair = max64(fair, rows[me].floor);
	rows[me].claim = max64(min64(fair, STAKE_ONE - claimed), 0);
	rows[me].gain = rows[me].need ? max64(STAKE_ONE - held, 0) : 0;
	rows[me].held += rows[me].gain;
}
