/*
 * An account that counts requests as Zendesk may, and another integration that
 * eats of it: the world of the budget's simulations.
 */
#ifndef TEST_BUDGET_WORLD_H
#define TEST_BUDGET_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/job.h"

enum {
	STEP_MS = 20,
	MINUTE_MS = 60 * 1000,
	MINUTES = 6, /* the first ones are not judged */
	WARM_MINUTES = 2,
	STEPS = MINUTES * MINUTE_MS / STEP_MS,
	START_MS = 7000000,
};

enum window { FIXED, FIXED_TERSE, FIXED_SILENT, SLIDING, WINDOW_COUNT };
extern const char *const window_names[WINDOW_COUNT];

enum pattern {
	NOBODY,
	STEADY,
	THE_RESERVE,
	AT_THE_START,
	AT_THE_END,
	RAMP,
	MORE,
	BURST_OF_MORE,
	EVERYTHING,
	PATTERN_COUNT
};
extern const char *const pattern_names[PATTERN_COUNT];

struct world {
	int64_t limit, reserve_percent, reserve;
	enum window window;
	enum pattern pattern;
	int64_t slowest_ms; /* answer */
	enum job_lane lane;
	/* the account */
	int64_t window_start_ms;
	int64_t counted;
	int64_t by_step[MINUTE_MS / STEP_MS]; /* sliding */
	/* this window */
	int64_t ours, others, others_wanted;
	/* all */
	int64_t may, used, refused, blamed, reserve_broken, judged;
	int64_t others_served; /* ever */
	int64_t per_second[MINUTES * 60];
	double owed; /* to the others */
	uint64_t seed;
};

double world_chance(struct world *w); /* 0 to 1 */
void world_begin(struct world *w);
/* Another step; windows that end are judged. */
void world_tick(struct world *w, int64_t now_ms);
/* One request; false: refused. */
bool world_take(struct world *w, int64_t now_ms);
/* Some time on its way. */
int64_t world_delay(struct world *w, int64_t most_ms);
/* When its window ends, in whole seconds; -1: this answer does not say. */
int64_t world_reset_ms(const struct world *w, int64_t nth, int64_t now_ms);

#endif
