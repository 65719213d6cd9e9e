/*
 * Cases: intent (locks, breaker, pending entry), steps, and how entries end.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

static int64_t intend(struct ct *c, const struct job *job, uint64_t user,
		      uint64_t profile)
{
	struct journal_entry e = ct_entry(user, profile);
	struct store_op op;

	e.status = JOURNAL_DONE; /* whatever it says: it is pending */
	ct_intent_op(c, &op, job, &e);
	CT_DO(c, &op);
	assert_true(op.u.intent.journal_id > 0);
	return op.u.intent.journal_id;
}

static void refused(struct ct *c, const struct job *job, uint64_t user,
		    uint64_t profile, enum result why)
{
	struct journal_entry e = ct_entry(user, profile);
	struct store_op op;

	ct_intent_op(c, &op, job, &e);
	CT_REFUSED(c, &op, why);
}

static void an_intent_writes_ahead(struct ct *c)
{
	struct job job = ct_running(c, "ann"), row;
	struct journal_entry e = ct_entry_read(c, intend(c, &job, 11, 12));

	assert_int_equal(e.status, JOURNAL_PENDING);
	assert_int_equal(e.action, ACTION_MERGE);
	assert_int_equal(e.job_id, job.id);
	assert_int_equal(e.at_ms, c->now_ms);
	assert_string_equal(e.account, CT_ACCOUNT);
	assert_string_equal(e.before_image, "{\"before\":true}");
	row = ct_job(c, "s:ann");
	assert_string_equal(row.progress, "{\"step\":\"merge\"}");
	job_release(&row);
	journal_entry_release(&e);
	job_release(&job);
}

static void locks_hold_others_off(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");

	intend(c, &ann, 11, 12);
	refused(c, &bob, 13, 12, RESULT_CONFLICT);
	refused(c, &bob, 12, 14, RESULT_CONFLICT);
	refused(c, &bob, 11, 0, RESULT_CONFLICT);
	intend(c, &bob, 13, 14);
	job_release(&ann);
	job_release(&bob);
}

static void an_intent_takes_both_or_none(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");
	struct job cy = ct_running(c, "cy");

	intend(c, &ann, 11, 12);
	refused(c, &bob, 13, 12, RESULT_CONFLICT);
	intend(c, &cy, 13, 14); /* 13 was not taken */
	job_release(&ann);
	job_release(&bob);
	job_release(&cy);
}

static void a_job_renews_its_own_locks(struct ct *c)
{
	struct job ann = ct_running(c, "ann");

	intend(c, &ann, 11, 12);
	c->now_ms += MINUTE;
	intend(c, &ann, 12, 11);
	job_release(&ann);
}

static void an_expired_lock_may_be_taken(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");

	intend(c, &ann, 11, 12);
	c->now_ms += 5 * MINUTE - 1;
	refused(c, &bob, 13, 12, RESULT_CONFLICT);
	c->now_ms++;
	intend(c, &bob, 13, 12);
	job_release(&ann);
	job_release(&bob);
}

static void a_longer_lease_holds_the_locks(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");

	intend(c, &ann, 11, 12);
	assert_true(ct_extend(c, &ann, c->now_ms + HOUR, 0));
	c->now_ms += 30 * MINUTE;
	refused(c, &bob, 13, 12, RESULT_CONFLICT);
	job_release(&ann);
	job_release(&bob);
}

/* For as long as a request of the lease's last moment may take. */
static void locks_may_outlive_the_lease(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");

	intend(c, &ann, 11, 12);
	assert_true(ct_extend(c, &ann, c->now_ms + HOUR,
			      c->now_ms + HOUR + MINUTE));
	c->now_ms += HOUR + MINUTE - 1;
	refused(c, &bob, 13, 12, RESULT_CONFLICT);
	c->now_ms++;
	intend(c, &bob, 13, 12);
	job_release(&ann);
	job_release(&bob);
}

static void a_settle_gives_the_locks_back(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");

	intend(c, &ann, 11, 12);
	ct_settle(c, &ann, JOB_READY);
	intend(c, &bob, 13, 12);
	job_release(&bob);
}

static void accounts_do_not_share_locks(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob;
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	struct store_op op;

	intend(c, &ann, 11, 12);
	store_op_init(&op, STORE_ACCEPT);
	op.u.accept.account = "other";
	op.u.accept.events = &e;
	op.u.accept.count = 1;
	op.u.accept.now_ms = c->now_ms;
	CT_DO(c, &op);
	ct_claim_op(c, &op, 1);
	op.u.claim.account = "other";
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 1);
	job_copy(&bob, &op.u.claim.jobs[0]);
	store_op_release(&op);
	intend(c, &bob, 11, 12);
	job_release(&ann);
	job_release(&bob);
}

/* --- the breaker --- */

static struct store_op limited(struct ct *c, const struct job *job,
			       const struct journal_entry *e, int64_t hour,
			       int64_t profile)
{
	struct store_op op;

	ct_intent_op(c, &op, job, e);
	op.u.intent.max_per_hour = hour;
	op.u.intent.max_per_profile = profile;
	return op;
}

static void the_hour_is_full_at_its_limit(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	intend(c, &job, 11, 21);
	intend(c, &job, 11, 22);
	op = limited(c, &job, &e, 2, INT64_MAX);
	CT_REFUSED(c, &op, RESULT_RATE);
	assert_int_equal(op.u.intent.merges_this_hour, 2);
	assert_int_equal(op.u.intent.merges_into_profile_today, 0);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 2);
	op = limited(c, &job, &e, 3, INT64_MAX);
	CT_DO(c, &op);
	assert_int_equal(op.u.intent.merges_this_hour, 2);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 3);
	c->now_ms += HOUR;
	op = limited(c, &job, &e, 1, INT64_MAX);
	CT_DO(c, &op);
	job_release(&job);
}

static void a_profile_is_full_for_a_day(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	intend(c, &job, 11, 12);
	c->now_ms += 2 * HOUR;
	op = limited(c, &job, &e, INT64_MAX, 1);
	CT_REFUSED(c, &op, RESULT_RATE);
	assert_int_equal(op.u.intent.merges_this_hour, 0);
	assert_int_equal(op.u.intent.merges_into_profile_today, 1);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_today[0], 1);
	assert_int_equal(ct_recall(c, "", 13, 0).merges_today[0], 0);
	c->now_ms += 22 * HOUR;
	op = limited(c, &job, &e, INT64_MAX, 1);
	CT_DO(c, &op);
	job_release(&job);
}

static void adopts_count_in_the_hour_only(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 0);
	struct store_op op = limited(c, &job, &e, 1, 0);

	CT_DO(c, &op);
	op = limited(c, &job, &e, 1, 0);
	CT_REFUSED(c, &op, RESULT_RATE);
	job_release(&job);
}

static void other_actions_take_no_place(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 0);
	struct store_op op;

	e.action = ACTION_NONE; /* a name is completed */
	op = limited(c, &job, &e, 0, 0);
	CT_DO(c, &op);
	assert_true(op.u.intent.journal_id > 0);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 0);
	job_release(&job);
}

static void a_refused_intent_writes_nothing(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op = limited(c, &ann, &e, 0, 0), list;
	struct job row;

	CT_REFUSED(c, &op, RESULT_RATE);
	store_op_init(&list, STORE_JOURNAL);
	CT_DO(c, &list);
	assert_int_equal(list.u.journal.count, 0);
	store_op_release(&list);
	row = ct_job(c, "s:ann");
	assert_null(row.progress);
	job_release(&row);
	intend(c, &bob, 11, 12); /* no lock was taken */
	job_release(&ann);
	job_release(&bob);
}

static void step(struct ct *c, const struct job *job, int64_t entry,
		 enum journal_status status)
{
	struct store_op op;

	store_op_init(&op, STORE_STEP);
	op.u.step.job_id = job->id;
	op.u.step.token = job->token;
	op.u.step.progress = "{\"step\":\"read_back\"}";
	op.u.step.journal_id = entry;
	op.u.step.status = status;
	op.u.step.now_ms = c->now_ms;
	CT_DO(c, &op);
}

static void a_failed_entry_gives_its_place_back(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	step(c, &job, intend(c, &job, 11, 12), JOURNAL_FAILED);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 0);
	e.id = intend(c, &job, 11, 12);
	e.status = JOURNAL_FAILED;
	ct_settle_op(c, &op, &job, JOB_DEAD);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 0);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_today[0], 0);
	job_release(&job);
}

static void an_uncertain_entry_keeps_its_place(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	step(c, &job, intend(c, &job, 11, 12), JOURNAL_UNCERTAIN);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 1);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_recall(c, "", 12, 0).merges_this_hour, 1);
}

/* --- steps and ends --- */

static void a_step_moves_the_job_and_the_entry(struct ct *c)
{
	struct job job = ct_running(c, "ann"), row;
	int64_t id = intend(c, &job, 11, 12);
	struct journal_entry e;

	step(c, &job, id, JOURNAL_UNCERTAIN);
	e = ct_entry_read(c, id);
	assert_int_equal(e.status, JOURNAL_UNCERTAIN);
	journal_entry_release(&e);
	row = ct_job(c, "s:ann");
	assert_string_equal(row.progress, "{\"step\":\"read_back\"}");
	job_release(&row);
	job_release(&job);
}

static void check_open_entry(struct ct *c, int64_t id)
{
	struct job row = ct_job(c, "s:ann");

	assert_int_equal(row.journal_id, id);
	job_release(&row);
}

static void a_job_names_its_open_entry(struct ct *c)
{
	struct job job = ct_running(c, "ann"), bob = ct_running(c, "bob");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	assert_int_equal(job.journal_id, 0);
	intend(c, &bob, 13, 14);
	ct_settle(c, &bob, JOB_DONE);
	e.id = intend(c, &job, 11, 12);
	check_open_entry(c, e.id);
	step(c, &job, e.id, JOURNAL_UNCERTAIN);
	check_open_entry(c, e.id);
	ct_settle(c, &job, JOB_READY);
	check_open_entry(c, e.id);
	c->now_ms += 5 * MINUTE;
	job = ct_claim(c);
	assert_int_equal(job.journal_id, e.id);
	e.status = JOURNAL_FAILED;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	check_open_entry(c, 0);
	job_release(&job);
}

static bool merging(struct ct *c, const char *sunco_id, uint64_t user)
{
	return ct_recall(c, sunco_id, user, 0).merging;
}

/* To whoever asks for a requester of whom no more is known. */
static void a_merge_under_way_is_told(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	int64_t id;

	assert_false(merging(c, "", 11));
	id = intend(c, &job, 11, 12);
	assert_true(merging(c, "", 11));
	assert_false(merging(c, "", 12));
	assert_false(merging(c, "ann", 11));
	step(c, &job, id, JOURNAL_UNCERTAIN);
	assert_true(merging(c, "", 11));
	step(c, &job, id, JOURNAL_DONE);
	assert_false(merging(c, "", 11));
	job_release(&job);
}

static void an_entry_belongs_to_its_job(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	e.id = intend(c, &ann, 11, 12);
	store_op_init(&op, STORE_STEP);
	op.u.step.job_id = bob.id;
	op.u.step.token = bob.token;
	op.u.step.journal_id = e.id;
	CT_REFUSED(c, &op, RESULT_NOTFOUND);
	ct_settle_op(c, &op, &bob, JOB_DONE);
	op.u.settle.entry = &e;
	CT_REFUSED(c, &op, RESULT_NOTFOUND);
	assert_int_equal(ct_state(c, "s:bob"), JOB_RUNNING);
	job_release(&ann);
	job_release(&bob);
}

static void a_settle_finishes_the_entry(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12), got;
	static char note[] = "moved", by[] = "eve";
	struct store_op op;

	e.id = intend(c, &job, 11, 12);
	e.status = JOURNAL_DONE;
	e.reason = REASON_IDENTITY_NOT_MOVED;
	e.api_calls = 6;
	e.ticket_id = 9;
	e.note = note;
	e.decided_by = by;
	e.before_image = NULL;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	assert_int_equal(op.u.settle.journal_id, e.id);
	got = ct_entry_read(c, e.id);
	assert_int_equal(got.status, JOURNAL_DONE);
	assert_int_equal(got.reason, REASON_IDENTITY_NOT_MOVED);
	assert_int_equal(got.api_calls, 6);
	assert_int_equal(got.ticket_id, 9);
	assert_string_equal(got.note, "moved");
	assert_string_equal(got.decided_by, "eve");
	assert_string_equal(got.before_image, "{\"before\":true}");
	journal_entry_release(&got);
	job_release(&job);
}

/* It may have turned out to be about others, or about nobody. */
static void a_settle_says_who_it_was_about(struct ct *c)
{
	static const uint64_t about[][2] = {{11, 12}, {13, 12}, {11, 0}};
	static char image[] = "{\"before\":\"anew\"}";
	struct journal_entry e, got;
	struct store_op op;

	for (size_t i = 0; i < ARRAY_LEN(about); i++) {
		struct job job = ct_running(c, "ann");

		e = ct_entry(11, 12);
		e.id = intend(c, &job, 11, 12);
		e.status = JOURNAL_DONE;
		e.messaging_user_id = about[i][0];
		e.profile_id = about[i][1];
		e.before_image = image;
		ct_settle_op(c, &op, &job, JOB_DONE);
		op.u.settle.entry = &e;
		CT_DO(c, &op);
		got = ct_entry_read(c, e.id);
		assert_int_equal(got.messaging_user_id, about[i][0]);
		assert_int_equal(got.profile_id, about[i][1]);
		assert_string_equal(got.before_image, image);
		journal_entry_release(&got);
		job_release(&job);
	}
}

static void every_reason_survives_the_journal(struct ct *c)
{
	struct journal_entry e = ct_entry(11, 0), got;
	struct job job;
	struct store_op op;
	enum reason r;

	e.action = ACTION_REVIEW;
	e.applied = false;
	e.status = JOURNAL_DONE;
	for (r = 0; r < REASON_COUNT; r++) {
		job = ct_running(c, "ann");
		e.reason = r;
		e.reasons = REASON_BIT(r) | REASON_BIT(REASON_COUNT - 1);
		ct_settle_op(c, &op, &job, JOB_DONE);
		op.u.settle.entry = &e;
		CT_DO(c, &op);
		got = ct_entry_read(c, op.u.settle.journal_id);
		assert_int_equal(got.reason, r);
		assert_true(got.reasons == e.reasons);
		assert_false(got.applied);
		assert_int_equal(got.action, ACTION_REVIEW);
		journal_entry_release(&got);
		job_release(&job);
	}
	e.reasons = REASON_BIT(REASON_COUNT) - 1; /* all at once */
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	got = ct_entry_read(c, op.u.settle.journal_id);
	assert_true(got.reasons == e.reasons);
	journal_entry_release(&got);
	job_release(&job);
}

static const struct ct_case cases[] = {
	CT_CASE(an_intent_writes_ahead),
	CT_CASE(locks_hold_others_off),
	CT_CASE(an_intent_takes_both_or_none),
	CT_CASE(a_job_renews_its_own_locks),
	CT_CASE(an_expired_lock_may_be_taken),
	CT_CASE(a_longer_lease_holds_the_locks),
	CT_CASE(locks_may_outlive_the_lease),
	CT_CASE(a_settle_gives_the_locks_back),
	CT_CASE(accounts_do_not_share_locks),
	CT_CASE(the_hour_is_full_at_its_limit),
	CT_CASE(a_profile_is_full_for_a_day),
	CT_CASE(adopts_count_in_the_hour_only),
	CT_CASE(other_actions_take_no_place),
	CT_CASE(a_refused_intent_writes_nothing),
	CT_CASE(a_failed_entry_gives_its_place_back),
	CT_CASE(an_uncertain_entry_keeps_its_place),
	CT_CASE(a_step_moves_the_job_and_the_entry),
	CT_CASE(a_job_names_its_open_entry),
	CT_CASE(a_merge_under_way_is_told),
	CT_CASE(an_entry_belongs_to_its_job),
	CT_CASE(a_settle_finishes_the_entry),
	CT_CASE(a_settle_says_who_it_was_about),
	CT_CASE(every_reason_survives_the_journal),
};
const struct ct_group ct_saga_cases = {cases, ARRAY_LEN(cases)};
