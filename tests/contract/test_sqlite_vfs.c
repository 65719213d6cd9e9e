/*
 * How the files of a store are written: few pieces of the log, never much of the
 * database at once, and what a sync of it that fails must not lose. The disk
 * under it counts, and fails where a test says so; at any moment it does in
 * test_power.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/store/sqlite_db.h"
#include "base/str.h"
#include "power_vfs.h"

#define MANY	      256
#define ROUNDS	      8
#define PAGE	      4096
#define BLOCKS_A_SYNC 66 /* 256 KiB, and where pages are */

struct shop {
	struct contract_dir dir;
	struct store *writer;
	struct store *reader;
	int next;
};

static int shop_open(void **state)
{
	struct shop *s = xcalloc(1, sizeof(*s));

	contract_dir_make(&s->dir);
	power_on(1);
	s->writer = contract_open_url(s->dir.url, STORE_SERVE);
	s->reader = contract_open_url(s->dir.url, STORE_READ);
	*state = s;
	return 0;
}

static int shop_close(void **state)
{
	struct shop *s = *state;

	store_close(s->reader);
	store_close(s->writer);
	power_off();
	contract_dir_remove(&s->dir);
	free(s);
	return 0;
}

/* Keys in no order, so that many pages change. */
static struct event event_of(int n)
{
	struct event e = {.kind = EVENT_CONVERSATION_CREATE, .key.len = 4};
	uint32_t mixed = (uint32_t)n * 2654435761u;

	memcpy(e.key.bytes, &mixed, sizeof(mixed));
	snprintf(e.sunco_id, sizeof(e.sunco_id), "p%08x", mixed);
	return e;
}

static void accept_some(struct shop *s, int count)
{
	struct store_op op[MANY], *ops[MANY];
	struct event events[MANY];

	for (int i = 0; i < count; i++) {
		events[i] = event_of(s->next++);
		ct_accept_op(&op[i], &events[i], CT_START);
		ops[i] = &op[i];
	}
	store_run(s->writer, ops, (size_t)count);
	for (int i = 0; i < count; i++)
		assert_int_equal(op[i].u.accept.accepted, 1);
}

static void accept_many(struct shop *s)
{
	accept_some(s, MANY);
}

/* SQLite alone writes twice a page. */
static void a_commit_is_written_in_few_pieces(void **state)
{
	struct shop *s = *state;
	int64_t bytes;
	long calls;

	for (int i = 0; i < ROUNDS; i++)
		accept_many(s);
	bytes = store_log_bytes(s->writer);
	calls = power.calls;
	accept_many(s);
	bytes = store_log_bytes(s->writer) - bytes;
	calls = power.calls - calls;
	assert_true(bytes > 20 * PAGE);
	/* a piece is 124 KiB at most, and one call is the sync */
	assert_true(calls <= bytes / (100 << 10) + 2);
}

static void the_database_is_synced_little_by_little(void **state)
{
	struct shop *s = *state;

	for (int i = 0; i < ROUNDS; i++)
		accept_many(s);
	power.most_synced = 0;
	assert_true(store_checkpoint(s->reader) > BLOCKS_A_SYNC * PAGE);
	assert_true(power.most_synced > 0);
	assert_true(power.most_synced <= BLOCKS_A_SYNC);
}

static int64_t number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return n;
}

static void run(sqlite3 *db, const char *sql)
{
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* Somebody reads: the last pages are not moved. */
static void pass_in_part(struct shop *s, sqlite3 *other, bool fails)
{
	accept_many(s);
	assert_int_equal(store_checkpoint(s->reader),
			 store_log_bytes(s->writer));
	accept_many(s);
	run(other, "BEGIN; SELECT count(*) FROM events");
	accept_some(s, 1);
	power.fail_database_syncs = fails;
	(void)store_checkpoint(s->reader);
	power.fail_database_syncs = false;
}

/* As after a power failure. */
static void check_all_are_there(const struct shop *s, int count)
{
	struct contract_dir after;
	struct store *image;
	struct store_op op;
	struct event e;

	contract_dir_make(&after);
	power_image(s->dir.path, after.path);
	image = contract_open_url(after.url, STORE_SERVE);
	for (int i = 0; i < count; i++) {
		e = event_of(i);
		ct_accept_op(&op, &e, CT_START);
		assert_int_equal(store_do(image, &op), RESULT_OK);
		assert_int_equal(op.u.accept.duplicate, 1);
	}
	store_close(image);
	contract_dir_remove(&after);
}

/* Whoever began after a short pass reads its pages from the database, whose next
 * sync fails and loses what was not synced. */
static void a_transaction_beside_it_reads_what_was_committed(void **state)
{
	struct shop *s = *state;
	sqlite3 *other, *db;

	assert_int_equal(sqlite3_open(s->dir.path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_open(s->dir.path, &db), SQLITE_OK);
	pass_in_part(s, other, false);
	run(db, "BEGIN IMMEDIATE");
	run(other, "COMMIT");
	power.fail_database_syncs = true;
	(void)store_checkpoint(s->reader);
	power.fail_database_syncs = false;
	run(db, "UPDATE jobs SET gen = gen + 1; COMMIT");
	assert_int_equal(number(db, "SELECT count(*) FROM jobs"), s->next);
	sqlite3_close(db);
	sqlite3_close(other);
	assert_true(store_checkpoint(s->reader) > 0);
	accept_many(s);
	check_all_are_there(s, s->next);
}

/* It loses what it was to write, and the next one succeeds without it: the
 * pages of a pass before it, too, which somebody who reads made a short one. */
static void a_sync_of_the_database_that_fails_loses_nothing(void **state)
{
	struct shop *s = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(s->dir.path, &other), SQLITE_OK);
	pass_in_part(s, other, false);
	run(other, "COMMIT");
	power.fail_database_syncs = true;
	assert_int_equal(store_checkpoint(s->reader), -1);
	power.fail_database_syncs = false;
	assert_int_equal(store_checkpoint(s->reader),
			 store_log_bytes(s->writer));
	accept_many(s); /* the log begins anew */
	sqlite3_close(other);
	check_all_are_there(s, s->next);
}

/* SQLite does not learn that it failed. */
static void a_short_pass_that_fails_does_not_count(void **state)
{
	struct shop *s = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(s->dir.path, &other), SQLITE_OK);
	pass_in_part(s, other, true);
	run(other, "COMMIT");
	sqlite3_close(other);
	assert_int_equal(store_checkpoint(s->reader),
			 store_log_bytes(s->writer));
	accept_many(s);
	check_all_are_there(s, s->next);
}

#define FILL(from, count)                                                      \
	"WITH RECURSIVE n(i) AS (SELECT " from " UNION ALL SELECT i + 1"       \
	" FROM n WHERE i < " from " + " count " - 1)"                          \
	" INSERT INTO big SELECT i, randomblob(2000) FROM n"

static bool commit(sqlite3 *db)
{
	struct sq_gather g = {0};
	int rc;

	sq_gather_begin(&g);
	rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	sq_gather_end(&g, rc == SQLITE_OK);
	free(g.bytes);
	return rc == SQLITE_OK;
}

/* Ours, and another program's. */
static void open_two(const struct shop *s, sqlite3 **ours, sqlite3 **other)
{
	assert_int_equal(sqlite3_open_v2(s->dir.path, ours,
					 SQLITE_OPEN_READWRITE, sq_vfs()),
			 SQLITE_OK);
	assert_int_equal(sqlite3_open(s->dir.path, other), SQLITE_OK);
	run(*ours, "CREATE TABLE big(i INTEGER, value BLOB);"
		   "PRAGMA cache_size = 10");
}

static void close_two(sqlite3 *ours, sqlite3 *other, int64_t rows)
{
	sqlite3 *const both[] = {ours, other};

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		assert_int_equal(number(both[i], "SELECT count(*) FROM big"),
				 rows);
		assert_int_equal(number(both[i],
					"SELECT count(*) FROM"
					" pragma_integrity_check"
					" WHERE integrity_check <> 'ok'"),
				 0);
		sqlite3_close(both[i]);
	}
}

/* What does not fit into the cache goes into the log before its commit, and is
 * read from there; when it is taken back, others write there. */
static void a_transaction_larger_than_the_cache(void **state)
{
	struct shop *s = *state;
	struct contract_dir after;
	sqlite3 *db, *other;

	open_two(s, &db, &other);
	run(db, "CREATE TABLE small(v BLOB)");
	run(db, FILL("1000", "100"));
	run(other, "INSERT INTO small SELECT value FROM big;"
		   "PRAGMA wal_checkpoint(TRUNCATE)");
	run(db, "BEGIN IMMEDIATE; UPDATE big SET value = zeroblob(2000)");
	assert_int_equal(number(db, "SELECT count(*) FROM big"
				    " WHERE value = zeroblob(2000)"),
			 100);
	run(db, "ROLLBACK; BEGIN IMMEDIATE;"
		"UPDATE big SET value = zeroblob(2000); ROLLBACK");
	run(other, "UPDATE small SET v = zeroblob(2000)");
	assert_int_equal(number(db, "SELECT count(*) FROM big"
				    " WHERE value = zeroblob(2000)"),
			 0);
	assert_int_equal(number(db, "SELECT count(*) FROM small"
				    " WHERE v = zeroblob(2000)"),
			 100);
	run(db, "BEGIN IMMEDIATE; UPDATE big SET i = 7 WHERE i = 1000");
	assert_true(commit(db));
	contract_dir_make(&after);
	power_image(s->dir.path, after.path);
	close_two(db, other, 100);
	assert_int_equal(sqlite3_open(after.path, &db), SQLITE_OK);
	assert_int_equal(number(db, "SELECT count(*) FROM small"
				    " WHERE v = zeroblob(2000)"),
			 100);
	assert_int_equal(number(db, "SELECT count(*) FROM big WHERE i = 7"), 1);
	sqlite3_close(db);
	contract_dir_remove(&after);
}

/* What it had handed over must not be written over what others commit. */
static void a_commit_that_fails_leaves_nothing(void **state)
{
	sqlite3 *db, *other;

	open_two(*state, &db, &other);
	run(db, "PRAGMA cache_size = 1000");
	for (int i = 0; i < 10; i++) {
		run(db, "BEGIN IMMEDIATE");
		run(db, FILL("1000", "20"));
		power.fail_one_in = 1;
		assert_false(commit(db));
		power.fail_one_in = 0;
		assert_true(sqlite3_get_autocommit(db));
		run(other, FILL("3000", "20"));
		run(db, "BEGIN IMMEDIATE");
		run(db, FILL("5000", "5"));
		assert_true(commit(db));
	}
	close_two(db, other, 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_commit_is_written_in_few_pieces, shop_open,
			shop_close),
		cmocka_unit_test_setup_teardown(
			the_database_is_synced_little_by_little, shop_open,
			shop_close),
		cmocka_unit_test_setup_teardown(
			a_transaction_beside_it_reads_what_was_committed,
			shop_open, shop_close),
		cmocka_unit_test_setup_teardown(
			a_short_pass_that_fails_does_not_count, shop_open,
			shop_close),
		cmocka_unit_test_setup_teardown(
			a_sync_of_the_database_that_fails_loses_nothing,
			shop_open, shop_close),
		cmocka_unit_test_setup_teardown(
			a_transaction_larger_than_the_cache, shop_open,
			shop_close),
		cmocka_unit_test_setup_teardown(
			a_commit_that_fails_leaves_nothing, shop_open,
			shop_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
