/*
 * `queue check`'s operation over SQLite: a store after an ordinary day is
 * sound; each way of breaking it is found, and told as what it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "contract.h"

/* Ann waits for a person, Bob's merge is under way, Cy is done. */
static void make_day(struct contract_dir *d)
{
	struct ct c = {.now_ms = CT_START};
	struct journal_entry e = ct_entry(11, 22);
	struct store_op op;
	struct job job;

	contract_dir_make(d);
	c.s = contract_open_url(d->url, STORE_SERVE);
	job = ct_running(&c, "ann");
	assert_true(ct_settle_review(&c, &job, 1, 2) > 0);
	ct_rest(&c, "cy", JOB_DONE);
	job = ct_running(&c, "bob");
	ct_intent_op(&c, &op, &job, &e);
	CT_DO(&c, &op);
	store_op_release(&op);
	job_release(&job);
	store_close(c.s);
}

static void check(const char *url, struct store_op *op)
{
	struct store *s = contract_open_url(url, STORE_READ);

	store_op_init(op, STORE_CHECK);
	op->u.check.now_ms = CT_START + MINUTE;
	op->u.check.grace_ms = CT_GRACE;
	assert_int_equal(store_do(s, op), RESULT_OK);
	store_close(s);
}

static void an_ordinary_day_is_sound(void **state)
{
	struct contract_dir d;
	struct store_op op;

	(void)state;
	make_day(&d);
	check(d.url, &op);
	assert_null(op.u.check.damage);
	assert_int_equal(op.u.check.count, 0);
	store_op_release(&op);
	contract_dir_remove(&d);
}

static const struct breakage {
	const char *sql;
	const char *what; /* how its finding begins */
	bool wrong;
} breakages[] = {
	{"UPDATE jobs SET lease_until_ms = 1 WHERE state = 1",
	 "jobs whose lease has ended", false},
	{"UPDATE jobs SET state = 0, run_at_ms = 9e12 WHERE state = 5",
	 "jobs that are due only far in the future", true},
	{"UPDATE jobs SET lease_until_ms = 9e12 WHERE state = 1",
	 "jobs that are due only far in the future", true},
	{"UPDATE locks SET until_ms = 9e12", "jobs that lock users far", true},
	{"UPDATE reviews SET journal_id = 999",
	 "open reviews whose entry of the journal is gone", true},
	{"INSERT INTO cursors(account, name, state, since_ms, due_ms,"
	 " lease_until_ms, started_ms) VALUES(1, 'users', 'going', 1, 1, 1, 1)",
	 "walks through users whose lease has ended", false},
	{"INSERT INTO cursors(account, name, state, since_ms, due_ms,"
	 " lease_until_ms, started_ms) VALUES(1, 'users', 'done', 1, 9e12, 0,"
	 " 1)",
	 "walks through users that are due", false},
	{"INSERT INTO cursors(account, name, state, since_ms, due_ms,"
	 " lease_until_ms, started_ms) VALUES(1, 'users', 'going', 1, 1, 9e12,"
	 " 1)",
	 "walks through users that are due", false},
	{"INSERT INTO jobs(account, person, state, lane, created_ms, run_at_ms,"
	 " deadline_ms, source) VALUES(7, 's:x', 5, 0, 1, 1, 1, 0)",
	 "rows of accounts", true},
	{"INSERT INTO events VALUES(7, x'01', 1, 0)", "events of accounts",
	 true},
	{"UPDATE jobs SET rests_on = NULL WHERE state = 3",
	 "jobs that wait for a review", true},
	{"UPDATE reviews SET state = 2", "jobs that wait for a review", true},
	{"DELETE FROM jobs WHERE state = 3", "open reviews whose job is gone",
	 true},
	{"UPDATE jobs SET state = 4, token = 0 WHERE state = 1",
	 "links under way whose job gave up", true},
	{"UPDATE jobs SET state = 5, token = 0 WHERE state = 1",
	 "links under way that no job", true},
	{"UPDATE locks SET job_id = 999, until_ms = 1", "locks that outlived",
	 false},
	{"INSERT INTO reservations(journal_id, account, at_ms)"
	 " VALUES(999, 1, 1)",
	 "places in the breaker", false},
	{"INSERT INTO aliases VALUES(1, 5, 6, 1), (1, 6, 7, 1)",
	 "merged users whose survivor", true},
	{"INSERT INTO aliases VALUES(1, 5, 6, 1);"
	 "INSERT INTO links VALUES(1, 'dee', 5, NULL, 1)",
	 "people remembered as linked", true},
	{"INSERT INTO aliases VALUES(1, 5, 6, 1);"
	 "INSERT INTO addresses VALUES(1, x'01', 5, 0, 1, 0, 1)",
	 "addresses of a user that was merged", true},
	{"UPDATE changes SET status = 'uncertain'",
	 "entries of the journal whose status", true},
	{"INSERT INTO changes VALUES(999, 1, 1, 'done')", "changes of entries",
	 false},
	{"INSERT INTO notes(account, job_id, journal_id, created_ms, due_ms)"
	 " VALUES(1, 1, 999, 1, 1)",
	 "notes for tickets", false},
};

static void every_breakage_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(breakages); i++) {
		const struct breakage *b = &breakages[i];
		const struct store_finding *f;
		struct contract_dir d;
		struct store_op op;

		make_day(&d);
		contract_sql(d.path, b->sql);
		check(d.url, &op);
		f = op.u.check.findings;
		if (op.u.check.count != 1 || !str_starts(f->what, b->what))
			fail_msg("%s: %zu findings, the first: %s", b->sql,
				 op.u.check.count,
				 op.u.check.count ? f->what : "-");
		assert_int_equal(f->wrong, b->wrong);
		assert_true(f->count > 0 && f->example > 0);
		assert_false(str_is_empty(f->mend));
		store_op_release(&op);
		contract_dir_remove(&d);
	}
}

/* An index that lacks a row: only the slow check sees it. */
static void a_damaged_file_is_told(void **state)
{
	struct contract_dir d;
	struct store_op op;

	(void)state;
	make_day(&d);
	contract_sql(d.path,
		     "PRAGMA writable_schema = ON;"
		     "UPDATE sqlite_master SET sql = replace(sql,"
		     " 'ON jobs(account, person)', 'ON jobs(person, account)')"
		     " WHERE name = 'jobs_person'");
	check(d.url, &op);
	assert_non_null(op.u.check.damage);
	assert_int_equal(op.u.check.count, 0);
	store_op_release(&op);
	contract_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ordinary_day_is_sound),
		cmocka_unit_test(every_breakage_is_found),
		cmocka_unit_test(a_damaged_file_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
