/*
 * For tests of the HTTP server: a server on a loop in a thread of its own, and
 * a client that sends raw bytes and blocks (bounded) for answers.
 */
#ifndef REUNITE_TESTS_HTTP_FIXTURE_H
#define REUNITE_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_server.h"
#include "net/loop.h"
#include "tls_kit.h"

#define HTTP_FIXTURE_MAX_BODY	2048
#define HTTP_FIXTURE_MAX_HEADER 1024
#define HTTP_FIXTURE_BIG_BODY	(8 * 1024 * 1024)

struct http_fixture {
	struct loop *loop;
	struct http_server *server;
	struct http_server_config config;
	uint16_t port;
	bool tls;
	struct tls_kit kit; /* with tls */
	pthread_t thread;
	/* Touched on the loop only: /hold keeps its request here. */
	struct http_request *held;
	bool held_left;
	bool reply_on_leave;
	bool drained;
	struct loop_timer *later;
};

/* From now on servers and clients speak TLS, so that a whole program of tests
 * can be run once more. */
void http_fixture_use_tls(bool tls);
/* config may be NULL: small limits, timeouts too long to matter. */
void http_fixture_start(struct http_fixture *f,
			const struct http_server_config *config);
void http_fixture_start_limited(struct http_fixture *f, int64_t request_ms,
				int64_t idle_ms, size_t connections);
void http_fixture_config(struct http_server_config *out);
void http_fixture_stop(struct http_fixture *f);
/* The same in two steps: then f is the caller's alone. */
void http_fixture_halt(struct http_fixture *f);
void http_fixture_free(struct http_fixture *f);
/* Runs fn on the loop and waits for it. */
void http_fixture_call(struct http_fixture *f, loop_fn *fn, void *arg);
/* Waits (bounded) until fn, run on the loop, says true. */
typedef bool http_fixture_test(struct http_fixture *f);
void http_fixture_await(struct http_fixture *f, http_fixture_test *fn);
bool http_fixture_holds(struct http_fixture *f);
bool http_fixture_has_no(struct http_fixture *f); /* connections */
bool http_fixture_has_one(struct http_fixture *f);
bool http_fixture_has_two(struct http_fixture *f);
/* Replies 200 "held" to the held request. */
void http_fixture_release(struct http_fixture *f);

struct http_client_raw {
	int fd;
	SSL *tls;      /* NULL: plain */
	struct buf in; /* read and not yet taken */
};

struct http_answer_raw {
	int status;
	char head[4096];
	struct buf body;
};

void raw_connect(struct http_client_raw *c, const struct http_fixture *f);
/* The same without TLS, whatever the server speaks. */
void raw_connect_plain(struct http_client_raw *c, const struct http_fixture *f);
/* And TLS over it, by rules of its own; false: refused. */
bool raw_start_tls(struct http_client_raw *c, SSL_CTX *rules);
/* With TLS, it leaves without a word about it. */
void raw_close(struct http_client_raw *c);
void raw_end(struct http_client_raw *c); /* of this side: nothing more comes */
/* As recv(): 0 is an end in order, which with TLS says so itself. */
ssize_t raw_recv(struct http_client_raw *c, void *room, size_t size);
/* Is there an answer, or an end? Waits for neither. */
bool raw_is_readable(struct http_client_raw *c);
/* False: not all of it was taken. */
bool raw_send(struct http_client_raw *c, const void *data, size_t len);
/* What can be sent without waiting; with TLS, what is sent next must begin with
 * the same bytes as the rest. */
size_t raw_try_send(struct http_client_raw *c, const void *data, size_t len);
void raw_puts(struct http_client_raw *c, const char *s);
/* One whole answer; is_head: it has no body. a->body is the caller's to
 * release. Fails the test when the connection ends before. */
void raw_read(struct http_client_raw *c, struct http_answer_raw *a,
	      bool is_head);
/* Reads an answer and checks its status. */
void raw_expect(struct http_client_raw *c, int status);
/* Nothing but the end of the connection comes. */
void raw_expect_end(struct http_client_raw *c);
/* The connection still answers. */
void raw_expect_alive(struct http_client_raw *c);

#endif
