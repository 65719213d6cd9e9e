/*
 * A store behind pgbouncer in transaction mode, where each transaction has
 * another session of the server.
 */
#include "pg_factory.h"

#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/store/pg.h"
#include "base/str.h"

static struct {
	char dir[32];
	pid_t pid;
	struct pg_database d;
	char url[PG_URL_SIZE];
} pool;

static void write_settings(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fprintf(f,
		"[databases]\n* = host=%s user=reunite\n"
		"[pgbouncer]\nlisten_addr =\nlisten_port = 6432\n"
		"unix_socket_dir = %s\nauth_type = any\n"
		"pool_mode = transaction\nlogfile = %s/log\n",
		pg_server_host(), pool.dir, pool.dir);
	assert_int_equal(fclose(f), 0);
}

/* It refuses to be root. */
static void run_pooler(const char *path)
{
	struct passwd *user = getpwnam("postgres");

	if (getuid() == 0 &&
	    (user == NULL || chown(pool.dir, user->pw_uid, user->pw_gid) != 0 ||
	     setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
		_exit(1);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	execl("/usr/sbin/pgbouncer", "pgbouncer", "-q", path, NULL);
	_exit(1);
}

static void wait_for_pooler(void)
{
	const struct timespec pause = {0, 10 * 1000 * 1000};
	int i;

	for (i = 0; PQping(pool.url) != PQPING_OK; i++) {
		assert_true(i < 2000);
		nanosleep(&pause, NULL);
	}
}

static int start(void **state)
{
	char path[64];

	(void)state;
	pg_store_make(&pool.d);
	(void)str_copy(pool.dir, sizeof(pool.dir), "/tmp/reunite-pool-XXXXXX");
	assert_non_null(mkdtemp(pool.dir));
	assert_int_equal(chmod(pool.dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/ini", pool.dir);
	write_settings(path);
	snprintf(pool.url, sizeof(pool.url),
		 "postgresql://reunite@/%s?host=%s&port=6432", pool.d.name,
		 pool.dir);
	pool.pid = fork();
	if (pool.pid == 0)
		run_pooler(path);
	wait_for_pooler();
	return 0;
}

static int stop(void **state)
{
	static const char *const files[] = {"ini", "log"};
	char path[64];
	size_t i;

	(void)state;
	assert_int_equal(kill(pool.pid, SIGTERM), 0);
	assert_int_equal(waitpid(pool.pid, NULL, 0), pool.pid);
	for (i = 0; i < ARRAY_LEN(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", pool.dir, files[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(pool.dir), 0);
	pg_database_drop(&pool.d);
	return 0;
}

static void enqueue(struct store *s, int i)
{
	char who[16];
	struct store_op op;

	snprintf(who, sizeof(who), "ann%d", i);
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = who;
	op.u.enqueue.now_ms = CT_START;
	if (store_do(s, &op) != RESULT_OK)
		fail_msg("%s", op.error.text);
}

/* They come upon each other's statements. */
static void several_handles_share_its_sessions(void **state)
{
	struct store *s[3];
	struct ct c = {.now_ms = CT_START};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(s); i++)
		s[i] = contract_open_url(pool.url, STORE_SERVE);
	for (i = 0; i < 30; i++)
		enqueue(s[i % ARRAY_LEN(s)], (int)i);
	c.s = s[1];
	assert_int_equal(ct_claim_count(&c, 20), 20);
	c.s = s[2];
	assert_int_equal(ct_claim_count(&c, 20), 10);
	for (i = 0; i < ARRAY_LEN(s); i++)
		store_close(s[i]);
}

static void who_hears_nothing_through_it_looks_often(void **state)
{
	const struct timespec pause = {0, 5 * 1000 * 1000};
	struct store *s = contract_open_url(pool.url, STORE_SERVE);
	struct pg *p = (struct pg *)store_backend(s);
	int i;

	(void)state;
	for (i = 0; p->ears_retry_ms != INT64_MAX; i++) {
		assert_true(i < 2000);
		(void)store_changed(s);
		nanosleep(&pause, NULL);
	}
	assert_null(p->ears);
	(void)store_changed(s);
	assert_false(store_changed(s));
	p->looked_ms -= 3000;
	assert_true(store_changed(s));
	store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(several_handles_share_its_sessions),
		cmocka_unit_test(who_hears_nothing_through_it_looks_often),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
