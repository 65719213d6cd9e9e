/*
 * The machines of a job and its saga: the paths by name.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

static void test_merge(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.action, ACTION_MERGE);
	assert_true(l.decision.applied);
	assert_int_equal(l.saga.state, SAGA_DONE);
	world_assert_merged_once(&w);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	assert_int_equal(w.counts[COMMAND_SEARCH_ADDRESS], 1);
	assert_int_equal(w.counts[COMMAND_SEARCH_EXTERNAL], 0);
	assert_int_equal(w.counts[COMMAND_SUNCO], 1);
	linkjob_release(&l);
	world_release(&w);
}

static void test_adopt_with_name(void **state)
{
	struct world w;
	struct zd_user *u;

	(void)state;
	world_make_adopt(&w);
	assert_int_equal(world_live(&w, 3), LINKJOB_END_DECIDED);
	u = world_user(&w, WORLD_PERSON);
	assert_int_equal(w.adopts, 1);
	assert_non_null(zd_user_identity(u, "email", WORLD_ADDRESS));
	assert_string_equal(u->name, "Pat");
	world_release(&w);
}

static void test_taken_address_becomes_review(void **state)
{
	struct world w;
	struct linkjob l;
	int runs = 0;

	(void)state;
	world_make_adopt(&w);
	w.address_taken = true;
	for (;;) {
		world_run(&w, &l);
		runs++;
		if (l.end == LINKJOB_END_DECIDED || runs > 9)
			break;
		assert_int_equal(l.end, LINKJOB_END_WAIT);
		linkjob_release(&l);
	}
	assert_int_equal(runs, LINKJOB_ADOPT_TRIES);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, REASON_ADDRESS_TAKEN);
	assert_int_equal(w.adopts, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_lagging_index_is_found_by_second_look(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.search_hides = true;
	w.address_taken = true;
	world_live(&w, 1);
	assert_int_equal(w.merges, 0);
	w.search_hides = false;
	assert_int_equal(world_live(&w, 3), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

static void test_refused_merge_becomes_review(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.refuses_merge = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_int_equal(l.decision.intended, ACTION_MERGE);
	assert_int_equal(w.counts[COMMAND_MERGE], 1);
	linkjob_release(&l);
	world_release(&w);
}

/* How a run ends whose command of this kind is answered with a 403. */
static enum linkjob_end run_forbidden(enum command_kind kind, bool personal,
				      struct linkjob *l)
{
	enum linkjob_end end;
	struct world w;

	for (int at = 1;; at++) {
		world_make_merge(&w);
		w.fault = FAULT_AUTH;
		w.personal = personal;
		w.at = at;
		world_run(&w, l);
		if (w.last == kind)
			break;
		linkjob_release(l);
		world_release(&w);
	}
	end = l->end;
	assert_int_equal(w.merges, kind == COMMAND_SET_EXTERNAL_ID);
	linkjob_release(l);
	world_release(&w);
	return end;
}

static void test_what_is_forbidden_for_one_person_is_a_refusal(void **state)
{
	struct linkjob l;

	(void)state;
	assert_int_equal(run_forbidden(COMMAND_MERGE, true, &l),
			 LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_int_equal(run_forbidden(COMMAND_SET_EXTERNAL_ID, true, &l),
			 LINKJOB_END_DECIDED);
	assert_int_equal(l.saga.remarks,
			 REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED));
	assert_int_equal(run_forbidden(COMMAND_SEARCH_ADDRESS, true, &l),
			 LINKJOB_END_RETRY);
	assert_int_equal(l.why, RESULT_PERM);
}

/* Nobody is asked about a merge that nobody may make: it is tried again, and
 * what comes after one that was made is not dropped. */
static void test_what_is_forbidden_for_everybody_is_about_us(void **state)
{
	static const struct {
		enum command_kind kind;
		enum saga_state state;
	} cases[] = {
		{COMMAND_USER, SAGA_IDLE},
		{COMMAND_SEARCH_ADDRESS, SAGA_IDLE},
		{COMMAND_MERGE, SAGA_FAILED},
		{COMMAND_SET_EXTERNAL_ID, SAGA_PARKED},
	};
	struct linkjob l;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(run_forbidden(cases[i].kind, false, &l),
				 LINKJOB_END_RETRY);
		assert_int_equal(l.why, RESULT_AUTH);
		assert_int_equal(l.saga.state, cases[i].state);
	}
}

static void test_identity_that_stays_is_reported(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.identity_stays = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_true(l.saga.remarks & REASON_BIT(REASON_IDENTITY_NOT_MOVED));
	assert_int_equal(w.pins, 0);
	assert_true(w.sleep_ms > 10000);
	linkjob_release(&l);
	world_release(&w);
}

static void test_id_that_stays_taken_is_reported(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.pin_refused = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.saga.state, SAGA_DONE);
	assert_true(l.saga.remarks & REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED));
	assert_int_equal(w.merges, 1);
	linkjob_release(&l);
	world_release(&w);
}

static void test_dry_run_changes_nothing(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.settings.dry = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_MERGE);
	assert_int_equal(w.intents + w.merges + w.pins + w.names, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_observe_changes_nothing(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.settings.rules.apply = APPLY_OBSERVE;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_MERGE);
	assert_false(l.decision.applied);
	assert_int_equal(w.intents + w.merges + w.pins + w.names, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_found_by_external_id(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.sunco.zendesk_id = 0;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.counts[COMMAND_SEARCH_EXTERNAL], 1);
	assert_int_equal(w.counts[COMMAND_USER], 1);
	world_release(&w);
}

/* A candidate without this conversation's identity is not the person. */
static void test_wrong_zendesk_id_is_not_believed(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.sunco.zendesk_id = WORLD_PROFILE;
	free(w.sunco.external_id);
	w.sunco.external_id = NULL;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_WAIT);
	assert_int_equal(l.decision.reason, REASON_NO_MESSAGING_USER);
	assert_int_equal(w.merges, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_ticket_names_the_person(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.job.sunco_id[0] = '\0';
	w.job.zendesk_user_id = WORLD_PERSON;
	w.job.ticket_id = 5;
	w.sunco.zendesk_id = 0;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.counts[COMMAND_FOLD], 1);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	world_release(&w);
}

/* The person's own row, with what it has been through, goes on as this run:
 * the requester is not read again. */
static void test_the_persons_row_goes_on_as_this_run(void **state)
{
	struct job row;
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.job.sunco_id[0] = '\0';
	w.job.zendesk_user_id = WORLD_PERSON;
	job_init(&row);
	row.ticket_id = 7;
	row.deadline_ms = w.job.deadline_ms + 5000;
	row.progress = xstrdup("{\"looks\":3,\"late_ms\":100}");
	w.taken = &row;
	w.sunco.zendesk_id = 0;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	assert_int_equal(l.looks, 3);
	assert_int_equal(l.ticket_id, 7);
	assert_int_equal(l.deadline_ms, row.deadline_ms + 100);
	linkjob_release(&l);
	job_release(&row);
	world_release(&w);
}

/* It was merged since it was read here: never again. */
static void test_a_row_whose_user_was_merged_is_read_anew(void **state)
{
	struct job row;
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.job.sunco_id[0] = '\0';
	w.job.zendesk_user_id = WORLD_PERSON;
	job_init(&row);
	row.deadline_ms = w.job.deadline_ms;
	w.taken = &row;
	w.merged_before_fold = true;
	world_run(&w, &l);
	assert_int_equal(w.counts[COMMAND_MERGE], 0);
	assert_int_equal(l.facts.messaging_user.id, WORLD_PROFILE);
	assert_int_equal(w.merges, 1);
	linkjob_release(&l);
	world_release(&w);
}

/* Nobody is about to log in, to write or to be handed over. */
static void test_history_does_not_wait(void **state)
{
	static const bool address[] = {false, true};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(address); i++) {
		struct linkjob l;
		struct world w;

		world_make_adopt(&w);
		w.job.source = EVENT_FROM_BACKFILL;
		w.sunco.authenticated = false;
		if (!address[i])
			w.sunco.identity_count = 0;
		w.job.zendesk_user_id = WORLD_PERSON;
		world_run(&w, &l);
		assert_int_equal(l.end, LINKJOB_END_DECIDED);
		assert_int_equal(l.decision.action, ACTION_NONE);
		assert_int_equal(l.decision.reason,
				 address[i] ? REASON_EMAIL_NOT_VERIFIED
					    : REASON_NO_EMAIL);
		linkjob_release(&l);
		w.sunco.identity_count = 1;
		world_release(&w);
	}
}

static void test_waits_for_the_hand_off_until_the_deadline(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.sunco.zendesk_id = 0;
	free(w.sunco.external_id);
	w.sunco.external_id = NULL;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_WAIT);
	assert_int_equal(l.looks, 1);
	linkjob_release(&l);
	w.now_ms = w.job.deadline_ms;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.action, ACTION_NONE);
	assert_int_equal(l.decision.reason, REASON_NO_MESSAGING_USER);
	linkjob_release(&l);
	world_release(&w);
}

/* Known, linked, unchanged: one call to SunCo, none to Zendesk. */
/* The hint is of a conversation that was merged into this person's: where the
 * store last knew the person is looked next, and only believed if so. */
static void test_person_is_where_the_link_says(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.sunco.zendesk_id = 0;
	w.recall.linked = true;
	w.recall.linked_user = WORLD_PERSON;
	world_add(&w, 33, "other@customer.example", VERIFICATION_FULL);
	w.job.zendesk_user_id = 33;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	assert_int_equal(w.counts[COMMAND_SEARCH_EXTERNAL], 0);
	world_release(&w);
}

static void test_link_is_not_believed_without_the_identity(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.sunco.zendesk_id = 0;
	free(w.sunco.external_id);
	w.sunco.external_id = NULL;
	w.recall.linked = true;
	w.recall.linked_user = WORLD_PROFILE;
	world_add(&w, 33, "other@customer.example", VERIFICATION_FULL);
	w.job.zendesk_user_id = 33;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_WAIT);
	assert_int_equal(l.decision.reason, REASON_NO_MESSAGING_USER);
	assert_int_equal(w.counts[COMMAND_USER], 2);
	assert_int_equal(w.merges, 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_known_person_costs_no_zendesk_call(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.recall.linked = true;
	w.recall.linked_user = WORLD_PERSON;
	w.recall.linked_ms = w.now_ms - 1000;
	event_print_of(&w.sunco, &w.recall.linked_print);
	w.job.zendesk_user_id = 0;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_KNOWN);
	assert_int_equal(w.merges, 0);
	assert_int_equal(w.counts[COMMAND_SUNCO], 1);
	assert_int_equal(w.counts[COMMAND_USER], 0);
	linkjob_release(&l);
	world_release(&w);
}

static void test_changed_person_is_decided_anew(void **state)
{
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.recall.linked = true;
	w.recall.linked_user = WORLD_PERSON;
	w.recall.linked_ms = w.now_ms - 1000;
	event_print_of(&w.sunco, &w.recall.linked_print);
	w.recall.linked_print.hash[0] ^= 1;
	assert_int_equal(world_live(&w, 1), LINKJOB_END_DECIDED);
	world_assert_merged_once(&w);
	world_release(&w);
}

/* The intent's transaction finds the breaker open: a person has to look. */
static void test_open_breaker_becomes_review(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.recall.merges_this_hour = w.settings.rules.max_merges_per_hour;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, REASON_MERGE_SURGE);
	assert_int_equal(w.merges, 0);
	linkjob_release(&l);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_adopt_with_name),
		cmocka_unit_test(test_taken_address_becomes_review),
		cmocka_unit_test(test_lagging_index_is_found_by_second_look),
		cmocka_unit_test(test_refused_merge_becomes_review),
		cmocka_unit_test(
			test_what_is_forbidden_for_one_person_is_a_refusal),
		cmocka_unit_test(
			test_what_is_forbidden_for_everybody_is_about_us),
		cmocka_unit_test(test_identity_that_stays_is_reported),
		cmocka_unit_test(test_id_that_stays_taken_is_reported),
		cmocka_unit_test(test_dry_run_changes_nothing),
		cmocka_unit_test(test_observe_changes_nothing),
		cmocka_unit_test(test_found_by_external_id),
		cmocka_unit_test(test_wrong_zendesk_id_is_not_believed),
		cmocka_unit_test(test_ticket_names_the_person),
		cmocka_unit_test(test_the_persons_row_goes_on_as_this_run),
		cmocka_unit_test(test_a_row_whose_user_was_merged_is_read_anew),
		cmocka_unit_test(test_history_does_not_wait),
		cmocka_unit_test(
			test_waits_for_the_hand_off_until_the_deadline),
		cmocka_unit_test(test_person_is_where_the_link_says),
		cmocka_unit_test(
			test_link_is_not_believed_without_the_identity),
		cmocka_unit_test(test_known_person_costs_no_zendesk_call),
		cmocka_unit_test(test_changed_person_is_decided_anew),
		cmocka_unit_test(test_open_breaker_becomes_review),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
