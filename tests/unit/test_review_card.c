/*
 * The card of a review: what a person sees, with and without personal data.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "core/review_card.h"

/* As a run keeps them; the values are unlike any word of ours. */
static const char facts_text[] =
	"{\"messaging_user\":{\"user\":{\"id\":11,\"name\":\"Zoe Quill\","
	"\"role\":\"end-user\",\"active\":true,\"suspended\":false,"
	"\"external_id\":\"KEY-77\",\"organization_id\":null,"
	"\"created_at\":\"2026-01-02T03:04:05Z\","
	"\"tags\":[\"tagone\",\"tagtwo\"],\"notes\":\"notetext\","
	"\"details\":\"\",\"user_fields\":{\"plan\":\"fieldvalue\","
	"\"city\":null,\"vip\":false,\"size\":3}},"
	"\"identities\":[{\"type\":\"messaging\",\"value\":\"5aa1\","
	"\"verified\":true},{\"type\":\"phone_number\","
	"\"value\":\"+15550111\",\"verified\":false}],"
	"\"organizations\":null},"
	"\"profile\":{\"user\":{\"id\":22,\"name\":\"zoe quill \","
	"\"role\":\"end-user\",\"active\":true,\"suspended\":true,"
	"\"external_id\":null,\"organization_id\":5,"
	"\"tags\":[\"tagtwo\"],\"notes\":\"keptnote\","
	"\"user_fields\":{\"plan\":\"elsewise\",\"size\":3}},"
	"\"identities\":[{\"type\":\"email\",\"value\":\"Zoe@quill.example\","
	"\"primary\":true,\"verified\":true,\"verification_method\":\"low\"}],"
	"\"organizations\":[{\"id\":5,\"name\":\"Quillworks\"}]},"
	"\"sunco_user\":{\"id\":\"5aa1\",\"authenticated\":true,"
	"\"externalId\":\"KEY-77\",\"zendeskId\":11,\"identities\":[],"
	"\"profile\":{\"email\":\"zoe@quill.example\",\"givenName\":\"Zoe\","
	"\"surname\":\"Quill\"}},"
	"\"address\":\"zoe@quill.example\",\"external_id\":\"KEY-77\","
	"\"owners\":[\"22\"],\"steps\":[\"merge\",\"read_back\"],"
	"\"tickets\":{\"messaging_user\":1,\"profile\":null},"
	"\"sunco_users\":[{\"id\":\"5bb2\",\"authenticated\":false,"
	"\"externalId\":null,\"zendeskId\":33,\"identities\":["
	"{\"type\":\"email\",\"value\":\"ZOE@quill.example\"}],"
	"\"profile\":{\"givenName\":\"Other\"}},"
	"{\"id\":\"5cc3\",\"authenticated\":true,\"externalId\":\"KEY-77\","
	"\"zendeskId\":null,\"identities\":[],\"profile\":{}}],"
	"\"earlier_approval\":\"The approval by maria expired.\"}";

/* The last two are the profile's own: nobody loses them. */
static const char *const secrets[] = {
	"quill",    "Quill",	  "KEY-77",    "tagone", "tagtwo",
	"notetext", "fieldvalue", "+15550111", "Other",	 "zoe",
	"Zoe",	    "keptnote",	  "elsewise",
};
enum { KEPT = 2 };

static struct review_card_about about(void)
{
	return (struct review_card_about){
		.intended = ACTION_MERGE,
		.reasons = REASON_BIT(REASON_PROFILE_SUSPENDED) |
			   REASON_BIT(REASON_EMAIL_NOT_VERIFIED),
		.evidence = EVIDENCE_AUTHENTICATED,
		.pin = PAIR_PIN_OFFERED,
		.zendesk_url = "https://acme.zendesk.example",
	};
}

static struct json_t *facts(void)
{
	struct json_t *v = json_parse(facts_text, strlen(facts_text), NULL);

	assert_non_null(v);
	return v;
}

static struct json_t *card_of(const struct review_card_about *a, bool personal)
{
	struct json_t *f = facts();
	struct json_t *v = review_card(f, a, personal);

	json_free(f);
	return v;
}

static struct json_t *card(bool personal)
{
	struct review_card_about a = about();

	return card_of(&a, personal);
}

static const struct json_t *at(const struct json_t *v, const char *path)
{
	char copy[200];

	assert_true(str_copy(copy, sizeof(copy), path));
	for (char *p = strtok(copy, "."); p; p = strtok(NULL, "."))
		v = json_is_arr(v) ? json_at(v, (size_t)atoi(p))
				   : json_get(v, p);
	return v;
}

#define TEXT(v, path, want) assert_string_equal(json_str(at(v, path)), want)
#define INT(v, path, want)  assert_int_equal(json_int(at(v, path), -9), want)

static void nothing_personal_unless_asked(void **state)
{
	struct json_t *v = card(false);
	char *text = json_text(v);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
		if (strstr(text, secrets[i]))
			fail_msg("secret %zu is there", i);
	free(text);
	json_free(v);
}

static void everything_when_asked(void **state)
{
	struct json_t *v = card(true);
	char *text = json_text(v);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(secrets) - KEPT; i++)
		if (!strstr(text, secrets[i]))
			fail_msg("word %zu is missing", i);
	TEXT(v, "profile.organization", "Quillworks");
	TEXT(v, "messaging_user.identities.1.value", "+15550111");
	TEXT(v, "loses.tags.values.0", "tagone");
	TEXT(v, "loses.user_fields.fields.0.value", "fieldvalue");
	free(text);
	json_free(v);
}

static void both_sides_without_values(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	INT(v, "messaging_user.id", 11);
	INT(v, "profile.id", 22);
	TEXT(v, "profile.link", "https://acme.zendesk.example/agent/users/22");
	TEXT(v, "profile.role", "end-user");
	assert_true(json_bool(at(v, "profile.suspended"), false));
	assert_false(json_bool(at(v, "messaging_user.suspended"), true));
	assert_true(json_bool(at(v, "messaging_user.has_external_id"), false));
	assert_false(json_bool(at(v, "profile.has_external_id"), true));
	INT(v, "profile.organization_id", 5);
	INT(v, "messaging_user.tickets", 1);
	assert_true(json_is_null(at(v, "profile.tickets")));
	INT(v, "messaging_user.tag_count", 2);
	TEXT(v, "messaging_user.created_at", "2026-01-02T03:04:05Z");
	TEXT(v, "alike.name", "same");
	TEXT(v, "alike.external_id", "one");
	TEXT(v, "alike.organization", "one");
	json_free(v);
}

static void identities_tell_how(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	TEXT(v, "messaging_user.identities.0.type", "messaging");
	TEXT(v, "messaging_user.identities.0.this", "conversation");
	assert_true(json_is_null(at(v, "messaging_user.identities.1.this")));
	TEXT(v, "profile.identities.0.this", "address");
	TEXT(v, "profile.identities.0.how",
	     "an agent or a program said so; its owner did not");
	json_free(v);
}

/* --- how an identity was verified --- */

static void check_how(const char *method, bool verified, const char *want)
{
	struct json_t *f = facts();
	struct json_t *i =
		json_at(json_get(json_get(f, "profile"), "identities"), 0);
	struct review_card_about a = about();
	struct json_t *v;

	json_set_str(i, "verification_method", method);
	json_set_bool(i, "verified", verified);
	v = review_card(f, &a, false);
	assert_non_null(
		strstr(json_str(at(v, "profile.identities.0.how")), want));
	json_free(v);
	json_free(f);
}

static void every_method_has_words(void **state)
{
	(void)state;
	check_how("full", true, "by a link sent there");
	check_how("full", false, "once, by a link sent there");
	check_how("sso", true, "by signing in");
	check_how("embed", true, "in to the widget");
	check_how("low", false, "its owner did not");
	check_how("none", false, "not verified");
	check_how("none", true, "by no known way");
	check_how(NULL, true, "does not say how");
	check_how(NULL, false, "not verified");
	check_how("passkey", true, "does not know");
}

/* --- what a merge loses --- */

static void what_only_the_user_has_is_lost(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	INT(v, "loses.tags.count", 2);
	INT(v, "loses.tags.lost", 1);
	INT(v, "loses.notes.lost", 1);
	INT(v, "loses.notes.bytes", 8);
	INT(v, "loses.details.lost", 0);
	INT(v, "loses.user_fields.count", 2); /* plan and size */
	INT(v, "loses.user_fields.lost", 1);
	TEXT(v, "loses.user_fields.fields.0.field", "plan");
	assert_true(json_bool(
		at(v, "loses.user_fields.fields.0.profile_has_another"),
		false));
	INT(v, "loses.external_id.lost", 1);
	json_free(v);
}

static void a_pinned_id_is_not_lost(void **state)
{
	static const enum pair_pin pins[] = {PAIR_PIN_PLANNED, PAIR_PIN_NAMED};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pins); i++) {
		struct review_card_about a = about();
		struct json_t *v;

		a.pin = pins[i];
		v = card_of(&a, false);
		INT(v, "loses.external_id.lost", 0);
		assert_true(json_bool(at(v, "loses.external_id.moves"), false));
		json_free(v);
	}
}

static void an_adopt_loses_nothing(void **state)
{
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	a.intended = ACTION_ADOPT;
	v = card_of(&a, true);
	assert_null(json_get(v, "loses"));
	json_free(v);
}

/* --- third ones --- */

static void third_users_tell_what_a_sync_would_do(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	TEXT(v, "third_sunco_users.0.id", "5bb2");
	TEXT(v, "third_sunco_users.0.holds", "an address of the profile");
	TEXT(v, "third_sunco_users.0.sync_would", "take it away");
	TEXT(v, "third_sunco_users.1.holds", "the external id");
	TEXT(v, "third_sunco_users.1.sync_would", "merge this user away");
	json_free(v);
}

static void unknown_third_users_are_null(void **state)
{
	struct json_t *f = facts();
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	json_set(f, "sunco_users", json_new_null());
	v = review_card(f, &a, false);
	assert_non_null(json_get(v, "third_sunco_users"));
	assert_true(json_is_null(json_get(v, "third_sunco_users")));
	json_free(v);
	json_free(f);
}

/* --- words --- */

static void reasons_and_evidence_have_sentences(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	TEXT(v, "because.0", "The profile is suspended.");
	TEXT(v, "because.1", "Nobody vouched for the address.");
	TEXT(v, "evidence", "Signed in, but nobody vouched for the address.");
	TEXT(v, "earlier_approval", "The approval by maria expired.");
	json_free(v);
}

static void a_former_owner_has_a_sentence(void **state)
{
	struct review_card_about a = about();

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct json_t *f = facts(), *v;
		const char *words;

		json_set_bool(f, "displaced", true);
		json_set_bool(f, "proven_before_loss", i & 1);
		json_set_bool(f, "coincides", i & 2);
		v = review_card(f, &a, false);
		words = json_get_str(v, "former_owner");
		assert_int_equal(!strstr(words, "nobody has read"), i & 1);
		assert_int_equal(!!strstr(words, "until"), !!(i & 2));
		json_free(v);
		json_free(f);
	}
}

static void the_steps_name_both_users(void **state)
{
	struct json_t *v = card(false);

	(void)state;
	assert_true(json_bool(at(v, "approvable"), false));
	assert_non_null(strstr(json_str(at(v, "approving.0")), "expires"));
	assert_non_null(strstr(json_str(at(v, "approving.1")),
			       "user 11 into profile 22"));
	assert_int_equal(json_len(at(v, "approving")), 3);
	json_free(v);
}

static void a_sync_is_told_where_it_is_on(void **state)
{
	struct json_t *f = facts();
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	json_set_bool(f, "sync", true);
	v = review_card(f, &a, false);
	assert_int_equal(json_len(at(v, "approving")), 4);
	assert_non_null(strstr(json_str(at(v, "approving.3")), "sunco_sync"));
	json_free(v);
	json_free(f);
}

static void the_pin_is_offered_with_a_warning(void **state)
{
	struct review_card_about a = about();
	struct json_t *v = card_of(&a, false);

	(void)state;
	TEXT(v, "pin", "offered");
	assert_non_null(strstr(json_str(at(v, "pin_means")), "--pin"));
	json_free(v);
	a.pin = PAIR_PIN_NONE;
	v = card_of(&a, false);
	assert_null(json_get(v, "pin_means"));
	json_free(v);
}

static void what_was_refused_is_tried_again(void **state)
{
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	a.reasons = REASON_BIT(REASON_MERGE_REFUSED);
	v = card_of(&a, false);
	assert_non_null(strstr(json_str(at(v, "approving.1")), "once more"));
	json_free(v);
}

static void what_cannot_be_approved_says_so(void **state)
{
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	a.reasons = REASON_BIT(REASON_AMBIGUOUS_ADDRESS);
	v = card_of(&a, false);
	assert_false(json_bool(at(v, "approvable"), true));
	assert_non_null(strstr(json_str(at(v, "approving.0")), "addresses"));
	json_free(v);
	a = about();
	a.observes = true;
	v = card_of(&a, false);
	assert_false(json_bool(at(v, "approvable"), true));
	assert_non_null(strstr(json_str(at(v, "approving.0")), "observe"));
	json_free(v);
}

static void several_owners_are_named(void **state)
{
	struct json_t *f = facts();
	struct review_card_about a = about();
	struct json_t *v;

	(void)state;
	json_push(json_get(f, "owners"), json_new_str("33"));
	json_set_bool(f, "survived_merge", true);
	v = review_card(f, &a, false);
	INT(v, "owners.0.id", 22);
	INT(v, "owners.1.id", 33);
	TEXT(v, "owners.1.link", "https://acme.zendesk.example/agent/users/33");
	assert_true(json_bool(at(v, "survived_merge"), false));
	INT(v, "addresses", 0);
	json_free(v);
	json_free(f);
}

/* Pruned, or from an older version: what is there is shown. */
static void pruned_facts_leave_the_words(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "{\"messaging_user\":null,\"profile\":7}",
		"{\"messaging_user\":{\"user\":null},\"tickets\":[]}"};
	struct review_card_about a = about();
	struct json_t *v = review_card(NULL, &a, true);

	(void)state;
	assert_non_null(at(v, "because.0"));
	assert_null(json_get(v, "messaging_user"));
	json_free(v);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct json_t *f = json_parse(texts[i], strlen(texts[i]), NULL);

		v = review_card(f, &a, true);
		assert_non_null(at(v, "because.0"));
		json_free(v);
		json_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_personal_unless_asked),
		cmocka_unit_test(everything_when_asked),
		cmocka_unit_test(both_sides_without_values),
		cmocka_unit_test(identities_tell_how),
		cmocka_unit_test(every_method_has_words),
		cmocka_unit_test(what_only_the_user_has_is_lost),
		cmocka_unit_test(a_pinned_id_is_not_lost),
		cmocka_unit_test(an_adopt_loses_nothing),
		cmocka_unit_test(third_users_tell_what_a_sync_would_do),
		cmocka_unit_test(unknown_third_users_are_null),
		cmocka_unit_test(reasons_and_evidence_have_sentences),
		cmocka_unit_test(a_former_owner_has_a_sentence),
		cmocka_unit_test(the_steps_name_both_users),
		cmocka_unit_test(a_sync_is_told_where_it_is_on),
		cmocka_unit_test(the_pin_is_offered_with_a_warning),
		cmocka_unit_test(what_was_refused_is_tried_again),
		cmocka_unit_test(what_cannot_be_approved_says_so),
		cmocka_unit_test(several_owners_are_named),
		cmocka_unit_test(pruned_facts_leave_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
