/*
 * SunCo users over the API, logins in the middle, and what webhooks say.
 */
#include "unit.h"

#include "base/str.h"
#include "sandbox/actor.h"
#include "sandbox/payloads.h"
#include "sandbox_kit.h"

#define USERS "/sc/v2/apps/6a1d3c5e7f9b2d4f6a8c0e12/users"
#define PEOPLE                                                                 \
	"{'users':[{'id':1,'name':'Ann Lee','email':'ann@x.example',"          \
	"'external_id':'e1'},{'id':2,'name':'Ann L','external_id':'e2',"       \
	"'email':'two@x.example'}],"                                           \
	"'sunco_users':[{'id':'s1','externalId':'e1','zendeskId':'1',"         \
	"'authenticated':true,'identities':[{'type':'email',"                  \
	"'value':'ann@x.example','verification':'sso'}]},"                     \
	"{'id':'s2','externalId':'e2','profile':{'email':'p@x.example'}},"     \
	"{'id':'s3','brandId':'7','externalId':'e1'}]}"

static void test_users_by_id_or_external_id(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	assert_int_equal(kit_call(k, "GET", USERS "/s1", NULL), 200);
	assert_string_equal(kit_str(k, "user.zendeskId"), "1");
	assert_true(json_bool(kit_at(k, "user.authenticated"), false));
	kit_call(k, "GET", USERS "/e1", NULL);
	assert_string_equal(kit_str(k, "user.id"), "s1");
	kit_call(k, "GET", USERS "/e1?brandId=7", NULL);
	assert_string_equal(kit_str(k, "user.id"), "s3");
	assert_int_equal(kit_call(k, "GET", USERS "/E1", NULL), 404);
	assert_string_equal(kit_str(k, "errors.0.code"), "user_not_found");
	assert_int_equal(kit_call(k, "GET", "/sc/v2/apps/other/users/s1", NULL),
			 404);
}

static void test_a_list_matches_identities_only(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_call(k, "GET", USERS "?filter[identities.email]=ANN@x.example",
		 NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 1);
	assert_string_equal(kit_str(k, "users.0.id"), "s1");
	kit_call(k, "GET", USERS "?filter[identities.email]=p@x.example", NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 0);
	assert_int_equal(kit_call(k, "GET", USERS, NULL), 400);
}

/* A test describes somebody anew: nothing of before is left. */
static void test_who_is_loaded_again_is_as_loaded(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	kit_load(k, "{'sunco_users':[{'id':'s1','identities':["
		    "{'type':'email','value':'new@x.example'}]}]}");
	kit_call(k, "GET", USERS "/s1", NULL);
	assert_false(json_bool(kit_at(k, "user.authenticated"), false));
	assert_string_equal(kit_str(k, "user.identities.0.value"),
			    "new@x.example");
	assert_int_equal(json_len(kit_at(k, "user.identities")), 1);
	assert_int_equal(kit_call(k, "GET", USERS "/e1", NULL), 404);
	kit_call(k, "GET", USERS "?filter[identities.email]=ann@x.example",
		 NULL);
	assert_int_equal(json_len(kit_at(k, "users")), 0);
}

static void test_create_update_delete(void **state)
{
	struct kit *k = *state;

	kit_load(k, PEOPLE);
	assert_int_equal(
		kit_call(k, "POST", USERS,
			 "{'externalId':'n','profile':{'givenName':'N'}}"),
		201);
	assert_int_equal(kit_call(k, "POST", USERS, "{'externalId':'n'}"), 409);
	kit_call(k, "PATCH", USERS "/n",
		 "{'profile':{'surname':'S'},'metadata':{'a':1}}");
	assert_string_equal(kit_str(k, "user.profile.givenName"), "N");
	assert_string_equal(kit_str(k, "user.profile.surname"), "S");
	assert_int_equal(kit_int(k, "user.metadata.a"), 1);
	assert_int_equal(kit_call(k, "DELETE", USERS "/n", NULL), 200);
	assert_int_equal(kit_call(k, "GET", USERS "/n", NULL), 404);
}

static void test_sync_takes_from_linked_users(void **state)
{
	struct kit *k = *state;

	kit_load(k, "{'users':[{'id':1,'name':'Ann Lee','email':'a@x.example'"
		    ",'external_id':'e1'},{'id':2,'name':'B C'}],"
		    "'sunco_users':[{'id':'s1','zendeskId':'2'},"
		    "{'id':'s2','zendeskId':'3','externalId':'e1'},"
		    "{'id':'s4','identities':[{'type':'email',"
		    "'value':'a@x.example'}]}]}");
	assert_int_equal(kit_call(k, "POST", USERS "/2/sync",
				  "{'survivingZendeskId':'1'}"),
			 200);
	assert_string_equal(kit_str(k, "user.id"), "s1");
	assert_string_equal(kit_str(k, "user.zendeskId"), "1");
	assert_string_equal(kit_str(k, "user.externalId"), "e1");
	assert_string_equal(kit_str(k, "user.profile.givenName"), "Ann");
	assert_string_equal(kit_str(k, "user.identities.0.value"),
			    "a@x.example");
	kit_call(k, "GET", USERS "/s2", NULL);
	assert_null(kit_at(k, "user.externalId"));
	assert_int_equal(kit_call(k, "GET", USERS "/s4", NULL), 404);
	assert_int_equal(kit_call(k, "POST", USERS "/2/sync", "{}"), 404);
}

/* ---- logins ---- */

static struct conversation *anonymous(struct kit *k, bool handed_off)
{
	const struct actor_person nobody = {.name = NULL};
	enum actor_login login;
	struct account *a = &k->account;
	struct conversation *c = actor_start(
		a, actor_arrive(a, NULL, &nobody, k->now_ms, &login), &nobody);

	if (handed_off)
		actor_hand_off(a, c, ACTOR_AUTO, NULL, k->now_ms);
	return c;
}

static enum actor_login sign_in(struct kit *k, struct conversation *c,
				const char *external_id, const char *email,
				struct sun_user **discarded)
{
	const struct actor_person p = {.signed_in = true,
				       .external_id = external_id,
				       .email = email,
				       .email_verified = true,
				       .name = "Ann Lee"};

	return actor_sign_in(&k->account, c, &p, k->now_ms, discarded);
}

static void test_a_new_person_is_upgraded_in_place(void **state)
{
	struct kit *k = *state;
	struct conversation *c = anonymous(k, true);
	struct zen_user *u =
		state_user_by_messaging(k->account.state, c->user->id);
	struct sun_user *before = c->user;
	struct sun_user *discarded;

	assert_int_equal(sign_in(k, c, "new", "new@x.example", &discarded),
			 ACTOR_SIGNED_IN);
	assert_null(discarded);
	assert_ptr_equal(c->user, before);
	assert_true(before->authenticated);
	assert_string_equal(u->external_id, "new");
	assert_non_null(state_identity_named(u, "email", "new@x.example"));
}

static void test_a_known_person_is_merged(void **state)
{
	struct kit *k = *state;
	struct conversation *c;
	struct sun_user *discarded;
	struct sun_user *former;

	kit_load(k, PEOPLE);
	c = anonymous(k, false);
	former = c->user;
	assert_int_equal(sign_in(k, c, "e1", "ann@x.example", &discarded),
			 ACTOR_MERGED);
	assert_ptr_equal(discarded, former);
	assert_false(former->active);
	assert_string_equal(c->user->id, "s1");
	assert_int_equal(
		actor_hand_off(&k->account, c, ACTOR_AUTO, NULL, k->now_ms)->id,
		1);
}

/* A known person with a Zendesk user starts anonymously and logs in. */
static struct zen_user *late_login(struct kit *k, struct zen_user **old)
{
	struct account *a = &k->account;
	struct conversation *c;
	struct sun_user *discarded;

	kit_load(k, PEOPLE);
	c = anonymous(k, false);
	sign_in(k, c, "e2", "two@x.example", &discarded);
	actor_hand_off(a, c, ACTOR_AUTO, NULL, k->now_ms);
	c = anonymous(k, true);
	*old = state_user_by_messaging(a->state, c->user->id);
	assert_int_equal(sign_in(k, c, "e2", "two@x.example", &discarded),
			 ACTOR_MERGED);
	return state_user_by_messaging(a->state, c->user->id);
}

static void test_zendesk_follows_a_late_login(void **state)
{
	struct kit *k = *state;
	struct zen_user *old;
	struct zen_user *u = late_login(k, &old);

	assert_int_equal(u->id, 2);
	assert_int_equal(old->merged_into, 2);
	assert_int_equal(state_tickets_of(k->account.state, u), 2);
	assert_string_equal(k->account.state->merges[0].by, "zendesk");
}

static void test_with_many_conversations_an_orphan_stays(void **state)
{
	struct kit *k = *state;
	struct zen_user *old;
	struct zen_user *u;

	kit_set(k, "{'multi_conversation':true}");
	u = late_login(k, &old);
	assert_int_equal(u->id, 2);
	assert_true(old->active);
	assert_int_equal(state_tickets_of(k->account.state, old), 1);
	assert_int_equal(k->account.state->merge_count, 0);
}

static void test_a_conflicting_login_is_rejected(void **state)
{
	struct kit *k = *state;
	struct conversation *c;
	struct sun_user *discarded;

	kit_load(k, PEOPLE);
	c = anonymous(k, false);
	assert_int_equal(sign_in(k, c, "other", "ann@x.example", &discarded),
			 ACTOR_REJECTED);
	assert_false(c->user->authenticated);
}

/* ---- webhook bodies ---- */

static struct json_t *created(struct kit *k)
{
	struct conversation *c = anonymous(k, true);

	state_sun_add_identity(k->account.state, c->user, "email",
			       "a@x.example", "embed");
	return payload_conversation_create(&k->account, c, "message",
					   k->now_ms);
}

static const struct json_t *event_user(const struct json_t *body)
{
	const struct json_t *event = json_at(json_get(body, "events"), 0);

	assert_string_equal(json_get_str(event, "type"), "conversation:create");
	return json_get(json_get(event, "payload"), "user");
}

static void test_the_user_may_be_cut_short(void **state)
{
	struct kit *k = *state;
	struct json_t *body = created(k);

	assert_int_equal(json_len(json_get(event_user(body), "identities")), 1);
	json_free(body);
	kit_set(k, "{'include_full_user':false}");
	body = created(k);
	assert_non_null(json_get_str(event_user(body), "id"));
	assert_null(json_get(event_user(body), "identities"));
	assert_null(json_get(event_user(body), "profile"));
	json_free(body);
}

/* The body of the first change of the kind, or NULL; *new*. */
static struct json_t *told(struct kit *k, enum change_kind kind)
{
	struct json_t *body = NULL;
	struct change *changes;
	const char *label;
	size_t count;

	changes = state_changes_take(k->account.state, &count);
	for (size_t i = 0; i < count && !body; i++) {
		if (changes[i].kind != kind)
			continue;
		body = payload_change(&k->account, &changes[i], &label);
		if (payload_is_wanted(&k->account, label))
			break;
		json_free(body);
		body = NULL;
	}
	state_changes_free(changes, count);
	return body;
}

static void test_subscribers_hear_what_they_asked_for(void **state)
{
	struct kit *k = *state;
	struct json_t *body;

	kit_set(k, "{'events':'user.merged,user.identity_created'}");
	anonymous(k, true);
	assert_null(told(k, CHANGE_USER_CREATED));
	anonymous(k, true);
	body = told(k, CHANGE_IDENTITY_CREATED);
	assert_string_equal(json_get_str(body, "type"),
			    "zen:event-type:user.identity_created");
	assert_string_equal(
		json_get_str(json_get(json_get(body, "event"), "identity"),
			     "type"),
		"messaging");
	json_free(body);
	kit_set(k, "{'events':'all','event_spelling':'slash'}");
	anonymous(k, true);
	body = told(k, CHANGE_USER_CREATED);
	assert_string_equal(json_get_str(body, "type"),
			    "zen:event-type/user.created");
	json_free(body);
}

static void test_which_side_of_a_merge_is_told(void **state)
{
	struct kit *k = *state;
	struct json_t *body;

	kit_set(k, "{'events':'all'}");
	kit_load(k, "{'users':[{'id':1,'name':'A'},{'id':2,'name':'B'},"
		    "{'id':3,'name':'C'}]}");
	kit_call(k, "PUT", "/api/v2/users/1/merge", "{'user':{'id':3}}");
	body = told(k, CHANGE_USER_MERGED);
	assert_string_equal(json_get_str(body, "subject"), "zen:user:1");
	json_free(body);
	kit_set(k, "{'merged_event_detail':'survivor'}");
	kit_call(k, "PUT", "/api/v2/users/2/merge", "{'user':{'id':3}}");
	body = told(k, CHANGE_USER_MERGED);
	assert_string_equal(json_get_str(json_get(body, "detail"), "id"), "3");
	assert_string_equal(
		json_get_str(json_get(json_get(body, "event"), "user"), "id"),
		"2");
	json_free(body);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, kit_setup, kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_users_by_id_or_external_id),
		TEST(test_a_list_matches_identities_only),
		TEST(test_who_is_loaded_again_is_as_loaded),
		TEST(test_create_update_delete),
		TEST(test_sync_takes_from_linked_users),
		TEST(test_a_new_person_is_upgraded_in_place),
		TEST(test_a_known_person_is_merged),
		TEST(test_zendesk_follows_a_late_login),
		TEST(test_with_many_conversations_an_orphan_stays),
		TEST(test_a_conflicting_login_is_rejected),
		TEST(test_the_user_may_be_cut_short),
		TEST(test_subscribers_hear_what_they_asked_for),
		TEST(test_which_side_of_a_merge_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
