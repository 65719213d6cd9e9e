/*
 * The whole machine, and trouble comes twice: at the nth operation or request,
 * and again soon after it, for every n.
 */
#include "unit.h"

#include "torture.h"

#define MOST_BETWEEN 4

static void twice(const char *fault, enum trip_kind first,
		  enum trip_kind second)
{
	for (int between = 1; between <= MOST_BETWEEN; between++) {
		struct disturbance d = {.fault = fault};

		if (first != TRIP_NONE)
			d.trips[d.trip_count++] = (struct trip){.kind = first};
		if (second != TRIP_NONE)
			d.trips[d.trip_count++] =
				(struct trip){.kind = second, .at = between};
		torture(&d, TORTURE_PAIRS);
	}
}

static void test_it_dies_and_dies_again(void **state)
{
	(void)state;
	twice(NULL, TRIP_STORE_DIES_AFTER, TRIP_STORE_DIES_AFTER);
	twice(NULL, TRIP_HTTP_DIES_AFTER, TRIP_HTTP_DIES_BEFORE);
}

static void test_it_dies_and_the_store_fails(void **state)
{
	(void)state;
	twice(NULL, TRIP_STORE_DIES_AFTER, TRIP_STORE_UNANSWERED);
	twice(NULL, TRIP_STORE_UNANSWERED, TRIP_STORE_DIES_BEFORE);
}

static void test_the_store_fails_twice(void **state)
{
	(void)state;
	twice(NULL, TRIP_STORE_UNANSWERED, TRIP_STORE_REFUSED);
}

/* What was done is not known, and nobody is there to find out. */
static void test_an_answer_is_lost_and_it_dies(void **state)
{
	(void)state;
	twice("'kind': 'cut_after'", TRIP_NONE, TRIP_HTTP_DIES_AFTER);
	twice("'kind': 'cut_before'", TRIP_NONE, TRIP_HTTP_DIES_BEFORE);
}

/* The requests behind a lost one are lost as well. */
static void test_answers_are_lost_one_after_the_other(void **state)
{
	(void)state;
	twice("'kind': 'cut_after', 'times': 3", TRIP_NONE, TRIP_HTTP_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_dies_and_dies_again),
		cmocka_unit_test(test_it_dies_and_the_store_fails),
		cmocka_unit_test(test_the_store_fails_twice),
		cmocka_unit_test(test_an_answer_is_lost_and_it_dies),
		cmocka_unit_test(test_answers_are_lost_one_after_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
