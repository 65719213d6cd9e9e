/*
 * The floor below which no receiver gets: HTTP read as leanly as it can be,
 * the key compared or the signature checked, ids found by a search for their
 * names, one line a webhook appended to a file, one fdatasync a turn of the
 * loop, then the answers. No index, no dedupe, no job, no grammar, no limits,
 * no recovery: nothing that could be run in earnest.
 *
 *	floor_log FILE        BENCH_KEY, BENCH_SECRET; prints its port
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"

#define MAX_EVENTS 512
#define BUFFER	   8192
#define LINE	   128

struct connection {
	int fd;
	size_t got;
	char text[BUFFER + 1];
};

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json"
			 "\r\nContent-Length: 14\r\n\r\n{\"accepted\":1}";
static const char no[] = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0"
			 "\r\n\r\n";
static const char *key;
static struct crypto_hmac *secret;
static char lines[MAX_EVENTS * LINE];
static size_t line_bytes;

/* What stands behind the name, up to a character; empty without it. */
static struct slice find(const char *text, const char *name, char until)
{
	const char *at = strstr(text, name), *end;

	if (!at)
		return (struct slice){"", 0};
	at += strlen(name);
	end = strchr(at, until);
	return (struct slice){at, end ? (size_t)(end - at) : 0};
}

static bool is_signed(const char *head, struct slice body)
{
	struct slice stamp = find(head, "Signature-Timestamp: ", '\r');
	struct slice given = find(head, "Webhook-Signature: ", '\r');
	const struct slice parts[] = {stamp, body};
	uint8_t mac[CRYPTO_SHA256_SIZE];
	char text[CRYPTO_BASE64_SIZE(sizeof(mac))];
	size_t len;

	crypto_hmac_sign(secret, parts, ARRAY_LEN(parts), mac);
	len = crypto_base64(mac, sizeof(mac), text);
	return len == given.len && crypto_equal(given.ptr, text, len);
}

static bool verified(const char *head, struct slice body)
{
	struct slice given = find(head, "X-API-Key: ", '\r');

	if (given.len > 0)
		return given.len == strlen(key) &&
		       crypto_equal(given.ptr, key, given.len);
	return is_signed(head, body);
}

static void note(const char *body)
{
	struct slice id = find(body, "\"events\":[{\"id\":\"", '"');
	struct slice person = find(body, "\"user\":{\"id\":\"", '"');

	if (!id.len)
		id = find(body, "\"id\":\"", '"');
	if (!id.len)
		id = find(body, "\"ticket_id\":\"", '"');
	line_bytes += (size_t)snprintf(lines + line_bytes, LINE, "%.*s %.*s\n",
				       (int)id.len % 50, id.ptr,
				       (int)person.len % 50, person.ptr);
}

/* A whole request: its answer; NULL as long as it is none. */
static const char *handle(struct connection *c)
{
	char *body;
	size_t len;

	c->text[c->got] = '\0';
	body = strstr(c->text, "\r\n\r\n");
	if (!body)
		return NULL;
	body += 4;
	len = strtoul(find(c->text, "Content-Length: ", '\r').ptr, NULL, 10);
	if (c->got < (size_t)(body - c->text) + len)
		return NULL;
	c->got = 0;
	if (!verified(c->text, (struct slice){body, len}))
		return no;
	note(body);
	return ok;
}

static void accept_all(int listener, int epoll)
{
	int fd, yes = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		struct connection *c = xcalloc(1, sizeof(*c));
		struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = c}};

		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
	}
}

static const char *read_some(struct connection *c)
{
	ssize_t n = recv(c->fd, c->text + c->got, BUFFER - c->got, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN) || c->got == BUFFER) {
		close(c->fd);
		free(c);
		return NULL;
	}
	if (n < 0)
		return NULL;
	c->got += (size_t)n;
	return handle(c);
}

static void sync_lines(int file)
{
	if (line_bytes == 0)
		return;
	if (write(file, lines, line_bytes) != (ssize_t)line_bytes ||
	    fdatasync(file) != 0)
		abort();
	line_bytes = 0;
}

static void turn(int listener, int epoll, int file)
{
	static struct epoll_event events[MAX_EVENTS];
	const char *answers[MAX_EVENTS];
	int n = epoll_wait(epoll, events, MAX_EVENTS, -1);

	for (int i = 0; i < n; i++) {
		answers[i] = NULL;
		if (events[i].data.ptr)
			answers[i] = read_some(events[i].data.ptr);
		else
			accept_all(listener, epoll);
	}
	sync_lines(file);
	for (int i = 0; i < n; i++) {
		const struct connection *c = events[i].data.ptr;

		if (answers[i])
			send(c->fd, answers[i], strlen(answers[i]),
			     MSG_NOSIGNAL);
	}
}

static int listen_on_loopback(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) != 0 ||
	    listen(fd, 1024) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &size) != 0)
		abort();
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event e = {.events = EPOLLIN};
	const char *text = getenv("BENCH_SECRET");
	int epoll = epoll_create1(0), file, listener;

	key = getenv("BENCH_KEY");
	if (argc != 2 || !key || !text)
		return 2;
	secret = crypto_hmac_new(text, strlen(text));
	file = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0600);
	listener = listen_on_loopback();
	if (file < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) != 0)
		return 1;
	for (;;)
		turn(listener, epoll, file);
}
