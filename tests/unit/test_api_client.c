/*
 * Requests to an account: what an answer means, what limits do, who is asked
 * for credentials and what is never sent twice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "api/api_client.h"

#include "api/sunco.h"
#include "api_fixture.h"
#include "base/json.h"
#include "base/metrics.h"

#define ANSWERS_MAX 12

struct answer {
	int calls; /* of the callback */
	struct api_result r;
	bool json;
};
static struct {
	struct loop *loop;
	struct answer answers[ANSWERS_MAX];
	int ended;
	int expected;
	struct api_request *victim;
} out;

static void done(const struct api_result *r, const struct json_t *json,
		 void *arg)
{
	struct answer *a = arg;

	a->calls++;
	a->r = *r;
	a->json = json != NULL;
	if (out.victim)
		api_cancel(out.victim);
	out.victim = NULL;
	if (++out.ended == out.expected)
		loop_stop(out.loop);
}

static int setup(void **state)
{
	struct api_fixture *f = api_fixture_new();

	metrics_reset();
	memset(&out, 0, sizeof(out));
	out.loop = f->loop;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	api_fixture_free(*state);
	metrics_reset();
	return 0;
}

static struct api_request *send_call(struct api_fixture *f, int i,
				     struct api_call call)
{
	struct api_request *q;

	if (!call.name)
		call.name = "thing_get";
	if (!call.method)
		call.method = "GET";
	if (!call.path)
		call.path = "/api/v2/thing";
	memset(&out.answers[i], 0, sizeof(out.answers[i]));
	q = api_send(f->api, &call, done, &out.answers[i]);
	assert_int_equal(out.answers[i].calls, 0);
	return q;
}

static void run_for(struct api_fixture *f, int callbacks)
{
	out.expected = out.ended + callbacks;
	wire_run(f->loop);
}

static const struct api_result *get(struct api_fixture *f)
{
	send_call(f, 0, (struct api_call){0});
	run_for(f, 1);
	assert_int_equal(out.answers[0].calls, 1);
	return &out.answers[0].r;
}

/* ---- what an answer means ---- */

static const struct class_row {
	int status;
	const char *body;
	enum result result;
	bool sent; /* may have taken effect */
	const char *text;
} class_rows[] = {
	{404, "{\"error\":\"RecordNotFound\"}", RESULT_NOTFOUND, false,
	 "HTTP 404 RecordNotFound"},
	{404, "{\"error\":{\"title\":\"InvalidEndpoint\",\"message\":\"x\"}}",
	 RESULT_AUTH, false, "HTTP 404 InvalidEndpoint"},
	{404, "{\"errors\":[{\"code\":\"user_not_found\",\"title\":\"T\"}]}",
	 RESULT_NOTFOUND, false, "HTTP 404 user_not_found"},
	{404, "", RESULT_TEMP, false, "HTTP 404"},
	{404, "<html>x</html>", RESULT_TEMP, true,
	 "HTTP 404, not an answer of the API"},
	{401, "{\"error\":\"Couldn't authenticate you\"}", RESULT_AUTH, false,
	 "HTTP 401"},
	{403, "{\"error\":{\"title\":\"Forbidden\",\"message\":\"You, Ann\"}}",
	 RESULT_AUTH, false, "HTTP 403 Forbidden"},
	{401, " <!DOCTYPE html>", RESULT_TEMP, true,
	 "HTTP 401, not an answer of the API"},
	{403, "<html>blocked</html>", RESULT_TEMP, true,
	 "HTTP 403, not an answer of the API"},
	{429, "Rate limit exceeded", RESULT_RATE, false,
	 "HTTP 429, not an answer of the API"},
	{429, "{\"error\":\"APIRateLimitExceeded\"}", RESULT_RATE, false,
	 "HTTP 429 APIRateLimitExceeded"},
	{409, "{\"errors\":[{\"code\":\"conflict\"}]}", RESULT_CONFLICT, false,
	 "HTTP 409 conflict"},
	{422,
	 "{\"error\":\"RecordInvalid\",\"details\":{\"email\":[{"
	 "\"description\":\"Email: ann@x.example is bad\","
	 "\"error\":\"InvalidValue\"}]}}",
	 RESULT_PERM, false, "HTTP 422 RecordInvalid InvalidValue"},
	{400, "{\"error\":\"a b\",\"code\":\"x@y\"}", RESULT_PERM, false,
	 "HTTP 400"},
	{423, "{\"errors\":[]}", RESULT_PERM, false, "HTTP 423"},
	{408, "{}", RESULT_TEMP, true, "HTTP 408"},
	{500, "{\"error\":\"Boom\"}", RESULT_TEMP, true, "HTTP 500 Boom"},
	{503, "<html>", RESULT_TEMP, true,
	 "HTTP 503, not an answer of the API"},
	{302, "", RESULT_TEMP, true, "HTTP 302"},
	{200, "{\"a\":", RESULT_TEMP, true,
	 "HTTP 200, not an answer of the API"},
	{200, "\"text\"", RESULT_TEMP, true,
	 "HTTP 200, not an answer of the API"},
	{200, "", RESULT_TEMP, true, "HTTP 200"},
	{200, "{\"user\":{\"id\":null,\"name\":\"Anonymous user\"}}",
	 RESULT_AUTH, true, "HTTP 200 as to an anonymous user"},
	{204, "", RESULT_OK, true, ""},
	{200, "{}", RESULT_OK, true, ""},
	{201, "[]", RESULT_OK, true, ""},
};

static void test_classes(void **state)
{
	struct api_fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(class_rows); i++) {
		const struct class_row *row = &class_rows[i];
		const struct api_result *r;
		SCRIPT(f, REPLY("/thing", row->status, NULL, row->body));

		api_fixture_client(f); /* no block from a 429 before */
		r = get(f);
		assert_int_equal(r->result, row->result);
		assert_int_equal(r->status, row->status);
		if (r->result != RESULT_OK)
			assert_int_equal(r->sent, row->sent);
		assert_string_equal(r->error.text, row->text);
		assert_int_equal(r->calls, 1);
	}
	assert_int_equal(f->request_count, (int)ARRAY_LEN(class_rows));
}

static void test_flags_of_a_refusal(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		bool duplicate, external;
	} rows[] = {
		{422,
		 "{\"details\":{\"email\":[{\"error\":\"DuplicateValue\"}]"
		 "}}",
		 true, false},
		{422, "{\"description\":\"x is Already Being Used by y\"}",
		 true, false},
		{422,
		 "{\"details\":{\"external_id\":[{\"description\":\"has "
		 "already been taken\"}]}}",
		 true, true},
		{400, "{\"error\":{\"message\":\"External ID is set\"}}", false,
		 true},
		{422, "{\"error\":\"RecordInvalid\"}", false, false},
		{404, "{\"error\":\"external_id\"}", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct api_result *r;
		SCRIPT(f, REPLY("/thing", rows[i].status, NULL, rows[i].body));

		r = get(f);
		assert_int_equal(r->duplicate, rows[i].duplicate);
		assert_int_equal(r->mentions_external_id, rows[i].external);
		assert_true(out.answers[0].json);
	}
}

static void test_no_answer(void **state)
{
	struct api_fixture *f = *state;
	const struct api_result *r;
	SCRIPT(f, REPLY("/thing", REPLY_CUT, NULL, NULL),
	       REPLY("/thing", REPLY_SILENCE, NULL, NULL));

	r = get(f);
	assert_int_equal(r->result, RESULT_TEMP);
	assert_true(r->sent);
	assert_int_equal(r->calls, 1);
	f->config.timeout_ms = 100;
	api_client_reconfigure(f->api, &f->config);
	r = get(f);
	assert_int_equal(r->result, RESULT_TEMP);
	assert_true(r->sent);
	assert_int_equal(r->status, 0);
	f->config.zendesk_url = "http://127.0.0.1:1";
	api_client_reconfigure(f->api, &f->config);
	r = get(f);
	assert_int_equal(r->result, RESULT_TEMP);
	assert_false(r->sent);
	assert_int_equal(r->calls, 0);
	assert_int_equal(f->request_count, 2);
}

/* ---- credentials without OAuth ---- */

static void test_authorization(void **state)
{
	struct api_fixture *f = *state;
	struct api_call sunco = {.api = API_SUNCO};
	SCRIPT(f, ALWAYS("/thing", 200, NULL, "{}"));

	get(f); /* robot@acme.example/token:api-token */
	assert_true(api_fixture_has(
		f, 0,
		"\r\nAuthorization: Basic "
		"cm9ib3RAYWNtZS5leGFtcGxlL3Rva2VuOmFwaS10b2tlbg==\r\n"));
	assert_true(api_fixture_has(f, 0, "\r\nAccept: application/json\r\n"));
	send_call(f, 0, sunco); /* key:key-secret */
	run_for(f, 1);
	assert_true(api_fixture_has(
		f, 1, "\r\nAuthorization: Basic a2V5OmtleS1zZWNyZXQ=\r\n"));
	f->config.auth = ZENDESK_BEARER;
	api_client_reconfigure(f->api, &f->config);
	get(f);
	assert_true(api_fixture_has(f, 2,
				    "\r\nAuthorization: Bearer api-token\r\n"));
}

static void test_401_without_oauth_is_final(void **state)
{
	struct api_fixture *f = *state;
	SCRIPT(f, ALWAYS("/thing", 401, NULL, "{\"error\":\"x\"}"));

	assert_int_equal(get(f)->result, RESULT_AUTH);
	assert_int_equal(f->request_count, 1);
}

/* ---- limits ---- */

static void test_limits_are_learnt(void **state)
{
	struct api_fixture *f = *state;
	const struct budget *b = api_client_budget(f->api);
	SCRIPT(f,
	       REPLY("/thing", 200,
		     "X-Rate-Limit: 400\r\nX-Rate-Limit-Remaining: 399\r\n"
		     "ratelimit-limit: 1\r\nratelimit-remaining: 1\r\n"
		     "ratelimit-reset: 42\r\n",
		     "{}"),
	       REPLY("/thing", 200,
		     "ratelimit-limit: 700, 700;w=60\r\n"
		     "RateLimit-Remaining: 17\r\n",
		     "{}"));

	get(f);
	assert_int_equal(b->limit, 400);
	assert_int_equal(b->remaining, 398 + 1);
	get(f);
	assert_int_equal(b->limit, 700);
	assert_int_equal(b->remaining, 17);
	assert_int_equal(metric_value(metric_get(METRIC_API_BUDGET, "acme")),
			 17);
	assert_int_equal(metric_value(metric_get(METRIC_API_REQUESTS, "acme",
						 "zendesk", "thing_get", "ok")),
			 2);
	assert_int_equal(metric_value(metric_get(METRIC_API_SECONDS, "zendesk",
						 "thing_get")),
			 2);
}

/* A 429 holds every request back; what would wait too long ends as RATE. */
static void check_blocked(struct api_fixture *f, const char *headers,
			  int64_t told_min, int64_t told_max, int64_t held_max)
{
	const struct api_result *r;
	SCRIPT(f, REPLY("/thing", 429, headers, "{}"));

	api_fixture_client(f);
	r = get(f);
	assert_int_equal(r->result, RESULT_RATE);
	assert_in_range(r->retry_after_ms + 1, told_min + 1, told_max + 1);
	assert_in_range(api_client_wait_ms(f->api), 1, held_max);
}

static void test_429(void **state)
{
	struct api_fixture *f = *state;
	time_t later = time(NULL) + 90;
	struct tm tm;
	char date[96];
	int requests;

	strftime(date, sizeof(date),
		 "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n",
		 gmtime_r(&later, &tm));
	check_blocked(f, "", -1, -1, 10000);
	check_blocked(f, "ratelimit-reset: 7\r\n", -1, -1, 7000);
	check_blocked(f, "Retry-After: soon\r\n", -1, -1, 10000);
	check_blocked(f, date, 30000, 90000, 90000);
	check_blocked(f, "Retry-After: 93\r\n", 93000, 93000, 93000);
	requests = f->request_count;
	assert_int_equal(get(f)->result, RESULT_RATE);
	assert_in_range(out.answers[0].r.retry_after_ms, 20000, 93000);
	assert_false(out.answers[0].r.sent);
	assert_int_equal(out.answers[0].r.calls, 0);
	assert_int_equal(f->request_count, requests);
}

static void test_sunco_has_limits_of_its_own(void **state)
{
	struct api_fixture *f = *state;
	struct api_call sunco = {.api = API_SUNCO};
	SCRIPT(f,
	       REPLY("/thing", 429, "Retry-After: 60\r\nX-Rate-Limit: 3\r\n",
		     "{}"),
	       REPLY("/thing", 200, "", "{}"));

	send_call(f, 0, sunco);
	run_for(f, 1);
	assert_int_equal(out.answers[0].r.result, RESULT_RATE);
	assert_int_equal(api_client_budget(f->api)->limit, 0);
	send_call(f, 1, sunco);
	run_for(f, 1);
	assert_int_equal(out.answers[1].r.result, RESULT_RATE);
	assert_int_equal(f->request_count, 1);
	assert_int_equal(get(f)->result, RESULT_OK);
}

static void test_endpoint_limits(void **state)
{
	struct api_fixture *f = *state;
	struct api_call update = {.endpoint = ENDPOINT_USER_UPDATE,
				  .object = 7};
	SCRIPT(f,
	       REPLY("/thing", 200,
		     "Zendesk-RateLimit-create-update-user: total=5; "
		     "remaining=0; resets=50\r\n"
		     "Zendesk-RateLimit-search-index: total=9; remaining=8; "
		     "resets=59\r\n",
		     "{}"),
	       REPLY("/thing", 200, "", "{}"),
	       REPLY("/thing", 200,
		     "zendesk-ratelimit-search-index: total=9; remaining=0; "
		     "resets=55\r\n",
		     "{}"));

	send_call(f, 0, update);
	run_for(f, 1);
	send_call(f, 1, update);
	run_for(f, 1);
	assert_int_equal(out.answers[1].r.result, RESULT_RATE);
	assert_in_range(out.answers[1].r.retry_after_ms, 20000, 50000);
	assert_int_equal(get(f)->result, RESULT_OK);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	assert_int_equal(get(f)->result, RESULT_OK);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	assert_int_equal(get(f)->result, RESULT_RATE); /* its endpoint's */
	assert_in_range(out.answers[0].r.retry_after_ms, 20000, 55000);
}

/* Their own limit is nobody else's; the account's is. */
static void test_whose_limit_a_429_is(void **state)
{
	struct api_fixture *f = *state;
	struct api_call update = {.endpoint = ENDPOINT_TICKET_UPDATE,
				  .object = 7};
	struct api_call search = {.endpoint = ENDPOINT_SEARCH};
	SCRIPT(f,
	       REPLY("/thing", 429,
		     "Retry-After: 300\r\nX-Rate-Limit: 700\r\n"
		     "X-Rate-Limit-Remaining: 600\r\n",
		     "{}"),
	       REPLY("/thing", 429,
		     "Zendesk-RateLimit-search-index: total=9; remaining=0; "
		     "resets=40\r\nRetry-After: 40\r\n",
		     "{}"),
	       REPLY("/thing", 429, "Retry-After: 30\r\n", "{}"));

	send_call(f, 0, update);
	run_for(f, 1);
	assert_int_equal(out.answers[0].r.result, RESULT_RATE);
	assert_int_equal(out.answers[0].r.retry_after_ms, 300000);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	send_call(f, 1, search);
	run_for(f, 1);
	assert_int_equal(api_client_wait_ms(f->api), 0);
	get(f);
	assert_in_range(api_client_wait_ms(f->api), 20000, 30000);
}

/* What an export says in the general headers is of its own limit. */
static void test_exports_do_not_speak_of_the_account(void **state)
{
	struct api_fixture *f = *state;
	struct api_call export = {.endpoint = ENDPOINT_INCREMENTAL};
	const struct budget *b = api_client_budget(f->api);
	SCRIPT(f,
	       REPLY("/thing", 200,
		     "X-Rate-Limit: 400\r\nX-Rate-Limit-Remaining: 390\r\n",
		     "{}"),
	       REPLY("/thing", 200,
		     "X-Rate-Limit: 10\r\nX-Rate-Limit-Remaining: 9\r\n", "{}"),
	       REPLY("/thing", 429,
		     "X-Rate-Limit: 10\r\nX-Rate-Limit-Remaining: 0\r\n"
		     "ratelimit-reset: 35\r\n",
		     "{}"),
	       REPLY("/thing", 200, "", "{}"));

	get(f);
	for (int i = 0; i < 2; i++) {
		send_call(f, i, export);
		run_for(f, 1);
		assert_int_equal(b->limit, 400);
		assert_int_equal(api_client_wait_ms(f->api), 0);
	}
	assert_int_equal(out.answers[1].r.result, RESULT_RATE);
	send_call(f, 2, export);
	run_for(f, 1);
	assert_in_range(out.answers[2].r.retry_after_ms, 20000, 35000);
	assert_int_equal(out.answers[2].r.calls, 0);
	assert_int_equal(get(f)->result, RESULT_OK);
}

/* SunCo says nothing of limits: ours is of requests at the same time. */
static void test_sunco_takes_so_many_at_once(void **state)
{
	struct api_fixture *f = *state;
	struct api_request *open[API_SUNCO_OPEN_MAX];
	struct api_call sunco = {.api = API_SUNCO, .path = "/silent"};
	SCRIPT(f, ALWAYS("/silent", REPLY_SILENCE, NULL, NULL),
	       ALWAYS("/thing", 200, NULL, "{}"));

	for (int i = 0; i < API_SUNCO_OPEN_MAX; i++)
		open[i] = send_call(f, i, sunco);
	f->stop_at = API_SUNCO_OPEN_MAX;
	wire_run(f->loop);
	send_call(f, API_SUNCO_OPEN_MAX, (struct api_call){.api = API_SUNCO});
	get(f); /* Zendesk is another matter */
	assert_int_equal(f->request_count, API_SUNCO_OPEN_MAX + 1);
	api_cancel(open[0]);
	run_for(f, 1);
	assert_int_equal(out.answers[API_SUNCO_OPEN_MAX].r.result, RESULT_OK);
	assert_int_equal(f->request_count, API_SUNCO_OPEN_MAX + 2);
}

static void test_lanes_go_in_order(void **state)
{
	struct api_fixture *f = *state;
	const enum job_lane lanes[] = {LANE_BACKFILL, LANE_REVIEW, LANE_LIVE};
	SCRIPT(f, ALWAYS("/thing", 200, NULL, "{}"));

	f->config.requests_per_minute = 1;
	api_fixture_client(f);
	for (int i = 0; i < 3; i++)
		send_call(f, i, (struct api_call){.lane = lanes[i]});
	run_for(f, 3);
	assert_int_equal(out.answers[0].r.result, RESULT_RATE);
	assert_int_equal(out.answers[1].r.result, RESULT_RATE);
	assert_int_equal(out.answers[2].r.result, RESULT_OK);
	assert_int_equal(f->request_count, 1);
}

/* ... and half as many after a refusal. */
static void test_sunco_takes_fewer_after_a_refusal(void **state)
{
	struct api_fixture *f = *state;
	struct api_call call = {.api = API_SUNCO};
	struct api_call silent = {.api = API_SUNCO, .path = "/silent"};
	SCRIPT(f, REPLY("/thing", 429, "Retry-After: 1\r\n", "{}"),
	       ALWAYS("/silent", REPLY_SILENCE, NULL, NULL),
	       ALWAYS("/thing", 200, NULL, "{}"));

	send_call(f, 0, call);
	run_for(f, 1);
	assert_int_equal(out.answers[0].r.result, RESULT_RATE);
	send_call(f, 0, call); /* waits, and asks for all */
	run_for(f, 1);
	assert_int_equal(out.answers[0].r.result, RESULT_OK);
	for (int i = 0; i < API_SUNCO_OPEN_MAX; i++)
		send_call(f, i, silent);
	f->stop_at = 2 + API_SUNCO_OPEN_MAX / 2;
	wire_run(f->loop);
	get(f); /* whatever else could go has gone */
	assert_int_equal(api_fixture_count(f, "/silent"),
			 API_SUNCO_OPEN_MAX / 2);
}

/* What must not be repeated comes of requests before it: first in its lane. */
static void test_what_must_not_be_repeated_goes_first(void **state)
{
	struct api_fixture *f = *state;
	const char *const paths[] = {"/a", "/b", "/c", "/d"};
	SCRIPT(f, ALWAYS("/", 200, NULL, "{}"));

	for (int i = 0; i < 4; i++)
		send_call(f, i,
			  (struct api_call){.path = paths[i],
					    .once = i == 1 || i == 2});
	run_for(f, 4);
	assert_true(api_fixture_has(f, 0, "GET /b"));
	assert_true(api_fixture_has(f, 1, "GET /c"));
}

static void test_who_waits_is_shown(void **state)
{
	struct api_fixture *f = *state;
	struct api_call update = {.endpoint = ENDPOINT_USER_UPDATE,
				  .lane = LANE_REVIEW};
	struct metric_series *waiting =
		metric_get(METRIC_API_WAITING, "acme", "review");
	SCRIPT(f, ALWAYS("/thing", 200, "X-Rate-Limit: 400\r\n", "{}"));

	send_call(f, 0, update);
	send_call(f, 1, update);
	run_for(f, 1);
	assert_int_equal(metric_value(waiting), 1);
	assert_int_equal(metric_value(metric_get(METRIC_API_LIMIT, "acme")),
			 400);
	run_for(f, 1);
	assert_int_equal(metric_value(waiting), 0);
}

static void test_held_back_for_a_while(void **state)
{
	struct api_fixture *f = *state;
	struct api_call update = {.endpoint = ENDPOINT_USER_UPDATE,
				  .object = 7};
	SCRIPT(f, ALWAYS("/thing", 200, NULL, "{}"));

	send_call(f, 0, update);
	send_call(f, 1, update);
	send_call(f, 2, (struct api_call){0});
	run_for(f, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(out.answers[i].r.result, RESULT_OK);
	assert_int_equal(f->request_count, 3);
}

/* ---- cancelling ---- */

static void test_cancel(void **state)
{
	struct api_fixture *f = *state;
	struct api_request *q;
	SCRIPT(f, REPLY("/silent", REPLY_SILENCE, NULL, NULL),
	       ALWAYS("/thing", 200, NULL, "{}"));

	api_cancel(send_call(f, 0, (struct api_call){0})); /* waiting */
	q = send_call(f, 1, (struct api_call){.path = "/silent"});
	f->stop_at = 1;
	wire_run(f->loop);
	api_cancel(q);					    /* sent */
	out.victim = send_call(f, 2, (struct api_call){0}); /* in its own */
	run_for(f, 1);
	out.victim = send_call(f, 3, (struct api_call){.path = NULL});
	api_cancel(out.victim);
	out.victim = NULL;
	assert_int_equal(get(f)->result, RESULT_OK);
	assert_int_equal(out.answers[1].calls, 0);
	assert_int_equal(out.answers[2].calls, 1);
	assert_int_equal(out.answers[3].calls, 0);
}

/* Two end in one turn of the pump; the first one's callback cancels the
 * second, which is finished already. */
static void test_cancel_what_is_finished(void **state)
{
	struct api_fixture *f = *state;

	f->config.requests_per_minute = 1;
	api_fixture_client(f);
	{
		SCRIPT(f, ALWAYS("/thing", 200, NULL, "{}"));
		get(f);
		send_call(f, 1, (struct api_call){0});
		out.victim = send_call(f, 2, (struct api_call){0});
		run_for(f, 1);
	}
	assert_int_equal(out.answers[1].calls, 1);
	assert_int_equal(out.answers[2].calls, 0);
}

/* ---- SunCo's call ---- */

static struct {
	int calls;
	enum result result;
	bool authenticated;
} sunco_out;

static void on_sunco_user(const struct api_result *r,
			  const struct sunco_user *u, void *arg)
{
	assert_int_equal(u != NULL, r->result == RESULT_OK);
	sunco_out.calls++;
	sunco_out.result = r->result;
	sunco_out.authenticated = u && u->authenticated;
	loop_stop(arg);
}

static void test_sunco_user(void **state)
{
	struct api_fixture *f = *state;
	const struct {
		int status;
		const char *body;
		enum result result;
	} rows[] = {
		{200, "{\"user\":{\"id\":\"abc1\",\"authenticated\":true}}",
		 RESULT_OK},
		{200, "{\"user\":{\"id\":\"other\"}}", RESULT_NOTFOUND},
		{200, "{\"user\":{}}", RESULT_TEMP},
		{200, "{}", RESULT_TEMP},
		{404, "{\"errors\":[{\"code\":\"user_not_found\"}]}",
		 RESULT_NOTFOUND},
		{500, "", RESULT_TEMP},
	};

	sunco_out.calls = 0;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		SCRIPT(f, REPLY("GET /v2/apps/app%2F1/users/abc1 ",
				rows[i].status, NULL, rows[i].body));
		sunco_user_get(f->api, LANE_LIVE, "abc1", on_sunco_user,
			       f->loop);
		wire_run(f->loop);
		assert_int_equal(sunco_out.result, rows[i].result);
		assert_int_equal(sunco_out.authenticated, i == 0);
	}
	api_cancel(sunco_user_get(f->api, LANE_LIVE, "a/b", on_sunco_user,
				  f->loop));
	sunco_user_get(f->api, LANE_LIVE, "a/b", on_sunco_user, f->loop);
	api_client_free(f->api);
	f->api = NULL;
	assert_int_equal(sunco_out.calls, (int)ARRAY_LEN(rows));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_classes),
		CASE(test_flags_of_a_refusal),
		CASE(test_no_answer),
		CASE(test_authorization),
		CASE(test_401_without_oauth_is_final),
		CASE(test_limits_are_learnt),
		CASE(test_429),
		CASE(test_sunco_has_limits_of_its_own),
		CASE(test_endpoint_limits),
		CASE(test_whose_limit_a_429_is),
		CASE(test_exports_do_not_speak_of_the_account),
		CASE(test_sunco_takes_so_many_at_once),
		CASE(test_lanes_go_in_order),
		CASE(test_sunco_takes_fewer_after_a_refusal),
		CASE(test_what_must_not_be_repeated_goes_first),
		CASE(test_who_waits_is_shown),
		CASE(test_held_back_for_a_while),
		CASE(test_cancel),
		CASE(test_cancel_what_is_finished),
		CASE(test_sunco_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
