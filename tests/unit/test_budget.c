/*
 * The request budget: what holds for every sequence of requests, and the
 * rules one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/budget.h"

#include "base/str.h"

#define MINUTE 60000
#define NOW    1000000 /* any time */

static uint64_t seed;

static int64_t random_below(int64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((seed >> 33) % (uint64_t)n);
}

static struct budget make(int64_t per_minute, int64_t reserve_percent)
{
	struct budget b;

	budget_init(&b, per_minute, reserve_percent);
	return b;
}

static void hear(struct budget *b, int64_t limit, int64_t remaining,
		 int64_t reset_ms, int64_t now_ms)
{
	struct budget_headers h = {limit, remaining, reset_ms};

	budget_learn(b, &h, now_ms);
}

static bool take(struct budget *b, enum job_lane lane, int64_t now_ms)
{
	int64_t wait_ms = budget_wait_ms(b, lane, now_ms);

	assert_true(wait_ms >= 0);
	if (wait_ms == 0)
		budget_take(b, now_ms);
	return wait_ms == 0;
}

/* As many as go in the same moment. */
static int burst(struct budget *b, enum job_lane lane, int64_t now_ms)
{
	int n = 0;

	while (take(b, lane, now_ms))
		n++;
	return n;
}

/* ---- for every sequence ---- */

#define TAKES_MAX 20000
static int64_t takes[TAKES_MAX];

static void check_every_minute(int count, int64_t allowance)
{
	int first = 0;

	for (int i = 0; i < count; i++) {
		while (takes[first] <= takes[i] - MINUTE)
			first++;
		assert_true(i - first + 1 <= allowance);
	}
}

static void test_no_minute_exceeds_the_allowance(void **state)
{
	(void)state;
	for (uint64_t run = 1; run <= 40; run++) {
		int64_t limit, reserve, now = random_below(200000);
		struct budget b;
		int count = 0;

		seed = run;
		limit = 1 + random_below(run % 2 ? 60 : 700);
		reserve = random_below(60);
		b = make(limit, reserve);
		for (int step = 0; step < 4000 && count < TAKES_MAX; step++) {
			now += random_below(4) ? random_below(20)
					       : random_below(3000);
			if (take(&b, (enum job_lane)random_below(LANE_COUNT),
				 now))
				takes[count++] = now;
		}
		assert_true(count > 0);
		reserve = (limit * reserve + 99) / 100;
		check_every_minute(count,
				   limit - reserve > 1 ? limit - reserve : 1);
	}
}

/* The account as Zendesk counts: fixed minutes, and others spend too. Our
 * requests never go once only the reserve was left when we last heard. */
static void test_the_reserve_stays_free(void **state)
{
	const int64_t limit = 200, reserve = 50;

	(void)state;
	for (uint64_t run = 1; run <= 40; run++) {
		struct budget b = make(0, 25);
		int64_t now = NOW, window = now / MINUTE;
		int64_t used = 0, heard = limit;
		int ours = 0, held = 0;

		seed = run;
		hear(&b, limit, limit, MINUTE - now % MINUTE, now);
		for (int step = 0; step < 5000; step++) {
			now += random_below(100);
			if (now / MINUTE != window) {
				window = now / MINUTE;
				used = 0;
				heard = limit;
			}
			used += random_below(4) == 0 && used < limit;
			if (!take(&b, LANE_LIVE, now)) {
				held++;
				continue;
			}
			assert_true(heard > reserve);
			ours++;
			used++;
			heard = limit - used;
			hear(&b, limit, heard, MINUTE - now % MINUTE, now);
		}
		assert_true(ours > 100 && held > 100);
	}
}

static void test_a_lane_never_goes_where_a_higher_one_may_not(void **state)
{
	struct budget b = make(0, 25);
	int64_t now = NOW;

	(void)state;
	seed = 3;
	for (int step = 0; step < 5000; step++) {
		struct budget live = b, review = b, backfill = b;
		bool l, r, f;

		now += random_below(300);
		l = take(&live, LANE_LIVE, now);
		r = take(&review, LANE_REVIEW, now);
		f = take(&backfill, LANE_BACKFILL, now);
		assert_true(l || !r);
		assert_true(r || !f);
		take(&b, (enum job_lane)random_below(LANE_COUNT), now);
		if (random_below(20) == 0)
			hear(&b, 100, random_below(100), random_below(MINUTE),
			     now);
	}
}

/* Who waits as long as told gets through, and within a minute or so. */
static void test_waiting_as_told_ends(void **state)
{
	struct budget b = make(40, 25);
	int64_t now = NOW;

	(void)state;
	for (int i = 0; i < 200; i++) {
		int64_t waited = 0, wait_ms;
		int asked = 0;

		while ((wait_ms = budget_wait_ms(&b, LANE_LIVE, now)) > 0) {
			now += wait_ms;
			waited += wait_ms;
			assert_true(++asked < 4);
		}
		budget_take(&b, now);
		assert_true(waited <= MINUTE + 1000);
	}
}

/* ---- one by one ---- */

static void test_before_anything_is_known(void **state)
{
	struct budget b = make(0, 0);

	(void)state;
	assert_int_equal(budget_left(&b, NOW), 60);
	/* three quarters at once, the rest spread over the minute */
	assert_int_equal(burst(&b, LANE_LIVE, NOW), 45);
	assert_in_range(budget_wait_ms(&b, LANE_LIVE, NOW), 1, 10000);
	assert_int_equal(budget_left(&b, NOW), 15);
}

static void test_a_higher_limit_counts_at_once(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	assert_true(burst(&b, LANE_LIVE, NOW) > 0);
	assert_false(take(&b, LANE_LIVE, NOW));
	hear(&b, 400, 350, 30000, NOW);
	assert_true(burst(&b, LANE_LIVE, NOW) > 150);
}

static void test_the_smaller_limit_counts(void **state)
{
	struct budget b = make(100, 25);

	(void)state;
	assert_int_equal(budget_left(&b, NOW), 75);
	hear(&b, 700, 700, MINUTE, NOW);
	assert_int_equal(budget_left(&b, NOW), 75);
	hear(&b, 40, 40, MINUTE, NOW);
	assert_int_equal(budget_left(&b, NOW), 30);
	budget_configure(&b, 20, 50);
	assert_int_equal(budget_left(&b, NOW), 10);
	budget_configure(&b, 20, 100);
	assert_int_equal(budget_left(&b, NOW), 0); /* all is reserved */
	assert_true(take(&b, LANE_LIVE, NOW + 2 * MINUTE));
}

static void test_full_goes_at_once_and_the_last_is_spread(void **state)
{
	struct budget b = make(400, 25); /* 300 for us */
	int64_t now = NOW, wait_ms;
	int n = burst(&b, LANE_LIVE, now);

	(void)state;
	assert_int_equal(n, 225);
	while (n < 300) {
		wait_ms = budget_wait_ms(&b, LANE_LIVE, now);
		n += take(&b, LANE_LIVE, now);
		now += wait_ms;
	}
	assert_in_range(now - NOW, 40000, 61000);
}

static void test_backfill_leaves_room(void **state)
{
	struct budget b = make(400, 25);

	(void)state;
	assert_int_equal(burst(&b, LANE_BACKFILL, NOW), 210);
	assert_true(take(&b, LANE_REVIEW, NOW));
	assert_true(take(&b, LANE_LIVE, NOW));
	assert_false(take(&b, LANE_BACKFILL, NOW));
	assert_true(burst(&b, LANE_LIVE, NOW) > 0);
	assert_false(take(&b, LANE_REVIEW, NOW + 1));
}

static void test_others_spend_the_account(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 101, 20000, NOW); /* 100 are reserved */
	assert_int_equal(budget_left(&b, NOW), 1);
	assert_false(take(&b, LANE_BACKFILL, NOW));
	assert_true(take(&b, LANE_LIVE, NOW));
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW), 20000);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW + 19999), 1);
	assert_true(take(&b, LANE_LIVE, NOW + 20000));
}

static void test_answers_overtake_one_another(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 110, 20000, NOW);
	hear(&b, 400, 120, 20000, NOW + 10); /* older, came later */
	assert_int_equal(budget_left(&b, NOW + 10), 10);
	hear(&b, 400, 399, MINUTE, NOW + 10000); /* another window */
	assert_int_equal(budget_left(&b, NOW + 10000), 299);
}

static void test_windows_without_a_reset(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 90, -1, NOW);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW), MINUTE);
	hear(&b, 400, 95, -1, NOW + 10);
	assert_int_equal(budget_left(&b, NOW + 10), 0);
	hear(&b, 400, 398, -1, NOW + 20); /* cannot be the same one */
	assert_int_equal(budget_left(&b, NOW + 20), 298);
	hear(&b, 400, 90, -1, NOW + 30);
	assert_true(take(&b, LANE_LIVE, NOW + 30 + MINUTE));
}

static void test_refused(void **state)
{
	struct budget b = make(400, 25);

	(void)state;
	budget_refused(&b, 5000, 0, NOW);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW), 5000);
	assert_int_equal(budget_left(&b, NOW), 0);
	budget_passed(&b, NOW + 1000); /* sent before */
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW + 4999), 1);
	assert_true(take(&b, LANE_LIVE, NOW + 5000));
	assert_false(take(&b, LANE_LIVE, NOW + 5000)); /* one asks for all */
	budget_passed(&b, NOW + 5200);
	assert_true(burst(&b, LANE_LIVE, NOW + 5200) > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_minute_exceeds_the_allowance),
		cmocka_unit_test(test_the_reserve_stays_free),
		cmocka_unit_test(
			test_a_lane_never_goes_where_a_higher_one_may_not),
		cmocka_unit_test(test_waiting_as_told_ends),
		cmocka_unit_test(test_before_anything_is_known),
		cmocka_unit_test(test_a_higher_limit_counts_at_once),
		cmocka_unit_test(test_the_smaller_limit_counts),
		cmocka_unit_test(test_full_goes_at_once_and_the_last_is_spread),
		cmocka_unit_test(test_backfill_leaves_room),
		cmocka_unit_test(test_others_spend_the_account),
		cmocka_unit_test(test_answers_overtake_one_another),
		cmocka_unit_test(test_windows_without_a_reset),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
