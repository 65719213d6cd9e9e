/*
 * Crash points: the process dies by SIGKILL at the passage named, not before.
 */
#include "unit.h"

#include <signal.h>
#include <stdbool.h>

#include "base/crashpoint.h"

static int passages;

static void pass(void)
{
	for (int i = 0; i < passages; i++) {
		CRASH_POINT("other_place");
		CRASH_POINT("before_merge");
	}
}

static int status_after(const char *at, int count)
{
	int status;

	passages = count;
	if (at)
		setenv("REUNITE_CRASH_AT", at, 1);
	status = unit_child_status(pass);
	unsetenv("REUNITE_CRASH_AT");
	return status;
}

static bool killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void without_a_name_nothing_happens(void **state)
{
	(void)state;
	assert_int_equal(status_after(NULL, 3), 0);
	assert_int_equal(status_after("", 3), 0);
	assert_int_equal(status_after("elsewhere", 3), 0);
	assert_int_equal(status_after("before_merg", 3), 0);
}

#ifdef REUNITE_CRASH_POINTS
static void kills_at_the_passage_named(void **state)
{
	(void)state;
	assert_true(killed(status_after("before_merge", 1)));
	assert_true(killed(status_after("before_merge:1", 1)));
	assert_int_equal(status_after("before_merge:3", 2), 0);
	assert_true(killed(status_after("before_merge:3", 3)));
}

static void a_trace_names_every_passage(void **state)
{
	char path[] = "/tmp/reunite-trace-XXXXXX";
	char text[256] = "";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	setenv("REUNITE_CRASH_TRACE", path, 1);
	assert_true(killed(status_after("before_merge:2", 3)));
	unsetenv("REUNITE_CRASH_TRACE");
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "other_place\nbefore_merge\n"
				  "other_place\nbefore_merge\n");
	close(fd);
	unlink(path);
}

static void a_trace_that_cannot_be_written_is_not_ignored(void **state)
{
	int status;

	(void)state;
	setenv("REUNITE_CRASH_TRACE", "/nowhere/at/all", 1);
	status = status_after("elsewhere", 1);
	unsetenv("REUNITE_CRASH_TRACE");
	assert_int_not_equal(status, 0);
	assert_false(killed(status));
}

static void a_malformed_number_is_not_ignored(void **state)
{
	int status = status_after("before_merge:x", 1);

	(void)state;
	assert_int_not_equal(status, 0);
	assert_false(killed(status));
}
#else
static void compiled_out_they_do_nothing(void **state)
{
	(void)state;
	assert_false(killed(status_after("before_merge", 1)));
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_name_nothing_happens),
#ifdef REUNITE_CRASH_POINTS
		cmocka_unit_test(kills_at_the_passage_named),
		cmocka_unit_test(a_trace_names_every_passage),
		cmocka_unit_test(a_trace_that_cannot_be_written_is_not_ignored),
		cmocka_unit_test(a_malformed_number_is_not_ignored),
#else
		cmocka_unit_test(compiled_out_they_do_nothing),
#endif
	};

	return cmocka_run_group_tests_name("crashpoint", tests, NULL, NULL);
}
