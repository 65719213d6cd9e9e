/*
 * Stage 5 and after: reasons, apply, approvals, steps, names.
 */
#include "base/str.h"
#include "policy_kit.h"

static struct kit kit;

static int start(void **state)
{
	(void)state;
	kit_init(&kit);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	kit_release(&kit);
	return 0;
}

static void merges_say_what_they_rest_on(void **state)
{
	(void)state;
	kit.r.email_identities = EMAILS_CLAIM_VERIFIED;
	kit.r.link_evidence = EVIDENCE_CLAIMED;
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_AUTHENTICATED, 0);
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit_text(&kit_owner(&kit)->external_id, "Cust-7");
	kit_expect(&kit, ACTION_MERGE, REASON_EXTERNAL_ID_MATCH, 0);
	assert_true(kit.d.external_ids_equal);
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_CLAIMED, 0);
	kit_drop_owners(&kit);
	kit_evidence(&kit, EVIDENCE_VERIFIED);
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	assert_int_equal(kit.d.profile_id, 0);
	assert_true(kit.d.verified);
	kit_displace(&kit);
	kit_expect(&kit, ACTION_MERGE, REASON_DISPLACED_PROFILE, 0);
	kit_text(&kit.f.displaced.external_id, "CUST-7");
	kit_expect(&kit, ACTION_MERGE, REASON_EXTERNAL_ID_MATCH, 0);
}

static void an_adopt_vouches_only_for_what_is_verified(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit.r.link_evidence = EVIDENCE_AUTHENTICATED;
	kit.r.email_identities = EMAILS_VERIFIED_AND_UNVERIFIED;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	assert_false(kit.d.verified);
}

static void observing_keeps_the_action_and_does_nothing(void **state)
{
	(void)state;
	kit.r.apply = APPLY_OBSERVE;
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_false(kit.d.applied);
	kit_expect_steps(&kit, "merge read_back");
	kit.f.history.waived = ~(reason_set)0;
	kit_decide(&kit);
	assert_false(kit.d.applied);
	kit_drop_owners(&kit);
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	assert_false(kit.d.applied || kit.d.complete_name);
	kit_add_owner(&kit, KIT_OWNER)->suspended = true;
	kit.f.history.waived = 0;
	kit_expect(&kit, ACTION_REVIEW, REASON_PROFILE_SUSPENDED, 15);
}

static void reviewing_turns_links_into_reviews(void **state)
{
	(void)state;
	kit.r.apply = APPLY_REVIEW;
	kit_expect(&kit, ACTION_REVIEW, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_int_equal(kit.d.reasons,
			 REASON_BIT(REASON_EMAIL_MATCH_VERIFIED));
	assert_int_equal(kit.d.intended, ACTION_MERGE);
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
	assert_false(kit.d.applied);
	kit_expect_steps(&kit, "merge read_back");
	kit_drop_owners(&kit);
	kit_expect(&kit, ACTION_REVIEW, REASON_NO_PROFILE, 0);
	assert_int_equal(kit.d.intended, ACTION_ADOPT);
}

static void an_approved_link_goes_through(void **state)
{
	(void)state;
	kit.r.apply = APPLY_REVIEW;
	kit.f.history.waived = REASON_BIT(REASON_EMAIL_MATCH_VERIFIED);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_true(kit.d.applied);
	kit.f.history.waived = REASON_BIT(REASON_NO_PROFILE);
	kit_expect(&kit, ACTION_REVIEW, REASON_EMAIL_MATCH_VERIFIED, 0);
	kit_drop_owners(&kit);
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
	assert_true(kit.d.applied);
}

/* One approval is enough, also when apply = review asks on top of stage 4. */
static void an_approved_review_of_stage_4_goes_through(void **state)
{
	(void)state;
	kit.r.apply = APPLY_REVIEW;
	kit_owner(&kit)->suspended = true;
	kit_expect(&kit, ACTION_REVIEW, REASON_PROFILE_SUSPENDED, 15);
	kit.f.history.waived = REASON_BIT(REASON_PROFILE_SUSPENDED);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_true(kit.d.applied);
	/* what was approved is not the case any more */
	kit_owner(&kit)->suspended = false;
	kit_expect(&kit, ACTION_REVIEW, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_false(kit.d.applied);
	/* and something else is */
	kit_owner(&kit)->brand_id = 5;
	kit_expect(&kit, ACTION_REVIEW, REASON_BRAND_MISMATCH, 16);
}

static void displaced_is_a_reason_of_two_stages(void **state)
{
	(void)state;
	kit.r.apply = APPLY_REVIEW;
	kit_displace(&kit)->coincides = false;
	kit_expect(&kit, ACTION_REVIEW, REASON_DISPLACED_PROFILE, 19);
	kit.f.history.waived = REASON_BIT(REASON_DISPLACED_PROFILE);
	kit_expect(&kit, ACTION_MERGE, REASON_DISPLACED_PROFILE, 0);
	assert_true(kit.d.applied);
}

static void the_external_id_is_pinned_on_verified_evidence(void **state)
{
	(void)state;
	kit_expect_steps(&kit, "merge read_back");
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit_expect_steps(&kit, "merge read_back pin");
	kit_text(&kit_owner(&kit)->external_id, "cust-7");
	kit_expect_steps(&kit, "merge read_back");
	kit_displace(&kit);
	kit_expect_steps(&kit, "merge read_back pin");
}

static void weaker_evidence_pins_only_by_name(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit.r.link_evidence = EVIDENCE_AUTHENTICATED;
	kit_expect_steps(&kit, "merge read_back");
	kit.f.history.waived = REASON_BIT(REASON_EMAIL_MATCH_AUTHENTICATED);
	kit_expect_steps(&kit, "merge read_back");
	kit.f.history.waived |= REASON_BIT(REASON_EXTERNAL_ID_NOT_PINNED);
	kit_expect_steps(&kit, "merge read_back pin");
	kit_text(&kit.f.sunco.external_id, NULL);
	kit_expect_steps(&kit, "merge read_back");
}

static void the_profiles_address_is_verified_if_asked(void **state)
{
	(void)state;
	kit_method(&kit, VERIFICATION_NONE, false);
	kit_expect_steps(&kit, "merge read_back");
	kit.r.verify_profile_email = true;
	kit_expect_steps(&kit, "merge read_back verify");
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit_expect_steps(&kit, "merge read_back pin verify");
	kit_method(&kit, VERIFICATION_SSO, true);
	kit_expect_steps(&kit, "merge read_back pin");
	kit_method(&kit, VERIFICATION_NONE, false);
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit_expect_steps(&kit, "merge read_back");
	kit_evidence(&kit, EVIDENCE_VERIFIED);
	kit_text(&kit_owner(&kit)->external_id, "cust-7");
	kit_text(&kit_owner(&kit)->identities[0].value, "m@harbour.example");
	kit_expect_steps(&kit, "merge read_back");
}

static void give_names(void)
{
	kit_text(&kit.f.messaging_user.name, "Web User 65f1c0");
	kit_text(&kit.f.sunco.given_name, "Mia");
}

static void an_adopt_completes_the_name(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	kit_expect_steps(&kit, "adopt read_back");
	assert_false(kit.d.complete_name);
	give_names();
	kit_expect_steps(&kit, "adopt complete_name read_back");
	assert_true(kit.d.complete_name);
	kit.r.apply = APPLY_REVIEW;
	kit_expect_steps(&kit, "adopt complete_name read_back");
	assert_false(kit.d.complete_name);
	kit.f.history.waived = REASON_BIT(REASON_NO_PROFILE);
	kit_decide(&kit);
	assert_true(kit.d.applied && kit.d.complete_name);
}

static void names_are_completed_under_every_condition_only(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	give_names();
	kit.r.complete_name = false;
	kit_expect_steps(&kit, "adopt read_back");
	kit.r.complete_name = true;
	kit_text(&kit.f.messaging_user.name, "Mia");
	kit_expect_steps(&kit, "adopt read_back");
	kit_text(&kit.f.messaging_user.name, NULL);
	kit_expect_steps(&kit, "adopt complete_name read_back");
	kit_text(&kit.f.sunco.given_name, "  ");
	kit_expect_steps(&kit, "adopt read_back");
	kit_text(&kit.f.sunco.surname, "Sand");
	kit_expect_steps(&kit, "adopt complete_name read_back");
}

static void a_merge_completes_no_name(void **state)
{
	(void)state;
	give_names();
	kit_expect_steps(&kit, "merge read_back");
	assert_false(kit.d.complete_name);
	kit.f.history.rejected = true;
	kit_decide(&kit);
	assert_false(kit.d.complete_name);
}

/* Decides nothing, but the user who stays gets its name, if auto. */
static void expect_name_on(enum reason reason)
{
	kit.r.apply = APPLY_AUTO;
	kit_decide(&kit);
	assert_int_equal(kit.d.reason, reason);
	assert_true(kit.d.complete_name);
	assert_int_equal(kit.d.step_count, 0);
	assert_false(kit.d.applied);
	kit.r.apply = APPLY_REVIEW;
	kit_decide(&kit);
	assert_false(kit.d.complete_name);
	kit.r.apply = APPLY_OBSERVE;
	kit_decide(&kit);
	assert_false(kit.d.complete_name);
}

static void who_stays_gets_a_name(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	give_names();
	expect_name_on(REASON_EMAIL_NOT_VERIFIED);
	kit.f.history.searched_twice = true;
	expect_name_on(REASON_EMAIL_NOT_VERIFIED);
	zd_user_add_identity(&kit.f.messaging_user, "email", KIT_ADDRESS);
	expect_name_on(REASON_ALREADY_LINKED);
	kit_text(&kit.f.sunco.profile_email, NULL);
	expect_name_on(REASON_NO_EMAIL);
	kit.f.sunco.authenticated = false;
	kit.r.apply = APPLY_AUTO;
	kit_decide(&kit);
	assert_false(kit.d.complete_name);
}

/* The same reason in stage 4 is about somebody else's profile. */
static void a_review_gives_no_name(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	give_names();
	kit_expect(&kit, ACTION_REVIEW, REASON_EMAIL_NOT_VERIFIED, 22);
	assert_false(kit.d.complete_name);
}

static void refusals_plan_nothing(void **state)
{
	(void)state;
	give_names();
	kit.f.messaging_user.suspended = true;
	kit_expect_steps(&kit, "");
	assert_false(kit.d.complete_name);
	assert_int_equal(kit.d.intended, ACTION_NONE);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(merges_say_what_they_rest_on),
		CASE(an_adopt_vouches_only_for_what_is_verified),
		CASE(observing_keeps_the_action_and_does_nothing),
		CASE(reviewing_turns_links_into_reviews),
		CASE(an_approved_link_goes_through),
		CASE(an_approved_review_of_stage_4_goes_through),
		CASE(displaced_is_a_reason_of_two_stages),
		CASE(the_external_id_is_pinned_on_verified_evidence),
		CASE(weaker_evidence_pins_only_by_name),
		CASE(the_profiles_address_is_verified_if_asked),
		CASE(an_adopt_completes_the_name),
		CASE(names_are_completed_under_every_condition_only),
		CASE(a_merge_completes_no_name),
		CASE(who_stays_gets_a_name),
		CASE(a_review_gives_no_name),
		CASE(refusals_plan_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
