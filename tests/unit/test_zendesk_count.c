/*
 * The head count: two searches at the same time, both or nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "zendesk_kit.h"

#define UNVERIFIED                                                             \
	"GET /api/v2/search/count?query="                                      \
	"type%3Auser%20role%3Aend-user%20is_verified%3Afalse "
#define END_USERS                                                              \
	"GET /api/v2/search/count?query=type%3Auser%20role%3Aend-user "

static void head_count(struct api_fixture *f)
{
	zd_out_clear(f->loop);
	zendesk_head_count(f->api, LANE_BACKFILL, zd_on_head_count, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

static void test_head_count(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY(UNVERIFIED, 200, NULL, "{\"count\":12}"),
	       REPLY(END_USERS, 200, NULL, "{\"count\":340}"));

	head_count(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.unverified, 12);
	assert_int_equal(zd_out.end_users, 340);
	assert_int_equal(zd_out.r.calls, 2);
}

static void test_head_count_without_both_answers(void **state)
{
	struct api_fixture *f = *state;
	static const struct {
		int status;
		const char *body;
		enum result result;
	} rows[] = {
		{200, "{}", RESULT_TEMP},
		{200, "{\"count\":\"many\"}", RESULT_TEMP},
		{200, "{\"count\":-1}", RESULT_TEMP},
		{403, "{\"error\":\"Forbidden\"}", RESULT_AUTH},
		{404, "{\"error\":\"InvalidEndpoint\"}", RESULT_AUTH},
		{404, "{\"error\":\"RecordNotFound\"}", RESULT_PERM},
		{503, "{}", RESULT_TEMP},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY(UNVERIFIED, 200, NULL, "{\"count\":12}"),
		       REPLY(END_USERS, rows[i].status, NULL, rows[i].body));
		head_count(f);
		assert_int_equal(zd_out.r.result, rows[i].result);
		assert_int_equal(zd_out.unverified, 0);
		assert_int_equal(zd_out.end_users, 0);
	}
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_head_count),
		CASE(test_head_count_without_both_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
