/*
 * The service manager's end of a datagram socket: see supervisor.h.
 *
 * Refuses to wait for it: the socket never blocks.
 */
#include "app/supervisor.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

struct supervisor {
	struct sockaddr_un address;
	socklen_t address_len;
	int fd; /* -1: nobody listens */
	struct loop_timer *watchdog;
	int64_t every_ms;
};

static void tell(struct supervisor *s, const char *words)
{
	if (s->fd < 0)
		return;
	if (sendto(s->fd, words, strlen(words), MSG_NOSIGNAL,
		   (const struct sockaddr *)&s->address, s->address_len) < 0)
		log_debug("supervisor_deaf", log_str("error", strerror(errno)));
}

/* A path, or a name of the abstract kind ("@..."). */
static bool set_address(struct supervisor *s, const char *name)
{
	char *path = s->address.sun_path;

	s->address.sun_family = AF_UNIX;
	if ((*name != '/' && *name != '@') ||
	    !str_copy(path, sizeof(s->address.sun_path), name))
		return false;
	s->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				     strlen(name));
	if (*path == '@')
		*path = '\0';
	else
		s->address_len++;
	return true;
}

static void on_watchdog(void *arg)
{
	struct supervisor *s = arg;

	tell(s, "WATCHDOG=1");
	loop_timer_set(s->watchdog, s->every_ms);
}

/* Half the interval that was asked for; 0: none was, or of somebody else. */
static int64_t watchdog_every_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	int64_t n, who;

	if (pid && (!str_parse_i64(slice_of(pid), &who) || who != getpid()))
		return 0;
	if (!usec || !str_parse_i64(slice_of(usec), &n) || n <= 0)
		return 0;
	n /= 2000;
	return n > 0 ? n : 1;
}

static void start_watchdog(struct supervisor *s, struct loop *loop)
{
	s->every_ms = watchdog_every_ms();
	if (s->every_ms == 0)
		return;
	s->watchdog = loop_timer_new(loop, on_watchdog, s);
	loop_timer_set(s->watchdog, s->every_ms);
}

struct supervisor *supervisor_new(struct loop *loop)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	const char *name = getenv("NOTIFY_SOCKET");

	s->fd = -1;
	if (name && set_address(s, name))
		s->fd = socket(AF_UNIX,
			       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0)
		start_watchdog(s, loop);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return s;
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	loop_timer_free(s->watchdog);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

void supervisor_ready(struct supervisor *s)
{
	tell(s, "READY=1");
}

/* The time lets the manager tell this reload from an earlier one. */
void supervisor_reloading(struct supervisor *s)
{
	char words[80];

	snprintf(words, sizeof(words), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)clock_mono_us());
	tell(s, words);
}

void supervisor_stopping(struct supervisor *s)
{
	tell(s, "STOPPING=1");
}
