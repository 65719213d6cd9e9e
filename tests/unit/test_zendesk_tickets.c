/*
 * Tickets against a scripted server: the requester, notes that are internal
 * and sent once, looking for one, tags beside the ticket's own.
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

#include "base/str.h"
#include "zendesk_kit.h"

static void test_ticket(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET /api/v2/tickets/9 ", 200, NULL,
		     "{\"ticket\":{\"id\":9,\"requester_id\":12345678901234}}"),
	       REPLY("GET /api/v2/tickets/9 ", 200, NULL, "{\"ticket\":{}}"));

	zendesk_ticket_get(f->api, LANE_LIVE, 9, zd_on_ticket, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.requester_id, 12345678901234);
	zendesk_ticket_get(f->api, LANE_LIVE, 9, zd_on_ticket, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_TEMP);
	assert_int_equal(zd_out.requester_id, 0);
}

/* --- notes --- */

static void note(struct api_fixture *f)
{
	zendesk_ticket_note(f->api, LANE_REVIEW, 9, "Line one.\nA \"word\".",
			    zd_on_plain, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

static void test_a_note_is_internal_and_nothing_else(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("PUT /api/v2/tickets/9 ", 200, NULL,
			"{\"ticket\":{\"id\":9}}"));

	note(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(api_fixture_has(
		f, 0,
		"\r\n\r\n{\"ticket\":{\"comment\":{\"body\":"
		"\"Line one.\\nA \\\"word\\\".\",\"public\":false}}}"));
}

/* A connection that was used before dies behind the effect. */
static void test_a_note_is_sent_once(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 200, NULL, "{\"ticket\":{\"requester_id\":1}}"),
	       ALWAYS("PUT ", REPLY_CUT, NULL, NULL));

	zendesk_ticket_get(f->api, LANE_LIVE, 9, zd_on_ticket, NULL);
	wire_run(f->loop);
	zd_out_clear(f->loop);
	note(f);
	assert_int_equal(zd_out.r.result, RESULT_TEMP);
	assert_true(zd_out.r.sent);
	assert_int_equal(api_fixture_count(f, "PUT "), 1);
}

static void test_a_note_on_a_closed_ticket(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("PUT ", 422, NULL,
			"{\"error\":\"RecordInvalid\",\"details\":{\"status\":"
			"[{\"description\":\"Status: closed prevents ticket "
			"update\"}]}}"));

	note(f);
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_false(zd_out.r.sent);
}

/* --- looking for one --- */

static void find(struct api_fixture *f, const char *text)
{
	zd_out_clear(f->loop);
	zendesk_ticket_find_note(f->api, LANE_REVIEW, 9, text, zd_on_found,
				 NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

#define COMMENT(text, public) "{\"body\":\"" text "\",\"public\":" public "}"

static void test_finding_a_note(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("GET /api/v2/tickets/9/comments?"
		      "page%5Bsize%5D=100&sort=-created_at ",
		      200, NULL,
		      "{\"comments\":[" COMMENT(
			      "said mark 1. aloud",
			      "true") "," COMMENT("Recorded as mark 2.\\n",
						  "false") ",{\"plain_body\":"
							   "\"mark "
							   "3.\",\"public\":"
							   "false},"
							   "{\"public\":false}]"
							   ",\"meta\":{\"has_"
							   "more\":false}}"));

	find(f, "mark 2.");
	assert_true(zd_out.found);
	find(f, "mark 3.");
	assert_true(zd_out.found);
	find(f, "mark 1."); /* the customer can say anything */
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_false(zd_out.found);
}

static void test_finding_a_note_on_a_later_page(void **state)
{
	struct api_fixture *f = *state;
	const char *more = "{\"comments\":[],\"meta\":{\"has_more\":true},"
			   "\"links\":{\"next\":\"%s/api/v2/tickets/9/"
			   "comments?page=n\"}}";
	SCRIPT(f, REPLY("comments?page%5B", 200, NULL, more),
	       REPLY("comments?page=n", 200, NULL,
		     "{\"comments\":[" COMMENT(
			     "mark 2.",
			     "false") "],\"meta\":{\"has_more\":false}}"),
	       ALWAYS("comments?page", 200, NULL, more));

	find(f, "mark 2.");
	assert_true(zd_out.found);
	find(f, "mark 2."); /* no end: the newest 300 were looked at */
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_false(zd_out.found);
	assert_int_equal(f->request_count, 5);
}

/* "Not there" is believed only of a list. */
static void test_an_unclear_list_finds_nothing_out(void **state)
{
	struct api_fixture *f = *state;
	static const char *const bodies[] = {
		"{}", "{\"comments\":{}}", "<html>", "{\"comments\":[]",
		"{\"comments\":[],\"meta\":{\"has_more\":true}}"};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		SCRIPT(f, REPLY("/comments", 200, NULL, bodies[i]));
		find(f, "mark 2.");
		assert_int_equal(zd_out.r.result, RESULT_TEMP);
		assert_false(zd_out.found);
	}
}

/* --- tags --- */

static void test_tags(void **state)
{
	struct api_fixture *f = *state;
	static const char *const others[] = {"one_tag", "other_tag"};
	SCRIPT(f,
	       REPLY("PUT /api/v2/tickets/9/tags ", 200, NULL,
		     "{\"tags\":[\"vip\",\"a_tag\"]}"),
	       REPLY("DELETE /api/v2/tickets/9/tags?tags=one_tag,other_tag ",
		     200, NULL, "{\"tags\":[\"vip\"]}"));

	zendesk_ticket_tag(f->api, LANE_REVIEW, 9, "a_tag", zd_on_plain, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(api_fixture_has(f, 0, "\r\n\r\n{\"tags\":[\"a_tag\"]}"));
	zendesk_ticket_untag(f->api, LANE_REVIEW, 9, others, 2, zd_on_plain,
			     NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.calls, 2);
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_ticket),
		CASE(test_a_note_is_internal_and_nothing_else),
		CASE(test_a_note_is_sent_once),
		CASE(test_a_note_on_a_closed_ticket),
		CASE(test_finding_a_note),
		CASE(test_finding_a_note_on_a_later_page),
		CASE(test_an_unclear_list_finds_nothing_out),
		CASE(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
