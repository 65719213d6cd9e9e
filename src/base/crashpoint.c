/*
 * Named crash points. The environment is read once, at the first passage; a
 * malformed REUNITE_CRASH_AT or a trace that cannot be written aborts, since
 * a crash test that does not crash would pass for the wrong reason.
 */
#include "base/crashpoint.h"

#include "base/str.h"

#ifdef REUNITE_CRASH_POINTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CRASH_NAME_SIZE 64

static pthread_once_t crash_once = PTHREAD_ONCE_INIT;
static char crash_name[CRASH_NAME_SIZE];
static uint64_t crash_nth = 1;
static atomic_uint_fast64_t crash_passed;
static int crash_trace_fd = -1;

static void crash_open_trace(void)
{
	const char *path = getenv("REUNITE_CRASH_TRACE");

	if (!path)
		return;
	crash_trace_fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (crash_trace_fd < 0)
		abort();
}

/* One write a line, so that threads do not mix theirs. */
static void crash_write_trace(const char *name)
{
	char line[CRASH_NAME_SIZE + 1];
	int len = snprintf(line, sizeof(line), "%s\n", name);

	if (len < 0 || (size_t)len >= sizeof(line) ||
	    write(crash_trace_fd, line, (size_t)len) != len)
		abort();
}

static void crash_read_environment(void)
{
	const char *at = getenv("REUNITE_CRASH_AT");
	const char *colon = at ? strchr(at, ':') : NULL;
	struct slice name = slice_of(at);

	if (colon) {
		name.len = (size_t)(colon - at);
		if (!str_parse_u64(slice_of(colon + 1), &crash_nth))
			abort();
	}
	if (!str_copy_slice(crash_name, sizeof(crash_name), name))
		abort();
	crash_open_trace();
}

void crash_point(const char *name)
{
	pthread_once(&crash_once, crash_read_environment);
	if (crash_trace_fd >= 0)
		crash_write_trace(name);
	if (!crash_name[0] || strcmp(crash_name, name))
		return;
	if (atomic_fetch_add(&crash_passed, 1) + 1 == crash_nth)
		raise(SIGKILL);
}
#endif
