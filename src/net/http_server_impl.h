/*
 * What the files of the HTTP server share; private to http_server*.c.
 *
 * http_server.c accepts and drains, http_server_socket.c moves bytes,
 * http_server_tls.c encrypts them, http_server_conn.c reads and dispatches,
 * http_server_reply.c answers, http_server_request.c is what handlers see.
 */
#ifndef REUNITE_NET_HTTP_SERVER_IMPL_H
#define REUNITE_NET_HTTP_SERVER_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "net/tls_context.h"

#include "http_message.h"
#include "http_route.h"

#define HTTP_NEVER	     INT64_MAX
#define HTTP_INPUT_MAX_BYTES (16 * 1024) /* read, but not parsed */

struct evconnlistener;

struct http_tls;

struct http_socket {
	int fd;		      /* -1: closed */
	struct http_tls *tls; /* NULL: plain */
	struct loop_io *io;
	struct buf out; /* for the peer, from sent on */
	size_t sent;
	bool reads;   /* input is wanted */
	bool blocked; /* output waits for the peer */
};

enum http_conn_state {
	HTTP_CONN_HANDSHAKE,
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
	struct http_socket socket;
	enum http_conn_state state;
	/* Read, but not parsed: in the server's room while it is read from, in
	 * kept otherwise. */
	struct slice input;
	struct buf kept;
	struct http_message message;
	struct http_path path;
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
	struct tls_context *tls; /* of new connections; NULL: plain */
	struct log_throttle tls_log;
	struct http_conn *conns;
	size_t conn_count;
	char room[HTTP_INPUT_MAX_BYTES]; /* of the connection that reads */
	struct buf allow;		 /* of the last 405 */
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
/* why (static) NULL: it was done. */
void http_server_count_handshake(struct http_server *s, const char *outcome,
				 const char *why);

/* http_server_address.c: a listening socket in *fd and its port. */
MUST_CHECK enum result http_server_bind(const char *address, int *fd,
					uint16_t *port, struct error *err);

/* A socket that should listen already: ours from now on. */
MUST_CHECK enum result http_server_adopt(int fd, uint16_t *port,
					 struct error *err);

/* http_server_socket.c; takes fd. tls (borrowed) NULL: plain. fn is told of
 * what can be done. */
void http_socket_open(struct http_socket *s, struct loop *loop, int fd,
		      struct tls_context *tls, loop_io_fn *fn, void *arg);
void http_socket_close(struct http_socket *s);
/* Whether input is waited for; it is at first. */
void http_socket_want(struct http_socket *s, bool reads);
enum http_socket_read {
	HTTP_SOCKET_DATA,
	HTTP_SOCKET_NOTHING,
	HTTP_SOCKET_END,
	HTTP_SOCKET_BROKEN,
};
enum http_socket_read http_socket_read(struct http_socket *s, char *room,
				       size_t size, size_t *len);
bool http_socket_has_input(const struct http_socket *s); /* unread */
/* Can requests come? At once on a plain socket, after TLS's handshake else,
 * which reading makes. */
bool http_socket_is_ready(const struct http_socket *s);
/* To be appended to, for the next flush. */
struct buf *http_socket_out(struct http_socket *s);
/* Sends what it can; false: the socket is broken. */
bool http_socket_flush(struct http_socket *s);
void http_socket_end(struct http_socket *s); /* of our side */

/*
 * http_server_tls.c: the encrypted side of a socket. recv and send are as the
 * system's: errno is EAGAIN when the peer has to do something first.
 */
struct http_tls *http_tls_new(struct http_socket *s, struct loop *loop, int fd,
			      struct tls_context *context, loop_io_fn *fn,
			      void *arg);
/* Tells the peer that this is the end, unless something is half written. */
void http_tls_free(struct http_tls *t, bool half_written);
loop_io_fn http_tls_on_ready; /* arg: the http_tls */
/* What to watch for when what (LOOP_READ, LOOP_WRITE) is wanted. */
int http_tls_events(const struct http_tls *t, int what);
ssize_t http_tls_recv(struct http_tls *t, char *room, size_t size);
ssize_t http_tls_send(struct http_tls *t, const char *data, size_t len);
/* Looks again at what is decrypted and unread: no readiness tells of it. */
void http_tls_look_again(struct http_tls *t);
bool http_tls_has_input(const struct http_tls *t);
void http_tls_end(struct http_tls *t); /* of our side */
bool http_tls_is_ready(const struct http_tls *t);
bool http_tls_is_resumed(const struct http_tls *t);
/* The handshake failed. What was wrong; NULL: nothing was ever said. */
const char *http_tls_why(const struct http_tls *t);
bool http_tls_met_http(const struct http_tls *t); /* unencrypted */
/* From now on the socket is plain: for a last word to such a client. */
void http_tls_drop(struct http_tls *t);

/* http_server_conn.c; takes fd. */
void http_conn_new(struct http_server *s, int fd);
void http_conn_drain(struct http_conn *c);  /* closes it if it is idle */
void http_conn_cancel(struct http_conn *c); /* request and all */
void http_conn_reply(struct http_conn *c, const struct http_reply *a);
void http_conn_abort(struct http_conn *c, struct slice raw);

/* http_server_reply.c: appends one reply of the current request. */
void http_reply_format(struct buf *out, const struct http_message *m,
		       const struct http_reply *a, bool keep_alive);

#endif
