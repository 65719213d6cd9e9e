/*
 * Named crash points. The environment is read once, at the first passage; a
 * malformed REUNITE_CRASH_AT aborts, since a crash test that does not crash
 * would pass for the wrong reason.
 */
#include "base/crashpoint.h"

#include "base/str.h"

#ifdef REUNITE_CRASH_POINTS
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CRASH_NAME_SIZE 64

static pthread_once_t crash_once = PTHREAD_ONCE_INIT;
static char crash_name[CRASH_NAME_SIZE];
static uint64_t crash_nth = 1;
static atomic_uint_fast64_t crash_passed;

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
}

void crash_point(const char *name)
{
	pthread_once(&crash_once, crash_read_environment);
	if (!crash_name[0] || strcmp(crash_name, name))
		return;
	if (atomic_fetch_add(&crash_passed, 1) + 1 == crash_nth)
		raise(SIGKILL);
}
#endif
