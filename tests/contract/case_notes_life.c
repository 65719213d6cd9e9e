/*
 * Cases: notes that are counted, fail, are given up, outlive a life, and end.
 */
#include "note_kit.h"

#include "base/str.h"

/* --- how many --- */

static struct store_stats stats(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = c->now_ms;
	op.u.stats.detail = true;
	CT_DO(c, &op);
	return op.u.stats;
}

static void what_is_to_be_told_is_counted(struct ct *c)
{
	int64_t start_ms = c->now_ms;
	struct store_note n;
	struct store_op op;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	c->now_ms += MINUTE;
	note_run_to(c, "bob", note_with_ticket(note_merged, 78));
	note_run_to(c, "cy", note_merged);
	assert_int_equal(stats(c).notes_open, 2);
	assert_int_equal(stats(c).oldest_note_ms, start_ms);
	n = note_due(c);
	note_done_op(c, &op, &n, "refused");
	CT_DO(c, &op);
	assert_int_equal(stats(c).notes_open, 1);
	assert_int_equal(stats(c).oldest_note_ms, c->now_ms);
	assert_int_equal(stats(c).notes_refused, 1);
	c->now_ms += 2 * DAY;
	assert_int_equal(stats(c).notes_refused, 0);
	note_tell_next(c);
	assert_int_equal(stats(c).oldest_note_ms, 0);
}

/* Given up, and told so or not; then it worked after all. */
static void tell_of_both(struct ct *c, const char *first)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_note n;
	struct store_op op;

	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	for (int i = 0; i < 2; i++) {
		ct_settle_op(c, &op, &job, i == 0 ? JOB_DEAD : JOB_DONE);
		e.status = i == 0 ? JOURNAL_PENDING : JOURNAL_DONE;
		op.u.settle.entry = &e;
		op.u.settle.ticket_id = 77;
		op.u.settle.note = true;
		CT_DO(c, &op);
		job_release(&job);
		n = note_due(c);
		assert_int_equal(n.job_dead, i == 0);
		assert_int_equal(n.told_before, i == 1);
		note_done_op(c, &op, &n, i == 0 ? first : "told");
		CT_DO(c, &op);
		job = ct_running(c, "ann");
	}
	job_release(&job);
	note_none_due(c);
}

static void what_was_outdated_may_be_true_again(struct ct *c)
{
	tell_of_both(c, "outdated");
}

static void what_was_given_up_may_be_done(struct ct *c)
{
	tell_of_both(c, "given_up");
}

/* --- leases --- */

static void a_lease_ends(struct ct *c)
{
	struct store_note first, second;
	struct store_op op;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	first = note_due(c);
	note_none_due(c);
	c->now_ms += NOTE_LEASE;
	second = note_due(c);
	assert_int_equal(second.id, first.id);
	assert_true(second.unsure);
	note_done_op(c, &op, &first, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	note_told(c, &second);
	note_done_op(c, &op, &second, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
}

static void what_failed_is_due_again(struct ct *c)
{
	struct store_note n;
	struct store_op op;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	n = note_due(c);
	note_done_op(c, &op, &n, NULL);
	CT_DO(c, &op);
	note_none_due(c);
	assert_int_equal(note_claim(c).next_ms, c->now_ms + MINUTE);
	c->now_ms += MINUTE;
	n = note_due(c);
	assert_int_equal(n.attempts, 1);
	assert_false(n.unsure);
	note_done_op(c, &op, &n, NULL);
	op.u.note_done.unsure = true;
	CT_DO(c, &op);
	c->now_ms += MINUTE;
	assert_true(note_due(c).unsure);
}

/* What a former life may have sent has settled a little later. */
static void a_new_life_waits_a_little(struct ct *c)
{
	struct store_note n;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	n = note_due(c);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	note_none_due(c);
	c->now_ms += c->factory->shared ? NOTE_LEASE : MINUTE;
	assert_int_equal(note_due(c).id, n.id);
}

static void a_paused_account_is_left_alone(struct ct *c)
{
	struct store_op op;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = true;
	op.u.account.by = "maria";
	op.u.account.now_ms = c->now_ms;
	op.u.account.paused = true;
	CT_DO(c, &op);
	store_op_release(&op);
	note_none_due(c);
	assert_int_equal(note_claim(c).next_ms, INT64_MAX);
	op.u.account.paused = false;
	CT_DO(c, &op);
	store_op_release(&op);
	note_tell_next(c);
}

/* --- the end --- */

static void a_note_goes_with_its_person(struct ct *c)
{
	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, "ann"));
	note_none_due(c);
}

static void notes_go_with_the_journal(struct ct *c)
{
	struct store_op op;
	struct store_note n;

	note_run_to(c, "ann", note_with_ticket(note_merged, 77));
	n = note_due(c);
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.max = 10;
	op.u.prune.journal_before_ms = c->now_ms + 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 2);
	note_done_op(c, &op, &n, "told");
	CT_REFUSED(c, &op, RESULT_CONFLICT);
}

static const struct ct_case cases[] = {
	CT_CASE(what_is_to_be_told_is_counted),
	CT_CASE(what_was_outdated_may_be_true_again),
	CT_CASE(what_was_given_up_may_be_done),
	CT_CASE(a_lease_ends),
	CT_CASE(what_failed_is_due_again),
	CT_CASE(a_new_life_waits_a_little),
	CT_CASE(a_paused_account_is_left_alone),
	CT_CASE(a_note_goes_with_its_person),
	CT_CASE(notes_go_with_the_journal),
};
const struct ct_group ct_note_life_cases = {cases, ARRAY_LEN(cases)};
