/*
 * Calls about many users: what is sent, and what an answer is taken for.
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

#include "api/zendesk_many.h"
#include "zendesk_kit.h"

static struct zendesk_job job;
static struct zendesk_job_failure failures[4];
static int jobs_told;

static void on_job(const struct api_result *r, const struct zendesk_job *j,
		   void *arg)
{
	assert_int_equal(j != NULL, r->result == RESULT_OK);
	jobs_told++;
	if (j) {
		job = *j;
		assert_true(j->failure_count <= ARRAY_LEN(failures));
		for (size_t i = 0; i < j->failure_count; i++)
			failures[i] = j->failures[i];
	}
	zd_on_plain(r, arg);
}

static void set_two(struct api_fixture *f)
{
	const struct zendesk_external_id items[] = {{5, "e\"1"}, {6, "e2"}};

	zd_out_clear(f->loop);
	jobs_told = 0;
	zendesk_set_external_ids(f->api, LANE_BACKFILL, items, 2, on_job, NULL);
	wire_run(f->loop);
	assert_int_equal(jobs_told, 1);
}

static void get_job(struct api_fixture *f)
{
	zd_out_clear(f->loop);
	jobs_told = 0;
	zendesk_job_get(f->api, LANE_BACKFILL, "j/1", on_job, NULL);
	wire_run(f->loop);
	assert_int_equal(jobs_told, 1);
}

/* By user id, and nothing that could create anybody. */
static void test_updates_name_users_by_id(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("PUT /api/v2/users/update_many ", 200, NULL,
			"{\"job_status\":{\"id\":\"j1\",\"status\":"
			"\"queued\",\"results\":null}}"));

	set_two(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_string_equal(job.id, "j1");
	assert_int_equal(job.state, ZENDESK_JOB_OPEN);
	assert_true(api_fixture_has(
		f, 0,
		"\r\n\r\n{\"users\":[{\"id\":5,\"external_id\":\"e\\\"1\"},"
		"{\"id\":6,\"external_id\":\"e2\"}]}"));
}

static void test_an_answer_that_is_no_job(void **state)
{
	struct api_fixture *f = *state;
	static const char too_long[] =
		"{\"job_status\":{\"id\":\"01234567890123456789012345678901"
		"2345678901234567890123456789012345678901234567890\"}}";
	static const char *const bodies[] = {"{}", "{\"job_status\":{}}",
					     "{\"job_status\":{\"id\":\"\"}}",
					     too_long};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		SCRIPT(f, REPLY("/update_many ", 200, NULL, bodies[i]));
		set_two(f);
		assert_int_equal(zd_out.r.result, RESULT_TEMP);
		assert_true(zd_out.r.sent);
	}
}

static void test_states_of_a_job(void **state)
{
	struct api_fixture *f = *state;
	static const struct {
		const char *body;
		enum zendesk_job_state state;
	} rows[] = {
		{"{\"job_status\":{\"id\":\"j\",\"status\":\"queued\"}}",
		 ZENDESK_JOB_OPEN},
		{"{\"job_status\":{\"id\":\"j\",\"status\":\"working\"}}",
		 ZENDESK_JOB_OPEN},
		{"{\"job_status\":{\"id\":\"j\",\"status\":\"completed\","
		 "\"results\":{\"success\":true}}}",
		 ZENDESK_JOB_ENDED},
		{"{\"job_status\":{\"id\":\"j\",\"status\":\"failed\"}}",
		 ZENDESK_JOB_FAILED},
		{"{\"job_status\":{\"id\":\"j\",\"status\":\"killed\"}}",
		 ZENDESK_JOB_FAILED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /api/v2/job_statuses/j%2F1 ", 200, NULL,
				rows[i].body));
		get_job(f);
		assert_int_equal(zd_out.r.result, RESULT_OK);
		assert_int_equal(job.state, rows[i].state);
		assert_int_equal(job.failure_count, 0);
	}
}

static void test_a_job_that_is_not_known_has_ended(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/job_statuses/", 404, NULL,
			"{\"error\":\"RecordNotFound\"}"));

	get_job(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(job.state, ZENDESK_JOB_ENDED);
}

/* Code words only: a sentence may have anything in it. */
static void test_failures_of_a_job(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/job_statuses/", 200, NULL,
			"{\"job_status\":{\"id\":\"j\",\"status\":"
			"\"completed\",\"results\":[{\"id\":5,\"success\":true,"
			"\"status\":\"Updated\"},{\"id\":6,\"success\":false,"
			"\"error\":\"UserUpdateError\",\"details\":\"External "
			"has already been taken\"},{\"id\":2,\"error\":"
			"\"Ada <ada@x.example> is not there\"}]}}"));

	get_job(f);
	assert_int_equal(job.failure_count, 2);
	assert_int_equal(failures[0].user, 6);
	assert_int_equal(failures[0].place, 1);
	assert_true(failures[0].duplicate);
	assert_string_equal(failures[0].code, "UserUpdateError");
	assert_int_equal(failures[1].place, 2);
	assert_false(failures[1].duplicate);
	assert_string_equal(failures[1].code, "");
}

static void test_who_has_these_external_ids(void **state)
{
	struct api_fixture *f = *state;
	const char *const ids[] = {"a b", "c&d"};
	SCRIPT(f, REPLY("GET /api/v2/users/show_many?external_ids=a%20b,c%26d ",
			200, NULL,
			"{\"users\":[{\"id\":7,\"external_id\":\"A B\","
			"\"role\":\"agent\",\"email\":\"a@x.example\"}]}"));

	zendesk_users_by_external_ids(f->api, LANE_BACKFILL, ids, 2,
				      zd_on_users, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.count, 1);
	assert_int_equal(zd_out.users[0].role, ZD_ROLE_AGENT);
	assert_int_equal(f->request_count, 1); /* no identities are read */
}

static void test_these_users(void **state)
{
	struct api_fixture *f = *state;
	const uint64_t ids[] = {5, 6};
	static const struct {
		int status;
		const char *body;
		enum result result;
		size_t count;
	} rows[] = {
		{200, "{\"users\":[{\"id\":5},{\"id\":6}]}", RESULT_OK, 2},
		{404, "{\"error\":\"RecordNotFound\"}", RESULT_OK, 0},
		{200, "{\"users\":null}", RESULT_TEMP, 0},
		{200, "{\"users\":[{\"name\":\"x\"}]}", RESULT_TEMP, 0},
		{403, "{\"error\":\"Forbidden\"}", RESULT_AUTH, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /api/v2/users/show_many?ids=5,6 ",
				rows[i].status, NULL, rows[i].body));
		zd_out_clear(f->loop);
		zendesk_users_by_ids(f->api, LANE_BACKFILL, ids, 2, zd_on_users,
				     NULL);
		wire_run(f->loop);
		assert_int_equal(zd_out.r.result, rows[i].result);
		assert_int_equal(zd_out.count, rows[i].count);
	}
}

static void test_a_search_for_several(void **state)
{
	struct api_fixture *f = *state;
	const char *const addresses[] = {"a@x.example", "b\"c@x.example"};
	SCRIPT(f,
	       REPLY("GET /api/v2/users/search?query=email%3A%22a%40x.example"
		     "%22%20email%3A%22b%5C%22c%40x.example%22&include=",
		     200, NULL,
		     "{\"users\":[{\"id\":5}],\"identities\":[{\"user_id\":5,"
		     "\"id\":1,\"type\":\"email\",\"value\":\"a@x.example\"}],"
		     "\"next_page\":null}"));

	zendesk_search_addresses(f->api, LANE_BACKFILL, addresses, 2,
				 zd_on_users, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.users[0].identity_count, 1);
}

static void test_what_fits_into_a_request(void **state)
{
	(void)state;
	assert_int_equal(zendesk_many_cost("abc"), 6);
	assert_int_equal(zendesk_many_cost("a b"), 8);
	assert_true(zendesk_many_allows("abc"));
	assert_false(zendesk_many_allows("a,c"));
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_updates_name_users_by_id),
		CASE(test_an_answer_that_is_no_job),
		CASE(test_states_of_a_job),
		CASE(test_a_job_that_is_not_known_has_ended),
		CASE(test_failures_of_a_job),
		CASE(test_who_has_these_external_ids),
		CASE(test_these_users),
		CASE(test_a_search_for_several),
		CASE(test_what_fits_into_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
