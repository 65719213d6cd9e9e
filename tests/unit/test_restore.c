/*
 * Restore plans: which steps, in which order, and how the script quotes.
 * That the script works is the system test's business.
 */
#include "unit.h"

#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "core/restore.h"

#define MESSAGING "{\"id\":1,\"type\":\"messaging\",\"value\":\"aa11\"}"
#define SUNCO                                                                  \
	"\"sunco_user\":{\"id\":\"aa11\",\"authenticated\":true,"              \
	"\"externalId\":\"E1\",\"identities\":[{\"type\":\"email\","           \
	"\"value\":\"a@x.example\",\"verification\":\"embed\"}],"              \
	"\"profile\":{\"givenName\":\"Ann\",\"surname\":\"Lee\"}}"

static void entry_init(struct journal_entry *e, enum action action,
		       const char *image)
{
	journal_entry_init(e);
	e->id = 17;
	e->at_ms = INT64_C(1800000000000);
	str_copy(e->account, sizeof(e->account), "acme");
	e->action = action;
	e->applied = true;
	e->messaging_user_id = 11;
	e->profile_id = action == ACTION_MERGE ? 12 : 0;
	e->ticket_id = 5;
	str_copy(e->sunco_id, sizeof(e->sunco_id), "aa11");
	e->before_image = image ? xstrdup(image) : NULL;
}

/* The plan of an entry with this image; the caller releases it. */
static struct restore_plan plan_of(enum action action, const char *image,
				   bool personal)
{
	struct journal_entry e;
	struct restore_plan p;

	entry_init(&e, action, image);
	restore_plan_make(&e, personal, &p);
	journal_entry_release(&e);
	return p;
}

static const char *step_of(const struct restore_plan *p, const char *method,
			   const char *path)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->steps[i].method, method) &&
		    str_starts(p->steps[i].path, path))
			return p->steps[i].path;
	return NULL;
}

static char *script_of(const struct restore_plan *p)
{
	struct buf text;

	buf_init(&text, RESTORE_SCRIPT_MAX);
	restore_plan_script(p, "https://acme.zendesk.example", &text);
	assert_false(text.overflow);
	return buf_detach(&text);
}

static void what_changed_nothing_has_no_steps(void **state)
{
	static const struct {
		enum action action;
		bool applied;
		enum journal_status status;
		enum restore_verdict verdict;
	} rows[] = {
		{ACTION_NONE, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_WAIT, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_REFUSE, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_REVIEW, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_MERGE, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_ADOPT, false, JOURNAL_DONE, RESTORE_NOTHING},
		{ACTION_MERGE, true, JOURNAL_FAILED, RESTORE_NOTHING},
		{ACTION_ADOPT, true, JOURNAL_FAILED, RESTORE_NOTHING},
		{ACTION_MERGE, true, JOURNAL_DONE, RESTORE_PARTIAL},
		{ACTION_MERGE, true, JOURNAL_UNCERTAIN, RESTORE_PARTIAL},
		{ACTION_ADOPT, true, JOURNAL_PENDING, RESTORE_PARTIAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct journal_entry e;
		struct restore_plan p;

		entry_init(&e, rows[i].action, NULL);
		e.applied = rows[i].applied;
		e.status = rows[i].status;
		restore_plan_make(&e, true, &p);
		assert_int_equal(p.verdict, rows[i].verdict);
		assert_int_equal(p.count > 0,
				 rows[i].verdict != RESTORE_NOTHING);
		assert_non_null(p.summary);
		restore_plan_release(&p);
		journal_entry_release(&e);
	}
}

#define PERSON                                                                 \
	"\"messaging_user\":{\"user\":{\"id\":11,\"name\":\"Ann\","            \
	"\"external_id\":\"E1\",\"organization_id\":31,"                       \
	"\"created_at\":\"2026-01-02T03:04:05Z\"},"                            \
	"\"identities\":[" MESSAGING ",{\"type\":\"email\","                   \
	"\"value\":\"second@x.example\"},{\"type\":\"email\",\"primary\":"     \
	"true,\"value\":\"first@x.example\"},{\"type\":\"any_channel\","       \
	"\"value\":\"z\"}],\"organizations\":[{\"id\":31},{\"id\":32}],"       \
	"\"organizations_complete\":true}"
#define PROFILE(user, complete)                                                \
	"\"profile\":{\"user\":{\"id\":12,\"name\":\"Ann Lee\"" user "},"      \
	"\"identities\":[{\"type\":\"email\",\"verified\":true,\"value\":\"a@" \
	"x.example\"}],"                                                       \
	"\"organizations\":null,\"organizations_complete\":" complete "}"

static void the_profile_gives_back_before_the_other_takes(void **state)
{
	struct restore_plan p =
		plan_of(ACTION_MERGE,
			"{" PERSON "," PROFILE("", "true") "," SUNCO "}", true);
	size_t created = 0, last_given_back = 0;
	char *script;

	(void)state;
	assert_int_equal(p.verdict, RESTORE_STEPS);
	assert_int_equal(p.steps[0].kind, RESTORE_COMMAND);
	for (size_t i = 0; i < p.count; i++) {
		if (p.steps[i].kind != RESTORE_CHANGE)
			continue;
		if (str_starts(p.steps[i].path, "/api/v2/users/12") ||
		    str_eq(p.steps[i].method, "DELETE"))
			last_given_back = i;
		if (str_eq(p.steps[i].sets, "NEW_USER"))
			created = i;
	}
	assert_true(last_given_back > 0 && created > last_given_back);
	/* What cannot be created is left where it is. */
	script = script_of(&p);
	assert_null(strstr(script, "any_channel\","));
	assert_true(strstr(script, "first@x.example\",\"skip") <
		    strstr(script, "second@x.example\",\"skip"));
	assert_non_null(strstr(script, "\"user_id\":'\"$NEW_USER\"',"
				       "\"organization_id\":32"));
	free(script);
	restore_plan_release(&p);
}

/* The before-image names only the default organization of the profile. */
static void what_the_image_cannot_tell_is_optional(void **state)
{
	struct restore_plan p = plan_of(
		ACTION_MERGE,
		"{" PERSON "," PROFILE(",\"organization_id\":33", "false") "}",
		true);
	char *script = script_of(&p), *at;

	(void)state;
	at = strstr(script, "zendesk DELETE "
			    "\"/api/v2/organization_memberships/");
	assert_non_null(at);
	while (at > script && at[-1] != '\n')
		at--;
	assert_int_equal(*at, '#');
	free(script);
	restore_plan_release(&p);
}

static void a_profile_that_had_an_external_id_keeps_it(void **state)
{
	struct restore_plan p =
		plan_of(ACTION_MERGE,
			"{" PERSON "," PROFILE(",\"external_id\":\"p\"",
					       "true") "," SUNCO "}",
			true);

	(void)state;
	assert_null(step_of(&p, "PUT", "/api/v2/users/12"));
	restore_plan_release(&p);
}

static void what_is_uncertain_is_looked_at_first(void **state)
{
	struct journal_entry e;
	struct restore_plan p;
	char *script;

	(void)state;
	entry_init(&e, ACTION_MERGE,
		   "{" PERSON "," PROFILE("", "true") "," SUNCO "}");
	e.status = JOURNAL_UNCERTAIN;
	restore_plan_make(&e, true, &p);
	assert_int_equal(p.verdict, RESTORE_UNSURE);
	script = script_of(&p);
	assert_non_null(strstr(script, "${IT_HAPPENED:?"));
	free(script);
	restore_plan_release(&p);
	journal_entry_release(&e);
}

static void damaged_images_are_gone_images(void **state)
{
	static const char *const images[] = {
		"",
		"{",
		"[]",
		"{\"messaging_user\":null}",
		"{" PERSON ",\"profile\":{\"user\":{\"id\":\"x\"}}}",
		"{" PROFILE("", "true") "," SUNCO "}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(images); i++) {
		struct restore_plan p = plan_of(ACTION_MERGE, images[i], true);

		assert_int_equal(p.verdict, RESTORE_PARTIAL);
		assert_non_null(step_of(&p, "GET", "/api/v2/deleted_users/11"));
		assert_null(step_of(&p, "DELETE", ""));
		restore_plan_release(&p);
	}
}

static void nothing_personal_unless_asked_for(void **state)
{
	struct restore_plan p = plan_of(
		ACTION_MERGE, "{" PERSON "," PROFILE("", "true") "," SUNCO "}",
		false);
	struct json_t *v = restore_plan_encode(&p);
	char *json = json_text(v), *script = script_of(&p);

	(void)state;
	assert_null(strstr(json, "x.example"));
	assert_null(strstr(script, "x.example\""));
	assert_null(strstr(script, "Ann"));
	assert_null(strstr(script, "E1"));
	assert_non_null(strstr(script, "${PLACEHOLDERS_FILLED_IN:?"));
	free(json);
	free(script);
	json_free(v);
	restore_plan_release(&p);
}

/* A refused merge that cost the messaging user its external id. */
static void an_id_that_was_kept_back_is_given_back(void **state)
{
	struct journal_entry e;
	struct restore_plan p;

	(void)state;
	entry_init(&e, ACTION_REVIEW, "{" PERSON "," SUNCO "}");
	e.applied = false;
	e.reasons = REASON_BIT(REASON_MERGE_REFUSED) |
		    REASON_BIT(REASON_EXTERNAL_ID_NOT_RETURNED);
	restore_plan_make(&e, true, &p);
	assert_int_equal(p.verdict, RESTORE_STEPS);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.steps[0].path, "/api/v2/users/11");
	assert_string_equal(
		json_get_str(json_get(p.steps[0].body, "user"), "external_id"),
		"E1");
	restore_plan_release(&p);
	free(e.before_image);
	e.before_image = NULL;
	restore_plan_make(&e, true, &p);
	assert_int_equal(p.verdict, RESTORE_PARTIAL);
	restore_plan_release(&p);
	journal_entry_release(&e);
}

/* A name is put back only if it was ours that replaced it. */
static void a_name_that_nobody_made_up_stays(void **state)
{
	static const char image[] =
		"{\"messaging_user\":{\"user\":{\"id\":11,\"name\":\"%s\"},"
		"\"identities\":[" MESSAGING "]}," SUNCO "}";
	char text[1024];
	struct restore_plan p;

	(void)state;
	snprintf(text, sizeof(text), image, "Web User 5f00");
	p = plan_of(ACTION_ADOPT, text, true);
	assert_non_null(step_of(&p, "PUT", "/api/v2/users/11"));
	restore_plan_release(&p);
	p = plan_of(ACTION_NONE, text, true);
	assert_int_equal(p.verdict, RESTORE_STEPS);
	assert_non_null(step_of(&p, "PUT", "/api/v2/users/11"));
	assert_null(step_of(&p, "DELETE", ""));
	restore_plan_release(&p);
	snprintf(text, sizeof(text), image, "Ann");
	p = plan_of(ACTION_ADOPT, text, true);
	assert_null(step_of(&p, "PUT", "/api/v2/users/11"));
	assert_non_null(step_of(&p, "DELETE", "/api/v2/users/11/identities/"));
	restore_plan_release(&p);
}

static void a_person_is_known_by_the_external_id(void **state)
{
	struct crypto_hmac *hmac = crypto_hmac_new("key", 3);
	const uint8_t none[16] = {0};
	struct journal_entry e;
	struct sunco_user u;
	uint8_t hash[16], other[16];

	(void)state;
	entry_init(&e, ACTION_MERGE, "{" SUNCO "}");
	restore_person_hash(&e, hmac, hash);
	sunco_user_init(&u);
	u.authenticated = true;
	u.external_id = xstrdup("e1");
	sunco_person_hash(hmac, &u, other);
	assert_memory_equal(hash, other, sizeof(hash));
	assert_memory_not_equal(hash, none, sizeof(hash));
	u.authenticated = false;
	sunco_person_hash(hmac, &u, other);
	assert_memory_equal(other, none, sizeof(none));
	sunco_user_release(&u);
	free(e.before_image);
	e.before_image = NULL;
	restore_person_hash(&e, hmac, hash);
	assert_memory_equal(hash, none, sizeof(none));
	journal_entry_release(&e);
	crypto_hmac_free(hmac);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_changed_nothing_has_no_steps),
		cmocka_unit_test(the_profile_gives_back_before_the_other_takes),
		cmocka_unit_test(what_the_image_cannot_tell_is_optional),
		cmocka_unit_test(a_profile_that_had_an_external_id_keeps_it),
		cmocka_unit_test(what_is_uncertain_is_looked_at_first),
		cmocka_unit_test(damaged_images_are_gone_images),
		cmocka_unit_test(nothing_personal_unless_asked_for),
		cmocka_unit_test(an_id_that_was_kept_back_is_given_back),
		cmocka_unit_test(a_name_that_nobody_made_up_stays),
		cmocka_unit_test(a_person_is_known_by_the_external_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
