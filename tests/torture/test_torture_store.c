/*
 * The whole machine, and the nth operation of its store fails, for every n.
 */
#include "unit.h"

#include "torture.h"

/* Every operation of the scenario, and those that come of the trouble. */
static void torture_all(enum trip_kind kind)
{
	for (size_t i = 0; i < torture_scenario_count; i++) {
		struct torture t;
		bool more = true;

		torture_begin(&t, &torture_scenarios[i]);
		for (int at = 1; more; at++) {
			struct disturbance d = {
				.trips = {{.kind = kind, .at = at}},
				.trip_count = 1};

			more = torture_run(&t, &d) || at < t.most;
		}
		torture_end(&t);
	}
}

static void test_an_operation_that_fails(void **state)
{
	(void)state;
	torture_all(TRIP_STORE_REFUSED);
}

static void test_a_transaction_that_cannot_be_committed(void **state)
{
	(void)state;
	torture_all(TRIP_STORE_UNCOMMITTED);
}

static void test_an_operation_that_is_done_but_seems_to_fail(void **state)
{
	(void)state;
	torture_all(TRIP_STORE_UNANSWERED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_operation_that_fails),
		cmocka_unit_test(test_a_transaction_that_cannot_be_committed),
		cmocka_unit_test(
			test_an_operation_that_is_done_but_seems_to_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
