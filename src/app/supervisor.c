/*
 * The service manager's end of a datagram socket: see supervisor.h.
 *
 * Refuses to wait for it: the socket never blocks.
 */
#include "app/supervisor.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
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
	supervisor_alive_fn *alive;
	void *arg;
	int socket; /* handed over and not taken; -1: none */
	/* until it is ready */
	bool starting;
	pthread_t starter;
	pthread_mutex_t lock;
	pthread_cond_t started;
	bool ready; /* under the lock */
};

/* Asked for again every so often; an hour in all. */
#define START_MORE   "EXTEND_TIMEOUT_USEC=60000000"
#define START_S	     20
#define START_ROUNDS 180
#define STATUS_MAX   500

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

	if (s->alive(s->arg))
		tell(s, "WATCHDOG=1");
	loop_timer_set(s->watchdog, s->every_ms);
}

/* Is the variable for this process? */
static bool is_ours(const char *pid)
{
	int64_t who;

	return !pid || (str_parse_i64(slice_of(pid), &who) && who == getpid());
}

/* The first one is behind standard error. */
static int inherited_socket(void)
{
	const char *count = getenv("LISTEN_FDS");
	const char *pid = getenv("LISTEN_PID");
	int64_t n;

	if (!count || !pid || !is_ours(pid) ||
	    !str_parse_i64(slice_of(count), &n) || n < 1)
		return -1;
	return STDERR_FILENO + 1;
}

/* Half the interval that was asked for; 0: none was, or of somebody else. */
static int64_t watchdog_every_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	int64_t n;

	if (!is_ours(getenv("WATCHDOG_PID")))
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

/* --- the start --- */

static void *starter_main(void *arg)
{
	struct supervisor *s = arg;
	struct timespec until;

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < START_ROUNDS && !s->ready; i++) {
		tell(s, START_MORE);
		until.tv_sec = clock_mono_ms() / 1000 + START_S;
		until.tv_nsec = 0;
		while (!s->ready && pthread_cond_timedwait(
					    &s->started, &s->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static void begin_start(struct supervisor *s)
{
	pthread_condattr_t attr;
	sigset_t all, before;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->started, &attr);
	pthread_condattr_destroy(&attr);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->starting = pthread_create(&s->starter, NULL, starter_main, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void end_start(struct supervisor *s)
{
	if (!s->starting)
		return;
	pthread_mutex_lock(&s->lock);
	s->ready = true;
	pthread_cond_signal(&s->started);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->starter, NULL);
	pthread_cond_destroy(&s->started);
	pthread_mutex_destroy(&s->lock);
	s->starting = false;
}

struct supervisor *supervisor_new(struct loop *loop, supervisor_alive_fn *alive,
				  void *arg)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	const char *name = getenv("NOTIFY_SOCKET");

	s->alive = alive;
	s->arg = arg;
	s->socket = inherited_socket();
	s->fd = -1;
	if (name && set_address(s, name))
		s->fd = socket(AF_UNIX,
			       SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd >= 0) {
		start_watchdog(s, loop);
		begin_start(s);
	}
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return s;
}

void supervisor_free(struct supervisor *s)
{
	if (!s)
		return;
	end_start(s);
	loop_timer_free(s->watchdog);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int supervisor_socket(struct supervisor *s)
{
	int fd = s->socket;

	s->socket = -1;
	return fd;
}

bool supervisor_listens(const struct supervisor *s)
{
	return s->fd >= 0;
}

void supervisor_status(struct supervisor *s, const char *text)
{
	char words[STATUS_MAX];

	snprintf(words, sizeof(words), "STATUS=%s", text);
	tell(s, words);
}

void supervisor_ready(struct supervisor *s)
{
	end_start(s);
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
