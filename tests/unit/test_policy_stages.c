/*
 * Stages 1 to 3: rules 1 to 11, each with its nearest neighbour that does not
 * match, and the order between them.
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

static void the_plain_case_merges(void **state)
{
	(void)state;
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	assert_true(kit.d.applied);
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
	assert_int_equal(kit.d.evidence, EVIDENCE_VERIFIED);
	assert_string_equal(kit.d.address, KIT_ADDRESS);
	assert_int_equal(kit.d.intended, ACTION_MERGE);
	assert_false(kit.d.displaced || kit.d.external_ids_equal);
}

static void rule_1_waits_for_a_messaging_user(void **state)
{
	(void)state;
	kit.f.has_messaging_user = false;
	kit_expect(&kit, ACTION_WAIT, REASON_NO_MESSAGING_USER, 1);
	assert_int_equal(kit.d.profile_id, 0);
	assert_int_equal(kit.d.intended, ACTION_NONE);
	assert_false(kit.d.applied);
	kit_expect_steps(&kit, "");
}

static void rule_2_needs_an_active_user(void **state)
{
	(void)state;
	kit.f.messaging_user.active = false;
	kit_expect(&kit, ACTION_NONE, REASON_MESSAGING_USER_GONE, 2);
}

static void rule_2_needs_this_conversations_identity(void **state)
{
	struct zd_user *u = &kit.f.messaging_user;

	(void)state;
	kit_text(&u->identities[0].value, "c0ffee0123456789abcdef02");
	kit_expect(&kit, ACTION_NONE, REASON_MESSAGING_USER_GONE, 2);
	kit_text(&u->identities[0].value, KIT_SUNCO_ID);
	kit_text(&u->identities[0].type, "sdk");
	kit_expect(&kit, ACTION_NONE, REASON_MESSAGING_USER_GONE, 2);
	zd_user_clear_identities(u);
	kit_expect(&kit, ACTION_NONE, REASON_MESSAGING_USER_GONE, 2);
	zd_user_add_identity(u, "messaging", "");
	kit.f.sunco.id[0] = '\0';
	kit_expect(&kit, ACTION_NONE, REASON_MESSAGING_USER_GONE, 2);
}

static void rule_3_refuses_all_but_end_users(void **state)
{
	static const enum zd_role roles[] = {ZD_ROLE_AGENT, ZD_ROLE_ADMIN,
					     ZD_ROLE_OTHER};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		kit.f.messaging_user.role = roles[i];
		kit_expect(&kit, ACTION_REFUSE,
			   REASON_MESSAGING_USER_NOT_END_USER, 3);
		assert_int_equal(kit.d.intended, ACTION_NONE);
	}
}

static void rule_4_refuses_suspended_people(void **state)
{
	(void)state;
	kit.f.messaging_user.suspended = true;
	kit_expect(&kit, ACTION_REFUSE, REASON_MESSAGING_USER_SUSPENDED, 4);
}

static void rule_5_refuses_shared_people(void **state)
{
	(void)state;
	kit.f.messaging_user.shared = true;
	kit_expect(&kit, ACTION_REFUSE, REASON_SHARED_USER, 5);
}

static void rule_5_refuses_shared_owners(void **state)
{
	(void)state;
	kit_owner(&kit)->shared = true;
	kit_expect(&kit, ACTION_REFUSE, REASON_SHARED_USER, 5);
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
	kit_owner(&kit)->shared = false;
	kit_add_owner(&kit, KIT_SECOND)->shared = true;
	kit_expect(&kit, ACTION_REFUSE, REASON_SHARED_USER, 5);
}

static void rule_5_and_6_ask_the_displaced_profile(void **state)
{
	struct zd_user *d = kit_displace(&kit);

	(void)state;
	d->shared = true;
	kit_expect(&kit, ACTION_REFUSE, REASON_SHARED_USER, 5);
	d->shared = false;
	d->role = ZD_ROLE_AGENT;
	kit_expect(&kit, ACTION_REFUSE, REASON_PROFILE_IS_AGENT, 6);
}

static void rule_6_refuses_agents(void **state)
{
	(void)state;
	kit_owner(&kit)->role = ZD_ROLE_AGENT;
	kit_expect(&kit, ACTION_REFUSE, REASON_PROFILE_IS_AGENT, 6);
	kit_owner(&kit)->role = ZD_ROLE_OTHER;
	kit_expect(&kit, ACTION_REFUSE, REASON_PROFILE_IS_AGENT, 6);
	kit_owner(&kit)->role = ZD_ROLE_END_USER;
	kit_add_owner(&kit, KIT_SECOND)->role = ZD_ROLE_ADMIN;
	kit_expect(&kit, ACTION_REFUSE, REASON_PROFILE_IS_AGENT, 6);
}

static void rules_5_and_6_do_not_see_hits_that_own_nothing(void **state)
{
	struct zd_user *u = kit_add_owner(&kit, KIT_SECOND);

	(void)state;
	kit_text(&u->identities[0].value, "mia@harbour.example.org");
	u->shared = true;
	u->role = ZD_ROLE_AGENT;
	u->suspended = true;
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	kit_drop_owners(&kit);
	kit_add_owner(&kit, KIT_OWNER)->active = false;
	kit_expect(&kit, ACTION_ADOPT, REASON_NO_PROFILE, 0);
}

static void rule_7_asks_which_address(void **state)
{
	(void)state;
	sunco_user_add_identity(&kit.f.sunco, "email", "two@harbour.example",
				"embed");
	kit_expect(&kit, ACTION_REVIEW, REASON_AMBIGUOUS_ADDRESS, 7);
	assert_int_equal(kit.d.profile_id, 0);
	assert_int_equal(kit.d.intended, ACTION_NONE);
	assert_string_equal(kit.d.address, "");
	kit_expect_steps(&kit, "");
}

static void rule_7_counts_different_addresses(void **state)
{
	(void)state;
	sunco_user_add_identity(&kit.f.sunco, "email", "MIA@harbour.example",
				NULL);
	sunco_user_add_identity(&kit.f.sunco, "phone", "two@harbour.example",
				NULL);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
}

static void rule_7_cannot_be_approved(void **state)
{
	(void)state;
	sunco_user_add_identity(&kit.f.sunco, "email", "two@harbour.example",
				"embed");
	kit.f.history.waived = REASON_BIT(REASON_AMBIGUOUS_ADDRESS);
	kit_expect(&kit, ACTION_REVIEW, REASON_AMBIGUOUS_ADDRESS, 7);
}

static void rule_8_waits_for_an_address(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_NONE);
	kit_expect(&kit, ACTION_WAIT, REASON_NO_EMAIL, 8);
	kit_displace(&kit);
	kit_expect(&kit, ACTION_WAIT, REASON_NO_EMAIL, 8);
}

static void rule_8_needs_no_address_with_an_owner(void **state)
{
	(void)state;
	kit_evidence(&kit, EVIDENCE_NONE);
	kit.f.sunco.authenticated = true;
	kit_text(&kit.f.sunco.external_id, "cust-7");
	kit_text(&kit_owner(&kit)->external_id, "CUST-7");
	kit_expect(&kit, ACTION_MERGE, REASON_EXTERNAL_ID_MATCH, 0);
	assert_int_equal(kit.d.evidence, EVIDENCE_NONE);
	kit.f.sunco.authenticated = false;
	kit_expect(&kit, ACTION_WAIT, REASON_NO_EMAIL, 8);
}

static void rule_9_leaves_the_linked_alone(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	zd_user_add_identity(&kit.f.messaging_user, "email",
			     "Mia@Harbour.example");
	kit_expect(&kit, ACTION_NONE, REASON_ALREADY_LINKED, 9);
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit_expect(&kit, ACTION_NONE, REASON_ALREADY_LINKED, 9);
}

static void rule_9_needs_nobody_else(void **state)
{
	struct zd_user *u = &kit.f.messaging_user;

	(void)state;
	zd_user_add_identity(u, "email", KIT_ADDRESS);
	kit_expect(&kit, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED, 0);
	kit_displace(&kit);
	kit_expect(&kit, ACTION_MERGE, REASON_DISPLACED_PROFILE, 0);
	kit.f.displaced.active = false;
	kit_expect(&kit, ACTION_NONE, REASON_ALREADY_LINKED, 9);
	kit.f.displaced.active = true;
	kit.f.displaced.id = KIT_PERSON;
	kit_expect(&kit, ACTION_NONE, REASON_ALREADY_LINKED, 9);
	kit_text(&u->identities[1].value, "other@harbour.example");
	kit_expect(&kit, ACTION_REVIEW, REASON_MESSAGING_USER_ESTABLISHED, 13);
}

/* Every mix of evidence and settings, without an owner. */
static void rule_10_adopts_on_good_evidence_only(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	for (int e = EVIDENCE_CLAIMED; e <= EVIDENCE_VERIFIED; e++)
		for (int l = EVIDENCE_CLAIMED; l <= EVIDENCE_VERIFIED; l++)
			for (int s = 0; s <= EMAILS_CLAIM_VERIFIED; s++) {
				bool good = e == EVIDENCE_VERIFIED ||
					    (e == EVIDENCE_AUTHENTICATED &&
					     l != EVIDENCE_VERIFIED &&
					     s != EMAILS_VERIFIED_ONLY);

				kit_evidence(&kit, (enum evidence)e);
				kit.r.link_evidence = (enum evidence)l;
				kit.r.email_identities =
					(enum email_identities)s;
				if (good)
					kit_expect(&kit, ACTION_ADOPT,
						   REASON_NO_PROFILE, 0);
				else
					kit_expect(&kit, ACTION_WAIT,
						   REASON_EMAIL_NOT_VERIFIED,
						   10);
			}
}

static void rule_10_gives_up_after_two_searches(void **state)
{
	(void)state;
	kit_drop_owners(&kit);
	kit_evidence(&kit, EVIDENCE_CLAIMED);
	kit.f.history.searched_twice = true;
	kit_expect(&kit, ACTION_NONE, REASON_EMAIL_NOT_VERIFIED, 10);
	kit.f.history.waived = REASON_BIT(REASON_EMAIL_NOT_VERIFIED);
	kit_expect(&kit, ACTION_NONE, REASON_EMAIL_NOT_VERIFIED, 10);
}

static void rule_10_does_not_ask_with_a_displaced_profile(void **state)
{
	(void)state;
	kit_displace(&kit);
	kit_evidence(&kit, EVIDENCE_AUTHENTICATED);
	kit_expect(&kit, ACTION_REVIEW, REASON_DISPLACED_PROFILE, 19);
}

static void rule_11_remembers_a_rejection(void **state)
{
	(void)state;
	kit.f.history.rejected = true;
	kit_expect(&kit, ACTION_NONE, REASON_REJECTED_BEFORE, 11);
	assert_int_equal(kit.d.profile_id, KIT_OWNER);
	kit_owner(&kit)->suspended = true; /* rule 15 comes later */
	kit.f.history.waived = ~(reason_set)0;
	kit_expect(&kit, ACTION_NONE, REASON_REJECTED_BEFORE, 11);
	kit_drop_owners(&kit);
	kit_expect(&kit, ACTION_NONE, REASON_REJECTED_BEFORE, 11);
	assert_int_equal(kit.d.profile_id, 0);
}

/* Makes a rule match whatever else is the case, as far as it can. */
static void provoke(struct kit *k, int rule)
{
	struct zd_user *u = &k->f.messaging_user;

	switch (rule) {
	case 1:
		k->f.has_messaging_user = false;
		break;
	case 2:
		u->active = false;
		break;
	case 3:
		u->role = ZD_ROLE_ADMIN;
		break;
	case 4:
		u->suspended = true;
		break;
	case 5:
		u->shared = true;
		break;
	case 6:
		kit_owner(k)->role = ZD_ROLE_AGENT;
		break;
	case 7:
		sunco_user_add_identity(&k->f.sunco, "email", KIT_ADDRESS,
					NULL);
		sunco_user_add_identity(&k->f.sunco, "email",
					"two@harbour.example", "embed");
		break;
	case 8:
		kit_evidence(k, EVIDENCE_NONE);
		kit_drop_owners(k);
		break;
	case 9:
		zd_user_add_identity(u, "email", KIT_ADDRESS);
		kit_drop_owners(k);
		break;
	case 10:
		kit_evidence(k, EVIDENCE_CLAIMED);
		kit_drop_owners(k);
		break;
	default:
		k->f.history.rejected = true;
	}
}

/* 6 needs an owner, 8 to 10 need none; 8 needs no address, 7 and 9 do. */
static bool can_both_match(int a, int b)
{
	if (a == 6 && b >= 8 && b <= 10)
		return false;
	return !(a == 7 && b == 8) && !(a == 8 && b == 9);
}

static void earlier_rules_win(void **state)
{
	size_t pairs = 0;

	(void)state;
	for (int a = 1; a <= 11; a++)
		for (int b = a + 1; b <= 11; b++) {
			struct kit k;

			if (!can_both_match(a, b))
				continue;
			kit_init(&k);
			kit_text(&k.f.sunco.external_id, "cust-7");
			kit_text(&kit_owner(&k)->external_id, "cust-7");
			provoke(&k, b);
			provoke(&k, a);
			kit_decide(&k);
			assert_int_equal(k.d.rule, a);
			kit_release(&k);
			pairs++;
		}
	assert_int_equal(pairs, 50);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_plain_case_merges),
		CASE(rule_1_waits_for_a_messaging_user),
		CASE(rule_2_needs_an_active_user),
		CASE(rule_2_needs_this_conversations_identity),
		CASE(rule_3_refuses_all_but_end_users),
		CASE(rule_4_refuses_suspended_people),
		CASE(rule_5_refuses_shared_people),
		CASE(rule_5_refuses_shared_owners),
		CASE(rule_5_and_6_ask_the_displaced_profile),
		CASE(rule_6_refuses_agents),
		CASE(rules_5_and_6_do_not_see_hits_that_own_nothing),
		CASE(rule_7_asks_which_address),
		CASE(rule_7_counts_different_addresses),
		CASE(rule_7_cannot_be_approved),
		CASE(rule_8_waits_for_an_address),
		CASE(rule_8_needs_no_address_with_an_owner),
		CASE(rule_9_leaves_the_linked_alone),
		CASE(rule_9_needs_nobody_else),
		CASE(rule_10_adopts_on_good_evidence_only),
		CASE(rule_10_gives_up_after_two_searches),
		CASE(rule_10_does_not_ask_with_a_displaced_profile),
		CASE(rule_11_remembers_a_rejection),
		cmocka_unit_test(earlier_rules_win),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
