/*
 * A run and the people who decide: what an approval covers, when it expires,
 * what a new question gathers, what is kept of it.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "world.h"

#define SURGE	  REASON_BIT(REASON_MERGE_SURGE)
#define SUSPENDED REASON_BIT(REASON_PROFILE_SUSPENDED)

/* A merge that asks a person, because the hour is full. */
static void make_asked(struct world *w)
{
	world_make_merge(w);
	w->recall.merges_this_hour = w->settings.rules.max_merges_per_hour;
}

/* The first run asks, maria approves. */
static void make_approved(struct world *w)
{
	struct linkjob l;

	make_asked(w);
	world_run(w, &l);
	world_approve(w, &l);
	linkjob_release(&l);
}

static void run_to(struct world *w, enum action action,
		   enum linkjob_approved approved, struct linkjob *l)
{
	world_run(w, l);
	assert_int_equal(l->end, LINKJOB_END_DECIDED);
	assert_int_equal(l->decision.action, action);
	assert_int_equal(l->approved, approved);
}

static char *note_of(const struct linkjob *l)
{
	char *note = linkjob_approval_note(l);

	assert_non_null(note);
	return note;
}

/* --- what an approval covers --- */

static void test_an_approval_waives_what_it_saw(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
	assert_null(linkjob_approval_note(&l));
	world_assert_merged_once(&w);
	linkjob_release(&l);
	world_release(&w);
}

/* An approved surge whose hour has passed: under apply = review it is not
 * asked again. */
static void test_an_approval_outlives_its_reason(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_asked(&w);
	w.settings.rules.apply = APPLY_REVIEW;
	world_run(&w, &l);
	assert_int_equal(l.decision.reason, REASON_MERGE_SURGE);
	world_approve(&w, &l);
	linkjob_release(&l);
	w.recall.merges_this_hour = 0;
	run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
	linkjob_release(&l);
	world_release(&w);
}

static void test_what_came_later_is_asked_with_all(void **state)
{
	struct world w;
	struct linkjob l;
	char *note;

	(void)state;
	world_make_merge(&w);
	world_user(&w, WORLD_PROFILE)->suspended = true;
	world_run(&w, &l);
	world_approve(&w, &l);
	linkjob_release(&l);
	w.recall.merges_this_hour = w.settings.rules.max_merges_per_hour;
	run_to(&w, ACTION_REVIEW, LINKJOB_SHORT, &l);
	assert_true(l.decision.reasons == (SURGE | SUSPENDED));
	note = note_of(&l);
	assert_string_equal(note, "The approval by maria does not cover what "
				  "came up since.");
	free(note);
	world_approve(&w, &l);
	linkjob_release(&l);
	run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
	linkjob_release(&l);
	world_release(&w);
}

/* --- when it expires --- */

static void profile_gets_external_id(struct world *w)
{
	world_user(w, WORLD_PROFILE)->external_id = xstrdup("other");
}

static void profile_gets_identity(struct world *w)
{
	zd_user_add_identity(world_user(w, WORLD_PROFILE), "phone_number",
			     "+15550100");
}

static void proof_is_lost(struct world *w)
{
	world_user(w, WORLD_PROFILE)->identities[0].method = VERIFICATION_LOW;
}

static void profile_is_suspended(struct world *w)
{
	world_user(w, WORLD_PROFILE)->suspended = true;
}

static void person_gets_organization(struct world *w)
{
	world_user(w, WORLD_PERSON)->organization_id = 4;
}

static void evidence_fades(struct world *w)
{
	free(w->sunco.identities[0].verification);
	w->sunco.identities[0].verification = NULL;
}

static void another_owner_comes(struct world *w)
{
	world_add(w, 66, WORLD_ADDRESS, VERIFICATION_NONE);
}

static void address_goes_to_another(struct world *w)
{
	world_user(w, WORLD_PROFILE)->id = 44;
}

/* The person's conversation has a user of its own by now. */
static void person_is_another(struct world *w)
{
	world_user(w, WORLD_PERSON)->id = 12;
	w->sunco.zendesk_id = 12;
}

static void profile_becomes_agent(struct world *w)
{
	world_user(w, WORLD_PROFILE)->role = ZD_ROLE_AGENT;
}

static const struct {
	void (*change)(struct world *w);
	enum action then;
	const char *what;
} changes[] = {
	{profile_gets_external_id, ACTION_REVIEW,
	 "the external id of the profile"},
	{profile_gets_identity, ACTION_REVIEW, "the identities of the profile"},
	{proof_is_lost, ACTION_REVIEW, "the identities of the profile"},
	{profile_is_suspended, ACTION_REVIEW, "the standing of the profile"},
	{person_gets_organization, ACTION_REVIEW,
	 "the organization of the conversation's user"},
	{evidence_fades, ACTION_REVIEW, "the evidence"},
	{another_owner_comes, ACTION_REVIEW, "who owns the address"},
	{address_goes_to_another, ACTION_REVIEW,
	 "who owns the address, which profile is meant"},
	{person_is_another, ACTION_REVIEW, "which user the conversation has"},
	{profile_becomes_agent, ACTION_REFUSE, "the standing of the profile"},
};

static void test_a_change_makes_it_expire(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		char want[300];
		struct world w;
		struct linkjob l;
		char *note;

		make_approved(&w);
		changes[i].change(&w);
		run_to(&w, changes[i].then, LINKJOB_EXPIRED, &l);
		assert_int_equal(w.merges, 0);
		note = note_of(&l);
		snprintf(want, sizeof(want),
			 "The approval by maria expired, because one of the "
			 "two changed since: %s.",
			 changes[i].what);
		assert_string_equal(note, want);
		free(note);
		linkjob_release(&l);
		world_release(&w);
	}
}

/* What nobody would decide otherwise for. */
static void test_a_name_does_not_matter(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	world_user(&w, WORLD_PROFILE)->name = xstrdup("Pat Newname");
	run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
	linkjob_release(&l);
	world_release(&w);
}

static void test_of_another_sunco_user_it_counts_nothing(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	str_copy(w.settings.approval.sunco_id,
		 sizeof(w.settings.approval.sunco_id), "5aa9");
	run_to(&w, ACTION_REVIEW, LINKJOB_EXPIRED, &l);
	linkjob_release(&l);
	world_release(&w);
}

/* The facts of an old review are pruned: what changed is not known then. */
static void test_without_its_parts_only_the_fact_is_told(void **state)
{
	struct world w;
	struct linkjob l;
	char *note;

	(void)state;
	make_approved(&w);
	w.settings.approval.print.parts_known = false;
	profile_gets_identity(&w);
	run_to(&w, ACTION_REVIEW, LINKJOB_EXPIRED, &l);
	note = note_of(&l);
	assert_string_equal(note, "The approval by maria expired, because one "
				  "of the two changed since.");
	free(note);
	linkjob_release(&l);
	world_release(&w);
}

/* Expired, and nobody needs to be asked any more: the rules decide. */
static void test_expired_the_rules_decide(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	profile_gets_identity(&w);
	w.recall.merges_this_hour = 0;
	run_to(&w, ACTION_MERGE, LINKJOB_EXPIRED, &l);
	world_assert_merged_once(&w);
	linkjob_release(&l);
	world_release(&w);
}

/* --- what Zendesk would not have --- */

static void test_approving_a_refusal_tries_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	w.settings.rules.apply = APPLY_REVIEW;
	w.refuses_merge = true;
	run_to(&w, ACTION_REVIEW, LINKJOB_APPROVED, &l);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_true(l.decision.reasons ==
		    (SURGE | REASON_BIT(REASON_MERGE_REFUSED)));
	world_approve(&w, &l);
	linkjob_release(&l);
	w.refuses_merge = false;
	run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
	world_assert_merged_once(&w);
	linkjob_release(&l);
	world_release(&w);
}

static void test_approving_a_taken_address_tries_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_adopt(&w);
	w.address_taken = true;
	for (int i = 0; i < LINKJOB_ADOPT_TRIES; i++) {
		world_run(&w, &l);
		if (i + 1 < LINKJOB_ADOPT_TRIES)
			linkjob_release(&l);
	}
	assert_int_equal(l.decision.reason, REASON_ADDRESS_TAKEN);
	world_approve(&w, &l);
	linkjob_release(&l);
	w.address_taken = false;
	run_to(&w, ACTION_ADOPT, LINKJOB_APPROVED, &l);
	assert_int_equal(w.adopts, 1);
	linkjob_release(&l);
	world_release(&w);
}

/* --- several addresses --- */

static void make_ambiguous(struct world *w)
{
	struct sunco_user *s = &w->sunco;

	world_make_merge(w);
	sunco_user_add_identity(s, "email", "other@customer.example", "embed");
}

static void test_a_rejected_ambiguity_is_not_asked_again(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_ambiguous(&w);
	run_to(&w, ACTION_REVIEW, LINKJOB_NOT_APPROVED, &l);
	assert_int_equal(l.decision.reason, REASON_AMBIGUOUS_ADDRESS);
	assert_false(policy_approvable(l.decision.reasons));
	linkjob_release(&l);
	w.recall.rejected_adopt = true;
	run_to(&w, ACTION_NONE, LINKJOB_NOT_APPROVED, &l);
	assert_int_equal(l.decision.reason, REASON_REJECTED_BEFORE);
	linkjob_release(&l);
	world_release(&w);
}

/* --- the pin --- */

/* A login that nobody vouched for: it would not pin by itself. */
static void make_unvouched(struct world *w, bool named)
{
	struct linkjob l;

	world_make_merge(w);
	free(w->sunco.identities[0].type);
	free(w->sunco.identities[0].value);
	free(w->sunco.identities[0].verification);
	w->sunco.identity_count = 0;
	w->sunco.profile_email = xstrdup(WORLD_ADDRESS);
	world_run(w, &l);
	assert_int_equal(l.decision.reason, REASON_EMAIL_NOT_VERIFIED);
	assert_int_equal(pair_pin_of(&l.facts, &l.decision), PAIR_PIN_OFFERED);
	world_approve(w, &l);
	w->settings.approval.pin = named;
	linkjob_release(&l);
}

static void test_the_pin_has_to_be_named(void **state)
{
	for (int named = 0; named < 2; named++) {
		struct world w;
		struct linkjob l;

		(void)state;
		make_unvouched(&w, named);
		run_to(&w, ACTION_MERGE, LINKJOB_APPROVED, &l);
		assert_int_equal(w.merges, 1);
		assert_int_equal(w.pins, named);
		linkjob_release(&l);
		world_release(&w);
	}
}

/* Named, and then the process died: it is still named. */
static void test_a_named_pin_outlives_a_crash(void **state)
{
	struct world w;

	(void)state;
	make_unvouched(&w, true);
	w.fault = FAULT_CRASH_AFTER;
	w.at_kind = COMMAND_MERGE;
	w.at = 1;
	world_live(&w, 5);
	assert_int_equal(w.merges, 1);
	assert_int_equal(w.pins, 1);
	world_release(&w);
}

static void test_a_pin_that_the_evidence_carries_is_planned(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	make_asked(&w);
	world_run(&w, &l);
	assert_int_equal(pair_pin_of(&l.facts, &l.decision), PAIR_PIN_PLANNED);
	linkjob_release(&l);
	world_user(&w, WORLD_PROFILE)->external_id = xstrdup("cust-1");
	world_run(&w, &l);
	assert_int_equal(pair_pin_of(&l.facts, &l.decision), PAIR_PIN_NONE);
	linkjob_release(&l);
	world_release(&w);
}

/* --- what is gathered --- */

static struct json_t *facts_of(const struct linkjob *l)
{
	char *text = linkjob_review_facts(l);
	struct json_t *v = json_parse(text, strlen(text), NULL);

	assert_non_null(v);
	free(text);
	return v;
}

static void assert_tickets(const struct json_t *facts, int64_t person,
			   int64_t profile)
{
	const struct json_t *t = json_get(facts, "tickets");

	assert_int_equal(json_get_int(t, "messaging_user", -1), person);
	assert_int_equal(json_get_int(t, "profile", -1), profile);
}

static void test_a_question_gathers(void **state)
{
	struct json_t *facts, *others;
	struct world w;
	struct linkjob l;

	(void)state;
	make_asked(&w);
	str_copy(w.other.id, sizeof(w.other.id), "5bb2");
	world_run(&w, &l);
	assert_int_equal(w.counts[COMMAND_TICKETS], 2);
	assert_string_equal(w.asked, WORLD_ADDRESS " ");
	assert_int_equal(l.api_calls, 4); /* read, search, and two */
	facts = facts_of(&l);
	assert_tickets(facts, 110, 220);
	others = json_get(facts, "sunco_users");
	assert_int_equal(json_len(others), 1);
	assert_string_equal(json_get_str(json_at(others, 0), "id"), "5bb2");
	json_free(facts);
	linkjob_release(&l);
	world_release(&w);
}

/* Asked by the profile's external id too, unless it is the person's own; and
 * whoever is found twice, or is the person, is no third one. */
static void test_third_users_are_asked_for_by_both_keys(void **state)
{
	struct json_t *facts;
	struct world w;
	struct linkjob l;

	(void)state;
	make_asked(&w);
	world_user(&w, WORLD_PROFILE)->external_id = xstrdup("cust-2");
	str_copy(w.other.id, sizeof(w.other.id), "5bb2");
	world_run(&w, &l);
	assert_string_equal(w.asked, WORLD_ADDRESS " cust-2 ");
	assert_int_equal(l.gathered.other_count, 1);
	linkjob_release(&l);
	str_copy(w.other.id, sizeof(w.other.id), WORLD_SUNCO);
	world_run(&w, &l);
	facts = facts_of(&l);
	assert_int_equal(json_len(json_get(facts, "sunco_users")), 0);
	json_free(facts);
	linkjob_release(&l);
	world_release(&w);
}

/* Only a messaging user that SunCo is linked to can be synced. */
static void test_a_sync_is_announced(void **state)
{
	(void)state;
	for (int on = 0; on < 2; on++) {
		struct json_t *facts;
		struct world w;
		struct linkjob l;

		make_asked(&w);
		w.settings.sync = on;
		world_run(&w, &l);
		facts = facts_of(&l);
		assert_int_equal(json_get_bool(facts, "sync", !on), on);
		json_free(facts);
		linkjob_release(&l);
		world_release(&w);
	}
}

static void test_no_answer_is_unknown(void **state)
{
	struct json_t *facts;
	struct world w;
	struct linkjob l;

	(void)state;
	make_asked(&w);
	w.silent = true;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.reason, REASON_MERGE_SURGE);
	facts = facts_of(&l);
	assert_tickets(facts, -1, -1);
	assert_true(json_is_null(json_get(facts, "sunco_users")));
	json_free(facts);
	linkjob_release(&l);
	world_release(&w);
}

/* Every answer that the look-ups can have leaves the question as it is. */
static void test_no_fault_of_a_look_up_fails_the_run(void **state)
{
	static const enum command_kind kinds[] = {COMMAND_TICKETS,
						  COMMAND_SUNCO_ADDRESS};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		for (int f = FAULT_NONE; f < FAULT_CRASH_BEFORE; f++) {
			struct world w;
			struct linkjob l;

			make_asked(&w);
			w.fault = (enum world_fault)f;
			w.at_kind = kinds[k];
			w.at = 1;
			world_run(&w, &l);
			assert_int_equal(l.end, LINKJOB_END_DECIDED);
			assert_int_equal(l.decision.action, ACTION_REVIEW);
			linkjob_release(&l);
			world_release(&w);
		}
	}
}

static void test_an_adopt_gathers_one_count(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_adopt(&w);
	w.settings.rules.apply = APPLY_REVIEW;
	world_run(&w, &l);
	assert_int_equal(l.decision.intended, ACTION_ADOPT);
	assert_int_equal(w.counts[COMMAND_TICKETS], 1);
	assert_string_equal(w.asked, "");
	linkjob_release(&l);
	world_release(&w);
}

static void test_a_refused_merge_gathers(void **state)
{
	struct json_t *facts;
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.refuses_merge = true;
	w.words = "too_many_tickets";
	world_run(&w, &l);
	facts = facts_of(&l);
	assert_tickets(facts, 110, 220);
	assert_string_equal(json_get_str(facts, "refusal"),
			    "merge: too_many_tickets");
	json_free(facts);
	linkjob_release(&l);
	world_release(&w);
}

static void test_a_dry_run_gathers_nothing(void **state)
{
	struct world w;

	(void)state;
	make_asked(&w);
	w.settings.dry = true;
	world_live(&w, 1);
	assert_int_equal(w.counts[COMMAND_TICKETS], 0);
	world_release(&w);
}

/* The same question by another conversation; by this one, nothing changed;
 * by this one, something did. */
static void test_an_open_question_gathers_only_what_changed(void **state)
{
	struct world w;
	struct linkjob l;
	struct pair_asked *asked = &w.recall.asked[1];

	(void)state;
	make_asked(&w);
	asked->open = true;
	world_run(&w, &l);
	assert_int_equal(w.counts[COMMAND_TICKETS], 0);
	asked->own = true;
	memcpy(asked->hash, l.print.hash, sizeof(asked->hash));
	asked->reasons = l.decision.reasons;
	linkjob_release(&l);
	world_live(&w, 1);
	assert_int_equal(w.counts[COMMAND_TICKETS], 0);
	asked->reasons |= SUSPENDED;
	world_live(&w, 1);
	assert_int_equal(w.counts[COMMAND_TICKETS], 2);
	asked->reasons &= ~SUSPENDED;
	profile_gets_identity(&w);
	world_live(&w, 1);
	assert_int_equal(w.counts[COMMAND_TICKETS], 4);
	world_release(&w);
}

/* Wherever the process dies, the question is asked in the end, once. */
static void test_a_crash_asks_again(void **state)
{
	(void)state;
	for (int at = 1; at < 12; at++) {
		struct world w;
		struct linkjob l;

		make_asked(&w);
		w.fault = FAULT_CRASH_AFTER;
		w.at = at;
		world_live(&w, 2);
		w.at = 0;
		world_run(&w, &l);
		assert_int_equal(l.decision.action, ACTION_REVIEW);
		assert_int_equal(w.merges, 0);
		linkjob_release(&l);
		world_release(&w);
	}
}

static void test_the_new_question_tells_of_the_earlier_approval(void **state)
{
	struct json_t *facts;
	struct world w;
	struct linkjob l;

	(void)state;
	make_approved(&w);
	profile_gets_identity(&w);
	run_to(&w, ACTION_REVIEW, LINKJOB_EXPIRED, &l);
	facts = facts_of(&l);
	assert_non_null(
		strstr(json_get_str(facts, "earlier_approval"), "maria"));
	json_free(facts);
	linkjob_release(&l);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_approval_waives_what_it_saw),
		cmocka_unit_test(test_an_approval_outlives_its_reason),
		cmocka_unit_test(test_what_came_later_is_asked_with_all),
		cmocka_unit_test(test_a_change_makes_it_expire),
		cmocka_unit_test(test_a_name_does_not_matter),
		cmocka_unit_test(test_of_another_sunco_user_it_counts_nothing),
		cmocka_unit_test(test_without_its_parts_only_the_fact_is_told),
		cmocka_unit_test(test_expired_the_rules_decide),
		cmocka_unit_test(test_approving_a_refusal_tries_again),
		cmocka_unit_test(test_approving_a_taken_address_tries_again),
		cmocka_unit_test(test_a_rejected_ambiguity_is_not_asked_again),
		cmocka_unit_test(test_the_pin_has_to_be_named),
		cmocka_unit_test(test_a_named_pin_outlives_a_crash),
		cmocka_unit_test(
			test_a_pin_that_the_evidence_carries_is_planned),
		cmocka_unit_test(test_a_question_gathers),
		cmocka_unit_test(test_third_users_are_asked_for_by_both_keys),
		cmocka_unit_test(test_a_sync_is_announced),
		cmocka_unit_test(test_no_answer_is_unknown),
		cmocka_unit_test(test_no_fault_of_a_look_up_fails_the_run),
		cmocka_unit_test(test_an_adopt_gathers_one_count),
		cmocka_unit_test(test_a_refused_merge_gathers),
		cmocka_unit_test(test_a_dry_run_gathers_nothing),
		cmocka_unit_test(
			test_an_open_question_gathers_only_what_changed),
		cmocka_unit_test(test_a_crash_asks_again),
		cmocka_unit_test(
			test_the_new_question_tells_of_the_earlier_approval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
