/*
 * The machines of a job while an API is in trouble: nobody is given up on
 * because of it, and no refusal is asked for without end.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

#define MINUTE_MS 60000
#define HOUR_MS	  (60 * MINUTE_MS)
#define LIVES	  30

/* --- whoever waits --- */

/* Somebody whose hand-off is still to come, and who may wait half an hour. */
static void make_waiting(struct world *w)
{
	world_make_merge(w);
	w->sunco.zendesk_id = 0;
	free(w->sunco.external_id);
	w->sunco.external_id = NULL;
	w->job.run_at_ms = w->now_ms;
}

static enum linkjob_end look(struct world *w)
{
	enum linkjob_end end;
	struct linkjob l;

	world_run(w, &l);
	end = l.end;
	linkjob_release(&l);
	return end;
}

/* The next look is due then, and is had so much later. */
static void pass(struct world *w, int64_t until_due_ms, int64_t late_ms)
{
	w->job.run_at_ms = w->now_ms + until_due_ms;
	w->now_ms = w->job.run_at_ms + late_ms;
}

static void test_a_look_in_time_ends_the_wait(void **state)
{
	struct world w;

	(void)state;
	make_waiting(&w);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 31 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_DECIDED);
	world_release(&w);
}

static void test_a_late_look_makes_the_wait_longer(void **state)
{
	struct world w;

	(void)state;
	make_waiting(&w);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, MINUTE_MS, HOUR_MS);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 20 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 11 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_DECIDED);
	world_release(&w);
}

/* Looks that fail are none, however many; and the first good one counts all
 * the time since the first of them was due. */
static void test_looks_that_fail_make_the_wait_longer(void **state)
{
	static const enum world_fault faults[] = {FAULT_UNSENT, FAULT_RATE,
						  FAULT_AUTH};
	struct world w;

	(void)state;
	make_waiting(&w);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 5 * MINUTE_MS, 0);
	w.at_kind = COMMAND_SUNCO;
	w.at = w.counts[COMMAND_SUNCO] + 1;
	w.always = true;
	for (int i = 0; i < 12; i++) {
		w.fault = faults[i % 3];
		assert_int_equal(look(&w), LINKJOB_END_RETRY);
		pass(&w, 5 * MINUTE_MS, 0);
	}
	w.always = false;
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 20 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 10 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_DECIDED);
	world_release(&w);
}

static void test_a_clock_that_went_back_takes_nothing_away(void **state)
{
	struct world w;

	(void)state;
	make_waiting(&w);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 40 * MINUTE_MS, -20 * MINUTE_MS);
	assert_int_equal(look(&w), LINKJOB_END_WAIT);
	pass(&w, 11 * MINUTE_MS, 0);
	assert_int_equal(look(&w), LINKJOB_END_DECIDED);
	world_release(&w);
}

/* What it has been through is nobody's business once it is over. */
static void test_nothing_of_it_is_kept_in_the_end(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.job.run_at_ms = w.now_ms - HOUR_MS;
	w.fault = FAULT_CONFLICT;
	w.at_kind = COMMAND_MERGE;
	w.at = 1;
	w.always = true;
	assert_int_equal(world_live(&w, LIVES), LINKJOB_END_DECIDED);
	assert_null(w.job.progress);
	world_release(&w);
}

/* --- no without end --- */

static void ask_for_ever(struct world *w, enum command_kind kind,
			 enum world_fault fault, struct linkjob *l)
{
	w->at_kind = kind;
	w->fault = fault;
	w->at = 1;
	w->always = true;
	for (int i = 0; i < LIVES; i++) {
		world_run(w, l);
		if (l->end == LINKJOB_END_DECIDED)
			return;
		linkjob_release(l);
	}
	fail_msg("it goes on and on");
}

static void test_an_unclear_answer_becomes_a_no(void **state)
{
	static const enum world_fault faults[] = {FAULT_CONFLICT, FAULT_GONE};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct linkjob l;
		struct world w;

		world_make_merge(&w);
		ask_for_ever(&w, COMMAND_MERGE, faults[i], &l);
		assert_int_equal(l.decision.action, ACTION_REVIEW);
		assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
		assert_int_equal(w.counts[COMMAND_MERGE], LINKJOB_CONFLICTS);
		assert_int_equal(w.merges, 0);
		linkjob_release(&l);
		world_release(&w);
	}
}

static void test_an_adopt_that_conflicts_becomes_a_question(void **state)
{
	struct linkjob l;
	struct world w;

	(void)state;
	world_make_adopt(&w);
	ask_for_ever(&w, COMMAND_ADD_ADDRESS, FAULT_CONFLICT, &l);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(w.counts[COMMAND_ADD_ADDRESS], LINKJOB_CONFLICTS);
	linkjob_release(&l);
	world_release(&w);
}

static void test_a_pin_that_conflicts_becomes_a_remark(void **state)
{
	struct linkjob l;
	struct world w;

	(void)state;
	world_make_merge(&w);
	ask_for_ever(&w, COMMAND_SET_EXTERNAL_ID, FAULT_CONFLICT, &l);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_int_equal(l.saga.remarks,
			 REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED));
	assert_int_equal(w.counts[COMMAND_SET_EXTERNAL_ID], LINKJOB_CONFLICTS);
	assert_int_equal(w.merges, 1);
	linkjob_release(&l);
	world_release(&w);
}

/* Limits end every run before it has asked often enough: it is counted on. */
static void test_an_id_that_stays_taken_is_counted_across_runs(void **state)
{
	struct linkjob l;
	struct world w;
	int runs = 0;

	(void)state;
	world_make_merge(&w);
	w.pin_refused = true;
	w.fault = FAULT_RATE;
	w.at_kind = COMMAND_SET_EXTERNAL_ID;
	do {
		w.at = w.counts[COMMAND_SET_EXTERNAL_ID] + 3;
		world_run(&w, &l);
		runs++;
		if (l.end != LINKJOB_END_DECIDED)
			linkjob_release(&l);
	} while (l.end != LINKJOB_END_DECIDED && runs < LIVES);
	assert_in_range(runs, 2, 4);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_true(l.saga.remarks & REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED));
	linkjob_release(&l);
	world_release(&w);
}

/* --- a sync whose answer is lost --- */

static void make_sync(struct world *w)
{
	world_make_merge(w);
	w->settings.sync = true;
	w->sunco.zendesk_id = WORLD_PERSON;
	w->at_kind = COMMAND_SYNC;
	w->at = 1;
}

static void test_nobody_there_after_a_lost_sync_is_its_success(void **state)
{
	struct linkjob l;
	struct world w;

	(void)state;
	make_sync(&w);
	w.fault = FAULT_LOST_AFTER;
	world_run(&w, &l);
	assert_int_equal(l.saga.state, SAGA_PARKED);
	linkjob_release(&l);
	w.fault = FAULT_GONE;
	w.at = 2;
	world_run(&w, &l);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_int_equal(l.saga.remarks, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_nobody_there_at_once_is_a_refusal(void **state)
{
	struct linkjob l;
	struct world w;

	(void)state;
	make_sync(&w);
	w.fault = FAULT_GONE;
	world_run(&w, &l);
	assert_int_equal(l.saga.remarks, REASON_BIT(REASON_SYNC_REFUSED));
	linkjob_release(&l);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_look_in_time_ends_the_wait),
		cmocka_unit_test(test_a_late_look_makes_the_wait_longer),
		cmocka_unit_test(test_looks_that_fail_make_the_wait_longer),
		cmocka_unit_test(
			test_a_clock_that_went_back_takes_nothing_away),
		cmocka_unit_test(test_nothing_of_it_is_kept_in_the_end),
		cmocka_unit_test(test_an_unclear_answer_becomes_a_no),
		cmocka_unit_test(
			test_an_adopt_that_conflicts_becomes_a_question),
		cmocka_unit_test(test_a_pin_that_conflicts_becomes_a_remark),
		cmocka_unit_test(
			test_an_id_that_stays_taken_is_counted_across_runs),
		cmocka_unit_test(
			test_nobody_there_after_a_lost_sync_is_its_success),
		cmocka_unit_test(test_nobody_there_at_once_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
