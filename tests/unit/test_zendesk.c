/*
 * Reading Zendesk users against a scripted server: what is asked, what is made
 * of the answers, and that a part is never taken for the whole.
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

#include "base/buf.h"

static void search(struct api_fixture *f, const char *address)
{
	zendesk_search_address(f->api, LANE_LIVE, address, zd_on_users, NULL);
	assert_int_equal(zd_out.calls, 0);
	wire_run(f->loop);
	assert_int_equal(zd_out.calls, 1);
}

#define SIDE_LOAD "include=identities,organizations"

/* ---- one user ---- */

static void test_user_with_side_loaded_identities(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET /api/v2/users/7?" SIDE_LOAD " ", 200, NULL,
			"{\"user\":{\"id\":7,\"name\":\"N\",\"role\":\"end-"
			"user\"},"
			"\"identities\":["
			"{\"id\":1,\"user_id\":7,\"type\":\"messaging\","
			"\"value\":\"abc\"},"
			"{\"id\":2,\"user_id\":8,\"type\":\"email\","
			"\"value\":\"other@x.example\"}]}"));

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_string_equal(zd_out.r.call, "user_get");
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(zd_out.users[0].id, 7);
	assert_true(zd_out.users[0].identities_known);
	assert_int_equal(zd_out.users[0].identity_count, 1);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
}

#define ACME_AND_AJAX                                                          \
	"\"organizations\":[{\"id\":31,\"name\":\"Acme\"},"                    \
	"{\"id\":32,\"name\":\"Ajax\"}]}"

static void test_organizations_of_one_user(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET /api/v2/users/7?", 200, NULL,
			"{\"user\":{\"id\":7,\"organization_id\":32},"
			"\"identities\":[]," ACME_AND_AJAX));

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(zd_out.users[0].organization_count, 2);
	assert_string_equal(zd_user_organization(&zd_out.users[0]), "Ajax");
}

/* Whose the others are cannot be told. */
static void test_organizations_of_several_users(void **state)
{
	const struct zd_user *u = zd_out.users;
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/search?", 200, NULL,
			"{\"users\":[{\"id\":8,\"organization_id\":32},"
			"{\"id\":9}],\"identities\":[]," ACME_AND_AJAX));

	search(f, "a@x.example");
	assert_int_equal(zd_out.r.calls, 1);
	assert_int_equal(u[0].organization_count, 1);
	assert_false(u[0].organizations_known);
	assert_string_equal(zd_user_organization(&u[0]), "Ajax");
	assert_true(u[1].organizations_known);
	assert_int_equal(u[1].organization_count, 0);
}

static void test_answers_without_organizations(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/users/7?", 200, NULL,
			"{\"user\":{\"id\":7,\"organization_id\":32},"
			"\"identities\":[]}"));

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.calls, 1);
	assert_false(zd_out.users[0].organizations_known);
	assert_null(zd_user_organization(&zd_out.users[0]));
}

static void test_user_with_nested_identities(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET /api/v2/users/7?", 200, NULL,
			"{\"user\":{\"id\":7,\"identities\":["
			"{\"type\":\"messaging\",\"value\":\"abc\"}]}}"));

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.calls, 1);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
}

static void test_user_whose_identities_are_listed(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET /api/v2/users/7?" SIDE_LOAD " ", 200, NULL,
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

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.r.calls, 4);
	assert_int_equal(zd_out.users[0].identity_count, 3);
	assert_non_null(zd_user_identity(&zd_out.users[0], "messaging", "abc"));
	assert_non_null(
		zd_user_identity(&zd_out.users[0], "email", "a@x.example"));
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

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.calls, 2);
	assert_int_equal(zd_out.users[0].identity_count, 1);
}

static void test_user_who_is_not_there(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/users/7?", 404, NULL,
			"{\"error\":\"RecordNotFound\","
			"\"description\":\"Not found\"}"));

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.result, RESULT_NOTFOUND);
	assert_string_equal(zd_out.r.error.text, "HTTP 404 RecordNotFound");
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
		zd_get_user(f, 7);
		assert_int_not_equal(zd_out.r.result, RESULT_OK);
		assert_int_not_equal(zd_out.r.result, RESULT_NOTFOUND);
		zd_out_clear(f->loop);
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
		zd_get_user(f, 7);
		assert_int_equal(zd_out.r.result, RESULT_PERM);
		assert_int_equal(zd_out.r.calls, 2);
		assert_int_equal(f->request_count, 2 * ((int)i + 1));
		buf_release(&body);
		zd_out_clear(f->loop);
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

	zd_get_user(f, 7);
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_int_equal(zd_out.r.calls, 11);
}

/* ---- searches ---- */

static void test_search_query_is_escaped(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("", 200, NULL, "{\"users\":[]}"));

	search(f, "a+b&c='d%\"\\#@x.example");
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.count, 0);
	assert_true(api_fixture_has(
		f, 0,
		"GET /api/v2/users/search?query=email%3A%22a%2Bb%26c%3D%27d%25"
		"%5C%22%5C%5C%23%40x.example%22&" SIDE_LOAD " HTTP/1.1"));
	zendesk_search_external_id(f->api, LANE_LIVE, "\xc3\xa9 1&x=\"+",
				   zd_on_users, NULL);
	wire_run(f->loop);
	assert_true(api_fixture_has(
		f, 1,
		"GET /api/v2/users/search?external_id=%C3%A9%201%26x%3D%22%2B"
		"&" SIDE_LOAD " HTTP/1.1"));
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
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.r.calls, 2);
	assert_int_equal(zd_out.count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(zd_out.users[i].id, i + 1);
		assert_int_equal(zd_out.users[i].identity_count, 1);
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
	assert_int_equal(zd_out.r.result, RESULT_OK);
	assert_int_equal(zd_out.r.calls, 8);
	assert_int_equal(zd_out.count, 7);
	for (int i = 0; i < 7; i++) {
		char value[32];

		snprintf(value, sizeof(value), "u%d@x.example", i + 1);
		assert_non_null(
			zd_user_identity(&zd_out.users[i], "email", value));
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
		assert_int_equal(zd_out.r.result, rows[i].result);
		zd_out_clear(f->loop);
	}
	SCRIPT(f,
	       REPLY("/search?", 404, NULL, "{\"error\":\"RecordNotFound\"}"));
	search(f, "a@x.example");
	assert_int_equal(zd_out.r.result, RESULT_PERM);
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
		assert_int_equal(zd_out.r.result, RESULT_PERM);
		zd_out_clear(f->loop);
	}
	SCRIPT(f, ALWAYS("/search?", 200, NULL,
			 "{\"users\":[],"
			 "\"next_page\":\"%s/api/v2/users/search?page=2\"}"));
	search(f, "a@x.example");
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_int_equal(zd_out.r.calls, 30);
	buf_release(&many);
}

static void test_search_for_what_is_too_long(void **state)
{
	struct api_fixture *f = *state;
	char *id = malloc(20001);

	memset(id, 'x', 20000);
	id[20000] = '\0';
	zendesk_search_external_id(f->api, LANE_LIVE, id, zd_on_users, NULL);
	free(id);
	wire_run(f->loop);
	assert_int_equal(zd_out.r.result, RESULT_PERM);
	assert_int_equal(f->request_count, 0);
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

	zendesk_cancel(
		zendesk_user_get(f->api, LANE_LIVE, 7, zd_on_user, NULL));
	op = zendesk_search_address(f->api, LANE_LIVE, "a@x.example",
				    zd_on_users, NULL);
	f->stop_at = 3; /* the search and two of the lists */
	wire_run(f->loop);
	zendesk_cancel(op);
	zd_out.own = zendesk_user_get(f->api, LANE_LIVE, 7, zd_on_user, NULL);
	wire_run(f->loop); /* cancels itself inside its callback */
	assert_int_equal(zd_out.calls, 1);
	assert_int_equal(zd_out.users[0].id, 7);
}

static void test_client_freed_with_calls_open(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/search?", 200, NULL,
		     "{\"users\":[{\"id\":1},{\"id\":2}]}"),
	       ALWAYS("/identities", REPLY_SILENCE, NULL, NULL));

	zendesk_search_address(f->api, LANE_LIVE, "a@x.example", zd_on_users,
			       NULL);
	f->stop_at = 3;
	wire_run(f->loop);
	zendesk_merge(f->api, LANE_LIVE, 1, 2, zd_on_user, NULL);
	api_client_free(f->api);
	f->api = NULL;
	assert_int_equal(zd_out.calls, 0);
}

static void test_client_freed_inside_a_callback(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/tickets/", REPLY_SILENCE, NULL, NULL),
	       REPLY("/users/7?", 200, NULL,
		     "{\"user\":{\"id\":7},\"identities\":[]}"));

	zd_out.free_client = f->api;
	zendesk_ticket_get(f->api, LANE_LIVE, 9, zd_on_ticket, NULL);
	zd_get_user(f, 7);
	f->api = NULL;
}

int main(void)
{
#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, zendesk_setup, zendesk_teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_user_with_side_loaded_identities),
		CASE(test_organizations_of_one_user),
		CASE(test_organizations_of_several_users),
		CASE(test_answers_without_organizations),
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
		CASE(test_cancel_while_listing),
		CASE(test_client_freed_with_calls_open),
		CASE(test_client_freed_inside_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
