/*
 * One connection.
 *
 *	 HANDSHAKE
 *	  | done (at once without TLS)
 *	  v     first byte          request read
 *	 IDLE ------------> READING -------------> HANDLING
 *	  ^  <----------------'|  \                 |   |
 *	  |   answered by us   |   \ last answer    |   | last reply
 *	  '--------------------|----\---------------'   v
 *	        reply          |     '--------------> CLOSING
 *	                       |                        | flushed
 *	   idle deadline,      |                        v
 *	   peer gone           '--> CLOSED <-------- LINGER
 *
 * HANDSHAKE TLS is being agreed on; absolute deadline. Fails to LINGER, and to
 *           CLOSING for a client that speaks plain HTTP: it is told so
 * IDLE      nothing of a request read; idle deadline: closed silently
 * READING   absolute deadline for the whole request: 503, since a retry may
 *           arrive whole
 * HANDLING  a handler owes the reply; no deadline of ours
 * CLOSING   the last answer is being written
 * LINGER    it is written and our side shut down, but the peer may still be
 *           sending: closing now would reset the connection and could destroy
 *           the answer. Input is dropped until its end or the deadline
 * CLOSED    no socket; the object waits for the reply, if one is owed
 *
 * Every state but CLOSED goes to CLOSED when the socket breaks, or when
 * answers are not read by the peer within the write deadline (absolute too).
 * conn_enter() is the only setter.
 *
 * Invariants:
 * 1. At most one request is with a handler; request.open in HANDLING, and in
 *    CLOSED when the client left before the reply; nowhere else.
 * 2. Bytes of the next request are parsed only when no answer waits for the
 *    peer. Until then at most HTTP_INPUT_MAX_BYTES of them are read.
 * 3. No handler runs from inside http_request_reply().
 */
#include "http_server_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define OUT_BATCH_BYTES	 (32 * 1024)
#define LINGER_MS	 2000
#define FIRST_REQUEST_MS 1000 /* while we drain */
#define RETRY_TEXT	 "Retry-After: 5\r\n"

static int64_t conn_now_ms(const struct http_conn *c)
{
	return loop_now_ms(c->server->loop);
}

/* The timer is only ever moved to earlier: a request costs no timer call as
 * long as one is due before its deadline. */
static void conn_arm_timer(struct http_conn *c)
{
	int64_t at_ms = c->read_deadline_ms < c->write_deadline_ms
				? c->read_deadline_ms
				: c->write_deadline_ms;

	if (at_ms >= c->timer_ms)
		return;
	c->timer_ms = at_ms;
	loop_timer_set(c->timer, at_ms - conn_now_ms(c));
}

/* Whoever connects and leaves without a word is no failure. */
static void conn_count_handshake(struct http_conn *c, bool done)
{
	const struct http_tls *t = c->socket.tls;
	const char *why;

	if (!t)
		return;
	why = done ? NULL : http_tls_why(t);
	if (done)
		http_server_count_handshake(
			c->server, http_tls_is_resumed(t) ? "resumed" : "full",
			NULL);
	else if (why)
		http_server_count_handshake(c->server, "failed", why);
}

static void conn_enter(struct http_conn *c, enum http_conn_state state)
{
	static const uint8_t allowed[] = {
#define TO(s) (1u << HTTP_CONN_##s)
		[HTTP_CONN_HANDSHAKE] =
			TO(IDLE) | TO(CLOSING) | TO(LINGER) | TO(CLOSED),
		[HTTP_CONN_IDLE] = TO(READING) | TO(CLOSED),
		[HTTP_CONN_READING] =
			TO(HANDLING) | TO(IDLE) | TO(CLOSING) | TO(CLOSED),
		[HTTP_CONN_HANDLING] = TO(IDLE) | TO(CLOSING) | TO(CLOSED),
		[HTTP_CONN_CLOSING] = TO(LINGER) | TO(CLOSED),
		[HTTP_CONN_LINGER] = TO(CLOSED),
		[HTTP_CONN_CLOSED] = 0,
#undef TO
	};
	const struct http_server_config *config = &c->server->config;

	assert(allowed[c->state] & (1u << state));
	if (c->state == HTTP_CONN_HANDSHAKE)
		conn_count_handshake(c, state == HTTP_CONN_IDLE);
	c->state = state;
	c->read_deadline_ms = HTTP_NEVER;
	if (state == HTTP_CONN_IDLE)
		c->read_deadline_ms = conn_now_ms(c) + config->idle_timeout_ms;
	else if (state == HTTP_CONN_READING)
		c->read_deadline_ms =
			conn_now_ms(c) + config->request_timeout_ms;
	else if (state == HTTP_CONN_LINGER)
		c->read_deadline_ms = conn_now_ms(c) + LINGER_MS;
	conn_arm_timer(c);
}

static void conn_free(void *arg)
{
	struct http_conn *c = arg;

	loop_timer_free(c->timer);
	http_message_release(&c->message);
	http_path_release(&c->path);
	buf_release(&c->kept);
	free(c);
}

/* Once nobody needs a closed connection any more. */
static void conn_release(struct http_conn *c)
{
	if (c->released || c->request.open)
		return;
	c->released = true;
	http_server_conn_gone(c->server, c);
	loop_defer(c->server->loop, conn_free, c);
}

static void conn_close(struct http_conn *c)
{
	loop_fn *leave = c->request.leave;

	if (c->state == HTTP_CONN_CLOSED)
		return;
	conn_enter(c, HTTP_CONN_CLOSED);
	loop_timer_clear(c->timer);
	http_socket_close(&c->socket);
	c->input.len = 0;
	c->request.leave = NULL;
	if (c->request.open && leave)
		leave(c->request.leave_arg);
	conn_release(c);
}

/* The last answer is out of our hands. */
static void conn_finish(struct http_conn *c)
{
	bool read_all = c->message.state == HTTP_MESSAGE_DONE;

	if (c->eof || (read_all && c->input.len == 0)) {
		conn_close(c);
		return;
	}
	conn_enter(c, HTTP_CONN_LINGER);
	http_socket_end(&c->socket);
	http_socket_want(&c->socket, true);
	c->input.len = 0;
}

static void conn_flush(struct http_conn *c)
{
	if (c->state == HTTP_CONN_CLOSED)
		return;
	if (!http_socket_flush(&c->socket)) {
		conn_close(c);
	} else if (!c->socket.blocked) {
		c->write_deadline_ms = HTTP_NEVER;
		if (c->state == HTTP_CONN_CLOSING)
			conn_finish(c);
	} else if (c->write_deadline_ms == HTTP_NEVER) {
		c->write_deadline_ms =
			conn_now_ms(c) + c->server->config.request_timeout_ms;
		conn_arm_timer(c);
	}
}

/* Formats one answer to the current request; it is sent by the next flush. */
static void conn_answer(struct http_conn *c, const struct http_reply *a)
{
	const struct http_reply too_large = {.status = 500};
	bool keep = c->message.keep_alive && !c->server->draining;
	struct buf *out = http_socket_out(&c->socket);
	size_t before = out->len;

	http_reply_format(out, &c->message, a, keep);
	if (out->overflow) {
		log_error("reply_too_large",
			  log_str("listener", c->server->name),
			  log_int("bytes", (int64_t)a->body.len));
		out->overflow = false;
		out->len = before;
		http_reply_format(out, &c->message, &too_large, keep);
	}
	if (keep) {
		http_message_reset(&c->message);
		conn_enter(c, HTTP_CONN_IDLE);
	} else {
		conn_enter(c, HTTP_CONN_CLOSING);
	}
}

/* Answers by ourselves. why needs no escaping. */
static void conn_refuse(struct http_conn *c, int status, const char *why,
			const char *headers)
{
	struct http_reply a = {.status = status, .headers = headers};
	char body[128];
	int n = snprintf(body, sizeof(body), "{\"error\":\"%s\"}", why);

	a.body = (struct slice){body, (size_t)n};
	http_server_count_rejected(c->server, status);
	log_debug("http_refused", log_str("listener", c->server->name),
		  log_int("status", status), log_str("why", why));
	conn_answer(c, &a);
}

static bool body_is_json(const struct http_message *m)
{
	const struct http_field *f = http_message_field(m, "Content-Type");
	struct slice type;

	if (!f)
		return false;
	type = f->value;
	type.len = strcspn(type.ptr, ";");
	return slice_eq_nocase(slice_trim(type), SLICE("application/json"));
}

/* Finds the route of a request whose head is read; else the status. */
static int conn_route(struct http_conn *c)
{
	struct http_server *s = c->server;
	int status;

	status = http_path_decode(&c->path, c->message.target.path);
	if (status == 0)
		status = http_route_find(s->routes, s->route_count,
					 c->message.method, &c->path,
					 &c->request.match, &s->allow);
	if (s->draining && (status != 200 || !(c->request.match.route->flags &
					       HTTP_ROUTE_ALWAYS)))
		return 503;
	return status;
}

static void conn_refuse_route(struct http_conn *c, int status)
{
	char headers[300];

	switch (status) {
	case 400:
		c->message.keep_alive = false;
		conn_refuse(c, 400, "malformed path", NULL);
		break;
	case 405:
		snprintf(headers, sizeof(headers), "Allow: %s\r\n",
			 c->server->allow.data);
		conn_refuse(c, 405, "method not allowed here", headers);
		break;
	case 415:
		conn_refuse(c, 415, "application/json is needed", NULL);
		break;
	case 503:
		conn_refuse(c, 503, "shutting down", RETRY_TEXT);
		break;
	default:
		conn_refuse(c, 404, "not found", NULL);
		break;
	}
}

static void conn_dispatch(struct http_conn *c)
{
	struct http_request *r = &c->request;
	int status = conn_route(c);

	if (status == 200 && (r->match.route->flags & HTTP_ROUTE_JSON) &&
	    c->message.body.len > 0 && !body_is_json(&c->message))
		status = 415;
	if (status != 200) {
		conn_refuse_route(c, status);
		return;
	}
	r->start_us = clock_mono_us();
	r->leave = NULL;
	r->open = true;
	conn_enter(c, HTTP_CONN_HANDLING);
	r->match.route->handler(r, c->server->arg);
}

/* The client waits before it sends the body: refuse now what can be. */
static void conn_continue_body(struct http_conn *c)
{
	int status = conn_route(c);

	if (status != 200) {
		c->message.keep_alive = false;
		conn_refuse_route(c, status);
	} else if (c->input.len == 0) {
		buf_puts(http_socket_out(&c->socket),
			 "HTTP/1.1 100 Continue\r\n\r\n");
	}
}

/* Takes input up to the next thing to look at. */
static void conn_feed(struct http_conn *c)
{
	struct http_message *m = &c->message;
	bool in_head = m->state == HTTP_MESSAGE_HEAD;
	size_t n;

	if (c->state == HTTP_CONN_IDLE) {
		conn_enter(c, HTTP_CONN_READING);
		c->used = true;
		c->request.start_ms = conn_now_ms(c);
	}
	n = http_message_feed(m, c->input.ptr, c->input.len);
	c->input.ptr += n;
	c->input.len -= n;
	if (m->state == HTTP_MESSAGE_DONE)
		conn_dispatch(c);
	else if (m->state == HTTP_MESSAGE_BAD)
		conn_refuse(c, m->status, m->why, NULL);
	else if (in_head && m->expects_continue)
		conn_continue_body(c);
}

static bool conn_may_parse(const struct http_conn *c)
{
	return c->input.len > 0 &&
	       (c->state == HTTP_CONN_IDLE || c->state == HTTP_CONN_READING) &&
	       !c->socket.blocked && c->socket.out.len < OUT_BATCH_BYTES;
}

/* What is left over outlives the server's room. */
static void conn_keep(struct http_conn *c)
{
	struct slice rest = c->input;

	if (rest.len == 0)
		buf_clear(&c->kept);
	else if (c->kept.len > 0)
		buf_consume(&c->kept, c->kept.len - rest.len);
	else
		buf_append(&c->kept, rest.ptr, rest.len);
	c->input = (struct slice){c->kept.data, c->kept.len};
}

/* Goes on until there is nothing to do: answers of a batch leave together. */
static void conn_run(struct http_conn *c)
{
	bool waits;

	if (c->running)
		return;
	c->running = true;
	do {
		while (conn_may_parse(c))
			conn_feed(c);
		conn_flush(c);
	} while (conn_may_parse(c));
	c->running = false;
	conn_keep(c);
	waits = c->state == HTTP_CONN_IDLE || c->state == HTTP_CONN_READING;
	if (c->eof && waits && !c->socket.blocked)
		conn_close(c); /* half a request, or none */
	else if (c->state != HTTP_CONN_CLOSED)
		http_socket_want(&c->socket,
				 !c->eof &&
					 c->input.len < HTTP_INPUT_MAX_BYTES);
}

static void conn_run_later(void *arg)
{
	conn_run(arg);
}

void http_conn_reply(struct http_conn *c, const struct http_reply *a)
{
	if (c->state == HTTP_CONN_CLOSED) {
		conn_release(c);
		return;
	}
	conn_answer(c, a);
	if (c->running)
		return;
	conn_flush(c);
	if (c->state == HTTP_CONN_IDLE && (c->input.len > 0 || c->eof))
		loop_defer(c->server->loop, conn_run_later, c);
}

void http_conn_abort(struct http_conn *c, struct slice raw)
{
	if (c->state == HTTP_CONN_CLOSED) {
		conn_release(c);
		return;
	}
	c->message.keep_alive = false;
	buf_append(http_socket_out(&c->socket), raw.ptr, raw.len);
	conn_enter(c, HTTP_CONN_CLOSING);
	if (!c->running)
		conn_flush(c);
}

static void on_end_of_input(struct http_conn *c)
{
	loop_fn *leave = c->request.leave;

	c->eof = true;
	if (c->state == HTTP_CONN_LINGER) {
		conn_close(c);
	} else if (c->state == HTTP_CONN_HANDLING && leave) {
		c->request.leave = NULL;
		leave(c->request.leave_arg);
	}
	conn_run(c);
}

static void on_input(struct http_conn *c, size_t len)
{
	char *room = c->server->room;

	if (c->state == HTTP_CONN_LINGER)
		return; /* dropped */
	if (c->kept.len > 0) {
		buf_append(&c->kept, room, len);
		c->input = (struct slice){c->kept.data, c->kept.len};
	} else {
		c->input = (struct slice){room, len};
	}
	conn_run(c);
}

/* Nobody could read an answer but who speaks plain HTTP. */
static void conn_fail_handshake(struct http_conn *c)
{
	struct http_tls *t = c->socket.tls;
	bool met_http = http_tls_met_http(t);

	c->message.keep_alive = false;
	if (!met_http)
		conn_enter(c, HTTP_CONN_LINGER);
	else
		conn_refuse(c, 400, "this port speaks HTTPS", NULL);
	http_tls_drop(t);
	if (met_http)
		conn_flush(c);
	else
		http_socket_end(&c->socket);
}

static void conn_shake_hands(struct http_conn *c, enum http_socket_read got)
{
	if (http_socket_is_ready(&c->socket)) {
		conn_enter(c, HTTP_CONN_IDLE);
		if (c->server->draining)
			http_conn_drain(c);
	} else if (got == HTTP_SOCKET_BROKEN) {
		conn_fail_handshake(c);
	} else if (got == HTTP_SOCKET_END) {
		conn_close(c);
	}
}

static void on_readable(struct http_conn *c)
{
	enum http_socket_read got;
	size_t len;

	got = http_socket_read(&c->socket, c->server->room,
			       HTTP_INPUT_MAX_BYTES - c->input.len, &len);
	if (c->state == HTTP_CONN_HANDSHAKE) {
		conn_shake_hands(c, got);
		if (c->state != HTTP_CONN_IDLE)
			return;
	}
	switch (got) {
	case HTTP_SOCKET_DATA:
		on_input(c, len);
		break;
	case HTTP_SOCKET_NOTHING:
		break;
	case HTTP_SOCKET_END:
		on_end_of_input(c);
		break;
	case HTTP_SOCKET_BROKEN:
		conn_close(c);
		break;
	}
}

static void on_ready(int fd, int what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	if (what & LOOP_WRITE)
		conn_run(c);
	if ((what & LOOP_READ) && c->state != HTTP_CONN_CLOSED &&
	    c->socket.reads)
		on_readable(c);
}

static void on_timer(void *arg)
{
	struct http_conn *c = arg;
	int64_t now_ms = conn_now_ms(c);

	c->timer_ms = HTTP_NEVER;
	if (now_ms >= c->write_deadline_ms) {
		conn_close(c);
	} else if (now_ms >= c->read_deadline_ms) {
		if (c->state != HTTP_CONN_READING) {
			conn_close(c);
		} else {
			c->message.keep_alive = false;
			conn_refuse(c, 503, "request took too long",
				    RETRY_TEXT);
			conn_flush(c);
		}
	}
	if (c->state != HTTP_CONN_CLOSED)
		conn_arm_timer(c);
}

void http_conn_new(struct http_server *s, int fd)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));

	c->server = s;
	http_message_init(&c->message, s->config.max_header_bytes,
			  s->config.max_body_bytes);
	http_path_init(&c->path, s->config.max_header_bytes);
	buf_init(&c->kept, HTTP_INPUT_MAX_BYTES);
	c->timer = loop_timer_new(s->loop, on_timer, c);
	c->timer_ms = HTTP_NEVER;
	c->write_deadline_ms = HTTP_NEVER;
	c->read_deadline_ms =
		loop_now_ms(s->loop) + s->config.handshake_timeout_ms;
	http_socket_open(&c->socket, s->loop, fd, s->tls, on_ready, c);
	if (http_socket_is_ready(&c->socket))
		conn_enter(c, HTTP_CONN_IDLE);
	else
		conn_arm_timer(c);
	http_server_conn_added(s, c);
}

/* What has arrived already still gets its answer, and so does what is on its
 * way: who has just connected means to ask. */
void http_conn_drain(struct http_conn *c)
{
	bool waits = c->state == HTTP_CONN_IDLE && c->input.len == 0 &&
		     !c->socket.blocked;

	if (!waits && c->state != HTTP_CONN_HANDSHAKE)
		return;
	if (c->used && !http_socket_has_input(&c->socket)) {
		conn_close(c);
		return;
	}
	c->read_deadline_ms = conn_now_ms(c) + FIRST_REQUEST_MS;
	conn_arm_timer(c);
}

void http_conn_cancel(struct http_conn *c)
{
	c->request.open = false;
	c->request.leave = NULL;
	conn_close(c);
	conn_release(c);
}
