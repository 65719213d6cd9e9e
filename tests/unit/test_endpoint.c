/*
 * Limits of single endpoints: what is published, what headers and refusals
 * say, and that none of it holds up anything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/endpoint.h"

#define MINUTE 60000
#define NOW    1000000 /* any time */

static struct endpoints all;

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	return 0;
}

static bool take(enum endpoint e, uint64_t object, int64_t now_ms)
{
	int64_t wait_ms = endpoint_wait_ms(&all, e, object, now_ms);

	assert_true(wait_ms >= 0);
	if (wait_ms == 0)
		endpoint_take(&all, e, object, now_ms);
	return wait_ms == 0;
}

static void hear(enum endpoint e, uint64_t object, int64_t total,
		 int64_t remaining, int64_t reset_ms, bool named)
{
	struct endpoint_headers h = {total, remaining, reset_ms, named};

	endpoint_learn(&all, e, object, &h, NOW);
}

static void check_only(enum endpoint held)
{
	for (int e = 0; e < ENDPOINT_COUNT; e++)
		assert_true((endpoint_wait_ms(&all, (enum endpoint)e, 9, NOW) >
			     0) == (e == (int)held));
}

/* ---- what is published ---- */

/* How many go in ten minutes, and the most of any stretch, when somebody
 * always wants to. objects: whose turn it is goes round. */
static void run(enum endpoint e, uint64_t objects, int64_t stretch_ms,
		int *total, int *most)
{
	static int64_t at[4096];
	int count = 0, first = 0;

	*most = 0;
	for (int64_t ms = 0; ms < 10 * MINUTE; ms += 100)
		for (uint64_t k = 1; k <= objects; k++)
			if (take(e, k, NOW + ms))
				at[count++] = ms;
	*total = count;
	for (int i = 0; i < count; i++) {
		while (at[first] <= at[i] - stretch_ms)
			first++;
		if (i - first + 1 > *most)
			*most = i - first + 1;
	}
}

static const struct published {
	enum endpoint e;
	uint64_t objects;
	int64_t stretch_ms;
	int most;
	int total_min;
} published[] = {
	{ENDPOINT_USER_UPDATE, 200, 1000, 1, 500},
	{ENDPOINT_USER_UPDATE, 1, MINUTE, 5, 45},
	{ENDPOINT_USER_UPDATE, 2, MINUTE, 10, 90},
	{ENDPOINT_TICKET_UPDATE, 100, MINUTE, 100, 900},
	{ENDPOINT_TICKET_UPDATE, 1, 10 * MINUTE, 30, 30},
	{ENDPOINT_INCREMENTAL, 1, MINUTE, 10, 95},
};

static void test_what_is_published_is_kept_and_used(void **state)
{
	int total, most;

	(void)state;
	for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
		const struct published *p = &published[i];

		memset(&all, 0, sizeof(all));
		run(p->e, p->objects, p->stretch_ms, &total, &most);
		assert_in_range(most, 1, p->most);
		assert_true(total >= p->total_min);
	}
}

static void test_nothing_is_published_of_others(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_true(take(ENDPOINT_OTHER, 0, NOW));
		assert_true(take(ENDPOINT_SEARCH, 0, NOW));
		assert_true(take(ENDPOINT_MERGE, 0, NOW));
		assert_true(take(ENDPOINT_IDENTITY, 0, NOW));
	}
}

static void test_used_up_holds_up_nothing_else(void **state)
{
	(void)state;
	while (take(ENDPOINT_INCREMENTAL, 0, NOW))
		;
	check_only(ENDPOINT_INCREMENTAL);
}

/* ---- headers ---- */

static void test_nothing_remains(void **state)
{
	(void)state;
	hear(ENDPOINT_SEARCH, 0, 2500, 1, 30000, true);
	check_only(ENDPOINT_COUNT);
	hear(ENDPOINT_SEARCH, 0, 2500, 0, 30000, true);
	check_only(ENDPOINT_SEARCH);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_SEARCH, 0, NOW),
			 30000);
	assert_false(take(ENDPOINT_SEARCH, 0, NOW + 29999));
	assert_true(take(ENDPOINT_SEARCH, 0, NOW + 30000));
	hear(ENDPOINT_MERGE, 0, 10, 0, -1, true);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_MERGE, 0, NOW),
			 MINUTE);
	hear(ENDPOINT_IDENTITY, 0, 10, 0, 24 * 60 * MINUTE, true);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_IDENTITY, 0, NOW),
			 THROTTLE_TOLD_MAX_MS);
}

static void test_nothing_remains_of_one_user(void **state)
{
	(void)state;
	hear(ENDPOINT_USER_UPDATE, 7, 5, 0, 40000, true);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_USER_UPDATE, 7, NOW),
			 40000);
	assert_true(take(ENDPOINT_USER_UPDATE, 8, NOW));
	hear(ENDPOINT_USER_UPDATE, 7, 60, 0, 40000, true); /* of all */
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_USER_UPDATE, 9, NOW),
			 40000);
}

static void test_another_total(void **state)
{
	int n = 0;

	(void)state;
	hear(ENDPOINT_INCREMENTAL, 0, 30, 29, 60000, true); /* High Volume */
	while (take(ENDPOINT_INCREMENTAL, 0, NOW))
		n++;
	assert_int_equal(n, 30);
	setup(NULL);
	hear(ENDPOINT_INCREMENTAL, 0, 4, 3, 60000, false);
	for (n = 0; take(ENDPOINT_INCREMENTAL, 0, NOW); n++)
		;
	assert_int_equal(n, 4);
}

/* The general headers, where they are the account's after all. */
static void test_not_its_own_total(void **state)
{
	int n = 0;

	(void)state;
	hear(ENDPOINT_INCREMENTAL, 0, 700, 0, 60000, false);
	while (take(ENDPOINT_INCREMENTAL, 0, NOW))
		n++;
	assert_int_equal(n, 10);
}

/* ---- refusals ---- */

static void test_refused(void **state)
{
	(void)state;
	endpoint_refused(&all, ENDPOINT_MERGE, 0, 20000, 0, NOW);
	check_only(ENDPOINT_MERGE);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_MERGE, 0, NOW), 20000);
	assert_true(take(ENDPOINT_MERGE, 0, NOW + 20000));
	assert_false(take(ENDPOINT_MERGE, 0, NOW + 20000));
	endpoint_passed(&all, ENDPOINT_MERGE, NOW + 20100);
	assert_true(take(ENDPOINT_MERGE, 0, NOW + 20100));
}

/* Told for minutes: of one ticket; the others go on after a moment, one at
 * first. Should they be refused, too, the moments grow. */
static void test_refused_for_one_ticket(void **state)
{
	int64_t wait_ms, now = NOW;

	(void)state;
	endpoint_refused(&all, ENDPOINT_TICKET_UPDATE, 7, 300000, 0, now);
	assert_int_equal(endpoint_wait_ms(&all, ENDPOINT_TICKET_UPDATE, 7, now),
			 300000);
	for (int64_t pause = THROTTLE_FIRST_MS; pause < 60000; pause *= 2) {
		wait_ms =
			endpoint_wait_ms(&all, ENDPOINT_TICKET_UPDATE, 8, now);
		assert_in_range(wait_ms, 1,
				pause > THROTTLE_PROBE_MS ? pause
							  : THROTTLE_PROBE_MS);
		now += wait_ms;
		assert_true(take(ENDPOINT_TICKET_UPDATE, 8, now));
		endpoint_refused(&all, ENDPOINT_TICKET_UPDATE, 9, 0, 0, now);
	}
	now += 60000;
	assert_true(take(ENDPOINT_TICKET_UPDATE, 8, now));
	endpoint_passed(&all, ENDPOINT_TICKET_UPDATE, now);
	assert_true(take(ENDPOINT_TICKET_UPDATE, 10, now));
	assert_false(take(ENDPOINT_TICKET_UPDATE, 7, now));
}

static void test_more_objects_than_are_held(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 3 * ENDPOINT_HELD_MAX; i++)
		hear(ENDPOINT_USER_UPDATE, i, 5, 0, 40000, true);
	assert_false(take(ENDPOINT_USER_UPDATE, 3 * ENDPOINT_HELD_MAX, NOW));
	assert_true(take(ENDPOINT_USER_UPDATE, 1000, NOW));
}

/* Of several nodes each keeps to its part of what is published. */
static void test_a_part(void **state)
{
	(void)state;
	all.part = 250000;
	assert_true(take(ENDPOINT_USER_UPDATE, 1, NOW));
	assert_false(take(ENDPOINT_USER_UPDATE, 2, NOW + 4399));
	assert_true(take(ENDPOINT_USER_UPDATE, 2, NOW + 4400));
	/* it tells what is left for all */
	for (int i = 0; i < 10; i++)
		assert_true(take(ENDPOINT_INCREMENTAL, 0, NOW));
	assert_in_range(endpoint_wait_ms(&all, ENDPOINT_INCREMENTAL, 0, NOW),
			MINUTE, MINUTE + 5000);
}

/* It may be a larger one soon. */
static void test_a_small_part_is_not_waited_for(void **state)
{
	(void)state;
	all.part = 100;
	assert_true(take(ENDPOINT_USER_UPDATE, 1, NOW));
	assert_in_range(endpoint_wait_ms(&all, ENDPOINT_USER_UPDATE, 2, NOW), 1,
			2000);
	assert_false(take(ENDPOINT_USER_UPDATE, 2, NOW + MINUTE));
	all.part = 500000;
	assert_true(take(ENDPOINT_USER_UPDATE, 2, NOW + MINUTE));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_published_is_kept_and_used),
		TEST(test_nothing_is_published_of_others),
		TEST(test_used_up_holds_up_nothing_else),
		TEST(test_nothing_remains),
		TEST(test_nothing_remains_of_one_user),
		TEST(test_another_total),
		TEST(test_not_its_own_total),
		TEST(test_refused),
		TEST(test_refused_for_one_ticket),
		TEST(test_more_objects_than_are_held),
		TEST(test_a_part),
		TEST(test_a_small_part_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
