/*
 * When a failure is tried again.
 */
#include "unit.h"

#include "core/retry.h"

static void test_delays_grow_and_end_growing(void **state)
{
	int64_t last_ms = 0;

	(void)state;
	for (int n = 1; n < 40; n++) {
		int64_t least_ms = retry_delay_ms(RESULT_TEMP, n, -1, 0);

		assert_true(least_ms >= last_ms);
		assert_true(least_ms >= RETRY_FIRST_MS / 2);
		assert_true(retry_delay_ms(RESULT_TEMP, n, -1, UINT32_MAX) <=
			    RETRY_LONGEST_MS);
		last_ms = least_ms;
	}
	assert_int_equal(last_ms, RETRY_LONGEST_MS / 2);
}

static void test_what_a_limit_told_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_ms(RESULT_RATE, 1, 90000, 0), 90000);
	assert_int_equal(retry_delay_ms(RESULT_RATE, 20, 90000, 0), 90000);
	assert_true(retry_delay_ms(RESULT_RATE, 20, -1, UINT32_MAX) <=
		    RETRY_RATE_LONGEST_MS);
	assert_true(retry_delay_ms(RESULT_RATE, 1, 0, 0) > 0);
}

/* A date of next year, or seconds that are milliseconds. */
static void test_what_a_limit_told_has_an_end(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_ms(RESULT_RATE, 1, INT64_MAX, 0),
			 RETRY_TOLD_MAX_MS);
	assert_true(retry_delay_ms(RESULT_RATE, 1, INT64_MAX, UINT32_MAX) <=
		    RETRY_TOLD_MAX_MS + RETRY_FIRST_MS);
}

static void test_refused_credentials_are_tried_seldom(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_ms(RESULT_AUTH, 1, -1, 0),
			 RETRY_HOLD_MS / 2);
}

static void test_only_what_cannot_work_is_given_up(void **state)
{
	(void)state;
	assert_false(retry_gives_up(RESULT_PERM, RETRY_PERM_TRIES - 1));
	assert_true(retry_gives_up(RESULT_PERM, RETRY_PERM_TRIES));
	assert_true(retry_gives_up(RESULT_INVALID, RETRY_PERM_TRIES));
	assert_true(retry_gives_up(RESULT_NOTFOUND, RETRY_PERM_TRIES));
	assert_false(retry_gives_up(RESULT_TEMP, 1000));
	assert_false(retry_gives_up(RESULT_RATE, 1000));
	assert_false(retry_gives_up(RESULT_AUTH, 1000));
	assert_false(retry_gives_up(RESULT_CONFLICT, 1000));
}

static void test_looks_become_seldom(void **state)
{
	(void)state;
	assert_true(retry_wait_ms(0, 0) >= RETRY_LOOK_FIRST_MS * 9 / 10);
	assert_true(retry_wait_ms(1, 0) > retry_wait_ms(0, UINT32_MAX));
	assert_true(retry_wait_ms(50, UINT32_MAX) <=
		    RETRY_LONGEST_MS * 11 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delays_grow_and_end_growing),
		cmocka_unit_test(test_what_a_limit_told_is_waited_for),
		cmocka_unit_test(test_what_a_limit_told_has_an_end),
		cmocka_unit_test(test_refused_credentials_are_tried_seldom),
		cmocka_unit_test(test_only_what_cannot_work_is_given_up),
		cmocka_unit_test(test_looks_become_seldom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
