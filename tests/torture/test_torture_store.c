/*
 * The whole machine, and the nth operation of its store fails, for every n.
 */
#include "unit.h"

#include "torture.h"

static void trip(enum trip_kind kind)
{
	struct disturbance d = {.trips = {{.kind = kind}}, .trip_count = 1};

	torture(&d, TORTURE_ALL);
}

static void test_an_operation_that_fails(void **state)
{
	(void)state;
	trip(TRIP_STORE_REFUSED);
}

static void test_a_transaction_that_cannot_be_committed(void **state)
{
	(void)state;
	trip(TRIP_STORE_UNCOMMITTED);
}

static void test_an_operation_that_is_done_but_seems_to_fail(void **state)
{
	(void)state;
	trip(TRIP_STORE_UNANSWERED);
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
