/*
 * Two nodes on one store. The first one is stopped (SIGSTOP, a machine that
 * sleeps) at the nth operation of its store or at the nth request, for every n,
 * for longer than its lease; the other one takes over what it was at, and then
 * the first one goes on where it stood.
 */
#include "unit.h"

#include "torture.h"

/* Of the other node, until the first one goes on: it starts, claims, reads,
 * merges, and does what follows that. */
#define FIRST_DONE 12
#define LAST_DONE  24
#define DONE	   6

/* It goes on when everything is done, or in the middle of that. */
static void stop(enum trip_kind kind, int patience, enum torture_what what)
{
	struct disturbance d = {.trips = {{.kind = kind}},
				.trip_count = 1,
				.two = true,
				.patience = patience};

	torture(&d, what);
}

static void test_stopped_before_an_operation(void **state)
{
	(void)state;
	stop(TRIP_STORE_STOPS_BEFORE, 0, TORTURE_ALL);
}

static void test_stopped_after_an_operation(void **state)
{
	(void)state;
	stop(TRIP_STORE_STOPS_AFTER, 0, TORTURE_THOROUGH);
}

static void test_stopped_before_a_request(void **state)
{
	(void)state;
	stop(TRIP_HTTP_STOPS_BEFORE, 0, TORTURE_THOROUGH);
}

/* The one request that nothing can hold back. */
static void test_stopped_when_nothing_more_is_asked(void **state)
{
	(void)state;
	stop(TRIP_HTTP_STOPS_CHECKED, 0, TORTURE_ALL);
}

static void test_stopped_with_a_request_on_its_way(void **state)
{
	(void)state;
	stop(TRIP_HTTP_STOPS_SOON, 0, TORTURE_ALL);
}

static void test_stopped_before_an_answer_is_read(void **state)
{
	(void)state;
	stop(TRIP_HTTP_STOPS_AFTER, 0, TORTURE_THOROUGH);
}

/* While the other one is in the middle of it: both are at work at once. */
static void middle(enum trip_kind kind, bool counts)
{
	for (int done = FIRST_DONE; done <= LAST_DONE; done += DONE) {
		struct disturbance d = {.trips = {{.kind = kind}},
					.trip_count = 1,
					.two = true,
					.patience = done,
					.counts = counts};

		torture(&d, TORTURE_PAIRS);
	}
}

static void test_it_goes_on_in_the_middle(void **state)
{
	(void)state;
	middle(TRIP_STORE_STOPS_BEFORE, false);
	middle(TRIP_HTTP_STOPS_BEFORE, false);
	middle(TRIP_HTTP_STOPS_SOON, false);
}

/* The one request goes while the other node believes that it will not: what
 * follows the merge may be missing then, but there are never two. */
static void test_it_sends_in_the_middle(void **state)
{
	(void)state;
	middle(TRIP_HTTP_STOPS_CHECKED, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stopped_before_an_operation),
		cmocka_unit_test(test_stopped_after_an_operation),
		cmocka_unit_test(test_stopped_before_a_request),
		cmocka_unit_test(test_stopped_when_nothing_more_is_asked),
		cmocka_unit_test(test_stopped_with_a_request_on_its_way),
		cmocka_unit_test(test_stopped_before_an_answer_is_read),
		cmocka_unit_test(test_it_goes_on_in_the_middle),
		cmocka_unit_test(test_it_sends_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
