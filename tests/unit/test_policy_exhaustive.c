/*
 * The policy against its oracle (policy_oracle.h), over every combination of
 * what the rules speak of.
 *
 * The full product of all factors is out of reach, so it is cut where factors
 * cannot meet, never sampled:
 *  - whom to trust (rules 7 to 10, 13, 18 to 23) reads the conversation, both
 *    external ids, the owner's address and what else the two users have, and
 *    all settings: these are crossed completely, with an owner, with a
 *    displaced profile and with nobody;
 *  - roles, suspensions, sharing, brands, organizations, denied addresses,
 *    rejections and the breaker are read by one rule each: all subsets of them
 *    are crossed with each kind of evidence, and each alone with all settings;
 *  - rules about two users are asked of every owner alike: two owners of every
 *    class show that, a third adds nothing;
 *  - an approval only takes reasons away: every reason alone, all but each,
 *    all and none, over all subsets of the reasons of stage 4;
 *  - what a decision takes (steps, name) is crossed with what it reads.
 * The number of combinations is printed; every rule must have been met under
 * every setting under which it can be, and under no other.
 */
#include "base/str.h"
#include "policy_factors.h"
#include "policy_oracle.h"

#define SETTINGS 27

#define ALL_SETTINGS                                                           \
	{3, set_emails}, {3, set_link},                                        \
	{                                                                      \
		3, set_apply                                                   \
	}

/* One factor of a product. */
struct factor {
	int values;
	void (*set)(struct kit *k, int value);
};

static size_t combinations;
static bool met[25][SETTINGS];
static bool said[REASON_COUNT];

static int rule_of(enum reason r, const struct decision *d)
{
	static const int rules[REASON_COUNT] = {
		[REASON_AMBIGUOUS_PROFILE] = 12,
		[REASON_MESSAGING_USER_ESTABLISHED] = 13,
		[REASON_EMAIL_DENIED] = 14,
		[REASON_PROFILE_SUSPENDED] = 15,
		[REASON_BRAND_MISMATCH] = 16,
		[REASON_ORGANIZATION_MISMATCH] = 17,
		[REASON_EXTERNAL_ID_CONFLICT] = 18,
		[REASON_DISPLACED_PROFILE] = 19,
		[REASON_VERIFIED_PROFILE_PROTECTED] = 20,
		[REASON_UNAUTHENTICATED_EMAIL] = 21,
		[REASON_EMAIL_NOT_VERIFIED] = 22,
		[REASON_PROFILE_UNVERIFIED] = 23,
		[REASON_MERGE_SURGE] = 24,
		[REASON_MERGE_FAN_IN] = 24,
	};

	return d->rule >= 12 ? rules[r] : d->rule;
}

static void note(const struct kit *k)
{
	int setting = (int)k->r.email_identities * 9 +
		      ((int)k->r.link_evidence - EVIDENCE_CLAIMED) * 3 +
		      (int)k->r.apply;

	for (int r = 0; r < REASON_COUNT; r++)
		if (k->d.reasons & REASON_BIT(r)) {
			said[r] = true;
			met[rule_of((enum reason)r, &k->d)][setting] = true;
		}
}

static void compare(struct kit *k, const int *at, size_t count)
{
	struct decision expected;
	char text[80];

	policy_decide(&k->f, &k->r, &k->d);
	oracle_decide(&k->f, &k->r, &expected);
	combinations++;
	note(k);
	if (oracle_agrees(&k->d, &expected, text, sizeof(text)))
		return;
	for (size_t i = 0; i < count; i++)
		print_error("factor %zu: %d\n", i, at[i]);
	fail_msg("not as the oracle says: %s", text);
}

/* Every combination of the factors; the last one turns fastest. */
static void cross(struct kit *k, const struct factor *factors, size_t count)
{
	int at[24] = {0};
	size_t turned;

	assert_true(count <= ARRAY_LEN(at));
	for (size_t i = 0; i < count; i++)
		factors[i].set(k, 0);
	do {
		compare(k, at, count);
		for (turned = count; turned > 0; turned--) {
			const struct factor *f = &factors[turned - 1];

			at[turned - 1] = (at[turned - 1] + 1) % f->values;
			f->set(k, at[turned - 1]);
			if (at[turned - 1] != 0)
				break;
		}
	} while (turned > 0);
	kit_release(k);
}

#define CROSS(k, f) cross((k), (f), ARRAY_LEN(f))

static void with_an_owner(void **state)
{
	static const struct factor factors[] = {
		{3, set_person_external},	{5, set_person_more},
		{ADDRESSES, set_other_address}, {MORE, set_other_more},
		{3, set_other_external},	{BRINGS, set_brings},
		{2, set_sunco_external},	ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	kit_init(&k);
	CROSS(&k, factors);
}

static void kit_init_displaced(struct kit *k)
{
	kit_init(k);
	zd_user_add_identity(kit_displace(k), "email", FACTOR_OTHER_ADDRESS);
}

static void with_a_displaced_profile(void **state)
{
	static const struct factor factors[] = {
		{3, set_person_external}, {4, set_person_more},
		{MORE, set_other_more},	  {3, set_other_external},
		{BRINGS, set_brings},	  {2, set_sunco_external},
		{2, set_proven_before},	  {2, set_coincides},
		{2, set_recover},	  ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	kit_init_displaced(&k);
	kit_text(&k.f.displaced.identities[0].value, KIT_ADDRESS);
	CROSS(&k, factors);
}

static void with_nobody(void **state)
{
	static const struct factor factors[] = {
		{3, set_person_external},
		{5, set_person_more},
		{BRINGS, set_brings},
		{2, set_sunco_external},
		{2, set_searched},
		{2, set_rejected},
		{2, set_denied},
		{2, set_surge},
		ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	kit_init(&k);
	kit_drop_owners(&k);
	CROSS(&k, factors);
}

#define EVERYTHING_ELSE                                                        \
	{4, set_brings}, {4, set_person_state}, {2, set_person_role},          \
		{2, set_person_suspended}, {2, set_person_shared},             \
		{2, set_person_survived}, {2, set_other_role},                 \
		{2, set_other_active}, {2, set_other_suspended},               \
		{2, set_other_shared}, {2, set_other_brand},                   \
		{3, set_other_organization}, {2, set_denied},                  \
		{2, set_rejected}, {2, set_surge}, {2, set_fan_in},            \
	{                                                                      \
		2, set_backfill                                                \
	}

static void with_everything_else(void **state)
{
	static const struct factor owner[] = {{2, set_other_proof},
					      EVERYTHING_ELSE};
	static const struct factor displaced[] = {EVERYTHING_ELSE};
	struct kit k;

	(void)state;
	kit_init(&k);
	CROSS(&k, owner);
	kit_init_displaced(&k);
	CROSS(&k, displaced);
}

static void with_one_thing_at_a_time(void **state)
{
	static const struct factor factors[] = {
		{SPECIALS, set_special}, {ADDRESSES, set_other_address},
		{2, set_other_external}, {BRINGS, set_brings},
		{4, set_person_state},	 ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	kit_init(&k);
	CROSS(&k, factors);
}

static void with_two_owners(void **state)
{
	static const struct factor factors[] = {
		{CLASSES, set_first_class},
		{CLASSES, set_second_class},
		{2, set_sunco_external},
		{4, set_brings},
		ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	for (int higher = 0; higher < 2; higher++) {
		kit_init(&k);
		kit_add_owner(&k, higher ? KIT_SECOND : KIT_OWNER - 1);
		CROSS(&k, factors);
	}
}

static void with_approvals(void **state)
{
	static const struct factor factors[] = {
		{2, set_other_proof},
		{3, set_other_external},
		{2, set_person_survived},
		{2, set_denied},
		{2, set_other_suspended},
		{2, set_other_brand},
		{2, set_surge},
		{2, set_fan_in},
		{4, set_brings},
		{WAIVERS, set_waived},
		ALL_SETTINGS,
	};
	struct kit k;

	(void)state;
	kit_init(&k);
	set_sunco_external(&k, 1);
	CROSS(&k, factors);
}

#define WHAT_IT_TAKES                                                          \
	{2, set_sunco_external}, {BRINGS, set_brings}, {4, set_sunco_name},    \
		{4, set_person_name}, {2, set_verify}, {2, set_complete},      \
		{2, set_pin_named}, {2, set_link},                             \
	{                                                                      \
		3, set_apply                                                   \
	}

static void with_what_it_takes(void **state)
{
	static const struct factor merge[] = {{ADDRESSES, set_other_address},
					      {2, set_other_external},
					      WHAT_IT_TAKES};
	static const struct factor adopt[] = {
		{2, set_person_more}, {3, set_emails}, WHAT_IT_TAKES};
	struct kit k;

	(void)state;
	kit_init(&k);
	k.r.email_identities = EMAILS_CLAIM_VERIFIED;
	CROSS(&k, merge);
	kit_init(&k);
	kit_drop_owners(&k);
	CROSS(&k, adopt);
}

/* ---- what was met ---- */

/* Rules 20 to 22 speak of settings; no other rule can be switched off. */
static bool can_be(int rule, int setting)
{
	enum email_identities emails = (enum email_identities)(setting / 9);
	enum evidence link =
		(enum evidence)(EVIDENCE_CLAIMED + setting / 3 % 3);

	if (rule == 20)
		return emails != EMAILS_CLAIM_VERIFIED;
	if (rule == 21)
		return emails == EMAILS_VERIFIED_ONLY ||
		       link != EVIDENCE_CLAIMED;
	if (rule == 22)
		return link == EVIDENCE_VERIFIED;
	return true;
}

static void every_rule_was_met_under_every_setting(void **state)
{
	int gaps = 0;

	(void)state;
	for (int rule = 0; rule <= 24; rule++)
		for (int s = 0; s < SETTINGS; s++)
			if (met[rule][s] != can_be(rule, s)) {
				print_error("rule %d, setting %d\n", rule, s);
				gaps++;
			}
	for (int r = REASON_NONE + 1; r <= REASON_NO_PROFILE; r++)
		if (!said[r]) {
			print_error("never: %s\n", reason_code((enum reason)r));
			gaps++;
		}
	assert_int_equal(gaps, 0);
	print_message("%zu combinations, each as the oracle says\n",
		      combinations);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_an_owner),
		cmocka_unit_test(with_a_displaced_profile),
		cmocka_unit_test(with_nobody),
		cmocka_unit_test(with_everything_else),
		cmocka_unit_test(with_one_thing_at_a_time),
		cmocka_unit_test(with_two_owners),
		cmocka_unit_test(with_approvals),
		cmocka_unit_test(with_what_it_takes),
		cmocka_unit_test(every_rule_was_met_under_every_setting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
