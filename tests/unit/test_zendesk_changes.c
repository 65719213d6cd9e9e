/*
 * Changing things in Zendesk against a scripted server: what is sent, how
 * often, and what an unclear answer is taken for.
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

#include "api/sunco.h"

#include "zendesk_kit.h"

static void merge(struct api_fixture *f)
{
	zendesk_merge(f->api, LANE_LIVE, 5, 6, zd_on_user, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

static void test_merge(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("PUT /api/v2/users/5/merge ", 200, NULL,
			"{\"user\":{\"id\":6}}"));

	merge(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.users[0].id, 6);
	assert_true(api_fixture_has(f, 0, "\r\n\r\n{\"user\":{\"id\":6}}"));
	assert_true(api_fixture_has(f, 0,
				    "\r\nContent-Type: application/json\r\n"));
}

/* After a reused connection died behind the effect, one merge was sent. */
static void test_merge_is_sent_once(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 200, NULL, "{\"user\":{\"id\":5}}"),
	       REPLY("/identities", 200, NULL, "{\"identities\":[]}"),
	       ALWAYS("/merge", REPLY_CUT, NULL, NULL));

	zd_get_user(f, 5);
	zd_out_clear(f->loop);
	merge(f);
	assert_int_equal(zd_out.r.result, RESULT_TEMP);
	assert_true(zd_out.r.sent);
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(api_fixture_count(f, "/merge"), 1);
}

static void test_merge_with_an_unclear_answer(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
	} rows[] = {
		{200, "{\"user\":{\"id\":6}"},	/* truncated */
		{200, "{\"user\":{\"id\":5}}"}, /* not the survivor */
		{200, "{}"},
		{200, ""},
		{200, "<html>ok</html>"},
		{502, "{\"error\":\"x\"}"},
		{504, "<html>"},
		{403, "<html>"},
		{302, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("/merge", rows[i].status, NULL, rows[i].body));
		merge(f);
		assert_int_equal(zd_out.r.result, RESULT_TEMP);
		assert_true(zd_out.r.sent);
		zd_out_clear(f->loop);
	}
	assert_int_equal(f->request_count, (int)ARRAY_LEN(rows));
}

static void test_merge_refused(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/merge", 422, NULL,
			"{\"error\":\"RecordInvalid\",\"description\":"
			"\"Users with external IDs cannot be merged\"}"));

	merge(f);
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_false(zd_out.r.sent);
	assert_true(zd_out.r.mentions_external_id);
	assert_false(zd_out.r.duplicate);
	assert_string_equal(zd_out.r.error.text, "HTTP 422 RecordInvalid");
}

static void test_updates(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("PUT /api/v2/users/5 ", 200, NULL,
		      "{\"user\":{\"id\":5}}"),
	       REPLY("POST /api/v2/users/5/identities ", 201, NULL,
		     "{\"identity\":{\"id\":1}}"),
	       REPLY("/identities/77/verify ", 200, NULL,
		     "{\"identity\":{\"id\":77}}"));

	zendesk_set_external_id(f->api, LANE_LIVE, 5, "e\"1", zd_on_plain,
				NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(api_fixture_has(
		f, 0, "\r\n\r\n{\"user\":{\"external_id\":\"e\\\"1\"}}"));
	zendesk_set_external_id(f->api, LANE_LIVE, 5, NULL, zd_on_plain, NULL);
	wire_run(f->loop);
	assert_true(api_fixture_has(
		f, 1, "\r\n\r\n{\"user\":{\"external_id\":null}}"));
	zendesk_set_name(f->api, LANE_LIVE, 5, "Ada", zd_on_plain, NULL);
	wire_run(f->loop);
	assert_true(
		api_fixture_has(f, 2, "\r\n\r\n{\"user\":{\"name\":\"Ada\"}}"));
	zendesk_add_address(f->api, LANE_LIVE, 5, "a@x.example", true,
			    zd_on_plain, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(api_fixture_has(
		f, 3,
		"\r\n\r\n{\"identity\":{\"type\":\"email\",\"value\":"
		"\"a@x.example\",\"verified\":true,\"skip_verify_email\":"
		"true}}"));
	zendesk_verify_address(f->api, LANE_LIVE, 5, 77, zd_on_plain, NULL);
	wire_run(f->loop);
	assert_true(api_fixture_has(
		f, 4, "PUT /api/v2/users/5/identities/77/verify HTTP/1.1\r\n"));
	assert_int_equal(zd_out.calls, 5);
}

static void on_synced(const struct api_result *r, void *arg)
{
	*(enum result *)arg = r->result;
	zd_on_plain(r, NULL);
}

static void test_sync(void **state)
{
	struct api_fixture *f = *state;
	enum result r = RESULT_TEMP;
	SCRIPT(f, REPLY("/users/11/sync ", 200, NULL,
			"{\"user\":{\"id\":\"abc1\"}}"));

	sunco_sync(f->api, LANE_LIVE, 11, 22, on_synced, &r);
	wire_run(f->loop);
	assert_int_equal(r, RESULT_OK);
	assert_true(api_fixture_has(f, 0, "/users/11/sync HTTP/1.1\r\n"));
	assert_true(api_fixture_has(f, 0,
				    "\r\n\r\n{\"survivingZendeskId\":\"22\"}"));
}

static void test_address_of_somebody_else(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/identities", 422, NULL,
			"{\"error\":\"RecordInvalid\",\"description\":\"Record "
			"validation errors\",\"details\":{\"value\":[{"
			"\"description\":\"Email: a@x.example is already being "
			"used "
			"by another user\",\"error\":\"DuplicateValue\"}]}}"));

	zendesk_add_address(f->api, LANE_LIVE, 5, "a@x.example", true,
			    zd_on_plain, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_true(zd_out.r.duplicate);
	assert_false(zd_out.r.mentions_external_id);
	assert_string_equal(zd_out.r.error.text,
			    "HTTP 422 RecordInvalid DuplicateValue");
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_merge),
		CASE(test_merge_is_sent_once),
		CASE(test_merge_with_an_unclear_answer),
		CASE(test_merge_refused),
		CASE(test_updates),
		CASE(test_sync),
		CASE(test_address_of_somebody_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
