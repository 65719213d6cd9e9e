/*
 * Server thread, routes and raw client of the HTTP tests.
 */
#include "http_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"

#define PATIENCE_S     20
#define MAX_READ_BYTES (16 * 1024 * 1024)

static void reply_text(struct http_request *r, struct slice text)
{
	struct http_reply a = {
		.status = 200, .content_type = "text/plain", .body = text};

	http_request_reply(r, &a);
}

static void handle_ok(struct http_request *r, void *arg)
{
	(void)arg;
	reply_text(r, SLICE("ok"));
}

static void handle_echo(struct http_request *r, void *arg)
{
	(void)arg;
	reply_text(r, http_request_body(r));
}

static void handle_params(struct http_request *r, void *arg)
{
	struct slice a = http_request_param(r, "a");
	struct slice b = http_request_param(r, "b");
	char text[256];
	int n = snprintf(text, sizeof(text), "%.*s|%.*s|%s", (int)a.len, a.ptr,
			 (int)b.len, b.ptr, http_request_path(r));

	(void)arg;
	reply_text(r, (struct slice){text, (size_t)n});
}

static void handle_rest(struct http_request *r, void *arg)
{
	(void)arg;
	reply_text(r, http_request_param(r, "rest"));
}

static void handle_query(struct http_request *r, void *arg)
{
	char value[16];

	(void)arg;
	if (http_request_query(r, "filter[a]", value, sizeof(value)))
		reply_text(r, slice_of(value));
	else
		http_request_reply_error(r, 422, "no \"filter\"");
}

static void handle_header(struct http_request *r, void *arg)
{
	const char *value = http_request_header(r, "X-Thing");

	(void)arg;
	reply_text(r, value ? slice_of(value) : SLICE("(none)"));
}

static void handle_big(struct http_request *r, void *arg)
{
	char *text = xcalloc(1, HTTP_FIXTURE_BIG_BODY);

	(void)arg;
	memset(text, 'b', HTTP_FIXTURE_BIG_BODY);
	reply_text(r, (struct slice){text, HTTP_FIXTURE_BIG_BODY});
	free(text);
}

static void held_left(void *arg)
{
	struct http_fixture *f = arg;

	f->held_left = true;
	if (f->reply_on_leave) {
		struct http_request *r = f->held;

		f->held = NULL;
		reply_text(r, SLICE("left"));
	}
}

static void handle_hold(struct http_request *r, void *arg)
{
	struct http_fixture *f = arg;

	f->held = r;
	f->held_left = false;
	http_request_on_leave(r, held_left, f);
}

static void reply_later(void *arg)
{
	struct http_fixture *f = arg;
	struct http_request *r = f->held;

	f->held = NULL;
	reply_text(r, http_request_body(r));
}

static void handle_later(struct http_request *r, void *arg)
{
	struct http_fixture *f = arg;

	f->held = r;
	loop_timer_set(f->later, 1);
}

static void handle_twice(struct http_request *r, void *arg)
{
	(void)arg;
	reply_text(r, SLICE("one"));
	reply_text(r, SLICE("two"));
}

static void handle_huge(struct http_request *r, void *arg)
{
	const size_t len = 40 * 1024 * 1024;
	char *text = xcalloc(1, len);

	(void)arg;
	reply_text(r, (struct slice){text, len});
	free(text);
}

static void handle_half(struct http_request *r, void *arg)
{
	(void)arg;
	http_request_abort(r, SLICE("HTTP/1.1 200 OK\r\nContent-Le"));
}

static void handle_none(struct http_request *r, void *arg)
{
	(void)arg;
	http_request_abort(r, SLICE(""));
}

static void handle_free(struct http_request *r, void *arg)
{
	struct http_fixture *f = arg;

	(void)r;
	http_server_free(f->server);
	f->server = NULL;
}

static void handle_nothing(struct http_request *r, void *arg)
{
	struct http_reply a = {.status = 204, .headers = "X-Extra: 1\r\n"};

	(void)arg;
	http_request_reply(r, &a);
}

static const struct http_route routes[] = {
	{"GET", "/healthz", handle_ok, false},
	{"GET", "/always", handle_ok, HTTP_ROUTE_ALWAYS},
	{"POST", "/echo", handle_echo, false},
	{"PUT", "/echo", handle_echo, false},
	{"POST", "/json", handle_echo, true},
	{"GET", "/p/{a}/x/{b}", handle_params, false},
	{"GET", "/rest/{rest...}", handle_rest, false},
	{"GET", "/q", handle_query, false},
	{"GET", "/header", handle_header, false},
	{"GET", "/big", handle_big, false},
	{"POST", "/hold", handle_hold, false},
	{"POST", "/later", handle_later, false},
	{"DELETE", "/nothing", handle_nothing, false},
	{"GET", "/twice", handle_twice, false},
	{"GET", "/huge", handle_huge, false},
	{"GET", "/half", handle_half, false},
	{"GET", "/none", handle_none, false},
	{"GET", "/free", handle_free, false},
};

void http_fixture_config(struct http_server_config *out)
{
	http_server_config_default(out);
	out->name = "test";
	out->max_body_bytes = HTTP_FIXTURE_MAX_BODY;
	out->max_header_bytes = HTTP_FIXTURE_MAX_HEADER;
	out->request_timeout_ms = 60 * 1000;
	out->idle_timeout_ms = 60 * 1000;
	out->handshake_timeout_ms = 60 * 1000;
}

static bool use_tls;

void http_fixture_use_tls(bool tls)
{
	use_tls = tls;
}

static void *fixture_main(void *arg)
{
	struct http_fixture *f = arg;

	loop_run(f->loop);
	return NULL;
}

void http_fixture_start(struct http_fixture *f,
			const struct http_server_config *config)
{
	struct error err;

	memset(f, 0, sizeof(*f));
	http_fixture_config(&f->config);
	if (config)
		f->config = *config;
	f->loop = loop_new();
	f->later = loop_timer_new(f->loop, reply_later, f);
	f->server = http_server_new(f->loop, &f->config, routes,
				    ARRAY_LEN(routes), f);
	f->tls = use_tls;
	if (f->tls) {
		tls_kit_make(&f->kit, NULL);
		http_server_set_tls(f->server, tls_kit_context(&f->kit));
	}
	assert_int_equal(http_server_listen(f->server, "127.0.0.1:0", &err),
			 RESULT_OK);
	f->port = http_server_port(f->server);
	assert_int_equal(pthread_create(&f->thread, NULL, fixture_main, f), 0);
}

void http_fixture_start_limited(struct http_fixture *f, int64_t request_ms,
				int64_t idle_ms, size_t connections)
{
	struct http_server_config config;

	http_fixture_config(&config);
	config.request_timeout_ms = request_ms;
	config.idle_timeout_ms = idle_ms;
	config.max_connections = connections;
	http_fixture_start(f, &config);
}

void http_fixture_halt(struct http_fixture *f)
{
	loop_stop(f->loop);
	pthread_join(f->thread, NULL);
}

void http_fixture_stop(struct http_fixture *f)
{
	http_fixture_halt(f);
	http_fixture_free(f);
}

void http_fixture_free(struct http_fixture *f)
{
	http_server_free(f->server);
	loop_timer_free(f->later);
	loop_free(f->loop);
	if (f->tls)
		tls_kit_free(&f->kit);
}

struct fixture_call {
	loop_fn *fn;
	void *arg;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool done;
};

static void fixture_run_call(void *arg)
{
	struct fixture_call *call = arg;

	call->fn(call->arg);
	pthread_mutex_lock(&call->mutex);
	call->done = true;
	pthread_cond_signal(&call->cond);
	pthread_mutex_unlock(&call->mutex);
}

void http_fixture_call(struct http_fixture *f, loop_fn *fn, void *arg)
{
	struct fixture_call call = {.fn = fn, .arg = arg};

	pthread_mutex_init(&call.mutex, NULL);
	pthread_cond_init(&call.cond, NULL);
	loop_post(f->loop, fixture_run_call, &call);
	pthread_mutex_lock(&call.mutex);
	while (!call.done)
		pthread_cond_wait(&call.cond, &call.mutex);
	pthread_mutex_unlock(&call.mutex);
	pthread_cond_destroy(&call.cond);
	pthread_mutex_destroy(&call.mutex);
}

struct fixture_test {
	struct http_fixture *f;
	http_fixture_test *fn;
	bool result;
};

static void fixture_run_test(void *arg)
{
	struct fixture_test *t = arg;

	t->result = t->fn(t->f);
}

void http_fixture_await(struct http_fixture *f, http_fixture_test *fn)
{
	struct fixture_test t = {f, fn, false};

	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		http_fixture_call(f, fixture_run_test, &t);
		if (t.result)
			return;
		usleep(1000);
	}
	fail_msg("waited in vain");
}

bool http_fixture_holds(struct http_fixture *f)
{
	return f->held != NULL;
}

bool http_fixture_has_no(struct http_fixture *f)
{
	return http_server_connections(f->server) == 0;
}

bool http_fixture_has_one(struct http_fixture *f)
{
	return http_server_connections(f->server) == 1;
}

bool http_fixture_has_two(struct http_fixture *f)
{
	return http_server_connections(f->server) == 2;
}

static void fixture_release(void *arg)
{
	struct http_fixture *f = arg;
	struct http_request *r = f->held;

	f->held = NULL;
	reply_text(r, SLICE("held"));
}

void http_fixture_release(struct http_fixture *f)
{
	http_fixture_await(f, http_fixture_holds);
	http_fixture_call(f, fixture_release, f);
}

void raw_connect_plain(struct http_client_raw *c, const struct http_fixture *f)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(f->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int one = 1;

	c->tls = NULL;
	buf_init(&c->in, MAX_READ_BYTES);
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
}

bool raw_start_tls(struct http_client_raw *c, SSL_CTX *rules)
{
	c->tls = SSL_new(rules);
	assert_non_null(c->tls);
	assert_int_equal(SSL_set_fd(c->tls, c->fd), 1);
	return SSL_connect(c->tls) == 1;
}

void raw_connect(struct http_client_raw *c, const struct http_fixture *f)
{
	raw_connect_plain(c, f);
	if (f->tls)
		assert_true(raw_start_tls(c, f->kit.client));
}

void raw_close(struct http_client_raw *c)
{
	SSL_free(c->tls);
	close(c->fd);
	buf_release(&c->in);
}

void raw_end(struct http_client_raw *c)
{
	if (c->tls)
		SSL_shutdown(c->tls);
	else
		shutdown(c->fd, SHUT_WR);
}

ssize_t raw_recv(struct http_client_raw *c, void *room, size_t size)
{
	int n;

	if (!c->tls)
		return recv(c->fd, room, size, 0);
	errno = 0;
	n = SSL_read(c->tls, room, (int)size);
	if (n > 0)
		return n;
	return SSL_get_error(c->tls, n) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

static void set_blocking(const struct http_client_raw *c, bool blocking)
{
	int flags = fcntl(c->fd, F_GETFL);

	flags = blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK;
	assert_int_equal(fcntl(c->fd, F_SETFL, flags), 0);
}

bool raw_is_readable(struct http_client_raw *c)
{
	char byte;
	int n, verdict;

	if (!c->tls)
		return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
	set_blocking(c, false);
	n = SSL_peek(c->tls, &byte, 1);
	verdict = SSL_get_error(c->tls, n);
	set_blocking(c, true);
	return verdict != SSL_ERROR_WANT_READ;
}

static ssize_t raw_write(struct http_client_raw *c, const void *data,
			 size_t len)
{
	return c->tls ? SSL_write(c->tls, data, (int)len)
		      : send(c->fd, data, len, MSG_NOSIGNAL);
}

/* A server that has answered and closed may refuse the rest. */
bool raw_send(struct http_client_raw *c, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = raw_write(c, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

size_t raw_try_send(struct http_client_raw *c, const void *data, size_t len)
{
	ssize_t n;

	set_blocking(c, false);
	n = raw_write(c, data, len);
	set_blocking(c, true);
	return n > 0 ? (size_t)n : 0;
}

void raw_puts(struct http_client_raw *c, const char *s)
{
	raw_send(c, s, strlen(s));
}

/* False at the end of the connection. */
static bool raw_fill(struct http_client_raw *c)
{
	char chunk[65536];
	ssize_t n = raw_recv(c, chunk, sizeof(chunk));

	if (n < 0)
		fail_msg("no answer in time, or reset");
	assert_int_equal(buf_append(&c->in, chunk, (size_t)n), RESULT_OK);
	return n > 0;
}

static size_t raw_head_len(const struct buf *in)
{
	const char *end = memmem(in->data, in->len, "\r\n\r\n", 4);

	return end ? (size_t)(end - in->data) + 4 : 0;
}

void raw_read(struct http_client_raw *c, struct http_answer_raw *a,
	      bool is_head)
{
	const char *length;
	size_t head_len, body_len = 0;

	while ((head_len = raw_head_len(&c->in)) == 0) {
		if (!raw_fill(c))
			fail_msg("connection ended without an answer");
	}
	assert_true(head_len < sizeof(a->head));
	memcpy(a->head, c->in.data, head_len);
	a->head[head_len] = '\0';
	assert_int_equal(sscanf(a->head, "HTTP/1.1 %d ", &a->status), 1);
	length = strstr(a->head, "\r\nContent-Length: ");
	if (length && !is_head)
		body_len = strtoul(length + 18, NULL, 10);
	while (c->in.len < head_len + body_len) {
		if (!raw_fill(c))
			fail_msg("connection ended in an answer");
	}
	buf_init(&a->body, MAX_READ_BYTES);
	assert_int_equal(buf_append(&a->body, c->in.data + head_len, body_len),
			 RESULT_OK);
	buf_consume(&c->in, head_len + body_len);
}

void raw_expect(struct http_client_raw *c, int status)
{
	struct http_answer_raw a;

	raw_read(c, &a, false);
	buf_release(&a.body);
	assert_int_equal(a.status, status);
}

void raw_expect_end(struct http_client_raw *c)
{
	while (c->in.len == 0 && raw_fill(c))
		;
	assert_int_equal(c->in.len, 0);
}

void raw_expect_alive(struct http_client_raw *c)
{
	raw_puts(c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
	raw_expect(c, 200);
}
