/*
 * The socket of one connection: all its bytes come and go through here, and
 * nothing else of the server reads or writes.
 *
 * One read a wake-up, since what is ready tells again. Output is sent at
 * once, since the socket nearly always takes a reply whole; what it does not
 * take waits here until it does. What http_server_tls.c does for a socket with
 * TLS looks the same from here.
 */
#include "http_server_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define OUT_KEEP_BYTES (64 * 1024)
#define OUT_MAX_BYTES  (32 * 1024 * 1024)

void http_socket_open(struct http_socket *s, struct loop *loop, int fd,
		      struct tls_context *tls, loop_io_fn *fn, void *arg)
{
	s->fd = fd;
	s->reads = true;
	buf_init(&s->out, OUT_MAX_BYTES);
	if (tls) {
		s->tls = http_tls_new(s, loop, fd, tls, fn, arg);
		fn = http_tls_on_ready;
		arg = s->tls;
	}
	s->io = loop_io_new(loop, fd, LOOP_READ, fn, arg);
}

void http_socket_close(struct http_socket *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	if (s->tls)
		http_tls_free(s->tls, s->blocked);
	s->tls = NULL;
	close(s->fd);
	s->fd = -1;
	s->blocked = false;
	buf_release(&s->out);
}

static void watch(struct http_socket *s)
{
	int what = (s->reads ? LOOP_READ : 0) | (s->blocked ? LOOP_WRITE : 0);

	loop_io_watch(s->io, s->tls ? http_tls_events(s->tls, what) : what);
}

void http_socket_want(struct http_socket *s, bool reads)
{
	if (s->reads == reads)
		return;
	s->reads = reads;
	watch(s);
	if (s->tls && reads)
		http_tls_look_again(s->tls);
}

static ssize_t take(struct http_socket *s, char *room, size_t size)
{
	ssize_t n;

	if (!s->tls)
		return recv(s->fd, room, size, 0);
	n = http_tls_recv(s->tls, room, size);
	watch(s);
	return n;
}

enum http_socket_read http_socket_read(struct http_socket *s, char *room,
				       size_t size, size_t *len)
{
	ssize_t n = take(s, room, size);

	*len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return HTTP_SOCKET_DATA;
	if (n == 0)
		return HTTP_SOCKET_END;
	return errno == EAGAIN || errno == EINTR ? HTTP_SOCKET_NOTHING
						 : HTTP_SOCKET_BROKEN;
}

bool http_socket_has_input(const struct http_socket *s)
{
	char byte;

	if (s->tls && http_tls_has_input(s->tls))
		return true;
	return recv(s->fd, &byte, 1, MSG_PEEK) > 0;
}

bool http_socket_is_ready(const struct http_socket *s)
{
	return !s->tls || http_tls_is_ready(s->tls);
}

static void drop_sent(struct http_socket *s, size_t n)
{
	s->sent += n;
	if (s->sent < s->out.len)
		return;
	s->sent = 0;
	if (s->out.cap > OUT_KEEP_BYTES)
		buf_release(&s->out);
	else
		buf_clear(&s->out);
}

static ssize_t give(struct http_socket *s, const char *data, size_t len)
{
	return s->tls ? http_tls_send(s->tls, data, len)
		      : send(s->fd, data, len, MSG_NOSIGNAL);
}

bool http_socket_flush(struct http_socket *s)
{
	ssize_t n;

	if (s->out.len == 0)
		return true;
	n = give(s, s->out.data + s->sent, s->out.len - s->sent);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n > 0)
		drop_sent(s, (size_t)n);
	if (s->tls || s->blocked != (s->out.len > 0)) {
		s->blocked = s->out.len > 0;
		watch(s);
	}
	return true;
}

struct buf *http_socket_out(struct http_socket *s)
{
	buf_consume(&s->out, s->sent);
	s->sent = 0;
	return &s->out;
}

void http_socket_end(struct http_socket *s)
{
	if (s->tls)
		http_tls_end(s->tls);
	shutdown(s->fd, SHUT_WR);
}
