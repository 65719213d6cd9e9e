/*
 * The journal entry: its line is an interface.
 */
#include "unit.h"

#include "base/json.h"
#include "core/journal.h"

static void fill(struct journal_entry *e)
{
	journal_entry_init(e);
	e->id = 41;
	e->at_ms = 1795341600123;
	str_copy(e->account, sizeof(e->account), "shop-1");
	e->action = ACTION_MERGE;
	e->reason = REASON_EMAIL_MATCH_VERIFIED;
	e->reasons = REASON_BIT(REASON_EMAIL_MATCH_VERIFIED);
	e->applied = true;
	e->status = JOURNAL_DONE;
	e->evidence = EVIDENCE_VERIFIED;
	e->messaging_user_id = 90071992547409;
	e->profile_id = 80071992547408;
	str_copy(e->sunco_id, sizeof(e->sunco_id), "0123456789abcdef01234567");
	e->ticket_id = 777;
	e->source = EVENT_FROM_SUNCO;
	e->job_id = 9;
	e->api_calls = 4;
}

static void assert_encoded(const struct journal_entry *e, bool personal,
			   const char *expected)
{
	struct json_t *v = journal_entry_encode(e, personal);
	char *text = json_text(v);

	assert_string_equal(text, expected);
	free(text);
	json_free(v);
}

#define MERGED                                                                 \
	"{\"id\":41,\"at\":\"2026-11-22T10:00:00.123Z\","                      \
	"\"account\":\"shop-1\",\"action\":\"merge\","                         \
	"\"reason\":\"email_match_verified\",\"applied\":true,"                \
	"\"status\":\"done\",\"evidence\":\"verified\","                       \
	"\"messaging_user_id\":90071992547409,"                                \
	"\"profile_id\":80071992547408,"                                       \
	"\"sunco_user_id\":\"0123456789abcdef01234567\","                      \
	"\"ticket_id\":777,\"source\":\"sunco\",\"job_id\":9,"                 \
	"\"api_calls\":4,\"reasons\":[\"email_match_verified\"]"

static void a_merge(void **state)
{
	struct journal_entry e;

	(void)state;
	fill(&e);
	assert_encoded(&e, false, MERGED "}");
	assert_encoded(&e, true, MERGED "}");
	journal_entry_release(&e);
}

static void what_is_absent_is_null(void **state)
{
	struct journal_entry e;

	(void)state;
	journal_entry_init(&e);
	e.source = EVENT_FROM_ZENDESK;
	e.status = JOURNAL_FAILED;
	assert_encoded(&e, false,
		       "{\"id\":null,\"at\":\"1970-01-01T00:00:00.000Z\","
		       "\"account\":\"\",\"action\":\"none\","
		       "\"reason\":\"none\",\"applied\":false,"
		       "\"status\":\"failed\",\"evidence\":\"none\","
		       "\"messaging_user_id\":null,\"profile_id\":null,"
		       "\"sunco_user_id\":null,\"ticket_id\":null,"
		       "\"source\":\"zendesk\",\"job_id\":null,"
		       "\"api_calls\":0,\"reasons\":[]}");
	journal_entry_release(&e);
}

static void additions_follow(void **state)
{
	struct journal_entry e;

	(void)state;
	fill(&e);
	e.note = xstrdup("merged, then read back");
	e.decided_by = xstrdup("kim");
	assert_encoded(&e, false,
		       MERGED ",\"note\":\"merged, then read back\","
			      "\"decided_by\":\"kim\"}");
	journal_entry_release(&e);
}

static void what_agents_did_follows(void **state)
{
	struct journal_entry e;

	(void)state;
	fill(&e);
	e.linked = LINKED_BIT(EMAILS_VERIFIED_ONLY) |
		   LINKED_BIT(EMAILS_CLAIM_VERIFIED);
	e.outcome = HINDSIGHT_OTHER;
	e.outcome_ms = 1795341600124;
	e.outcome_user = 77;
	assert_encoded(&e, false,
		       MERGED ",\"linked_under\":[\"verified_only\","
			      "\"claim_verified\"],\"outcome\":\"other\","
			      "\"outcome_at\":\"2026-11-22T10:00:00.124Z\","
			      "\"outcome_user_id\":77}");
	journal_entry_release(&e);
}

static void every_status_it_had_follows(void **state)
{
	struct journal_entry e, copy;

	(void)state;
	fill(&e);
	journal_entry_changed(
		&e, &(struct journal_change){e.at_ms, JOURNAL_PENDING});
	journal_entry_changed(
		&e, &(struct journal_change){e.at_ms + 1, JOURNAL_DONE});
	journal_entry_copy(&copy, &e);
	journal_entry_release(&e);
	assert_encoded(&copy, false,
		       MERGED ",\"changes\":["
			      "{\"at\":\"2026-11-22T10:00:00.123Z\","
			      "\"status\":\"pending\"},"
			      "{\"at\":\"2026-11-22T10:00:00.124Z\","
			      "\"status\":\"done\"}]}");
	journal_entry_release(&copy);
}

static enum hindsight outcome_of(enum action action, uint64_t profile,
				 uint64_t with)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.reason = REASON_EMAIL_DENIED;
	e.profile_id = profile;
	return journal_hindsight(&e, with);
}

static void a_merge_by_hand_is_compared(void **state)
{
	(void)state;
	assert_int_equal(outcome_of(ACTION_MERGE, 8, 8), HINDSIGHT_AGREED);
	assert_int_equal(outcome_of(ACTION_REVIEW, 8, 8), HINDSIGHT_AGREED);
	assert_int_equal(outcome_of(ACTION_MERGE, 8, 9), HINDSIGHT_OTHER);
	assert_int_equal(outcome_of(ACTION_REVIEW, 8, 9), HINDSIGHT_OTHER);
	assert_int_equal(outcome_of(ACTION_REVIEW, 0, 9), HINDSIGHT_MISSED);
	assert_int_equal(outcome_of(ACTION_REFUSE, 8, 8), HINDSIGHT_MISSED);
	assert_int_equal(outcome_of(ACTION_NONE, 8, 8), HINDSIGHT_MISSED);
	assert_int_equal(outcome_of(ACTION_ADOPT, 0, 9), HINDSIGHT_MISSED);
}

static void our_own_and_linked_ones_are_not(void **state)
{
	struct journal_entry e;

	(void)state;
	fill(&e);
	assert_int_equal(journal_hindsight(&e, e.profile_id), HINDSIGHT_NONE);
	assert_int_equal(journal_hindsight(&e, 5), HINDSIGHT_NONE);
	e.status = JOURNAL_FAILED; /* it had no effect: then agents did it */
	assert_int_equal(journal_hindsight(&e, e.profile_id), HINDSIGHT_AGREED);
	e.applied = false;
	e.action = ACTION_NONE;
	e.reason = REASON_ALREADY_LINKED;
	assert_int_equal(journal_hindsight(&e, 5), HINDSIGHT_NONE);
	journal_entry_release(&e);
}

static void every_outcome_has_a_name(void **state)
{
	enum hindsight parsed;

	(void)state;
	for (int o = HINDSIGHT_AGREED; o < HINDSIGHT_COUNT; o++) {
		assert_true(hindsight_parse(hindsight_name((enum hindsight)o),
					    &parsed));
		assert_int_equal(parsed, o);
	}
	assert_false(hindsight_parse("", &parsed));
}

static void the_before_image_is_personal(void **state)
{
	struct journal_entry e;

	(void)state;
	fill(&e);
	e.before_image = xstrdup("{\"survivor\":{\"id\":8},\"loser\":null}");
	assert_encoded(&e, false, MERGED "}");
	assert_encoded(&e, true,
		       MERGED ",\"before_image\":{\"survivor\":{\"id\":8},"
			      "\"loser\":null}}");
	free(e.before_image);
	e.before_image = xstrdup("{damaged");
	assert_encoded(&e, true, MERGED ",\"before_image\":\"{damaged\"}");
	journal_entry_release(&e);
}

static void every_reason_has_its_code(void **state)
{
	struct journal_entry e;
	struct json_t *v;

	(void)state;
	fill(&e);
	e.reasons = REASON_BIT(REASON_BRAND_MISMATCH) |
		    REASON_BIT(REASON_EMAIL_DENIED) |
		    REASON_BIT(REASON_MERGE_FAN_IN);
	v = journal_entry_encode(&e, false);
	assert_int_equal(json_len(json_get(v, "reasons")), 3);
	assert_string_equal(json_str(json_at(json_get(v, "reasons"), 0)),
			    "email_denied");
	assert_string_equal(json_str(json_at(json_get(v, "reasons"), 2)),
			    "merge_fan_in");
	json_free(v);
	journal_entry_release(&e);
}

static void a_copy_is_its_own(void **state)
{
	struct journal_entry e, copy;

	(void)state;
	fill(&e);
	e.note = xstrdup("n");
	e.before_image = xstrdup("{}");
	memset(&copy, 0xa5, sizeof(copy)); /* raw */
	journal_entry_copy(&copy, &e);
	e.note[0] = 'x';
	journal_entry_release(&e);
	assert_null(e.note);
	assert_int_equal(e.id, 0);
	assert_string_equal(copy.note, "n");
	assert_null(copy.decided_by);
	assert_encoded(&copy, true,
		       MERGED ",\"note\":\"n\",\"before_image\":{}}");
	journal_entry_release(&copy);
}

/* What a person did came from no provider. */
static void an_act_has_no_source(void **state)
{
	struct journal_entry e;
	struct json_t *v;

	(void)state;
	journal_entry_init(&e);
	e.action = ACTION_PAUSE;
	v = journal_entry_encode(&e, false);
	assert_string_equal(json_get_str(v, "action"), "pause");
	assert_true(json_is_null(json_get(v, "source")));
	json_free(v);
}

static void statuses_parse_back(void **state)
{
	static const char *const names[] = {"done", "pending", "uncertain",
					    "failed"};
	enum journal_status s;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(journal_status_parse(names[i], &s));
		assert_string_equal(journal_status_name(s), names[i]);
	}
	s = JOURNAL_FAILED;
	assert_false(journal_status_parse("Done", &s));
	assert_false(journal_status_parse("", &s));
	assert_false(journal_status_parse(NULL, &s));
	assert_int_equal(s, JOURNAL_FAILED);
	assert_string_equal(journal_status_name((enum journal_status)99),
			    "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_merge),
		cmocka_unit_test(what_is_absent_is_null),
		cmocka_unit_test(additions_follow),
		cmocka_unit_test(what_agents_did_follows),
		cmocka_unit_test(every_status_it_had_follows),
		cmocka_unit_test(a_merge_by_hand_is_compared),
		cmocka_unit_test(our_own_and_linked_ones_are_not),
		cmocka_unit_test(every_outcome_has_a_name),
		cmocka_unit_test(the_before_image_is_personal),
		cmocka_unit_test(every_reason_has_its_code),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(an_act_has_no_source),
		cmocka_unit_test(statuses_parse_back),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
