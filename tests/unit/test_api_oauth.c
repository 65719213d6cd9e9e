/*
 * OAuth client credentials: one token for all, refreshed once, never hammered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "api/api_client.h"

#include "api_fixture.h"
#include "base/clock.h"
#include "base/log.h"

#define ANSWERS_MAX 8
#define TOKEN(t)                                                               \
	"{\"access_token\":\"" t "\",\"token_type\":\"bearer\","               \
	"\"scope\":\"users:read users:write tickets:read\","                   \
	"\"expires_in\":1800}"

static struct {
	struct loop *loop;
	struct api_result answers[ANSWERS_MAX];
	int ended;
	int expected;
	char kept[256]; /* every token that was to be kept, in order */
	int64_t expires_ms;
} out;

static void done(const struct api_result *r, const struct json_t *json,
		 void *arg)
{
	(void)json;
	*(struct api_result *)arg = *r;
	if (++out.ended == out.expected)
		loop_stop(out.loop);
}

static void keep(const char *token, int64_t expires_ms, void *arg)
{
	(void)arg;
	strcat(out.kept, token ? token : "NULL");
	strcat(out.kept, " ");
	out.expires_ms = expires_ms;
}

static void client(struct api_fixture *f)
{
	api_fixture_client(f);
	api_client_on_token(f->api, keep, NULL);
}

static int setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	memset(&out, 0, sizeof(out));
	out.loop = f->loop;
	f->config.auth = ZENDESK_OAUTH;
	client(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	api_fixture_free(*state);
	return 0;
}

static void start(struct api_fixture *f, int i, bool once)
{
	struct api_call call = {.name = "thing_get",
				.method = "PUT",
				.path = "/thing",
				.once = once};

	api_send(f->api, &call, done, &out.answers[i]);
}

static void run_for(struct api_fixture *f, int callbacks)
{
	out.expected = out.ended + callbacks;
	wire_run(f->loop);
}

static const struct api_result *request(struct api_fixture *f)
{
	start(f, 0, false);
	run_for(f, 1);
	return &out.answers[0];
}

static void test_one_fetch_serves_all(void **state)
{
	struct api_fixture *f = *state;
	int64_t before_ms = clock_wall_ms();
	SCRIPT(f, REPLY("POST /oauth/tokens ", 200, NULL, TOKEN("t1")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	for (int i = 0; i < 3; i++)
		start(f, i, false);
	run_for(f, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out.answers[i].result, RESULT_OK);
		assert_int_equal(out.answers[i].calls, 1);
		assert_true(api_fixture_has(
			f, i + 1, "\r\nAuthorization: Bearer t1\r\n"));
	}
	assert_true(api_fixture_has(
		f, 0,
		"\r\n\r\n{\"grant_type\":\"client_credentials\","
		"\"client_id\":\"reunite\",\"client_secret\":"
		"\"client-secret\",\"scope\":\"users:read users:write "
		"tickets:read\"}"));
	assert_int_equal(request(f)->result, RESULT_OK);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 1);
	assert_string_equal(out.kept, "t1 ");
	/* a minute before its end */
	assert_in_range(out.expires_ms, before_ms + 1740000,
			clock_wall_ms() + 1740000);
}

/* Whoever writes on tickets needs one more scope, and another token. */
static void test_notes_need_a_scope(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	request(f);
	f->config.writes_tickets = true;
	api_client_reconfigure(f->api, &f->config);
	request(f);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 2);
	assert_true(api_fixture_has(
		f, 2,
		"\"users:read users:write tickets:read tickets:write\"}"));
	request(f);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 2);
}

static void test_a_token_is_renewed_on_demand(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", 200, NULL, TOKEN("t1")),
	       REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	request(f);
	api_client_renew_token(f->api);
	request(f);
	assert_true(api_fixture_has(f, 3, "Authorization: Bearer t2\r\n"));
	assert_string_equal(out.kept, "t1 NULL t2 ");
}

static void test_tokens_of_an_earlier_life(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 200, NULL, TOKEN("new")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	api_client_set_token(f->api, "old", clock_wall_ms() + 60000);
	request(f);
	assert_true(api_fixture_has(f, 0, "Authorization: Bearer old\r\n"));
	api_client_set_token(f->api, "gone", clock_wall_ms() - 1);
	request(f);
	assert_true(api_fixture_has(f, 2, "Authorization: Bearer new\r\n"));
	assert_int_equal(f->request_count, 3);
}

static void test_short_lived_tokens_are_used(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/oauth/tokens", 200, NULL,
		     "{\"access_token\":\"t1\",\"expires_in\":30}"),
	       ALWAYS("/thing", 200, NULL, "{}"));

	assert_int_equal(request(f)->result, RESULT_OK);
	assert_int_equal(request(f)->result, RESULT_OK);
}

static void test_401_refreshes_once(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", 200, NULL, TOKEN("t1")),
	       REPLY("/thing", 401, NULL, "{\"error\":\"invalid_token\"}"),
	       REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       REPLY("/thing", 200, NULL, "{}"));

	start(f, 0, true); /* not carried out, so `once` may go again */
	run_for(f, 1);
	assert_int_equal(out.answers[0].result, RESULT_OK);
	assert_int_equal(out.answers[0].calls, 2);
	assert_true(api_fixture_has(f, 3, "Authorization: Bearer t2\r\n"));
	assert_string_equal(out.kept, "t1 NULL t2 ");
}

/* Several are refused with the same token: one fetch. */
static void test_401s_share_the_refresh(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       REPLY("/thing", 401, NULL, "{}"),
	       REPLY("/thing", 401, NULL, "{}"),
	       ALWAYS("/thing", 200, NULL, "{}"));

	api_client_set_token(f->api, "t1", clock_wall_ms() + 60000);
	start(f, 0, false);
	start(f, 1, false);
	run_for(f, 2);
	assert_int_equal(out.answers[0].result, RESULT_OK);
	assert_int_equal(out.answers[1].result, RESULT_OK);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 1);
	assert_string_equal(out.kept, "NULL t2 ");
}

static void test_401_twice_is_the_end(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 401, NULL, "{}"));

	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(out.answers[0].calls, 2);
	assert_int_equal(f->request_count, 4);
	/* and is not tried again at once */
	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(out.answers[0].calls, 0);
	assert_int_equal(f->request_count, 4);
}

static void test_a_page_with_401_is_no_401(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 401, NULL, "<html>"));

	start(f, 0, true);
	run_for(f, 1);
	assert_int_equal(out.answers[0].result, RESULT_TEMP);
	assert_true(out.answers[0].sent);
	assert_int_equal(api_fixture_count(f, "/thing"), 1);
}

static void test_refused_credentials(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/oauth/tokens", 401, NULL,
		     "{\"error\":\"invalid_client\","
		     "\"error_description\":\"client-secret is wrong\"}"),
	       ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	for (int i = 0; i < 3; i++)
		start(f, i, false);
	run_for(f, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out.answers[i].result, RESULT_AUTH);
		assert_false(out.answers[i].sent);
		assert_int_equal(out.answers[i].calls, 0);
		assert_string_equal(out.answers[i].call, "thing_get");
		assert_string_equal(out.answers[i].error.text,
				    "access token: HTTP 401 invalid_client");
	}
	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(f->request_count, 1);
	f->config.client_secret = "another";
	api_client_reconfigure(f->api, &f->config);
	assert_int_equal(request(f)->result, RESULT_OK);
	assert_int_equal(f->request_count, 3);
}

static void test_no_token_for_other_reasons(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *headers, *body;
		enum result result;
	} rows[] = {
		{503, NULL, "<html>", RESULT_TEMP},
		{401, NULL, "<html>", RESULT_TEMP},
		{REPLY_CUT, NULL, NULL, RESULT_TEMP},
		{200, NULL, "{}", RESULT_TEMP},
		{200, NULL, "{\"access_token\":\"a\\r\\nX: y\"}", RESULT_TEMP},
		{200, NULL, "{\"access_token\":\"\"}", RESULT_TEMP},
		{429, "Retry-After: 33\r\n", "{}", RESULT_RATE},
		{400, NULL, "{\"error\":\"invalid_request\"}", RESULT_AUTH},
		{404, NULL, "{\"error\":\"InvalidEndpoint\"}", RESULT_AUTH},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, ALWAYS("/oauth/tokens", rows[i].status,
				 rows[i].headers, rows[i].body));
		client(f);
		assert_int_equal(request(f)->result, rows[i].result);
		assert_false(out.answers[0].sent);
		if (rows[i].result == RESULT_RATE)
			assert_int_equal(out.answers[0].retry_after_ms, 33000);
		assert_int_equal(request(f)->result, rows[i].result);
		assert_int_equal(f->request_count, (int)i + 1);
	}
}

/* New credentials while a token is on its way: that one is not used. */
static void test_reconfigured_during_a_fetch(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", REPLY_SILENCE, NULL, NULL),
	       REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	start(f, 0, false);
	f->stop_at = 1;
	wire_run(f->loop);
	f->config.client_id = "another";
	api_client_reconfigure(f->api, &f->config);
	run_for(f, 1);
	assert_int_equal(out.answers[0].result, RESULT_OK);
	assert_true(api_fixture_has(f, 1, "\"client_id\":\"another\""));
	assert_true(api_fixture_has(f, 2, "Authorization: Bearer t2\r\n"));
}

static void other_credentials(void *arg)
{
	struct api_fixture *f = arg;

	f->config.client_id = "another";
	api_client_reconfigure(f->api, &f->config);
}

/* A change that waited for its token so long that nobody knows whether it is
 * still right does not go out; what only reads does. */
static void test_once_does_not_wait_long_for_a_token(void **state)
{
	struct api_fixture *f = *state;
	struct loop_timer *t = loop_timer_new(f->loop, other_credentials, f);
	SCRIPT(f, REPLY("/oauth/tokens", REPLY_SILENCE, NULL, NULL),
	       REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	start(f, 0, true);
	start(f, 1, false);
	loop_timer_set(t, API_QUEUE_ONCE_MS + 10);
	run_for(f, 2);
	assert_int_equal(out.answers[0].result, RESULT_TEMP);
	assert_false(out.answers[0].sent);
	assert_int_equal(out.answers[1].result, RESULT_OK);
	assert_int_equal(api_fixture_count(f, "/thing"), 1);
	loop_timer_free(t);
}

/* --- what the token allows --- */

#define ALLOWS(scope)                                                          \
	"{\"access_token\":\"t\",\"expires_in\":900,\"scope\":\"" scope "\"}"

static const struct hold *hold(struct api_fixture *f)
{
	return api_client_hold(f->api, API_ZENDESK);
}

static void ask_with(struct api_fixture *f, const char *scope)
{
	static char body[256];
	static struct reply script[2];

	snprintf(body, sizeof(body),
		 "{\"access_token\":\"t\",\"expires_in\":900,\"scope\":\"%s\"}",
		 scope);
	script[0] = (struct reply)ALWAYS("/oauth/tokens", 200, NULL, body);
	script[1] = (struct reply)ALWAYS("/thing", 200, NULL, "{}");
	api_fixture_script(f, script, ARRAY_LEN(script));
	client(f);
	request(f);
}

/* Nothing is sent that would be refused; the hold names what is missing. */
static void test_a_scope_that_is_needed_and_missing(void **state)
{
	struct api_fixture *f = *state;

	ask_with(f, "users:read tickets:read users:writer");
	assert_int_equal(out.answers[0].result, RESULT_AUTH);
	assert_false(out.answers[0].sent);
	assert_int_equal(api_fixture_count(f, "/thing"), 0);
	assert_string_equal(out.kept, "");
	assert_int_equal(hold(f)->reason, HOLD_FORBIDDEN);
	assert_string_equal(hold_text(hold(f)),
			    "oauth_token: the scope users:write was not "
			    "granted");
	ask_with(f, "users:write tickets:read");
	assert_non_null(strstr(hold_text(hold(f)), "users:read"));
}

static void test_scopes_that_do(void **state)
{
	static const char *const rows[] = {
		"users:read users:write tickets:read",
		"users:write users:read",
		"read write",
		"write users:read impersonate",
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask_with(f, rows[i]);
		assert_int_equal(out.answers[0].result, RESULT_OK);
		assert_int_equal(hold(f)->reason, HOLD_NONE);
	}
}

/* It says nothing of scopes: that is found out by using it. */
static void test_scopes_that_are_not_told(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       ALWAYS("/oauth/tokens", 200, NULL, "{\"access_token\":\"t\"}"),
	       ALWAYS("/thing", 200, NULL, "{}"));

	assert_int_equal(request(f)->result, RESULT_OK);
}

static void test_observing_needs_reading_only(void **state)
{
	struct api_fixture *f = *state;

	f->config.writes_users = false;
	ask_with(f, "users:read tickets:read");
	assert_int_equal(out.answers[0].result, RESULT_OK);
	assert_true(
		api_fixture_has(f, 0, "\"scope\":\"users:read tickets:read\""));
	f->config.writes_users = true;
	api_client_reconfigure(f->api, &f->config);
	assert_int_equal(request(f)->result, RESULT_AUTH);
}

/* Zendesk refuses the whole wish: what is needed is asked for alone. */
static void test_a_client_that_may_not_have_it_all(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/oauth/tokens", 400, NULL,
		     "{\"error\":\"invalid_scope\"}"),
	       REPLY("/oauth/tokens", 200, NULL,
		     ALLOWS("users:read users:write")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	f->config.writes_tickets = true;
	client(f);
	assert_int_equal(request(f)->result, RESULT_OK);
	assert_true(api_fixture_has(f, 1, "\"users:read users:write\"}"));
	assert_true(api_client_lacks_tickets(f->api));
	assert_int_equal(hold(f)->reason, HOLD_NONE);
}

static void test_a_client_that_may_not_have_enough(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 400, NULL,
			 "{\"error\":\"invalid_scope\"}"));

	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(f->request_count, 2);
	assert_int_equal(hold(f)->reason, HOLD_FORBIDDEN);
	assert_string_equal(hold_text(hold(f)),
			    "oauth_token: HTTP 400 invalid_scope");
}

/* What only notes need is said, once, and holds nobody. */
static void test_scopes_of_notes_are_said_once(void **state)
{
	struct api_fixture *f = *state;
	int fd = memfd_create("log", 0);
	char text[1024] = "";
	const char *at;

	f->config.writes_tickets = true;
	log_setup(LOG_WARN, LOG_TEXT, fd);
	ask_with(f, "users:read users:write tickets:read");
	api_client_renew_token(f->api);
	request(f);
	log_setup(LOG_WARN, LOG_TEXT, 2);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 2);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	close(fd);
	at = strstr(text, "oauth_scope_missing");
	assert_non_null(at);
	assert_null(strstr(at + 1, "oauth_scope_missing"));
	assert_non_null(strstr(text, "tickets:write"));
	assert_true(api_client_lacks_tickets(f->api));
	assert_int_equal(hold(f)->reason, HOLD_NONE);
}

/* Of a former life, and what it allows is not known: a 403 may be old news. */
static void test_a_forbidden_call_is_made_with_a_new_token(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", 200, NULL, TOKEN("t2")),
	       REPLY("/thing", 403, NULL, "{\"error\":\"Forbidden\"}"),
	       ALWAYS("/thing", 200, NULL, "{}"));

	api_client_set_token(f->api, "t1", clock_wall_ms() + 600000);
	assert_int_equal(request(f)->result, RESULT_OK);
	assert_int_equal(out.answers[0].calls, 2);
	assert_true(api_fixture_has(f, 2, "Authorization: Bearer t2\r\n"));
}

static void test_a_new_token_is_not_doubted(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 403, NULL, "{\"error\":\"Forbidden\"}"));

	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_true(out.answers[0].forbidden);
	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(api_fixture_count(f, "/oauth/tokens"), 1);
	assert_int_equal(api_fixture_count(f, "/thing"), 2);
}

/* Whoever has just mended it does not wait for the end of a refusal. */
static void test_a_reload_asks_again(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("/oauth/tokens", 401, NULL,
		     "{\"error\":\"invalid_client\"}"),
	       ALWAYS("/oauth/tokens", 200, NULL, TOKEN("t")),
	       ALWAYS("/thing", 200, NULL, "{}"));

	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(hold(f)->reason, HOLD_CREDENTIALS);
	assert_true(api_client_wait_ms(f->api) > 0);
	api_client_reconfigure(f->api, &f->config);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	assert_int_equal(request(f)->result, RESULT_OK);
	assert_int_equal(hold(f)->reason, HOLD_NONE);
}

/* Nobody asks for a token any more: no answer would ever end that hold. */
static void test_a_reload_without_oauth_needs_no_token(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("/oauth/tokens", 401, NULL,
			"{\"error\":\"invalid_client\"}"));

	assert_int_equal(request(f)->result, RESULT_AUTH);
	assert_int_equal(hold(f)->reason, HOLD_CREDENTIALS);
	api_client_reconfigure(f->api, &f->config);
	assert_int_equal(hold(f)->reason, HOLD_CREDENTIALS);
	f->config.auth = ZENDESK_API_TOKEN;
	api_client_reconfigure(f->api, &f->config);
	assert_int_equal(hold(f)->reason, HOLD_NONE);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_one_fetch_serves_all),
		CASE(test_notes_need_a_scope),
		CASE(test_a_token_is_renewed_on_demand),
		CASE(test_tokens_of_an_earlier_life),
		CASE(test_short_lived_tokens_are_used),
		CASE(test_401_refreshes_once),
		CASE(test_401s_share_the_refresh),
		CASE(test_401_twice_is_the_end),
		CASE(test_a_page_with_401_is_no_401),
		CASE(test_refused_credentials),
		CASE(test_no_token_for_other_reasons),
		CASE(test_reconfigured_during_a_fetch),
		CASE(test_once_does_not_wait_long_for_a_token),
		CASE(test_a_scope_that_is_needed_and_missing),
		CASE(test_scopes_that_do),
		CASE(test_scopes_that_are_not_told),
		CASE(test_observing_needs_reading_only),
		CASE(test_a_client_that_may_not_have_it_all),
		CASE(test_a_client_that_may_not_have_enough),
		CASE(test_scopes_of_notes_are_said_once),
		CASE(test_a_forbidden_call_is_made_with_a_new_token),
		CASE(test_a_new_token_is_not_doubted),
		CASE(test_a_reload_asks_again),
		CASE(test_a_reload_without_oauth_needs_no_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
