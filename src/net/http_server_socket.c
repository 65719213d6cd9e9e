/*
 * The socket of one connection: all its bytes come and go through here, and
 * nothing else of the server reads or writes.
 *
 * One read a wake-up, since what is ready tells again. Output is sent at
 * once, since the socket nearly always takes a reply whole; what it does not
 * take waits here until it does.
 */
#include "http_server_impl.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define OUT_KEEP_BYTES (64 * 1024)
#define OUT_MAX_BYTES  (32 * 1024 * 1024)

void http_socket_open(struct http_socket *s, struct loop *loop, int fd,
		      loop_io_fn *fn, void *arg)
{
	s->fd = fd;
	s->reads = true;
	buf_init(&s->out, OUT_MAX_BYTES);
	s->io = loop_io_new(loop, fd, LOOP_READ, fn, arg);
}

void http_socket_close(struct http_socket *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	close(s->fd);
	s->fd = -1;
	s->blocked = false;
	buf_release(&s->out);
}

static void watch(struct http_socket *s)
{
	loop_io_watch(s->io, (s->reads ? LOOP_READ : 0) |
				     (s->blocked ? LOOP_WRITE : 0));
}

void http_socket_want(struct http_socket *s, bool reads)
{
	if (s->reads == reads)
		return;
	s->reads = reads;
	watch(s);
}

enum http_socket_read http_socket_read(struct http_socket *s, char *room,
				       size_t size, size_t *len)
{
	ssize_t n = recv(s->fd, room, size, 0);

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

	return recv(s->fd, &byte, 1, MSG_PEEK) > 0;
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

bool http_socket_flush(struct http_socket *s)
{
	ssize_t n;

	if (s->out.len == 0)
		return true;
	n = send(s->fd, s->out.data + s->sent, s->out.len - s->sent,
		 MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	if (n > 0)
		drop_sent(s, (size_t)n);
	if (s->blocked != (s->out.len > 0)) {
		s->blocked = !s->blocked;
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
	shutdown(s->fd, SHUT_WR);
}
