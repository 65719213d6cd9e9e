/*
 * Incremental exports and many users at once, against a scripted server: what
 * is asked, who is kept, and that no single user holds up a page.
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

static struct {
	struct zendesk_page page;
	char cursor[64];
	struct zendesk_ticket tickets[8];
	size_t ticket_count;
} got;

static void on_page(const struct api_result *r, const struct zendesk_page *page)
{
	memset(&got, 0, sizeof(got));
	assert_int_equal(page != NULL, r->result == RESULT_OK);
	if (!page)
		return;
	got.page = *page;
	if (page->after_cursor)
		assert_true(str_copy(got.cursor, sizeof(got.cursor),
				     page->after_cursor));
}

static void on_export_users(const struct api_result *r,
			    const struct zendesk_page *page,
			    const struct zd_user *users, size_t count,
			    void *arg)
{
	on_page(r, page);
	zd_on_users(r, users, count, arg);
}

static void on_export_tickets(const struct api_result *r,
			      const struct zendesk_page *page,
			      const struct zendesk_ticket *tickets,
			      size_t count, void *arg)
{
	on_page(r, page);
	assert_true(count <= ARRAY_LEN(got.tickets));
	for (size_t i = 0; i < count; i++)
		got.tickets[i] = tickets[i];
	got.ticket_count = count;
	zd_on_users(r, NULL, 0, arg);
}

static void export_users(struct api_fixture *f, int64_t since_ms,
			 const char *cursor)
{
	zd_out_clear(f->loop);
	zendesk_export_users(f->api, LANE_BACKFILL, since_ms, cursor, 50,
			     on_export_users, NULL);
	assert_int_equal(zd_out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

static void export_tickets(struct api_fixture *f)
{
	zd_out_clear(f->loop);
	zendesk_export_tickets(f->api, LANE_BACKFILL, 1700000000999, NULL, 50,
			       on_export_tickets, NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

#define USERS "/api/v2/incremental/users/cursor?include=identities&per_page=50&"
#define TICKETS                                                                \
	"/api/v2/incremental/tickets/cursor?exclude_deleted=true&per_page=50&"
#define MANY "/api/v2/users/show_many?include=identities&ids="
#define END  ",\"after_cursor\":\"b|2\",\"end_of_stream\":true}"
#define IDENTITY(user, type, value)                                            \
	"{\"user_id\":" #user ",\"type\":\"" type "\",\"value\":\"" value "\"" \
	"}"

/* ---- users ---- */

static void test_a_page_of_users(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET " USERS "start_time=1700000000 ", 200, NULL,
			"{\"users\":["
			"{\"id\":7,\"role\":\"end-user\",\"updated_at\":"
			"\"2026-01-01T00:00:05Z\"},"
			"{\"id\":8,\"role\":\"agent\",\"updated_at\":"
			"\"2026-01-01T00:00:01Z\"},"
			"{\"id\":9,\"active\":false},"
			"{\"id\":10,\"email\":\"a@x.example\"}],"
			"\"identities\":[" IDENTITY(
				10, "email",
				"a@x.example") "," IDENTITY(7, "messaging",
							    "abc") "],\"after_"
								   "cursor\":"
								   "\"a|1\","
								   "\"end_of_"
								   "stream\":"
								   "false}"));

	export_users(f, 1700000000999, NULL);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_string_equal(zd_out.r.call, "users_export");
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(zd_out.count, 2);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
	assert_int_equal(zd_out.users[1].id, 10);
	assert_int_equal(zd_out.users[1].identity_count, 1);
	assert_int_equal(got.page.scanned, 4);
	assert_int_equal(got.page.first_ms, 1767225601000);
	assert_string_equal(got.cursor, "a|1");
	assert_false(got.page.end_of_stream);
}

static void test_a_cursor_goes_on(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("GET " USERS "cursor=a%7C1 ", 200, NULL,
		      "{\"users\":[],\"identities\":[]" END),
	       ALWAYS("GET " USERS "cursor=b%7C2 ", 200, NULL,
		      "{\"users\":[],\"after_cursor\":\"b|2\","
		      "\"end_of_stream\":false}"));

	export_users(f, 5, "a|1");
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(got.page.scanned, 0);
	assert_int_equal(got.page.first_ms, 0);
	assert_string_equal(got.cursor, "b|2");
	assert_true(got.page.end_of_stream);
	export_users(f, 5, "b|2"); /* it stands still: that is the end */
	assert_true(got.page.end_of_stream);
}

#define TWO_USERS                                                              \
	"{\"users\":[{\"id\":7,\"email\":null},"                               \
	"{\"id\":8,\"email\":\"b@x.example\"}]"

static void test_identities_that_are_not_brought(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET " USERS, 200, NULL, TWO_USERS END),
	       REPLY("GET " MANY "7,8 ", 200, NULL,
		     TWO_USERS ",\"identities\":[" IDENTITY(
			     7, "messaging", "abc") "," IDENTITY(8, "messaging",
								 "def") "]}"));

	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.r.calls, 2);
	assert_int_equal(zd_out.count, 2);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
	assert_non_null(zd_user_identity(&zd_out.users[1], "messaging", "def"));
	assert_int_equal(got.page.scanned, 2);
}

/* An answer that has somebody's identities says that others have none, but
 * for who has an address. */
static void test_only_who_is_in_doubt_is_asked_for(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET " USERS, 200, NULL,
		     TWO_USERS ",\"identities\":[]" END),
	       REPLY("GET " MANY "8 ", 200, NULL,
		     "{\"users\":[{\"id\":8,\"email\":\"b@x.example\"}],"
		     "\"identities\":[" IDENTITY(8, "messaging", "def") "]}"));

	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.calls, 2);
	assert_int_equal(zd_out.count, 2);
	assert_int_equal(zd_out.users[0].identity_count, 0);
	assert_int_equal(zd_out.users[1].identity_count, 1);
}

static void test_at_last_they_are_listed(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET " USERS, 200, NULL, TWO_USERS END),
	       REPLY("GET " MANY "7,8 ", 200, NULL, TWO_USERS "}"),
	       REPLY("GET /api/v2/users/7/identities?", 200, NULL,
		     "{\"identities\":[" IDENTITY(7, "messaging", "abc") "]}"),
	       REPLY("GET /api/v2/users/8/identities?", 404, NULL,
		     "{\"error\":\"RecordNotFound\"}"));

	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.r.calls, 4);
	assert_int_equal(zd_out.count, 1); /* the other is gone by now */
	assert_int_equal(zd_out.users[0].id, 7);
}

static void test_who_is_gone_or_changed_is_left_out(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET " USERS, 200, NULL,
		     "{\"users\":[{\"id\":6},{\"id\":7},{\"id\":8},"
		     "{\"id\":\"x\"},{\"role\":\"end-user\"}]" END),
	       REPLY("GET " MANY "6,7,8 ", 200, NULL,
		     "{\"users\":[{\"id\":6,\"role\":\"agent\"},{\"id\":8}],"
		     "\"identities\":[" IDENTITY(8, "messaging", "def") "]}"));

	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.count, 1);
	assert_int_equal(zd_out.users[0].id, 8);
	assert_int_equal(got.page.scanned, 5);
}

static void check_failure(struct api_fixture *f, const char *body,
			  enum result want)
{
	SCRIPT(f, ALWAYS("GET ", 200, NULL, body));

	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, want);
	assert_int_equal(zd_out.count, 0);
}

static void test_what_is_no_page_is_none(void **state)
{
	check_failure(*state, "{}", RESULT_TEMP);
	check_failure(*state, "{\"users\":{}" END, RESULT_TEMP);
	check_failure(*state, "{\"users\":[],\"after_cursor\":\"a\"}",
		      RESULT_TEMP);
	check_failure(*state,
		      "{\"users\":[],\"after_cursor\":null,"
		      "\"end_of_stream\":false}",
		      RESULT_TEMP);
}

static void test_the_end_may_have_no_place(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("GET ", 200, NULL,
			 "{\"users\":[],\"after_cursor\":null,"
			 "\"end_of_stream\":true}"));

	export_users(f, 5, "a|1");
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(got.page.end_of_stream);
	assert_string_equal(got.cursor, "a|1");
	export_users(f, 5, NULL);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_true(got.page.end_of_stream);
	assert_null(got.page.after_cursor);
}

static void test_refusals(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 422, NULL, "{\"error\":\"InvalidValue\"}"),
	       REPLY("GET ", 403, NULL, "{\"error\":\"Forbidden\"}"),
	       REPLY("GET ", 429, "Retry-After: 40\r\n", "{\"error\":\"x\"}"));

	export_users(f, 0, "old");
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_AUTH);
	assert_true(zd_out.r.forbidden);
	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_RATE);
	assert_int_equal(zd_out.r.retry_after_ms, 40000);
}

/* An export speaks of its own limit. */
static void test_exports_say_nothing_of_the_account(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET " USERS, 200,
		     "X-Rate-Limit: 10\r\nX-Rate-Limit-Remaining: 0\r\n",
		     "{\"users\":[],\"identities\":[]" END),
	       REPLY("GET " USERS, 429,
		     "X-Rate-Limit: 10\r\nX-Rate-Limit-Remaining: 0\r\n"
		     "Retry-After: 55\r\n",
		     "{\"error\":\"TooManyRequests\"}"),
	       REPLY("GET /api/v2/users/7?", 200, NULL,
		     "{\"user\":{\"id\":7},\"identities\":[]}"));

	export_users(f, 0, NULL);
	export_users(f, 0, NULL);
	assert_int_equal(zd_out.r.result, RESULT_RATE);
	assert_int_equal(api_client_budget(f->api)->limit, 0);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	zd_out_clear(f->loop);
	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.result, RESULT_OK);
}

/* ---- tickets ---- */

#define TICKET(id, who, channel)                                               \
	"{\"id\":" #id ",\"requester_id\":" #who                               \
	",\"created_at\":\"2026-01-01T00:00:02Z\","                            \
	"\"updated_at\":\"2026-01-01T00:00:0" #id "Z\","                       \
	"\"via\":{\"channel\":\"" channel "\"}}"

static void test_tickets_of_conversations(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET " TICKETS "start_time=1700000000 ", 200, NULL,
		     "{\"tickets\":[" TICKET(4, 70, "native_messaging") "," TICKET(
			     3, 71,
			     "email") "," TICKET(5, 72,
						 "whatsapp") "," TICKET(6, 73,
									"some"
									"_mes"
									"seng"
									"er_"
									"to_"
									"com"
									"e") ","
									     "{"
									     "\"id\":7,"
									     "\"requester_"
									     "i"
									     "d"
									     "\":74,"
									     "\"status\":"
									     "\"deleted\"}"
									     "]" END));

	export_tickets(f);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_string_equal(zd_out.r.call, "tickets_export");
	assert_int_equal(got.ticket_count, 3);
	assert_int_equal(got.tickets[0].id, 4);
	assert_int_equal(got.tickets[0].requester_id, 70);
	assert_int_equal(got.tickets[0].created_ms, 1767225602000);
	assert_int_equal(got.tickets[1].requester_id, 72);
	assert_int_equal(got.tickets[2].requester_id, 73);
	assert_int_equal(got.page.scanned, 5);
	assert_int_equal(got.page.first_ms, 1767225603000);
	assert_true(got.page.end_of_stream);
}

static void test_tickets_that_are_not_to_be_read(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 200, NULL, "{\"tickets\":null" END));

	export_tickets(f);
	assert_int_equal(zd_out.r.result, RESULT_TEMP);
	assert_int_equal(got.ticket_count, 0);
}

/* ---- many ---- */

static void test_many_users(void **state)
{
	const uint64_t ids[] = {7, 8, 7, 9};
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET " MANY "7,8,9 ", 200, NULL,
			"{\"users\":[{\"id\":9},{\"id\":7}],\"identities\":"
			"[" IDENTITY(7, "messaging", "abc") "," IDENTITY(
				9, "email", "c@x.example") "]}"));

	zendesk_users_get_many(f->api, LANE_BACKFILL, ids, ARRAY_LEN(ids),
			       zd_on_users, NULL);
	assert_int_equal(zd_out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_string_equal(zd_out.r.call, "users_show_many");
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(zd_out.count, 2);
	assert_int_equal(zd_out.users[0].id, 7);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
	assert_int_equal(zd_out.users[1].id, 9);
}

static void test_many_users_that_are_not_to_be_read(void **state)
{
	const uint64_t ids[] = {7};
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 200, NULL, "{\"users\":null}"));

	zendesk_users_get_many(f->api, LANE_BACKFILL, ids, 1, zd_on_users,
			       NULL);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_TEMP);
}

/* Cancelled in the middle of its pages: the callback does not come. */
static void test_cancelled(void **state)
{
	struct api_fixture *f = *state;
	struct zendesk_op *op;
	SCRIPT(f, REPLY("GET ", 200, NULL, TWO_USERS END),
	       ALWAYS("GET " MANY, REPLY_SILENCE, NULL, NULL));

	op = zendesk_export_users(f->api, LANE_BACKFILL, 0, NULL, 50,
				  on_export_users, NULL);
	f->stop_at = 2;
	wire_run(f->loop);
	zendesk_cancel(op);
	assert_int_equal(zd_out.calls, 0);
}

#define TEST(f)                                                                \
	cmocka_unit_test_setup_teardown(f, zendesk_setup, zendesk_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_page_of_users),
		TEST(test_a_cursor_goes_on),
		TEST(test_identities_that_are_not_brought),
		TEST(test_only_who_is_in_doubt_is_asked_for),
		TEST(test_at_last_they_are_listed),
		TEST(test_who_is_gone_or_changed_is_left_out),
		TEST(test_what_is_no_page_is_none),
		TEST(test_the_end_may_have_no_place),
		TEST(test_refusals),
		TEST(test_exports_say_nothing_of_the_account),
		TEST(test_tickets_of_conversations),
		TEST(test_tickets_that_are_not_to_be_read),
		TEST(test_many_users),
		TEST(test_many_users_that_are_not_to_be_read),
		TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
