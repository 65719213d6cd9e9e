/*
 * A large SQLite store is looked through beside the daemon: it opens at once,
 * and takes nothing any more when damage is found.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "contract.h"

#define WAIT_US	  10000
#define WAITS_MAX 3000

/* More than a start looks through. */
static void make_large(struct contract_dir *d)
{
	contract_dir_make(d);
	store_close(contract_open_url(d->url, STORE_SERVE));
	contract_sql(d->path, "INSERT INTO meta(name, value)"
			      " VALUES('filler', zeroblob(40 << 20));"
			      "PRAGMA wal_checkpoint(TRUNCATE)");
}

/* A page that no statement of ours reads: the root of an index that nobody
 * asks. */
static void damage(struct contract_dir *d)
{
	int64_t page =
		contract_ask(d->path, "SELECT rootpage FROM sqlite_master"
				      " WHERE name = 'agent_merges_at'");
	uint8_t junk[4096];
	int fd = open(d->path, O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	memset(junk, 0xff, sizeof(junk));
	assert_int_equal(pwrite(fd, junk, sizeof(junk), (page - 1) * 4096),
			 (ssize_t)sizeof(junk));
	close(fd);
}

static enum result probe(struct store *s)
{
	struct store_op op;

	store_op_init(&op, STORE_PROBE);
	return store_do(s, &op);
}

static void damage_is_found_meanwhile(void **state)
{
	struct contract_dir d;
	struct error err = {""};
	struct store *s;

	(void)state;
	make_large(&d);
	damage(&d);
	s = contract_open_url(d.url, STORE_SERVE);
	for (int i = 0; i < WAITS_MAX; i++) {
		if (store_watch(s, &err) != RESULT_OK)
			break;
		usleep(WAIT_US);
	}
	assert_non_null(strstr(err.text, "queue check"));
	assert_int_equal(probe(s), RESULT_TEMP);
	store_close(s);
	contract_dir_remove(&d);
}

static pthread_t opener;
static atomic_bool opened;

/* Whoever looks does so until the store is open. */
static int linger(void *arg)
{
	(void)arg;
	if (pthread_equal(pthread_self(), opener))
		return 0;
	for (int i = 0; i < WAITS_MAX && !opened; i++)
		usleep(WAIT_US);
	return 0;
}

static int slow_down(sqlite3 *db, char **err, const void *api)
{
	(void)err;
	(void)api;
	sqlite3_progress_handler(db, 10, linger, NULL);
	return SQLITE_OK;
}

/* Copies have no write-ahead log until somebody serves them, which needs the
 * file alone for a moment. */
static void a_copy_that_came_back_is_served(void **state)
{
	struct contract_dir d;
	struct store *s;

	(void)state;
	make_large(&d);
	contract_sql(d.path, "PRAGMA journal_mode = DELETE");
	opener = pthread_self();
	sqlite3_auto_extension((void (*)(void))slow_down);
	s = contract_open_url(d.url, STORE_SERVE);
	opened = true;
	sqlite3_reset_auto_extension();
	assert_int_equal(probe(s), RESULT_OK);
	store_close(s);
	contract_dir_remove(&d);
}

/* Nor does it matter when whoever looks is interrupted. */
static void a_whole_one_is_served_meanwhile(void **state)
{
	struct contract_dir d;
	struct error err;
	struct store *s;

	(void)state;
	make_large(&d);
	s = contract_open_url(d.url, STORE_SERVE);
	assert_int_equal(probe(s), RESULT_OK);
	assert_int_equal(store_watch(s, &err), RESULT_OK);
	store_close(s);
	contract_dir_remove(&d);
}

static void a_small_one_is_refused_at_once(void **state)
{
	struct contract_dir d;
	struct store *s;
	struct error err;

	(void)state;
	contract_dir_make(&d);
	store_close(contract_open_url(d.url, STORE_SERVE));
	damage(&d);
	assert_int_equal(store_open(&s, d.url, STORE_SERVE, CT_START, &err),
			 RESULT_PERM);
	assert_non_null(strstr(err.text, "damaged"));
	contract_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_found_meanwhile),
		cmocka_unit_test(a_whole_one_is_served_meanwhile),
		cmocka_unit_test(a_copy_that_came_back_is_served),
		cmocka_unit_test(a_small_one_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
