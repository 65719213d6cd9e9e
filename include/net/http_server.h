/*
 * An HTTP/1.1 server for small requests from impatient senders.
 *
 * It reads one bounded request at a time per connection, hands it to the
 * route's handler, and owns it until exactly one reply. Pipelined requests
 * are answered in order. Refused by the server itself, with the status and a
 * JSON body {"error":"..."}: what breaks RFC 9112 (400 and close), unknown
 * path (404), known path with another method (405 + Allow), unknown method
 * (501), body or headers over the limit (413, 431), wrong content type of a
 * body (415, if the route asks), not read in time (503 and close), another
 * version than HTTP/1.x (505). When the server drains: 503 + Retry-After.
 * A peer that does not read its reply within the request timeout is cut off.
 */
#ifndef REUNITE_NET_HTTP_SERVER_H
#define REUNITE_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "net/loop.h"

struct http_server;
struct http_request;
struct tls_context;

struct http_server_config {
	const char *name;	/* of the listener, for logs and metrics */
	size_t max_connections; /* past it, accepting pauses */
	size_t max_body_bytes;
	size_t max_header_bytes;
	int64_t request_timeout_ms;   /* first byte to last, absolute */
	int64_t idle_timeout_ms;      /* keep-alive without a request */
	int64_t handshake_timeout_ms; /* of TLS, likewise absolute */
};
void http_server_config_default(struct http_server_config *c);

typedef void http_handler(struct http_request *req, void *arg);
enum http_route_flag {
	HTTP_ROUTE_JSON = 1,   /* a body without application/json is 415 */
	HTTP_ROUTE_ALWAYS = 2, /* answered while the server drains, too */
};

struct http_route {
	const char *method; /* "GET" also answers HEAD */
	/* "/webhooks/{account}/sunco": {x} matches one non-empty segment;
	 * a trailing "{x...}" matches the rest, slashes included */
	const char *path;
	http_handler *handler;
	unsigned flags; /* of enum http_route_flag */
};

/* routes: borrowed, must outlive the server; arg goes to every handler. */
struct http_server *http_server_new(struct loop *loop,
				    const struct http_server_config *config,
				    const struct http_route *routes,
				    size_t route_count, void *arg);
/* Closes everything at once. Open requests are gone without a callback and
 * must not be replied to any more. */
void http_server_free(struct http_server *s);
/* From now on new connections speak TLS by this (*taken*), or plainly (NULL);
 * those that are open stay as they are. Whoever speaks plain HTTP to TLS gets
 * 400 and the end. */
void http_server_set_tls(struct http_server *s, struct tls_context *tls);
/* Once. "127.0.0.1:8080", "[::1]:0", "localhost:8080", ":8080" (all addresses).
 * RESULT_INVALID: not an address; RESULT_PERM: cannot be listened on. */
MUST_CHECK enum result http_server_listen(struct http_server *s,
					  const char *address,
					  struct error *err);
/* The same over a socket (*taken*) that listens already and that somebody else
 * keeps open, too: a drain leaves it to whoever comes after us, and nobody is
 * refused meanwhile. */
MUST_CHECK enum result http_server_inherit(struct http_server *s, int fd,
					   struct error *err);
uint16_t http_server_port(const struct http_server *s);
/* Lets handlers answer the requests they have, and closes idle connections;
 * done once those are gone that were there. Whoever comes meanwhile gets 503
 * (but see always) and is closed: that is tried again, which a connection that
 * is refused or reset need not be. */
void http_server_drain(struct http_server *s, loop_fn *done, void *arg);
/* Open ones, and those of clients that left before a reply that is owed. */
size_t http_server_connections(const struct http_server *s);

/* Of a request; all borrowed until the reply. */
const char *http_request_method(const struct http_request *r);
/* As sent (not decoded), without the query. */
const char *http_request_path(const struct http_request *r);
struct slice http_request_param(const struct http_request *r,
				const char *name); /* of the route, decoded */
/* Is there a query parameter of this name? */
bool http_request_has_query(const struct http_request *r, const char *name);
/* Its decoded value; false if absent, malformed or longer than fits. */
bool http_request_query(const struct http_request *r, const char *name,
			char *out, size_t size);
/* NULL if absent, and if there are several: nobody knows which of them a proxy
 * in front looked at. Name case-insensitive. */
const char *http_request_header(const struct http_request *r, const char *name);
struct slice http_request_body(const struct http_request *r);
/* loop_now_ms() when its first byte came. */
int64_t http_request_start_ms(const struct http_request *r);
/* clock_mono_us() when it was read whole. */
int64_t http_request_start_us(const struct http_request *r);
/*
 * fn runs at most once, if the client leaves before the reply, from the loop.
 * The reply must still come; it may be sent from inside fn. A client that
 * only closes its sending side looks the same until it is answered: the reply
 * reaches it. A client that leaves behind more than 16 KiB of further requests
 * is not noticed. fn NULL takes it back.
 */
void http_request_on_leave(struct http_request *r, loop_fn *fn, void *arg);

struct http_reply {
	int status;
	const char *content_type; /* NULL: application/json */
	struct slice body;	  /* copied */
	const char *headers;	  /* more lines "Name: value\r\n", or NULL */
};
/* Exactly once per request; frees it. May be called from the handler or any
 * time later on the loop. */
void http_request_reply(struct http_request *r, const struct http_reply *a);
/* For stand-ins that must misbehave: in place of the reply, sends raw as it
 * stands (nothing if it is empty) and closes the connection. */
void http_request_abort(struct http_request *r, struct slice raw);
/* {"error":"text"} */
void http_request_reply_error(struct http_request *r, int status,
			      const char *text);

#endif
