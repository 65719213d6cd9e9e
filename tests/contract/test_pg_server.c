/*
 * The tests' own PostgreSQL: that it starts, keeps databases apart, and goes
 * with the program that started it, even when that is killed.
 */
#include "pg_server.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "contract.h"

static void assert_value(const struct pg_database *d, const char *query,
			 const char *expected)
{
	char *value = pg_database_value(d, query);

	assert_string_equal(value, expected);
	free(value);
}

static void test_databases_are_apart(void **state)
{
	struct pg_database a, b;

	(void)state;
	pg_database_make(&a, NULL);
	pg_database_sql(&a, "CREATE TABLE t (n INT); INSERT INTO t VALUES (7)");
	pg_database_make(&b, a.name);
	pg_database_sql(&a, "DELETE FROM t");
	assert_value(&a, "SELECT n FROM t", "");
	assert_value(&b, "SELECT n FROM t", "7");
	pg_database_drop(&a);
	pg_database_drop(&b);
}

/* A program with a server of its own that is killed. */
static void start_and_die(int fd)
{
	struct pg_database d;
	char *pid;

	pg_database_make(&d, NULL);
	pid = pg_database_value(&d, "SELECT split_part(pg_read_file("
				    "'postmaster.pid'), E'\n', 1)");
	dprintf(fd, "%s %s", pid, pg_server_host());
	raise(SIGKILL);
}

static void wait_until_gone(const char *dir, pid_t pid)
{
	int i;

	for (i = 0; access(dir, F_OK) == 0; i++) {
		assert_true(i < 2000);
		poll(NULL, 0, 10);
	}
	assert_int_equal(kill(pid, 0), -1);
}

static void test_it_ends_with_a_killed_program(void **state)
{
	char said[128], dir[96];
	int fds[2], server;
	ssize_t n;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		start_and_die(fds[1]);
	close(fds[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	n = read(fds[0], said, sizeof(said) - 1);
	assert_true(n > 0);
	said[n] = '\0';
	close(fds[0]);
	assert_int_equal(sscanf(said, "%d %95s", &server, dir), 2);
	wait_until_gone(dir, server);
}

int main(void)
{
	/* the child of the first must not find a server */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_ends_with_a_killed_program),
		cmocka_unit_test(test_databases_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
