/*
 * Cases: events come in once, and what each kind does.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static void a_duplicate_changes_nothing(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_accept a = ct_accept(c, e);
	struct job job;

	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.woken, 1);
	a = ct_accept(c, e);
	assert_int_equal(a.accepted, 0);
	assert_int_equal(a.duplicate, 1);
	assert_int_equal(a.woken, 0);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.gen, 1);
	job_release(&job);
}

static void a_body_may_repeat_an_event(struct ct *c)
{
	struct event e[3];
	struct store_op op;

	e[0] = e[1] = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	e[2] = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = CT_ACCOUNT;
	op.u.accept.events = e;
	op.u.accept.count = 3;
	op.u.accept.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.accept.accepted, 2);
	assert_int_equal(op.u.accept.duplicate, 1);
	assert_int_equal(op.u.accept.woken, 2);
}

static void keys_belong_to_accounts(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op;

	ct_accept(c, e);
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = "other";
	op.u.accept.events = &e;
	op.u.accept.count = 1;
	op.u.accept.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.accept.accepted, 1);
	assert_int_equal(op.u.accept.woken, 1);
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void keys_differ_by_length(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	ct_accept(c, e);
	e.key.len--;
	assert_int_equal(ct_accept(c, e).accepted, 1);
}

static void an_event_makes_a_ready_job(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct job job;

	e.zendesk_user_id = UINT64_C(18446744073709551001);
	assert_true(str_copy(e.conversation_id, sizeof(e.conversation_id),
			     "conv1"));
	ct_accept(c, e);
	job = ct_claim(c);
	assert_string_equal(job.account, CT_ACCOUNT);
	assert_string_equal(job.person, "s:ann");
	assert_string_equal(job.sunco_id, "ann");
	assert_string_equal(job.conversation_id, "conv1");
	assert_true(job.zendesk_user_id == e.zendesk_user_id);
	assert_int_equal(job.state, JOB_RUNNING);
	assert_int_equal(job.lane, LANE_LIVE);
	assert_int_equal(job.source, EVENT_FROM_SUNCO);
	assert_int_equal(job.created_ms, c->now_ms);
	assert_int_equal(job.deadline_ms, c->now_ms + CT_WAIT);
	assert_int_equal(job.attempts, 0);
	assert_false(job.recovered);
	assert_null(job.progress);
	job_release(&job);
}

static void other_kinds_are_kept_without_effect(struct ct *c)
{
	struct store_accept a = ct_accept(c, ct_event(EVENT_OTHER, "ann"));

	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.woken, 0);
	assert_int_equal(ct_claim_count(c, 10), 0);
}

static struct store_accept say(struct ct *c, const char *sunco_id)
{
	return ct_accept(c, ct_event(EVENT_CONVERSATION_MESSAGE, sunco_id));
}

static void a_message_wakes_only_who_waits(struct ct *c)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_MESSAGE, "ann"));
	assert_false(ct_find(c, "s:ann", &(struct job){0}));
	ct_rest(c, "ann", JOB_DONE);
	ct_accept(c, ct_event(EVENT_CONVERSATION_MESSAGE, "ann"));
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	ct_rest(c, "ann", JOB_WAITING);
	assert_int_equal(say(c, "ann").woken, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_WAITING);
}

static int64_t due_in(struct ct *c, const char *person)
{
	struct job job = ct_job(c, person);
	int64_t due_ms = job.run_at_ms - c->now_ms;

	job_release(&job);
	return due_ms;
}

/* However much is written, a look comes every 15 seconds at most. */
static void messages_hasten_a_wait_a_little(struct ct *c)
{
	ct_rest(c, "ann", JOB_WAITING);
	c->now_ms += 1000;
	assert_int_equal(say(c, "ann").woken, 1);
	assert_int_equal(due_in(c, "s:ann"), 14000);
	c->now_ms += 1000;
	assert_int_equal(say(c, "ann").woken, 0);
	assert_int_equal(due_in(c, "s:ann"), 13000);
	assert_int_equal(ct_claim_count(c, 10), 0);
	c->now_ms += 13000;
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void a_message_after_silence_is_looked_at_soon(struct ct *c)
{
	ct_rest(c, "ann", JOB_WAITING);
	c->now_ms += MINUTE;
	assert_int_equal(say(c, "ann").woken, 1);
	assert_int_equal(due_in(c, "s:ann"), 5000);
	c->now_ms += 4000;
	assert_int_equal(say(c, "ann").woken, 0);
	assert_int_equal(due_in(c, "s:ann"), 1000);
}

static void a_message_delays_no_look(struct ct *c)
{
	ct_rest(c, "ann", JOB_WAITING);
	c->now_ms += 5 * MINUTE - 1000;
	assert_int_equal(say(c, "ann").woken, 0);
	assert_int_equal(due_in(c, "s:ann"), 1000);
}

static void a_message_tells_the_conversation(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_MESSAGE, "ann");
	struct job job;

	ct_rest(c, "ann", JOB_WAITING);
	assert_true(str_copy(e.conversation_id, sizeof(e.conversation_id),
			     "conv1"));
	ct_accept(c, e);
	job = ct_job(c, "s:ann");
	assert_string_equal(job.conversation_id, "conv1");
	assert_int_equal(job.state, JOB_WAITING);
	job_release(&job);
}

static void rest_in(struct ct *c, const char *sunco_id, const char *talk,
		    enum job_state state)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, sunco_id);
	struct job job;

	assert_true(
		str_copy(e.conversation_id, sizeof(e.conversation_id), talk));
	ct_accept(c, e);
	job = ct_claim(c);
	ct_settle(c, &job, state);
}

static void a_handoff_wakes_who_waits_in_the_conversation(struct ct *c)
{
	struct event e = ct_event(EVENT_PASS_CONTROL, "");

	rest_in(c, "ann", "conv1", JOB_WAITING);
	rest_in(c, "bob", "conv2", JOB_WAITING);
	rest_in(c, "cy", "conv1", JOB_DONE);
	assert_true(str_copy(e.conversation_id, sizeof(e.conversation_id),
			     "conv1"));
	assert_int_equal(ct_accept(c, e).woken, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
	assert_int_equal(ct_state(c, "s:bob"), JOB_WAITING);
	assert_int_equal(ct_state(c, "s:cy"), JOB_DONE);
}

static void a_handoff_that_names_the_person_is_enough(struct ct *c)
{
	assert_int_equal(
		ct_accept(c, ct_event(EVENT_PASS_CONTROL, "ann")).woken, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void a_ticket_starts_a_job_of_its_requester(struct ct *c)
{
	struct job job;

	assert_int_equal(ct_accept(c, ct_ticket(4711, 12)).woken, 1);
	job = ct_claim(c);
	assert_string_equal(job.person, "z:4711");
	assert_string_equal(job.sunco_id, "");
	assert_int_equal(job.zendesk_user_id, 4711);
	assert_int_equal(job.ticket_id, 12);
	assert_int_equal(job.source, EVENT_FROM_ZENDESK);
	job_release(&job);
}

static void a_ticket_finds_the_job_of_the_conversation(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct job job;

	e.zendesk_user_id = 4711;
	ct_accept(c, e);
	ct_accept(c, ct_ticket(4711, 12));
	ct_accept(c, ct_ticket(4711, 13));
	job = ct_claim(c);
	assert_string_equal(job.person, "s:ann");
	assert_int_equal(job.ticket_id, 13);
	assert_int_equal(job.gen, 3);
	job_release(&job);
}

static void a_new_user_is_looked_at_like_a_requester(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_USER_CREATED, "");

	e.zendesk_user_id = 4711;
	assert_int_equal(ct_accept(c, e).woken, 1);
	assert_int_equal(ct_state(c, "z:4711"), JOB_READY);
}

static void a_messaging_identity_names_both_sides(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "ann");
	struct job job;

	e.messaging_identity = true;
	e.zendesk_user_id = 4711;
	assert_int_equal(ct_accept(c, e).woken, 1);
	job = ct_claim(c);
	assert_string_equal(job.person, "s:ann");
	assert_int_equal(job.zendesk_user_id, 4711);
	job_release(&job);
}

static void rest_as(struct ct *c, const char *sunco_id, uint64_t user,
		    enum job_state state)
{
	struct job job = ct_running(c, sunco_id);
	struct store_op op;

	ct_settle_op(c, &op, &job, state);
	op.u.settle.zendesk_user_id = user;
	CT_DO(c, &op);
	job_release(&job);
}

static void wakes_who_rests(struct ct *c, enum event_kind kind)
{
	struct event e = ct_event(kind, "");
	struct job bob;

	rest_as(c, "ann", 11, JOB_WAITING);
	rest_as(c, "bob", 12, JOB_REVIEW);
	rest_as(c, "cy", 11, JOB_DONE);
	e.zendesk_user_id = 11;
	e.other_zendesk_user_id = 12;
	assert_int_equal(ct_accept(c, e).woken, 2);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
	assert_int_equal(ct_state(c, "s:cy"), JOB_DONE);
	bob = ct_job(c, "s:bob");
	assert_int_equal(bob.state, JOB_READY);
	assert_int_equal(bob.zendesk_user_id, 12); /* 11 is the other side */
	job_release(&bob);
}

static void a_changed_identity_wakes_who_rests(struct ct *c)
{
	wakes_who_rests(c, EVENT_ZD_IDENTITY);
}

static void a_merge_in_zendesk_wakes_who_rests(struct ct *c)
{
	wakes_who_rests(c, EVENT_ZD_USER_MERGED);
}

static void a_deletion_in_zendesk_wakes_who_rests(struct ct *c)
{
	wakes_who_rests(c, EVENT_ZD_USER_DELETED);
}

static void changes_of_strangers_start_nothing(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_USER_DELETED, "");

	e.zendesk_user_id = 99;
	assert_int_equal(ct_accept(c, e).woken, 0);
	assert_false(ct_find(c, "z:99", &(struct job){0}));
}

static const struct ct_case cases[] = {
	CT_CASE(a_duplicate_changes_nothing),
	CT_CASE(a_body_may_repeat_an_event),
	CT_CASE(keys_belong_to_accounts),
	CT_CASE(keys_differ_by_length),
	CT_CASE(an_event_makes_a_ready_job),
	CT_CASE(other_kinds_are_kept_without_effect),
	CT_CASE(a_message_wakes_only_who_waits),
	CT_CASE(messages_hasten_a_wait_a_little),
	CT_CASE(a_message_after_silence_is_looked_at_soon),
	CT_CASE(a_message_delays_no_look),
	CT_CASE(a_message_tells_the_conversation),
	CT_CASE(a_handoff_wakes_who_waits_in_the_conversation),
	CT_CASE(a_handoff_that_names_the_person_is_enough),
	CT_CASE(a_ticket_starts_a_job_of_its_requester),
	CT_CASE(a_ticket_finds_the_job_of_the_conversation),
	CT_CASE(a_new_user_is_looked_at_like_a_requester),
	CT_CASE(a_messaging_identity_names_both_sides),
	CT_CASE(a_changed_identity_wakes_who_rests),
	CT_CASE(a_merge_in_zendesk_wakes_who_rests),
	CT_CASE(a_deletion_in_zendesk_wakes_who_rests),
	CT_CASE(changes_of_strangers_start_nothing),
};
const struct ct_group ct_accept_cases = {cases, ARRAY_LEN(cases)};
