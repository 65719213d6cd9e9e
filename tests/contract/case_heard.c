/*
 * Cases: what events say while a job runs, held against how the run ends. As
 * if they had come at its end: who is linked by then, as they say, costs no
 * further run; everything else does.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define PRINT 7

static struct event said(enum event_kind kind, uint8_t print, uint64_t user)
{
	bool of_zendesk = kind == EVENT_TICKET || kind == EVENT_ZD_USER_CREATED;
	struct event e = ct_event(kind, of_zendesk ? "" : "ann");

	e.print.known = print != 0;
	memset(e.print.hash, print, sizeof(e.print.hash));
	e.messaging_identity = kind == EVENT_ZD_IDENTITY;
	e.zendesk_user_id = user;
	if (kind == EVENT_TICKET)
		e.ticket_id = 5;
	return e;
}

/* Ann runs, known to be user 11. */
static struct job runs(struct ct *c)
{
	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 11));
	return ct_claim(c);
}

/* Her user is merged into 12, and she is linked with that. */
static struct store_settle linked(struct ct *c, struct job *job)
{
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = 12};
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	link.print.known = true;
	memset(link.print.hash, PRINT, sizeof(link.print.hash));
	link.checked_ms = c->now_ms;
	e.status = JOURNAL_DONE;
	ct_settle_op(c, &op, job, JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.link = &link;
	op.u.settle.zendesk_user_id = 12;
	op.u.settle.alias_from = 11;
	op.u.settle.alias_to = 12;
	CT_DO(c, &op);
	job_release(job);
	return op.u.settle;
}

static const struct {
	enum event_kind kind;
	uint8_t print;
	uint64_t user;
	bool again;
} sayings[] = {
	{EVENT_CONVERSATION_CREATE, PRINT, 0, false},
	{EVENT_CONVERSATION_REFERRAL, PRINT, 11, false},
	{EVENT_USER_AUTHENTICATED, PRINT, 12, false},
	{EVENT_PASS_CONTROL, PRINT, 0, false},
	{EVENT_TICKET, 0, 11, false},
	{EVENT_ZD_USER_CREATED, 0, 11, false},
	{EVENT_ZD_IDENTITY, 0, 11, false}, /* where it was */
	{EVENT_ZD_IDENTITY, 0, 12, false}, /* where the merge moved it */
	{EVENT_CONVERSATION_CREATE, PRINT + 1, 0, true},
	{EVENT_CONVERSATION_CREATE, 0, 0, true}, /* without the full user */
	{EVENT_CONVERSATION_CREATE, PRINT, 13, true},
	{EVENT_ZD_IDENTITY, 0, 13, true},
};

static void each_is_held_against_the_end(struct ct *c)
{
	for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
		struct ct one = *c;
		struct job job;

		one.place = c->factory->make();
		one.s = c->factory->open(one.place, STORE_SERVE, c->now_ms);
		job = runs(&one);
		ct_accept(&one, said(sayings[i].kind, sayings[i].print,
				     sayings[i].user));
		if (linked(&one, &job).again != sayings[i].again)
			fail_msg("saying %zu", i);
		assert_int_equal(ct_claim_count(&one, 10), sayings[i].again);
		store_close(one.s);
		one.factory->remove(one.place);
	}
}

static void all_of_them_cost_no_run(struct ct *c)
{
	struct job job = runs(c);

	for (size_t i = 0; i < ARRAY_LEN(sayings) && !sayings[i].again; i++)
		ct_accept(c, said(sayings[i].kind, sayings[i].print,
				  sayings[i].user));
	assert_false(linked(c, &job).again);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

static void one_that_differs_is_enough(struct ct *c)
{
	struct job job = runs(c);

	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 0));
	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT + 1, 0));
	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 0));
	assert_true(linked(c, &job).again);
}

/* A ticket that came meanwhile is kept. */
static void its_ticket_is_kept(struct ct *c)
{
	struct job job = runs(c);

	ct_accept(c, said(EVENT_TICKET, 0, 11));
	assert_false(linked(c, &job).again);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.ticket_id, 5);
	assert_int_equal(job.zendesk_user_id, 12);
	job_release(&job);
}

static void without_a_link_nothing_is_known(struct ct *c)
{
	static const enum job_state ends[] = {JOB_WAITING, JOB_REVIEW, JOB_DEAD,
					      JOB_DONE};

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		struct job job = i == 0 ? runs(c) : ct_claim(c);
		struct journal_entry e = ct_entry(11, 12);
		struct store_op op;

		e.status = JOURNAL_DONE;
		ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 11));
		ct_settle_op(c, &op, &job, ends[i]);
		op.u.settle.entry = &e;
		CT_DO(c, &op);
		assert_true(op.u.settle.again);
		job_release(&job);
	}
}

/* Where no link is believed, every event starts a look. */
static void where_nothing_is_believed_all_counts(struct ct *c)
{
	struct event e = said(EVENT_CONVERSATION_CREATE, PRINT, 11);
	struct job job = runs(c);
	struct store_op op;

	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = CT_ACCOUNT;
	op.u.accept.events = &e;
	op.u.accept.count = 1;
	op.u.accept.now_ms = c->now_ms;
	CT_DO(c, &op); /* recheck_ms 0 */
	assert_true(linked(c, &job).again);
}

static void enqueue(struct ct *c, const char *sunco_id, uint64_t user)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = sunco_id;
	op.u.enqueue.zendesk_user_id = user;
	op.u.enqueue.now_ms = c->now_ms;
	CT_DO(c, &op);
}

/* A job of her Zendesk user finds out that it is hers, while her own runs. */
static bool again_after_fold(struct ct *c, bool believes, bool by_hand)
{
	struct job ann = runs(c), job;
	struct event e = said(EVENT_TICKET, 0, 10);
	struct store_op op;

	ct_accept(c, said(EVENT_ZD_USER_CREATED, 0, 10));
	ct_accept(c, said(EVENT_TICKET, 0, 10));
	if (by_hand)
		enqueue(c, "", 10);
	job = ct_claim(c);
	ct_accept(c, e);
	store_op_init(&op, STORE_FOLD);
	op.u.fold.job_id = job.id;
	op.u.fold.token = job.token;
	op.u.fold.sunco_id = "ann";
	op.u.fold.believes = believes;
	op.u.fold.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_false(op.u.fold.kept);
	job_release(&job);
	/* user 10 was merged into hers */
	job = ct_running(c, "bob");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = 10;
	op.u.settle.alias_to = 11;
	CT_DO(c, &op);
	job_release(&job);
	return linked(c, &ann).again;
}

static void a_fold_names_a_user(struct ct *c)
{
	assert_false(again_after_fold(c, true, false));
}

static void a_fold_is_heard_where_nothing_is_believed(struct ct *c)
{
	assert_true(again_after_fold(c, false, false));
}

/* Somebody asked for it. */
static void a_fold_of_what_was_asked_for_is_heard(struct ct *c)
{
	assert_true(again_after_fold(c, true, true));
}

/* By hand, by an approval, by a merge of agents: a look in any case. */
static void a_person_is_always_heard(struct ct *c)
{
	struct job job = runs(c);

	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 11));
	enqueue(c, "ann", 0);
	assert_true(linked(c, &job).again);
}

static void a_merge_by_agents_is_always_heard(struct ct *c)
{
	struct job job = runs(c);
	struct event e = ct_event(EVENT_ZD_USER_MERGED, "");

	e.zendesk_user_id = 11;
	e.other_zendesk_user_id = 14;
	ct_accept(c, e);
	assert_true(linked(c, &job).again);
}

/* Another former owner came to light: the link is not even kept. */
static void another_owner_is_always_heard(struct ct *c)
{
	struct job job = runs(c);
	struct event e = ct_event(EVENT_ZD_IDENTITY, "");
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = 11};
	struct store_op op;

	ct_accept(c, said(EVENT_TICKET, 0, 11));
	e.zendesk_user_id = 15;
	memset(e.lost_hash, 9, sizeof(e.lost_hash));
	ct_accept(c, e);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.link = &link;
	memset(op.u.settle.address_hash, 9, sizeof(op.u.settle.address_hash));
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	job_release(&job);
}

/* What was said to a run that died was said before the next one's reads. */
static void a_run_that_died_has_heard_nothing(struct ct *c)
{
	struct job lost = runs(c), job;

	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT + 1, 13));
	c->now_ms += CT_LEASE + CT_GRACE;
	job = ct_claim(c);
	assert_true(job.recovered);
	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 11));
	assert_false(linked(c, &job).again);
	job_release(&lost);
}

/* Neither is it left for the one after it. */
static void a_run_begins_with_nothing_heard(struct ct *c)
{
	struct job job = runs(c);

	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT + 1, 13));
	assert_true(linked(c, &job).again);
	job = ct_claim(c);
	ct_accept(c, said(EVENT_CONVERSATION_CREATE, PRINT, 11));
	assert_false(linked(c, &job).again);
}

static const struct ct_case cases[] = {
	CT_CASE(each_is_held_against_the_end),
	CT_CASE(all_of_them_cost_no_run),
	CT_CASE(one_that_differs_is_enough),
	CT_CASE(its_ticket_is_kept),
	CT_CASE(without_a_link_nothing_is_known),
	CT_CASE(where_nothing_is_believed_all_counts),
	CT_CASE(a_fold_names_a_user),
	CT_CASE(a_fold_is_heard_where_nothing_is_believed),
	CT_CASE(a_fold_of_what_was_asked_for_is_heard),
	CT_CASE(a_person_is_always_heard),
	CT_CASE(a_merge_by_agents_is_always_heard),
	CT_CASE(another_owner_is_always_heard),
	CT_CASE(a_run_that_died_has_heard_nothing),
	CT_CASE(a_run_begins_with_nothing_heard),
};
const struct ct_group ct_heard_cases = {cases, ARRAY_LEN(cases)};
