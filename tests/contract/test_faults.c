/*
 * Torture: one scripted day of a store, with the Nth call into the backend
 * failing, for N = 1, 2, 3 ... until the day passes without a fault. The
 * script repeats what was not acknowledged, as providers and the daemon do.
 * Afterwards nothing acknowledged is lost and nothing is there twice.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend_fault.h"
#include "base/str.h"

#define BATCH 8

struct day {
	struct contract_dir dir;
	struct fault *fault;
	struct ct c;
	struct store_op ops[BATCH];
	size_t count;
	struct store_lease lease;
	struct job jobs[4]; /* ann, bob, cy, the ticket's */
	struct event events[6];
	int64_t entry;
	int64_t review;
};

/* Repeats what was refused for the moment, in order, a few times. */
static void run_batch(struct day *d)
{
	struct store_op *left[BATCH];
	size_t n = d->count, i, kept;
	int round;

	for (i = 0; i < n; i++)
		left[i] = &d->ops[i];
	for (round = 0; n > 0; round++) {
		assert_true(round < 10);
		store_run(d->c.s, left, n);
		for (i = 0, kept = 0; i < n; i++) {
			if (left[i]->result == RESULT_TEMP)
				left[kept++] = left[i];
			else
				assert_int_equal(left[i]->result, RESULT_OK);
		}
		n = kept;
	}
	d->count = 0;
}

static struct store_op *add(struct day *d, enum store_op_kind kind)
{
	struct store_op *op = &d->ops[d->count++];

	store_op_init(op, kind);
	return op;
}

static void add_accept(struct day *d, struct event *e)
{
	struct store_op *op = add(d, STORE_ACCEPT);

	op->u.accept.account = CT_ACCOUNT;
	op->u.accept.events = e;
	op->u.accept.count = 1;
	op->u.accept.now_ms = d->c.now_ms;
	op->u.accept.wait_ms = CT_WAIT;
	op->u.accept.recheck_ms = DAY;
}

static void intake(struct day *d)
{
	size_t i;

	d->events[0] = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	d->events[1] = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	d->events[2] = ct_event(EVENT_CONVERSATION_CREATE, "cy");
	d->events[3] = ct_ticket(4711, 5);
	for (i = 0; i < 4; i++)
		add_accept(d, &d->events[i]);
	run_batch(d);
	for (i = 0; i < 4; i++) {
		assert_int_equal(d->ops[i].u.accept.accepted, 1);
		assert_int_equal(d->ops[i].u.accept.woken, 1);
	}
}

/* Who was accepted late is claimed late, so: by name. */
static void keep_job(struct day *d, const struct job *job)
{
	static const char *const people[] = {"s:ann", "s:bob", "s:cy",
					     "z:4711"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(people); i++) {
		if (strcmp(people[i], job->person) == 0)
			job_copy(&d->jobs[i], job);
	}
}

static void claim(struct day *d)
{
	struct store_op *op = &d->ops[d->count++];
	size_t i;

	ct_claim_op(&d->c, op, 10);
	run_batch(d);
	assert_int_equal(op->u.claim.count, 4);
	for (i = 0; i < 4; i++)
		keep_job(d, &op->u.claim.jobs[i]);
	store_op_release(op);
}

static void start_work(struct day *d)
{
	struct journal_entry e = ct_entry(11, 12);
	struct store_op *op = add(d, STORE_FOLD);

	op->u.fold.job_id = d->jobs[3].id;
	op->u.fold.token = d->jobs[3].token;
	op->u.fold.sunco_id = "dan";
	op->u.fold.now_ms = d->c.now_ms;
	ct_intent_op(&d->c, &d->ops[d->count++], &d->jobs[0], &e);
	ct_settle_op(&d->c, &d->ops[d->count++], &d->jobs[1], JOB_WAITING);
	op = add(d, STORE_EXTEND);
	d->lease = (struct store_lease){.job_id = d->jobs[2].id,
					.token = d->jobs[2].token};
	op->u.extend.leases = &d->lease;
	op->u.extend.count = 1;
	op->u.extend.until_ms = d->c.now_ms + HOUR;
	run_batch(d);
	assert_true(d->ops[0].u.fold.kept);
	d->entry = d->ops[1].u.intent.journal_id;
}

static void go_on(struct day *d)
{
	struct review r = ct_review(&d->jobs[2], 13, 14);
	struct store_op *op = add(d, STORE_STEP);

	op->u.step.job_id = d->jobs[0].id;
	op->u.step.token = d->jobs[0].token;
	op->u.step.progress = "{}";
	op->u.step.journal_id = d->entry;
	op->u.step.status = JOURNAL_UNCERTAIN;
	op = &d->ops[d->count++];
	ct_settle_op(&d->c, op, &d->jobs[2], JOB_REVIEW);
	op->u.settle.review = &r;
	op = add(d, STORE_RECALL);
	op->u.recall.account = CT_ACCOUNT;
	op->u.recall.sunco_id = "ann";
	op->u.recall.now_ms = d->c.now_ms;
	run_batch(d);
	d->review = d->ops[1].u.settle.review_id;
	assert_int_equal(d->ops[2].u.recall.merges_this_hour, 1);
}

static void finish(struct day *d)
{
	struct journal_entry e = ct_entry(11, 12);
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = 12};
	const struct store_address address = {.hash = {7}, .proven = true};
	const struct store_sighting seen = {.user = 11,
					    .at_ms = d->c.now_ms,
					    .whole = true,
					    .addresses = &address,
					    .count = 1};
	struct store_op *op = &d->ops[d->count++];

	e.id = d->entry;
	e.status = JOURNAL_DONE;
	link.print.known = true;
	link.checked_ms = d->c.now_ms;
	ct_settle_op(&d->c, op, &d->jobs[0], JOB_DONE);
	op->u.settle.entry = &e;
	op->u.settle.link = &link;
	op->u.settle.alias_from = 11;
	op->u.settle.alias_to = 12;
	op->u.settle.sightings = &seen;
	op->u.settle.sighting_count = 1;
	op = add(d, STORE_DECIDE);
	op->u.decide.review_id = d->review;
	op->u.decide.by = "eve";
	op->u.decide.now_ms = d->c.now_ms;
	op = add(d, STORE_ENQUEUE);
	op->u.enqueue.account = CT_ACCOUNT;
	op->u.enqueue.sunco_id = "eve";
	op->u.enqueue.now_ms = d->c.now_ms;
	run_batch(d);
	d->events[4] = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	d->events[4].print.known = true;
	add_accept(d, &d->events[4]);
	d->events[5] = ct_event(EVENT_ZD_USER_MERGED, "");
	d->events[5].zendesk_user_id = 13;
	d->events[5].other_zendesk_user_id = 14;
	add_accept(d, &d->events[5]);
	op = add(d, STORE_SAMPLE);
	op->u.sample.account = CT_ACCOUNT;
	op->u.sample.now_ms = d->c.now_ms;
	op->u.sample.what = STORE_SAMPLE_PUT;
	run_batch(d);
	assert_int_equal(d->ops[0].u.accept.known, 1);
}

static void check_jobs(struct ct *c)
{
	static const struct {
		const char *person;
		enum job_state state;
	} rows[] = {{"s:ann", JOB_DONE},
		    {"s:bob", JOB_WAITING},
		    {"s:cy", JOB_DONE},
		    {"s:dan", JOB_RUNNING},
		    {"s:eve", JOB_READY}};
	struct store_op op;
	int64_t total = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(ct_state(c, rows[i].person), rows[i].state);
	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = c->now_ms;
	CT_DO(c, &op);
	for (i = 0; i < JOB_STATE_COUNT; i++)
		total += op.u.stats.jobs[i];
	assert_int_equal(total, ARRAY_LEN(rows));
	assert_int_equal(op.u.stats.merges_this_hour, 1);
}

/* Read of the user before the merge, it is the survivor's now. */
static void check_owner(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = CT_ACCOUNT;
	op.u.recall.sunco_id = "";
	op.u.recall.address_hash[0] = 7;
	CT_DO(c, &op);
	assert_int_equal(op.u.recall.owner_count, 1);
	assert_int_equal(op.u.recall.owners[0].user, 12);
	assert_true(op.u.recall.owners[0].proven);
}

static void check_facts(struct day *d)
{
	struct store_recall ann = ct_recall(&d->c, "ann", 11, 0xad);
	struct store_op op;
	size_t i;

	check_owner(&d->c);
	assert_true(ann.linked);
	assert_int_equal(ann.survivor[0], 12);
	assert_true(ct_recall(&d->c, "cy", 14, 0xad).rejected[0]);
	store_op_init(&op, STORE_JOURNAL);
	CT_DO(&d->c, &op);
	assert_int_equal(op.u.journal.count, 2); /* merge and rejection */
	assert_int_equal(op.u.journal.entries[0].status, JOURNAL_DONE);
	store_op_release(&op);
	for (i = 0; i < ARRAY_LEN(d->events); i++)
		assert_int_equal(ct_accept(&d->c, d->events[i]).duplicate, 1);
}

/* True when no fault struck: the script is over. */
static bool one_day(long from, long width)
{
	struct day *d = xcalloc(1, sizeof(*d));
	bool over;
	size_t i;

	contract_dir_make(&d->dir);
	d->c.now_ms = CT_START;
	d->fault = fault_open(d->dir.path, CT_START);
	d->fault->from = from;
	d->fault->width = width;
	d->c.s = store_over(&d->fault->base);
	intake(d);
	claim(d);
	start_work(d);
	go_on(d);
	finish(d);
	over = d->fault->fired == 0;
	d->fault->from = 0;
	check_jobs(&d->c);
	check_facts(d);
	store_close(d->c.s);
	d->c.s = contract_open_url(d->dir.url, STORE_SERVE);
	check_jobs(&d->c);
	check_facts(d);
	store_close(d->c.s);
	contract_dir_remove(&d->dir);
	for (i = 0; i < ARRAY_LEN(d->jobs); i++)
		job_release(&d->jobs[i]);
	free(d);
	return over;
}

static void torture(long width)
{
	long n = 1;

	while (!one_day(n, width))
		n++;
	assert_true(n > 25); /* every begin, apply and commit had its turn */
}

static void one_failure_anywhere(void **state)
{
	(void)state;
	torture(1);
}

/* The replay fails as well. */
static void three_failures_in_a_row(void **state)
{
	(void)state;
	torture(3);
}

static void nine_failures_in_a_row(void **state)
{
	(void)state;
	torture(9);
}

static struct day *day_new(void)
{
	struct day *d = xcalloc(1, sizeof(*d));

	contract_dir_make(&d->dir);
	d->c.now_ms = CT_START;
	d->fault = fault_open(d->dir.path, CT_START);
	d->c.s = store_over(&d->fault->base);
	return d;
}

static void day_free(struct day *d)
{
	store_close(d->c.s);
	contract_dir_remove(&d->dir);
	free(d);
}

/* Ann and Bob write, in one transaction; *calls: into the backend. */
static void two_people(struct day *d, enum result want, long *calls)
{
	struct store_op *ops[2] = {&d->ops[0], &d->ops[1]};
	long before = d->fault->calls;

	d->count = 0;
	d->events[0] = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	d->events[1] = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	add_accept(d, &d->events[0]);
	add_accept(d, &d->events[1]);
	store_run(d->c.s, ops, 2);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(d->ops[i].result, want);
	*calls = d->fault->calls - before;
}

#define TWO_CALLS 4 /* begin, two applies, commit */

static void what_others_spoilt_is_repeated_whole(void **state)
{
	long calls;

	(void)state;
	for (long nth = 2; nth <= TWO_CALLS; nth++) {
		struct day *d = day_new();

		d->fault->verdict = STORE_FAILED_BY_MOMENT;
		d->fault->from = nth;
		d->fault->width = 1;
		two_people(d, RESULT_OK, &calls);
		assert_int_equal(calls, nth + TWO_CALLS);
		assert_int_equal(d->ops[1].u.accept.accepted, 1);
		assert_int_equal(ct_state(&d->c, "s:bob"), JOB_READY);
		day_free(d);
	}
}

static void others_may_be_in_the_way_for_ever(void **state)
{
	struct day *d = day_new();
	long calls;

	(void)state;
	d->fault->verdict = STORE_FAILED_BY_MOMENT;
	d->fault->from = 3;
	d->fault->width = 1000;
	d->fault->kind = STORE_ACCEPT;
	two_people(d, RESULT_TEMP, &calls);
	assert_true(calls < 20);
	day_free(d);
}

static void nothing_is_tried_again_while_the_database_is_away(void **state)
{
	long calls;

	(void)state;
	for (long nth = 2; nth <= TWO_CALLS; nth++) {
		struct day *d = day_new();

		d->fault->verdict = STORE_FAILED_FOR_NOW;
		d->fault->from = nth;
		d->fault->width = 1;
		two_people(d, RESULT_TEMP, &calls);
		assert_int_equal(calls, nth);
		assert_string_not_equal(d->ops[0].error.text, "");
		assert_string_not_equal(d->ops[1].error.text, "");
		assert_false(ct_find(&d->c, "s:ann", &d->jobs[0]));
		day_free(d);
	}
}

static void only_the_culprit_fails(void **state)
{
	struct day *d = day_new();
	struct store_op *ops[3];
	size_t i;

	(void)state;
	d->fault->kind = STORE_ENQUEUE;
	d->events[0] = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	d->events[1] = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	add_accept(d, &d->events[0]);
	add(d, STORE_ENQUEUE)->u.enqueue = (struct store_enqueue){
		.account = CT_ACCOUNT, .sunco_id = "eve", .now_ms = CT_START};
	add_accept(d, &d->events[1]);
	for (i = 0; i < 3; i++)
		ops[i] = &d->ops[i];
	store_run(d->c.s, ops, 3);
	assert_int_equal(d->ops[0].result, RESULT_OK);
	assert_int_equal(d->ops[1].result, RESULT_TEMP);
	assert_string_equal(d->ops[1].error.text, "apply fails");
	assert_int_equal(d->ops[2].result, RESULT_OK);
	assert_int_equal(d->ops[2].u.accept.accepted, 1);
	assert_int_equal(ct_state(&d->c, "s:ann"), JOB_READY);
	assert_int_equal(ct_state(&d->c, "s:bob"), JOB_READY);
	assert_false(ct_find(&d->c, "s:eve", &d->jobs[0]));
	day_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_failure_anywhere),
		cmocka_unit_test(three_failures_in_a_row),
		cmocka_unit_test(nine_failures_in_a_row),
		cmocka_unit_test(only_the_culprit_fails),
		cmocka_unit_test(what_others_spoilt_is_repeated_whole),
		cmocka_unit_test(others_may_be_in_the_way_for_ever),
		cmocka_unit_test(
			nothing_is_tried_again_while_the_database_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
