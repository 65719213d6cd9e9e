/*
 * The Zendesk calls against a scripted server: what is asked, what is made of
 * the answers, and that a part is never taken for the whole.
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

#include "api/zendesk.h"

#include "api_fixture.h"
#include "base/buf.h"

#define USERS_MAX 8

struct outcome {
	struct loop *loop;
	int calls; /* of the callback */
	struct api_result r;
	struct zd_user users[USERS_MAX];
	size_t count;
	uint64_t requester_id;
	struct zendesk_op *own; /* to be cancelled inside the callback */
	struct api_client *free_client;
};
static struct outcome out;

static void noted(const struct api_result *r)
{
	out.calls++;
	out.r = *r;
	if (out.own)
		zendesk_cancel(out.own);
	api_client_free(out.free_client);
	out.free_client = NULL;
	loop_stop(out.loop);
}

static void on_user(const struct api_result *r, const struct zd_user *u,
		    void *arg)
{
	(void)arg;
	assert_int_equal(u != NULL, r->result == RESULT_OK);
	if (u)
		zd_user_copy(&out.users[out.count++], u);
	noted(r);
}

static void on_users(const struct api_result *r, const struct zd_user *u,
		     size_t count, void *arg)
{
	(void)arg;
	if (r->result != RESULT_OK)
		assert_int_equal(count, 0);
	for (size_t i = 0; i < count && i < USERS_MAX; i++)
		zd_user_copy(&out.users[i], &u[i]);
	out.count = count;
	noted(r);
}

static void on_plain(const struct api_result *r, void *arg)
{
	(void)arg;
	noted(r);
}

static void on_ticket(const struct api_result *r, uint64_t requester_id,
		      void *arg)
{
	(void)arg;
	out.requester_id = requester_id;
	noted(r);
}

static void out_clear(struct loop *loop)
{
	for (size_t i = 0; i < out.count && i < USERS_MAX; i++)
		zd_user_release(&out.users[i]);
	out = (struct outcome){.loop = loop};
}

static int setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	out_clear(f->loop);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	out_clear(NULL);
	api_fixture_free(*state);
	return 0;
}

static void get_user(struct api_fixture *f, uint64_t id)
{
	zendesk_user_get(f->api, LANE_LIVE, id, on_user, NULL);
	assert_int_equal(out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(out.calls, 1);
}

static void search(struct api_fixture *f, const char *address)
{
	zendesk_search_address(f->api, LANE_LIVE, address, on_users, NULL);
	assert_int_equal(out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(out.calls, 1);
}

/* ---- one user ---- */

static void test_user_with_side_loaded_identities(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET /api/v2/users/7?include=identities ", 200, NULL,
			"{\"user\":{\"id\":7,\"name\":\"N\",\"role\":\"end-"
			"user\"},"
			"\"identities\":["
			"{\"id\":1,\"user_id\":7,\"type\":\"messaging\","
			"\"value\":\"abc\"},"
			"{\"id\":2,\"user_id\":8,\"type\":\"email\","
			"\"value\":\"other@x.example\"}]}"));

	get_user(f, 7);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_string_equal(out.r.call, "user_get");
	assert_int_equal(out.r.calls, 1);
	assert_int_equal(out.users[0].id, 7);
	assert_true(out.users[0].identities_known);
	assert_int_equal(out.users[0].identity_count, 1);
	assert_non_null(zd_user_identity(&out.users[0], "messaging", "abc"));
}

static void test_user_with_nested_identities(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET /api/v2/users/7?", 200, NULL,
			"{\"user\":{\"id\":7,\"identities\":["
			"{\"type\":\"messaging\",\"value\":\"abc\"}]}}"));

	get_user(f, 7);
	assert_int_equal(out.r.calls, 1);
	assert_non_null(zd_user_identity(&out.users[0], "messaging", "abc"));
}

static void test_user_whose_identities_are_listed(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET /api/v2/users/7?include=identities ", 200, NULL,
		     "{\"user\":{\"id\":7}}"),
	       REPLY("GET /api/v2/users/7/identities?page%5Bsize%5D=100 ", 200,
		     NULL,
		     "{\"identities\":[{\"id\":1,\"user_id\":7,\"type\":"
		     "\"email\","
		     "\"value\":\"a@x.example\"}],\"meta\":{\"has_more\":true},"
		     "\"links\":{\"next\":\"%s/api/v2/users/7/"
		     "identities?after=Z\"}"
		     "}"),
	       REPLY("GET /api/v2/users/7/identities?after=Z ", 200, NULL,
		     "{\"identities\":[{\"id\":2,\"user_id\":7,\"type\":"
		     "\"email\","
		     "\"value\":\"b@x.example\"}],"
		     "\"next_page\":\"%s/api/v2/users/7/identities?page=3\"}"),
	       REPLY("GET /api/v2/users/7/identities?page=3 ", 200, NULL,
		     "{\"identities\":[{\"id\":3,\"user_id\":7,"
		     "\"type\":\"messaging\",\"value\":\"abc\"}],"
		     "\"meta\":{\"has_more\":false},"
		     "\"links\":{\"next\":\"%s/api/v2/never\"}}"));

	get_user(f, 7);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.r.calls, 4);
	assert_int_equal(out.users[0].identity_count, 3);
	assert_non_null(zd_user_identity(&out.users[0], "messaging", "abc"));
	assert_non_null(
		zd_user_identity(&out.users[0], "email", "a@x.example"));
}

/* No identity at all, but an address: the side-load was not brought. */
static void test_empty_side_load_is_not_believed(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/users/7?", 200, NULL,
		     "{\"user\":{\"id\":7,\"email\":\"a@x.example\"},"
		     "\"identities\":[]}"),
	       REPLY("/users/7/identities?", 200, NULL,
		     "{\"identities\":[{\"type\":\"email\","
		     "\"value\":\"a@x.example\"}]}"));

	get_user(f, 7);
	assert_int_equal(out.r.calls, 2);
	assert_int_equal(out.users[0].identity_count, 1);
}

static void test_user_who_is_not_there(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/users/7?", 404, NULL,
			"{\"error\":\"RecordNotFound\","
			"\"description\":\"Not found\"}"));

	get_user(f, 7);
	assert_int_equal(out.r.result, RESULT_NOTFOUND);
	assert_string_equal(out.r.error.text, "HTTP 404 RecordNotFound");
}

static void test_unreadable_users(void **state)
{
	struct api_fixture *f = *state;
	const char *const bodies[] = {
		"{}",
		"{\"user\":null}",
		"{\"user\":{\"id\":\"x\"}}",
		"{\"user\":{\"id\":8,\"identities\":[]}}", /* another one */
		"[]",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		SCRIPT(f, REPLY("/users/7?", 200, NULL, bodies[i]));
		get_user(f, 7);
		assert_int_not_equal(out.r.result, RESULT_OK);
		assert_int_not_equal(out.r.result, RESULT_NOTFOUND);
		out_clear(f->loop);
	}
}

static void test_links_elsewhere_are_not_followed(void **state)
{
	struct api_fixture *f = *state;
	const char *const links[] = {
		"\"http://127.0.0.2/api/v2/users/7/identities\"",
		"\"%s.evil.example/api/v2/users/7/identities\"",
		"\"%s@evil.example/api/v2/users/7/identities\"",
		"\"//evil.example/api/v2/x\"",
		"\"%s/other\"",
		"null",
		"7",
	};

	for (size_t i = 0; i < ARRAY_LEN(links); i++) {
		struct buf body;

		buf_init(&body, 1024);
		buf_puts(&body, "{\"identities\":[],\"meta\":{\"has_more\":"
				"true},\"links\":{\"next\":");
		buf_puts(&body, links[i]);
		buf_puts(&body, "}}");
		SCRIPT(f,
		       REPLY("/users/7?", 200, NULL, "{\"user\":{\"id\":7}}"),
		       REPLY("/users/7/identities?", 200, NULL, body.data));
		get_user(f, 7);
		assert_int_equal(out.r.result, RESULT_PERM);
		assert_int_equal(out.r.calls, 2);
		assert_int_equal(f->request_count, 2 * ((int)i + 1));
		buf_release(&body);
		out_clear(f->loop);
	}
}

static void test_endless_list(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/users/7?", 200, NULL, "{\"user\":{\"id\":7}}"),
	       ALWAYS("/users/7/identities?", 200, NULL,
		      "{\"identities\":[],"
		      "\"next_page\":\"%s/api/v2/users/7/"
		      "identities?page=2\"}"));

	get_user(f, 7);
	assert_int_equal(out.r.result, RESULT_PERM);
	assert_int_equal(out.r.calls, 11);
}

/* ---- searches ---- */

static void test_search_query_is_escaped(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("", 200, NULL, "{\"users\":[]}"));

	search(f, "a+b&c='d%\"\\#@x.example");
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.count, 0);
	assert_true(api_fixture_has(
		f, 0,
		"GET /api/v2/users/search?query=email%3A%22a%2Bb%26c%3D%27d%25"
		"%5C%22%5C%5C%23%40x.example%22&include=identities HTTP/1.1"));
	zendesk_search_external_id(f->api, LANE_LIVE, "\xc3\xa9 1&x=\"+",
				   on_users, NULL);
	wire_run(f->loop);
	assert_true(api_fixture_has(
		f, 1,
		"GET /api/v2/users/search?external_id=%C3%A9%201%26x%3D%22%2B"
		"&include=identities HTTP/1.1"));
}

static void test_search_with_pages(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/search?query=", 200, NULL,
		     "{\"users\":[{\"id\":1},{\"id\":2}],\"identities\":["
		     "{\"user_id\":1,\"type\":\"email\",\"value\":\"a@x."
		     "example\"},"
		     "{\"user_id\":2,\"type\":\"email\",\"value\":\"b@x."
		     "example\"}"
		     "],\"next_page\":\"%s/api/v2/users/search?page=2\"}"),
	       REPLY("/search?page=2 ", 200, NULL,
		     "{\"users\":[{\"id\":2},{\"id\":3}],\"identities\":["
		     "{\"user_id\":3,\"type\":\"email\",\"value\":\"c@x."
		     "example\"}"
		     "],\"next_page\":null}"));

	search(f, "a@x.example");
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.r.calls, 2);
	assert_int_equal(out.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(out.users[i].id, i + 1);
		assert_int_equal(out.users[i].identity_count, 1);
	}
}

static void test_search_hits_are_listed_for_themselves(void **state)
{
	struct api_fixture *f = *state;
	struct buf users, lists[7];
	struct reply replies[8] = {
		REPLY("/search?query=", 200, NULL, NULL),
	};

	buf_init(&users, 1024);
	buf_puts(&users, "{\"users\":[");
	for (int i = 1; i <= 7; i++) {
		buf_printf(&users, "%s{\"id\":%d,\"role\":\"%s\"}",
			   i > 1 ? "," : "", i, i == 3 ? "agent" : "end-user");
		buf_init(&lists[i - 1], 1024);
		buf_printf(&lists[i - 1],
			   "{\"identities\":[{\"user_id\":%d,\"type\":"
			   "\"email\",\"value\":\"u%d@x.example\"}]}",
			   i, i);
		replies[i] = (struct reply){"/identities?", 200,   NULL,
					    NULL,	    false, false};
	}
	buf_puts(&users, "]}");
	replies[0].body = users.data;
	for (int i = 1; i <= 7; i++) {
		static char match[8][32];

		snprintf(match[i], sizeof(match[i]), "/users/%d/identities", i);
		replies[i].match = match[i];
		replies[i].body = lists[i - 1].data;
	}
	api_fixture_script(f, replies, ARRAY_LEN(replies));
	search(f, "u@x.example");
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.r.calls, 8);
	assert_int_equal(out.count, 7);
	for (int i = 0; i < 7; i++) {
		char value[32];

		snprintf(value, sizeof(value), "u%d@x.example", i + 1);
		assert_non_null(
			zd_user_identity(&out.users[i], "email", value));
		buf_release(&lists[i]);
	}
	buf_release(&users);
}

/* One of the hits cannot be listed: no answer at all, and never NOTFOUND. */
static void test_search_is_all_or_nothing(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		enum result result;
	} rows[] = {
		{404, "{\"error\":\"RecordNotFound\"}", RESULT_TEMP},
		{403, "{\"error\":\"Forbidden\"}", RESULT_AUTH},
		{500, "<html>", RESULT_TEMP},
		{REPLY_CUT, NULL, RESULT_TEMP},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f,
		       REPLY("/search?", 200, NULL,
			     "{\"users\":[{\"id\":1},{\"id\":2},{\"id\":3}]}"),
		       ALWAYS("/users/2/", rows[i].status, NULL, rows[i].body),
		       REPLY("/users/1/", REPLY_SILENCE, NULL, NULL),
		       REPLY("/users/3/", REPLY_SILENCE, NULL, NULL));
		search(f, "a@x.example");
		assert_int_equal(out.r.result, rows[i].result);
		out_clear(f->loop);
	}
	SCRIPT(f,
	       REPLY("/search?", 404, NULL, "{\"error\":\"RecordNotFound\"}"));
	search(f, "a@x.example");
	assert_int_equal(out.r.result, RESULT_PERM);
}

static void test_search_that_never_ends(void **state)
{
	struct api_fixture *f = *state;
	struct buf many;

	buf_init(&many, 64 * 1024);
	buf_puts(&many, "{\"identities\":[],\"users\":[{\"id\":1}");
	for (int i = 2; i <= 301; i++)
		buf_printf(&many, ",{\"id\":%d}", i);
	buf_puts(&many, "]}");
	{
		SCRIPT(f, REPLY("/search?", 200, NULL, many.data));
		search(f, "a@x.example");
		assert_int_equal(out.r.result, RESULT_PERM);
		out_clear(f->loop);
	}
	SCRIPT(f, ALWAYS("/search?", 200, NULL,
			 "{\"users\":[],"
			 "\"next_page\":\"%s/api/v2/users/search?page=2\"}"));
	search(f, "a@x.example");
	assert_int_equal(out.r.result, RESULT_PERM);
	assert_int_equal(out.r.calls, 30);
	buf_release(&many);
}

static void test_search_for_what_is_too_long(void **state)
{
	struct api_fixture *f = *state;
	char *id = malloc(20001);

	memset(id, 'x', 20000);
	id[20000] = '\0';
	zendesk_search_external_id(f->api, LANE_LIVE, id, on_users, NULL);
	free(id);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_PERM);
	assert_int_equal(f->request_count, 0);
}

/* ---- changes ---- */

static void merge(struct api_fixture *f)
{
	zendesk_merge(f->api, LANE_LIVE, 5, 6, on_user, NULL);
	wire_run(f->loop);
	assert_int_equal(out.calls, 1);
}

static void test_merge(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("PUT /api/v2/users/5/merge ", 200, NULL,
			"{\"user\":{\"id\":6}}"));

	merge(f);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.users[0].id, 6);
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

	get_user(f, 5);
	out_clear(f->loop);
	merge(f);
	assert_int_equal(out.r.result, RESULT_TEMP);
	assert_true(out.r.sent);
	assert_int_equal(out.r.calls, 1);
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
		assert_int_equal(out.r.result, RESULT_TEMP);
		assert_true(out.r.sent);
		out_clear(f->loop);
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
	assert_int_equal(out.r.result, RESULT_PERM);
	assert_false(out.r.sent);
	assert_true(out.r.mentions_external_id);
	assert_false(out.r.duplicate);
	assert_string_equal(out.r.error.text, "HTTP 422 RecordInvalid");
}

static void test_updates(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("PUT /api/v2/users/5 ", 200, NULL,
		      "{\"user\":{\"id\":5}}"),
	       REPLY("POST /api/v2/users/5/identities ", 201, NULL,
		     "{\"identity\":{\"id\":1}}"));

	zendesk_set_external_id(f->api, LANE_LIVE, 5, "e\"1", on_plain, NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_true(api_fixture_has(
		f, 0, "\r\n\r\n{\"user\":{\"external_id\":\"e\\\"1\"}}"));
	zendesk_set_external_id(f->api, LANE_LIVE, 5, NULL, on_plain, NULL);
	wire_run(f->loop);
	assert_true(api_fixture_has(
		f, 1, "\r\n\r\n{\"user\":{\"external_id\":null}}"));
	zendesk_set_name(f->api, LANE_LIVE, 5, "Ada", on_plain, NULL);
	wire_run(f->loop);
	assert_true(
		api_fixture_has(f, 2, "\r\n\r\n{\"user\":{\"name\":\"Ada\"}}"));
	zendesk_add_address(f->api, LANE_LIVE, 5, "a@x.example", true, on_plain,
			    NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_true(api_fixture_has(
		f, 3,
		"\r\n\r\n{\"identity\":{\"type\":\"email\",\"value\":"
		"\"a@x.example\",\"verified\":true,\"skip_verify_email\":"
		"true}}"));
	assert_int_equal(out.calls, 4);
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

	zendesk_add_address(f->api, LANE_LIVE, 5, "a@x.example", true, on_plain,
			    NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_PERM);
	assert_true(out.r.duplicate);
	assert_false(out.r.mentions_external_id);
	assert_string_equal(out.r.error.text,
			    "HTTP 422 RecordInvalid DuplicateValue");
}

static void test_ticket(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET /api/v2/tickets/9 ", 200, NULL,
		     "{\"ticket\":{\"id\":9,\"requester_id\":12345678901234}}"),
	       REPLY("GET /api/v2/tickets/9 ", 200, NULL, "{\"ticket\":{}}"));

	zendesk_ticket_get(f->api, LANE_LIVE, 9, on_ticket, NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_OK);
	assert_int_equal(out.requester_id, 12345678901234);
	zendesk_ticket_get(f->api, LANE_LIVE, 9, on_ticket, NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_TEMP);
	assert_int_equal(out.requester_id, 0);
}

/* ---- cancelling ---- */

static void test_cancel_while_listing(void **state)
{
	struct api_fixture *f = *state;
	struct zendesk_op *op;
	SCRIPT(f,
	       REPLY("/search?", 200, NULL,
		     "{\"users\":[{\"id\":1},{\"id\":2},{\"id\":3}]}"),
	       ALWAYS("/identities", REPLY_SILENCE, NULL, NULL),
	       REPLY("/users/7?", 200, NULL,
		     "{\"user\":{\"id\":7},\"identities\":[]}"));

	zendesk_cancel(zendesk_user_get(f->api, LANE_LIVE, 7, on_user, NULL));
	op = zendesk_search_address(f->api, LANE_LIVE, "a@x.example", on_users,
				    NULL);
	f->stop_at = 3; /* the search and two of the lists */
	wire_run(f->loop);
	zendesk_cancel(op);
	out.own = zendesk_user_get(f->api, LANE_LIVE, 7, on_user, NULL);
	wire_run(f->loop); /* cancels itself inside its callback */
	assert_int_equal(out.calls, 1);
	assert_int_equal(out.users[0].id, 7);
}

static void test_client_freed_with_calls_open(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/search?", 200, NULL,
		     "{\"users\":[{\"id\":1},{\"id\":2}]}"),
	       ALWAYS("/identities", REPLY_SILENCE, NULL, NULL));

	zendesk_search_address(f->api, LANE_LIVE, "a@x.example", on_users,
			       NULL);
	f->stop_at = 3;
	wire_run(f->loop);
	zendesk_merge(f->api, LANE_LIVE, 1, 2, on_user, NULL);
	api_client_free(f->api);
	f->api = NULL;
	assert_int_equal(out.calls, 0);
}

static void test_client_freed_inside_a_callback(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/tickets/", REPLY_SILENCE, NULL, NULL),
	       REPLY("/users/7?", 200, NULL,
		     "{\"user\":{\"id\":7},\"identities\":[]}"));

	out.free_client = f->api;
	zendesk_ticket_get(f->api, LANE_LIVE, 9, on_ticket, NULL);
	get_user(f, 7);
	f->api = NULL;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_user_with_side_loaded_identities),
		CASE(test_user_with_nested_identities),
		CASE(test_user_whose_identities_are_listed),
		CASE(test_empty_side_load_is_not_believed),
		CASE(test_user_who_is_not_there),
		CASE(test_unreadable_users),
		CASE(test_links_elsewhere_are_not_followed),
		CASE(test_endless_list),
		CASE(test_search_query_is_escaped),
		CASE(test_search_with_pages),
		CASE(test_search_hits_are_listed_for_themselves),
		CASE(test_search_is_all_or_nothing),
		CASE(test_search_that_never_ends),
		CASE(test_search_for_what_is_too_long),
		CASE(test_merge),
		CASE(test_merge_is_sent_once),
		CASE(test_merge_with_an_unclear_answer),
		CASE(test_merge_refused),
		CASE(test_updates),
		CASE(test_address_of_somebody_else),
		CASE(test_ticket),
		CASE(test_cancel_while_listing),
		CASE(test_client_freed_with_calls_open),
		CASE(test_client_freed_inside_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
