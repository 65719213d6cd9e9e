/*
 * The machines of a job when things change under their hands: between two
 * lives, while the store is slow, while other people work on the same users.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

/* A merge whose process died right after it, before anything was heard. */
static void make_unheard_merge(struct world *w)
{
	world_make_merge(w);
	w->fault = FAULT_CRASH_AFTER;
	w->at_kind = COMMAND_MERGE;
	w->at = 1;
	world_live(w, 1);
	assert_int_equal(w->merges, 1);
	w->at = 0;
}

static void fail_next(struct world *w, enum command_kind kind,
		      enum world_fault f)
{
	w->fault = f;
	w->at_kind = kind;
	w->at = w->counts[kind] + 1;
}

static void put(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
}

/* --- a saga of a former life --- */

static void test_saga_outlives_a_silent_sunco(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_unheard_merge(&w);
	fail_next(&w, COMMAND_SUNCO, FAULT_UNSENT);
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_int_not_equal(w.job.journal_id, 0);
	linkjob_release(&l);
	assert_int_equal(world_live(&w, 2), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.intents, 1);
	world_release(&w);
}

static void assert_no_pin(struct world *w)
{
	struct linkjob l;

	world_run(w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_int_equal(w->merges, 1);
	assert_int_equal(w->pins, 0);
	assert_int_equal(linkjob_settled_user(&l), 0);
	linkjob_release(&l);
	world_release(w);
}

/* Verified still, but no longer what the merge was decided on. */
static void test_resumed_pin_needs_the_same_address(void **state)
{
	struct world w;

	(void)state;
	make_unheard_merge(&w);
	put(&w.sunco.identities[0].value, "kim@customer.example");
	assert_no_pin(&w);
}

static void test_resumed_pin_needs_the_same_external_id(void **state)
{
	struct world w;

	(void)state;
	make_unheard_merge(&w);
	put(&w.sunco.external_id, "cust-2");
	assert_no_pin(&w);
}

static void test_resumed_merge_of_the_same_person_is_remembered(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_unheard_merge(&w);
	put(&w.sunco.external_id, "CUST-1");
	world_run(&w, &l);
	world_assert_merged_once(&w);
	assert_int_equal(linkjob_settled_user(&l), WORLD_PROFILE);
	linkjob_release(&l);
	world_release(&w);
}

/* Zendesk said that it is done: only the profile is of interest. */
static void test_merge_that_was_heard_of_is_read_back(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.at = 2; /* the first one read the person */
	w.at_kind = COMMAND_USER;
	w.fault = FAULT_LOST_BEFORE;
	world_run(&w, &l);
	assert_int_equal(l.saga.state, SAGA_PARKED);
	assert_true(l.saga.merged);
	linkjob_release(&l);
	world_user(&w, WORLD_PERSON)->active = true; /* a lagging replica */
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.counts[COMMAND_USER], 3);
	assert_int_equal(w.merges, 1);
	assert_int_equal(w.pins, 1);
	world_release(&w);
}

static void test_resumed_name_is_the_present_one(void **state)
{
	struct world w;

	(void)state;
	world_make_adopt(&w);
	fail_next(&w, COMMAND_SET_NAME, FAULT_UNSENT);
	assert_int_equal(world_live(&w, 1), LINKJOB_END_RETRY);
	put(&w.sunco.given_name, "Kim");
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.adopts, 1);
	assert_string_equal(world_user(&w, WORLD_PERSON)->name, "Kim");
	world_release(&w);
}

static void test_resumed_name_needs_a_login(void **state)
{
	struct world w;

	(void)state;
	world_make_adopt(&w);
	fail_next(&w, COMMAND_SET_NAME, FAULT_UNSENT);
	world_live(&w, 1);
	w.sunco.authenticated = false;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.names, 0);
	world_release(&w);
}

/* --- others at work on the same users --- */

static void test_profile_that_went_is_told_and_not_remembered(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.profile_goes = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_true(l.saga.remarks & REASON_BIT(REASON_CHANGED_MEANWHILE));
	assert_int_equal(linkjob_settled_user(&l), 0);
	assert_int_equal(w.sleep_ms, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_identity_that_stays_is_not_remembered(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.identity_stays = true;
	world_run(&w, &l);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_int_equal(linkjob_settled_user(&l), 0);
	linkjob_release(&l);
	world_release(&w);
}

/* Not our merge made the person go, so nothing of it is told. */
static void test_person_deleted_under_way_is_decided_anew(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	fail_next(&w, COMMAND_MERGE, FAULT_CRASH_BEFORE);
	world_live(&w, 1);
	world_user(&w, WORLD_PERSON)->active = false;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_AGAIN);
	assert_int_equal(l.saga.state, SAGA_FAILED);
	assert_true(l.saga.remarks & REASON_BIT(REASON_CHANGED_MEANWHILE));
	linkjob_release(&l);
	w.now_ms = w.job.deadline_ms;
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_NO_MESSAGING_USER);
	assert_int_equal(w.merges, 0);
	linkjob_release(&l);
	world_release(&w);
}

/* --- time --- */

static void test_late_intent_sends_nothing(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.store_ms = LINKJOB_FRESH_MS + 1;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_AGAIN);
	assert_int_equal(l.saga.state, SAGA_FAILED);
	assert_int_equal(w.counts[COMMAND_MERGE], 0);
	linkjob_release(&l);
	w.store_ms = LINKJOB_FRESH_MS;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* Read by a clock that has been put back since: who knows when. */
static void test_clock_that_went_back_proves_nothing(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.search_ms = -3600000;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_AGAIN);
	assert_int_equal(w.intents, 0);
	linkjob_release(&l);
	world_release(&w);
}

/* --- the breaker --- */

static void test_breaker_that_opens_late_becomes_review(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.breaker_open = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, REASON_MERGE_SURGE);
	assert_int_equal(w.counts[COMMAND_INTENT], 1);
	linkjob_release(&l);
	world_release(&w);
}

/* It is nobody's who waits for an answer: it does so for a place. */
static void test_backfill_waits_for_a_place(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.job.lane = LANE_BACKFILL;
	w.breaker_open = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_int_equal(l.why, RESULT_RATE);
	assert_int_equal(l.told_ms, 777000); /* when there is one */
	linkjob_release(&l);
	w.breaker_open = false;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.merges, 1);
	world_release(&w);
}

/* A name is no merge: no rule speaks of the breaker. */
static void test_breaker_does_not_spin_a_name(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_adopt(&w);
	zd_user_add_identity(world_user(&w, WORLD_PERSON), "email",
			     WORLD_ADDRESS);
	w.breaker_open = true;
	world_run(&w, &l);
	assert_int_equal(w.counts[COMMAND_INTENT], 1);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_int_equal(l.why, RESULT_RATE);
	linkjob_release(&l);
	w.breaker_open = false;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.names, 1);
	world_release(&w);
}

static void test_name_that_does_not_fit_is_let_be(void **state)
{
	char name[300];
	struct world w;

	(void)state;
	world_make_adopt(&w);
	zd_user_add_identity(world_user(&w, WORLD_PERSON), "email",
			     WORLD_ADDRESS);
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	put(&w.sunco.given_name, name);
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	assert_int_equal(w.counts[COMMAND_SET_NAME], 0);
	world_release(&w);
}

/* --- reviews --- */

/* Two owners; the answer about the one whom a merge would go to counts. */
static enum reason decided_with_rejected(size_t i)
{
	struct world w;
	struct linkjob l;
	enum reason r;

	world_make_merge(&w);
	world_add(&w, WORLD_PROFILE + 1, WORLD_ADDRESS, VERIFICATION_FULL);
	w.recall.rejected[i] = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.profile_id, WORLD_PROFILE);
	assert_int_equal(w.merges, 0);
	r = l.decision.reason;
	linkjob_release(&l);
	world_release(&w);
	return r;
}

static void test_rejected_pair_is_not_asked_again(void **state)
{
	(void)state;
	assert_int_equal(decided_with_rejected(1), REASON_REJECTED_BEFORE);
	assert_int_equal(decided_with_rejected(2), REASON_AMBIGUOUS_PROFILE);
}

static void test_rejected_adopt_is_not_asked_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_adopt(&w);
	w.recall.rejected_adopt = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_REJECTED_BEFORE);
	assert_int_equal(w.adopts, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_refusal_keeps_its_words(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.refuses_merge = true;
	w.words = "HTTP 422 TooManyTickets";
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_string_equal(l.error.text, "merge: HTTP 422 TooManyTickets");
	linkjob_release(&l);
	world_release(&w);
}

/* --- waits --- */

/* Its requester has no messaging identity yet: looked at more and more
 * seldom, like every wait. */
static void test_every_wait_counts_its_looks(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.job.sunco_id[0] = '\0';
	w.job.zendesk_user_id = WORLD_PROFILE;
	w.job.ticket_id = 5;
	for (int looks = 1; looks <= 3; looks++) {
		world_run(&w, &l);
		assert_int_equal(l.end, LINKJOB_END_WAIT);
		assert_int_equal(l.looks, looks);
		linkjob_release(&l);
	}
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_saga_outlives_a_silent_sunco),
		cmocka_unit_test(test_resumed_pin_needs_the_same_address),
		cmocka_unit_test(test_resumed_pin_needs_the_same_external_id),
		cmocka_unit_test(
			test_resumed_merge_of_the_same_person_is_remembered),
		cmocka_unit_test(test_merge_that_was_heard_of_is_read_back),
		cmocka_unit_test(test_resumed_name_is_the_present_one),
		cmocka_unit_test(test_resumed_name_needs_a_login),
		cmocka_unit_test(
			test_profile_that_went_is_told_and_not_remembered),
		cmocka_unit_test(test_identity_that_stays_is_not_remembered),
		cmocka_unit_test(test_person_deleted_under_way_is_decided_anew),
		cmocka_unit_test(test_late_intent_sends_nothing),
		cmocka_unit_test(test_clock_that_went_back_proves_nothing),
		cmocka_unit_test(test_breaker_that_opens_late_becomes_review),
		cmocka_unit_test(test_backfill_waits_for_a_place),
		cmocka_unit_test(test_breaker_does_not_spin_a_name),
		cmocka_unit_test(test_name_that_does_not_fit_is_let_be),
		cmocka_unit_test(test_rejected_pair_is_not_asked_again),
		cmocka_unit_test(test_rejected_adopt_is_not_asked_again),
		cmocka_unit_test(test_refusal_keeps_its_words),
		cmocka_unit_test(test_every_wait_counts_its_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
