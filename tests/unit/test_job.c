/*
 * The job as a value: names, whose it is, its line.
 */
#include "unit.h"

#include "base/json.h"
#include "core/job.h"

static void states_parse_back(void **state)
{
	static const char *const names[JOB_STATE_COUNT] = {
		"ready", "running", "waiting", "review", "dead", "done"};
	enum job_state s;

	(void)state;
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		assert_string_equal(job_state_name((enum job_state)i),
				    names[i]);
		assert_true(job_state_parse(names[i], &s));
		assert_int_equal(s, i);
	}
	s = JOB_DEAD;
	assert_false(job_state_parse("READY", &s));
	assert_false(job_state_parse("", &s));
	assert_false(job_state_parse(NULL, &s));
	assert_int_equal(s, JOB_DEAD);
	assert_string_equal(job_state_name(JOB_STATE_COUNT), "unknown");
}

static void lanes_have_names(void **state)
{
	(void)state;
	assert_string_equal(job_lane_name(LANE_LIVE), "live");
	assert_string_equal(job_lane_name(LANE_REVIEW), "review");
	assert_string_equal(job_lane_name(LANE_BACKFILL), "backfill");
	assert_string_equal(job_lane_name(LANE_COUNT), "unknown");
}

static void persons(void **state)
{
	char person[PERSON_SIZE], id[SUNCO_ID_SIZE + 1];

	(void)state;
	assert_true(job_person(person, "0123abcd", 5));
	assert_string_equal(person, "s:0123abcd");
	assert_true(job_person(person, "", 18446744073709551615u));
	assert_string_equal(person, "z:18446744073709551615");
	assert_true(job_person(person, NULL, 5));
	assert_string_equal(person, "z:5");
	assert_false(job_person(person, "", 0));
	assert_false(job_person(person, NULL, 0));
	/* the longest id fits; a longer one is not cut to somebody else's */
	memset(id, 'a', sizeof(id));
	id[SUNCO_ID_SIZE - 1] = '\0';
	assert_true(job_person(person, id, 0));
	assert_int_equal(strlen(person), SUNCO_ID_SIZE + 1);
	id[SUNCO_ID_SIZE - 1] = 'a';
	id[SUNCO_ID_SIZE] = '\0';
	assert_false(job_person(person, id, 0));
}

static void a_copy_is_its_own(void **state)
{
	struct job j, copy;

	(void)state;
	job_init(&j);
	j.id = 3;
	j.progress = xstrdup("{}");
	j.last_error = xstrdup("timed out");
	memset(&copy, 0xa5, sizeof(copy)); /* raw */
	job_copy(&copy, &j);
	job_release(&j);
	assert_null(j.progress);
	assert_int_equal(j.id, 0);
	assert_int_equal(copy.id, 3);
	assert_string_equal(copy.progress, "{}");
	assert_string_equal(copy.last_error, "timed out");
	job_release(&copy);
	job_copy(&copy, &j);
	assert_null(copy.progress);
	job_release(&copy);
}

static void assert_encoded(const struct job *j, const char *expected)
{
	struct json_t *v = job_encode(j);
	char *text = json_text(v);

	assert_string_equal(text, expected);
	free(text);
	json_free(v);
}

static void the_line(void **state)
{
	struct job j;

	(void)state;
	job_init(&j);
	j.id = 3;
	str_copy(j.account, sizeof(j.account), "shop-1");
	j.state = JOB_DEAD;
	j.lane = LANE_BACKFILL;
	j.created_ms = 1795341600123;
	j.run_at_ms = 1795341601000;
	j.attempts = 8;
	str_copy(j.sunco_id, sizeof(j.sunco_id), "0123abcd");
	j.ticket_id = 12;
	j.source = EVENT_FROM_ZENDESK;
	j.progress = xstrdup("{\"address\":\"p@x.example\"}");
	j.last_error = xstrdup("timed out");
	assert_encoded(&j,
		       "{\"id\":3,\"account\":\"shop-1\",\"state\":\"dead\","
		       "\"lane\":\"backfill\","
		       "\"created_at\":\"2026-11-22T10:00:00.123Z\","
		       "\"run_at\":\"2026-11-22T10:00:01.000Z\","
		       "\"deadline\":null,\"attempts\":8,"
		       "\"sunco_user_id\":\"0123abcd\","
		       "\"zendesk_user_id\":null,\"ticket_id\":12,"
		       "\"conversation_id\":null,\"source\":\"zendesk\","
		       "\"review_id\":null,\"journal_id\":null,"
		       "\"last_error\":\"timed out\"}");
	job_release(&j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_parse_back),
		cmocka_unit_test(lanes_have_names),
		cmocka_unit_test(persons),
		cmocka_unit_test(a_copy_is_its_own),
		cmocka_unit_test(the_line),
	};

	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
