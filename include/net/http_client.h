/*
 * HTTP requests without waiting: curl's multi interface on the loop.
 *
 * The callback comes exactly once, on the loop, never from inside
 * http_client_send(); after http_transfer_cancel() it does not come. Both,
 * and http_client_free(), may be called from inside a callback. TLS (1.2 or
 * later) is verified (but see own), redirects are not followed, bodies are bounded, every
 * request has a deadline.
 *
 * A proxy from the environment (https_proxy, all_proxy, no_proxy) is used for
 * https only: plain http is for loopback and always goes straight there.
 */
#ifndef REUNITE_NET_HTTP_CLIENT_H
#define REUNITE_NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "net/loop.h"

struct http_client;
struct http_transfer;

struct http_call {
	const char *method; /* GET POST PUT PATCH DELETE */
	const char *url;
	const char *const *headers; /* "Name: value", copied */
	size_t header_count;
	struct slice body;  /* copied; sent if ptr is not NULL */
	int64_t timeout_ms; /* for the whole request; 0: 30 s */
	/* To a listener of our own, and nothing in it is secret: no proxy, and
	 * whoever answers is believed. */
	bool own;
	/* Must not be repeated: nor is it by curl itself, which else repeats a
	 * request when a reused connection dies before an answer. */
	bool once;
	/* Not begun after that moment of clock_boot_ms(), which is asked anew
	 * when the connection stands; 0: whenever. */
	int64_t send_by_ms;
	/* A new connection, and all about it in the answer. */
	bool look;
};

/* How far a request came: what it waited for last, or failed at. */
enum http_stage {
	HTTP_STAGE_NAME, /* of the host, or of the proxy */
	HTTP_STAGE_CONNECT,
	HTTP_STAGE_TLS,
	HTTP_STAGE_ANSWER,
	HTTP_STAGE_DONE
};

/* What a request with `look` saw on its way. */
struct http_sight {
	enum http_stage stage;
	bool proxied;		     /* a proxy took it */
	char address[64];	     /* "" before it is connected */
	int64_t certificate_ends_ms; /* wall clock; 0: not known */
};

struct http_answer {
	/* RESULT_OK: an HTTP answer came, whatever its status. RESULT_TEMP: no
	 * (whole) answer, or not in time. RESULT_INVALID: answer over the
	 * limit. RESULT_PERM: never sent and never will be (bad URL,
	 * certificate refused). */
	enum result result;
	/* It may have reached the server: with another result than OK, false
	 * only if not one byte of the request was written. */
	bool sent;
	bool late; /* TEMP: not begun, because of send_by_ms */
	int status;
	struct slice body;  /* borrowed for the callback */
	struct error error; /* no URL query, no body, no secret */
	int64_t elapsed_us;
	struct http_sight sight;	      /* with `look` */
	const struct http_transfer *transfer; /* for http_answer_header() */
};
/* Value of the last header of that name, or NULL. Borrowed until the next
 * call. Name case-insensitive. */
const char *http_answer_header(const struct http_answer *a, const char *name);
/* Walks the headers whose name starts with prefix (case-insensitive); start
 * with *iter = NULL. The value, or NULL after the last; borrowed likewise. */
const char *http_answer_header_next(const struct http_answer *a,
				    const char *prefix, void **iter);

typedef void http_client_done(const struct http_answer *a, void *arg);

/* max_body_bytes bounds an answer. ca_file: whom to trust, copied; NULL: the
 * file that SSL_CERT_FILE names, else the system's trust store. */
struct http_client *http_client_new(struct loop *loop, size_t max_body_bytes,
				    const char *ca_file);
void http_client_free(struct http_client *c); /* cancels what is open */
struct http_transfer *http_client_send(struct http_client *c,
				       const struct http_call *call,
				       http_client_done *done, void *arg);
void http_transfer_cancel(struct http_transfer *t);
/* Percent-encodes everything but RFC 3986's unreserved characters. */
struct buf;
void http_escape(struct buf *out, struct slice s);

#endif
