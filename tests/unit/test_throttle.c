/*
 * What refusals cost: as told, within reason, and ever less often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/throttle.h"

#define MINUTE 60000
#define NOW    1000000 /* any time */
#define DICE   UINT32_MAX

static void test_open_at_first(void **state)
{
	struct throttle t = {0};

	(void)state;
	assert_int_equal(throttle_wait_ms(&t, NOW), 0);
	throttle_sent(&t, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), 0);
}

static void test_as_told_then_one_asks_for_all(void **state)
{
	struct throttle t = {0};

	(void)state;
	throttle_refused(&t, 7000, DICE, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), 7000);
	assert_int_equal(throttle_wait_ms(&t, NOW + 6999), 1);
	assert_int_equal(throttle_wait_ms(&t, NOW + 7000), 0);
	throttle_sent(&t, NOW + 7000);
	assert_int_equal(throttle_wait_ms(&t, NOW + 7000), THROTTLE_PROBE_MS);
	throttle_passed(&t, NOW + 7200);
	assert_int_equal(throttle_wait_ms(&t, NOW + 7200), 0);
	throttle_sent(&t, NOW + 7200);
	assert_int_equal(throttle_wait_ms(&t, NOW + 7200), 0);
}

/* Those on their way when the first came back say nothing new, or longer. */
static void test_refusals_from_before(void **state)
{
	struct throttle t = {0};

	(void)state;
	throttle_refused(&t, 7000, DICE, NOW);
	for (int i = 0; i < 50; i++)
		throttle_refused(&t, 5000, DICE, NOW + 10);
	throttle_passed(&t, NOW + 20);
	assert_int_equal(throttle_wait_ms(&t, NOW + 20), 6980);
	throttle_refused(&t, 9000, DICE, NOW + 30);
	assert_int_equal(throttle_wait_ms(&t, NOW + 30), 9000);
}

static void test_what_is_out_of_reason(void **state)
{
	static const int64_t day = 24 * 60 * MINUTE;
	struct throttle t = {0};

	(void)state;
	throttle_refused(&t, day, DICE, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), THROTTLE_TOLD_MAX_MS);
	t = (struct throttle){0};
	throttle_refused(&t, INT64_MAX, DICE, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), THROTTLE_TOLD_MAX_MS);
	t = (struct throttle){0};
	throttle_refused(&t, 0, DICE, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), THROTTLE_FIRST_MS);
	t = (struct throttle){0};
	throttle_refused(&t, -1, 0, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), THROTTLE_UNTOLD_MS / 2);
	for (uint32_t dice = 0; dice < 100; dice++) {
		t = (struct throttle){0};
		throttle_refused(&t, -1, dice * 2654435761u, NOW);
		assert_in_range(throttle_wait_ms(&t, NOW),
				THROTTLE_UNTOLD_MS / 2, THROTTLE_UNTOLD_MS);
	}
}

/* How many are sent in the first, and in the last of ten minutes, by somebody
 * who always wants to, when every one is refused at once. */
static void hammer(int64_t told_ms, int *first, int *last)
{
	struct throttle t = {0};

	*first = *last = 0;
	for (int64_t ms = 0; ms < 10 * MINUTE; ms++) {
		if (throttle_wait_ms(&t, NOW + ms) > 0)
			continue;
		throttle_sent(&t, NOW + ms);
		throttle_refused(&t, told_ms, 0, NOW + ms);
		*first += ms < MINUTE;
		*last += ms >= 9 * MINUTE;
	}
}

static void test_a_handful_a_minute(void **state)
{
	static const int64_t told[] = {-1, 0, 1, 1000, 5000, 30000};
	int first, last;

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		hammer(told[i], &first, &last);
		assert_in_range(first, 1, 7);
		assert_in_range(last, 0, 2);
	}
}

/* What another node was told. */
static void test_somebody_else_was_refused(void **state)
{
	struct throttle t = {0};

	(void)state;
	throttle_told(&t, NOW - 1, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), 0);
	throttle_told(&t, NOW + 5000, NOW);
	throttle_told(&t, NOW + 4000, NOW);
	assert_int_equal(throttle_wait_ms(&t, NOW), 5000);
	throttle_passed(&t, NOW + 10); /* sent before */
	assert_int_equal(throttle_wait_ms(&t, NOW + 10), 4990);
	throttle_sent(&t, NOW + 5000);
	assert_int_equal(throttle_wait_ms(&t, NOW + 5000), THROTTLE_PROBE_MS);
	throttle_passed(&t, NOW + 5200);
	assert_int_equal(throttle_wait_ms(&t, NOW + 5200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_at_first),
		cmocka_unit_test(test_as_told_then_one_asks_for_all),
		cmocka_unit_test(test_refusals_from_before),
		cmocka_unit_test(test_what_is_out_of_reason),
		cmocka_unit_test(test_a_handful_a_minute),
		cmocka_unit_test(test_somebody_else_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
