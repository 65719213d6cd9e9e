/*
 * Several writers on PostgreSQL: turns, leases, and commits of which the
 * answer was lost.
 */
#include "contract.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "pg_factory.h"
#include "pg_wire.h"

#define PERSON "ann"

/* --- one writer behind a wire --- */

struct behind {
	struct pg_database d;
	struct pg_wire *wire;
	struct ct c;
};

static int set_up(void **state)
{
	struct behind *b = xcalloc(1, sizeof(*b));
	char url[PG_URL_SIZE];

	pg_store_make(&b->d);
	b->wire = pg_wire_new(&b->d, url);
	b->c.now_ms = CT_START;
	b->c.s = contract_open_url(url, STORE_SERVE);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct behind *b = *state;

	store_close(b->c.s);
	pg_wire_free(b->wire);
	pg_database_drop(&b->d);
	free(b);
	return 0;
}

static struct store_accept accepted(struct behind *b, const struct event *e,
				    enum result want)
{
	struct store_op op;

	ct_accept_op(&op, e, b->c.now_ms);
	assert_int_equal(store_do(b->c.s, &op), want);
	return op.u.accept;
}

/* It is stored once, and told as what it is: new. */
static void is_stored_once(struct behind *b, enum pg_wire_cut cut)
{
	struct event warm = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, PERSON);
	struct store_accept a;

	(void)accepted(b, &warm, RESULT_OK);
	pg_wire_arm(b->wire, cut, false);
	a = accepted(b, &e, RESULT_OK);
	assert_int_equal(pg_wire_cuts(b->wire), 1);
	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.duplicate, 0);
	assert_int_equal(accepted(b, &e, RESULT_OK).duplicate, 1);
	assert_int_equal(ct_job(&b->c, "s:" PERSON).gen, 1);
}

static void a_commit_whose_answer_was_lost_has_happened(void **state)
{
	is_stored_once(*state, PG_WIRE_CUT_AFTER);
}

static void a_commit_that_never_came_is_repeated(void **state)
{
	is_stored_once(*state, PG_WIRE_CUT_BEFORE);
}

/* Its server has all of it, and takes its time: it must not happen behind the
 * back of who asked whether it had. */
static void a_commit_that_comes_late_is_not_done_twice(void **state)
{
	is_stored_once(*state, PG_WIRE_CUT_LATE);
}

static void await_holder(const struct pg_database *d)
{
	char *n;

	do {
		n = pg_database_value(d, "SELECT 1 FROM pg_locks WHERE"
					 " locktype = 'advisory' AND granted");
		usleep(10000);
	} while (*n == '\0' && (free(n), true));
	free(n);
}

/* Another session is still at the first mark. */
static void *write_mark(void *arg)
{
	pg_database_sql(arg, "BEGIN; INSERT INTO commits(id, n, at_ms) SELECT"
			     " value, 2, 1 FROM known;"
			     " SELECT pg_advisory_xact_lock(1, 1);"
			     " SELECT pg_sleep(1); COMMIT");
	return NULL;
}

static void the_first_mark_is_waited_for_too(void **state)
{
	struct behind *b = *state;
	struct event warm = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, PERSON);
	struct job job;
	pthread_t other;

	(void)accepted(b, &warm, RESULT_OK);
	pg_database_sql(&b->d, "CREATE TABLE known AS SELECT id AS value FROM"
			       " commits; DELETE FROM commits");
	assert_int_equal(pthread_create(&other, NULL, write_mark, &b->d), 0);
	await_holder(&b->d);
	pg_wire_arm(b->wire, PG_WIRE_CUT_BEFORE, false);
	(void)accepted(b, &e, RESULT_OK);
	pthread_join(other, NULL);
	/* as far as it could tell it had happened */
	assert_false(ct_find(&b->c, "s:" PERSON, &job));
}

/* The daemon answers 503, and the event comes again. */
static void while_nobody_can_tell_it_is_not_acknowledged(void **state)
{
	static const enum pg_wire_cut cuts[] = {PG_WIRE_CUT_AFTER,
						PG_WIRE_CUT_BEFORE};
	struct behind *b = *state;

	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		struct event e = ct_event(EVENT_CONVERSATION_CREATE,
					  i == 0 ? "cy" : "dee");
		struct store_accept a;
		struct store_op op;

		ct_accept_op(&op, &e, b->c.now_ms);
		(void)accepted(b,
			       &(struct event){.kind = EVENT_OTHER,
					       .key.len = 1,
					       .key.bytes = {(uint8_t)i}},
			       RESULT_OK);
		pg_wire_arm(b->wire, cuts[i], true);
		assert_int_equal(store_do(b->c.s, &op), RESULT_TEMP);
		pg_wire_arm(b->wire, PG_WIRE_WHOLE, false);
		/* the next connection is tried after a pause */
		for (int n = 0; store_do(b->c.s, &op) != RESULT_OK; n++) {
			assert_true(n < 1000);
			usleep(10000);
		}
		a = op.u.accept;
		assert_int_equal(a.accepted + a.duplicate, 1);
		assert_int_equal(a.duplicate, cuts[i] == PG_WIRE_CUT_AFTER);
	}
}

/* A claim, too, whose commit was in doubt, is told as it is. */
static void a_claim_is_not_lost_with_its_answer(void **state)
{
	struct behind *b = *state;
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, PERSON);

	(void)accepted(b, &e, RESULT_OK);
	assert_int_equal(ct_claim_count(&b->c, 0), 0);
	pg_wire_arm(b->wire, PG_WIRE_CUT_AFTER, false);
	assert_int_equal(ct_claim_count(&b->c, 10), 1);
	assert_int_equal(pg_wire_cuts(b->wire), 1);
	assert_int_equal(ct_state(&b->c, "s:" PERSON), JOB_RUNNING);
}

/* --- a writer that does not go on --- */

static enum result accept_for(struct behind *b, const char *account)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, PERSON);
	struct store_op op;

	ct_accept_op(&op, &e, b->c.now_ms);
	op.u.accept.account = account;
	return store_do(b->c.s, &op);
}

static void who_holds_a_turn_stops_that_account_only(void **state)
{
	struct behind *b = *state;
	PGconn *holder = PQconnectdb(b->d.url);

	assert_int_equal(accept_for(b, CT_ACCOUNT), RESULT_OK);
	assert_int_equal(accept_for(b, "other"), RESULT_OK);
	/* "reun", and the first account */
	PQclear(PQexec(holder, "SELECT pg_advisory_lock(1919251822, 1)"));
	await_holder(&b->d);
	assert_int_equal(accept_for(b, "other"), RESULT_OK);
	assert_int_equal(accept_for(b, CT_ACCOUNT), RESULT_TEMP);
	assert_int_equal(accept_for(b, "other"), RESULT_OK);
	PQclear(PQexec(holder, "SELECT pg_advisory_unlock(1919251822, 1)"));
	PQfinish(holder);
	assert_int_equal(accept_for(b, CT_ACCOUNT), RESULT_OK);
}

/* The owner of a lease that has ended comes back, and makes it longer, between
 * another's look at it and its claim. */
static void *come_back(void *arg)
{
	/* the lock is for await_holder() */
	pg_database_sql(arg, "BEGIN; UPDATE jobs SET lease_until_ms ="
			     " lease_until_ms + 3600000;"
			     " SELECT pg_advisory_xact_lock(1, 1);"
			     " SELECT pg_sleep(1); COMMIT");
	return NULL;
}

static void who_is_back_in_time_is_not_taken_over(void **state)
{
	struct behind *b = *state;
	struct job job = ct_running(&b->c, PERSON);
	pthread_t owner;

	b->c.now_ms += CT_LEASE + CT_GRACE;
	assert_int_equal(pthread_create(&owner, NULL, come_back, &b->d), 0);
	await_holder(&b->d);
	assert_int_equal(ct_claim_count(&b->c, 10), 0);
	pthread_join(owner, NULL);
	assert_true(ct_extend(&b->c, &job, b->c.now_ms, 0));
	job_release(&job);
}

/* --- several writers --- */

#define WRITERS 3
#define TURNS	120
#define PEOPLE	12
#define JOBS	64

struct crowd {
	const char *url;
	atomic_int serial; /* of the events */
	atomic_int accepted;
	atomic_int settled;
	atomic_int refused; /* writes whose lease was lost: none */
	atomic_int owners[JOBS];
	atomic_int clashes;
};

static struct event event_nth(int nth)
{
	struct event e = {.kind = EVENT_CONVERSATION_CREATE,
			  .source = EVENT_FROM_SUNCO,
			  .key.len = sizeof(nth)};

	memcpy(e.key.bytes, &nth, sizeof(nth));
	snprintf(e.sunco_id, sizeof(e.sunco_id), "p%d", nth % PEOPLE);
	return e;
}

/* Each event is sent to two of them. */
static void take_event(struct crowd *all, struct ct *c)
{
	struct event e = event_nth(atomic_fetch_add(&all->serial, 1) / 2);
	struct store_op op;

	ct_accept_op(&op, &e, c->now_ms);
	if (store_do(c->s, &op) == RESULT_OK)
		atomic_fetch_add(&all->accepted, op.u.accept.accepted);
	else
		atomic_fetch_add(&all->clashes, 1000);
}

static void settle(struct crowd *all, struct ct *c, const struct job *job)
{
	struct store_op op;

	if (atomic_fetch_sub(&all->owners[job->id % JOBS], 1) != 1)
		atomic_fetch_add(&all->clashes, 1);
	ct_settle_op(c, &op, job, JOB_DONE);
	if (store_do(c->s, &op) == RESULT_OK)
		atomic_fetch_add(&all->settled, 1);
	else
		atomic_fetch_add(&all->refused, 1);
}

static size_t work(struct crowd *all, struct ct *c)
{
	struct store_op op;
	size_t count;

	ct_claim_op(c, &op, 5);
	if (store_do(c->s, &op) != RESULT_OK)
		return 1;
	count = op.u.claim.count;
	for (size_t i = 0; i < count; i++)
		if (atomic_fetch_add(&all->owners[op.u.claim.jobs[i].id % JOBS],
				     1) != 0)
			atomic_fetch_add(&all->clashes, 1);
	for (size_t i = 0; i < count; i++)
		settle(all, c, &op.u.claim.jobs[i]);
	store_op_release(&op);
	return count;
}

static void *writer_main(void *arg)
{
	struct crowd *all = arg;
	struct ct c = {.now_ms = CT_START};

	c.s = contract_open_url(all->url, STORE_SERVE);
	for (int i = 0; i < TURNS; i++) {
		take_event(all, &c);
		if (i % 3 == 0)
			(void)work(all, &c);
	}
	while (work(all, &c) > 0)
		;
	store_close(c.s);
	return NULL;
}

static void writers_neither_lose_nor_share(void **state)
{
	struct pg_database d;
	struct crowd all = {0};
	pthread_t threads[WRITERS];
	char *left;

	(void)state;
	pg_store_make(&d);
	all.url = d.url;
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, writer_main, &all),
			0);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(all.clashes, 0);
	assert_int_equal(all.refused, 0);
	assert_int_equal(all.accepted, WRITERS * TURNS / 2);
	assert_true(all.settled >= PEOPLE);
	left = pg_database_value(&d, "SELECT count(*) FROM jobs"
				     " WHERE state <> 5");
	assert_string_equal(left, "0");
	free(left);
	pg_database_drop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BEHIND(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
		BEHIND(a_commit_whose_answer_was_lost_has_happened),
		BEHIND(a_commit_that_never_came_is_repeated),
		BEHIND(a_commit_that_comes_late_is_not_done_twice),
		BEHIND(the_first_mark_is_waited_for_too),
		BEHIND(while_nobody_can_tell_it_is_not_acknowledged),
		BEHIND(a_claim_is_not_lost_with_its_answer),
		BEHIND(who_holds_a_turn_stops_that_account_only),
		BEHIND(who_is_back_in_time_is_not_taken_over),
		cmocka_unit_test(writers_neither_lose_nor_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
