/*
 * The clock of another machine: what answers say of it together, however long
 * each took, and what is believed when it was set.
 */
#include "unit.h"

#include "base/str.h"
#include "core/remote_clock.h"

#define AHEAD INT64_C(1790000000000)

/* The other clock is read so long behind the question. */
static void ask(struct remote_clock *c, int64_t asked_ms, int64_t there_ms,
		int64_t back_ms, int64_t ahead_ms)
{
	remote_clock_learn(c, asked_ms, asked_ms + there_ms + back_ms,
			   asked_ms + there_ms + ahead_ms);
}

static void test_half_of_the_way_is_the_error(void **state)
{
	static const int64_t ways[][2] = {
		{0, 0}, {100, 100}, {200, 0}, {0, 200}, {3, 50}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct remote_clock c = {.known = false};
		int64_t trip_ms = ways[i][0] + ways[i][1];
		int64_t off_ms;

		ask(&c, 5000, ways[i][0], ways[i][1], AHEAD);
		off_ms = remote_clock_ahead_ms(&c) - AHEAD;
		assert_true(c.known);
		assert_true(off_ms <= trip_ms / 2 + 1 &&
			    off_ms >= -trip_ms / 2 - 1);
		assert_true(c.least_ms <= AHEAD && c.most_ms >= AHEAD);
	}
}

/* One that took long spoils nothing; two that are lopsided make up for it. */
static void test_answers_are_taken_together(void **state)
{
	struct remote_clock c = {.known = false};
	int64_t was_ms;

	(void)state;
	ask(&c, 1000, 1, 1, AHEAD);
	was_ms = remote_clock_ahead_ms(&c);
	ask(&c, 2000, 900, 0, AHEAD);
	assert_in_range(remote_clock_ahead_ms(&c) - was_ms + 2, 0, 4);
	c.known = false;
	ask(&c, 3000, 900, 0, AHEAD);
	ask(&c, 5000, 0, 900, AHEAD);
	assert_in_range(remote_clock_ahead_ms(&c) - AHEAD + 3, 0, 6);
}

/* A clock that goes a little faster is followed, and never left behind. */
static void test_a_clock_that_goes_faster_is_followed(void **state)
{
	struct remote_clock c = {.known = false};

	(void)state;
	for (int64_t t = 0; t < 3600000; t += 10000) {
		int64_t ahead_ms = AHEAD + t / 10000; /* a ten-thousandth */

		ask(&c, t, 2, 2, ahead_ms);
		assert_in_range(remote_clock_ahead_ms(&c) - ahead_ms + 8, 0,
				16);
	}
}

static void test_a_clock_that_was_set_is_believed(void **state)
{
	static const int64_t steps[] = {3000, -3000, 86400000, -86400000};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct remote_clock c = {.known = false};

		ask(&c, 0, 5, 5, AHEAD);
		ask(&c, 10000, 5, 5, AHEAD + steps[i]);
		assert_in_range(remote_clock_ahead_ms(&c) - AHEAD - steps[i] +
					6,
				0, 12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_of_the_way_is_the_error),
		cmocka_unit_test(test_answers_are_taken_together),
		cmocka_unit_test(test_a_clock_that_goes_faster_is_followed),
		cmocka_unit_test(test_a_clock_that_was_set_is_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
