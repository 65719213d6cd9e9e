/*
 * The account and the others: see budget_world.h.
 */
#include "budget_world.h"

const char *const window_names[WINDOW_COUNT] = {"fixed", "fixed, some tell",
						"fixed, no reset", "sliding"};

const char *const pattern_names[PATTERN_COUNT] = {
	"nobody",     "steady", "all of the reserve",	 "burst at the start",
	"at the end", "ramp",	"more than the reserve", "burst of more",
	"everything"};

double world_chance(struct world *w)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (double)(w->seed >> 33) / (double)(UINT64_C(1) << 31);
}

/* ---- the account ---- */

static void judge_window(struct world *w)
{
	int64_t others = w->others > w->reserve ? w->others : w->reserve;

	if (w->judged++ >= WARM_MINUTES) {
		w->may += w->limit - others;
		w->used += w->ours;
	}
	w->ours = w->others = w->others_wanted = 0;
}

static void account_tick(struct world *w, int64_t now_ms)
{
	int64_t *cell = &w->by_step[now_ms / STEP_MS % (MINUTE_MS / STEP_MS)];

	if (now_ms - w->window_start_ms >= MINUTE_MS) {
		judge_window(w);
		w->window_start_ms = now_ms;
		if (w->window != SLIDING)
			w->counted = 0;
	}
	if (w->window == SLIDING) {
		w->counted -= *cell;
		*cell = 0;
	}
}

bool world_take(struct world *w, int64_t now_ms)
{
	if (w->counted >= w->limit)
		return false;
	w->counted++;
	w->by_step[now_ms / STEP_MS % (MINUTE_MS / STEP_MS)]++;
	return true;
}

/* ---- the others ---- */

/* How many a minute they want at this moment. */
static double others_rate(const struct world *w, int64_t now_ms)
{
	double in = (double)(now_ms - w->window_start_ms) / MINUTE_MS;
	double limit = (double)w->limit, reserve = (double)w->reserve;

	switch (w->pattern) {
	case STEADY:
		return reserve / 2;
	case THE_RESERVE:
		return reserve;
	case AT_THE_START:
		return in < 1.0 / 60 ? reserve * 60 : 0;
	case AT_THE_END:
		return in > 55.0 / 60 ? reserve * 12 : 0;
	case RAMP:
		return reserve * 2 * in;
	case MORE:
		return limit * 0.6;
	case BURST_OF_MORE:
		return in < 1.0 / 60 ? limit * 0.6 * 60 : 0;
	case EVERYTHING:
		return limit * 1.2;
	default:
		return 0;
	}
}

static void others_act(struct world *w, int64_t now_ms)
{
	w->owed += others_rate(w, now_ms) * STEP_MS / MINUTE_MS *
		   (2 * world_chance(w));
	for (; w->owed >= 1; w->owed--) {
		if (w->pattern <= RAMP && w->others_wanted >= w->reserve)
			continue;
		w->others_wanted++;
		if (world_take(w, now_ms)) {
			w->others++;
			w->others_served++;
		} else if (w->others < w->reserve && w->window != SLIDING) {
			w->reserve_broken++;
		}
	}
}

void world_tick(struct world *w, int64_t now_ms)
{
	account_tick(w, now_ms);
	others_act(w, now_ms);
}

void world_begin(struct world *w)
{
	w->reserve = (w->limit * w->reserve_percent + 99) / 100;
	w->window_start_ms = START_MS - 17000;
	w->seed += 1;
}

int64_t world_delay(struct world *w, int64_t most_ms)
{
	int64_t ms = most_ms / 10 + (int64_t)(world_chance(w) *
					      (double)(most_ms - most_ms / 10));

	return ms / STEP_MS * STEP_MS + STEP_MS;
}

int64_t world_reset_ms(const struct world *w, int64_t nth, int64_t now_ms)
{
	int64_t ms = w->window_start_ms + MINUTE_MS - now_ms;

	if (w->window != FIXED && (w->window != FIXED_TERSE || nth % 3 != 0))
		return -1;
	return (ms + 999) / 1000 * 1000;
}
