/*
 * Cases: how old an event is, by its sender's clock. One of many late ones
 * that is far older than the last look at its person, and older than what was
 * told before, wakes nobody; nothing else that is said of time makes an event
 * count for less.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define TOLD   (CT_START - MINUTE) /* ann's newest, by the sender's clock */
#define LOOKED (CT_START + MINUTE)
#define OLD    (LOOKED - EVENT_LAG_MS - 1)

/* Ann came, and was looked at; an hour later. */
static struct job looked_at(struct ct *c, enum job_state state)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op;
	struct job job;

	e.at_ms = TOLD;
	ct_accept(c, e);
	job = ct_claim(c);
	ct_settle_op(c, &op, &job, state);
	op.u.settle.run_at_ms = c->now_ms + 2 * HOUR;
	op.u.settle.zendesk_user_id = 11;
	op.u.settle.read_ms = LOOKED;
	CT_DO(c, &op);
	job_release(&job);
	c->now_ms += HOUR;
	return ct_job(c, "s:ann");
}

static struct store_accept tell(struct ct *c, enum event_kind kind,
				int64_t at_ms)
{
	struct event e = ct_event(kind, "ann");

	e.at_ms = at_ms;
	e.behind = true;
	return ct_accept(c, e);
}

static void assert_unmoved(struct ct *c, struct job *before)
{
	struct job job = ct_job(c, "s:ann");

	assert_int_equal(job.state, before->state);
	assert_int_equal(job.gen, before->gen);
	assert_int_equal(job.run_at_ms, before->run_at_ms);
	assert_int_equal(job.deadline_ms, before->deadline_ms);
	assert_true(job.zendesk_user_id == before->zendesk_user_id);
	job_release(&job);
	job_release(before);
}

static void what_is_old_wakes_nobody(struct ct *c, enum job_state state)
{
	struct job before = looked_at(c, state);
	struct store_accept a = tell(c, EVENT_CONVERSATION_CREATE, OLD);

	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.outdated, 1);
	assert_int_equal(a.woken, 0);
	assert_unmoved(c, &before);
}

static void an_old_event_leaves_who_waits(struct ct *c)
{
	what_is_old_wakes_nobody(c, JOB_WAITING);
}

static void an_old_event_leaves_a_question(struct ct *c)
{
	what_is_old_wakes_nobody(c, JOB_REVIEW);
}

static void an_old_event_leaves_who_is_dead(struct ct *c)
{
	what_is_old_wakes_nobody(c, JOB_DEAD);
}

static void an_old_event_leaves_who_is_done(struct ct *c)
{
	what_is_old_wakes_nobody(c, JOB_DONE);
}

static void an_old_event_is_remembered(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE);
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.at_ms = OLD;
	e.behind = true;
	assert_int_equal(ct_accept(c, e).accepted, 1);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	assert_unmoved(c, &before);
}

static void an_old_message_hastens_nobody(struct ct *c)
{
	struct job before = looked_at(c, JOB_WAITING);

	assert_int_equal(tell(c, EVENT_CONVERSATION_MESSAGE, OLD).outdated, 1);
	assert_unmoved(c, &before);
	assert_int_equal(tell(c, EVENT_CONVERSATION_MESSAGE, c->now_ms).woken,
			 1);
}

static void an_old_event_does_not_stir_a_run(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;
	struct store_op op;

	tell(c, EVENT_CONVERSATION_CREATE, c->now_ms);
	job = ct_claim(c);
	assert_int_equal(tell(c, EVENT_CONVERSATION_CREATE, OLD).outdated, 1);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_DO(c, &op);
	assert_false(op.u.settle.again);
	job_release(&job);
	job_release(&before);
}

/* Every one of these is news, for one reason each. */
static void wakes(struct ct *c, struct event e)
{
	struct job before = looked_at(c, JOB_DONE);
	struct store_accept a = ct_accept(c, e);

	assert_int_equal(a.woken, 1);
	assert_int_equal(a.outdated, 0);
	job_release(&before);
}

static void a_few_late_ones_are_like_any_other(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.at_ms = OLD;
	wakes(c, e);
}

static void about_the_look_is_not_old(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.at_ms = OLD + 1;
	e.behind = true;
	wakes(c, e);
}

static void a_time_that_is_not_said_is_now(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.behind = true;
	wakes(c, e);
}

static void the_future_is_now(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.at_ms = INT64_C(4070908800000); /* 2099 */
	e.behind = true;
	wakes(c, e);
}

/* What another clock says of the person is no measure for this one. */
static void sources_are_not_compared(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "ann");

	e.messaging_identity = true;
	e.zendesk_user_id = 11;
	e.at_ms = OLD;
	e.behind = true;
	wakes(c, e);
}

static void another_user_is_news_however_old(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");

	e.zendesk_user_id = 12;
	e.at_ms = OLD;
	e.behind = true;
	wakes(c, e);
}

static void a_merged_user_is_no_other(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct store_op op;

	job = ct_running(c, "bob");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = 10;
	op.u.settle.alias_to = 11;
	CT_DO(c, &op);
	job_release(&job);
	e.zendesk_user_id = 10;
	e.at_ms = OLD;
	e.behind = true;
	assert_int_equal(ct_accept(c, e).outdated, 1);
	assert_unmoved(c, &before);
}

/* A sender whose clock stands still, or is wrong, is heard. */
static void a_wrong_clock_is_heard(struct ct *c)
{
	struct job job;

	for (int i = 0; i < 3; i++) {
		struct store_op op;

		assert_int_equal(
			tell(c, EVENT_CONVERSATION_CREATE, CT_START - DAY)
				.woken,
			1);
		job = ct_claim(c);
		ct_settle_op(c, &op, &job, JOB_DONE);
		op.u.settle.read_ms = c->now_ms;
		CT_DO(c, &op);
		job_release(&job);
		c->now_ms += HOUR;
	}
}

/* What is forged to be new, or from the future, makes no other event old. */
static void a_forged_time_suppresses_nobody(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;

	tell(c, EVENT_CONVERSATION_CREATE, INT64_C(4070908800000));
	tell(c, EVENT_CONVERSATION_CREATE, c->now_ms);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(
		tell(c, EVENT_CONVERSATION_CREATE, LOOKED - MINUTE).woken, 1);
	job_release(&before);
}

static void a_look_that_failed_is_none(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "ann");
	struct job job;

	e.at_ms = TOLD;
	ct_accept(c, e);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DEAD); /* no read_ms */
	c->now_ms += HOUR;
	assert_int_equal(tell(c, EVENT_CONVERSATION_CREATE, OLD).woken, 1);
}

static void a_failure_keeps_the_look_before(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;

	tell(c, EVENT_CONVERSATION_CREATE, c->now_ms);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DEAD);
	assert_int_equal(tell(c, EVENT_CONVERSATION_CREATE, OLD).outdated, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DEAD);
	job_release(&before);
}

static void a_clock_that_went_back_is_no_look(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE);

	c->now_ms = LOOKED - 1;
	assert_int_equal(tell(c, EVENT_CONVERSATION_CREATE, OLD).woken, 1);
	job_release(&before);
}

/* The survivor of a SunCo merge was not looked at by the other's run. */
static void a_survivor_was_not_looked_at(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;
	struct event e = ct_event(EVENT_SUNCO_MERGE, "bob");

	(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), "ann");
	ct_accept(c, e);
	e = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	e.at_ms = c->now_ms;
	ct_accept(c, e);
	job = ct_claim(c);
	assert_string_equal(job.person, "s:bob");
	ct_settle(c, &job, JOB_DONE);
	e = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	e.at_ms = OLD;
	e.behind = true;
	assert_int_equal(ct_accept(c, e).woken, 1);
	job_release(&before);
}

static struct store_accept old_ticket(struct ct *c, uint64_t ticket)
{
	struct event e = ct_ticket(11, ticket);

	e.at_ms = OLD;
	e.behind = true;
	return ct_accept(c, e);
}

static void a_missing_ticket_is_taken(struct ct *c)
{
	struct job before = looked_at(c, JOB_WAITING), job;
	struct event e = ct_event(EVENT_ZD_USER_CREATED, "");

	/* Zendesk has told something newer since */
	e.zendesk_user_id = 11;
	e.at_ms = TOLD;
	ct_accept(c, e);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_WAITING);
	assert_int_equal(old_ticket(c, 5).outdated, 1);
	assert_int_equal(old_ticket(c, 6).outdated, 1);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.ticket_id, 5);
	assert_int_equal(job.state, JOB_WAITING);
	job_release(&job);
	job_release(&before);
}

/* --- what has an effect besides --- */

static void an_old_loss_counts(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "");
	struct job job = ct_running(c, "ann");
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = 11};
	struct store_op op;

	link.checked_ms = c->now_ms;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.link = &link;
	op.u.settle.zendesk_user_id = 11;
	op.u.settle.read_ms = c->now_ms;
	CT_DO(c, &op);
	job_release(&job);
	e.zendesk_user_id = 11;
	memset(e.gained_hash, 7, sizeof(e.gained_hash));
	ct_accept(c, e);
	c->now_ms += HOUR;
	e = ct_event(EVENT_ZD_IDENTITY, "");
	e.zendesk_user_id = 12;
	e.at_ms = CT_START - DAY;
	e.behind = true;
	memset(e.lost_hash, 7, sizeof(e.lost_hash));
	assert_int_equal(ct_accept(c, e).woken, 1);
	assert_false(ct_recall(c, "ann", 11, 7).linked);
	assert_int_equal(ct_recall(c, "ann", 11, 7).owner_count, 1);
}

static void an_old_removal_removes(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE);

	tell(c, EVENT_SUNCO_REMOVE, OLD);
	assert_false(ct_find(c, "s:ann", &(struct job){0}));
	job_release(&before);
}

static void an_old_merge_moves(struct ct *c)
{
	struct job before = looked_at(c, JOB_DONE), job;
	struct event e = ct_event(EVENT_SUNCO_MERGE, "bob");

	(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), "ann");
	e.at_ms = OLD;
	e.behind = true;
	assert_int_equal(ct_accept(c, e).woken, 1);
	assert_false(ct_find(c, "s:ann", &(struct job){0}));
	job = ct_job(c, "s:bob");
	assert_int_equal(job.state, JOB_READY);
	job_release(&job);
	job_release(&before);
}

/* --- who comes first --- */

static struct event behind(const char *sunco_id)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, sunco_id);

	e.at_ms = CT_START - DAY;
	e.behind = true;
	return e;
}

static void late_ones_come_behind(struct ct *c)
{
	struct job job;

	assert_int_equal(ct_accept(c, behind("ann")).behind, 1);
	c->now_ms += MINUTE;
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "bob"));
	job = ct_job(c, "s:ann");
	assert_int_equal(job.lane, LANE_BACKFILL);
	assert_int_equal(job.state, JOB_READY);
	job_release(&job);
	assert_int_equal(ct_claim_count(c, 1), 1);
	assert_int_equal(ct_state(c, "s:bob"), JOB_RUNNING);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void who_writes_now_comes_forward(struct ct *c)
{
	struct job job;

	ct_accept(c, behind("ann"));
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	job = ct_job(c, "s:ann");
	assert_int_equal(job.lane, LANE_LIVE);
	job_release(&job);
}

static void nobody_is_put_back(struct ct *c)
{
	struct job job;

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	ct_accept(c, behind("ann"));
	job = ct_job(c, "s:ann");
	assert_int_equal(job.lane, LANE_LIVE);
	job_release(&job);
}

static void a_duplicate_is_not_counted_behind(struct ct *c)
{
	struct event e = behind("ann");

	ct_accept(c, e);
	assert_int_equal(ct_accept(c, e).behind, 0);
}

static const struct ct_case cases[] = {
	CT_CASE(an_old_event_leaves_who_waits),
	CT_CASE(an_old_event_leaves_a_question),
	CT_CASE(an_old_event_leaves_who_is_dead),
	CT_CASE(an_old_event_leaves_who_is_done),
	CT_CASE(an_old_event_is_remembered),
	CT_CASE(an_old_message_hastens_nobody),
	CT_CASE(an_old_event_does_not_stir_a_run),
	CT_CASE(a_few_late_ones_are_like_any_other),
	CT_CASE(about_the_look_is_not_old),
	CT_CASE(a_time_that_is_not_said_is_now),
	CT_CASE(the_future_is_now),
	CT_CASE(sources_are_not_compared),
	CT_CASE(another_user_is_news_however_old),
	CT_CASE(a_merged_user_is_no_other),
	CT_CASE(a_wrong_clock_is_heard),
	CT_CASE(a_forged_time_suppresses_nobody),
	CT_CASE(a_look_that_failed_is_none),
	CT_CASE(a_failure_keeps_the_look_before),
	CT_CASE(a_clock_that_went_back_is_no_look),
	CT_CASE(a_survivor_was_not_looked_at),
	CT_CASE(a_missing_ticket_is_taken),
	CT_CASE(an_old_loss_counts),
	CT_CASE(an_old_removal_removes),
	CT_CASE(an_old_merge_moves),
	CT_CASE(late_ones_come_behind),
	CT_CASE(who_writes_now_comes_forward),
	CT_CASE(nobody_is_put_back),
	CT_CASE(a_duplicate_is_not_counted_behind),
};
const struct ct_group ct_age_cases = {cases, ARRAY_LEN(cases)};
