/*
 * The whole machine, and its process ends at the nth operation of the store
 * or at the nth request, for every n; another one goes on.
 */
#include "unit.h"

#include "torture.h"

static void die(enum trip_kind kind, const char *fault)
{
	struct disturbance d = {
		.trips = {{.kind = kind}}, .trip_count = 1, .fault = fault};

	torture(&d, TORTURE_ALL);
}

static void test_it_dies_before_an_operation(void **state)
{
	(void)state;
	die(TRIP_STORE_DIES_BEFORE, NULL);
}

static void test_it_dies_after_an_operation(void **state)
{
	(void)state;
	die(TRIP_STORE_DIES_AFTER, NULL);
}

static void test_it_dies_before_a_request(void **state)
{
	(void)state;
	die(TRIP_HTTP_DIES_BEFORE, NULL);
}

static void test_it_dies_after_a_request(void **state)
{
	(void)state;
	die(TRIP_HTTP_DIES_AFTER, NULL);
}

/* The request is on its way, and takes effect in the next life. */
static void test_it_dies_and_its_request_lives_on(void **state)
{
	(void)state;
	die(TRIP_HTTP_DIES_SOON, "'kind': 'delay', 'ms': 8000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_dies_before_an_operation),
		cmocka_unit_test(test_it_dies_after_an_operation),
		cmocka_unit_test(test_it_dies_before_a_request),
		cmocka_unit_test(test_it_dies_after_a_request),
		cmocka_unit_test(test_it_dies_and_its_request_lives_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
