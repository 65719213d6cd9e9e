/*
 * A disk that fails, to be preloaded into a program: what fails is read, at
 * each call, from the file that BAD_DISK names. Empty or not there: nothing.
 * Else two words: what, and how the names of the files end.
 *
 *	full    what would make a file longer: no space
 *	write   every write, and every change of a length: input/output error
 *	sync    every sync, the folder's too: input/output error
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef ssize_t pwrite_fn(int, const void *, size_t, off64_t);
typedef int sync_fn(int);
typedef int truncate_fn(int, off64_t);

/* The way POSIX gives a function out of a shared object. */
static void find(void *slot, const char *name)
{
	*(void **)slot = dlsym(RTLD_NEXT, name);
	if (!*(void **)slot)
		abort();
}

static int read_orders(char *text, size_t size)
{
	const char *name = getenv("BAD_DISK");
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static int ends_with(int fd, const char *ending)
{
	char link[64], path[4096];
	size_t len = strlen(ending);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	return n >= (ssize_t)len &&
	       memcmp(path + (size_t)n - len, ending, len) == 0;
}

/* Shall this go wrong? Leaves errno as it was. */
static int fails(const char *how, int fd)
{
	char text[256], what[16], ending[200];
	int before = errno, yes;

	yes = read_orders(text, sizeof(text)) &&
	      sscanf(text, "%15s %199s", what, ending) == 2 &&
	      strcmp(what, how) == 0 && ends_with(fd, ending);
	errno = before;
	return yes;
}

/* A file may be written where it is, on a full disk, too. */
static int has_no_space(int fd, off64_t end)
{
	struct stat64 st;

	return fails("full", fd) && fstat64(fd, &st) == 0 && end > st.st_size;
}

static int refused(int fd, off64_t end)
{
	if (has_no_space(fd, end))
		errno = ENOSPC;
	else if (fails("write", fd))
		errno = EIO;
	else
		return 0;
	return 1;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	static pwrite_fn *real;

	if (!real)
		find(&real, "pwrite64");
	return refused(fd, at + (off64_t)n) ? -1 : real(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
	return pwrite64(fd, p, n, at);
}

int ftruncate64(int fd, off64_t size)
{
	static truncate_fn *real;

	if (!real)
		find(&real, "ftruncate64");
	return refused(fd, size) ? -1 : real(fd, size);
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

static int sync_with(sync_fn *real, int fd)
{
	if (!fails("sync", fd))
		return real(fd);
	errno = EIO;
	return -1;
}

int fsync(int fd)
{
	static sync_fn *real;

	if (!real)
		find(&real, "fsync");
	return sync_with(real, fd);
}

int fdatasync(int fd)
{
	static sync_fn *real;

	if (!real)
		find(&real, "fdatasync");
	return sync_with(real, fd);
}
