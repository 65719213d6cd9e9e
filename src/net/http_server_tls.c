/*
 * The encrypted side of one socket: OpenSSL on top of its descriptor, in the
 * clothes of recv() and send().
 *
 * Reading makes the handshake, too: until it is done, nothing comes. The
 * library may need to write in order to read, and to read in order to write:
 * then the other readiness is watched for, and told as the one that was wanted.
 * What is decrypted already, but did not fit, makes no descriptor readable: a
 * deferred call tells of it.
 *
 * Refuses: see tls_context.h. After a failure nothing is encrypted or decrypted
 * any more (the library's own rule).
 *
 * Invariants:
 * 1. The library's queue of errors is empty before every call, or the verdict
 *    on it would be about another connection's past.
 * 2. A plain byte is never taken for a request: after http_tls_drop() a socket
 *    can only be written to and read empty.
 */
#include "http_server_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/str.h"
#include "tls_context_int.h"

#define SEND_TURN_BYTES (256 * 1024) /* then others come first */

struct http_tls {
	SSL *ssl; /* NULL: dropped */
	int fd;
	struct http_socket *socket; /* cleared by its end, freed after it */
	struct loop *loop;
	loop_io_fn *fn;
	void *arg;
	bool recv_waits; /* to write */
	bool send_waits; /* to read */
	bool broken;
	bool ended;
	bool met_http;
	bool looks; /* a look is deferred */
	const char *why;
};

struct http_tls *http_tls_new(struct http_socket *s, struct loop *loop, int fd,
			      struct tls_context *context, loop_io_fn *fn,
			      void *arg)
{
	struct http_tls *t = xcalloc(1, sizeof(*t));

	t->ssl = tls_context_connection(context, loop_now_ms(loop));
	if (SSL_set_fd(t->ssl, fd) != 1)
		abort(); /* memory */
	t->fd = fd;
	t->socket = s;
	t->loop = loop;
	t->fn = fn;
	t->arg = arg;
	return t;
}

static void free_now(void *arg)
{
	free(arg);
}

/* A deferred look may be on its way. */
void http_tls_free(struct http_tls *t, bool half_written)
{
	if (!half_written)
		http_tls_end(t);
	http_tls_drop(t);
	t->socket = NULL;
	if (t->looks)
		loop_defer(t->loop, free_now, t);
	else
		free(t);
}

void http_tls_on_ready(int fd, int what, void *arg)
{
	struct http_tls *t = arg;
	int told = 0;

	if (what & (t->recv_waits ? LOOP_WRITE : LOOP_READ))
		told |= LOOP_READ;
	if (what & (t->send_waits ? LOOP_READ : LOOP_WRITE))
		told |= LOOP_WRITE;
	t->fn(fd, told, t->arg);
}

int http_tls_events(const struct http_tls *t, int what)
{
	int events = 0;

	if (what & LOOP_READ)
		events |= t->recv_waits ? LOOP_WRITE : LOOP_READ;
	if (what & LOOP_WRITE)
		events |= t->send_waits ? LOOP_READ : LOOP_WRITE;
	return events;
}

static void look(void *arg)
{
	struct http_tls *t = arg;

	t->looks = false;
	if (t->socket && t->socket->reads)
		t->fn(t->fd, LOOP_READ, t->arg);
}

void http_tls_look_again(struct http_tls *t)
{
	if (t->looks || !t->ssl || SSL_pending(t->ssl) == 0)
		return;
	t->looks = true;
	loop_defer(t->loop, look, t);
}

/* Sets errno; never 0 at the end of what the peer sends. */
static void note_failure(struct http_tls *t, int verdict)
{
	unsigned long first = ERR_peek_error();

	errno = EAGAIN;
	if (verdict == SSL_ERROR_WANT_READ || verdict == SSL_ERROR_WANT_WRITE)
		return;
	errno = EPROTO;
	t->broken = true;
	t->met_http = ERR_GET_LIB(first) == ERR_LIB_SSL &&
		      ERR_GET_REASON(first) == SSL_R_HTTP_REQUEST;
	t->why = ERR_reason_error_string(first);
	ERR_clear_error();
}

ssize_t http_tls_recv(struct http_tls *t, char *room, size_t size)
{
	int ok, verdict;
	size_t n;

	if (!t->ssl)
		return recv(t->fd, room, size, 0);
	ERR_clear_error();
	ok = SSL_read_ex(t->ssl, room, size, &n);
	verdict = SSL_get_error(t->ssl, ok);
	t->recv_waits = verdict == SSL_ERROR_WANT_WRITE;
	if (ok) {
		http_tls_look_again(t);
		return (ssize_t)n;
	}
	if (verdict == SSL_ERROR_ZERO_RETURN)
		return 0;
	note_failure(t, verdict);
	return -1;
}

ssize_t http_tls_send(struct http_tls *t, const char *data, size_t len)
{
	size_t sent = 0, n;
	int ok, verdict;

	if (!t->ssl)
		return send(t->fd, data, len, MSG_NOSIGNAL);
	do {
		ERR_clear_error();
		ok = SSL_write_ex(t->ssl, data + sent, len - sent, &n);
		if (ok)
			sent += n;
	} while (ok && sent < len && sent < SEND_TURN_BYTES);
	verdict = SSL_get_error(t->ssl, ok);
	t->send_waits = verdict == SSL_ERROR_WANT_READ;
	if (ok)
		return (ssize_t)sent;
	note_failure(t, verdict);
	return errno == EAGAIN && sent > 0 ? (ssize_t)sent : -1;
}

bool http_tls_has_input(const struct http_tls *t)
{
	return t->ssl && SSL_pending(t->ssl) > 0;
}

/* If the socket has no room for it, the peer does without. */
void http_tls_end(struct http_tls *t)
{
	if (!http_tls_is_ready(t) || t->broken || t->ended)
		return;
	t->ended = true;
	ERR_clear_error();
	(void)SSL_shutdown(t->ssl);
	ERR_clear_error();
}

bool http_tls_is_ready(const struct http_tls *t)
{
	return t->ssl && SSL_is_init_finished(t->ssl);
}

bool http_tls_is_resumed(const struct http_tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

const char *http_tls_why(const struct http_tls *t)
{
	if (BIO_number_read(SSL_get_rbio(t->ssl)) == 0)
		return NULL;
	return t->why ? t->why : "not finished";
}

bool http_tls_met_http(const struct http_tls *t)
{
	return t->met_http;
}

void http_tls_drop(struct http_tls *t)
{
	SSL_free(t->ssl);
	t->ssl = NULL;
	t->recv_waits = false;
	t->send_waits = false;
}
