/*
 * The server: listener, cap on connections, drain. See http_server_impl.h for
 * the other files.
 *
 * A drain goes on accepting, to answer 503: not every sender tries again what
 * was refused or reset. On an inherited socket they wait for the next server. It is over once those are gone who were there when it
 * began.
 *
 * Accepting is on unless the server drains, the cap is reached, or accept()
 * has just failed (no descriptors left): then it is tried again by a timer,
 * since a listener that stays readable would spin.
 *
 * Everything is freed through loop_defer(), so a handler may free the server.
 */
#include "http_server_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/listener.h>

#include "base/str.h"

#define ACCEPT_RETRY_MS 200
#define ACCEPT_LOG_MS	60000
#define TLS_LOG_MS	60000
#define ALLOW_MAX_BYTES 256

void http_server_config_default(struct http_server_config *c)
{
	*c = (struct http_server_config){
		.name = "http",
		.max_connections = 1024,
		.max_body_bytes = 1024 * 1024,
		.max_header_bytes = 16 * 1024,
		.request_timeout_ms = 10 * 1000,
		.idle_timeout_ms = 75 * 1000,
		.handshake_timeout_ms = 10 * 1000,
	};
}

static void update_listener(struct http_server *s)
{
	bool accept =
		!s->accept_failed && s->conn_count < s->config.max_connections;

	if (!s->listener || accept == s->accepting)
		return;
	s->accepting = accept;
	if (accept)
		evconnlistener_enable(s->listener);
	else
		evconnlistener_disable(s->listener);
}

static void on_accept_timer(void *arg)
{
	struct http_server *s = arg;

	s->accept_failed = false;
	update_listener(s);
}

static void on_accept(struct evconnlistener *l, evutil_socket_t fd,
		      struct sockaddr *sa, int sa_len, void *arg)
{
	(void)l;
	(void)sa;
	(void)sa_len;
	http_conn_new(arg, fd);
}

static void on_accept_error(struct evconnlistener *l, void *arg)
{
	struct http_server *s = arg;
	int error = errno;
	uint64_t suppressed;

	(void)l;
	if (log_throttle_pass(&s->accept_log, loop_now_ms(s->loop),
			      ACCEPT_LOG_MS, &suppressed))
		log_error("accept_failed", log_str("listener", s->name),
			  log_str("error", strerror(error)),
			  log_int("suppressed", (int64_t)suppressed));
	s->accept_failed = true;
	update_listener(s);
	loop_timer_set(s->accept_timer, ACCEPT_RETRY_MS);
}

struct http_server *http_server_new(struct loop *loop,
				    const struct http_server_config *config,
				    const struct http_route *routes,
				    size_t route_count, void *arg)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	for (size_t i = 0; i < route_count; i++) {
		if (!http_route_is_valid(&routes[i])) {
			log_error("bad_route", log_str("path", routes[i].path));
			abort();
		}
	}
	s->loop = loop;
	s->config = *config;
	s->name = xstrdup(config->name);
	s->config.name = s->name;
	s->routes = routes;
	s->route_count = route_count;
	s->arg = arg;
	s->accept_timer = loop_timer_new(loop, on_accept_timer, s);
	s->connections = metric_get(METRIC_HTTP_CONNECTIONS, s->name);
	buf_init(&s->allow, ALLOW_MAX_BYTES);
	return s;
}

void http_server_set_tls(struct http_server *s, struct tls_context *tls)
{
	tls_context_free(s->tls);
	s->tls = tls;
}

static void free_listener(struct http_server *s)
{
	if (s->listener)
		evconnlistener_free(s->listener);
	s->listener = NULL;
}

static void free_now(void *arg)
{
	struct http_server *s = arg;

	buf_release(&s->allow);
	tls_context_free(s->tls);
	free(s->name);
	free(s);
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	s->freed = true;
	free_listener(s);
	loop_timer_free(s->accept_timer);
	while (s->conns)
		http_conn_cancel(s->conns);
	loop_defer(s->loop, free_now, s);
}

static void start_listening(struct http_server *s, int fd)
{
	s->listener = evconnlistener_new(
		loop_base(s->loop), on_accept, s,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!s->listener)
		abort(); /* memory */
	evconnlistener_set_error_cb(s->listener, on_accept_error);
	s->accepting = true;
}

enum result http_server_listen(struct http_server *s, const char *address,
			       struct error *err)
{
	enum result r;
	int fd;

	if (s->listener)
		return error_set(err, RESULT_INVALID, "%s listens already",
				 s->name);
	r = http_server_bind(address, &fd, &s->port, err);
	if (r == RESULT_OK)
		start_listening(s, fd);
	return r;
}

enum result http_server_inherit(struct http_server *s, int fd,
				struct error *err)
{
	enum result r = http_server_adopt(fd, &s->port, err);

	if (r != RESULT_OK)
		return r;
	s->inherited = true;
	start_listening(s, fd);
	return RESULT_OK;
}

uint16_t http_server_port(const struct http_server *s)
{
	return s->port;
}

size_t http_server_connections(const struct http_server *s)
{
	return s->conn_count;
}

static void call_drained(void *arg)
{
	struct http_server *s = arg;

	if (!s->freed)
		s->drained(s->drained_arg);
}

static void check_drained(struct http_server *s)
{
	if (s->draining && s->draining_conns == 0 && !s->freed)
		loop_defer(s->loop, call_drained, s);
}

void http_server_drain(struct http_server *s, loop_fn *done, void *arg)
{
	struct http_conn *c, *next;

	assert(!s->draining);
	s->drained = done;
	s->drained_arg = arg;
	if (s->inherited)
		free_listener(s);
	for (c = s->conns; c; c = next) {
		next = c->next;
		http_conn_drain(c);
	}
	s->draining = true;
	for (c = s->conns; c; c = c->next) {
		c->drains = true;
		s->draining_conns++;
	}
	check_drained(s);
}

void http_server_conn_added(struct http_server *s, struct http_conn *c)
{
	c->next = s->conns;
	c->link = &s->conns;
	if (c->next)
		c->next->link = &c->next;
	s->conns = c;
	s->conn_count++;
	metric_add(s->connections, 1);
	update_listener(s);
}

void http_server_conn_gone(struct http_server *s, struct http_conn *c)
{
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->conn_count--;
	metric_add(s->connections, -1);
	update_listener(s);
	if (!c->drains)
		return;
	s->draining_conns--;
	check_drained(s);
}

void http_server_count_rejected(struct http_server *s, int status)
{
	struct http_rejected *r = s->rejected;
	char text[12];

	while (r->series && r->status != status)
		r++;
	if (!r->series) {
		assert(r < s->rejected + ARRAY_LEN(s->rejected) - 1);
		snprintf(text, sizeof(text), "%d", status);
		r->status = status;
		r->series = metric_get(METRIC_HTTP_REJECTED, s->name, text);
	}
	metric_add(r->series, 1);
}

/* Any stranger can make them fail. */
void http_server_count_handshake(struct http_server *s, const char *outcome,
				 const char *why)
{
	uint64_t suppressed;

	metric_add(metric_get(METRIC_TLS_HANDSHAKES, s->name, outcome), 1);
	if (why && log_throttle_pass(&s->tls_log, loop_now_ms(s->loop),
				     TLS_LOG_MS, &suppressed))
		log_info("tls_handshake_failed", log_str("listener", s->name),
			 log_str("error", why),
			 log_int("suppressed", (int64_t)suppressed));
}
