/*
 * What the platforms do by themselves, row by row.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox/actor.h"
#include "sandbox_kit.h"

/* 1: known by both, 2: by its address, 3: by an address nobody proved,
 * 4: by its external id, 5: by its external id, with another address. */
#define PEOPLE                                                                 \
	"{'users':[{'id':1,'name':'One','email':'one@x.example',"              \
	"'external_id':'e1'},"                                                 \
	"{'id':2,'name':'Two','email':'two@x.example'},"                       \
	"{'id':3,'name':'Three','identities':[{'type':'email',"                \
	"'value':'three@x.example','verified':false}]},"                       \
	"{'id':4,'name':'Four','external_id':'e4'},"                           \
	"{'id':5,'name':'Five','email':'five@x.example',"                      \
	"'external_id':'e5'}]}"

struct outcome {
	struct conversation *conversation;
	struct zen_user *user;
	enum actor_login login;
	bool made; /* the user is new */
};

static struct outcome converse(struct kit *k, const struct actor_person *p,
			       enum actor_way way)
{
	struct account *a = &k->account;
	size_t before = kit_user_count(k);
	struct outcome o;
	struct sun_user *u = actor_arrive(a, NULL, p, k->now_ms, &o.login);

	o.conversation = actor_start(a, u, p);
	o.user = actor_hand_off(a, o.conversation, way, NULL, k->now_ms);
	o.made = kit_user_count(k) > before;
	assert_ptr_equal(state_user_by_messaging(a->state, u->id), o.user);
	assert_int_equal(
		state_ticket(a->state, o.conversation->ticket_id)->requester_id,
		o.user->id);
	return o;
}

static struct outcome jwt(struct kit *k, const char *external_id,
			  const char *email, bool verified)
{
	const struct actor_person p = {.signed_in = true,
				       .external_id = external_id,
				       .email = email,
				       .email_verified = verified,
				       .name = "Jo Doe"};

	return converse(k, &p, ACTOR_AUTO);
}

static struct outcome typed(struct kit *k, const char *setting,
			    const char *email)
{
	const struct actor_person p = {.email = email, .name = "Jo Doe"};
	char settings[80];

	snprintf(settings, sizeof(settings), "{'email_identities':'%s'}",
		 setting);
	kit_set(k, settings);
	return converse(k, &p, ACTOR_AUTO);
}

static uint64_t owner(const struct kit *k, const char *email)
{
	const struct zen_user *u =
		state_user_by_address(k->account.state, email, 0);

	return u ? u->id : 0;
}

static const struct zen_identity *address(const struct zen_user *u,
					  const char *email)
{
	const struct zen_identity *i = state_identity_named(u, "email", email);

	assert_non_null(i);
	return i;
}

static void test_both_match(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "E1", "one@x.example", true);
	assert_int_equal(o.user->id, 1);
	assert_int_equal(o.login, ACTOR_SIGNED_IN);
	assert_true(o.conversation->user->authenticated);
	assert_string_equal(o.conversation->user->identities[0].verification,
			    "embed");
}

static void test_an_unproved_address_becomes_verified(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	state_user_set_external_id(k->account.state, kit_user(k, 3), "e3",
				   k->now_ms);
	o = jwt(k, "e3", "three@x.example", true);
	assert_int_equal(o.user->id, 3);
	assert_true(address(o.user, "three@x.example")->verified);
	assert_string_equal(address(o.user, "three@x.example")->method,
			    "embed");
}

static void test_a_user_without_address_gets_it(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e4", "new@x.example", true);
	assert_int_equal(o.user->id, 4);
	assert_true(address(o.user, "new@x.example")->verified);
}

static void test_a_user_without_address_takes_it(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e4", "two@x.example", true);
	assert_int_equal(o.user->id, 4);
	assert_int_equal(owner(k, "two@x.example"), 4);
	assert_int_equal(kit_user(k, 2)->identity_count, 0);
}

static void test_a_user_with_another_address_keeps_it(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e5", "new@x.example", true);
	assert_int_equal(o.user->id, 5);
	assert_int_equal(owner(k, "new@x.example"), 0);
	assert_int_equal(state_identity_count(o.user, "email"), 1);
}

static void test_nobody_matches(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e9", "new@x.example", true);
	assert_true(o.made);
	assert_string_equal(o.user->external_id, "e9");
	assert_string_equal(o.user->name, "Jo Doe");
	assert_true(address(o.user, "new@x.example")->verified);
}

static void test_a_new_user_takes_the_address(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e9", "two@x.example", true);
	assert_true(o.made);
	assert_int_equal(owner(k, "two@x.example"), o.user->id);
	assert_int_equal(kit_user(k, 2)->identity_count, 0);
	assert_int_equal(address(o.user, "two@x.example")->created_ms,
			 k->now_ms);
	assert_int_equal(kit_user(k, 2)->updated_ms, k->now_ms);
}

/* One loses it, the other gains it, and both are told. */
static void test_taking_an_address_is_told(void **state)
{
	struct kit *k = *state;
	struct change *changes;
	uint64_t lost = 0, gained = 0;
	struct outcome o;
	size_t count;

	kit_load(k, PEOPLE);
	o = jwt(k, "e9", "two@x.example", true);
	changes = state_changes_take(k->account.state, &count);
	for (size_t i = 0; i < count; i++) {
		if (!str_eq(changes[i].identity_type, "email"))
			continue;
		if (changes[i].kind == CHANGE_IDENTITY_DELETED)
			lost = changes[i].user_id;
		if (changes[i].kind == CHANGE_IDENTITY_CREATED)
			gained = changes[i].user_id;
	}
	assert_int_equal(lost, 2);
	assert_int_equal(gained, o.user->id);
	state_changes_free(changes, count);
}

static void test_only_an_unproved_one_if_both_are_allowed(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	kit_set(k, "{'email_identities':'verified_and_unverified'}");
	o = jwt(k, "e8", "two@x.example", true);
	assert_true(o.made);
	assert_int_equal(owner(k, "two@x.example"), 2);
	assert_int_equal(state_identity_count(o.user, "email"), 0);
	o = jwt(k, "e9", "three@x.example", true);
	assert_int_equal(owner(k, "three@x.example"), o.user->id);
}

static void test_other_ways_with_the_owner(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	kit_set(k, "{'verified_email_owner':'link'}");
	o = jwt(k, "e8", "two@x.example", true);
	assert_int_equal(o.user->id, 2);
	assert_null(o.user->external_id);
	kit_set(k, "{'verified_email_owner':'duplicate'}");
	o = jwt(k, "e9", "five@x.example", true);
	assert_true(o.made);
	assert_int_equal(owner(k, "five@x.example"), 5);
}

static void test_the_duplicate_all_the_same(void **state)
{
	const struct actor_person p = {.signed_in = true,
				       .external_id = "e1",
				       .email = "one@x.example",
				       .email_verified = true};
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = converse(k, &p, ACTOR_DUPLICATE);
	assert_true(o.made);
	assert_null(o.user->external_id);
	assert_int_equal(owner(k, "one@x.example"), 1);
	assert_true(str_starts(o.user->name, "Web User "));
}

static void test_an_unverified_claim_gives_no_address(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_load(k, PEOPLE);
	o = jwt(k, "e9", "two@x.example", false);
	assert_true(o.made);
	assert_string_equal(o.user->external_id, "e9");
	assert_int_equal(o.user->identity_count, 1);
	assert_int_equal(o.conversation->user->identity_count, 0);
	assert_string_equal(o.conversation->user->email, "two@x.example");
	o = jwt(k, "e4", NULL, false);
	assert_int_equal(o.user->id, 4);
}

static void test_the_name_may_stay_hidden(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	kit_set(k, "{'jwt_name':false}");
	o = jwt(k, "e9", NULL, false);
	assert_true(str_starts(o.user->name, "Web User "));
	assert_string_equal(o.conversation->user->given_name, "Jo");
	assert_string_equal(o.conversation->user->surname, "Doe");
}

/* What a typed address does: 0: a new user without, 1: a new user with it,
 * else the user that it finds. */
static void typed_gives(struct kit *k, const char *setting, const char *email,
			uint64_t want)
{
	struct outcome o;

	state_reset(k->account.state);
	kit_load(k, PEOPLE);
	o = typed(k, setting, email);
	assert_int_equal(o.made, want < 2);
	assert_false(o.conversation->user->authenticated);
	if (want == 0)
		assert_int_equal(state_identity_count(o.user, "email"), 0);
	else if (want == 1)
		assert_false(address(o.user, email)->verified);
	else
		assert_int_equal(o.user->id, want);
}

static void test_typed_addresses(void **state)
{
	struct kit *k = *state;

	typed_gives(k, "verified_only", "two@x.example", 0);
	typed_gives(k, "verified_only", "three@x.example", 0);
	typed_gives(k, "verified_only", "new@x.example", 0);
	typed_gives(k, "verified_and_unverified", "two@x.example", 0);
	typed_gives(k, "verified_and_unverified", "three@x.example", 3);
	typed_gives(k, "verified_and_unverified", "new@x.example", 1);
	typed_gives(k, "claim_verified", "two@x.example", 2);
	typed_gives(k, "claim_verified", "three@x.example", 3);
	typed_gives(k, "claim_verified", "new@x.example", 1);
}

static void test_a_typed_address_may_stay_in_the_transcript(void **state)
{
	struct kit *k = *state;

	assert_string_equal(typed(k, "verified_only", "a@x.example")
				    .conversation->user->email,
			    "a@x.example");
	kit_set(k, "{'typed_email_in_profile':false}");
	assert_null(typed(k, "verified_only", "b@x.example")
			    .conversation->user->email);
}

static const struct zen_ticket *ticket(struct kit *k, struct outcome o)
{
	return state_ticket(k->account.state, o.conversation->ticket_id);
}

static void test_what_was_typed_is_in_the_ticket(void **state)
{
	struct kit *k = *state;
	const struct zen_ticket *t;

	t = ticket(k, typed(k, "verified_only", "a@x.example"));
	assert_int_equal(t->comment_count, 1);
	assert_true(t->comments[0].is_public);
	assert_string_equal(t->comments[0].body,
			    "Name: Jo Doe\nEmail: a@x.example\n");
	t = ticket(k, jwt(k, "e9", "b@x.example", true));
	assert_int_equal(t->comment_count, 0);
}

static void test_one_person_stays_one_user(void **state)
{
	struct kit *k = *state;
	struct outcome first;
	struct outcome second;

	first = jwt(k, "e9", "new@x.example", true);
	second = jwt(k, "e9", "new@x.example", true);
	assert_ptr_equal(first.conversation->user, second.conversation->user);
	assert_ptr_equal(first.user, second.user);
	assert_int_equal(first.user->identity_count, 2);
	assert_int_not_equal(first.conversation->ticket_id,
			     second.conversation->ticket_id);
}

static void test_a_conflicting_token_is_rejected(void **state)
{
	struct kit *k = *state;
	struct outcome o;

	jwt(k, "e8", "new@x.example", true);
	o = jwt(k, "e9", "new@x.example", true);
	assert_int_equal(o.login, ACTOR_REJECTED);
	assert_true(o.made);
	assert_false(o.conversation->user->authenticated);
	assert_null(o.user->external_id);
	kit_set(k, "{'reject_conflicting_jwt':false}");
	o = jwt(k, "e9", "new@x.example", true);
	assert_int_equal(o.login, ACTOR_SIGNED_IN);
}

static void test_a_second_hand_off_changes_nothing(void **state)
{
	struct kit *k = *state;
	struct outcome o = jwt(k, "e9", NULL, false);
	uint64_t ticket_id = o.conversation->ticket_id;

	assert_ptr_equal(actor_hand_off(&k->account, o.conversation, ACTOR_AUTO,
					NULL, k->now_ms),
			 o.user);
	assert_int_equal(o.conversation->ticket_id, ticket_id);
	assert_int_equal(k->account.state->ticket_count, 1);
}

static void test_the_zendesk_id_may_be_told_at_the_hand_off(void **state)
{
	struct kit *k = *state;
	struct outcome o = jwt(k, "e8", NULL, false);

	assert_int_equal(o.conversation->user->zendesk_id, 0);
	kit_set(k, "{'zendesk_id_on_hand_off':true}");
	o = jwt(k, "e9", NULL, false);
	assert_int_equal(o.conversation->user->zendesk_id, o.user->id);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_match),
		TEST(test_an_unproved_address_becomes_verified),
		TEST(test_a_user_without_address_gets_it),
		TEST(test_a_user_without_address_takes_it),
		TEST(test_a_user_with_another_address_keeps_it),
		TEST(test_nobody_matches),
		TEST(test_a_new_user_takes_the_address),
		TEST(test_taking_an_address_is_told),
		TEST(test_only_an_unproved_one_if_both_are_allowed),
		TEST(test_other_ways_with_the_owner),
		TEST(test_the_duplicate_all_the_same),
		TEST(test_an_unverified_claim_gives_no_address),
		TEST(test_the_name_may_stay_hidden),
		TEST(test_typed_addresses),
		TEST(test_a_typed_address_may_stay_in_the_transcript),
		TEST(test_what_was_typed_is_in_the_ticket),
		TEST(test_one_person_stays_one_user),
		TEST(test_a_conflicting_token_is_rejected),
		TEST(test_a_second_hand_off_changes_nothing),
		TEST(test_the_zendesk_id_may_be_told_at_the_hand_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
