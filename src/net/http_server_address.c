/*
 * Listening sockets from "127.0.0.1:8080", "[::1]:0", ":8080" (every address,
 * IPv4 and IPv6), "localhost:8080". No other names: a server listens on
 * addresses, and looking up a name could block.
 */
#include "http_server_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

#define LISTEN_BACKLOG 1024

struct address {
	char host[64]; /* empty: every address */
	uint16_t port;
};

static bool address_parse(const char *text, struct address *out)
{
	const char *colon = strrchr(text, ':');
	struct slice host;
	uint64_t port;

	if (!colon || !str_parse_u64(slice_of(colon + 1), &port) ||
	    port > UINT16_MAX)
		return false;
	host = (struct slice){text, (size_t)(colon - text)};
	if (host.len > 1 && host.ptr[0] == '[' &&
	    host.ptr[host.len - 1] == ']') {
		host.ptr++;
		host.len -= 2;
		if (!memchr(host.ptr, ':', host.len))
			return false;
	} else if (memchr(host.ptr, ':', host.len)) {
		return false;
	}
	out->port = (uint16_t)port;
	if (slice_eq_nocase(host, SLICE("localhost")))
		host = SLICE("127.0.0.1");
	return str_copy_slice(out->host, sizeof(out->host), host);
}

static socklen_t address_numeric(const struct address *a,
				 struct sockaddr_storage *out)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
				 .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	socklen_t len;

	if (getaddrinfo(a->host, NULL, &hints, &found) != 0)
		return 0;
	len = found->ai_addrlen;
	memcpy(out, found->ai_addr, len);
	freeaddrinfo(found);
	if (out->ss_family == AF_INET6)
		((struct sockaddr_in6 *)out)->sin6_port = htons(a->port);
	else
		((struct sockaddr_in *)out)->sin_port = htons(a->port);
	return len;
}

static void set_option(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Returns a listening socket, or -1 with errno. */
static int listen_on(const struct sockaddr_storage *sa, socklen_t len)
{
	int fd = socket(sa->ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* Accepted sockets inherit these two. */
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (sa->ss_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, (const struct sockaddr *)sa, len) == 0 &&
	    listen(fd, LISTEN_BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* Both families on one socket; IPv4 alone where there is no IPv6. */
static int listen_on_all(uint16_t port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_ANY_INIT,
				  .sin6_port = htons(port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_ANY),
				 .sin_port = htons(port)};
	struct sockaddr_storage sa = {0};
	int fd;

	memcpy(&sa, &v6, sizeof(v6));
	fd = listen_on(&sa, sizeof(v6));
	if (fd >= 0 || (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL))
		return fd;
	memcpy(&sa, &v4, sizeof(v4));
	return listen_on(&sa, sizeof(v4));
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return 0;
	if (sa.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	return ntohs(((struct sockaddr_in *)&sa)->sin_port);
}

enum result http_server_bind(const char *address, int *fd, uint16_t *port,
			     struct error *err)
{
	struct sockaddr_storage sa;
	struct address a;
	socklen_t len = 0;

	if (!address_parse(address, &a) ||
	    (a.host[0] && (len = address_numeric(&a, &sa)) == 0))
		return error_set(err, RESULT_INVALID,
				 "\"%s\" is not an address to listen on "
				 "(like 127.0.0.1:8080, [::1]:8080, :8080)",
				 address);
	*fd = a.host[0] ? listen_on(&sa, len) : listen_on_all(a.port);
	if (*fd < 0)
		return error_set(err, RESULT_PERM, "cannot listen on %s: %s",
				 address, strerror(errno));
	*port = bound_port(*fd);
	return RESULT_OK;
}

enum result http_server_adopt(int fd, uint16_t *port, struct error *err)
{
	socklen_t len = sizeof(int);
	int listens = 0, flags = fcntl(fd, F_GETFL);

	if (flags < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) != 0 ||
	    !listens || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		return error_set(err, RESULT_PERM,
				 "the socket that was handed over does not "
				 "listen");
	*port = bound_port(fd);
	return RESULT_OK;
}
