/*
 * An external id that is in the way of a merge, and what follows a merge:
 * with every fault and every crash at every command.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

/* The account refuses users with an external id; the profile has none. */
static void make_refused(struct world *w)
{
	world_make_merge(w);
	w->refuses_ids = true;
	w->settings.rules.release_external_id = true;
}

/* And everything that may follow a merge. */
static void make_all(struct world *w)
{
	struct zd_identity *address;

	make_refused(w);
	w->settings.rules.verify_profile_email = true;
	w->settings.sync = true;
	w->sunco.zendesk_id = WORLD_PERSON;
	address = &world_user(w, WORLD_PROFILE)->identities[0];
	address->id = 220;
	address->verified = false;
	address->method = VERIFICATION_NONE;
}

static const char *held(struct world *w)
{
	return world_user(w, WORLD_PERSON)->external_id;
}

static void test_the_id_is_taken_away_for_the_merge(void **state)
{
	struct world w;

	(void)state;
	make_refused(&w);
	assert_int_equal(world_live(&w, 4), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.releases, 1);
	assert_int_equal(w.returns, 0);
	assert_int_equal(w.counts[COMMAND_MERGE], 2);
	world_release(&w);
}

static void expect_review(struct world *w, enum reason why)
{
	struct linkjob l;

	world_run(w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, why);
	assert_int_equal(w->merges, 0);
	assert_string_equal(held(w), "cust-1");
	linkjob_release(&l);
}

static void test_without_leave_a_person_is_asked(void **state)
{
	struct world w;

	(void)state;
	make_refused(&w);
	w.settings.rules.release_external_id = false;
	expect_review(&w, REASON_EXTERNAL_ID_REFUSED);
	assert_int_equal(w.releases, 0);
	world_release(&w);
}

static void test_an_approval_is_leave(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_refused(&w);
	w.settings.rules.release_external_id = false;
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_EXTERNAL_ID_REFUSED);
	world_approve(&w, &l);
	linkjob_release(&l);
	w.settings.approval.waived = REASON_BIT(REASON_MERGE_REFUSED);
	expect_review(&w, REASON_EXTERNAL_ID_REFUSED);
	w.settings.approval.waived = REASON_BIT(REASON_EXTERNAL_ID_REFUSED);
	assert_int_equal(world_live(&w, 4), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* Refused for another reason after that: leave is asked for again, too. */
static void test_leave_is_listed_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_refused(&w);
	w.settings.rules.release_external_id = false;
	world_run(&w, &l);
	world_approve(&w, &l);
	linkjob_release(&l);
	w.refuses_merge = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_true(l.decision.reasons &
		    REASON_BIT(REASON_EXTERNAL_ID_REFUSED));
	assert_string_equal(held(&w), "cust-1");
	linkjob_release(&l);
	world_release(&w);
}

/* The profile's own would be in the way still. */
static void test_a_profile_with_an_id_is_no_case_for_it(void **state)
{
	struct world w;

	(void)state;
	make_refused(&w);
	world_user(&w, WORLD_PROFILE)->external_id = xstrdup("CUST-1");
	expect_review(&w, REASON_EXTERNAL_ID_REFUSED);
	assert_int_equal(w.releases, 0);
	world_release(&w);
}

static void test_another_refusal_releases_nothing(void **state)
{
	struct world w;

	(void)state;
	make_refused(&w);
	w.refuses_ids = false;
	w.refuses_merge = true;
	expect_review(&w, REASON_MERGE_REFUSED);
	assert_int_equal(w.releases, 0);
	world_release(&w);
}

/* Refused again, for another reason: the id comes back. */
static void test_what_did_not_help_is_undone(void **state)
{
	struct world w;

	(void)state;
	make_refused(&w);
	w.refuses_merge = true;
	expect_review(&w, REASON_MERGE_REFUSED);
	assert_int_equal(w.releases, 1);
	assert_int_equal(w.returns, 1);
	world_release(&w);
}

static void test_an_id_that_somebody_took_is_told(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_refused(&w);
	w.refuses_merge = true;
	w.takes_id = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_true(l.saga.remarks & REASON_BIT(REASON_EXTERNAL_ID_TAKEN));
	assert_null(held(&w));
	linkjob_release(&l);
	world_release(&w);
}

/* Credentials that end between the two: the job keeps it until they work. */
static void test_it_is_given_back_when_the_account_works_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_refused(&w);
	w.fault = FAULT_AUTH;
	w.at_kind = COMMAND_MERGE;
	w.at = 2;
	world_run(&w, &l);
	linkjob_release(&l);
	assert_int_equal(w.returns, 1);
	assert_string_equal(held(&w), "cust-1");
	world_release(&w);
	make_refused(&w);
	w.refuses_merge = true;
	w.fault = FAULT_AUTH;
	w.at_kind = COMMAND_SET_EXTERNAL_ID;
	w.at = 2;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_null(held(&w));
	assert_non_null(w.job.progress);
	linkjob_release(&l);
	w.settings.rules.release_external_id = false;
	world_live(&w, 30);
	assert_string_equal(held(&w), "cust-1");
	assert_int_equal(w.merges, 0);
	world_release(&w);
}

static void test_everything_that_follows_is_done_once(void **state)
{
	struct world w;

	(void)state;
	make_all(&w);
	assert_int_equal(world_live(&w, 4), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.pins, 1);
	assert_int_equal(w.verified, 1);
	assert_int_equal(w.syncs, 1);
	world_release(&w);
}

static void test_what_is_refused_afterwards_is_a_remark(void **state)
{
	const reason_set all = REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED) |
			       REASON_BIT(REASON_ADDRESS_NOT_VERIFIED) |
			       REASON_BIT(REASON_SYNC_REFUSED);
	struct world w;
	struct linkjob l;

	(void)state;
	make_all(&w);
	w.pin_refused = w.verify_refused = w.sync_refused = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_int_equal(l.saga.remarks & all, all);
	assert_int_equal(w.merges, 1);
	linkjob_release(&l);
	world_release(&w);
}

/* A user whom SunCo does not know by this id is none to be told of. */
static void test_sync_needs_suncos_own_word(void **state)
{
	struct world w;

	(void)state;
	make_all(&w);
	w.sunco.zendesk_id = 0;
	world_live(&w, 4);
	assert_int_equal(w.syncs, 0);
	world_release(&w);
}

static void test_a_marked_address_is_left_alone(void **state)
{
	struct world w;

	(void)state;
	make_all(&w);
	world_user(&w, WORLD_PROFILE)->identities[0].verified = true;
	world_live(&w, 4);
	assert_int_equal(w.counts[COMMAND_VERIFY_ADDRESS], 0);
	world_assert_merged_once(&w);
	world_release(&w);
}

static void test_weak_evidence_neither_pins_nor_marks(void **state)
{
	struct world w;

	(void)state;
	make_all(&w);
	w.sunco.authenticated = false;
	w.settings.rules.email_identities = EMAILS_CLAIM_VERIFIED;
	w.settings.rules.link_evidence = EVIDENCE_CLAIMED;
	world_live(&w, 4);
	assert_int_equal(w.merges, 1);
	assert_int_equal(w.pins + w.verified, 0);
	world_release(&w);
}

/* Whatever fails, and wherever it dies: in the end merged exactly once with
 * the id where it belongs, or not at all and the id back. */
static void one_fault(enum world_fault f, int at, enum world_fault then,
		      int second, bool *more)
{
	struct world w;

	make_all(&w);
	w.fault = f;
	w.at = at;
	world_live(&w, 1);
	*more = w.commands >= at;
	w.commands = 0;
	w.fault = then;
	w.at = second;
	world_live(&w, 1);
	w.at = 0;
	world_live(&w, 40);
	if (w.merges == 0) {
		assert_true(f == FAULT_PERM || then == FAULT_PERM ||
			    f == FAULT_GONE || then == FAULT_GONE);
		if (w.last != COMMAND_SET_EXTERNAL_ID)
			assert_string_equal(held(&w), "cust-1");
	}
	assert_true(w.merges <= 1);
	if (f != FAULT_PERM && then != FAULT_PERM && f != FAULT_GONE &&
	    then != FAULT_GONE)
		world_assert_merged_once(&w);
	assert_int_equal(w.job.journal_id, 0);
	world_release(&w);
}

static void test_every_fault_and_crash(void **state)
{
	int cases = 0;

	(void)state;
	for (int f = FAULT_UNSENT; f < FAULT_COUNT; f++) {
		bool more = f != FAULT_GONE;

		for (int at = 1; more; at++, cases++)
			one_fault((enum world_fault)f, at, FAULT_NONE, 0,
				  &more);
	}
	print_message("%d faults\n", cases);
	assert_true(cases > 150);
}

/* A release whose answer was lost may be at work for a while: what was given
 * back at once would be taken away again. */
static void test_a_late_release_is_waited_for(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_refused(&w);
	w.fault = FAULT_LOST_BEFORE;
	w.at_kind = COMMAND_SET_EXTERNAL_ID;
	w.at = 1;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_int_equal(w.counts[COMMAND_SET_EXTERNAL_ID], 2);
	assert_true(w.sleep_ms >= SAGA_SETTLE_MS);
	linkjob_release(&l);
	assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

static void test_every_fault_after_a_crash(void **state)
{
	bool more = true;

	(void)state;
	for (int first = 1; more; first++)
		for (int f = FAULT_UNSENT; f < FAULT_COUNT; f++)
			for (int at = 1; at <= 14 && f != FAULT_GONE; at++)
				one_fault(FAULT_CRASH_AFTER, first,
					  (enum world_fault)f, at, &more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_id_is_taken_away_for_the_merge),
		cmocka_unit_test(test_without_leave_a_person_is_asked),
		cmocka_unit_test(test_an_approval_is_leave),
		cmocka_unit_test(test_leave_is_listed_again),
		cmocka_unit_test(test_a_profile_with_an_id_is_no_case_for_it),
		cmocka_unit_test(test_another_refusal_releases_nothing),
		cmocka_unit_test(test_what_did_not_help_is_undone),
		cmocka_unit_test(test_an_id_that_somebody_took_is_told),
		cmocka_unit_test(
			test_it_is_given_back_when_the_account_works_again),
		cmocka_unit_test(test_everything_that_follows_is_done_once),
		cmocka_unit_test(test_what_is_refused_afterwards_is_a_remark),
		cmocka_unit_test(test_sync_needs_suncos_own_word),
		cmocka_unit_test(test_a_marked_address_is_left_alone),
		cmocka_unit_test(test_weak_evidence_neither_pins_nor_marks),
		cmocka_unit_test(test_a_late_release_is_waited_for),
		cmocka_unit_test(test_every_fault_and_crash),
		cmocka_unit_test(test_every_fault_after_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
