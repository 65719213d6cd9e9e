/*
 * The budget against accounts that count as Zendesk may, with another
 * integration that eats of the same account, answers that take their time and
 * overtake one another, and work that always waits: nothing of ours is
 * refused, the others find their reserve, nearly all that we may use is used,
 * and evenly.
 *
 * BUDGET_SIM=1 in the environment prints the shares.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/budget.h"

#include "base/str.h"
#include "budget_world.h"

enum { OPEN_MAX = 512 };

struct flight {
	struct budget_pass pass;
	int64_t arrives_ms, ends_ms;
	int64_t known; /* others_served as far as heard when it was sent */
	struct budget_headers h;
	int64_t others_served;
	bool arrived, refused;
};

/* ---- one run ---- */

struct run {
	struct budget b;
	struct flight flights[OPEN_MAX];
	int open;
	int64_t heard_others, heard_at; /* as of the newest answer */
	int64_t ask_ms;
};

static void arrive(struct world *w, struct flight *f, int64_t now_ms)
{
	f->arrived = true;
	f->others_served = w->others_served;
	f->refused = !world_take(w, now_ms);
	if (f->refused) {
		w->refused++;
		w->blamed += w->others_served == f->known;
	} else {
		w->ours++;
	}
	f->h.limit = w->limit;
	f->h.remaining = w->limit - w->counted;
	f->h.reset_ms = world_reset_ms(w, f->pass.nth, now_ms);
}

static void answer(struct run *r, struct flight *f, int64_t now_ms)
{
	budget_end(&r->b);
	budget_learn(&r->b, &f->pass, &f->h, now_ms);
	if (f->refused)
		budget_refused(&r->b, f->h.reset_ms < 0 ? 1000 : f->h.reset_ms,
			       0, now_ms);
	else
		budget_passed(&r->b, now_ms);
	if (f->arrives_ms >= r->heard_at) {
		r->heard_at = f->arrives_ms;
		r->heard_others = f->others_served;
	}
	*f = r->flights[--r->open];
	r->ask_ms = now_ms;
}

static void send(struct world *w, struct run *r, int64_t now_ms)
{
	struct flight *f = &r->flights[r->open++];

	assert_true(r->open < OPEN_MAX);
	*f = (struct flight){
		.pass = budget_take(&r->b, now_ms),
		.arrives_ms = now_ms + world_delay(w, w->slowest_ms / 2),
		.known = r->heard_others,
	};
	f->ends_ms = f->arrives_ms + world_delay(w, w->slowest_ms / 2);
	w->per_second[(now_ms - START_MS) / 1000]++;
}

static void step(struct world *w, struct run *r, int64_t now_ms)
{
	world_tick(w, now_ms);
	for (int i = 0; i < r->open; i++)
		if (!r->flights[i].arrived &&
		    r->flights[i].arrives_ms <= now_ms)
			arrive(w, &r->flights[i], now_ms);
	for (int i = r->open - 1; i >= 0; i--)
		if (r->flights[i].arrived && r->flights[i].ends_ms <= now_ms)
			answer(r, &r->flights[i], now_ms);
	while (r->ask_ms <= now_ms) {
		int64_t wait_ms = budget_wait_ms(&r->b, w->lane, now_ms);

		assert_true(wait_ms >= 0);
		if (wait_ms > 0)
			r->ask_ms = now_ms + wait_ms;
		else
			send(w, r, now_ms);
	}
}

static void play(struct world *w)
{
	static struct run r;
	int64_t now_ms = START_MS;

	memset(&r, 0, sizeof(r));
	budget_init(&r.b, 0, w->reserve_percent);
	world_begin(w);
	for (int i = 0; i < STEPS; i++, now_ms += STEP_MS)
		step(w, &r, now_ms);
}

static void show(const struct world *w)
{
	if (getenv("BUDGET_SIM"))
		printf("limit %4ld reserve %2ld%% %-15s %-22s %4ld ms: "
		       "may %5ld used %5ld = %5.1f%% refused %ld (ours %ld) "
		       "reserve %ld\n",
		       (long)w->limit, (long)w->reserve_percent,
		       window_names[w->window], pattern_names[w->pattern],
		       (long)w->slowest_ms, (long)w->may, (long)w->used,
		       w->may ? 100.0 * (double)w->used / (double)w->may : 0.0,
		       (long)w->refused, (long)w->blamed,
		       (long)w->reserve_broken);
}

/* At least so much percent of what we may use is used. 95 where answers come
 * soon and the others keep to their reserve; less where they do not, where
 * two seconds of everybody's doings are unknown, or where nobody says when
 * the window ends. */
static int64_t share_min(const struct world *w)
{
	bool told = w->window == FIXED || w->window == FIXED_TERSE;

	if (w->limit < 100) /* one request is some percent */
		return told && w->pattern <= STEADY ? 90 : 0;
	if (w->pattern <= STEADY)
		return 95;
	if (w->pattern == EVERYTHING)
		return 0;
	if (told && w->slowest_ms < 1000)
		return w->pattern <= MORE ? 95 : 85;
	if (told)
		return 75;
	return w->window == FIXED_SILENT ? 65 : 40;
}

static void judge(const struct world *w)
{
	show(w);
	assert_int_equal(w->blamed, 0);
	/* before the limit is known a job's requests go */
	assert_true(w->reserve_broken <=
		    (w->limit < 100 ? BUDGET_JOB_REQUESTS : 0));
	/* in any minute that slides they may take more than in one window */
	if (w->pattern <= (w->window == SLIDING ? STEADY : RAMP))
		assert_int_equal(w->refused, 0);
	else if (w->pattern < EVERYTHING)
		assert_true(w->refused <= MINUTES * 2);
	else /* what was under way when the others emptied it */
		assert_true(w->refused <= MINUTES * (8 + w->limit / 100));
	if (w->may > 0)
		assert_true(w->used * 100 >= w->may * share_min(w));
}

static void play_one(enum window window, int64_t limit, int64_t reserve_percent,
		     int64_t slowest_ms)
{
	for (int p = 0; p < PATTERN_COUNT; p++) {
		struct world w = {
			.limit = limit,
			.reserve_percent = reserve_percent,
			.window = window,
			.pattern = (enum pattern)p,
			.slowest_ms = slowest_ms,
			.lane = LANE_LIVE,
		};

		play(&w);
		judge(&w);
	}
}

static void play_all(enum window window, int64_t limit)
{
	for (int64_t reserve = 0; reserve <= 50; reserve += 25) {
		play_one(window, limit, reserve, 200);
		play_one(window, limit, reserve, 2000);
	}
}

static void test_accounts(void **state)
{
	(void)state;
	for (int window = 0; window < WINDOW_COUNT; window++)
		play_all((enum window)window, 200);
	play_all(FIXED, 10);
	play_one(FIXED, 700, 25, 200);
	play_one(FIXED_TERSE, 700, 0, 2000);
	play_one(FIXED, 2500, 25, 200);
}

/* Work that waits goes evenly: no ten seconds have half as much again as the
 * others, and no second more than what may go at once after a quiet time. */
static void test_evenly(void **state)
{
	static const int64_t limits[] = {200, 700};

	(void)state;
	for (size_t l = 0; l < ARRAY_LEN(limits); l++)
		for (int window = 0; window < WINDOW_COUNT; window++) {
			struct world w = {
				.limit = limits[l],
				.reserve_percent = 25,
				.window = (enum window)window,
				.pattern = STEADY,
				.slowest_ms = 500,
			};
			int64_t mean = limits[l] * 75 / 100 / 6;

			play(&w);
			for (int at = 60; at < MINUTES * 60; at += 10) {
				int64_t sum = 0;

				for (int i = at; i < at + 10; i++)
					sum += w.per_second[i];
				assert_in_range(sum, mean / 2, mean * 3 / 2);
			}
			for (int i = 0; i < MINUTES * 60; i++)
				assert_true(
					w.per_second[i] <=
					limits[l] * 75 / 100 *
							BUDGET_BURST_PERCENT /
							100 +
						mean);
		}
}

/* The lowest lane alone has nearly all of it, too. */
static void test_backfill_alone(void **state)
{
	(void)state;
	for (int p = 0; p < RAMP; p++) {
		struct world w = {
			.limit = 700,
			.reserve_percent = 25,
			.pattern = (enum pattern)p,
			.slowest_ms = 300,
			.lane = LANE_BACKFILL,
		};

		play(&w);
		judge(&w);
		assert_true(w.used * 100 >= w.may * 95);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_evenly),
		cmocka_unit_test(test_backfill_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
