/*
 * A review as a value: its line, and what the line leaves out.
 */
#include "unit.h"

#include "base/json.h"
#include "base/str.h"
#include "store/store.h"

static struct review example(void)
{
	struct review r;

	review_init(&r);
	r.id = 7;
	assert_true(str_copy(r.account, sizeof(r.account), "acme"));
	assert_true(str_copy(r.sunco_id, sizeof(r.sunco_id), "ann"));
	r.job_id = 3;
	r.journal_id = 5;
	r.intended = ACTION_MERGE;
	r.reasons = REASON_BIT(REASON_BRAND_MISMATCH) |
		    REASON_BIT(REASON_EMAIL_DENIED);
	r.evidence = EVIDENCE_CLAIMED;
	r.messaging_user_id = 11;
	r.profile_id = 12;
	r.ticket_id = 13;
	r.facts = xstrdup("{\"secret\":1}");
	r.created_ms = 1000;
	r.expires_ms = 2000;
	r.attached = 2;
	r.source = EVENT_FROM_ZENDESK;
	r.api_calls = 4;
	return r;
}

static void check_line(const struct review *r, bool personal, const char *want)
{
	struct json_t *obj = review_encode(r, personal);
	char *text = json_text(obj);

	assert_string_equal(text, want);
	free(text);
	json_free(obj);
}

#define LINE_START                                                             \
	"{\"id\":7,\"at\":\"1970-01-01T00:00:01.000Z\",\"account\":\"acme\","  \
	"\"action\":\"review\",\"reason\":\"email_denied\","                   \
	"\"applied\":false,\"status\":\"pending\",\"evidence\":\"claimed\","   \
	"\"messaging_user_id\":11,\"profile_id\":12,"                          \
	"\"sunco_user_id\":\"ann\",\"ticket_id\":13,\"source\":\"zendesk\","   \
	"\"job_id\":3,\"api_calls\":4,"                                        \
	"\"reasons\":[\"email_denied\",\"brand_mismatch\"],"                   \
	"\"state\":\"open\",\"intended\":\"merge\","                           \
	"\"journal_id\":5,\"attached\":2,"                                     \
	"\"expires_at\":\"1970-01-01T00:00:02.000Z\","                         \
	"\"decided_at\":null,\"decided_by\":null,\"pin\":\"none\""

static void the_line_hides_the_facts(void **state)
{
	struct review r = example();

	(void)state;
	check_line(&r, false, LINE_START "}");
	review_release(&r);
}

static void the_facts_are_shown_on_demand(void **state)
{
	struct review r = example();

	(void)state;
	check_line(&r, true, LINE_START ",\"facts\":{\"secret\":1}}");
	review_release(&r);
}

/* Whoever reads lines of the journal can read this one. */
static void the_keys_of_a_journal_line_come_first(void **state)
{
	struct review r = example();
	struct json_t *line = review_encode(&r, false), *entry, *value;
	const char *key, *want;
	void *i = NULL, *k = NULL;
	struct journal_entry e;

	(void)state;
	journal_entry_init(&e);
	entry = journal_entry_encode(&e, false);
	while (json_next(entry, &k, &want, &value)) {
		assert_true(json_next(line, &i, &key, &value));
		assert_string_equal(key, want);
	}
	json_free(entry);
	json_free(line);
	review_release(&r);
}

static void damaged_facts_are_shown_as_text(void **state)
{
	struct review r = example();

	(void)state;
	free(r.facts);
	r.facts = xstrdup("{\"half");
	check_line(&r, true, LINE_START ",\"facts\":\"{\\\"half\"}");
	review_release(&r);
}

static void an_empty_review_has_a_line(void **state)
{
	struct json_t *obj;
	struct review r;

	(void)state;
	review_init(&r);
	r.state = REVIEW_REJECTED;
	r.decided_by = xstrdup("eve");
	r.decided_ms = 5;
	obj = review_encode(&r, true);
	assert_string_equal(json_get_str(obj, "reason"), "none");
	assert_string_equal(json_get_str(obj, "state"), "rejected");
	assert_string_equal(json_get_str(obj, "status"), "done");
	assert_string_equal(json_get_str(obj, "decided_by"), "eve");
	assert_string_equal(json_get_str(obj, "decided_at"),
			    "1970-01-01T00:00:00.005Z");
	assert_true(json_is_null(json_get(obj, "sunco_user_id")));
	assert_true(json_is_null(json_get(obj, "profile_id")));
	assert_null(json_get(obj, "facts"));
	json_free(obj);
	review_release(&r);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(review_state_name(REVIEW_OPEN), "open");
	assert_string_equal(review_state_name(REVIEW_APPROVED), "approved");
	assert_string_equal(review_state_name(REVIEW_EXPIRED), "expired");
	assert_string_equal(review_state_name(REVIEW_MERGED), "merged");
	assert_string_equal(review_state_name((enum review_state)99),
			    "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_hides_the_facts),
		cmocka_unit_test(the_facts_are_shown_on_demand),
		cmocka_unit_test(the_keys_of_a_journal_line_come_first),
		cmocka_unit_test(damaged_facts_are_shown_as_text),
		cmocka_unit_test(an_empty_review_has_a_line),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
