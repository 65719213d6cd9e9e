/*
 * The whole machine, and its nth request to Zendesk or SunCo goes wrong, for
 * every n and in every way.
 */
#include "unit.h"

#include "base/str.h"
#include "torture.h"

/* Like what others cause: enough for the thorough ones. */
static void strike(const char *fault)
{
	struct disturbance d = {.fault = fault};

	torture(&d, TORTURE_THOROUGH);
}

static void strike_all(const char *fault)
{
	struct disturbance d = {.fault = fault};

	torture(&d, TORTURE_ALL);
}

static void test_nobody_listens(void **state)
{
	struct disturbance d = {.trips = {{.kind = TRIP_HTTP_REFUSED}},
				.trip_count = 1};

	(void)state;
	torture(&d, TORTURE_THOROUGH);
}

static void test_the_connection_ends_before_the_effect(void **state)
{
	(void)state;
	strike_all("'kind': 'cut_before'");
}

static void test_the_connection_ends_after_the_effect(void **state)
{
	(void)state;
	strike_all("'kind': 'cut_after'");
}

static void test_the_answer_is_cut(void **state)
{
	(void)state;
	strike("'kind': 'truncate'");
}

static void test_no_answer_comes(void **state)
{
	(void)state;
	strike("'kind': 'hang', 'ms': 120000");
}

static void test_no_answer_comes_although_it_is_done(void **state)
{
	(void)state;
	strike_all("'kind': 'hang', 'ms': 120000, 'applied': true");
}

static void test_the_effect_comes_after_the_patience(void **state)
{
	(void)state;
	strike("'kind': 'delay', 'ms': 36000");
}

static void test_an_error_of_the_server(void **state)
{
	(void)state;
	strike("'kind': 'status', 'status': 500,"
	       " 'body': {'error': 'InternalError'}");
}

static void test_an_error_of_the_server_after_the_effect(void **state)
{
	(void)state;
	strike("'kind': 'status', 'status': 500, 'applied': true");
}

static void test_a_page_of_the_front(void **state)
{
	(void)state;
	strike("'kind': 'html', 'status': 503");
}

static void test_too_many_requests(void **state)
{
	(void)state;
	strike("'kind': 'status', 'status': 429,"
	       " 'headers': {'Retry-After': '7'}");
	strike("'kind': 'status', 'status': 429");
}

static void test_a_conflict(void **state)
{
	(void)state;
	strike("'kind': 'status', 'status': 409,"
	       " 'body': {'error': 'Conflict'}");
}

static void test_credentials_that_are_refused_once(void **state)
{
	(void)state;
	strike("'kind': 'status', 'status': 401,"
	       " 'body': {'error': 'invalid_token'}");
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
		cmocka_unit_test(test_credentials_that_are_refused_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
