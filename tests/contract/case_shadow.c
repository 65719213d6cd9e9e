/*
 * What agents merged by hand against what was decided: every outcome, in every
 * order.
 */
#include "shadow_kit.h"

#include "base/str.h"

static void expect(struct ct *c, int64_t journal, enum hindsight outcome,
		   uint64_t with)
{
	struct journal_entry e = ct_entry_read(c, journal);

	assert_string_equal(hindsight_name(e.outcome), hindsight_name(outcome));
	assert_int_equal(e.outcome_user, with);
	assert_int_equal(e.outcome_ms != 0, outcome != HINDSIGHT_NONE);
	journal_entry_release(&e);
}

/* --- the outcomes --- */

static void an_agent_does_the_same(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = shadow_report(c);
	assert_int_equal(r.all.agreed[READINESS_ALONE], 1);
	assert_int_equal(r.all.agreed[READINESS_ASKING], 0);
	assert_int_equal(r.pending + r.not_made, 0);
}

static void whichever_side_the_event_describes(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	shadow_agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

static void an_agent_takes_another_profile(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	shadow_agents_merge(c, OTHER, PERSON);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	r = shadow_report(c);
	assert_int_equal(r.all.other[READINESS_ALONE], 1);
	assert_int_equal(r.other_count, 1);
	assert_int_equal(r.others[0].id, id);
	assert_int_equal(r.others[0].outcome_user, OTHER);
}

static void nobody_was_named(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	struct readiness r;

	shadow_agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_MISSED, OTHER);
	r = shadow_report(c);
	assert_int_equal(r.all.missed, 1);
	assert_int_equal(r.missed_by[REASON_NO_EMAIL], 1);
	assert_int_equal(r.miss_count, 1);
	assert_int_equal(r.misses[0].id, id);
}

static void a_review_asks_and_is_answered_by_hand(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct readiness r;
	struct review review;

	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = shadow_report(c);
	assert_int_equal(r.all.agreed[READINESS_ASKING], 1);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_MERGED);
	assert_true(review.decided_ms > 0);
	review_release(&review);
	/* and its job looks again */
	assert_int_equal(ct_state(c, "s:" SUNCO), JOB_READY);
}

/* One review per profile: the other conversation's job rests on it, too. */
static void who_rests_on_that_review_looks_again(struct ct *c)
{
	struct review review;

	(void)shadow_decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	(void)shadow_decide(c, SUNCO_2, ACTION_REVIEW, SECOND, PROFILE);
	assert_int_equal(ct_state(c, "s:" SUNCO_2), JOB_REVIEW);
	shadow_agents_merge(c, SECOND, PROFILE); /* not what it asks */
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_OPEN);
	review_release(&review);
	assert_int_equal(ct_state(c, "s:" SUNCO_2), JOB_READY);
	assert_int_equal(ct_state(c, "s:" SUNCO), JOB_REVIEW);
	shadow_agents_merge(c, PROFILE, PERSON);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_MERGED);
	review_release(&review);
	assert_int_equal(ct_state(c, "s:" SUNCO), JOB_READY);
}

static void a_review_about_another_profile_stays_open(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct review review;

	shadow_agents_merge(c, PROFILE, OTHER);
	expect(c, id, HINDSIGHT_NONE, 0);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_OPEN);
	review_release(&review);
}

/* --- orders --- */

static void a_replay_changes_nothing(struct ct *c)
{
	struct event e = shadow_merge_event(PERSON, PROFILE);
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	assert_int_equal(ct_accept(c, e).accepted, 1);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	shadow_agents_merge(c, PERSON, PROFILE); /* told twice, with two ids */
	shadow_agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	assert_int_equal(shadow_report(c).all.agreed[READINESS_ALONE], 1);
}

static void a_chain_ends_at_the_profile(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct readiness r;

	shadow_agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	shadow_agents_merge(c, OTHER, THIRD);
	expect(c, id, HINDSIGHT_OTHER, OTHER);
	shadow_agents_merge(c, THIRD, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	r = shadow_report(c);
	assert_int_equal(r.all.agreed[READINESS_ALONE], 1);
	assert_int_equal(r.all.other[READINESS_ALONE], 0);
	assert_int_equal(r.other_count, 0);
}

static void a_chain_is_told_backwards(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	shadow_agents_merge(c, OTHER, PROFILE);
	expect(c, id, HINDSIGHT_NONE, 0);
	shadow_agents_merge(c, PERSON, OTHER);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

static void before_any_decision_there_is_nothing_to_compare(struct ct *c)
{
	struct journal_entry linked = shadow_decision(ACTION_NONE, PROFILE, 0);
	int64_t id;

	shadow_agents_merge(c, PERSON, PROFILE);
	linked.reason = REASON_ALREADY_LINKED;
	id = shadow_settle(c, SUNCO, linked, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	shadow_agents_merge(c, PROFILE, OTHER); /* some clean-up */
	expect(c, id, HINDSIGHT_NONE, 0);
	assert_int_equal(shadow_report(c).all.missed, 0);
}

static void while_it_is_being_decided(struct ct *c)
{
	struct job job = shadow_running(c, SUNCO);
	struct journal_entry e = shadow_decision(ACTION_MERGE, PERSON, PROFILE);
	struct store_op op;

	shadow_agents_merge(c, PERSON, PROFILE);
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

	(void)shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	ct_accept(c, e);
	job = ct_claim(c);
	shadow_agents_merge(c, OTHER, PERSON);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	job_release(&job);
}

static void strangers_are_nobodys_business(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	shadow_agents_merge(c, OTHER, THIRD);
	shadow_agents_merge(c, 0, PERSON);
	shadow_agents_merge(c, PERSON, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
}

static void two_conversations_say_nothing_of_each_other(struct ct *c)
{
	int64_t first = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	int64_t second =
		shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);

	shadow_agents_merge(c, SECOND, PERSON);
	expect(c, first, HINDSIGHT_NONE, 0);
	expect(c, second, HINDSIGHT_NONE, 0);
	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, first, HINDSIGHT_AGREED, PROFILE);
	expect(c, second, HINDSIGHT_AGREED, PROFILE);
}

static void two_conversations_that_contradict(struct ct *c)
{
	int64_t first = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	int64_t second = shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, OTHER);

	shadow_agents_merge(c, SECOND, PERSON);
	expect(c, first, HINDSIGHT_NONE, 0);
	expect(c, second, HINDSIGHT_OTHER, PERSON);
}

static void the_newest_decision_counts(struct ct *c)
{
	int64_t old = shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	int64_t new = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, old, HINDSIGHT_NONE, 0);
	expect(c, new, HINDSIGHT_AGREED, PROFILE);
}

/* --- our own --- */

static int64_t our_merge(struct ct *c, bool ended)
{
	struct job job = shadow_running(c, SUNCO);
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

	shadow_agents_merge(c, PERSON, PROFILE);
	shadow_agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	assert_int_equal(shadow_report(c).all.agreed[READINESS_ALONE], 0);
}

static void nor_one_under_way(struct ct *c)
{
	int64_t id = our_merge(c, false);
	struct job job;

	shadow_agents_merge(c, PROFILE, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
	job = ct_job(c, "s:" SUNCO);
	assert_int_equal(job.gen, 1); /* it need not look again for it */
	job_release(&job);
}

static void a_profile_that_we_merged_since_is_the_same(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, PERSON);

	(void)our_merge(c, true); /* PERSON into PROFILE */
	shadow_agents_merge(c, SECOND, PROFILE);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
}

/* --- later states, without events --- */

static void the_conversation_is_at_the_profile_later(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	struct journal_entry e = shadow_decision(ACTION_NONE, PROFILE, 0);

	e.reason = REASON_ALREADY_LINKED;
	(void)shadow_settle(c, SUNCO, e, 0);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	shadow_agents_merge(c, PERSON, PROFILE); /* the event comes late */
	assert_int_equal(shadow_report(c).all.agreed[READINESS_ALONE], 1);
}

static void and_settles_the_review_that_asked(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct journal_entry e = shadow_decision(ACTION_NONE, PROFILE, 0);
	struct review review;

	e.reason = REASON_ALREADY_LINKED;
	(void)shadow_settle(c, SUNCO, e, 0);
	expect(c, id, HINDSIGHT_AGREED, PROFILE);
	review = ct_review_read(c, 1);
	assert_int_equal(review.state, REVIEW_MERGED);
	review_release(&review);
}

static void elsewhere_counts_only_if_the_user_is_gone(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);

	/* Zendesk makes a new user for every conversation, perhaps */
	(void)shadow_settle(c, SUNCO, shadow_decision(ACTION_NONE, OTHER, 0),
			    0);
	expect(c, id, HINDSIGHT_NONE, 0);

	id = shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, PROFILE);
	(void)shadow_settle(c, SUNCO_2, shadow_decision(ACTION_NONE, THIRD, 0),
			    SECOND);
	expect(c, id, HINDSIGHT_OTHER, THIRD);
}

static void a_login_in_between_may_have_moved_it(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_REVIEW, PERSON, PROFILE);
	struct journal_entry e = shadow_decision(ACTION_NONE, PROFILE, 0);

	e.reason = REASON_ALREADY_LINKED;
	e.evidence = EVIDENCE_AUTHENTICATED;
	(void)shadow_settle(c, SUNCO, e, PERSON);
	expect(c, id, HINDSIGHT_NONE, 0);
}

/* --- Zendesk's own merges, at a login --- */

static void a_login_that_joins_is_not_the_agents(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	shadow_log_in(c);
	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_LOGIN, 0);
	assert_int_equal(shadow_report(c).all.missed, 0);
}

static void nor_if_the_event_comes_first(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	shadow_agents_merge(c, PERSON, PROFILE);
	expect(c, id, HINDSIGHT_MISSED, PROFILE);
	shadow_log_in(c);
	expect(c, id, HINDSIGHT_LOGIN, 0);
	assert_int_equal(shadow_report(c).all.missed, 0);
}

static void what_agents_did_long_before_a_login_stays(struct ct *c)
{
	int64_t id = shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);

	shadow_agents_merge(c, PERSON, PROFILE);
	c->now_ms += HOUR;
	shadow_log_in(c);
	expect(c, id, HINDSIGHT_MISSED, PROFILE);
}

/* --- merges that nobody made --- */

static void what_nobody_made_in_a_week(struct ct *c)
{
	struct readiness r;

	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	c->now_ms += DAY;
	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON,
			    PROFILE); /* again */
	(void)shadow_decide(c, SUNCO_2, ACTION_MERGE, SECOND, OTHER);
	r = shadow_report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending, 2);
	assert_int_equal(r.not_made, 0);
	c->now_ms += 6 * DAY + HOUR;
	r = shadow_report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending, 1);
	assert_int_equal(r.not_made, 1);
	shadow_agents_merge(c, PERSON, PROFILE); /* late, but made */
	r = shadow_report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.not_made, 0);
	c->now_ms += 30 * DAY; /* long ago: another report told it */
	r = shadow_report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending + r.not_made, 0);
}

static void a_pair_that_was_given_up_was_not_missed(struct ct *c)
{
	struct readiness r;

	(void)shadow_decide(c, SUNCO, ACTION_MERGE, PERSON, PROFILE);
	(void)shadow_decide(c, SUNCO, ACTION_NONE, PERSON, 0);
	c->now_ms += 8 * DAY;
	r = shadow_report_since(c, c->now_ms - 7 * DAY);
	assert_int_equal(r.pending + r.not_made, 0);
}

static const struct ct_case cases[] = {
	CT_CASE(an_agent_does_the_same),
	CT_CASE(whichever_side_the_event_describes),
	CT_CASE(an_agent_takes_another_profile),
	CT_CASE(nobody_was_named),
	CT_CASE(a_review_asks_and_is_answered_by_hand),
	CT_CASE(who_rests_on_that_review_looks_again),
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
	CT_CASE(and_settles_the_review_that_asked),
	CT_CASE(elsewhere_counts_only_if_the_user_is_gone),
	CT_CASE(a_login_in_between_may_have_moved_it),
	CT_CASE(a_login_that_joins_is_not_the_agents),
	CT_CASE(nor_if_the_event_comes_first),
	CT_CASE(what_agents_did_long_before_a_login_stays),
	CT_CASE(what_nobody_made_in_a_week),
	CT_CASE(a_pair_that_was_given_up_was_not_missed),
};
const struct ct_group ct_shadow_cases = {cases, ARRAY_LEN(cases)};
