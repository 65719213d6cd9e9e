/*
 * How conversations are counted, and the daily sample of users.
 */
#include "shadow_kit.h"

#include <string.h>

#include "base/str.h"

/* --- conversations --- */

static void a_person_counts_once_a_day_as_decided_last(struct ct *c)
{
	struct journal_entry weak = shadow_decision(ACTION_NONE, PERSON, 0);
	struct readiness r;

	weak.evidence = EVIDENCE_CLAIMED;
	weak.linked = LINKED_BIT(EMAILS_CLAIM_VERIFIED);
	(void)shadow_settle(c, SUNCO, weak, 0);
	(void)shadow_settle(c, SUNCO, weak, 0);
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.by_evidence[EVIDENCE_CLAIMED], 1);
	assert_int_equal(r.all.linked[EMAILS_VERIFIED_ONLY], 0);
	assert_int_equal(r.all.linked[EMAILS_CLAIM_VERIFIED], 1);
	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 2);
	assert_int_equal(r.all.by_evidence[EVIDENCE_CLAIMED], 0);
	assert_int_equal(r.all.by_evidence[EVIDENCE_VERIFIED], 2);
	assert_int_equal(r.all.linked[EMAILS_VERIFIED_ONLY], 2);
	c->now_ms += DAY;
	(void)shadow_settle(c, SUNCO, weak, 0);
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 3);
	r = shadow_report_since(c, c->now_ms);
	assert_int_equal(r.all.conversations, 1);
}

static void what_zendesk_had_no_user_for_stands_beside(struct ct *c)
{
	struct journal_entry none = shadow_decision(ACTION_NONE, 0, 0);
	struct readiness r;

	none.reason = REASON_NO_MESSAGING_USER;
	(void)shadow_settle(c, SUNCO, none, 0);
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 0);
	assert_int_equal(r.all.absent, 1);
	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)shadow_settle(c, SUNCO, none, 0); /* says less: not counted */
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.absent, 0);
}

static void backfill_is_no_conversation(struct ct *c)
{
	struct journal_entry e = shadow_decision(ACTION_MERGE, PERSON, PROFILE);
	struct store_op op;
	struct job job;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = SUNCO;
	op.u.enqueue.lane = LANE_BACKFILL;
	op.u.enqueue.now_ms = c->now_ms;
	CT_DO(c, &op);
	job = ct_claim(c);
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), SUNCO));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(shadow_report(c).all.conversations, 0);
}

/* Decides, and remembers the link. */
static void link_person(struct ct *c)
{
	struct job job = shadow_running(c, SUNCO);
	struct journal_entry e = shadow_decision(ACTION_NONE, PERSON, 0);
	struct store_link link;
	struct store_op op;

	memset(&link, 0, sizeof(link));
	e.reason = REASON_ALREADY_LINKED;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), SUNCO));
	assert_true(str_copy(link.sunco_id, sizeof(link.sunco_id), SUNCO));
	link.zendesk_user_id = PERSON;
	link.print.known = true;
	memset(link.print.hash, 7, sizeof(link.print.hash));
	link.checked_ms = c->now_ms;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.link = &link;
	op.u.settle.zendesk_user_id = PERSON;
	CT_DO(c, &op);
	job_release(&job);
}

static void known_writes(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, SUNCO);

	e.print.known = true;
	memset(e.print.hash, 7, sizeof(e.print.hash));
	assert_int_equal(ct_accept(c, e).known, 1);
}

static void who_is_known_counts_without_an_entry(struct ct *c)
{
	struct readiness r;

	link_person(c);
	known_writes(c); /* the same day */
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.known, 0);
	c->now_ms += DAY;
	known_writes(c);
	known_writes(c);
	assert_int_equal(ct_accept(c, ct_ticket(PERSON, 4)).known, 1);
	r = shadow_report(c);
	assert_int_equal(r.all.conversations, 2);
	assert_int_equal(r.all.known, 1);
	assert_int_equal(r.all.by_evidence[EVIDENCE_VERIFIED], 2);
	assert_int_equal(r.all.linked[EMAILS_VERIFIED_ONLY], 2);
}

static void messages_of_somebody_known_do_not(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_MESSAGE, SUNCO);

	link_person(c);
	c->now_ms += DAY;
	e.print.known = true;
	memset(e.print.hash, 7, sizeof(e.print.hash));
	assert_int_equal(ct_accept(c, e).known, 1);
	assert_int_equal(shadow_report(c).all.conversations, 1);
}

static void who_logs_in_in_between_counts_once(struct ct *c)
{
	struct job job;

	(void)shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	shadow_log_in(c);
	assert_int_equal(shadow_report(c).all.conversations, 0);
	job = ct_claim(c); /* the login wakes the one who stays */
	ct_settle(c, &job, JOB_WAITING);
	(void)shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	assert_int_equal(shadow_report(c).all.conversations, 1);
}

static void a_look_that_finds_somebody_known_counts(struct ct *c)
{
	struct job job;
	struct readiness r;

	link_person(c);
	c->now_ms += DAY;
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, SUNCO)); /* no print */
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	r = shadow_report(c);
	assert_int_equal(r.all.known, 1);
	assert_int_equal(r.all.conversations, 2);
}

static void who_is_erased_is_counted_but_not_remembered(struct ct *c)
{
	link_person(c);
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, SUNCO));
	assert_int_equal(shadow_report(c).all.conversations, 1);
	/* comes back: nobody knows that it is the same person */
	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	assert_int_equal(shadow_report(c).all.conversations, 2);
}

static void accounts_are_apart(struct ct *c)
{
	struct store_op op;

	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	shadow_agents_merge(c, PERSON, PROFILE);
	store_op_init(&op, STORE_READINESS);
	op.u.readiness.account = "other";
	op.u.readiness.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.readiness.report->all.conversations, 0);
	assert_int_equal(op.u.readiness.report->all.agreed[0], 0);
	store_op_release(&op);
}

/* --- the daily sample --- */

static struct store_sample sample(struct ct *c, int what, int64_t unverified,
				  int64_t end_users)
{
	struct store_op op;

	store_op_init(&op, STORE_SAMPLE);
	op.u.sample.account = CT_ACCOUNT;
	op.u.sample.now_ms = c->now_ms;
	op.u.sample.what = what;
	op.u.sample.unverified = unverified;
	op.u.sample.end_users = end_users;
	CT_DO(c, &op);
	return op.u.sample;
}

static void one_sample_a_day(struct ct *c)
{
	struct readiness r;

	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	assert_false(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	assert_false(shadow_report(c).all.sampled);
	sample(c, STORE_SAMPLE_DROP, 0, 0); /* it did not work out */
	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	sample(c, STORE_SAMPLE_PUT, 40, 100);
	assert_false(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	c->now_ms += 7 * DAY;
	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	sample(c, STORE_SAMPLE_PUT, 30, 110);
	sample(c, STORE_SAMPLE_PUT, 29, 110); /* the command, a little later */
	r = shadow_report(c);
	assert_true(r.all.sampled);
	assert_int_equal(r.all.unverified, 29);
	assert_int_equal(r.all.end_users, 110);
	assert_int_equal(r.weeks[READINESS_WEEKS - 1].unverified, 29);
	assert_int_equal(r.weeks[READINESS_WEEKS - 2].unverified, 40);
	assert_false(r.weeks[READINESS_WEEKS - 3].sampled);
}

static void change_account(struct ct *c, bool paused, const char *hold)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = op.u.account.set_hold = true;
	op.u.account.paused = paused;
	op.u.account.by = "maria";
	op.u.account.hold = hold;
	CT_DO(c, &op);
	store_op_release(&op);
}

static void no_sample_while_paused_or_held(struct ct *c)
{
	change_account(c, true, NULL);
	assert_false(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	change_account(c, false, "credentials");
	assert_false(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	change_account(c, false, NULL);
	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
}

static void counts_go_with_the_journal(struct ct *c)
{
	struct store_op op;

	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	shadow_agents_merge(c, PERSON, PROFILE);
	c->now_ms += 2 * DAY;
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.journal_before_ms = c->now_ms;
	op.u.prune.max = 100;
	CT_DO(c, &op);
	assert_int_equal(shadow_report(c).all.conversations, 0);
	assert_int_equal(shadow_report(c).all.agreed[READINESS_ALONE], 0);
}

static void wrong_inputs_are_refused(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_READINESS);
	op.u.readiness.account = CT_ACCOUNT;
	op.u.readiness.since_ms = 2;
	op.u.readiness.now_ms = 1;
	CT_REFUSED(c, &op, RESULT_INVALID);
	store_op_init(&op, STORE_SAMPLE);
	op.u.sample.account = CT_ACCOUNT;
	op.u.sample.unverified = -1;
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static const struct ct_case cases[] = {
	CT_CASE(a_person_counts_once_a_day_as_decided_last),
	CT_CASE(what_zendesk_had_no_user_for_stands_beside),
	CT_CASE(backfill_is_no_conversation),
	CT_CASE(who_is_known_counts_without_an_entry),
	CT_CASE(messages_of_somebody_known_do_not),
	CT_CASE(who_logs_in_in_between_counts_once),
	CT_CASE(a_look_that_finds_somebody_known_counts),
	CT_CASE(who_is_erased_is_counted_but_not_remembered),
	CT_CASE(accounts_are_apart),
	CT_CASE(one_sample_a_day),
	CT_CASE(no_sample_while_paused_or_held),
	CT_CASE(counts_go_with_the_journal),
	CT_CASE(wrong_inputs_are_refused),
};
const struct ct_group ct_tally_cases = {cases, ARRAY_LEN(cases)};
