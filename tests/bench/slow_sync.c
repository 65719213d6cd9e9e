/*
 * A disk whose syncs take SLOW_SYNC_MS milliseconds longer, to be preloaded.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int);

static int slowly(const char *name, int fd)
{
	const char *text = getenv("SLOW_SYNC_MS");
	long ms = text ? strtol(text, NULL, 10) : 0;
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
	sync_fn *real;

	/* the way POSIX gives a function out of a shared object */
	*(void **)&real = dlsym(RTLD_NEXT, name);
	if (!real)
		abort();
	nanosleep(&pause, NULL);
	return real(fd);
}

int fsync(int fd)
{
	return slowly("fsync", fd);
}

int fdatasync(int fd)
{
	return slowly("fdatasync", fd);
}
