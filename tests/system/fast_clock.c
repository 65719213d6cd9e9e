/*
 * A clock that runs FAST_CLOCK times as fast (10), to be preloaded into a
 * program whose waits are too long for a test.
 *
 * What tells the time tells the fast one; what waits for it waits that much
 * less: epoll_wait, poll and timed waits for conditions, which is all that our
 * programs use. Clocks start together with those of the machine, so a test of
 * some seconds stays within the tolerance of a webhook's timestamp. Programs
 * that get the same FAST_CLOCK_START, in nanoseconds since the epoch, have the
 * same wall clock: it told the right time then.
 *
 * FAST_CLOCK_SET names a file of two numbers of eight bytes: the milliseconds by
 * which the wall clock is ahead (whoever writes others sets the clock), and
 * whether the disk hangs: no sync comes back while it is not 0.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS     INT64_C(1000000000)
#define CLOCKS 16

typedef int clock_fn(clockid_t, struct timespec *);
typedef int epoll_fn(int, struct epoll_event *, int, int);
typedef int poll_fn(struct pollfd *, nfds_t, int);
typedef int sync_fn(int);
typedef int cond_fn(pthread_cond_t *, pthread_mutex_t *,
		    const struct timespec *);

static clock_fn *real_clock;
static epoll_fn *real_epoll;
static poll_fn *real_poll;
static cond_fn *real_cond;
static int64_t speed = 10;
static int64_t start_ns[CLOCKS];
static sync_fn *real_fsync, *real_fdatasync;
static const volatile int64_t *ahead_ms; /* and whether the disk hangs */

/* The way POSIX gives a function out of a shared object. */
static void find(void *slot, const char *name, const char *version)
{
	*(void **)slot = version ? dlvsym(RTLD_NEXT, name, version)
				 : dlsym(RTLD_NEXT, name);
	if (!*(void **)slot)
		abort();
}

static int64_t ns_of(const struct timespec *t)
{
	return t->tv_sec * NS + t->tv_nsec;
}

static struct timespec timespec_of(int64_t ns)
{
	return (struct timespec){ns / NS, ns % NS};
}

static void find_setting(void)
{
	const char *path = getenv("FAST_CLOCK_SET");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *p;

	if (!path)
		return;
	p = mmap(NULL, 2 * sizeof(*ahead_ms), PROT_READ, MAP_SHARED, fd, 0);
	if (fd < 0 || p == MAP_FAILED)
		abort();
	close(fd);
	ahead_ms = p;
}

static void set_up(void)
{
	const char *factor = getenv("FAST_CLOCK");
	const char *start = getenv("FAST_CLOCK_START");
	struct timespec now;

	if (real_clock)
		return;
	find(&real_epoll, "epoll_wait", NULL);
	find(&real_poll, "poll", NULL);
	find(&real_fsync, "fsync", NULL);
	find(&real_fdatasync, "fdatasync", NULL);
	/* the oldest one does not know the condition's clock */
	find(&real_cond, "pthread_cond_timedwait", "GLIBC_2.3.2");
	find(&real_clock, "clock_gettime", NULL);
	find_setting();
	if (factor)
		speed = strtoll(factor, NULL, 10);
	for (clockid_t id = 0; id < CLOCKS; id++)
		start_ns[id] = real_clock(id, &now) ? 0 : ns_of(&now);
	if (start) {
		start_ns[CLOCK_REALTIME] = strtoll(start, NULL, 10);
		start_ns[CLOCK_REALTIME_COARSE] = start_ns[CLOCK_REALTIME];
	}
}

__attribute__((constructor)) static void begin(void)
{
	set_up();
}

static int runs(clockid_t id)
{
	return id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ||
	       id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE ||
	       id == CLOCK_MONOTONIC_RAW || id == CLOCK_BOOTTIME;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	int r;

	set_up();
	r = real_clock(id, out);
	if (r == 0 && runs(id))
		*out = timespec_of(start_ns[id] +
				   speed * (ns_of(out) - start_ns[id]));
	if (r == 0 && ahead_ms &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		*out = timespec_of(ns_of(out) + *ahead_ms * (NS / 1000));
	return r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	tv->tv_sec = now.tv_sec;
	tv->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}

static int shortened(int timeout)
{
	set_up();
	return timeout > 0 ? (int)((timeout + speed - 1) / speed) : timeout;
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout)
{
	timeout = shortened(timeout);
	return real_epoll(fd, events, max, timeout);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	timeout = shortened(timeout);
	return real_poll(fds, count, timeout);
}

/* An absolute time: of which clock is seen by its size. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond,
			   pthread_mutex_t *restrict mutex,
			   const struct timespec *restrict until)
{
	int64_t ns = ns_of(until);
	clockid_t id = ns > start_ns[CLOCK_REALTIME] / 2 ? CLOCK_REALTIME
							 : CLOCK_MONOTONIC;
	struct timespec real;

	set_up();
	real = timespec_of(start_ns[id] + (ns - start_ns[id]) / speed + 1);
	return real_cond(cond, mutex, &real);
}

static void wait_for_disk(void)
{
	const struct timespec pause = {0, NS / 100};

	set_up();
	while (ahead_ms && ahead_ms[1])
		nanosleep(&pause, NULL);
}

int fsync(int fd)
{
	wait_for_disk();
	return real_fsync(fd);
}

int fdatasync(int fd)
{
	wait_for_disk();
	return real_fdatasync(fd);
}
