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

/* An answer to a request that went just now, without counting it. */
static void hear(struct budget *b, int64_t limit, int64_t remaining,
		 int64_t reset_ms, int64_t now_ms)
{
	struct budget_headers h = {limit, remaining, reset_ms};
	struct budget_pass pass = {b->count, now_ms};

	budget_learn(b, &pass, &h, now_ms);
}

static bool may(struct budget *b, enum job_lane lane, int64_t now_ms)
{
	int64_t wait_ms = budget_wait_ms(b, lane, now_ms);

	assert_true(wait_ms >= 0);
	return wait_ms == 0;
}

/* Sent, and over at once. */
static bool take(struct budget *b, enum job_lane lane, int64_t now_ms)
{
	if (!may(b, lane, now_ms))
		return false;
	budget_take(b, now_ms);
	b->open--;
	return true;
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

/* Who asks again when told to gets through, within a minute or so. */
static void test_waiting_as_told_ends(void **state)
{
	struct budget b = make(40, 25);
	int64_t now = NOW, wait_ms;

	(void)state;
	for (int i = 0; i < 200; i++) {
		int64_t begun = now;
		int asked = 0;

		while ((wait_ms = budget_wait_ms(&b, LANE_LIVE, now)) > 0) {
			now += wait_ms;
			assert_true(++asked < 20);
		}
		assert_true(take(&b, LANE_LIVE, now));
		assert_true(now - begun <= MINUTE + 2000);
	}
}

/* ---- one by one ---- */

static void test_before_anything_is_known(void **state)
{
	struct budget b = make(0, 0);

	(void)state;
	assert_int_equal(budget_left(&b, NOW), 200);
	assert_int_equal(burst(&b, LANE_LIVE, NOW), BUDGET_JOB_REQUESTS);
	assert_in_range(budget_wait_ms(&b, LANE_LIVE, NOW), 1, 2000);
}

static void test_a_higher_limit_counts_at_once(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	assert_true(burst(&b, LANE_LIVE, NOW) > 0);
	assert_false(take(&b, LANE_LIVE, NOW));
	hear(&b, 400, 390, 30000, NOW);
	assert_int_equal(budget_burst(&b), 60);
	assert_in_range(burst(&b, LANE_LIVE, NOW), 50, 60);
	hear(&b, 2500, 2400, 30000, NOW); /* another plan */
	assert_true(burst(&b, LANE_LIVE, NOW) > 200);
}

static void test_a_lower_limit_counts_at_once(void **state)
{
	struct budget b = make(0, 0);
	int64_t now = NOW;
	int n = 0;

	(void)state;
	hear(&b, 700, 700, MINUTE, now);
	burst(&b, LANE_LIVE, now);
	hear(&b, 100, 90, MINUTE, now); /* another plan, a window's start */
	assert_int_equal(budget_left(&b, now), 0);
	for (; now < NOW + 10 * MINUTE; now += 100)
		if (now > NOW + 2 * MINUTE)
			n += take(&b, LANE_LIVE, now);
		else
			take(&b, LANE_LIVE, now);
	assert_in_range(n, 750, 800);
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
	assert_int_equal(budget_left(&b, NOW), 1); /* or nothing ever goes */
}

/* A job after a quiet time does not wait, however small the account. */
static void test_a_job_after_a_quiet_time_goes_at_once(void **state)
{
	static const int64_t limits[] = {10, 60, 200, 700, 2500};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct budget b = make(0, 25);
		int64_t now = NOW;

		hear(&b, limits[i], limits[i], MINUTE, now);
		while (burst(&b, LANE_LIVE, now++) > 0)
			;
		now += 2 * MINUTE;
		assert_true(burst(&b, LANE_LIVE, now) >= BUDGET_JOB_REQUESTS);
	}
}

/* ... and hardly while backfill goes all the time. */
static void test_a_job_beside_backfill(void **state)
{
	struct budget b = make(0, 25);
	int64_t now = NOW;

	(void)state;
	hear(&b, 400, 400, MINUTE, now);
	for (; now < NOW + 5 * MINUTE; now += 10)
		burst(&b, LANE_BACKFILL, now);
	assert_false(may(&b, LANE_BACKFILL, now));
	assert_true(burst(&b, LANE_LIVE, now) >= BUDGET_JOB_REQUESTS - 1);
	assert_false(may(&b, LANE_BACKFILL, now));
}

/* What the higher lane leaves is used, however long it works. */
static void test_the_lower_lane_is_not_starved(void **state)
{
	struct budget b = make(0, 25); /* 300 for us */
	int64_t now = NOW, live = 0, backfill = 0;

	(void)state;
	hear(&b, 400, 400, MINUTE, now);
	for (; now < NOW + 10 * MINUTE; now += 10) {
		if (now % 300 == 0) /* 200 a minute */
			live += take(&b, LANE_LIVE, now);
		backfill += burst(&b, LANE_BACKFILL, now);
	}
	assert_in_range(live, 1990, 2000);
	assert_in_range(backfill, 900, 1010);
}

static void test_a_burst_once_then_evenly(void **state)
{
	struct budget b = make(400, 25); /* 300 for us */
	int64_t now = NOW;
	int n = burst(&b, LANE_LIVE, now), most = 0;

	(void)state;
	assert_int_equal(n, 300 * BUDGET_BURST_PERCENT / 100);
	for (int s = 0; s < 600; s++) {
		int second = 0;

		for (int i = 0; i < 100; i++)
			second += take(&b, LANE_LIVE, now += 10);
		most = second > most ? second : most;
		n += second;
	}
	assert_in_range(most, 4, 8);
	assert_in_range(n, 2900, 3030);
}

static void test_others_spend_the_account(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 1, 20000, NOW);
	assert_int_equal(budget_left(&b, NOW), 1);
	assert_false(may(&b, LANE_BACKFILL, NOW));
	assert_true(take(&b, LANE_LIVE, NOW));
	hear(&b, 400, 0, 20000, NOW);
	assert_int_equal(budget_left(&b, NOW), 0);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW), 21000);
	assert_false(may(&b, LANE_LIVE, NOW + 20999));
	assert_true(take(&b, LANE_LIVE, NOW + 21000));
}

/* What is left is what was heard, less what others take meanwhile. */
static void test_remaining_falls_without_us(void **state)
{
	struct budget b = make(0, 0);
	int64_t now = NOW, remaining = 700;

	(void)state;
	for (; remaining > 200; now += 1000, remaining -= 10)
		hear(&b, 700, remaining, NOW + MINUTE - now, now);
	assert_in_range(budget_left(&b, now), 170, 200);
	assert_in_range(budget_left(&b, now + 5000), 120, 165);
}

static void test_what_is_under_way_is_not_left(void **state)
{
	struct budget b = make(0, 25);
	int n = 0;

	(void)state;
	hear(&b, 400, 20, 20000, NOW);
	while (may(&b, LANE_LIVE, NOW + n * 1000) && n < 10) {
		budget_take(&b, NOW + n * 1000);
		n++;
	}
	assert_int_equal(n, 10);
	assert_int_equal(budget_left(&b, NOW + n * 1000), 10);
	hear(&b, 400, 10, 10000, NOW + n * 1000);
	assert_int_equal(budget_left(&b, NOW + n * 1000), 0);
	for (int i = 0; i < 10; i++)
		budget_end(
			&b); /* never answered: they may count all the same */
	assert_int_equal(budget_left(&b, NOW + n * 1000), 0);
	hear(&b, 400, 10, 10000, NOW + n * 1000);
	assert_int_equal(budget_left(&b, NOW + n * 1000), 10);
}

static void test_answers_overtake_one_another(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 110, 20000, NOW);
	hear(&b, 400, 120, 20000, NOW + 10); /* older, came later */
	assert_in_range(budget_left(&b, NOW + 10), 100, 110);
	hear(&b, 400, 399, MINUTE, NOW + 10000); /* another window */
	assert_in_range(budget_left(&b, NOW + 10000), 290, 300);
	b.slowest_ms = 12000;
	hear(&b, 400, 5, 9900, NOW + 10000);
	assert_true(budget_left(&b, NOW + 10000) <= 5);
}

/* An answer from before the window's turn says nothing of this one. */
static void test_an_answer_from_the_last_window(void **state)
{
	struct budget_pass old = {0, NOW - 500};
	struct budget_headers h = {400, 3, 800};
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 4, 1000, NOW - 1000);
	hear(&b, 400, 399, MINUTE, NOW + 1000);
	budget_learn(&b, &old, &h, NOW + 1200);
	assert_true(budget_left(&b, NOW + 1200) > 200);
}

static void test_windows_without_a_reset(void **state)
{
	struct budget b = make(0, 25);

	(void)state;
	hear(&b, 400, 0, -1, NOW);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW), MINUTE);
	hear(&b, 400, 398, -1, NOW + 3000); /* cannot be the same one */
	assert_true(budget_left(&b, NOW + 3000) > 250);
	hear(&b, 400, 0, -1, NOW + 20000);
	assert_int_equal(budget_wait_ms(&b, LANE_LIVE, NOW + 20000), 43000);
	assert_true(take(&b, LANE_LIVE, NOW + 63000));
}

/* Few requests a minute: one job at a time, once it can be done in one go. */
static void test_jobs_of_a_small_account(void **state)
{
	struct budget b = make(0, 25);
	int64_t now = NOW;
	int jobs = 0;

	(void)state;
	assert_int_equal(budget_jobs_max(&b), BUDGET_JOBS_MAX);
	hear(&b, 400, 400, MINUTE, now);
	assert_int_equal(budget_jobs_max(&b), 20);
	b = make(10, 25);
	assert_int_equal(budget_jobs_max(&b), 1);
	for (; now < NOW + 10 * MINUTE; now += 100) {
		if (budget_job_wait_ms(&b, now) > 0)
			continue;
		for (int i = 0; i < BUDGET_JOB_REQUESTS; i++)
			assert_true(take(&b, LANE_LIVE, now));
		jobs++;
	}
	assert_in_range(jobs, 8, 11);
}

/* Where there are many, a job begins when a request may go. */
static void test_jobs_of_a_large_account(void **state)
{
	struct budget b = make(400, 25);
	int64_t now = NOW;

	(void)state;
	for (; now < NOW + MINUTE; now += 100) {
		assert_true((budget_job_wait_ms(&b, now) > 0) ==
			    (budget_wait_ms(&b, LANE_LIVE, now) > 0));
		burst(&b, LANE_LIVE, now);
	}
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
	assert_true(burst(&b, LANE_LIVE, NOW + 5200) > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_minute_exceeds_the_allowance),
		cmocka_unit_test(
			test_a_lane_never_goes_where_a_higher_one_may_not),
		cmocka_unit_test(test_waiting_as_told_ends),
		cmocka_unit_test(test_before_anything_is_known),
		cmocka_unit_test(test_a_higher_limit_counts_at_once),
		cmocka_unit_test(test_a_lower_limit_counts_at_once),
		cmocka_unit_test(test_the_smaller_limit_counts),
		cmocka_unit_test(test_a_job_after_a_quiet_time_goes_at_once),
		cmocka_unit_test(test_a_job_beside_backfill),
		cmocka_unit_test(test_the_lower_lane_is_not_starved),
		cmocka_unit_test(test_a_burst_once_then_evenly),
		cmocka_unit_test(test_others_spend_the_account),
		cmocka_unit_test(test_remaining_falls_without_us),
		cmocka_unit_test(test_what_is_under_way_is_not_left),
		cmocka_unit_test(test_answers_overtake_one_another),
		cmocka_unit_test(test_an_answer_from_the_last_window),
		cmocka_unit_test(test_windows_without_a_reset),
		cmocka_unit_test(test_jobs_of_a_small_account),
		cmocka_unit_test(test_jobs_of_a_large_account),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
