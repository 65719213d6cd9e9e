/*
 * Opening a store on PostgreSQL: what is made, what is refused, and why.
 */
#include "pg_factory.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

static enum result try_url(const char *url, enum store_mode mode,
			   struct error *err)
{
	struct store *s = NULL;
	enum result r = store_open(&s, url, mode, CT_START, err);

	if (r == RESULT_OK)
		store_close(s);
	return r;
}

static void assert_refused(const char *url, enum store_mode mode,
			   enum result expected, const char *why)
{
	struct error err = {""};

	assert_int_equal(try_url(url, mode, &err), expected);
	if (strstr(err.text, why) == NULL)
		fail_msg("not \"%s\", but: %s", why, err.text);
}

static void assert_number(const struct pg_database *d, const char *query, int n)
{
	char *value = pg_database_value(d, query);

	assert_int_equal(atoi(value), n);
	free(value);
}

static const char tables[] =
	"SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";

static void only_a_daemon_makes_a_store(void **state)
{
	struct pg_database d;
	struct error err;

	(void)state;
	pg_database_make(&d, NULL);
	assert_refused(d.url, STORE_READ, RESULT_NOTFOUND, "no store");
	assert_refused(d.url, STORE_WRITE, RESULT_NOTFOUND, "no store");
	assert_number(&d, tables, 0);
	assert_int_equal(try_url(d.url, STORE_SERVE, &err), RESULT_OK);
	assert_int_equal(try_url(d.url, STORE_WRITE, &err), RESULT_OK);
	assert_int_equal(try_url(d.url, STORE_READ, &err), RESULT_OK);
	pg_database_drop(&d);
}

static void what_another_program_keeps_is_left_alone(void **state)
{
	struct pg_database d;

	(void)state;
	pg_database_make(&d, NULL);
	pg_database_sql(&d, "CREATE TABLE jobs(id INT)");
	assert_refused(d.url, STORE_SERVE, RESULT_PERM, "another program");
	assert_refused(d.url, STORE_READ, RESULT_PERM, "another program");
	assert_number(&d, tables, 1);
	pg_database_drop(&d);
}

static void a_schema_of_its_own_will_do(void **state)
{
	struct pg_database d;
	struct error err;

	(void)state;
	pg_database_make(&d, NULL);
	pg_database_sql(&d, "CREATE TABLE theirs(id INT); CREATE SCHEMA ours;"
			    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I"
			    " SET search_path = ours', current_database());"
			    " END $$");
	assert_int_equal(try_url(d.url, STORE_SERVE, &err), RESULT_OK);
	assert_int_equal(try_url(d.url, STORE_SERVE, &err), RESULT_OK);
	assert_number(&d, tables, 1);
	pg_database_drop(&d);
}

static void schemas_of_other_versions_are_told(void **state)
{
	struct pg_database d;

	(void)state;
	pg_store_make(&d);
	pg_database_sql(&d, "UPDATE schema_version SET version = 99");
	assert_refused(d.url, STORE_SERVE, RESULT_PERM, "newer version");
	assert_refused(d.url, STORE_READ, RESULT_PERM, "newer version");
	pg_database_sql(&d, "UPDATE schema_version SET version = 4");
	assert_refused(d.url, STORE_WRITE, RESULT_PERM,
		       "start the daemon once");
	pg_database_drop(&d);
}

/* It serves for a moment, so that both are there together. */
static void start_beside_another(const char *url)
{
	struct store *s;
	struct error err;

	if (store_open(&s, url, STORE_SERVE, CT_START, &err) != RESULT_OK) {
		dprintf(2, "%s\n", err.text);
		_exit(1);
	}
	store_close(s);
	_exit(0);
}

static void of_several_that_start_at_once_one_migrates(void **state)
{
	struct pg_database d;
	pid_t pids[4];
	int status;
	size_t i;

	(void)state;
	pg_database_make(&d, NULL);
	for (i = 0; i < ARRAY_LEN(pids); i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			start_beside_another(d.url);
		assert_true(pids[i] > 0);
	}
	for (i = 0; i < ARRAY_LEN(pids); i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_number(&d, "SELECT count(*) FROM schema_version", 1);
	assert_number(&d, "SELECT count(*) FROM meta WHERE name = 'key'", 1);
	pg_database_drop(&d);
}

static void other_encodings_are_refused(void **state)
{
	struct pg_database d;
	char url[PG_URL_SIZE + 16], *end;

	(void)state;
	pg_database_make(&d, NULL);
	pg_database_sql(&d, "CREATE DATABASE latin ENCODING 'LATIN1'"
			    " LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	(void)str_copy(url, sizeof(url), d.url);
	end = strstr(url, d.name);
	assert_non_null(end);
	memmove(end + strlen("latin"), end + strlen(d.name),
		strlen(end + strlen(d.name)) + 1);
	memcpy(end, "latin", strlen("latin"));
	assert_refused(url, STORE_SERVE, RESULT_PERM, "LATIN1");
	pg_database_sql(&d, "DROP DATABASE latin");
	pg_database_drop(&d);
}

/* --- servers that are none of ours --- */

static int listen_on(uint16_t *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void a_port_that_never_answers_is_given_up(void **state)
{
	char url[128];
	uint16_t port;
	int fd = listen_on(&port);

	(void)state;
	snprintf(url, sizeof(url),
		 "postgresql://u:hunter2@127.0.0.1:%u/x?connect_timeout=2"
		 "&sslmode=disable&gssencmode=disable",
		 (unsigned)port);
	assert_refused(url, STORE_SERVE, RESULT_TEMP, "timeout");
	close(fd);
}

static void nobody_at_the_port_is_told_without_the_password(void **state)
{
	struct error err;
	char url[128];
	uint16_t port;

	(void)state;
	close(listen_on(&port));
	snprintf(url, sizeof(url), "postgresql://u:hunter2@127.0.0.1:%u/x",
		 (unsigned)port);
	assert_int_equal(try_url(url, STORE_SERVE, &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "127.0.0.1"));
	assert_null(strstr(err.text, "hunter2"));
}

/* Says what a server of this version says when somebody comes in. */
static void *be_old(void *arg)
{
	static const char hello[] = "R\0\0\0\10\0\0\0\0"
				    "S\0\0\0\30server_version\0"
				    "12.3\0"
				    "S\0\0\0\31server_encoding\0"
				    "UTF8\0"
				    "Z\0\0\0\5I";
	int fd = accept(*(int *)arg, NULL, NULL);
	char c[512];

	assert_true(read(fd, c, sizeof(c)) > 0);
	assert_int_equal(write(fd, hello, sizeof(hello) - 1),
			 sizeof(hello) - 1);
	while (read(fd, c, sizeof(c)) > 0)
		;
	close(fd);
	return NULL;
}

static void an_old_server_is_refused(void **state)
{
	pthread_t thread;
	char url[160];
	uint16_t port;
	int fd = listen_on(&port);

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, be_old, &fd), 0);
	snprintf(url, sizeof(url),
		 "postgresql://u@127.0.0.1:%u/x?target_session_attrs=any"
		 "&sslmode=disable&gssencmode=disable",
		 (unsigned)port);
	assert_refused(url, STORE_SERVE, RESULT_PERM,
		       "the server is version 12, reunite needs 13");
	pthread_join(thread, NULL);
	close(fd);
}

static void what_libpq_does_not_take_is_no_url(void **state)
{
	(void)state;
	assert_true(store_url_ok("postgresql://db.example/reunite"));
	assert_true(store_url_ok("postgres://a@b,c:5433/d?sslmode=require"));
	assert_true(store_url_ok("postgresql:///reunite?host=/run/postgresql"));
	assert_false(store_url_ok("postgresql:host=a dbname=b"));
	assert_false(store_url_ok("postgresql://h/d?sslmood=require"));
	assert_false(store_url_ok("postgresql://h%zz/d"));
	assert_false(store_url_ok("postgresql:"));
	assert_false(store_url_ok("mysql://h/d"));
	assert_refused("postgresql://u:hunter2@h/d?x=1", STORE_READ,
		       RESULT_INVALID, "postgresql://HOST/DATABASE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_daemon_makes_a_store),
		cmocka_unit_test(what_another_program_keeps_is_left_alone),
		cmocka_unit_test(a_schema_of_its_own_will_do),
		cmocka_unit_test(schemas_of_other_versions_are_told),
		cmocka_unit_test(of_several_that_start_at_once_one_migrates),
		cmocka_unit_test(other_encodings_are_refused),
		cmocka_unit_test(a_port_that_never_answers_is_given_up),
		cmocka_unit_test(
			nobody_at_the_port_is_told_without_the_password),
		cmocka_unit_test(an_old_server_is_refused),
		cmocka_unit_test(what_libpq_does_not_take_is_no_url),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
