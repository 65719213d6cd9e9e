/*
 * Retention: every table has a rule, what is over goes when its time comes,
 * what is not over stays however old, batches are small, and the log does not
 * grow with them.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "base/str.h"
#include "contract.h"

#define MANY 100000
#define MIB  (1 << 20)

/* old: rows whose time has come; kept: rows that must stay. A table without
 * either is not pruned, because of what `why` says. */
static const struct rule {
	const char *table;
	const char *why;
	const char *old;
	const char *kept;
} rules[] = {
	{"meta", "one row", NULL, NULL},
	{"clocks", "three rows", NULL, NULL},
	{"commits", "a row a process, for a day", NULL, NULL},
	{"nodes", "beats remove those that are gone", NULL, NULL},
	{"stakes", "likewise", NULL, NULL},
	{"turns", "a row an account, and one", NULL, NULL},
	{"schema_version", "one row", NULL, NULL},
	{"accounts", "one row an account", NULL, NULL},
	{"rejected", "a person's decision", NULL, NULL},
	{"aliases", "a merge cannot be undone", NULL, NULL},
	{"cursors", "a few rows an account", NULL, NULL},
	{"backups", "a row a file that is there", NULL, NULL},
	{"reservations", "the next intent removes those of yesterday", NULL,
	 NULL},
	{"events", NULL, "INSERT INTO events VALUES(1, x'01', 1, 0)",
	 "INSERT INTO events VALUES(1, x'02', 9e15, 0)"},
	{"jobs", NULL,
	 "INSERT INTO jobs(id, account, person, state, lane, created_ms,"
	 " run_at_ms, deadline_ms, source) VALUES(1, 1, 's:a', 5, 0, 1, 1, 1,"
	 " 0), (2, 1, 's:b', 4, 0, 1, 1, 1, 0)",
	 /* not over; and gave up in the middle of a link */
	 "INSERT INTO jobs(id, account, person, state, lane, created_ms,"
	 " run_at_ms, deadline_ms, source) VALUES(3, 1, 's:c', 2, 0, 1, 1, 1,"
	 " 0), (4, 1, 's:d', 4, 0, 1, 1, 1, 0), (5, 1, 's:e', 3, 0, 1, 1, 1,"
	 " 0), (6, 1, 's:f', 5, 0, 1, 9e15, 1, 0)"},
	{"locks", NULL, "INSERT INTO locks VALUES(1, 7, 99, 1, 1)",
	 "INSERT INTO locks VALUES(1, 8, 3, 1, 1), (1, 9, 99, 1, 9e15)"},
	{"journal", NULL,
	 "INSERT INTO journal(id, account, at_ms, action, reason, reasons,"
	 " applied, status, evidence, source, job_id, api_calls) VALUES"
	 "(1, 1, 1, 'none', 'x', '', 0, 'done', 'none', 0, 1, 0),"
	 "(2, 1, 1, 'merge', 'x', '', 1, 'failed', 'none', 0, 2, 0)",
	 /* under way; asked */
	 "INSERT INTO journal(id, account, at_ms, action, reason, reasons,"
	 " applied, status, evidence, source, job_id, api_calls, before_image)"
	 " VALUES"
	 "(3, 1, 1, 'merge', 'x', '', 1, 'pending', 'none', 0, 4, 0, 'was'),"
	 "(4, 1, 1, 'merge', 'x', '', 1, 'uncertain', 'none', 0, 3, 0, 'was'),"
	 "(5, 1, 1, 'review', 'x', '', 0, 'done', 'none', 0, 5, 0, NULL),"
	 "(6, 1, 9e15, 'none', 'x', '', 0, 'done', 'none', 0, 6, 0, 'was')"},
	{"changes", NULL,
	 "INSERT INTO changes VALUES(1, 1, 1, 'pending'),"
	 " (1, 2, 1, 'done'), (2, 1, 1, 'failed')",
	 "INSERT INTO changes VALUES(3, 1, 1, 'pending'), (6, 1, 1, 'done')"},
	{"heard", "goes with its run", NULL, NULL},
	{"sunco_merges", NULL,
	 "INSERT INTO sunco_merges VALUES(1, 'a', 'b', 1)",
	 "INSERT INTO sunco_merges VALUES(1, 'c', 'd', 9e15)"},
	{"reviews", NULL,
	 "INSERT INTO reviews(id, account, state, job_id, journal_id, intended,"
	 " reasons, evidence, messaging_user_id, profile_id, address_hash,"
	 " facts_hash, created_ms, expires_ms, closed_ms) VALUES"
	 "(1, 1, 2, 1, 1, 'merge', '', 'none', 1, 2, x'01', x'01', 1, 1, 1)",
	 "INSERT INTO reviews(id, account, state, job_id, journal_id, intended,"
	 " reasons, evidence, messaging_user_id, profile_id, address_hash,"
	 " facts_hash, facts, created_ms, expires_ms, closed_ms) VALUES"
	 "(2, 1, 0, 5, 5, 'merge', '', 'none', 1, 2, x'01', x'01', 'as asked',"
	 " 1, 9e15, 0)"},
	{"links", NULL, "INSERT INTO links VALUES(1, 'a', 1, NULL, 1)",
	 "INSERT INTO links VALUES(1, 'b', 1, NULL, 9e15)"},
	{"addresses", NULL,
	 "INSERT INTO addresses VALUES(1, x'01', 1, 0, 1, 0, 1)",
	 "INSERT INTO addresses VALUES(1, x'02', 1, 0, 1, 0, 9e15)"},
	{"notes", NULL,
	 "INSERT INTO notes(account, job_id, journal_id, ticket_id, created_ms,"
	 " due_ms) VALUES(1, 1, 1, 5, 1, 1), (1, 1, 1, NULL, 1, 1)",
	 "INSERT INTO notes(account, job_id, journal_id, ticket_id, created_ms,"
	 " due_ms) VALUES(1, 6, 6, 5, 9e15, 1)"},
	{"tallies", NULL, "INSERT INTO tallies VALUES(1, 1, 'x', 1)",
	 "INSERT INTO tallies VALUES(1, 99999, 'x', 1)"},
	{"counted", NULL, "INSERT INTO counted VALUES(1, 'a', 1, 'x')",
	 "INSERT INTO counted VALUES(1, 'b', 99999, 'x')"},
	{"agent_merges", NULL, "INSERT INTO agent_merges VALUES(1, 1, 2, 1)",
	 "INSERT INTO agent_merges VALUES(1, 3, 4, 9e15)"},
};

static int64_t rows(const char *path, const char *table)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
	return contract_ask(path, sql);
}

static size_t prune(struct store *s, size_t max)
{
	struct store_op op;

	store_op_init(&op, STORE_PRUNE);
	op.u.prune = (struct store_prune){
		.events_before_ms = CT_START - DAY,
		.jobs_before_ms = CT_START - DAY,
		.journal_before_ms = CT_START - DAY,
		.images_before_ms = CT_START - DAY,
		.notes_before_ms = CT_START - DAY,
		.max = max,
	};
	assert_int_equal(store_do(s, &op), RESULT_OK);
	return op.u.prune.removed;
}

static void each_rule(const char *path, bool old)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *sql = old ? rules[i].old : rules[i].kept;

		if (sql)
			contract_sql(path, sql);
	}
}

static struct store *begin(struct contract_dir *d)
{
	struct store *s;

	contract_dir_make(d);
	s = contract_open_url(d->url, STORE_SERVE);
	contract_sql(d->path, "INSERT INTO accounts(id, name) VALUES(1, 'a')");
	return s;
}

/* A new table without a rule fails here. */
static void every_table_has_a_rule(void **state)
{
	struct contract_dir d;
	struct store *s = begin(&d);
	char sql[160];
	int64_t known = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		snprintf(sql, sizeof(sql),
			 "SELECT count(*) FROM sqlite_master"
			 " WHERE type = 'table' AND name = '%s'",
			 rules[i].table);
		known += contract_ask(d.path, sql);
		assert_true(!rules[i].why == (rules[i].old && rules[i].kept));
	}
	assert_int_equal(known, ARRAY_LEN(rules));
	assert_int_equal(contract_ask(d.path,
				      "SELECT count(*) FROM sqlite_master"
				      " WHERE type = 'table'"
				      " AND name <> 'sqlite_sequence'"),
			 known);
	store_close(s);
	contract_dir_remove(&d);
}

static void what_is_over_goes_and_the_rest_stays(void **state)
{
	int64_t before[ARRAY_LEN(rules)];
	struct contract_dir d;
	struct store *s = begin(&d);

	(void)state;
	each_rule(d.path, false);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		before[i] = rows(d.path, rules[i].table);
	each_rule(d.path, true);
	while (prune(s, 3) > 0)
		;
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (rows(d.path, rules[i].table) != before[i])
			fail_msg("%s: %lld rows, not %lld", rules[i].table,
				 (long long)rows(d.path, rules[i].table),
				 (long long)before[i]);
	assert_int_equal(contract_ask(d.path, "SELECT count(*) FROM journal"
					      " WHERE before_image = 'was'"),
			 3);
	store_close(s);
	contract_dir_remove(&d);
}

static int64_t all_rows(const char *path)
{
	int64_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (!rules[i].why)
			n += rows(path, rules[i].table);
	return n;
}

/* However it is spread: an entry brings its statuses along, the last one of a
 * batch all of them. */
static void a_batch_is_no_larger_than_it_may_be(void **state)
{
	struct contract_dir d;
	struct store *s = begin(&d);
	int64_t before, after;
	size_t removed;

	(void)state;
	each_rule(d.path, true);
	contract_sql(d.path, "DELETE FROM locks; DELETE FROM tallies");
	before = all_rows(d.path);
	assert_true(before > 12);
	do {
		removed = prune(s, 4);
		after = all_rows(d.path);
		assert_true(before - after <= 4 + 2);
		before = after;
	} while (removed > 0);
	assert_int_equal(after, 0);
	store_close(s);
	contract_dir_remove(&d);
}

static void accept_one(struct store *s, int n)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "p");
	struct store_op op;

	snprintf(e.sunco_id, sizeof(e.sunco_id), "p%d", n);
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = "a";
	op.u.accept.events = &e;
	op.u.accept.count = 1;
	op.u.accept.now_ms = CT_START;
	op.u.accept.wait_ms = CT_WAIT;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	assert_int_equal(op.u.accept.accepted, 1);
}

/* A store that was never pruned: events go in between the batches, and the
 * log starts over again and again instead of growing. */
static void a_long_backlog_is_in_nobodys_way(void **state)
{
	struct contract_dir d;
	struct store *s = begin(&d), *reader;
	char name[160];
	struct stat st;
	off_t largest = 0;
	int batches = 0;

	(void)state;
	contract_sql(
		d.path,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
		" SELECT i + 1 FROM n WHERE i < 100000)"
		" INSERT INTO events SELECT 1, randomblob(13), i, 0 FROM n;"
		"PRAGMA wal_checkpoint(TRUNCATE)");
	reader = contract_open_url(d.url, STORE_READ);
	snprintf(name, sizeof(name), "%s-wal", d.path);
	while (prune(s, 500) == 500) {
		accept_one(s, batches);
		if (++batches % 10 == 0)
			assert_true(store_checkpoint(reader) >= 0);
		assert_int_equal(stat(name, &st), 0);
		largest = st.st_size > largest ? st.st_size : largest;
	}
	assert_int_equal(batches, MANY / 500);
	assert_int_equal(rows(d.path, "events"), batches);
	assert_true(largest < 72 * MIB);
	store_close(reader);
	store_close(s);
	contract_dir_remove(&d);
}

/* Copies hold what the store held; what was saved is a person's to decide. */
static void copies_have_their_time_too(void **state)
{
	static const char *const endings[] = {".schema-1", ".schema-2",
					      ".rescued-1", ".schema"};
	const time_t old = (CT_START - 2 * DAY) / 1000, new = CT_START / 1000;
	struct contract_dir d;
	struct store *s = begin(&d);
	struct store_copy *copies;
	char name[160];
	size_t count;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		FILE *f;

		snprintf(name, sizeof(name), "%s%s", d.path, endings[i]);
		f = fopen(name, "w");
		assert_non_null(f);
		fclose(f);
		assert_int_equal(
			utime(name, &(struct utimbuf){i == 1 ? new : old,
						      i == 1 ? new : old}),
			0);
	}
	assert_int_equal(prune(s, 10), 0);
	count = store_copies(d.url, &copies);
	assert_int_equal(count, 2); /* .schema is not ours */
	for (size_t i = 0; i < count; i++) {
		assert_true(copies[i].rescued ||
			    strstr(copies[i].name, ".schema-2"));
		free(copies[i].name);
	}
	free(copies);
	store_close(s);
	contract_dir_remove(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_table_has_a_rule),
		cmocka_unit_test(what_is_over_goes_and_the_rest_stays),
		cmocka_unit_test(a_batch_is_no_larger_than_it_may_be),
		cmocka_unit_test(a_long_backlog_is_in_nobodys_way),
		cmocka_unit_test(copies_have_their_time_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
