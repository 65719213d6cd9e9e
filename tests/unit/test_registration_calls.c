/*
 * The calls about registrations against a scripted server: paths, bodies,
 * lists of several pages, refusals, and that nothing is made twice.
 */
#include "unit.h"

#include "api/registration.h"
#include "api_fixture.h"
#include "base/json.h"
#include "base/str.h"

#define APP "/v2/apps/app1"

static struct {
	struct loop *loop;
	int calls;
	struct api_result r;
	char *answer;
} out;

static void on_done(const struct api_result *r, const struct json_t *answer,
		    void *arg)
{
	(void)arg;
	out.calls++;
	out.r = *r;
	free(out.answer);
	out.answer = answer ? json_text(answer) : NULL;
	loop_stop(out.loop);
}

static int setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	f->config.sunco_app_id = "app1";
	api_fixture_client(f);
	out.loop = f->loop;
	out.calls = 0;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	free(out.answer);
	out.answer = NULL;
	api_fixture_free(*state);
	return 0;
}

static void send(struct api_fixture *f, enum registration_call call,
		 const char *id, const char *id2, struct json_t *body)
{
	struct registration_order o = {call, {id, id2}, body};

	out.calls = 0;
	registration_send(f->api, LANE_LIVE, &o, on_done, NULL);
	wire_run(f->loop);
	assert_int_equal(out.calls, 1);
}

static struct json_t *body(void)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "k", "v");
	return v;
}

static void every_call_goes_where_it_should(void **state)
{
	static const struct {
		enum registration_call call;
		const char *line;
		bool list;
	} cases[] = {
		{CALL_SUNCO_APP, "GET " APP " ", false},
		{CALL_SUNCO_INTEGRATIONS,
		 "GET " APP "/integrations?page%5Bsize%5D=100 ", true},
		{CALL_SUNCO_INTEGRATION_CREATE, "POST " APP "/integrations ",
		 false},
		{CALL_SUNCO_INTEGRATION_DELETE,
		 "DELETE " APP "/integrations/i%2F1 ", false},
		{CALL_SUNCO_WEBHOOKS,
		 "GET " APP "/integrations/i%2F1/webhooks ", true},
		{CALL_SUNCO_WEBHOOK_CREATE,
		 "POST " APP "/integrations/i%2F1/webhooks ", false},
		{CALL_SUNCO_WEBHOOK_UPDATE,
		 "PATCH " APP "/integrations/i%2F1/webhooks/w2 ", false},
		{CALL_SUNCO_WEBHOOK_DELETE,
		 "DELETE " APP "/integrations/i%2F1/webhooks/w2 ", false},
		{CALL_ZENDESK_WEBHOOKS,
		 "GET /api/v2/webhooks?page%5Bsize%5D=100 ", true},
		{CALL_ZENDESK_WEBHOOK_CREATE, "POST /api/v2/webhooks ", false},
		{CALL_ZENDESK_WEBHOOK_UPDATE, "PATCH /api/v2/webhooks/i%2F1 ",
		 false},
		{CALL_ZENDESK_WEBHOOK_DELETE, "DELETE /api/v2/webhooks/i%2F1 ",
		 false},
		{CALL_ZENDESK_SIGNING_SECRET,
		 "GET /api/v2/webhooks/i%2F1/signing_secret ", false},
		{CALL_ZENDESK_TRIGGERS,
		 "GET /api/v2/triggers?page%5Bsize%5D=100 ", true},
		{CALL_ZENDESK_TRIGGER_CREATE, "POST /api/v2/triggers ", false},
		{CALL_ZENDESK_TRIGGER_UPDATE, "PUT /api/v2/triggers/i%2F1 ",
		 false},
		{CALL_ZENDESK_TRIGGER_DELETE, "DELETE /api/v2/triggers/i%2F1 ",
		 false},
	};
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("DELETE ", 204, NULL, ""),
	       ALWAYS(" ", 200, NULL,
		      "{\"integrations\":[1],\"webhooks\":[1],\"triggers\":[1]"
		      "}"));

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		send(f, cases[i].call, "i/1", "w2", NULL);
		assert_int_equal(out.r.result, RESULT_OK);
		if (!strstr(f->requests[i], cases[i].line))
			fail_msg("%s", f->requests[i]);
		if (cases[i].list)
			assert_string_equal(out.answer, "[1]");
	}
}

static void a_body_is_sent_once(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, REPLY("GET ", 200, NULL, "{\"triggers\":[]}"),
	       ALWAYS("POST ", REPLY_CUT, NULL, NULL));

	send(f, CALL_ZENDESK_TRIGGERS, NULL, NULL, NULL);
	send(f, CALL_ZENDESK_TRIGGER_CREATE, NULL, NULL, body());
	assert_int_equal(out.r.result, RESULT_TEMP);
	assert_true(out.r.sent);
	assert_null(out.answer);
	assert_int_equal(api_fixture_count(f, "POST "), 1);
	assert_true(api_fixture_has(f, 1, "\r\n\r\n{\"k\":\"v\"}"));
}

/* Zendesk's way and Sunshine Conversations'. */
static void lists_of_several_pages(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("triggers?page%5Bsize%5D=100&page%5Bafter%5D=c%2B1 ", 200,
		     NULL, "{\"triggers\":[3],\"meta\":{\"has_more\":false}}"),
	       REPLY("triggers?page%5Bsize%5D=100 ", 200, NULL,
		     "{\"triggers\":[1,2],\"meta\":{\"has_more\":true,"
		     "\"after_cursor\":\"c+1\"}}"),
	       REPLY("webhooks?page%5Bafter%5D=x ", 200, NULL,
		     "{\"webhooks\":[2]}"),
	       REPLY("webhooks ", 200, NULL,
		     "{\"webhooks\":[1],\"meta\":{\"hasMore\":true,"
		     "\"afterCursor\":\"x\"}}"));

	send(f, CALL_ZENDESK_TRIGGERS, NULL, NULL, NULL);
	assert_string_equal(out.answer, "[1,2,3]");
	assert_int_equal(out.r.calls, 2);
	send(f, CALL_SUNCO_WEBHOOKS, "me", NULL, NULL);
	assert_string_equal(out.answer, "[1,2]");
}

/* "Not there" is believed only of a whole list. */
static void lists_that_are_none(void **state)
{
	static const char *const bodies[] = {
		"{}",
		"{\"triggers\":{}}",
		"{\"triggers\":[1],\"meta\":{\"has_more\":true}}",
		("{\"triggers\":[],\"meta\":{\"has_more\":true,"
		 "\"after_cursor\":\"c\"}}"),
		"{\"triggers\":[1],\"next_page\":\"https://x.example/\"}",
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		SCRIPT(f, ALWAYS("GET ", 200, NULL, bodies[i]));
		send(f, CALL_ZENDESK_TRIGGERS, NULL, NULL, NULL);
		assert_int_equal(out.r.result, RESULT_TEMP);
		assert_null(out.answer);
	}
}

static void refusals(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f,
	       REPLY("GET " APP " ", 403, NULL,
		     "{\"errors\":[{\"code\":\"forbidden\"}]}"),
	       REPLY("GET " APP " ", 401, NULL,
		     "{\"errors\":[{\"code\":\"unauthorized\"}]}"),
	       REPLY("GET " APP " ", 404, NULL,
		     "{\"errors\":[{\"code\":\"app_not_found\"}]}"));

	send(f, CALL_SUNCO_APP, NULL, NULL, NULL);
	assert_int_equal(out.r.result, RESULT_AUTH);
	assert_true(out.r.forbidden);
	send(f, CALL_SUNCO_APP, NULL, NULL, NULL);
	assert_int_equal(out.r.result, RESULT_AUTH);
	assert_false(out.r.forbidden);
	send(f, CALL_SUNCO_APP, NULL, NULL, NULL);
	assert_int_equal(out.r.result, RESULT_NOTFOUND);
}

static void cancelled(void **state)
{
	struct api_fixture *f = *state;
	struct registration_order o = {CALL_SUNCO_APP, {NULL}, NULL};
	struct registration_op *op;
	SCRIPT(f, ALWAYS("GET ", 200, NULL, "{}"));

	out.calls = 0;
	op = registration_send(f->api, LANE_LIVE, &o, on_done, NULL);
	registration_cancel(op);
	/* the client goes with one open */
	registration_send(f->api, LANE_LIVE, &o, on_done, NULL);
	api_client_free(f->api);
	f->api = NULL;
	assert_int_equal(out.calls, 0);
}

/* Scopes by what the client is for. */
static void tokens(void **state)
{
	static const struct {
		enum api_purpose purpose;
		const char *scope;
	} cases[] = {
		{API_LOOK, "\"webhooks:read triggers:read\""},
		{API_REGISTER, "\"webhooks:read webhooks:write triggers:read "
			       "triggers:write\""},
	};
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int first = f->request_count;
		SCRIPT(f, REPLY("/oauth/tokens", 200, NULL,
				"{\"access_token\":\"t\",\"scope\":"
				"\"webhooks:read\"}"));

		f->config.auth = ZENDESK_OAUTH;
		f->config.purpose = cases[i].purpose;
		api_fixture_client(f);
		send(f, CALL_ZENDESK_TRIGGERS, NULL, NULL, NULL);
		assert_true(api_fixture_has(f, first, cases[i].scope));
		assert_int_equal(out.r.result, RESULT_AUTH);
		assert_true(out.r.forbidden);
	}
	assert_non_null(strstr(out.r.error.text, "webhooks:write"));
}

static void as_it_would_go(void **state)
{
	struct registration_order o = {
		CALL_SUNCO_WEBHOOK_UPDATE, {"i1", "w1"}, NULL};
	struct buf path;

	(void)state;
	buf_init(&path, 256);
	registration_path(&o, "app/9", &path);
	assert_string_equal(path.data,
			    "/v2/apps/app%2F9/integrations/i1/webhooks/w1");
	assert_string_equal(registration_method(o.call), "PATCH");
	assert_int_equal(registration_api(o.call), API_SUNCO);
	buf_release(&path);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(every_call_goes_where_it_should),
		CASE(a_body_is_sent_once),
		CASE(lists_of_several_pages),
		CASE(lists_that_are_none),
		CASE(refusals),
		CASE(cancelled),
		CASE(tokens),
		CASE(as_it_would_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
