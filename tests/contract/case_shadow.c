/*
 * What agents merged by hand against what was decided: every outcome, in every
 * order; and how conversations are counted.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

enum { PERSON = 501, PROFILE = 902, OTHER = 903, SECOND = 502, THIRD = 904 };
#define SUNCO	"5ce1000000000000000000a1"
#define SUNCO_2 "5ce1000000000000000000a2"

/* --- what happens --- */

static struct journal_entry decision(enum action action, uint64_t user,
				     uint64_t profile)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.reason = action == ACTION_MERGE  ? REASON_EMAIL_MATCH_VERIFIED
		   : action == ACTION_NONE ? REASON_NO_EMAIL
					   : REASON_UNAUTHENTICATED_EMAIL;
	e.reasons = REASON_BIT(e.reason);
	e.evidence = EVIDENCE_VERIFIED;
	e.linked = 7;
	e.messaging_user_id = user;
	e.profile_id = profile;
	return e;
}

/* A job of the person, claimed again whatever it rested in. */
static struct job running(struct ct *c, const char *sunco_id)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, sunco_id));
	return ct_claim(c);
}

static int64_t settle_gone(struct ct *c, const char *sunco_id,
			   struct journal_entry e, uint64_t gone)
{
	struct job job = running(c, sunco_id);
	struct review review =
		ct_review(&job, e.messaging_user_id, e.profile_id);
	struct store_op op;

	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), sunco_id));
	ct_settle_op(c, &op, &job,
		     e.action == ACTION_REVIEW ? JOB_REVIEW : JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.gone_user = gone;
	op.u.settle.zendesk_user_id = e.messaging_user_id;
	if (e.action == ACTION_REVIEW)
		op.u.settle.review = &review;
	CT_DO(c, &op);
	job_release(&job);
	c->now_ms += MINUTE;
	return op.u.settle.journal_id;
}

static int64_t decide(struct ct *c, const char *sunco_id, enum action action,
		      uint64_t user, uint64_t profile)
{
	return settle_gone(c, sunco_id, decision(action, user, profile), 0);
}

static struct event merge_event(uint64_t detail, uint64_t other)
{
	struct event e = ct_event(EVENT_ZD_USER_MERGED, "");

	e.zendesk_user_id = detail;
	e.other_zendesk_user_id = other;
	return e;
}

static void agents_merge(struct ct *c, uint64_t detail, uint64_t other)
{
	ct_accept(c, merge_event(detail, other));
	c->now_ms += MINUTE;
}

/* --- what it came to --- */

static void expect(struct ct *c, int64_t journal, enum hindsight outcome,
		   uint64_t with)
{
	struct journal_entry e = ct_entry_read(c, journal);

	assert_string_equal(hindsight_name(e.outcome), hindsight_name(outcome));
	assert_int_equal(e.outcome_user, with);
	assert_int_equal(e.outcome_ms != 0, outcome != HINDSIGHT_NONE);
	journal_entry_release(&e);
}

static struct readiness report_since(struct ct *c, int64_t since_ms)
{
	struct readiness r;
	struct store_op op;

	store_op_init(&op, STORE_READINESS);
	op.u.readiness.account = CT_ACCOUNT;
	op.u.readiness.since_ms = since_ms;
	op.u.readiness.now_ms = c->now_ms;
	op.u.readiness.patience_ms = 7 * DAY;
	CT_DO(c, &op);
	r = *op.u.readiness.report;
	store_op_release(&op);
	return r;
}

static struct readiness report(struct ct *c)
{
	return report_since(c, CT_START - DAY);
}

/* --- the outcomes --- */

static void an_agent_does_the_same(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = report(c);
	assert_int_equal(r.all.agreed[READINESS_ALONE], 1);
	assert_int_equal(r.all.agreed[READINESS_ASKING], 0);
	assert_int_equal(r.pending + r.not_made, 0);
}

static void whichever_side_the_event_describes(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

static void an_agent_takes_another_profile(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	agents_merge(c, OTHER, PERSON);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	r = report(c);
	assert_int_equal(r.all.other[READINESS_ALONE], 1);
	assert_int_equal(r.other_count, 1);
	assert_int_equal(r.others[0].id, id);
	assert_int_equal(r.others[0].outcome_user, OTHER);
}

static void nobody_was_named(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	struct readiness r;

	agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_MISSED, OTHER);
	r = report(c);
	assert_int_equal(r.all.missed, 1);
	assert_int_equal(r.missed_by[REASON_NO_EMAIL], 1);
	assert_int_equal(r.miss_count, 1);
	assert_int_equal(r.misses[0].id, id);
}

static void a_review_asks_and_is_answered_by_hand(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct readiness r;
	struct review review;

	agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = report(c);
	assert_int_equal(r.all.agreed[READINESS_ASKING], 1);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_MERGED);
	assert_true(review.decided_ms > 0);
	review_release(&review);
	/* and its job looks again */
	assert_int_equal(ct_state(c, "s:" SUNCO), JOB_READY);
}

static void a_review_about_another_profile_stays_open(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct review review;

	agents_merge(c, PROFILE, OTHER);
	expect(c, id, HINDSIGHT_NONE, 0);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_OPEN);
	review_release(&review);
}

/* --- orders --- */

static void a_replay_changes_nothing(struct ct *c)
{
	struct event e = merge_event(PERSON, PROFILE);
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	assert_int_equal(ct_accept(c, e).accepted, 1);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	agents_merge(c, PERSON, PROFILE); /* told twice, with two ids */
	agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	assert_int_equal(report(c).all.agreed[READINESS_ALONE], 1);
}

static void a_chain_ends_at_the_profile(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	agents_merge(c, OTHER, THIRD);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	agents_merge(c, THIRD, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = report(c);
	assert_int_equal(r.all.agreed[READINESS_ALONE], 1);
	assert_int_equal(r.all.other[READINESS_ALONE], 0);
	assert_int_equal(r.other_count, 0);
}

static void a_chain_is_told_backwards(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	agents_merge(c, OTHER, PROFILE);
	expect(c, id, HINDSIGHT_NONE, 0);
	agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

static void before_any_decision_there_is_nothing_to_compare(struct ct *c)
{
	struct journal_entry linked = decision(ACTION_NONE, PROFILE, 0);
	int64_t id;

	agents_merge(c, PERSON, PROFILE);
	linked.reason = REASON_ALREADY_LINKED;
	id = settle_gone(c, SUNCO, linked, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	agents_merge(c, PROFILE, OTHER); /* some clean-up */
	expect(c, id, HINDSIGHT_NONE, 0);
	assert_int_equal(report(c).all.missed, 0);
}

static void while_it_is_being_decided(struct ct *c)
{
	struct job job = running(c, SUNCO);
	struct journal_entry e = decision(ACTION_MERGE, PERSON, PROFILE);
	struct store_op op;

	agents_merge(c, PERSON, PROFILE);
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), SUNCO));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	expect(c, op.u.settle.journal_id, HINDSIGHT_AGREED, PROFILE);
	job_release(&job);
}

static void a_run_under_way_looks_again(struct ct *c)
{
	struct event e = ct_ticket(PERSON, 9);
	struct job job;
	struct store_op op;

	(void)decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	ct_accept(c, e);
	job = ct_claim(c);
	agents_merge(c, OTHER, PERSON);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	job_release(&job);
}

static void strangers_are_nobodys_business(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	agents_merge(c, OTHER, THIRD);
	agents_merge(c, 0, PERSON);
	agents_merge(c, PERSON, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
}

static void two_conversations_say_nothing_of_each_other(struct ct *c)
{
	int64_t first = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	int64_t second = decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);

	agents_merge(c, SECOND, PERSON);
	expect(c, first, HINDSIGHT_NONE, 0);
	expect(c, second, HINDSIGHT_NONE, 0);
	agents_merge(c, PERSON, PROFILE);
	expect(c, first, HINDSIGHT_AGREED, PROFILE);
	expect(c, second, HINDSIGHT_AGREED, PROFILE);
}

static void two_conversations_that_contradict(struct ct *c)
{
	int64_t first = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	int64_t second = decide(c, SUNCO_2, ACTION_MERGE, SECOND, OTHER);

	agents_merge(c, SECOND, PERSON);
	expect(c, first, HINDSIGHT_NONE, 0);
	expect(c, second, HINDSIGHT_OTHER, PERSON);
}

static void the_newest_decision_counts(struct ct *c)
{
	int64_t old = decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	int64_t new = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	agents_merge(c, PERSON, PROFILE);
	expect(c, old, HINDSIGHT_NONE, 0);
	expect(c, new, HINDSIGHT_AGREED, PROFILE);
}

/* --- our own --- */

static int64_t our_merge(struct ct *c, bool ended)
{
	struct job job = running(c, SUNCO);
	struct journal_entry e = ct_entry(PERSON, PROFILE);
	struct store_op op;

	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), SUNCO));
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	if (ended) {
		e.status = JOURNAL_DONE;
		e.before_image = NULL;
		ct_settle_op(c, &op, &job, JOB_DONE);
		op.u.settle.entry = &e;
		op.u.settle.alias_from = PERSON;
		op.u.settle.alias_to = PROFILE;
		CT_DO(c, &op);
	}
	job_release(&job);
	return e.id;
}

static void our_own_merge_is_not_the_agents(struct ct *c)
{
	int64_t id = our_merge(c, true);

	agents_merge(c, PERSON, PROFILE);
	agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	assert_int_equal(report(c).all.agreed[READINESS_ALONE], 0);
}

static void nor_one_under_way(struct ct *c)
{
	int64_t id = our_merge(c, false);
	struct job job;

	agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	job = ct_job(c, "s:" SUNCO);
	assert_int_equal(job.gen, 1); /* it need not look again for it */
	job_release(&job);
}

static void a_profile_that_we_merged_since_is_the_same(struct ct *c)
{
	int64_t id = decide(c, SUNCO_2, ACTION_MERGE, SECOND, PERSON);

	(void)our_merge(c, true); /* PERSON into PROFILE */
	agents_merge(c, SECOND, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

/* --- later states, without events --- */

static void the_conversation_is_at_the_profile_later(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct journal_entry e = decision(ACTION_NONE, PROFILE, 0);

	e.reason = REASON_ALREADY_LINKED;
	(void)settle_gone(c, SUNCO, e, 0);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	agents_merge(c, PERSON, PROFILE); /* the event comes late */
	assert_int_equal(report(c).all.agreed[READINESS_ALONE], 1);
}

static void elsewhere_counts_only_if_the_user_is_gone(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	/* Zendesk makes a new user for every conversation, perhaps */
	(void)settle_gone(c, SUNCO, decision(ACTION_NONE, OTHER, 0), 0);
	expect(c, id, HINDSIGHT_NONE, 0);

	id = decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	(void)settle_gone(c, SUNCO_2, decision(ACTION_NONE, THIRD, 0), SECOND);
	expect(c, id, HINDSIGHT_OTHER, THIRD);
}

static void a_login_in_between_may_have_moved_it(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct journal_entry e = decision(ACTION_NONE, PROFILE, 0);

	e.reason = REASON_ALREADY_LINKED;
	e.evidence = EVIDENCE_AUTHENTICATED;
	(void)settle_gone(c, SUNCO, e, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
}

/* --- Zendesk's own merges, at a login --- */

static void log_in(struct ct *c)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, SUNCO_2);

	assert_true(
		str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), SUNCO));
	ct_accept(c, e);
}

static void a_login_that_joins_is_not_the_agents(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	log_in(c);
	agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_LOGIN, 0);
	assert_int_equal(report(c).all.missed, 0);
}

static void nor_if_the_event_comes_first(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_MISSED, PROFILE);
	log_in(c);
	expect(c, id, HINDSIGHT_LOGIN, 0);
	assert_int_equal(report(c).all.missed, 0);
}

static void what_agents_did_long_before_a_login_stays(struct ct *c)
{
	int64_t id = decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	agents_merge(c, PERSON, PROFILE);
	c->now_ms += HOUR;
	log_in(c);
	expect(c, id, HINDSIGHT_MISSED, PROFILE);
}

/* --- merges that nobody made --- */

static void what_nobody_made_in_a_week(struct ct *c)
{
	struct readiness r;

	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	c->now_ms += DAY;
	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE); /* again */
	(void)decide(c, SUNCO_2, ACTION_MERGE, SECOND, OTHER);
	r = report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending, 2);
	assert_int_equal(r.not_made, 0);
	c->now_ms += 6 * DAY + HOUR;
	r = report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending, 1);
	assert_int_equal(r.not_made, 1);
	agents_merge(c, PERSON, PROFILE); /* late, but made */
	r = report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.not_made, 0);
	c->now_ms += 30 * DAY; /* long ago: another report told it */
	r = report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending + r.not_made, 0);
}

static void a_pair_that_was_given_up_was_not_missed(struct ct *c)
{
	struct readiness r;

	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	c->now_ms += 8 * DAY;
	r = report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending + r.not_made, 0);
}

/* --- conversations --- */

static void a_person_counts_once_a_day_as_decided_last(struct ct *c)
{
	struct journal_entry weak = decision(ACTION_NONE, PERSON, 0);
	struct readiness r;

	weak.evidence = EVIDENCE_CLAIMED;
	weak.linked = LINKED_BIT(EMAILS_CLAIM_VERIFIED);
	(void)settle_gone(c, SUNCO, weak, 0);
	(void)settle_gone(c, SUNCO, weak, 0);
	r = report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.by_evidence[EVIDENCE_CLAIMED], 1);
	assert_int_equal(r.all.linked[EMAILS_VERIFIED_ONLY], 0);
	assert_int_equal(r.all.linked[EMAILS_CLAIM_VERIFIED], 1);
	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	r = report(c);
	assert_int_equal(r.all.conversations, 2);
	assert_int_equal(r.all.by_evidence[EVIDENCE_CLAIMED], 0);
	assert_int_equal(r.all.by_evidence[EVIDENCE_VERIFIED], 2);
	assert_int_equal(r.all.linked[EMAILS_VERIFIED_ONLY], 2);
	c->now_ms += DAY;
	(void)settle_gone(c, SUNCO, weak, 0);
	r = report(c);
	assert_int_equal(r.all.conversations, 3);
	r = report_since(c, c->now_ms);
	assert_int_equal(r.all.conversations, 1);
}

static void what_zendesk_had_no_user_for_stands_beside(struct ct *c)
{
	struct journal_entry none = decision(ACTION_NONE, 0, 0);
	struct readiness r;

	none.reason = REASON_NO_MESSAGING_USER;
	(void)settle_gone(c, SUNCO, none, 0);
	r = report(c);
	assert_int_equal(r.all.conversations, 0);
	assert_int_equal(r.all.absent, 1);
	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)settle_gone(c, SUNCO, none, 0); /* says less: not counted */
	r = report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.absent, 0);
}

static void backfill_is_no_conversation(struct ct *c)
{
	struct journal_entry e = decision(ACTION_MERGE, PERSON, PROFILE);
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
	assert_int_equal(report(c).all.conversations, 0);
}

/* Decides, and remembers the link. */
static void link_person(struct ct *c)
{
	struct job job = running(c, SUNCO);
	struct journal_entry e = decision(ACTION_NONE, PERSON, 0);
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
	r = report(c);
	assert_int_equal(r.all.conversations, 1);
	assert_int_equal(r.all.known, 0);
	c->now_ms += DAY;
	known_writes(c);
	known_writes(c);
	assert_int_equal(ct_accept(c, ct_ticket(PERSON, 4)).known, 1);
	r = report(c);
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
	assert_int_equal(report(c).all.conversations, 1);
}

static void who_logs_in_in_between_counts_once(struct ct *c)
{
	struct job job;

	(void)decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	log_in(c);
	assert_int_equal(report(c).all.conversations, 0);
	job = ct_claim(c); /* the login wakes the one who stays */
	ct_settle(c, &job, JOB_WAITING);
	(void)decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	assert_int_equal(report(c).all.conversations, 1);
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
	r = report(c);
	assert_int_equal(r.all.known, 1);
	assert_int_equal(r.all.conversations, 2);
}

static void who_is_erased_is_counted_but_not_remembered(struct ct *c)
{
	link_person(c);
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, SUNCO));
	assert_int_equal(report(c).all.conversations, 1);
	/* comes back: nobody knows that it is the same person */
	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	assert_int_equal(report(c).all.conversations, 2);
}

static void accounts_are_apart(struct ct *c)
{
	struct store_op op;

	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	agents_merge(c, PERSON, PROFILE);
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
	assert_false(report(c).all.sampled);
	sample(c, STORE_SAMPLE_DROP, 0, 0); /* it did not work out */
	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	sample(c, STORE_SAMPLE_PUT, 40, 100);
	assert_false(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	c->now_ms += 7 * DAY;
	assert_true(sample(c, STORE_SAMPLE_CLAIM, 0, 0).mine);
	sample(c, STORE_SAMPLE_PUT, 30, 110);
	sample(c, STORE_SAMPLE_PUT, 29, 110); /* the command, a little later */
	r = report(c);
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

	(void)decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	agents_merge(c, PERSON, PROFILE);
	c->now_ms += 2 * DAY;
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.journal_before_ms = c->now_ms;
	op.u.prune.max = 100;
	CT_DO(c, &op);
	assert_int_equal(report(c).all.conversations, 0);
	assert_int_equal(report(c).all.agreed[READINESS_ALONE], 0);
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
	CT_CASE(an_agent_does_the_same),
	CT_CASE(whichever_side_the_event_describes),
	CT_CASE(an_agent_takes_another_profile),
	CT_CASE(nobody_was_named),
	CT_CASE(a_review_asks_and_is_answered_by_hand),
	CT_CASE(a_review_about_another_profile_stays_open),
	CT_CASE(a_replay_changes_nothing),
	CT_CASE(a_chain_ends_at_the_profile),
	CT_CASE(a_chain_is_told_backwards),
	CT_CASE(before_any_decision_there_is_nothing_to_compare),
	CT_CASE(while_it_is_being_decided),
	CT_CASE(a_run_under_way_looks_again),
	CT_CASE(strangers_are_nobodys_business),
	CT_CASE(two_conversations_say_nothing_of_each_other),
	CT_CASE(two_conversations_that_contradict),
	CT_CASE(the_newest_decision_counts),
	CT_CASE(our_own_merge_is_not_the_agents),
	CT_CASE(nor_one_under_way),
	CT_CASE(a_profile_that_we_merged_since_is_the_same),
	CT_CASE(the_conversation_is_at_the_profile_later),
	CT_CASE(elsewhere_counts_only_if_the_user_is_gone),
	CT_CASE(a_login_in_between_may_have_moved_it),
	CT_CASE(a_login_that_joins_is_not_the_agents),
	CT_CASE(nor_if_the_event_comes_first),
	CT_CASE(what_agents_did_long_before_a_login_stays),
	CT_CASE(what_nobody_made_in_a_week),
	CT_CASE(a_pair_that_was_given_up_was_not_missed),
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
const struct ct_group ct_shadow_cases = {cases, ARRAY_LEN(cases)};
