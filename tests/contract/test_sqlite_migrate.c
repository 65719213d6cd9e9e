/*
 * A store of an earlier version: opened by the daemon it becomes today's, and
 * what it holds stays. What only reads refuses it until then.
 */

#include <sqlite3.h>

#include "contract.h"

static void sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static enum result pause_account(struct store *s)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = true;
	op.u.account.by = "maria";
	op.u.account.paused = true;
	r = store_do(s, &op);
	store_op_release(&op);
	return r;
}

static bool is_paused(struct store *s)
{
	struct store_op op;
	bool paused;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	paused = op.u.account.is_paused;
	store_op_release(&op);
	return paused;
}

static void the_first_schema_becomes_todays(void **state)
{
	struct contract_dir d;
	struct store *s;
	struct error err;

	(void)state;
	contract_dir_make(&d);
	s = contract_open_url(d.url, STORE_SERVE);
	assert_int_equal(pause_account(s), RESULT_OK);
	store_close(s);
	sql(d.path, "ALTER TABLE jobs DROP COLUMN looked_ms;"
		    "DROP TABLE addresses; DROP TABLE notes;"
		    "DROP TABLE tallies;"
		    "ALTER TABLE accounts DROP COLUMN breaker_since_ms;"
		    "ALTER TABLE accounts DROP COLUMN paused_ms;"
		    "ALTER TABLE accounts DROP COLUMN paused_by;"
		    "ALTER TABLE accounts DROP COLUMN paused_why;"
		    "ALTER TABLE journal DROP COLUMN linked;"
		    "ALTER TABLE journal DROP COLUMN outcome;"
		    "ALTER TABLE journal DROP COLUMN outcome_ms;"
		    "UPDATE schema_version SET version = 1");
	assert_int_equal(store_open(&s, d.url, STORE_READ, CT_START, &err),
			 RESULT_PERM);
	s = contract_open_url(d.url, STORE_SERVE);
	assert_true(is_paused(s));
	store_close(s);
	s = contract_open_url(d.url, STORE_READ);
	assert_true(is_paused(s));
	store_close(s);
	contract_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_schema_becomes_todays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
