/*
 * The whole space of cases, and what must hold in every one of them.
 *
 * The invariants are written from the policy's promises, not from its rules:
 * they would hold of another implementation, too.
 */
#include "base/str.h"
#include "policy_kit.h"

#define OTHER_ADDRESS "else@harbour.example"

/* What the conversation brings. */
enum brings {
	LOGIN_EMBED,
	LOGIN_SSO,
	LOGIN_PROFILE,
	LOGIN_OTHER_WORD,
	LOGIN_NOTHING,
	GUEST_EMBED,
	GUEST_PROFILE,
	GUEST_NOTHING,
	TWO_ADDRESSES,
	BRINGS_COUNT
};

/* External ids of the person and of the other user. */
enum external { EXT_NONE, EXT_EQUAL, EXT_DIFFER, EXT_PERSON, EXT_OTHER, EXTS };

/* Who else there is. */
enum others {
	NO_OTHER,
	ONE_OWNER,
	TWO_OWNERS,
	FUZZY_HIT,
	DISPLACED_SAFE,
	DISPLACED_VAGUE,
	OWN_ADDRESS,
	OTHERS_COUNT
};

/* What is special about one of the two. */
enum special {
	NOTHING_SPECIAL,
	PERSON_MISSING,
	PERSON_GONE,
	PERSON_AGENT,
	PERSON_SUSPENDED,
	PERSON_SHARED,
	PERSON_ESTABLISHED,
	OTHER_AGENT,
	OTHER_SHARED,
	OTHER_SUSPENDED,
	OTHER_BRAND,
	OTHER_ORGANIZATION,
	OTHER_PHONE,
	REJECTED,
	BREAKER,
	SPECIALS
};

enum { METHODS = VERIFICATION_OTHER + 1 };

struct point {
	enum brings brings;
	enum external external;
	enum others others;
	enum special special;
	enum verification method;
	bool verified;
};

static size_t decided;

static bool is_login(const struct point *p)
{
	return p->brings <= LOGIN_NOTHING || p->brings == TWO_ADDRESSES;
}

static void set_conversation(struct kit *k, const struct point *p)
{
	static const enum evidence evidence[BRINGS_COUNT] = {
		[LOGIN_EMBED] = EVIDENCE_VERIFIED,
		[LOGIN_SSO] = EVIDENCE_VERIFIED,
		[LOGIN_PROFILE] = EVIDENCE_AUTHENTICATED,
		[LOGIN_OTHER_WORD] = EVIDENCE_VERIFIED,
		[GUEST_EMBED] = EVIDENCE_VERIFIED,
		[GUEST_PROFILE] = EVIDENCE_CLAIMED,
		[TWO_ADDRESSES] = EVIDENCE_VERIFIED,
	};
	struct sunco_user *u = &k->f.sunco;

	kit_evidence(k, evidence[p->brings]);
	u->authenticated = is_login(p);
	if (p->brings == LOGIN_SSO)
		kit_text(&u->identities[0].verification, "sso");
	if (p->brings == LOGIN_OTHER_WORD)
		kit_text(&u->identities[0].verification, "sms");
	if (p->brings == TWO_ADDRESSES)
		sunco_user_add_identity(u, "email", OTHER_ADDRESS, "embed");
}

/* The other user, or NULL. */
static struct zd_user *set_others(struct kit *k, const struct point *p)
{
	if (p->others == ONE_OWNER || p->others == TWO_OWNERS ||
	    p->others == FUZZY_HIT)
		kit_method(k, p->method, p->verified);
	if (p->others == TWO_OWNERS)
		kit_add_owner(k, KIT_SECOND);
	if (p->others == FUZZY_HIT)
		kit_text(&kit_owner(k)->identities[0].value, OTHER_ADDRESS);
	if (p->others == NO_OTHER || p->others == OWN_ADDRESS)
		kit_drop_owners(k);
	if (p->others == OWN_ADDRESS)
		zd_user_add_identity(&k->f.messaging_user, "email",
				     KIT_ADDRESS);
	if (p->others == DISPLACED_SAFE || p->others == DISPLACED_VAGUE)
		kit_displace(k)->coincides = p->others == DISPLACED_SAFE;
	if (k->f.profile_count > 0)
		return kit_owner(k);
	return k->f.has_displaced ? &k->f.displaced : NULL;
}

static void set_external_ids(struct kit *k, const struct point *p,
			     struct zd_user *other)
{
	char **person = is_login(p) ? &k->f.sunco.external_id
				    : &k->f.messaging_user.external_id;

	if (p->external != EXT_NONE && p->external != EXT_OTHER)
		kit_text(person, "cust-7");
	if (other && p->external != EXT_NONE && p->external != EXT_PERSON)
		kit_text(&other->external_id,
			 p->external == EXT_EQUAL ? "CUST-7" : "cust-8");
}

static void set_special_person(struct kit *k, enum special special)
{
	struct zd_user *u = &k->f.messaging_user;

	k->f.has_messaging_user = special != PERSON_MISSING;
	u->active = special != PERSON_GONE;
	u->suspended = special == PERSON_SUSPENDED;
	u->shared = special == PERSON_SHARED;
	if (special == PERSON_AGENT)
		u->role = ZD_ROLE_AGENT;
	if (special == PERSON_ESTABLISHED)
		zd_user_add_identity(u, "phone_number", "+1555");
	k->f.history.rejected = special == REJECTED;
	if (special == BREAKER)
		k->f.history.merges_this_hour = 200;
}

static void set_special_other(struct kit *k, enum special special,
			      struct zd_user *u)
{
	if (!u)
		return;
	if (special == OTHER_AGENT)
		u->role = ZD_ROLE_ADMIN;
	u->shared = special == OTHER_SHARED;
	u->suspended = special == OTHER_SUSPENDED;
	if (special == OTHER_BRAND)
		u->brand_id = 5;
	if (special == OTHER_ORGANIZATION) {
		u->organization_id = 41;
		k->f.messaging_user.organization_id = 42;
	}
	if (special == OTHER_PHONE)
		zd_user_add_identity(u, "phone_number", "+1666");
}

static void build(struct kit *k, const struct point *p)
{
	struct zd_user *other;

	kit_init(k);
	set_conversation(k, p);
	other = set_others(k, p);
	set_external_ids(k, p, other);
	set_special_person(k, p->special);
	set_special_other(k, p->special, other);
}

static bool is_link(enum action a)
{
	return a == ACTION_MERGE || a == ACTION_ADOPT;
}

static bool same_decision(const struct decision *a, const struct decision *b)
{
	return a->action == b->action && a->reason == b->reason &&
	       a->reasons == b->reasons && a->rule == b->rule &&
	       a->profile_id == b->profile_id && a->applied == b->applied &&
	       a->complete_name == b->complete_name &&
	       a->intended == b->intended && a->step_count == b->step_count &&
	       memcmp(a->steps, b->steps, a->step_count * sizeof(*a->steps)) ==
		       0;
}

/* Which rule may give which reason; 0 for stage 5. */
static void check_reason(const struct decision *d)
{
	static const struct {
		enum reason reason;
		int rule, other_rule;
	} rows[] = {
		{REASON_NO_MESSAGING_USER, 1, 1},
		{REASON_MESSAGING_USER_GONE, 2, 2},
		{REASON_MESSAGING_USER_NOT_END_USER, 3, 3},
		{REASON_MESSAGING_USER_SUSPENDED, 4, 4},
		{REASON_SHARED_USER, 5, 5},
		{REASON_PROFILE_IS_AGENT, 6, 6},
		{REASON_AMBIGUOUS_ADDRESS, 7, 7},
		{REASON_NO_EMAIL, 8, 8},
		{REASON_ALREADY_LINKED, 9, 9},
		{REASON_EMAIL_NOT_VERIFIED, 10, 22},
		{REASON_REJECTED_BEFORE, 11, 11},
		{REASON_AMBIGUOUS_PROFILE, 12, 12},
		{REASON_MESSAGING_USER_ESTABLISHED, 13, 13},
		{REASON_EMAIL_DENIED, 14, 14},
		{REASON_PROFILE_SUSPENDED, 15, 15},
		{REASON_BRAND_MISMATCH, 16, 16},
		{REASON_ORGANIZATION_MISMATCH, 17, 17},
		{REASON_EXTERNAL_ID_CONFLICT, 18, 18},
		{REASON_DISPLACED_PROFILE, 19, 0},
		{REASON_VERIFIED_PROFILE_PROTECTED, 20, 20},
		{REASON_UNAUTHENTICATED_EMAIL, 21, 21},
		{REASON_PROFILE_UNVERIFIED, 23, 23},
		{REASON_MERGE_SURGE, 24, 24},
		{REASON_MERGE_FAN_IN, 24, 24},
		{REASON_EXTERNAL_ID_MATCH, 0, 0},
		{REASON_EMAIL_MATCH_VERIFIED, 0, 0},
		{REASON_EMAIL_MATCH_AUTHENTICATED, 0, 0},
		{REASON_EMAIL_MATCH_CLAIMED, 0, 0},
		{REASON_NO_PROFILE, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].reason != d->reason)
			continue;
		assert_true(d->rule == rows[i].rule ||
			    d->rule == rows[i].other_rule);
		assert_true(d->reasons & REASON_BIT(d->reason));
		return;
	}
	fail_msg("a reason that no rule has: %s", reason_code(d->reason));
}

/* Promises about the shape of a decision. */
static void check_shape(const struct kit *k, const struct decision *d)
{
	bool waived = k->f.history.waived != 0;

	check_reason(d);
	assert_true(!d->applied || is_link(d->action));
	if (d->applied)
		assert_true(k->r.apply == APPLY_AUTO ||
			    (k->r.apply == APPLY_REVIEW && waived));
	if (k->r.apply == APPLY_AUTO && is_link(d->action))
		assert_true(d->applied);
	assert_true(!is_link(d->action) || d->intended == d->action);
	assert_true((d->step_count > 0) == (d->intended != ACTION_NONE));
	if (d->intended == ACTION_MERGE) {
		assert_int_not_equal(d->profile_id, 0);
		assert_int_not_equal(d->profile_id, KIT_PERSON);
		assert_int_equal(d->steps[0], STEP_MERGE);
	}
	if (d->intended == ACTION_ADOPT) {
		assert_int_equal(d->profile_id, 0);
		assert_true(d->address[0]);
		assert_true(d->evidence >= EVIDENCE_AUTHENTICATED);
		assert_int_equal(d->steps[0], STEP_ADOPT);
	}
}

static bool is_marked(const struct point *p)
{
	return p->verified || (p->method != VERIFICATION_NONE &&
			       p->method != VERIFICATION_UNKNOWN);
}

/* Promises about what is never done, approved or not. */
static void check_never(const struct point *p, const struct decision *d)
{
	bool other = p->others != NO_OTHER && p->others != OWN_ADDRESS &&
		     p->others != FUZZY_HIT;

	if (p->special >= PERSON_MISSING && p->special <= PERSON_SHARED)
		assert_int_equal(d->intended, ACTION_NONE);
	if (p->special == PERSON_AGENT || p->special == PERSON_SUSPENDED ||
	    p->special == PERSON_SHARED)
		assert_int_equal(d->action, ACTION_REFUSE);
	if ((p->special == OTHER_AGENT || p->special == OTHER_SHARED) && other)
		assert_int_not_equal(d->intended, ACTION_MERGE);
	if (p->special == REJECTED || p->brings == TWO_ADDRESSES)
		assert_int_equal(d->intended, ACTION_NONE);
	if (p->others == FUZZY_HIT && p->external != EXT_EQUAL)
		assert_int_not_equal(d->intended, ACTION_MERGE);
}

/* Promises about what is not done without a person. */
static void check_merge_alone(const struct point *p, const struct kit *k,
			      const struct decision *d)
{
	bool proven =
		p->method >= VERIFICATION_SSO && p->method <= VERIFICATION_FULL;

	assert_true(p->special == NOTHING_SPECIAL || p->special == OTHER_PHONE);
	assert_true(p->external != EXT_DIFFER);
	assert_true(p->others != DISPLACED_VAGUE);
	/* without an address only the external id's user is an owner */
	assert_true(p->others != TWO_OWNERS || d->evidence == EVIDENCE_NONE);
	if (!is_login(p) && is_marked(p))
		assert_int_equal(k->r.email_identities, EMAILS_CLAIM_VERIFIED);
	if (p->others == DISPLACED_SAFE)
		assert_true(k->r.recover_displaced &&
			    d->evidence == EVIDENCE_VERIFIED &&
			    p->special != OTHER_PHONE);
	else if (p->special == OTHER_PHONE && !d->external_ids_equal)
		assert_true(proven ||
			    (p->method == VERIFICATION_UNKNOWN && p->verified));
}

static void check_alone(const struct point *p, const struct kit *k,
			const struct decision *d)
{
	if (!is_link(d->action))
		return;
	assert_true(p->special != BREAKER && p->special != PERSON_ESTABLISHED);
	assert_true(d->external_ids_equal || d->evidence >= k->r.link_evidence);
	if (d->evidence == EVIDENCE_CLAIMED)
		assert_true(k->r.link_evidence == EVIDENCE_CLAIMED &&
			    k->r.email_identities != EMAILS_VERIFIED_ONLY);
	if (d->action == ACTION_MERGE)
		check_merge_alone(p, k, d);
}

/* An approval changes nothing of stages 1 to 3, and adds no reason. */
static void check_waived(const struct decision *plain,
			 const struct decision *waived, reason_set waiver)
{
	assert_int_equal(plain->intended, waived->intended);
	if (plain->rule >= 1 && plain->rule <= 11) {
		assert_true(same_decision(plain, waived));
		return;
	}
	assert_true(waived->rule == 0 || waived->rule >= 12);
	if (waived->rule != 0)
		assert_int_equal(waived->reasons, plain->reasons & ~waiver);
}

static void check_rules(struct kit *k, const struct point *p)
{
	static const reason_set waivers[] = {
		~(reason_set)0,
		REASON_BIT(REASON_EMAIL_MATCH_VERIFIED) |
			REASON_BIT(REASON_NO_PROFILE) |
			REASON_BIT(REASON_EMAIL_NOT_VERIFIED),
	};
	struct decision plain, again, waived;

	k->f.history.waived = 0;
	policy_decide(&k->f, &k->r, &plain);
	policy_decide(&k->f, &k->r, &again);
	assert_true(same_decision(&plain, &again));
	check_shape(k, &plain);
	check_never(p, &plain);
	check_alone(p, k, &plain);
	for (size_t i = 0; i < ARRAY_LEN(waivers); i++) {
		k->f.history.waived = waivers[i];
		policy_decide(&k->f, &k->r, &waived);
		check_shape(k, &waived);
		check_never(p, &waived);
		check_waived(&plain, &waived, waivers[i]);
	}
	decided += 2 + ARRAY_LEN(waivers);
}

static void check_point(const struct point *p)
{
	struct kit k;

	build(&k, p);
	for (int s = 0; s <= EMAILS_CLAIM_VERIFIED; s++)
		for (int l = EVIDENCE_CLAIMED; l <= EVIDENCE_VERIFIED; l++)
			for (int a = 0; a <= APPLY_AUTO; a++) {
				k.r.email_identities = (enum email_identities)s;
				k.r.link_evidence = (enum evidence)l;
				k.r.apply = (enum apply)a;
				check_rules(&k, p);
			}
	kit_release(&k);
}

/* The address of the other user matters only where there is one. */
static void sweep_methods(struct point p)
{
	bool other = p.others == ONE_OWNER || p.others == TWO_OWNERS;

	for (int m = 0; m < (other ? METHODS : 1); m++)
		for (int v = 0; v < (other ? 2 : 1); v++) {
			p.method = (enum verification)m;
			p.verified = v;
			check_point(&p);
		}
}

static void every_case_keeps_the_promises(void **state)
{
	const unsigned n = BRINGS_COUNT * EXTS * OTHERS_COUNT * SPECIALS;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		unsigned rest = i;
		struct point p = {.method = VERIFICATION_NONE};

		p.brings = (enum brings)(rest % BRINGS_COUNT);
		rest /= BRINGS_COUNT;
		p.external = (enum external)(rest % EXTS);
		rest /= EXTS;
		p.others = (enum others)(rest % OTHERS_COUNT);
		rest /= OTHERS_COUNT;
		p.special = (enum special)rest;
		sweep_methods(p);
	}
	print_message("%zu decisions\n", decided);
	assert_true(decided > 1000 * 1000);
}

/* The more evidence is asked for, the less is done alone. */
static void stricter_rules_never_do_more(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BRINGS_COUNT * OTHERS_COUNT; i++) {
		struct point p = {
			.brings = (enum brings)(i % BRINGS_COUNT),
			.others = (enum others)(i / BRINGS_COUNT),
			.verified = true,
			.method = VERIFICATION_FULL,
		};
		struct kit k;
		bool before = true;

		build(&k, &p);
		k.r.email_identities = EMAILS_CLAIM_VERIFIED;
		for (int l = EVIDENCE_CLAIMED; l <= EVIDENCE_VERIFIED; l++) {
			k.r.link_evidence = (enum evidence)l;
			kit_decide(&k);
			assert_true(before || !is_link(k.d.action));
			before = is_link(k.d.action);
		}
		kit_release(&k);
	}
}

/* Search results come in any order. */
static void the_order_of_hits_does_not_matter(void **state)
{
	struct decision first;
	struct zd_user last;
	struct kit k;

	(void)state;
	for (int m = 0; m < METHODS; m++) {
		kit_init(&k);
		kit_method(&k, (enum verification)m, true);
		kit_add_owner(&k, KIT_SECOND);
		kit_add_owner(&k, 17)->role = ZD_ROLE_END_USER;
		kit_decide(&k);
		first = k.d;
		last = k.f.profiles[2];
		k.f.profiles[2] = k.f.profiles[0];
		k.f.profiles[0] = last;
		kit_decide(&k);
		assert_true(same_decision(&first, &k.d));
		kit_release(&k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_keeps_the_promises),
		cmocka_unit_test(stricter_rules_never_do_more),
		cmocka_unit_test(the_order_of_hits_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
