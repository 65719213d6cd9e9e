/*
 * Under which settings a conversation would have been linked: the policy's own
 * answer, and what Zendesk would have done about a typed address.
 */
#include "policy_kit.h"

enum { VERIFIED = 1, BOTH = 2, CLAIM = 4, ALL = 7 };
_Static_assert(LINKED_BIT(EMAILS_VERIFIED_ONLY) == VERIFIED &&
		       LINKED_BIT(EMAILS_VERIFIED_AND_UNVERIFIED) == BOTH &&
		       LINKED_BIT(EMAILS_CLAIM_VERIFIED) == CLAIM,
	       "a bit per setting");

static unsigned linked(struct kit *k)
{
	return policy_linked_under(&k->f, &k->r);
}

/* The typed address stands on the messaging user itself, and nowhere else. */
static void hold_it(struct kit *k, enum verification method)
{
	struct zd_identity *i;

	kit_drop_owners(k);
	i = zd_user_add_identity(&k->f.messaging_user, "email", KIT_ADDRESS);
	i->method = method;
	i->verified = method == VERIFICATION_FULL;
}

static void a_login_that_merges_does_so_everywhere(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	assert_int_equal(linked(&k), ALL);
	k.r.apply = APPLY_OBSERVE;
	assert_int_equal(linked(&k), ALL);
	k.r.apply = APPLY_REVIEW;
	assert_int_equal(linked(&k), ALL);
	kit_drop_owners(&k);
	assert_int_equal(linked(&k), ALL); /* adopt */
	kit_release(&k);
}

static void what_needs_a_person_is_not_linked(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_AUTHENTICATED);
	assert_int_equal(linked(&k), 0);
	k.f.history.waived = REASON_BIT(REASON_EMAIL_NOT_VERIFIED);
	assert_int_equal(linked(&k), 0); /* nor where one said yes */
	k.r.link_evidence = EVIDENCE_AUTHENTICATED;
	assert_int_equal(linked(&k), ALL);
	kit_drop_owners(&k);
	k.f.history.searched_twice = true;
	assert_int_equal(linked(&k), BOTH | CLAIM); /* rule 10 */
	kit_release(&k);
}

static void the_breaker_does_not_count(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	k.f.history.merges_this_hour = 1000;
	k.f.history.merges_into_profile_today = 1000;
	kit_expect(&k, ACTION_REVIEW, REASON_MERGE_SURGE, 24);
	assert_int_equal(linked(&k), ALL);
	kit_release(&k);
}

static void a_typed_address_of_a_verified_profile(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	assert_int_equal(linked(&k), CLAIM);
	/* today's setting has not linked it, whatever is written about it */
	k.r.email_identities = EMAILS_CLAIM_VERIFIED;
	assert_int_equal(linked(&k), 0);
	k.r.link_evidence = EVIDENCE_CLAIMED;
	assert_int_equal(linked(&k), CLAIM); /* reunite does */
	kit_release(&k);
}

static void a_typed_address_of_an_unverified_profile(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	kit_method(&k, VERIFICATION_NONE, false);
	assert_int_equal(linked(&k), BOTH | CLAIM);
	kit_owner(&k)->suspended = true;
	assert_int_equal(linked(&k), 0);
	kit_release(&k);
}

static void a_typed_address_that_nobody_has(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	kit_drop_owners(&k);
	k.f.history.searched_twice = true;
	assert_int_equal(linked(&k), BOTH | CLAIM);
	kit_release(&k);
}

/* The question before the switch: what would "verified only" leave out? */
static void what_a_loose_setting_linked_a_strict_one_would_not(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	hold_it(&k, VERIFICATION_FULL);
	k.r.email_identities = EMAILS_CLAIM_VERIFIED;
	kit_expect(&k, ACTION_NONE, REASON_ALREADY_LINKED, 9);
	assert_int_equal(linked(&k), CLAIM);
	kit_release(&k);

	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	hold_it(&k, VERIFICATION_NONE);
	k.r.email_identities = EMAILS_VERIFIED_AND_UNVERIFIED;
	assert_int_equal(linked(&k), BOTH | CLAIM);
	kit_release(&k);
}

/* Somebody else linked it: an agent, a login, reunite. So it stays. */
static void what_zendesk_did_not_link_stays_linked(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	hold_it(&k, VERIFICATION_FULL);
	assert_int_equal(linked(&k), ALL);
	k.r.email_identities = EMAILS_VERIFIED_AND_UNVERIFIED;
	assert_int_equal(linked(&k), ALL);
	kit_release(&k);

	kit_init(&k);
	hold_it(&k, VERIFICATION_NONE);
	k.r.email_identities = EMAILS_CLAIM_VERIFIED;
	assert_int_equal(linked(&k), ALL); /* logged in */
	kit_release(&k);
}

static void what_is_refused_is_linked_by_nobody(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_CLAIMED);
	kit_method(&k, VERIFICATION_NONE, false);
	k.f.messaging_user.suspended = true;
	assert_int_equal(linked(&k), 0);
	k.f.messaging_user.suspended = false;
	kit_owner(&k)->role = ZD_ROLE_AGENT;
	assert_int_equal(linked(&k), 0);
	kit_owner(&k)->role = ZD_ROLE_END_USER;
	k.f.history.rejected = true;
	assert_int_equal(linked(&k), 0);
	k.f.history.rejected = false;
	kit_add_owner(&k, KIT_SECOND);
	assert_int_equal(linked(&k), 0); /* which of the two? */
	k.f.has_messaging_user = false;
	assert_int_equal(linked(&k), 0);
	kit_release(&k);
}

static void without_an_address_nothing_is_linked(void **state)
{
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_evidence(&k, EVIDENCE_NONE);
	kit_drop_owners(&k);
	assert_int_equal(linked(&k), 0);
	kit_release(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_login_that_merges_does_so_everywhere),
		cmocka_unit_test(what_needs_a_person_is_not_linked),
		cmocka_unit_test(the_breaker_does_not_count),
		cmocka_unit_test(a_typed_address_of_a_verified_profile),
		cmocka_unit_test(a_typed_address_of_an_unverified_profile),
		cmocka_unit_test(a_typed_address_that_nobody_has),
		cmocka_unit_test(
			what_a_loose_setting_linked_a_strict_one_would_not),
		cmocka_unit_test(what_zendesk_did_not_link_stays_linked),
		cmocka_unit_test(what_is_refused_is_linked_by_nobody),
		cmocka_unit_test(without_an_address_nothing_is_linked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
