/*
 * The HTTP client against servers that answer, lie, cut and say nothing.
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

#include "net/http_client.h"

#include "base/buf.h"
#include "base/clock.h"
#include "wire_server.h"

enum { BODY_MAX = 4096, SEEN_MAX = 32 };

struct seen {
	int calls;
	enum result result;
	bool sent;
	bool late;
	int status;
	char body[BODY_MAX + 1];
	char header[64];
	char error[256];
};

struct fixture {
	struct loop *loop;
	struct http_client *http;
	struct wire_server *server;
	wire_handler *handler;
	struct seen seen[SEEN_MAX];
	int expected; /* callbacks until the loop stops */
	int ended;
	struct http_transfer *victim;
	bool free_client;
	bool stop_on_request;
	char *last_request;
};

static void on_request(const struct wire_request *r, void *arg)
{
	struct fixture *f = arg;

	free(f->last_request);
	f->last_request = strdup(r->text);
	f->handler(r, arg);
	if (f->stop_on_request)
		loop_stop(f->loop);
}

static void on_done(const struct http_answer *a, struct seen *s)
{
	const char *h = a->transfer ? http_answer_header(a, "x-thing") : NULL;

	s->calls++;
	s->result = a->result;
	s->sent = a->sent;
	s->late = a->late;
	s->status = a->status;
	if (a->result == RESULT_OK)
		memcpy(s->body, a->body.ptr, a->body.len);
	snprintf(s->header, sizeof(s->header), "%s", h ? h : "");
	snprintf(s->error, sizeof(s->error), "%s", a->error.text);
}

struct slot {
	struct fixture *f;
	int index;
};
static struct slot slots[SEEN_MAX];

static void done(const struct http_answer *a, void *arg)
{
	struct slot *slot = arg;
	struct fixture *f = slot->f;

	on_done(a, &f->seen[slot->index]);
	if (f->victim) {
		http_transfer_cancel(f->victim);
		f->victim = NULL;
	}
	if (f->free_client) {
		http_client_free(f->http);
		f->http = NULL;
	}
	if (++f->ended == f->expected)
		loop_stop(f->loop);
}

static void echo(const struct wire_request *r, void *arg)
{
	(void)arg;
	wire_reply(r->conn, 200, "X-Thing: one\r\nX-THING: two\r\n", "hello");
}

static void silence(const struct wire_request *r, void *arg)
{
	(void)r;
	(void)arg;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->loop = loop_new();
	f->http = http_client_new(f->loop, BODY_MAX, NULL);
	f->server = wire_server_new(f->loop, on_request, f);
	f->handler = echo;
	for (int i = 0; i < SEEN_MAX; i++)
		slots[i] = (struct slot){f, i};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(f->http);
	wire_server_free(f->server);
	loop_free(f->loop);
	free(f->last_request);
	free(f);
	return 0;
}

static struct http_transfer *start(struct fixture *f, int i,
				   const struct http_call *call)
{
	struct http_transfer *t =
		http_client_send(f->http, call, done, &slots[i]);

	assert_int_equal(f->seen[i].calls, 0);
	return t;
}

static void run_for(struct fixture *f, int callbacks)
{
	f->expected = f->ended + callbacks;
	wire_run(f->loop);
}

static void get(struct fixture *f, int i, bool once)
{
	struct http_call call = {.method = "GET",
				 .url = wire_server_url(f->server),
				 .once = once};

	start(f, i, &call);
}

static void test_get(void **state)
{
	struct fixture *f = *state;
	const char *const headers[] = {"Authorization: Bearer abc"};
	char url[128];
	struct http_call call = {.method = "GET",
				 .url = url,
				 .headers = headers,
				 .header_count = 1};

	snprintf(url, sizeof(url), "%s/a/b?c=d%%20e",
		 wire_server_url(f->server));
	start(f, 0, &call);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_OK);
	assert_int_equal(f->seen[0].status, 200);
	assert_true(f->seen[0].sent);
	assert_string_equal(f->seen[0].body, "hello");
	assert_string_equal(f->seen[0].header, "two");
	assert_non_null(
		strstr(f->last_request, "GET /a/b?c=d%20e HTTP/1.1\r\n"));
	assert_non_null(
		strstr(f->last_request, "\r\nAuthorization: Bearer abc\r\n"));
	assert_non_null(strstr(f->last_request, "\r\nUser-Agent: reunite/"));
	assert_null(strstr(f->last_request, "Content-"));
}

static void test_methods_and_bodies(void **state)
{
	struct fixture *f = *state;
	const char *const json[] = {"Content-Type: application/json"};
	struct http_call put = {.method = "PUT",
				.url = wire_server_url(f->server),
				.headers = json,
				.header_count = 1,
				.body = SLICE("{\"a\":1}")};
	struct http_call post = {.method = "POST",
				 .url = wire_server_url(f->server)};
	struct http_call del = {.method = "DELETE",
				.url = wire_server_url(f->server)};

	start(f, 0, &put);
	run_for(f, 1);
	assert_non_null(strstr(f->last_request, "PUT / HTTP/1.1\r\n"));
	assert_non_null(strstr(f->last_request, "\r\nContent-Length: 7\r\n"));
	assert_non_null(strstr(f->last_request,
			       "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(f->last_request, "\r\n\r\n{\"a\":1}"));
	assert_null(strstr(f->last_request, "Expect"));
	start(f, 1, &post);
	run_for(f, 1);
	assert_non_null(strstr(f->last_request, "POST / HTTP/1.1\r\n"));
	assert_non_null(strstr(f->last_request, "\r\nContent-Length: 0\r\n"));
	assert_null(strstr(f->last_request, "Content-Type"));
	start(f, 2, &del);
	run_for(f, 1);
	assert_non_null(strstr(f->last_request, "DELETE / HTTP/1.1\r\n"));
}

static void test_a_connection_is_reused(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 4; i++) {
		get(f, i, i % 2 == 1);
		run_for(f, 1);
		assert_int_equal(f->seen[i].result, RESULT_OK);
	}
	assert_int_equal(wire_server_connections(f->server), 1);
}

/* The second request is read (it takes effect), then the connection dies. */
static void cut_the_second(const struct wire_request *r, void *arg)
{
	if (r->number == 0)
		echo(r, arg);
	else
		wire_close(r->conn);
}

/* Which libcurl would repeat, on another connection. */
static void test_once_is_sent_once_when_a_connection_dies(void **state)
{
	static const char *const methods[] = {"GET", "PUT", "POST", "DELETE"};

	for (int i = 0; i < (int)ARRAY_LEN(methods); i++) {
		struct http_call call = {.method = methods[i], .once = true};
		struct fixture *f;

		(void)state;
		setup((void **)&f);
		call.url = wire_server_url(f->server);
		if (i == 1 || i == 2)
			call.body = SLICE("{\"user\":{\"id\":1}}");
		f->handler = cut_the_second;
		get(f, 0, false);
		run_for(f, 1);
		start(f, 1, &call);
		run_for(f, 1);
		assert_int_equal(f->seen[1].calls, 1);
		assert_int_equal(f->seen[1].result, RESULT_TEMP);
		assert_true(f->seen[1].sent);
		assert_false(f->seen[1].late);
		assert_int_equal(wire_server_requests(f->server), 2);
		teardown((void **)&f);
	}
}

/* What may be repeated is: the test above tells something. */
static void test_others_are_sent_again_when_a_connection_dies(void **state)
{
	struct fixture *f = *state;

	f->handler = cut_the_second;
	get(f, 0, false);
	run_for(f, 1);
	get(f, 1, false);
	run_for(f, 1);
	assert_int_equal(f->seen[1].result, RESULT_TEMP);
	assert_int_equal(wire_server_requests(f->server), 3);
}

static void reply_and_close(const struct wire_request *r, void *arg)
{
	echo(r, arg);
	wire_close(r->conn);
}

/* A connection that is known to be dead is not what it is sent on. */
static void test_once_is_not_sent_on_a_dead_connection(void **state)
{
	struct fixture *f = *state;

	f->handler = reply_and_close;
	get(f, 0, false);
	run_for(f, 1);
	f->handler = echo;
	get(f, 1, true);
	run_for(f, 1);
	assert_int_equal(f->seen[1].result, RESULT_OK);
	assert_int_equal(wire_server_connections(f->server), 2);
}

static void cut_in_the_body(const struct wire_request *r, void *arg)
{
	static const char part[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nsecret";

	(void)arg;
	wire_send(r->conn, part, sizeof(part) - 1);
	wire_close(r->conn);
}

static void cut_in_a_chunk(const struct wire_request *r, void *arg)
{
	static const char part[] = "HTTP/1.1 200 OK\r\n"
				   "Transfer-Encoding: chunked\r\n\r\n"
				   "10\r\nsecret";

	(void)arg;
	wire_send(r->conn, part, sizeof(part) - 1);
	wire_close(r->conn);
}

static void rubbish(const struct wire_request *r, void *arg)
{
	(void)arg;
	wire_send(r->conn, "secret secret\r\n\r\n", 17);
	wire_close(r->conn);
}

static void test_cut_and_broken_answers(void **state)
{
	struct fixture *f = *state;
	wire_handler *const handlers[] = {cut_in_the_body, cut_in_a_chunk,
					  rubbish};

	for (int i = 0; i < (int)ARRAY_LEN(handlers); i++) {
		f->handler = handlers[i];
		get(f, i, false);
		run_for(f, 1);
		assert_int_equal(f->seen[i].result, RESULT_TEMP);
		assert_true(f->seen[i].sent);
		assert_int_equal(f->seen[i].status, 0);
		assert_null(strstr(f->seen[i].error, "secret"));
		assert_true(f->seen[i].error[0] != '\0');
	}
}

static void test_deadline(void **state)
{
	struct fixture *f = *state;
	struct http_call call = {.method = "GET",
				 .url = wire_server_url(f->server),
				 .timeout_ms = 100};

	f->handler = silence;
	start(f, 0, &call);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_TEMP);
	assert_true(f->seen[0].sent);
	assert_int_equal(wire_server_requests(f->server), 1);
}

/* More than the pool holds: the rest waits, and its deadline counts too. */
static void test_deadline_in_the_queue_of_the_pool(void **state)
{
	struct fixture *f = *state;
	struct http_call call = {.method = "GET",
				 .url = wire_server_url(f->server),
				 .timeout_ms = 300};
	int sent = 0;

	f->handler = silence;
	for (int i = 0; i < 12; i++)
		start(f, i, &call);
	run_for(f, 12);
	for (int i = 0; i < 12; i++) {
		assert_int_equal(f->seen[i].result, RESULT_TEMP);
		sent += f->seen[i].sent;
	}
	assert_true(sent >= wire_server_requests(f->server));
	assert_in_range(sent, 8, 11);
}

static void test_the_pool_is_small(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 20; i++)
		get(f, i, i % 5 == 0);
	run_for(f, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(f->seen[i].result, RESULT_OK);
	assert_in_range(wire_server_connections(f->server), 8, 12);
}

static void test_refused_connection_was_not_sent(void **state)
{
	struct fixture *f = *state;
	struct wire_server *gone = wire_server_new(f->loop, on_request, f);
	char url[64];
	struct http_call call = {.method = "GET", .url = url};

	snprintf(url, sizeof(url), "%s/?q=secret", wire_server_url(gone));
	wire_server_free(gone);
	start(f, 0, &call);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_TEMP);
	assert_false(f->seen[0].sent);
	assert_null(strstr(f->seen[0].error, "secret"));
}

static void many(const struct wire_request *r, void *arg)
{
	char body[BODY_MAX + 2];

	(void)arg;
	memset(body, 'x', sizeof(body));
	body[r->number == 0 ? BODY_MAX : BODY_MAX + 1] = '\0';
	wire_reply(r->conn, 200, "", body);
}

static void many_headers(const struct wire_request *r, void *arg)
{
	char line[1024];

	(void)arg;
	wire_send(r->conn, "HTTP/1.1 200 OK\r\n", 17);
	memset(line, 'x', sizeof(line));
	line[1] = ':';
	line[sizeof(line) - 2] = '\r';
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 80; i++)
		wire_send(r->conn, line, sizeof(line));
	wire_send(r->conn, "\r\n", 2);
}

/* Asked when the connection stands: what was stopped before does not go. */
static void test_what_would_go_too_late_is_not_sent(void **state)
{
	struct fixture *f = *state;
	struct http_call call = {.method = "PUT",
				 .url = wire_server_url(f->server),
				 .send_by_ms = clock_boot_ms() - 1};

	start(f, 0, &call);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_TEMP);
	assert_false(f->seen[0].sent);
	assert_true(f->seen[0].late);
	call.send_by_ms = clock_boot_ms() + 60000;
	start(f, 1, &call);
	run_for(f, 1);
	assert_int_equal(f->seen[1].status, 200);
	assert_false(f->seen[1].late);
	assert_int_equal(wire_server_requests(f->server), 1);
}

static void test_answers_are_bounded(void **state)
{
	struct fixture *f = *state;

	f->handler = many;
	get(f, 0, false);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_OK);
	assert_int_equal(strlen(f->seen[0].body), BODY_MAX);
	get(f, 1, false);
	run_for(f, 1);
	assert_int_equal(f->seen[1].result, RESULT_INVALID);
	assert_true(f->seen[1].sent);
	f->handler = many_headers;
	get(f, 2, false);
	run_for(f, 1);
	assert_int_equal(f->seen[2].result, RESULT_INVALID);
}

static void elsewhere(const struct wire_request *r, void *arg)
{
	struct fixture *f = arg;
	char headers[128];

	snprintf(headers, sizeof(headers), "Location: %s/other\r\n",
		 wire_server_url(f->server));
	wire_reply(r->conn, 302, headers, "");
}

static void test_redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;

	f->handler = elsewhere;
	get(f, 0, false);
	run_for(f, 1);
	assert_int_equal(f->seen[0].result, RESULT_OK);
	assert_int_equal(f->seen[0].status, 302);
	assert_int_equal(wire_server_requests(f->server), 1);
}

static void test_calls_that_cannot_be_made(void **state)
{
	struct fixture *f = *state;
	const char *const urls[] = {"", "ftp://127.0.0.1/x", "http://",
				    "file:///etc/hostname", "http://a b/"};
	const char *const bad[] = {"X: a\r\nY: b"};
	struct http_call call = {.method = "GET"};
	int n = (int)ARRAY_LEN(urls);

	for (int i = 0; i < n; i++) {
		call.url = urls[i];
		start(f, i, &call);
	}
	call = (struct http_call){.method = "GET",
				  .url = wire_server_url(f->server),
				  .headers = bad,
				  .header_count = 1};
	start(f, n, &call);
	run_for(f, n + 1);
	for (int i = 0; i <= n; i++) {
		assert_int_equal(f->seen[i].calls, 1);
		assert_int_equal(f->seen[i].result, RESULT_PERM);
		assert_false(f->seen[i].sent);
	}
	assert_int_equal(wire_server_requests(f->server), 0);
}

static void test_cancel_at_every_stage(void **state)
{
	struct fixture *f = *state;
	struct http_call call = {.method = "GET",
				 .url = wire_server_url(f->server)};
	struct http_call bad = {.method = "GET", .url = "http://"};
	struct http_transfer *t;

	http_transfer_cancel(start(f, 0, &call)); /* not begun */
	http_transfer_cancel(start(f, 1, &bad));  /* refused */
	f->handler = silence;
	f->stop_on_request = true;
	t = start(f, 2, &call);
	wire_run(f->loop);
	http_transfer_cancel(t); /* on the wire */
	f->stop_on_request = false;
	f->handler = echo;
	start(f, 3, &bad);
	f->victim = start(f, 4, &bad); /* finished, by another's callback */
	run_for(f, 1);
	f->victim = start(f, 5, &call); /* its own callback: no effect */
	run_for(f, 1);
	for (int i = 0; i < 6; i++)
		assert_int_equal(f->seen[i].calls, i == 3 || i == 5);
}

static void test_free_inside_a_callback(void **state)
{
	struct fixture *f = *state;

	f->free_client = true;
	for (int i = 0; i < 3; i++)
		get(f, i, false);
	run_for(f, 1);
	assert_int_equal(f->seen[0].calls + f->seen[1].calls + f->seen[2].calls,
			 1);
}

static void test_escape(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 256);
	http_escape(&b, SLICE("aZ09-._~ +&\"\\/?#%=:@\xc3\xa9\0x"));
	assert_string_equal(b.data, "aZ09-._~%20%2B%26%22%5C%2F%3F%23%25%3D"
				    "%3A%40%C3%A9%00x");
	buf_release(&b);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_get),
		CASE(test_methods_and_bodies),
		CASE(test_a_connection_is_reused),
		CASE(test_once_is_sent_once_when_a_connection_dies),
		CASE(test_others_are_sent_again_when_a_connection_dies),
		CASE(test_once_is_not_sent_on_a_dead_connection),
		CASE(test_cut_and_broken_answers),
		CASE(test_deadline),
		CASE(test_deadline_in_the_queue_of_the_pool),
		CASE(test_the_pool_is_small),
		CASE(test_refused_connection_was_not_sent),
		CASE(test_what_would_go_too_late_is_not_sent),
		CASE(test_answers_are_bounded),
		CASE(test_redirects_are_not_followed),
		CASE(test_calls_that_cannot_be_made),
		CASE(test_cancel_at_every_stage),
		CASE(test_free_inside_a_callback),
		CASE(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
