/*
 * Who the credentials are and what they may, as the two APIs answer it.
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

#include "api/access.h"

#include "api_fixture.h"

static struct {
	struct loop *loop;
	struct api_result r;
	char text[256]; /* role or scopes; "" for NULL */
} out;

static void take(const struct api_result *r, const char *text)
{
	out.r = *r;
	snprintf(out.text, sizeof(out.text), "%s", text ? text : "");
	loop_stop(out.loop);
}

static void on_text(const struct api_result *r, const char *text, void *arg)
{
	(void)arg;
	take(r, text);
}

static void on_plain(const struct api_result *r, void *arg)
{
	(void)arg;
	take(r, NULL);
}

static int setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	memset(&out, 0, sizeof(out));
	out.loop = f->loop;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	api_fixture_free(*state);
	return 0;
}

struct row {
	int status;
	const char *body;
	enum result result;
	const char *text;
};

static void test_user(void **state)
{
	static const struct row rows[] = {
		{200, "{\"user\":{\"id\":7,\"role\":\"agent\"}}", RESULT_OK,
		 "agent"},
		{200, "{\"user\":{\"id\":null,\"role\":\"end-user\"}}",
		 RESULT_AUTH, ""},
		{200, "{\"user\":{\"id\":7}}", RESULT_TEMP, ""},
		{401, "{\"error\":\"Couldn't authenticate you\"}", RESULT_AUTH,
		 ""},
		{503, "{}", RESULT_TEMP, ""},
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /api/v2/users/me ", rows[i].status, NULL,
				rows[i].body));
		access_user(f->api, LANE_LIVE, on_text, NULL);
		wire_run(f->loop);
		assert_int_equal(out.r.result, rows[i].result);
		assert_string_equal(out.text, rows[i].text);
	}
}

static void test_scopes_of_a_token(void **state)
{
	static const struct row rows[] = {
		{200, "{\"token\":{\"scopes\":[\"read\",\"users:write\"]}}",
		 RESULT_OK, "read users:write"},
		{200, "{\"token\":{\"scopes\":[]}}", RESULT_OK, ""},
		{200, "{\"token\":{\"scopes\":\"read\"}}", RESULT_TEMP, ""},
		{404, "{\"error\":\"RecordNotFound\"}", RESULT_NOTFOUND, ""},
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /api/v2/oauth/tokens/current ",
				rows[i].status, NULL, rows[i].body));
		access_scopes(f->api, LANE_LIVE, on_text, NULL);
		wire_run(f->loop);
		assert_int_equal(out.r.result, rows[i].result);
		assert_string_equal(out.text, rows[i].text);
	}
}

/* Nobody has the id that is asked for; that it is said is the sign. */
static void test_app(void **state)
{
	static const struct row rows[] = {
		{404, "{\"errors\":[{\"code\":\"user_not_found\"}]}", RESULT_OK,
		 ""},
		{404, "{\"errors\":[{\"code\":\"app_not_found\"}]}",
		 RESULT_NOTFOUND, ""},
		{401, "{\"errors\":[{\"code\":\"unauthorized\"}]}", RESULT_AUTH,
		 ""},
		{403, "{\"errors\":[{\"code\":\"forbidden\"}]}", RESULT_AUTH,
		 ""},
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /v2/apps/app%2F1/users/"
				"000000000000000000000000 ",
				rows[i].status, NULL, rows[i].body));
		access_app(f->api, LANE_LIVE, on_plain, NULL);
		wire_run(f->loop);
		assert_int_equal(out.r.result, rows[i].result);
	}
}

static void check_scopes(const struct api_config *c, const char *granted,
			 const char *expected)
{
	struct api_scope scopes[API_SCOPES_MAX];
	size_t count = api_scopes(c, granted, scopes);
	char told[256] = "";

	for (size_t i = 0; i < count; i++)
		snprintf(told + strlen(told), sizeof(told) - strlen(told),
			 "%s%s%s ", scopes[i].name, scopes[i].needed ? "!" : "",
			 scopes[i].granted ? "+" : "-");
	assert_string_equal(told, expected);
}

static void test_scopes_granted_and_needed(void **state)
{
	struct api_config c = {.account = "acme"};

	(void)state;
	check_scopes(&c, "", "users:read!- tickets:read- ");
	check_scopes(&c, "read", "users:read!+ tickets:read+ ");
	c.writes_users = true;
	check_scopes(&c, "users:read users:writeX",
		     "users:read!+ users:write!- tickets:read- ");
	c.writes_tickets = true;
	check_scopes(&c, "write tickets:read",
		     "users:read!- users:write!+ tickets:read+ "
		     "tickets:write+ ");
	c.purpose = API_LOOK;
	check_scopes(&c, "webhooks:read", "webhooks:read!+ triggers:read!- ");
}

/* A token that lacks a scope is no token, but for who wants to know. */
static void test_any_scope(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("POST /oauth/tokens ", 200, NULL,
		      "{\"access_token\":\"t\",\"scope\":\"users:read\"}"),
	       ALWAYS("GET /api/v2/users/me ", 200, NULL,
		      "{\"user\":{\"id\":7,\"role\":\"admin\"}}"));

	f->config.auth = ZENDESK_OAUTH;
	api_fixture_client(f);
	access_user(f->api, LANE_LIVE, on_text, NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_AUTH);
	f->config.any_scope = true;
	api_fixture_client(f);
	access_user(f->api, LANE_LIVE, on_text, NULL);
	wire_run(f->loop);
	assert_int_equal(out.r.result, RESULT_OK);
}

static void test_cancel(void **state)
{
	struct api_fixture *f = *state;

	api_cancel(access_user(f->api, LANE_LIVE, on_text, NULL));
	api_cancel(access_scopes(f->api, LANE_LIVE, on_text, NULL));
	(void)access_app(f->api, LANE_LIVE, on_plain, NULL);
	assert_int_equal(f->request_count, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_user),      CASE(test_scopes_of_a_token),
		CASE(test_app),	      CASE(test_scopes_granted_and_needed),
		CASE(test_any_scope), CASE(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
