/*
 * The scripted server. Connections stay in memory until the server is freed,
 * so that a handler may close one from inside its own event.
 */
#include "wire_server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

enum { REQUEST_MAX = 64 * 1024, CONNECTIONS_MAX = 64, GUARD_MS = 30000 };

struct wire_conn {
	struct wire_server *server;
	struct loop_io *io;
	int fd;
	int number;
	size_t len;
	char buf[REQUEST_MAX + 1];
};

struct wire_server {
	struct loop *loop;
	struct loop_io *io;
	int fd;
	uint16_t port;
	char url[64];
	wire_handler *fn;
	void *arg;
	int requests;
	int connections;
	struct wire_conn *conns[CONNECTIONS_MAX];
};

void wire_close(struct wire_conn *c)
{
	if (c->fd < 0)
		return;
	loop_io_free(c->io);
	close(c->fd);
	c->fd = -1;
}

void wire_send(struct wire_conn *c, const char *data, size_t len)
{
	if (send(c->fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		wire_close(c);
}

void wire_reply(struct wire_conn *c, int status, const char *headers,
		const char *body)
{
	size_t size = strlen(headers) + strlen(body) + 128;
	char *text = xcalloc(1, size);
	int len = snprintf(text, size,
			   "HTTP/1.1 %d Status\r\n%s"
			   "Content-Length: %zu\r\n\r\n%s",
			   status, headers, strlen(body), body);

	wire_send(c, text, (size_t)len);
	free(text);
}

char *wire_header(const struct wire_request *r, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = strchr(r->text, '\n'); p && p + 1 < r->body;
	     p = strchr(p + 1, '\n'))
		if (!strncasecmp(p + 1, name, len) && p[1 + len] == ':') {
			p += 2 + len;
			p += strspn(p, " ");
			return xstrndup(p, strcspn(p, "\r\n"));
		}
	return NULL;
}

static size_t content_length(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");

	return p ? (size_t)atol(p + 17) : 0;
}

static void conn_request(struct wire_conn *c, const char *body)
{
	struct wire_server *s = c->server;
	char *line = xstrndup(c->buf, strcspn(c->buf, "\r\n"));
	struct wire_request r = {
		.conn = c,
		.number = s->requests++,
		.connection = c->number,
		.text = c->buf,
		.line = line,
		.body = body,
	};

	c->len = 0;
	s->fn(&r, s->arg);
	free(line);
}

static void conn_read(int fd, int what, void *arg)
{
	struct wire_conn *c = arg;
	ssize_t n = recv(fd, c->buf + c->len, REQUEST_MAX - c->len, 0);
	char *end;

	(void)what;
	if (n <= 0) {
		wire_close(c);
		return;
	}
	c->len += (size_t)n;
	c->buf[c->len] = '\0';
	end = strstr(c->buf, "\r\n\r\n");
	if (end && strlen(end + 4) >= content_length(c->buf))
		conn_request(c, end + 4);
}

static void server_accept(int fd, int what, void *arg)
{
	struct wire_server *s = arg;
	struct wire_conn *c = xcalloc(1, sizeof(*c));

	(void)what;
	if (s->connections == CONNECTIONS_MAX)
		abort();
	c->server = s;
	c->fd = accept(fd, NULL, NULL);
	c->number = s->connections;
	c->io = loop_io_new(s->loop, c->fd, LOOP_READ, conn_read, c);
	s->conns[s->connections++] = c;
}

struct wire_server *wire_server_new(struct loop *loop, wire_handler *fn,
				    void *arg)
{
	struct wire_server *s = xcalloc(1, sizeof(*s));
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof(a);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->loop = loop;
	s->fn = fn;
	s->arg = arg;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(s->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(s->fd, CONNECTIONS_MAX) != 0 ||
	    getsockname(s->fd, (struct sockaddr *)&a, &size) != 0)
		abort();
	s->port = ntohs(a.sin_port);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", s->port);
	s->io = loop_io_new(loop, s->fd, LOOP_READ, server_accept, s);
	return s;
}

void wire_server_free(struct wire_server *s)
{
	for (int i = 0; i < s->connections; i++) {
		wire_close(s->conns[i]);
		free(s->conns[i]);
	}
	loop_io_free(s->io);
	close(s->fd);
	free(s);
}

uint16_t wire_server_port(const struct wire_server *s)
{
	return s->port;
}

const char *wire_server_url(const struct wire_server *s)
{
	return s->url;
}

int wire_server_requests(const struct wire_server *s)
{
	return s->requests;
}

int wire_server_connections(const struct wire_server *s)
{
	return s->connections;
}

static void guard(void *arg)
{
	(void)arg;
	fprintf(stderr, "the test waited for nothing\n");
	abort();
}

void wire_run(struct loop *loop)
{
	struct loop_timer *t = loop_timer_new(loop, guard, NULL);

	loop_timer_set(t, GUARD_MS);
	loop_run(loop);
	loop_timer_free(t);
}
