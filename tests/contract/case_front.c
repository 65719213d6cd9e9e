/*
 * Cases: batches, modes, several handles, and what is still there afterwards.
 */
#include "contract.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

static void a_batch_runs_in_order(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op[3], *ops[3] = {&op[0], &op[1], &op[2]};

	ct_accept_op(&op[0], &e, c->now_ms);
	ct_claim_op(c, &op[1], 10);
	ct_accept_op(&op[2], &e, c->now_ms);
	store_run(c->s, ops, 3);
	assert_int_equal(op[0].result, RESULT_OK);
	assert_int_equal(op[1].result, RESULT_OK);
	assert_int_equal(op[2].result, RESULT_OK);
	assert_int_equal(op[0].u.accept.woken, 1);
	assert_int_equal(op[1].u.claim.count, 1);
	assert_int_equal(op[2].u.accept.duplicate, 1);
	store_op_release(&op[1]);
}

static void a_refused_op_spoils_nobody(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op[4], *ops[4] = {&op[0], &op[1], &op[2], &op[3]};
	struct job none = {.id = 99, .token = 1};

	store_op_init(&op[0], STORE_ACCEPT); /* no account */
	ct_settle_op(c, &op[1], &none, JOB_DONE);
	ct_accept_op(&op[2], &e, c->now_ms);
	store_op_init(&op[3], STORE_DROP);
	store_run(c->s, ops, 4);
	assert_int_equal(op[0].result, RESULT_INVALID);
	assert_int_equal(op[1].result, RESULT_CONFLICT);
	assert_int_equal(op[2].result, RESULT_OK);
	assert_int_equal(op[3].result, RESULT_NOTFOUND);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void an_empty_batch_is_fine(struct ct *c)
{
	store_run(c->s, NULL, 0);
}

static void wrong_inputs_are_refused(struct ct *c)
{
	static const char *const names[] = {
		"", "no spaces", "\xc3\xa4", "a/b",
		("a23456789012345678901234567890123456789012345678901234567890"
		 "1234")};
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op;
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		ct_accept_op(&op, &e, c->now_ms);
		op.u.accept.account = names[i];
		CT_REFUSED(c, &op, RESULT_INVALID);
		assert_int_not_equal(op.error.text[0], '\0');
	}
	ct_accept_op(&op, &e, c->now_ms);
	e.key.len = 0;
	CT_REFUSED(c, &op, RESULT_INVALID);
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = "";
	CT_REFUSED(c, &op, RESULT_INVALID); /* nobody */
	op.u.enqueue.sunco_id = "not an id";
	CT_REFUSED(c, &op, RESULT_INVALID);
	op.kind = STORE_OP_COUNT;
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static void everything_is_there_afterwards(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	uint8_t key[STORE_KEY_SIZE];

	ct_link(c, "ann", 11, 7);
	ct_accept(c, e);
	memcpy(key, store_key(c->s), sizeof(key));
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
	assert_true(ct_recall(c, "ann", 0, 0).linked);
	assert_memory_equal(store_key(c->s), key, sizeof(key));
}

static void a_reader_writes_nothing(struct ct *c)
{
	struct store *reader =
		c->factory->open(c->place, STORE_READ, c->now_ms);
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op;

	ct_accept_op(&op, &e, c->now_ms);
	assert_int_equal(store_do(reader, &op), RESULT_INVALID);
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	assert_int_equal(store_do(reader, &op), RESULT_OK);
	store_op_release(&op);
	ct_accept(c, e);
	store_op_init(&op, STORE_JOBS);
	assert_int_equal(store_do(reader, &op), RESULT_OK);
	assert_int_equal(op.u.jobs.count, 1);
	store_op_release(&op);
	assert_memory_equal(store_key(reader), store_key(c->s), STORE_KEY_SIZE);
	store_close(reader);
}

static void others_writes_are_noticed(struct ct *c)
{
	struct store *other =
		c->factory->open(c->place, STORE_WRITE, c->now_ms);
	struct store_op op;

	ct_calm(c);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	assert_false(store_changed(c->s)); /* our own */
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = "bob";
	op.u.enqueue.now_ms = c->now_ms;
	assert_int_equal(store_do(other, &op), RESULT_OK);
	assert_true(ct_noticed(c));
	assert_false(store_changed(c->s));
	store_close(other);
	assert_int_equal(ct_claim_count(c, 10), 2);
}

static void a_checkpoint_is_no_change(struct ct *c)
{
	struct store *reader =
		c->factory->open(c->place, STORE_READ, c->now_ms);

	ct_calm(c);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	store_checkpoint(reader);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "bob"));
	store_checkpoint(reader);
	assert_false(store_changed(c->s));
	store_close(reader);
	assert_int_equal(ct_claim_count(c, 10), 2);
}

static void probing_writes(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_PROBE);
	CT_DO(c, &op);
	CT_DO(c, &op);
}

/* --- two writers at once --- */

struct writer {
	struct store *s;
	int first;
	int count;
	int failed;
};

static void *write_many(void *arg)
{
	struct writer *w = arg;
	struct store_op op;
	char who[32];
	int i;

	for (i = 0; i < w->count; i++) {
		snprintf(who, sizeof(who), "w%d", w->first + i);
		store_op_init(&op, STORE_ENQUEUE);
		op.u.enqueue.account = CT_ACCOUNT;
		op.u.enqueue.sunco_id = who;
		op.u.enqueue.now_ms = CT_START;
		w->failed += store_do(w->s, &op) != RESULT_OK;
	}
	return NULL;
}

static void two_writers_do_not_lose_anything(struct ct *c)
{
	struct writer w[2] = {{c->s, 0, 60, 0}, {NULL, 30, 60, 0}};
	pthread_t thread;

	w[1].s = c->factory->open(c->place, STORE_WRITE, c->now_ms);
	assert_int_equal(pthread_create(&thread, NULL, write_many, &w[1]), 0);
	write_many(&w[0]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(w[0].failed + w[1].failed, 0);
	store_close(w[1].s);
	assert_int_equal(ct_claim_count(c, 256), 90); /* each person once */
}

static const struct ct_case cases[] = {
	CT_CASE(a_batch_runs_in_order),
	CT_CASE(a_refused_op_spoils_nobody),
	CT_CASE(an_empty_batch_is_fine),
	CT_CASE(wrong_inputs_are_refused),
	CT_CASE(everything_is_there_afterwards),
	CT_CASE(a_reader_writes_nothing),
	CT_CASE(others_writes_are_noticed),
	CT_CASE(a_checkpoint_is_no_change),
	CT_CASE(probing_writes),
	CT_CASE(two_writers_do_not_lose_anything),
};
const struct ct_group ct_front_cases = {cases, ARRAY_LEN(cases)};
