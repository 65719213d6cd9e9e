/*
 * What opening a SQLite store accepts and refuses, and what is on the disk.
 */
#include "contract.h"

#include <sqlite3.h>

#include <fcntl.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

static int set_up(void **state)
{
	struct contract_dir *d = xcalloc(1, sizeof(*d));

	contract_dir_make(d);
	*state = d;
	return 0;
}

static int tear_down(void **state)
{
	contract_dir_remove(*state);
	free(*state);
	return 0;
}

static void refuses(const char *url, enum store_mode mode, enum result why,
		    const char *text)
{
	struct error err = {""};
	struct store *s = NULL;

	assert_int_equal(store_open(&s, url, mode, CT_START, &err), why);
	assert_null(s);
	if (strstr(err.text, text) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void run_sql(const struct contract_dir *d, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(d->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void make_store(const struct contract_dir *d)
{
	store_close(contract_open_url(d->url, STORE_SERVE));
}

static void urls_need_a_scheme_and_a_path(void **state)
{
	(void)state;
	refuses("", STORE_SERVE, RESULT_INVALID, "sqlite:PATH");
	refuses("sqlite", STORE_SERVE, RESULT_INVALID, "sqlite:PATH");
	refuses("sqlite:", STORE_SERVE, RESULT_INVALID, "sqlite:PATH");
	refuses("sqlit:/x", STORE_SERVE, RESULT_INVALID, "sqlite:PATH");
	refuses("mongodb:/x", STORE_SERVE, RESULT_INVALID, "sqlite:PATH");
}

static void only_the_daemon_creates(void **state)
{
	struct contract_dir *d = *state;

	refuses(d->url, STORE_READ, RESULT_NOTFOUND, "no store");
	refuses(d->url, STORE_WRITE, RESULT_NOTFOUND, "no store");
	assert_int_not_equal(access(d->path, F_OK), 0);
	make_store(d);
	store_close(contract_open_url(d->url, STORE_READ));
	store_close(contract_open_url(d->url, STORE_WRITE));
}

static void an_empty_file_is_no_store_yet(void **state)
{
	struct contract_dir *d = *state;
	int fd = open(d->path, O_CREAT | O_WRONLY, 0600);

	assert_true(fd >= 0);
	close(fd);
	refuses(d->url, STORE_READ, RESULT_NOTFOUND, "no store");
	make_store(d);
}

static void a_missing_folder_is_told(void **state)
{
	(void)state;
	refuses("sqlite:/nonexistent/dir/x.db", STORE_SERVE, RESULT_PERM,
		"No such file");
	refuses("sqlite:/nonexistent/dir/x.db", STORE_READ, RESULT_NOTFOUND,
		"no store");
}

static mode_t mode_of(const char *path, const char *suffix)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	assert_int_equal(stat(name, &st), 0);
	return st.st_mode & 07777;
}

static void files_are_for_their_owner(void **state)
{
	struct contract_dir *d = *state;
	mode_t before = umask(0);
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct store_op op;

	store_op_init(&op, STORE_PROBE);
	assert_int_equal(store_do(s, &op), RESULT_OK);
	assert_int_equal(mode_of(d->path, ""), 0600);
	assert_int_equal(mode_of(d->path, "-wal"), 0600);
	assert_int_equal(mode_of(d->path, "-shm"), 0600);
	assert_int_equal(mode_of(d->path, ".lock"), 0600);
	store_close(s);
	umask(before);
}

static void one_daemon_at_a_time(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);

	refuses(d->url, STORE_SERVE, RESULT_CONFLICT, "another process");
	store_close(contract_open_url(d->url, STORE_WRITE));
	store_close(s);
	make_store(d);
}

static void other_files_are_refused(void **state)
{
	struct contract_dir *d = *state;
	int fd = open(d->path, O_CREAT | O_WRONLY, 0600);
	char text[4096];

	memset(text, 'x', sizeof(text));
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	refuses(d->url, STORE_SERVE, RESULT_PERM, "not a database");
	refuses(d->url, STORE_READ, RESULT_PERM, "not a database");
}

static void other_databases_are_refused(void **state)
{
	struct contract_dir *d = *state;

	run_sql(d, "CREATE TABLE schema_version(version);"
		   "INSERT INTO schema_version VALUES(1)");
	refuses(d->url, STORE_SERVE, RESULT_PERM, "another program");
	refuses(d->url, STORE_READ, RESULT_PERM, "another program");
}

static void a_newer_schema_is_refused(void **state)
{
	struct contract_dir *d = *state;

	make_store(d);
	run_sql(d, "UPDATE schema_version SET version = 999");
	refuses(d->url, STORE_SERVE, RESULT_PERM, "newer version");
	refuses(d->url, STORE_WRITE, RESULT_PERM, "newer version");
	refuses(d->url, STORE_READ, RESULT_PERM, "newer version");
}

static void an_older_schema_needs_the_daemon(void **state)
{
	struct contract_dir *d = *state;

	make_store(d);
	run_sql(d, "UPDATE schema_version SET version = 0");
	refuses(d->url, STORE_READ, RESULT_PERM, "start the daemon");
}

static void an_interrupted_creation_goes_on(void **state)
{
	struct contract_dir *d = *state;

	run_sql(d, "PRAGMA application_id = 1919251822");
	make_store(d);
	store_close(contract_open_url(d->url, STORE_READ));
}

static void a_damaged_database_is_told(void **state)
{
	struct contract_dir *d = *state;
	char junk[4096];
	int fd;

	make_store(d);
	memset(junk, 0xff, sizeof(junk));
	fd = open(d->path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), 100),
			 (ssize_t)sizeof(junk));
	close(fd);
	refuses(d->url, STORE_READ, RESULT_PERM, "store");
}

static void the_log_is_moved_by_a_reader(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct store *reader = contract_open_url(d->url, STORE_READ);
	struct stat before, after;
	char who[16];
	int i;

	store_checkpoint(reader);
	assert_int_equal(stat(d->path, &before), 0);
	for (i = 0; i < 500; i++) {
		struct store_op op;

		snprintf(who, sizeof(who), "p%d", i);
		store_op_init(&op, STORE_ENQUEUE);
		op.u.enqueue.account = CT_ACCOUNT;
		op.u.enqueue.sunco_id = who;
		op.u.enqueue.now_ms = CT_START;
		assert_int_equal(store_do(s, &op), RESULT_OK);
	}
	assert_int_equal(stat(d->path, &after), 0);
	assert_int_equal(after.st_size, before.st_size); /* no commit did */
	store_checkpoint(reader);
	assert_int_equal(stat(d->path, &after), 0);
	assert_true(after.st_size > before.st_size);
	store_close(reader);
	store_close(s);
}

static off_t log_size(const struct contract_dir *d)
{
	char name[160];
	struct stat st;

	snprintf(name, sizeof(name), "%s-wal", d->path);
	assert_int_equal(stat(name, &st), 0);
	return st.st_size;
}

/* Nobody checkpoints but the writer itself, past its bound. */
static void the_log_has_a_bound(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	size_t size = 1 << 20, round;
	char *note = xcalloc(1, size + 1);
	off_t largest = 0;
	struct store_op op;

	for (round = 0; round < 200; round++) {
		memset(note, 'a' + (int)(round % 26), size);
		store_op_init(&op, STORE_ACCOUNT);
		op.u.account.account = CT_ACCOUNT;
		op.u.account.set_hold = true;
		op.u.account.hold = note;
		assert_int_equal(store_do(s, &op), RESULT_OK);
		store_op_release(&op);
		if (log_size(d) > largest)
			largest = log_size(d);
	}
	assert_true(largest > 60 << 20);
	assert_true(largest < 80 << 20);
	store_close(s);
	free(note);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(urls_need_a_scheme_and_a_path),
		TEST(only_the_daemon_creates),
		TEST(an_empty_file_is_no_store_yet),
		TEST(a_missing_folder_is_told),
		TEST(files_are_for_their_owner),
		TEST(one_daemon_at_a_time),
		TEST(other_files_are_refused),
		TEST(other_databases_are_refused),
		TEST(a_newer_schema_is_refused),
		TEST(an_older_schema_needs_the_daemon),
		TEST(an_interrupted_creation_goes_on),
		TEST(a_damaged_database_is_told),
		TEST(the_log_is_moved_by_a_reader),
		TEST(the_log_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
