/*
 * What a job costs its store does not grow with the queue: instructions of
 * SQLite's machine, and rows written, are counted, never time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../../src/store/db.h"
#include "base/str.h"
#include "contract.h"

#define SHORT  200
#define LONG   8000
#define BATCH  256
#define CLAIMS 16
/* Which a look has to look at, whatever is in it. */
#define ANOTHER_ACCOUNT 100

/* Of the store that was opened last: there is one at a time. */
static sqlite3 *handle;
static int64_t steps;

static int on_step(void *arg)
{
	(void)arg;
	steps++;
	return 0;
}

static int on_open(sqlite3 *db, char **error,
		   const struct sqlite3_api_routines *api)
{
	(void)error;
	(void)api;
	handle = db;
	sqlite3_progress_handler(db, 1, on_step, NULL);
	return SQLITE_OK;
}

struct place {
	struct contract_dir dir;
	struct ct ct;
};

static void place_open(struct place *p)
{
	contract_dir_make(&p->dir);
	p->ct = (struct ct){.now_ms = CT_START};
	p->ct.s = contract_open_at(p->dir.url, STORE_SERVE, CT_START);
}

static void place_close(struct place *p)
{
	store_close(p->ct.s);
	contract_dir_remove(&p->dir);
}

static struct event person(int n)
{
	char id[SUNCO_ID_SIZE];

	snprintf(id, sizeof(id), "p%06d", n);
	return ct_event(EVENT_CONVERSATION_CREATE, id);
}

static void accept_op(const struct ct *c, const struct event *e,
		      struct store_op *op)
{
	store_op_init(op, STORE_ACCEPT);
	op->u.accept = (struct store_accept){
		.account = CT_ACCOUNT,
		.events = e,
		.count = 1,
		.now_ms = c->now_ms,
		.wait_ms = CT_WAIT,
		.recheck_ms = 7 * DAY,
	};
}

/* So many people wait, from this one on. */
static void fill(struct ct *c, int from, int count)
{
	static struct event events[BATCH];
	static struct store_op ops[BATCH];
	struct store_op *list[BATCH];

	for (int n = 0; n < count; n += BATCH) {
		int some = count - n < BATCH ? count - n : BATCH;

		for (int i = 0; i < some; i++) {
			c->now_ms++;
			events[i] = person(from + n + i);
			accept_op(c, &events[i], &ops[i]);
			list[i] = &ops[i];
		}
		store_run(c->s, list, (size_t)some);
		for (int i = 0; i < some; i++)
			assert_int_equal(ops[i].result, RESULT_OK);
	}
}

/* --- what each part of a job's life costs --- */

struct cost {
	int64_t accept;
	int64_t claim;
	int64_t extend;
	int64_t settle;
	int64_t look;
};

static int64_t cost_of(struct ct *c, struct store_op *op)
{
	int64_t before = steps;

	CT_DO(c, op);
	return steps - before;
}

static int64_t accept_cost(struct ct *c)
{
	struct event e = person(999999);
	struct store_op op;

	accept_op(c, &e, &op);
	return cost_of(c, &op);
}

static int64_t look_cost(struct ct *c)
{
	struct store_op op;
	int64_t cost;

	store_op_init(&op, STORE_LOOK);
	op.u.look.until_ms = c->now_ms;
	cost = cost_of(c, &op);
	store_op_release(&op);
	return cost;
}

static int64_t extend_cost(struct ct *c, const struct job *job)
{
	struct store_lease lease = {.job_id = job->id, .token = job->token};
	struct store_op op;

	store_op_init(&op, STORE_EXTEND);
	op.u.extend = (struct store_extend){
		.leases = &lease, .count = 1, .until_ms = c->now_ms + MINUTE};
	return cost_of(c, &op);
}

static int64_t settle_cost(struct ct *c, const struct job *job)
{
	struct journal_entry entry = ct_entry(11, 22);
	struct store_op op;

	ct_settle_op(c, &op, job, JOB_DONE);
	op.u.settle.entry = &entry;
	return cost_of(c, &op);
}

/* Once to make statements, and once to count. */
static struct cost costs_of(struct ct *c)
{
	struct cost cost = {0};

	for (int i = 0; i < 2; i++) {
		struct store_op op;

		ct_claim_op(c, &op, CLAIMS);
		cost.claim = cost_of(c, &op);
		assert_int_equal(op.u.claim.count, CLAIMS);
		cost.extend = extend_cost(c, &op.u.claim.jobs[0]);
		cost.settle = settle_cost(c, &op.u.claim.jobs[0]);
		for (size_t k = 1; k < CLAIMS; k++)
			ct_settle(c, &op.u.claim.jobs[k], JOB_DONE);
		store_op_release(&op);
		cost.look = look_cost(c);
	}
	cost.accept = accept_cost(c);
	return cost;
}

/* A search in a taller tree is one instruction all the same. */
static void assert_alike(const char *what, int64_t few, int64_t many)
{
	if (many > few + few / 20 + ANOTHER_ACCOUNT)
		fail_msg("%s: %ld steps, %ld with a long queue", what,
			 (long)few, (long)many);
}

/* With SHORT people who wait, and others. */
static struct cost costs_beside(int others, const char *make_them)
{
	struct place p;
	struct cost cost;

	place_open(&p);
	fill(&p.ct, 0, others);
	if (make_them != NULL)
		assert_int_equal(
			sqlite3_exec(handle, make_them, NULL, NULL, NULL),
			SQLITE_OK);
	fill(&p.ct, others, SHORT);
	cost = costs_of(&p.ct);
	place_close(&p);
	return cost;
}

static void assert_costs_alike(const char *make_them)
{
	struct cost few = costs_beside(0, NULL);
	struct cost many = costs_beside(LONG, make_them);

	assert_true(few.claim > 100 && few.settle > 100);
	assert_alike("accept", few.accept, many.accept);
	assert_alike("claim", few.claim, many.claim);
	assert_alike("extend", few.extend, many.extend);
	assert_alike("settle", few.settle, many.settle);
	assert_alike("look", few.look, many.look);
}

static void a_job_costs_the_same_in_a_long_queue(void **state)
{
	(void)state;
	assert_costs_alike(NULL);
}

static void what_waits_for_its_time_costs_nothing(void **state)
{
	(void)state;
	assert_costs_alike("UPDATE jobs SET state = 2,"
			   " run_at_ms = run_at_ms + 86400000");
}

static void what_was_done_before_costs_nothing(void **state)
{
	(void)state;
	assert_costs_alike("UPDATE jobs SET state = 5");
}

/* One that is paused, say. */
static void another_accounts_queue_costs_nothing(void **state)
{
	(void)state;
	assert_costs_alike("INSERT INTO accounts(name, paused)"
			   " VALUES('other', 0); UPDATE jobs SET account ="
			   " (SELECT id FROM accounts WHERE name = 'other')");
}

/* --- somebody who is known to be linked --- */

static void who_is_known_costs_one_row(void **state)
{
	struct event e = person(1);
	struct store_op op;
	struct place p;
	int before;

	(void)state;
	place_open(&p);
	ct_link(&p.ct, e.sunco_id, 11, 1);
	e.print.known = true;
	memset(e.print.hash, 1, sizeof(e.print.hash));
	accept_op(&p.ct, &e, &op);
	before = sqlite3_total_changes(handle);
	CT_DO(&p.ct, &op);
	assert_int_equal(op.u.accept.known, 1);
	assert_int_equal(sqlite3_total_changes(handle) - before, 1);
	place_close(&p);
}

/* --- the end of a link --- */

/* Whether the statement writes to this table or index. */
static bool writes_to(const char *sql, const char *name)
{
	char text[2048];
	sqlite3_stmt *st;
	int64_t root;
	bool writes = false;

	snprintf(text, sizeof(text),
		 "SELECT rootpage FROM sqlite_master WHERE name = '%s'", name);
	assert_int_equal(sqlite3_prepare_v2(handle, text, -1, &st, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	root = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	snprintf(text, sizeof(text), "EXPLAIN %s", sql);
	assert_int_equal(sqlite3_prepare_v2(handle, text, -1, &st, NULL),
			 SQLITE_OK);
	while (sqlite3_step(st) == SQLITE_ROW)
		writes = writes ||
			 (strcmp((const char *)sqlite3_column_text(st, 1),
				 "OpenWrite") == 0 &&
			  sqlite3_column_int64(st, 3) == root);
	sqlite3_finalize(st);
	return writes;
}

/* Every index that is written is another page of the log. */
static void an_entry_is_finished_in_few_indexes(void **state)
{
	static const char *const others[] = {"journal_at",    "journal_job",
					     "journal_user",  "journal_profile",
					     "journal_sunco", "journal_image"};
	const char *finish = sql_texts[SQL_JOURNAL_FINISH];
	struct place p;

	(void)state;
	place_open(&p);
	assert_true(writes_to(finish, "journal"));
	assert_true(writes_to(finish, "journal_open"));
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_false(writes_to(finish, others[i]));
	place_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_costs_the_same_in_a_long_queue),
		cmocka_unit_test(what_waits_for_its_time_costs_nothing),
		cmocka_unit_test(what_was_done_before_costs_nothing),
		cmocka_unit_test(another_accounts_queue_costs_nothing),
		cmocka_unit_test(who_is_known_costs_one_row),
		cmocka_unit_test(an_entry_is_finished_in_few_indexes),
	};

	(void)sqlite3_auto_extension((void (*)(void))on_open);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
