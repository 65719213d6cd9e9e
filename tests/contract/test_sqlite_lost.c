/*
 * A database that is lost or damaged: never a new empty one in its place,
 * nothing accepted into what is gone or broken, what was accepted is saved.
 */
#include "contract.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"

#define PEOPLE 40
#define PAGE   4096

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

static char *name_of(const struct contract_dir *d, const char *ending)
{
	static char name[160];

	snprintf(name, sizeof(name), "%s%s", d->path, ending);
	return name;
}

static void refuses(const struct contract_dir *d, const char *text)
{
	struct error err = {""};
	struct store *s = NULL;

	assert_int_equal(store_open(&s, d->url, STORE_SERVE, CT_START, &err),
			 RESULT_PERM);
	if (strstr(err.text, text) == NULL || strchr(err.text, '\n'))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static enum result enqueue(struct store *s, int who)
{
	char id[16];
	struct store_op op;

	snprintf(id, sizeof(id), "p%d", who);
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = id;
	op.u.enqueue.now_ms = CT_START;
	return store_do(s, &op);
}

static void fill(struct store *s)
{
	for (int i = 0; i < PEOPLE; i++)
		assert_int_equal(enqueue(s, i), RESULT_OK);
}

static size_t people(const char *path)
{
	struct store_op op;
	struct store *s;
	char url[192];
	size_t count;

	snprintf(url, sizeof(url), "sqlite:%s", path);
	s = contract_open_url(url, STORE_READ);
	store_op_init(&op, STORE_JOBS);
	assert_int_equal(store_do(s, &op), RESULT_OK);
	count = op.u.jobs.count;
	store_op_release(&op);
	store_close(s);
	return count;
}

static void make(const struct contract_dir *d)
{
	struct store *s = contract_open_url(d->url, STORE_SERVE);

	fill(s);
	store_close(s);
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	char bytes[PAGE];
	size_t n;

	assert_non_null(in);
	assert_non_null(out);
	while ((n = fread(bytes, 1, sizeof(bytes), in)) > 0)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

/* --- at a start --- */

static void a_deleted_database_is_not_replaced(void **state)
{
	struct contract_dir *d = *state;

	make(d);
	assert_int_equal(unlink(d->path), 0);
	refuses(d, "there was a store");
	assert_int_not_equal(access(d->path, F_OK), 0);
	assert_int_equal(unlink(name_of(d, ".lock")), 0);
	make(d);
}

static void an_emptied_database_is_not_replaced(void **state)
{
	struct contract_dir *d = *state;
	struct stat st;

	make(d);
	assert_int_equal(truncate(d->path, 0), 0);
	refuses(d, "there was a store");
	assert_int_equal(stat(d->path, &st), 0);
	assert_int_equal(st.st_size, 0);
}

/* One without tables, as a tool makes it that mistook the name. */
static void a_blank_database_is_not_taken_for_it(void **state)
{
	struct contract_dir *d = *state;
	struct contract_dir other;

	make(d);
	contract_dir_make(&other);
	contract_sql(other.path, "PRAGMA user_version = 1");
	assert_int_equal(rename(other.path, d->path), 0);
	contract_dir_remove(&other);
	refuses(d, "there was a store");
}

static void a_log_without_its_database_is_told(void **state)
{
	struct contract_dir *d = *state;

	put(name_of(d, "-wal"), "what was accepted");
	refuses(d, "its log");
	assert_int_not_equal(access(d->path, F_OK), 0);
}

/* A database without tables, and a log that holds what came so far. */
static void an_interrupted_creation_goes_on(void **state)
{
	struct contract_dir *d = *state, other;
	struct stat st;
	char log[160];
	sqlite3 *db;

	contract_dir_make(&other);
	assert_int_equal(sqlite3_open(other.path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
				      "PRAGMA journal_mode = WAL;"
				      "PRAGMA application_id = 1919251822",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	copy(other.path, d->path);
	(void)str_copy(log, sizeof(log), name_of(d, "-wal"));
	copy(name_of(&other, "-wal"), log);
	sqlite3_close(db);
	contract_dir_remove(&other);
	assert_int_equal(stat(name_of(d, "-wal"), &st), 0);
	assert_true(st.st_size > 0);
	make(d);
}

/* An empty file would be taken for one that was emptied. */
static void a_new_database_is_no_empty_file(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct stat st;

	assert_int_equal(stat(d->path, &st), 0);
	assert_true(st.st_size > 0);
	assert_int_equal(stat(name_of(d, ".lock"), &st), 0);
	assert_true(st.st_size > 0);
	store_close(s);
}

static void a_folder_is_no_database(void **state)
{
	struct contract_dir *d = *state;

	assert_int_equal(mkdir(d->path, 0700), 0);
	refuses(d, "is no file");
	assert_int_equal(rmdir(d->path), 0);
}

static void spoil(const char *path, off_t at)
{
	char junk[PAGE];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof(junk));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
	close(fd);
}

/* Wherever it is, it is seen before anybody is let in. */
static void a_damaged_page_is_seen_at_the_start(void **state)
{
	struct contract_dir *d = *state, other;
	struct stat st;

	make(d);
	contract_dir_make(&other);
	assert_int_equal(stat(d->path, &st), 0);
	for (off_t at = 0; at < st.st_size; at += PAGE) {
		copy(d->path, other.path);
		spoil(other.path, at);
		refuses(&other, "back to a copy");
	}
	contract_dir_remove(&other);
}

/* As a power failure in the middle of one more commit leaves it. */
static void a_torn_log_loses_nothing_acknowledged(void **state)
{
	struct contract_dir *d = *state, torn;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	char log[160];
	FILE *f;

	fill(s);
	contract_dir_make(&torn);
	copy(d->path, torn.path);
	(void)str_copy(log, sizeof(log), name_of(&torn, "-wal"));
	copy(name_of(d, "-wal"), log);
	store_close(s);
	f = fopen(log, "a");
	assert_non_null(f);
	for (int i = 0; i < 5000; i++)
		fputc(i, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(people(torn.path), PEOPLE);
	contract_dir_remove(&torn);
}

#define COMMITS 6
static off_t commit_ends[COMMITS]; /* in the log */

/* A copy of an open store, with a log that is damaged from this commit on
 * (from 1), as the next start finds it; what it says. */
static char *say_damage(const struct contract_dir *d, int commit)
{
	struct contract_dir other;
	static char said[512];
	char log[160], out[160];
	ssize_t n;
	int fd;

	contract_dir_make(&other);
	copy(d->path, other.path);
	(void)str_copy(log, sizeof(log), name_of(&other, "-wal"));
	copy(name_of(d, "-wal"), log);
	spoil(log, commit_ends[commit - 1] - PAGE);
	snprintf(out, sizeof(out), "%s/log", other.dir);
	fd = open(out, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	log_setup(LOG_ERROR, LOG_TEXT, fd);
	store_close(contract_open_url(other.url, STORE_SERVE));
	log_setup(LOG_WARN, LOG_TEXT, 2);
	n = pread(fd, said, sizeof(said) - 1, 0);
	said[n > 0 ? n : 0] = '\0';
	close(fd);
	contract_dir_remove(&other);
	return said;
}

/* SQLite drops what is behind the damage: the last commit may be one that was
 * not acknowledged, but not those before. */
static void a_damaged_log_is_told(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct stat st;
	char *said;

	assert_true(store_empty_log(s));
	for (int i = 0; i < COMMITS; i++) {
		assert_int_equal(enqueue(s, i), RESULT_OK);
		assert_int_equal(stat(name_of(d, "-wal"), &st), 0);
		commit_ends[i] = st.st_size;
	}
	assert_string_equal(say_damage(d, COMMITS), "");
	said = say_damage(d, COMMITS - 3);
	assert_non_null(strstr(said, "store_log_damaged"));
	assert_non_null(strstr(said, "lost_commits=4"));
	store_close(s);
}

/* --- while it is open --- */

static void take_away(const struct contract_dir *d, const char *ending)
{
	char from[160];

	(void)str_copy(from, sizeof(from), name_of(d, ending));
	assert_int_equal(rename(from, name_of(d, ".away")), 0);
}

static void put_back(const struct contract_dir *d, const char *ending)
{
	char from[160];

	(void)str_copy(from, sizeof(from), name_of(d, ".away"));
	assert_int_equal(rename(from, name_of(d, ending)), 0);
}

static void nothing_goes_into_what_is_gone(const struct contract_dir *d,
					   const char *ending)
{
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct error err;

	fill(s);
	assert_int_equal(store_watch(s, &err), RESULT_OK);
	take_away(d, ending);
	assert_int_equal(enqueue(s, PEOPLE), RESULT_TEMP);
	assert_int_equal(store_watch(s, &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "moved, deleted or replaced"));
	assert_int_equal(people(name_of(d, ".rescued-1")), PEOPLE);
	put_back(d, ending);
	assert_int_equal(store_watch(s, &err), RESULT_OK);
	assert_int_equal(enqueue(s, PEOPLE), RESULT_OK);
	store_close(s);
	assert_int_equal(people(d->path), PEOPLE + 1);
}

static void a_database_that_goes_is_saved(void **state)
{
	nothing_goes_into_what_is_gone(*state, "");
}

static void a_log_that_goes_is_saved(void **state)
{
	nothing_goes_into_what_is_gone(*state, "-wal");
}

/* Nobody wrote or looked between. */
static void what_goes_at_the_end_is_saved_too(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);

	fill(s);
	assert_int_equal(unlink(d->path), 0);
	store_close(s);
	assert_int_equal(people(name_of(d, ".rescued-1")), PEOPLE);
}

static void another_file_in_its_place_is_not_written(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct stat st;

	fill(s);
	take_away(d, "");
	put(d->path, "a copy, perhaps");
	assert_int_equal(enqueue(s, PEOPLE), RESULT_TEMP);
	store_close(s);
	assert_int_equal(stat(d->path, &st), 0);
	assert_int_equal(st.st_size, strlen("a copy, perhaps"));
	/* nor would the log go into it at the next start */
	assert_int_equal(stat(name_of(d, "-wal"), &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(people(name_of(d, ".away")), PEOPLE);
}

/* --- its lock --- */

static enum result serve(const char *url)
{
	struct error err = {""};
	struct store *s = NULL;
	enum result r = store_open(&s, url, STORE_SERVE, CT_START, &err);

	if (r == RESULT_OK)
		store_close(s);
	return r;
}

static void a_link_leads_to_the_same_lock(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	char url[192];

	assert_int_equal(symlink(d->path, name_of(d, ".link")), 0);
	(void)snprintf(url, sizeof(url), "sqlite:%s", name_of(d, ".link"));
	assert_int_equal(serve(url), RESULT_CONFLICT);
	assert_false(store_is_left(url));
	store_leave(s);
	assert_true(store_is_left(url));
	store_close(s);
	assert_int_equal(serve(url), RESULT_OK);
	assert_int_not_equal(access(name_of(d, ".link.lock"), F_OK), 0);
}

static void a_lock_that_goes_is_taken_anew(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE);
	struct error err;

	assert_int_equal(unlink(name_of(d, ".lock")), 0);
	assert_int_equal(store_watch(s, &err), RESULT_OK);
	assert_int_equal(serve(d->url), RESULT_CONFLICT);
	fill(s);
	store_close(s);
	assert_int_equal(unlink(d->path), 0);
	refuses(d, "is gone"); /* it is marked, too */
}

static void who_lost_the_lock_writes_no_more(void **state)
{
	struct contract_dir *d = *state;
	struct store *s = contract_open_url(d->url, STORE_SERVE), *other;
	struct error err;

	fill(s);
	assert_int_equal(unlink(name_of(d, ".lock")), 0);
	other = contract_open_url(d->url, STORE_SERVE);
	assert_int_equal(enqueue(s, PEOPLE), RESULT_TEMP);
	assert_int_equal(store_watch(s, &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "another process has taken"));
	assert_int_equal(enqueue(other, PEOPLE), RESULT_OK);
	store_close(other);
	/* what the other did is not known here */
	assert_int_equal(store_watch(s, &err), RESULT_TEMP);
	store_close(s);
	assert_int_equal(people(d->path), PEOPLE + 1);
	assert_int_not_equal(access(name_of(d, ".rescued-1"), F_OK), 0);
}

/* --- beside it --- */

static bool has_open(const char *start)
{
	char name[64], file[256];
	bool found = false;

	for (int fd = 3; fd < 64 && !found; fd++) {
		(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		memset(file, 0, sizeof(file));
		if (readlink(name, file, sizeof(file) - 1) > 0)
			found = str_starts(file, start);
	}
	return found;
}

static void temporary_files_are_beside_it(void **state)
{
	struct contract_dir *d = *state;
	char *folder = xstrdup(d->path);
	char start[200];
	struct store *s;
	sqlite3 *db;

	*strrchr(folder, '/') = '\0';
	(void)snprintf(start, sizeof(start), "%s/etilqs_", folder);
	(void)sqlite3_shutdown(); /* the next use is the first */
	(void)unsetenv("SQLITE_TMPDIR");
	s = contract_open_url(d->url, STORE_SERVE);
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "PRAGMA temp_store = FILE;"
			     "PRAGMA temp.cache_size = 1;"
			     "CREATE TEMP TABLE t(x);"
			     "BEGIN; INSERT INTO t VALUES(zeroblob(1000000))",
			     NULL, NULL, NULL),
		SQLITE_OK);
	assert_true(has_open(start));
	sqlite3_close(db);
	store_close(s);
	free(folder);
}

/* From then on everything waits: what else is damaged nobody knows. */
static void nothing_goes_into_what_is_damaged(void **state)
{
	struct contract_dir *d = *state;
	struct store *s;
	struct stat st;
	struct error err;

	make(d);
	s = contract_open_url(d->url, STORE_WRITE); /* has read little yet */
	assert_int_equal(stat(d->path, &st), 0);
	assert_true(st.st_size > PAGE);
	for (off_t at = PAGE; at < st.st_size; at += PAGE)
		spoil(d->path, at);
	assert_int_equal(enqueue(s, PEOPLE), RESULT_TEMP);
	assert_int_equal(store_watch(s, &err), RESULT_TEMP);
	assert_non_null(strstr(err.text, "is damaged"));
	assert_int_equal(enqueue(s, PEOPLE), RESULT_TEMP);
	store_close(s);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_deleted_database_is_not_replaced),
		TEST(an_emptied_database_is_not_replaced),
		TEST(a_blank_database_is_not_taken_for_it),
		TEST(a_log_without_its_database_is_told),
		TEST(an_interrupted_creation_goes_on),
		TEST(a_new_database_is_no_empty_file),
		TEST(a_folder_is_no_database),
		TEST(a_damaged_page_is_seen_at_the_start),
		TEST(a_torn_log_loses_nothing_acknowledged),
		TEST(a_damaged_log_is_told),
		TEST(a_database_that_goes_is_saved),
		TEST(a_log_that_goes_is_saved),
		TEST(what_goes_at_the_end_is_saved_too),
		TEST(another_file_in_its_place_is_not_written),
		TEST(a_link_leads_to_the_same_lock),
		TEST(a_lock_that_goes_is_taken_anew),
		TEST(who_lost_the_lock_writes_no_more),
		TEST(temporary_files_are_beside_it),
		TEST(nothing_goes_into_what_is_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
