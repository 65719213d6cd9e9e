/*
 * See virtual_time.h. What is defined here takes the place of libc's for
 * everybody in the process, libraries too.
 *
 * The monotonic clock is far ahead of the kernel's, so that a thread that
 * waits for a time waits until it is woken: the store's ticks do not come.
 */
#include "virtual_time.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	bool busy = is_busy && is_busy();
	int n = really_wait(fd, events, max, 0);

	if (n != 0 || timeout == 0)
		return n;
	for (int i = 0; i < ARRIVAL_TRIES && !busy && n == 0; i++) {
		sched_yield();
		n = really_wait(fd, events, max, 0);
	}
	if (busy)
		n = really_wait(fd, events, max, PATIENCE_MS);
	if (n != 0)
		return n;
	if (busy)
		die("another thread does not come back");
	if (timeout < 0)
		die("nothing will ever happen");
	passed_ms += timeout;
	return 0;
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
