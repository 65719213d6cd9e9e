/*
 * See virtual_time.h. What is defined here takes the place of libc's for
 * everybody in the process, libraries too.
 *
 * The monotonic clock is far ahead of the kernel's, so that a thread that
 * waits for a time waits until it is woken: the store's ticks do not come.
 */
#include "virtual_time.h"

#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "net/loop.h"

#define WALL_MS	      INT64_C(1790000000000)
#define MONO_MS	      INT64_C(1000000000000)
#define PATIENCE_MS   20000 /* with another thread, real ones */
#define ARRIVAL_TRIES 3	    /* until loopback has delivered */

static atomic_llong passed_ms; /* in all */
static atomic_llong started_ms;
static bool (*is_busy)(void);

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ms;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		ms = WALL_MS + passed_ms - started_ms;
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		ms = MONO_MS + passed_ms;
		break;
	default:
		return (int)syscall(SYS_clock_gettime, id, ts);
	}
	ts->tv_sec = ms / 1000;
	ts->tv_nsec = ms % 1000 * 1000000;
	return 0;
}

int fsync(int fd)
{
	(void)fd;
	return 0;
}

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static int really_wait(int fd, struct epoll_event *events, int max, int ms)
{
	return (int)syscall(SYS_epoll_pwait, fd, events, max, ms, NULL, 8);
}

static void die(const char *why)
{
	fprintf(stderr, "virtual time: %s\n", why);
	abort();
}

/* --- two loops --- */

static struct {
	struct loop *outer, *inner;
	int fd;		/* of the outer loop, while it waits; -1 */
	int64_t due_ms; /* when it will go on */
	bool inside;
	bool still;
} two = {.fd = -1};

static bool has_events(int fd, int ms)
{
	struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
			      {.fd = two.fd, .events = POLLIN}};

	return poll(p, 2, ms) > 0;
}

static bool outer_has_events(void)
{
	struct pollfd p = {.fd = two.fd, .events = POLLIN};

	return two.fd >= 0 && poll(&p, 1, 0) > 0;
}

static void run_inner(void)
{
	two.inside = true;
	loop_run(two.inner);
	two.inside = false;
}

/* What the outer one waits for may have come. */
static int wait_for_inner(int fd, struct epoll_event *events, int max,
			  int timeout)
{
	two.fd = fd;
	two.due_ms = timeout < 0 ? INT64_MAX : passed_ms + timeout;
	run_inner();
	two.fd = -1;
	loop_stop(two.outer);
	return really_wait(fd, events, max, 0);
}

static int yield(int fd, struct epoll_event *events, int max)
{
	loop_stop(two.inner);
	return really_wait(fd, events, max, 0);
}

void virtual_time_loops(struct loop *outer, struct loop *inner)
{
	two.outer = outer;
	two.inner = inner;
}

void virtual_time_stand_still(void (*begin)(void *arg), void *arg,
			      const bool *over)
{
	two.still = true;
	begin(arg);
	while (!*over)
		run_inner();
	two.still = false;
	loop_stop(two.outer);
}

bool virtual_time_inside(void)
{
	return two.inside || two.still;
}

bool virtual_time_stands_still(void)
{
	return two.still;
}

/* --- where time passes --- */

static int leap(int fd, struct epoll_event *events, int max, int timeout)
{
	int64_t left_ms = two.fd < 0 ? INT64_MAX : two.due_ms - passed_ms;

	if (timeout < 0 && left_ms == INT64_MAX)
		die("nothing will ever happen");
	if (timeout >= 0 && timeout < left_ms) {
		passed_ms += timeout;
		return 0;
	}
	passed_ms += left_ms;
	return yield(fd, events, max);
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	bool busy = is_busy && is_busy();
	int n = really_wait(fd, events, max, 0);
	bool any = false;

	if (n != 0 || timeout == 0)
		return n;
	if (two.inner && !two.inside)
		return wait_for_inner(fd, events, max, timeout);
	if (outer_has_events())
		return yield(fd, events, max);
	for (int i = 0; i < ARRIVAL_TRIES && !busy && !any; i++) {
		sched_yield();
		any = has_events(fd, 0);
	}
	if (busy)
		any = has_events(fd, PATIENCE_MS);
	if (busy && !any)
		die("another thread does not come back");
	if (any && outer_has_events())
		return yield(fd, events, max);
	if (any)
		return really_wait(fd, events, max, 0);
	return leap(fd, events, max, timeout);
}

void virtual_time_start(void)
{
	started_ms = (long long)passed_ms;
}

void virtual_time_while(bool (*busy)(void))
{
	is_busy = busy;
}

int64_t virtual_time_ms(void)
{
	return passed_ms - started_ms;
}
