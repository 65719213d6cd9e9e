/*
 * The machines of a job and its saga: every fault and every crash at every
 * command of them, and what a later life believes.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

/* Between a crash and the next life the person changes: no pin then. */
static void resume_after(void (*change)(struct sunco_user *u))
{
	struct world w;

	for (int at = 1;; at++) {
		world_make_merge(&w);
		w.fault = FAULT_CRASH_AFTER;
		w.at = at;
		world_live(&w, 1);
		if (w.last == COMMAND_MERGE)
			break;
		world_release(&w);
	}
	w.at = 0;
	change(&w.sunco);
	assert_int_equal(world_live(&w, 4), LINKJOB_END_DECIDED);
	assert_int_equal(w.merges, 1);
	assert_int_equal(w.pins, 0);
	world_release(&w);
}

static void lose_proof(struct sunco_user *u)
{
	u->authenticated = false;
}

static void change_external_id(struct sunco_user *u)
{
	free(u->external_id);
	u->external_id = xstrdup("somebody-else");
}

static void change_address(struct sunco_user *u)
{
	free(u->identities[0].value);
	u->identities[0].value = xstrdup("other@people.example");
}

static void test_resumed_pin_needs_evidence_again(void **state)
{
	(void)state;
	resume_after(lose_proof);
	resume_after(change_external_id);
	resume_after(change_address);
}

/* Brings the fault to the merge. */
static void make_merge_hit_by(struct world *w, enum world_fault f)
{
	for (int at = 1;; at++) {
		world_make_merge(w);
		w->fault = f;
		w->at = at;
		w->late_ms = 9000;
		world_live(w, 1);
		if (w->last == COMMAND_MERGE)
			return;
		world_release(w);
	}
}

/* The answer is lost, then the merge happens after all: it is waited for,
 * and none is sent on top. */
static void test_a_late_merge_is_not_sent_again(void **state)
{
	static const enum world_fault faults[] = {FAULT_LOST_BEFORE,
						  FAULT_CRASH_BEFORE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct world w;

		make_merge_hit_by(&w, faults[i]);
		w.at = 0;
		world_live(&w, 30);
		assert_int_equal(w.counts[COMMAND_MERGE], 1);
		world_assert_merged_once(&w);
		world_release(&w);
	}
}

/* However long ago the intent was stored: what the process sent before it
 * died may still be at work. */
static void test_a_former_life_is_waited_for_from_its_end(void **state)
{
	struct world w;

	(void)state;
	make_merge_hit_by(&w, FAULT_CRASH_BEFORE);
	w.at = 0;
	w.now_ms += 25000;
	w.late_at_ms = w.now_ms + 9000;
	assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
	assert_int_equal(w.counts[COMMAND_MERGE], 1);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* The store took so long that the facts of the decision are too old. */
static void test_old_facts_are_not_acted_upon(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.store_ms = LINKJOB_FRESH_MS + 1;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_AGAIN);
	assert_int_not_equal(l.saga.journal_id, 0);
	assert_int_equal(w.counts[COMMAND_MERGE], 0);
	linkjob_release(&l);
	w.store_ms = 0;
	assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* That a former life did not get to its merge is no failure of an API. */
static void test_what_did_not_happen_is_decided_anew(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_merge_hit_by(&w, FAULT_CRASH_BEFORE);
	w.at = 0;
	w.late_at_ms = 0;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_AGAIN);
	assert_string_equal(l.error.text, "it did not happen");
	linkjob_release(&l);
	world_release(&w);
}

/* The store failed, but had stored the intent: its entry is not left open. */
static void test_an_intent_whose_answer_was_lost_is_closed(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.fault = FAULT_LOST_AFTER;
	w.at_kind = COMMAND_INTENT;
	w.at = 1;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_RETRY);
	assert_int_equal(l.saga.state, SAGA_PARKED);
	linkjob_release(&l);
	world_run(&w, &l);
	assert_int_equal(l.saga.journal_id, 101);
	assert_int_equal(l.saga.state, SAGA_FAILED);
	linkjob_release(&l);
	assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
	assert_int_equal(w.intents, 2);
	world_assert_merged_once(&w);
	world_release(&w);
}

typedef void make_fn(struct world *w);

/* A crash at this command, and nobody starts the next life for a day. */
static bool sleep_on_it(make_fn *make, enum world_fault f, int at)
{
	const int64_t day_ms = INT64_C(24) * 3600 * 1000;
	struct world w;
	bool crashed;

	make(&w);
	w.fault = f;
	w.at = at;
	world_live(&w, 1);
	crashed = w.crashed;
	w.at = 0;
	w.now_ms += day_ms;
	assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
	assert_int_equal(w.merges + w.adopts, 1);
	if (w.merges)
		world_assert_merged_once(&w);
	world_release(&w);
	return crashed;
}

/* The conversation never arrives, and the process dies while it waits for it:
 * the merge was ours all the same. */
static void test_a_merge_is_ours_although_nothing_shows_it(void **state)
{
	struct journal_entry e;
	struct linkjob l;
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.identity_stays = true;
	w.fault = FAULT_CRASH_BEFORE;
	w.at_kind = COMMAND_SLEEP;
	w.at = 1;
	world_live(&w, 1);
	assert_true(w.crashed);
	w.at = 0;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	linkjob_entry(&l, &e);
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_true(e.applied);
	assert_true(e.reasons & REASON_BIT(REASON_IDENTITY_NOT_MOVED));
	assert_int_equal(w.merges, 1);
	journal_entry_release(&e);
	linkjob_release(&l);
	world_release(&w);
}

/* However old: nothing is sent on what was read in a former life. What was
 * not done is decided anew; what was done is gone on with, on what is read
 * now. */
static void test_an_old_saga_is_as_good_as_a_new_one(void **state)
{
	static make_fn *const makes[] = {world_make_merge, world_make_adopt};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(makes); i++) {
		int at = 1;

		while (sleep_on_it(makes[i], FAULT_CRASH_BEFORE, at) &&
		       sleep_on_it(makes[i], FAULT_CRASH_AFTER, at))
			at++;
		assert_true(at > 6);
	}
}

/* One fault at one command; then all is well again. The end must be the same
 * as without it, and every change made exactly once. */
static void one_fault(make_fn *make, enum world_fault f, int at, bool *more)
{
	struct world w;
	struct zd_user *u;

	make(&w);
	w.fault = f;
	w.at = at;
	world_live(&w, 30);
	*more = w.commands >= at;
	if (make != world_make_adopt) {
		if (f == FAULT_PERM && w.merges == 0) {
			world_release(&w); /* refused for good: a review */
			return;
		}
		if (w.merges != 1 ||
		    (w.pins != 1 && w.last != COMMAND_SET_EXTERNAL_ID))
			print_message("fault %d at %d (%s): %d merges, %d "
				      "pins\n",
				      f, at, command_name(w.last), w.merges,
				      w.pins);
		assert_int_equal(w.merges, 1);
		assert_non_null(zd_user_identity(world_user(&w, WORLD_PROFILE),
						 "messaging", WORLD_SUNCO));
		if (f != FAULT_PERM && f != FAULT_GONE)
			world_assert_merged_once(&w);
	} else {
		u = world_user(&w, WORLD_PERSON);
		if (f != FAULT_PERM && f != FAULT_GONE) {
			assert_int_equal(w.adopts, 1);
			assert_non_null(
				zd_user_identity(u, "email", WORLD_ADDRESS));
			assert_string_equal(u->name, "Pat");
		}
		assert_true(w.adopts <= 1);
	}
	world_release(&w);
}

static void every_fault(make_fn *make)
{
	int cases = 0;

	for (int f = FAULT_UNSENT; f < FAULT_COUNT; f++) {
		bool more = true;

		for (int at = 1; more; at++) {
			/* a user or person that is not there is no fault of
			 * a read: the decision is another one */
			if (f != FAULT_GONE)
				one_fault(make, (enum world_fault)f, at, &more);
			else
				more = at < 20;
			cases++;
		}
	}
	print_message("%d faults\n", cases);
	assert_true(cases > 50);
}

static void test_every_fault_of_a_merge(void **state)
{
	(void)state;
	every_fault(world_make_merge);
}

static void test_every_fault_of_a_recovery(void **state)
{
	(void)state;
	every_fault(world_make_displaced);
}

static void test_every_fault_of_an_adopt(void **state)
{
	(void)state;
	every_fault(world_make_adopt);
}

/* A crash, then a fault in the life after it: still exactly once, unless the
 * API refused for good. */
static void crash_then_fault(int first, enum world_fault f, int second)
{
	struct world w;

	world_make_merge(&w);
	w.fault = FAULT_CRASH_AFTER;
	w.at = first;
	world_live(&w, 1);
	w.commands = 0;
	w.fault = f;
	w.at = second;
	world_live(&w, 1);
	w.at = 0;
	if (f != FAULT_PERM) {
		assert_int_equal(world_live(&w, 30), LINKJOB_END_DECIDED);
		world_assert_merged_once(&w);
	} else {
		world_live(&w, 30);
		assert_true(w.merges <= 1);
	}
	world_release(&w);
}

static void test_every_fault_after_a_crash(void **state)
{
	(void)state;
	for (int first = 1; first <= 9; first++)
		for (int second = 1; second <= 12; second++)
			for (int f = FAULT_UNSENT; f < FAULT_COUNT; f++)
				if (f != FAULT_GONE)
					crash_then_fault(first,
							 (enum world_fault)f,
							 second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resumed_pin_needs_evidence_again),
		cmocka_unit_test(test_a_late_merge_is_not_sent_again),
		cmocka_unit_test(test_a_former_life_is_waited_for_from_its_end),
		cmocka_unit_test(test_old_facts_are_not_acted_upon),
		cmocka_unit_test(test_what_did_not_happen_is_decided_anew),
		cmocka_unit_test(
			test_an_intent_whose_answer_was_lost_is_closed),
		cmocka_unit_test(
			test_a_merge_is_ours_although_nothing_shows_it),
		cmocka_unit_test(test_an_old_saga_is_as_good_as_a_new_one),
		cmocka_unit_test(test_every_fault_of_a_merge),
		cmocka_unit_test(test_every_fault_of_a_recovery),
		cmocka_unit_test(test_every_fault_of_an_adopt),
		cmocka_unit_test(test_every_fault_after_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
