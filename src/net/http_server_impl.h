/*
 * What the files of the HTTP server share; private to http_server*.c.
 *
 * http_server.c accepts and drains, http_server_conn.c reads and dispatches,
 * http_server_reply.c answers, http_server_request.c is what handlers see.
 */
#ifndef REUNITE_NET_HTTP_SERVER_IMPL_H
#define REUNITE_NET_HTTP_SERVER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_server.h"

#include "http_message.h"
#include "http_route.h"

#define HTTP_NEVER INT64_MAX

struct bufferevent;
struct evconnlistener;

enum http_conn_state {
	HTTP_CONN_IDLE,
	HTTP_CONN_READING,
	HTTP_CONN_HANDLING,
	HTTP_CONN_CLOSING,
	HTTP_CONN_LINGER,
	HTTP_CONN_CLOSED,
};

struct http_request {
	bool open; /* with a handler: exactly one reply must come */
	struct http_match match;
	int64_t start_ms;
	int64_t start_us;
	loop_fn *leave;
	void *leave_arg;
};

struct http_conn {
	struct http_request request; /* first: a request is its connection */
	struct http_server *server;
	struct http_conn *next;
	struct http_conn **link;
	struct bufferevent *bev; /* NULL: closed */
	enum http_conn_state state;
	struct http_message message;
	struct http_path path;
	struct buf out; /* replies that wait for the next flush */
	struct loop_timer *timer;
	int64_t timer_ms; /* when it will fire, or HTTP_NEVER */
	int64_t read_deadline_ms;
	int64_t write_deadline_ms; /* HTTP_NEVER: nothing waits for the peer */
	bool eof;
	bool running;
	bool released;
	bool used;   /* a request has begun on it */
	bool drains; /* was there when the drain began */
};

struct http_rejected {
	int status;
	struct metric_series *series;
};

struct http_server {
	struct loop *loop;
	struct http_server_config config;
	char *name;
	const struct http_route *routes;
	size_t route_count;
	void *arg;
	struct evconnlistener *listener;
	uint16_t port;
	struct loop_timer *accept_timer;
	bool accepting;
	bool inherited;	    /* the listening socket is not ours alone */
	bool accept_failed; /* until accept_timer */
	struct log_throttle accept_log;
	struct http_conn *conns;
	size_t conn_count;
	struct buf allow; /* of the last 405 */
	bool draining;
	size_t draining_conns; /* of those that were there */
	bool freed;
	loop_fn *drained;
	void *drained_arg;
	struct metric_series *connections;
	struct http_rejected rejected[16];
};

/* http_server.c */
void http_server_conn_added(struct http_server *s, struct http_conn *c);
void http_server_conn_gone(struct http_server *s, struct http_conn *c);
void http_server_count_rejected(struct http_server *s, int status);

/* http_server_address.c: a listening socket in *fd and its port. */
MUST_CHECK enum result http_server_bind(const char *address, int *fd,
					uint16_t *port, struct error *err);

/* A socket that should listen already: ours from now on. */
MUST_CHECK enum result http_server_adopt(int fd, uint16_t *port,
					 struct error *err);

/* http_server_conn.c; takes fd. */
void http_conn_new(struct http_server *s, int fd);
void http_conn_drain(struct http_conn *c);  /* closes it if it is idle */
void http_conn_cancel(struct http_conn *c); /* request and all */
void http_conn_reply(struct http_conn *c, const struct http_reply *a);
void http_conn_abort(struct http_conn *c, struct slice raw);

/* http_server_reply.c: one reply of the current request into c->out. */
void http_reply_format(struct http_conn *c, const struct http_reply *a,
		       bool keep_alive);

#endif
