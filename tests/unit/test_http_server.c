/*
 * The server as clients see it: a table of raw requests, pipelining, half
 * close, HEAD, 100-continue, routes. What happens over time and at limits is
 * in test_http_server_limits.c.
 */
#include <sys/socket.h>

#include "unit.h"

#include "base/str.h"

#include "http_cases.h"
#include "http_fixture.h"

#define HOST "Host: a.example\r\n"

static int setup(void **state)
{
	static struct http_fixture f;

	http_fixture_start(&f, NULL);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	http_fixture_stop(*state);
	return 0;
}

static void check_case(const struct http_case *k, struct http_client_raw *c)
{
	struct http_answer_raw a;

	raw_read(c, &a, false);
	buf_release(&a.body);
	if (a.status != k->status)
		fail_msg("%s: %d instead of %d", k->name, a.status, k->status);
	if (!k->kept && a.status != 200)
		assert_non_null(strstr(a.head, "\r\nConnection: close\r\n"));
	if (k->kept)
		raw_expect_alive(c);
	else
		raw_expect_end(c);
}

static void every_case_is_answered(void **state)
{
	for (size_t i = 0; i < http_case_count; i++) {
		struct http_client_raw c;

		raw_connect(&c, *state);
		raw_send(&c, http_cases[i].bytes, http_cases[i].len);
		check_case(&http_cases[i], &c);
		raw_close(&c);
	}
}

static void every_case_is_answered_byte_by_byte(void **state)
{
	for (size_t i = 0; i < http_case_count; i++) {
		struct http_client_raw c;

		raw_connect(&c, *state);
		for (size_t j = 0; j < http_cases[i].len; j++)
			raw_send(&c, http_cases[i].bytes + j, 1);
		check_case(&http_cases[i], &c);
		raw_close(&c);
	}
}

/* A client that is refused early still sends; closing with unread input would
 * reset the connection and take the answer with it. */
static void a_refusal_survives_what_is_still_sent(void **state)
{
	static char filler[256 * 1024];
	struct http_client_raw c;

	memset(filler, 'x', sizeof(filler));
	raw_connect(&c, *state);
	raw_puts(&c, "POST /echo HTTP/1.1\r\n" HOST
		     "Content-Length: 9999999\r\n\r\n");
	for (int i = 0; i < 8; i++)
		raw_send(&c, filler, sizeof(filler));
	raw_expect(&c, 413);
	raw_expect_end(&c);
	raw_close(&c);
}

static void expect_body(struct http_client_raw *c, int status, const char *body)
{
	struct http_answer_raw a;

	raw_read(c, &a, false);
	assert_int_equal(a.status, status);
	assert_string_equal(a.body.data, body);
	buf_release(&a.body);
}

static void get(struct http_client_raw *c, const char *target)
{
	char text[512];

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST "\r\n", target);
	raw_puts(c, text);
}

static void parameters_are_decoded(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	get(&c, "/p/a%20b/x/%C3%A4%2F?x=y");
	expect_body(&c, 200, "a b|\xc3\xa4/|/p/a%20b/x/%C3%A4%2F");
	get(&c, "/%70/.../x/%2E%2Ea");
	expect_body(&c, 200, "...|..a|/%70/.../x/%2E%2Ea");
	raw_close(&c);
}

static void a_rest_parameter_takes_slashes(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	get(&c, "/rest/a/b%20c/");
	expect_body(&c, 200, "a/b c/");
	get(&c, "/rest/");
	raw_expect(&c, 404);
	get(&c, "/rest");
	raw_expect(&c, 404);
	raw_close(&c);
}

static void query_parameters_are_decoded(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	get(&c, "/q?b=1&filter%5Ba%5D=x+%26%3d&filter[a]=2");
	expect_body(&c, 200, "x &=");
	get(&c, "/q?filter[a]=");
	expect_body(&c, 200, "");
	get(&c, "/q?filter[a]");
	expect_body(&c, 200, "");
	get(&c, "/q?filter[a]=012345678901234");
	expect_body(&c, 200, "012345678901234");
	get(&c, "/q?filter[a]=0123456789012345");
	raw_expect(&c, 422); /* does not fit */
	get(&c, "/q?filter[a]=%0");
	raw_expect(&c, 422);
	get(&c, "/q?filter[a]=%00");
	raw_expect(&c, 422);
	get(&c, "/q?filter[ab]=1&ilter[a]=2&=3&&");
	raw_expect(&c, 422);
	get(&c, "/q");
	expect_body(&c, 422, "{\"error\":\"no \\\"filter\\\"\"}");
	raw_close(&c);
}

static void headers_are_found_and_trimmed(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c,
		 "GET /header HTTP/1.1\r\n" HOST "x-THING: \t a b \t\r\n\r\n");
	expect_body(&c, 200, "a b");
	raw_puts(&c, "GET /header HTTP/1.1\r\n" HOST
		     "x-THING: a\r\nX-Thing: second\r\n\r\n");
	expect_body(&c, 200, "(none)");
	raw_puts(&c, "GET /header HTTP/1.1\r\n" HOST "X-Thing:\r\n\r\n");
	expect_body(&c, 200, "");
	raw_puts(&c, "GET /header HTTP/1.1\r\n" HOST
		     "Empty:\r\nX-Thing: 1\r\n\r\n");
	expect_body(&c, 200, "1");
	raw_puts(&c, "GET /header HTTP/1.1\r\nX-Thin: 1\r\n" HOST "\r\n");
	expect_body(&c, 200, "(none)");
	raw_close(&c);
}

static void bodies_arrive_whole(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c, "POST /echo HTTP/1.1\r\n" HOST
		     "Transfer-Encoding: chunked\r\n\r\n"
		     "3\r\nabc\r\n2;x=y\r\n\r\n\r\n1\r\nd\r\n0\r\nX: y\r\n\r\n"
		     "PUT /echo HTTP/1.1\r\n" HOST
		     "Content-Length: 3\r\n\r\n1\r\n");
	expect_body(&c, 200, "abc\r\nd");
	expect_body(&c, 200, "1\r\n");
	raw_close(&c);
}

static void replies_say_what_they_are(void **state)
{
	struct http_client_raw c;
	struct http_answer_raw a;

	raw_connect(&c, *state);
	get(&c, "/healthz");
	raw_read(&c, &a, false);
	assert_string_equal(a.head, "HTTP/1.1 200 OK\r\n"
				    "Content-Type: text/plain\r\n"
				    "Content-Length: 2\r\n"
				    "X-Content-Type-Options: nosniff\r\n\r\n");
	buf_release(&a.body);
	raw_puts(&c, "DELETE /nothing HTTP/1.1\r\n" HOST "\r\n");
	raw_read(&c, &a, false);
	assert_string_equal(a.head, "HTTP/1.1 204 No Content\r\n"
				    "X-Content-Type-Options: nosniff\r\n"
				    "X-Extra: 1\r\n\r\n");
	buf_release(&a.body);
	raw_puts(&c, "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	raw_read(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nConnection: keep-alive\r\n"));
	buf_release(&a.body);
	raw_puts(&c, "DELETE /echo HTTP/1.1\r\n" HOST "\r\n");
	raw_read(&c, &a, false);
	assert_int_equal(a.status, 405);
	assert_non_null(strstr(a.head, "\r\nAllow: POST, PUT\r\n"));
	buf_release(&a.body);
	raw_puts(&c, "DELETE /healthz HTTP/1.1\r\n" HOST "\r\n");
	raw_read(&c, &a, false);
	assert_non_null(strstr(a.head, "\r\nAllow: GET, HEAD\r\n"));
	buf_release(&a.body);
	raw_close(&c);
}

static void head_has_no_body(void **state)
{
	struct http_client_raw c;
	struct http_answer_raw a;

	raw_connect(&c, *state);
	raw_puts(&c, "HEAD /healthz HTTP/1.1\r\n" HOST "\r\n");
	raw_read(&c, &a, true);
	assert_int_equal(a.status, 200);
	assert_non_null(strstr(a.head, "\r\nContent-Length: 2\r\n"));
	buf_release(&a.body);
	raw_puts(&c, "HEAD /nowhere HTTP/1.1\r\n" HOST "\r\n");
	raw_read(&c, &a, true);
	assert_int_equal(a.status, 404);
	buf_release(&a.body);
	raw_expect_alive(&c);
	raw_close(&c);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	struct http_client_raw c;
	char text[256], body[16];

	raw_connect(&c, *state);
	for (int i = 0; i < 50; i++) {
		/* Every third one is answered from a later callback. */
		snprintf(text, sizeof(text),
			 "POST %s HTTP/1.1\r\n" HOST
			 "Content-Length: 3\r\n\r\n%03d",
			 i % 3 ? "/echo" : "/later", i);
		raw_puts(&c, text);
	}
	for (int i = 0; i < 50; i++) {
		snprintf(body, sizeof(body), "%03d", i);
		expect_body(&c, 200, body);
	}
	raw_close(&c);
}

/* Far more than the server reads ahead. */
static void many_pipelined_requests_are_answered(void **state)
{
	static char batch[100 * 64];
	const char *one = "GET /healthz HTTP/1.1\r\n" HOST "\r\n";
	struct http_client_raw c;

	batch[0] = '\0';
	for (int i = 0; i < 100; i++)
		strcat(batch, one);
	raw_connect(&c, *state);
	for (int i = 0; i < 20; i++)
		raw_puts(&c, batch);
	for (int i = 0; i < 20 * 100; i++)
		expect_body(&c, 200, "ok");
	raw_close(&c);
}

static void nothing_is_answered_behind_a_refusal(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c, "GET /healthz HTTP/1.1\r\n" HOST "\r\n"
		     "GET /healthz HTTP/1.1\r\n\r\n"
		     "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	raw_expect(&c, 200);
	raw_expect(&c, 400);
	raw_expect_end(&c);
	raw_close(&c);
}

static void nothing_is_answered_behind_a_close(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c,
		 "GET /healthz HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n"
		 "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	raw_expect(&c, 200);
	raw_expect_end(&c);
	raw_close(&c);
}

static void a_half_closed_client_is_answered(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c,
		 "POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi"
		 "GET /healthz HTTP/1.1\r\n" HOST "\r\n");
	raw_end(&c);
	expect_body(&c, 200, "hi");
	expect_body(&c, 200, "ok");
	raw_expect_end(&c);
	raw_close(&c);
}

static void half_a_request_is_no_request(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c,
		 "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nh");
	raw_end(&c);
	raw_expect_end(&c);
	raw_close(&c);
}

static void continue_comes_before_the_body(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	raw_expect(&c, 100);
	raw_puts(&c, "hi");
	expect_body(&c, 200, "hi");
	raw_expect_alive(&c);
	raw_close(&c);
}

static void a_body_that_will_be_refused_is_not_asked_for(void **state)
{
	struct http_client_raw c;

	raw_connect(&c, *state);
	raw_puts(&c, "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 2\r\n"
		     "Expect: 100-continue\r\n\r\n");
	raw_expect(&c, 404);
	raw_expect_end(&c);
	raw_close(&c);
	raw_connect(&c, *state);
	raw_puts(&c, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2049\r\n"
		     "Expect: 100-continue\r\n\r\n");
	raw_expect(&c, 413);
	raw_expect_end(&c);
	raw_close(&c);
}

static void a_large_reply_arrives_whole(void **state)
{
	struct http_client_raw c;
	struct http_answer_raw a;

	raw_connect(&c, *state);
	get(&c, "/big");
	get(&c, "/healthz");
	raw_read(&c, &a, false);
	assert_int_equal(a.body.len, HTTP_FIXTURE_BIG_BODY);
	assert_int_equal(strspn(a.body.data, "b"), HTTP_FIXTURE_BIG_BODY);
	buf_release(&a.body);
	expect_body(&c, 200, "ok");
	raw_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_is_answered),
		cmocka_unit_test(every_case_is_answered_byte_by_byte),
		cmocka_unit_test(a_refusal_survives_what_is_still_sent),
		cmocka_unit_test(parameters_are_decoded),
		cmocka_unit_test(a_rest_parameter_takes_slashes),
		cmocka_unit_test(query_parameters_are_decoded),
		cmocka_unit_test(headers_are_found_and_trimmed),
		cmocka_unit_test(bodies_arrive_whole),
		cmocka_unit_test(replies_say_what_they_are),
		cmocka_unit_test(head_has_no_body),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(many_pipelined_requests_are_answered),
		cmocka_unit_test(nothing_is_answered_behind_a_refusal),
		cmocka_unit_test(nothing_is_answered_behind_a_close),
		cmocka_unit_test(a_half_closed_client_is_answered),
		cmocka_unit_test(half_a_request_is_no_request),
		cmocka_unit_test(continue_comes_before_the_body),
		cmocka_unit_test(a_body_that_will_be_refused_is_not_asked_for),
		cmocka_unit_test(a_large_reply_arrives_whole),
	};
	int failed =
		cmocka_run_group_tests_name("plain", tests, setup, teardown);

	http_fixture_use_tls(true);
	return failed +
	       cmocka_run_group_tests_name("tls", tests, setup, teardown);
}
