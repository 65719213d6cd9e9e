/*
 * Cases: what an event does to a job in each state, and people who need none.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static void wake(struct ct *c, const char *sunco_id)
{
	c->now_ms += MINUTE;
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, sunco_id));
}

static void a_ready_job_only_counts(struct ct *c)
{
	struct job job;

	wake(c, "ann");
	wake(c, "ann");
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.gen, 2);
	assert_int_equal(job.created_ms, c->now_ms - MINUTE);
	assert_int_equal(job.run_at_ms, c->now_ms - MINUTE);
	job_release(&job);
}

static void a_retry_keeps_its_time(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_READY);
	op.u.settle.attempts = 3;
	CT_DO(c, &op);
	job_release(&job);
	wake(c, "ann");
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.run_at_ms, CT_START + 5 * MINUTE);
	assert_int_equal(job.attempts, 3);
	job_release(&job);
}

static void a_running_job_runs_again(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;
	struct job row;

	wake(c, "ann");
	assert_int_equal(ct_claim_count(c, 10), 0);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.attempts = 3;
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	row = ct_claim(c);
	assert_int_equal(row.attempts, 0);
	assert_int_equal(row.id, job.id);
	assert_int_equal(row.gen, 2);
	assert_int_equal(row.created_ms, c->now_ms);
	assert_int_equal(row.deadline_ms, c->now_ms + CT_WAIT);
	job_release(&row);
	job_release(&job);
}

/* What came during the run is newer than what the run read before. */
static void an_end_keeps_newer_hints(struct ct *c)
{
	struct event e = ct_ticket(11, 5);
	struct store_op op;
	struct job job;

	e.kind = EVENT_ZD_IDENTITY;
	e.messaging_identity = true;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), "ann"));
	ct_accept(c, e);
	job = ct_claim(c);
	e = ct_ticket(12, 6);
	e.kind = EVENT_ZD_IDENTITY;
	e.messaging_identity = true;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), "ann"));
	ct_accept(c, e);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.ticket_id = 5;
	op.u.settle.zendesk_user_id = 11;
	CT_DO(c, &op);
	job_release(&job);
	job = ct_claim(c);
	assert_int_equal(job.ticket_id, 6);
	assert_int_equal(job.zendesk_user_id, 12);
	job_release(&job);
}

/* ... unless it is the one whom the run has just merged away. */
static void an_end_follows_its_own_merge(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "ann");
	struct store_op op;
	struct job job;

	e.messaging_identity = true;
	e.zendesk_user_id = 11;
	ct_accept(c, e);
	job = ct_claim(c);
	ct_accept(c, ct_ticket(11, 6));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.zendesk_user_id = op.u.settle.alias_to = 12;
	op.u.settle.alias_from = 11;
	CT_DO(c, &op);
	job_release(&job);
	job = ct_claim(c);
	assert_int_equal(job.zendesk_user_id, 12);
	job_release(&job);
}

static void a_retry_is_no_end(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	wake(c, "ann");
	ct_settle_op(c, &op, &job, JOB_READY);
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	assert_int_equal(ct_claim_count(c, 10), 0);
	c->now_ms = op.u.settle.run_at_ms;
	assert_int_equal(ct_claim_count(c, 10), 1);
	job_release(&job);
}

static void runs_again_whatever_it_ended_in(struct ct *c)
{
	static const enum job_state ends[] = {JOB_WAITING, JOB_REVIEW, JOB_DEAD,
					      JOB_DONE};
	struct store_op op;
	struct job job;
	size_t i;

	job = ct_running(c, "ann");
	for (i = 0; i < ARRAY_LEN(ends); i++) {
		wake(c, "ann");
		ct_settle_op(c, &op, &job, ends[i]);
		CT_DO(c, &op);
		job_release(&job);
		job = ct_claim(c);
	}
	job_release(&job);
}

/* Rests in the state, wakes an hour later. */
static struct job woken_from(struct ct *c, enum job_state state)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	ct_settle_op(c, &op, &job, state);
	op.u.settle.attempts = 4;
	op.u.settle.progress = "{\"kept\":1}";
	op.u.settle.last_error = "it broke";
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(ct_state(c, "s:ann"), state);
	c->now_ms += HOUR;
	assert_int_equal(
		ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann")).woken,
		1);
	return ct_claim(c);
}

static void wakes_in_a_new_round(struct ct *c, enum job_state state)
{
	struct job job = woken_from(c, state);

	assert_int_equal(job.gen, 2);
	assert_int_equal(job.attempts, 0);
	assert_int_equal(job.created_ms, c->now_ms);
	assert_int_equal(job.deadline_ms, c->now_ms + CT_WAIT);
	assert_string_equal(job.progress, "{\"kept\":1}");
	assert_string_equal(job.last_error, "it broke");
	job_release(&job);
}

static void a_done_job_starts_a_round(struct ct *c)
{
	wakes_in_a_new_round(c, JOB_DONE);
}

static void a_dead_job_starts_a_round(struct ct *c)
{
	wakes_in_a_new_round(c, JOB_DEAD);
}

static void a_job_in_review_starts_a_round(struct ct *c)
{
	wakes_in_a_new_round(c, JOB_REVIEW);
}

static void a_waiting_job_keeps_its_round(struct ct *c)
{
	struct job job = woken_from(c, JOB_WAITING);

	assert_int_equal(job.gen, 2);
	assert_int_equal(job.attempts, 0);
	assert_int_equal(job.created_ms, CT_START);
	assert_int_equal(job.deadline_ms, CT_START + CT_WAIT);
	assert_string_equal(job.progress, "{\"kept\":1}");
	job_release(&job);
}

static void hint(struct ct *c, uint64_t user, uint64_t ticket, const char *talk)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.zendesk_user_id = user;
	e.ticket_id = ticket;
	assert_true(
		str_copy(e.conversation_id, sizeof(e.conversation_id), talk));
	ct_accept(c, e);
}

static void a_round_keeps_its_hints(struct ct *c)
{
	struct job job;

	hint(c, 0, 0, "");
	hint(c, 11, 21, "conv1");
	hint(c, 12, 22, "conv2");
	job = ct_job(c, "s:ann");
	assert_int_equal(job.zendesk_user_id, 11);
	assert_int_equal(job.ticket_id, 22);
	assert_string_equal(job.conversation_id, "conv1");
	job_release(&job);
}

static void zendesk_knows_its_users_better(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "ann");
	struct job job;

	hint(c, 11, 0, "");
	e.messaging_identity = true;
	e.zendesk_user_id = 12;
	ct_accept(c, e);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.zendesk_user_id, 12);
	job_release(&job);
}

static void a_new_round_takes_new_hints(struct ct *c)
{
	struct job job;

	hint(c, 11, 21, "conv1");
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	hint(c, 12, 0, "conv2");
	job = ct_claim(c);
	assert_int_equal(job.zendesk_user_id, 12);
	assert_string_equal(job.conversation_id, "conv2");
	job_release(&job);
}

/* Of the next round about the same person. */
static uint64_t next_ticket(struct ct *c, int64_t later_ms, const char *conv)
{
	struct job job;
	uint64_t ticket;

	hint(c, 11, 21, "conv1");
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	c->now_ms += later_ms;
	hint(c, 0, 0, conv);
	job = ct_claim(c);
	ticket = job.ticket_id;
	ct_settle(c, &job, JOB_DONE);
	return ticket;
}

static void a_ticket_is_of_its_conversation(struct ct *c)
{
	assert_int_equal(next_ticket(c, HOUR, "conv1"), 21);
	assert_int_equal(next_ticket(c, HOUR, ""), 21);
	assert_int_equal(next_ticket(c, HOUR, "conv2"), 0);
	assert_int_equal(next_ticket(c, 2 * DAY, "conv1"), 0);
}

/* Who decides days later decides about the ticket that was asked about. */
static void a_decision_keeps_the_ticket(struct ct *c)
{
	struct store_op op;
	struct job job;
	int64_t review;

	hint(c, 11, 21, "conv1");
	job = ct_claim(c);
	review = ct_settle_review(c, &job, 11, 12);
	c->now_ms += 3 * DAY;
	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = review;
	op.u.decide.approve = true;
	op.u.decide.by = "maria";
	op.u.decide.now_ms = c->now_ms;
	CT_DO(c, &op);
	job = ct_claim(c);
	assert_int_equal(job.ticket_id, 21);
	job_release(&job);
}

/* --- people known to be linked --- */

static struct event seen_again(uint8_t print, uint64_t user)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.print.known = print != 0;
	memset(e.print.hash, print, sizeof(e.print.hash));
	e.zendesk_user_id = user;
	return e;
}

static void the_same_print_costs_no_job(struct ct *c)
{
	struct store_accept a;

	ct_link(c, "ann", 11, 7);
	c->now_ms += DAY;
	a = ct_accept(c, seen_again(7, 0));
	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.known, 1);
	assert_int_equal(a.woken, 0);
	assert_int_equal(ct_accept(c, seen_again(7, 11)).known, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

static void another_print_is_decided_anew(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, seen_again(8, 0)).woken, 1);
}

static void an_unknown_print_is_decided_anew(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, seen_again(0, 0)).woken, 1);
}

static void a_link_without_print_is_no_proof(struct ct *c)
{
	ct_link(c, "ann", 11, 0);
	assert_int_equal(ct_accept(c, seen_again(7, 0)).woken, 1);
}

static void an_old_link_is_checked_again(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	c->now_ms += 7 * DAY;
	assert_int_equal(ct_accept(c, seen_again(7, 0)).woken, 1);
}

static void another_user_is_decided_anew(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, seen_again(7, 12)).woken, 1);
}

static void a_merged_user_is_its_survivor(struct ct *c)
{
	struct job job = ct_running(c, "bob");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = 12;
	op.u.settle.alias_to = 11;
	CT_DO(c, &op);
	job_release(&job);
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, seen_again(7, 12)).known, 1);
	assert_int_equal(ct_accept(c, ct_ticket(12, 5)).known, 1);
	assert_false(ct_find(c, "z:12", &(struct job){0}));
}

static void a_ticket_of_a_merged_user_finds_the_job(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = 12;
	op.u.settle.alias_to = 11;
	op.u.settle.zendesk_user_id = 11;
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(ct_accept(c, ct_ticket(12, 5)).woken, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void a_ticket_of_a_linked_user_costs_no_job(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, ct_ticket(11, 5)).known, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	c->now_ms += 7 * DAY;
	assert_int_equal(ct_accept(c, ct_ticket(11, 5)).known, 0);
}

static struct event moved_to(uint64_t user)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "ann");

	e.messaging_identity = true;
	e.zendesk_user_id = user;
	return e;
}

static void an_identity_where_the_link_is_costs_no_job(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	assert_int_equal(ct_accept(c, moved_to(11)).known, 1);
	assert_int_equal(ct_accept(c, moved_to(12)).woken, 1);
}

static const struct ct_case cases[] = {
	CT_CASE(a_ready_job_only_counts),
	CT_CASE(a_retry_keeps_its_time),
	CT_CASE(a_running_job_runs_again),
	CT_CASE(an_end_keeps_newer_hints),
	CT_CASE(an_end_follows_its_own_merge),
	CT_CASE(a_retry_is_no_end),
	CT_CASE(runs_again_whatever_it_ended_in),
	CT_CASE(a_done_job_starts_a_round),
	CT_CASE(a_dead_job_starts_a_round),
	CT_CASE(a_job_in_review_starts_a_round),
	CT_CASE(a_waiting_job_keeps_its_round),
	CT_CASE(a_round_keeps_its_hints),
	CT_CASE(zendesk_knows_its_users_better),
	CT_CASE(a_new_round_takes_new_hints),
	CT_CASE(a_ticket_is_of_its_conversation),
	CT_CASE(a_decision_keeps_the_ticket),
	CT_CASE(the_same_print_costs_no_job),
	CT_CASE(another_print_is_decided_anew),
	CT_CASE(an_unknown_print_is_decided_anew),
	CT_CASE(a_link_without_print_is_no_proof),
	CT_CASE(an_old_link_is_checked_again),
	CT_CASE(another_user_is_decided_anew),
	CT_CASE(a_merged_user_is_its_survivor),
	CT_CASE(a_ticket_of_a_merged_user_finds_the_job),
	CT_CASE(a_ticket_of_a_linked_user_costs_no_job),
	CT_CASE(an_identity_where_the_link_is_costs_no_job),
};
const struct ct_group ct_wake_cases = {cases, ARRAY_LEN(cases)};
