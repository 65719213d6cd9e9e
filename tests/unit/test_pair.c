/*
 * The print of a pair: everything that matters changes it, nothing else does.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "core/pair.h"

/* Two users whom an address joins. */
struct pair_case {
	struct facts f;
	struct decision d;
};

static void set(char **field, const char *value)
{
	free(*field);
	*field = xstrdup(value);
}

static void make_user(struct zd_user *u, uint64_t id, const char *name)
{
	zd_user_init(u);
	u->id = id;
	set(&u->name, name);
	set(&u->external_id, "Cust-1");
	u->organization_id = 5;
	u->brand_id = 7;
}

static void make(struct pair_case *c)
{
	struct zd_user profile;
	struct zd_identity *i;

	memset(c, 0, sizeof(*c));
	facts_init(&c->f);
	str_copy(c->f.sunco.id, sizeof(c->f.sunco.id), "5aa1");
	c->f.sunco.authenticated = true;
	set(&c->f.sunco.external_id, "Cust-1");
	sunco_user_add_identity(&c->f.sunco, "email", "pat@x.example", "embed");
	make_user(&c->f.messaging_user, 11, "Web User 1");
	c->f.has_messaging_user = true;
	zd_user_add_identity(&c->f.messaging_user, "messaging", "5aa1");
	make_user(&profile, 22, "Pat");
	i = zd_user_add_identity(&profile, "email", "pat@x.example");
	i->verified = true;
	i->method = VERIFICATION_FULL;
	zd_user_add_identity(&profile, "phone_number", "+15550100");
	facts_add_profile(&c->f, &profile);
	zd_user_release(&profile);
	c->d.evidence = EVIDENCE_VERIFIED;
	c->d.profile_id = 22;
	c->d.intended = ACTION_MERGE;
	str_copy(c->d.address, sizeof(c->d.address), "pat@x.example");
}

static void print_of(const struct pair_case *c, struct pair_print *out)
{
	pair_print_of(&c->f, &c->d, out);
	assert_true(out->known);
}

static struct zd_user *person(struct pair_case *c)
{
	return &c->f.messaging_user;
}

static struct zd_user *profile(struct pair_case *c)
{
	return &c->f.profiles[0];
}

/* --- what matters --- */

static void evidence(struct pair_case *c)
{
	c->d.evidence = EVIDENCE_CLAIMED;
}

static void address(struct pair_case *c)
{
	str_copy(c->d.address, sizeof(c->d.address), "pat@y.example");
}

static void sunco_id(struct pair_case *c)
{
	str_copy(c->f.sunco.id, sizeof(c->f.sunco.id), "5aa2");
}

static void authenticated(struct pair_case *c)
{
	c->f.sunco.authenticated = false;
}

static void sunco_external_id(struct pair_case *c)
{
	set(&c->f.sunco.external_id, "cust-2");
}

static void sunco_no_external_id(struct pair_case *c)
{
	set(&c->f.sunco.external_id, NULL);
}

static void sunco_brand(struct pair_case *c)
{
	c->f.sunco.brand_id = 9;
}

static void another_owner(struct pair_case *c)
{
	struct zd_user u;

	make_user(&u, 33, "Other");
	zd_user_add_identity(&u, "email", "pat@x.example");
	facts_add_profile(&c->f, &u);
	zd_user_release(&u);
}

#define OF_BOTH(field, change)                                                 \
	static void person_##field(struct pair_case *c)                        \
	{                                                                      \
		struct zd_user *u = person(c);                                 \
		change;                                                        \
	}                                                                      \
	static void profile_##field(struct pair_case *c)                       \
	{                                                                      \
		struct zd_user *u = profile(c);                                \
		change;                                                        \
	}

OF_BOTH(role, u->role = ZD_ROLE_AGENT)
OF_BOTH(active, u->active = false)
OF_BOTH(suspended, u->suspended = true)
OF_BOTH(shared, u->shared = true)
OF_BOTH(external_id, set(&u->external_id, "cust-2"))
OF_BOTH(no_external_id, set(&u->external_id, NULL))
OF_BOTH(organization, u->organization_id = 6)
OF_BOTH(brand, u->brand_id = 8)
OF_BOTH(more, zd_user_add_identity(u, "twitter", "pat"))
OF_BOTH(type, set(&u->identities[0].type, "google"))
OF_BOTH(value, set(&u->identities[0].value, "other@x.example"))
OF_BOTH(verified, u->identities[0].verified = !u->identities[0].verified)
OF_BOTH(method, u->identities[0].method = VERIFICATION_LOW)
OF_BOTH(unknown, u->identities_known = false)

static void person_id(struct pair_case *c)
{
	person(c)->id = 12;
}

static void profile_id(struct pair_case *c)
{
	profile(c)->id = c->d.profile_id = 23;
}

#define PART(p) (1u << (p))
static const struct {
	void (*change)(struct pair_case *c);
	pair_parts parts;
} matters[] = {
	{evidence, PART(PAIR_EVIDENCE)},
	{address, PART(PAIR_ADDRESS)},
	{sunco_id, PART(PAIR_LOGIN)},
	{authenticated, PART(PAIR_LOGIN)},
	{sunco_external_id, PART(PAIR_LOGIN)},
	{sunco_no_external_id, PART(PAIR_LOGIN)},
	{sunco_brand, PART(PAIR_LOGIN)},
	{another_owner, PART(PAIR_OWNERS)},
	{person_id, PART(PAIR_USER)},
	{person_role, PART(PAIR_USER_STANDING)},
	{person_active, PART(PAIR_USER_STANDING)},
	{person_suspended, PART(PAIR_USER_STANDING)},
	{person_shared, PART(PAIR_USER_STANDING)},
	{person_external_id, PART(PAIR_USER_EXTERNAL_ID)},
	{person_no_external_id, PART(PAIR_USER_EXTERNAL_ID)},
	{person_organization, PART(PAIR_USER_ORGANIZATION)},
	{person_brand, PART(PAIR_USER_BRAND)},
	{person_more, PART(PAIR_USER_IDENTITIES)},
	{person_type, PART(PAIR_USER_IDENTITIES)},
	{person_value, PART(PAIR_USER_IDENTITIES)},
	{person_verified, PART(PAIR_USER_IDENTITIES)},
	{person_method, PART(PAIR_USER_IDENTITIES)},
	{person_unknown, PART(PAIR_USER_IDENTITIES)},
	{profile_id, PART(PAIR_OWNERS) | PART(PAIR_PROFILE)},
	{profile_role, PART(PAIR_PROFILE_STANDING)},
	{profile_suspended, PART(PAIR_PROFILE_STANDING)},
	{profile_shared, PART(PAIR_PROFILE_STANDING)},
	{profile_external_id, PART(PAIR_PROFILE_EXTERNAL_ID)},
	{profile_no_external_id, PART(PAIR_PROFILE_EXTERNAL_ID)},
	{profile_organization, PART(PAIR_PROFILE_ORGANIZATION)},
	{profile_brand, PART(PAIR_PROFILE_BRAND)},
	{profile_more, PART(PAIR_PROFILE_IDENTITIES)},
	{profile_verified, PART(PAIR_PROFILE_IDENTITIES)},
	{profile_method, PART(PAIR_PROFILE_IDENTITIES)},
	{profile_unknown, PART(PAIR_PROFILE_IDENTITIES)},
	/* nobody owns the address, or the profile, any more */
	{profile_active, PART(PAIR_OWNERS) | PART(PAIR_PROFILE_STANDING)},
	{profile_type, PART(PAIR_PROFILE_IDENTITIES)},
	{profile_value, PART(PAIR_PROFILE_IDENTITIES)},
};

static void what_matters_changes_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(matters); i++) {
		struct pair_print before, after;
		struct pair_case c;

		make(&c);
		/* owners by external id, whatever their identities */
		print_of(&c, &before);
		matters[i].change(&c);
		print_of(&c, &after);
		assert_false(pair_print_equal(&before, &after));
		if (pair_print_diff(&before, &after) != matters[i].parts)
			fail_msg("row %zu: %x instead of %x", i,
				 pair_print_diff(&before, &after),
				 matters[i].parts);
		facts_release(&c.f);
	}
}

/* --- what does not --- */

static void names(struct pair_case *c)
{
	set(&person(c)->name, "Pat");
	set(&profile(c)->name, "Patricia");
	set(&c->f.sunco.given_name, "Pat");
}

static void tags_and_times(struct pair_case *c)
{
	set(&profile(c)->raw, "{\"tags\":[\"vip\"],\"updated_at\":\"now\"}");
}

static void zendesk_id(struct pair_case *c)
{
	c->f.sunco.zendesk_id = 11;
}

static void case_of_letters(struct pair_case *c)
{
	set(&profile(c)->identities[0].value, "Pat@X.example");
	set(&profile(c)->external_id, "CUST-1");
	set(&person(c)->external_id, "cust-1");
	set(&c->f.sunco.external_id, "cUst-1");
}

static void order_of_identities(struct pair_case *c)
{
	struct zd_identity *ids = profile(c)->identities;
	struct zd_identity first = ids[0];

	ids[0] = ids[1];
	ids[1] = first;
}

static void ids_of_identities(struct pair_case *c)
{
	profile(c)->identities[0].id = 99;
	profile(c)->identities[0].primary = true;
}

static void who_is_no_owner(struct pair_case *c)
{
	struct zd_user u;

	make_user(&u, 33, "Alike");
	set(&u.external_id, NULL);
	zd_user_add_identity(&u, "email", "the.pat@x.example");
	facts_add_profile(&c->f, &u);
	zd_user_release(&u);
}

static void the_breaker(struct pair_case *c)
{
	c->f.history.merges_this_hour = 100;
	c->d.reasons = REASON_BIT(REASON_MERGE_SURGE);
}

static void what_does_not_matter_leaves_it(void **state)
{
	static void (*const others[])(struct pair_case *) = {
		names,		 tags_and_times,      zendesk_id,
		case_of_letters, order_of_identities, ids_of_identities,
		who_is_no_owner, the_breaker,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		struct pair_print before, after;
		struct pair_case c;

		make(&c);
		print_of(&c, &before);
		others[i](&c);
		print_of(&c, &after);
		if (!pair_print_equal(&before, &after))
			fail_msg("row %zu changes it", i);
		assert_int_equal(pair_print_diff(&before, &after), 0);
		facts_release(&c.f);
	}
}

static void owners_in_any_order(void **state)
{
	struct pair_print before, after;
	struct pair_case c;
	struct zd_user first;

	(void)state;
	make(&c);
	another_owner(&c);
	print_of(&c, &before);
	first = c.f.profiles[0];
	c.f.profiles[0] = c.f.profiles[1];
	c.f.profiles[1] = first;
	print_of(&c, &after);
	assert_true(pair_print_equal(&before, &after));
	facts_release(&c.f);
}

/* Two values must not run into one another. */
static void values_are_kept_apart(void **state)
{
	struct pair_print a, b;
	struct pair_case c;

	(void)state;
	make(&c);
	zd_user_add_identity(person(&c), "ab", "c");
	print_of(&c, &a);
	set(&person(&c)->identities[1].type, "a");
	set(&person(&c)->identities[1].value, "bc");
	print_of(&c, &b);
	assert_false(pair_print_equal(&a, &b));
	facts_release(&c.f);
}

static void nobody_is_no_pair(void **state)
{
	struct pair_print a, b;
	struct pair_case c;

	(void)state;
	make(&c);
	c.f.has_messaging_user = false;
	pair_print_of(&c.f, &c.d, &a);
	pair_print_of(&c.f, &c.d, &b);
	assert_false(a.known);
	assert_false(pair_print_equal(&a, &b));
	assert_int_equal(pair_print_diff(&a, &b), 0);
	c.f.has_messaging_user = true;
	facts_release(&c.f);
}

static void it_is_kept_in_json(void **state)
{
	struct pair_print before, after = {.known = true};
	struct pair_case c;
	struct json_t *v;

	(void)state;
	make(&c);
	print_of(&c, &before);
	v = pair_print_encode(&before);
	pair_print_decode(v, &after);
	assert_true(after.parts_known);
	assert_int_equal(pair_print_diff(&before, &after), 0);
	json_set_str(v, "profile", "rubbish");
	pair_print_decode(v, &after);
	assert_false(after.parts_known);
	pair_print_decode(NULL, &after);
	assert_false(after.parts_known);
	json_free(v);
	facts_release(&c.f);
}

static void changes_have_words(void **state)
{
	char *text =
		pair_parts_text(PART(PAIR_EVIDENCE) | PART(PAIR_PROFILE_BRAND));

	(void)state;
	assert_string_equal(text, "the evidence, the brand of the profile");
	free(text);
	text = pair_parts_text(0);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matters_changes_it),
		cmocka_unit_test(what_does_not_matter_leaves_it),
		cmocka_unit_test(owners_in_any_order),
		cmocka_unit_test(values_are_kept_apart),
		cmocka_unit_test(nobody_is_no_pair),
		cmocka_unit_test(it_is_kept_in_json),
		cmocka_unit_test(changes_have_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
