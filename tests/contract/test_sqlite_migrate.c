/*
 * A store of an earlier version: opened by the daemon it becomes today's, and
 * what it holds stays. What only reads refuses it until then.
 */

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/store/migrate.h"
#include "contract.h"

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

/* A store as the first version left it, with a paused account. */
static void make_first(struct contract_dir *d)
{
	struct store *s;

	contract_dir_make(d);
	s = contract_open_url(d->url, STORE_SERVE);
	assert_int_equal(pause_account(s), RESULT_OK);
	store_close(s);
	contract_sql(d->path,
		     "ALTER TABLE jobs DROP COLUMN looked_ms;"
		     "DROP INDEX jobs_moves;"
		     "ALTER TABLE jobs DROP COLUMN moves_to;"
		     "DROP TABLE addresses; DROP TABLE notes;"
		     "DROP TABLE tallies; DROP TABLE counted;"
		     "DROP TABLE agent_merges;"
		     "DROP TABLE cursors; DROP TABLE changes;"
		     "DROP TABLE heard; DROP TABLE sunco_merges;"
		     "INSERT INTO meta SELECT name, ms FROM clocks;"
		     "DROP TABLE clocks; DROP TABLE commits;"
		     "DROP TABLE backups;"
		     "DROP TABLE nodes; DROP TABLE stakes; DROP TABLE turns;"
		     "ALTER TABLE accounts DROP COLUMN hold_node;"
		     "ALTER TABLE jobs DROP COLUMN told_sunco_ms;"
		     "ALTER TABLE jobs DROP COLUMN told_zendesk_ms;"
		     "ALTER TABLE jobs DROP COLUMN read_ms;"
		     "ALTER TABLE jobs DROP COLUMN heard;"
		     "ALTER TABLE jobs DROP COLUMN named;"
		     "DROP INDEX journal_outcome;"
		     "DROP INDEX journal_would;"
		     "ALTER TABLE journal DROP COLUMN outcome_user;"
		     "ALTER TABLE accounts DROP COLUMN hold_api;"
		     "ALTER TABLE accounts DROP COLUMN hold_text;"
		     "ALTER TABLE accounts DROP COLUMN hold_ms;"
		     "ALTER TABLE accounts DROP COLUMN breaker_since_ms;"
		     "ALTER TABLE accounts DROP COLUMN paused_ms;"
		     "ALTER TABLE accounts DROP COLUMN paused_by;"
		     "ALTER TABLE accounts DROP COLUMN paused_why;"
		     "ALTER TABLE journal DROP COLUMN linked;"
		     "ALTER TABLE journal DROP COLUMN outcome;"
		     "ALTER TABLE journal DROP COLUMN outcome_ms;"
		     "ALTER TABLE journal DROP COLUMN review_id;"
		     "ALTER TABLE reviews DROP COLUMN pin;"
		     "DROP INDEX rejected_profile;"
		     "CREATE INDEX events_received"
		     " ON events(account, received_ms) ;"
		     "UPDATE schema_version SET version = 1");
}

static void copy_name(const struct contract_dir *d, char *out, size_t size)
{
	assert_true(snprintf(out, size, "%s.schema-1", d->path) < (int)size);
}

static void the_first_schema_becomes_todays(void **state)
{
	struct contract_dir d;
	struct store *s;
	struct error err;

	(void)state;
	make_first(&d);
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

/* Nobody but the owner may read it, it is whole, and it is of the schema
 * that was. */
static void a_copy_is_kept_of_what_was(void **state)
{
	struct contract_dir d;
	char name[160], url[192];
	struct stat st;
	struct store *s;
	struct error err;

	(void)state;
	make_first(&d);
	copy_name(&d, name, sizeof(name));
	assert_int_not_equal(stat(name, &st), 0);
	store_close(contract_open_url(d.url, STORE_SERVE));
	assert_int_equal(stat(name, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	(void)snprintf(url, sizeof(url), "sqlite:%s", name);
	assert_int_equal(store_open(&s, url, STORE_READ, CT_START, &err),
			 RESULT_PERM);
	assert_non_null(strstr(err.text, "schema is 1,"));
	s = contract_open_url(url, STORE_SERVE);
	assert_true(is_paused(s));
	store_close(s);
	contract_dir_remove(&d);
}

/* There is no way back without the copy, so there is no way on either. */
static void without_a_copy_nothing_changes(void **state)
{
	struct contract_dir d;
	char name[160];
	struct store *s;
	struct error err;

	(void)state;
	make_first(&d);
	copy_name(&d, name, sizeof(name));
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(store_open(&s, d.url, STORE_SERVE, CT_START, &err),
			 RESULT_PERM);
	assert_non_null(strstr(err.text, "cannot keep"));
	assert_int_equal(rmdir(name), 0);
	s = contract_open_url(d.url, STORE_SERVE);
	assert_true(is_paused(s));
	store_close(s);
	contract_dir_remove(&d);
}

static void a_store_of_today_is_not_copied(void **state)
{
	struct contract_dir d;
	char name[160];
	struct stat st;

	(void)state;
	contract_dir_make(&d);
	store_close(contract_open_url(d.url, STORE_SERVE));
	store_close(contract_open_url(d.url, STORE_SERVE));
	(void)snprintf(name, sizeof(name), "%s.schema-%d", d.path,
		       migrate_newest());
	assert_int_not_equal(stat(name, &st), 0);
	contract_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_kept_of_what_was),
		cmocka_unit_test(without_a_copy_nothing_changes),
		cmocka_unit_test(a_store_of_today_is_not_copied),
		cmocka_unit_test(the_first_schema_becomes_todays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
