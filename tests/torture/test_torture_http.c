/*
 * The whole machine, and its nth request to Zendesk or SunCo goes wrong, for
 * every n and in every way.
 */
#include "unit.h"

#include "base/str.h"
#include "torture.h"

static void torture_all(const char *fault, const struct trip *trip)
{
	for (size_t i = 0; i < torture_scenario_count; i++) {
		struct torture t;
		bool more = true;

		torture_begin(&t, &torture_scenarios[i]);
		for (int at = 1; more; at++) {
			struct disturbance d = {.fault = fault, .fault_at = at};

			if (trip) {
				d.trips[0] = *trip;
				d.trips[0].at = at;
				d.trip_count = 1;
			}
			more = torture_run(&t, &d) || at < t.most;
		}
		torture_end(&t);
	}
}

static void test_nobody_listens(void **state)
{
	(void)state;
	torture_all(NULL, &(struct trip){.kind = TRIP_HTTP_REFUSED});
}

static void test_the_connection_ends_before_the_effect(void **state)
{
	(void)state;
	torture_all("'kind': 'cut_before'", NULL);
}

static void test_the_connection_ends_after_the_effect(void **state)
{
	(void)state;
	torture_all("'kind': 'cut_after'", NULL);
}

static void test_the_answer_is_cut(void **state)
{
	(void)state;
	torture_all("'kind': 'truncate'", NULL);
}

static void test_no_answer_comes(void **state)
{
	(void)state;
	torture_all("'kind': 'hang', 'ms': 120000", NULL);
}

static void test_no_answer_comes_although_it_is_done(void **state)
{
	(void)state;
	torture_all("'kind': 'hang', 'ms': 120000, 'applied': true", NULL);
}

static void test_the_effect_comes_after_the_patience(void **state)
{
	(void)state;
	torture_all("'kind': 'delay', 'ms': 36000", NULL);
}

static void test_an_error_of_the_server(void **state)
{
	(void)state;
	torture_all("'kind': 'status', 'status': 500,"
		    " 'body': {'error': 'InternalError'}",
		    NULL);
}

static void test_an_error_of_the_server_after_the_effect(void **state)
{
	(void)state;
	torture_all("'kind': 'status', 'status': 500, 'applied': true", NULL);
}

static void test_a_page_of_the_front(void **state)
{
	(void)state;
	torture_all("'kind': 'html', 'status': 503", NULL);
}

static void test_too_many_requests(void **state)
{
	(void)state;
	torture_all("'kind': 'status', 'status': 429,"
		    " 'headers': {'Retry-After': '7'}",
		    NULL);
	torture_all("'kind': 'status', 'status': 429", NULL);
}

static void test_a_conflict(void **state)
{
	(void)state;
	torture_all("'kind': 'status', 'status': 409,"
		    " 'body': {'error': 'Conflict'}",
		    NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_the_connection_ends_before_the_effect),
		cmocka_unit_test(test_the_connection_ends_after_the_effect),
		cmocka_unit_test(test_the_answer_is_cut),
		cmocka_unit_test(test_no_answer_comes),
		cmocka_unit_test(test_no_answer_comes_although_it_is_done),
		cmocka_unit_test(test_the_effect_comes_after_the_patience),
		cmocka_unit_test(test_an_error_of_the_server),
		cmocka_unit_test(test_an_error_of_the_server_after_the_effect),
		cmocka_unit_test(test_a_page_of_the_front),
		cmocka_unit_test(test_too_many_requests),
		cmocka_unit_test(test_a_conflict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
