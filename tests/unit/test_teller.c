/*
 * Notes on their way to tickets: what is told, what is not wanted any more,
 * and what is lost or refused.
 */
#include "unit.h"

#include "base/str.h"
#include "teller_rig.h"

/* --- told --- */

static void test_the_tag_comes_first(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_begin(&r);
	tell_until(&r, "told", 1);
	assert_int_equal(r.f.api->request_count, 3);
	assert_true(
		api_fixture_has(r.f.api, 1, "{\"tags\":[\"reunite_linked\"]}"));
	assert_true(api_fixture_has(r.f.api, 2, "\"public\":false"));
	assert_true(api_fixture_has(r.f.api, 2,
				    "https://acme.example/agent/users/22\\n"));
	tell_stop(&r);
}

static void test_a_new_note_takes_the_old_tags_away(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	tell_begin(&r);
	tell_until(&r, "told", 1);
	assert_int_equal(tell_asked(&r, UNTAG), 0);
	tell_merge(&r);
	teller_wake(r.t, "acme");
	tell_until(&r, "told", 2);
	assert_int_equal(
		tell_asked(&r, UNTAG "tags=reunite_review,reunite_not_linked"),
		1);
	assert_int_equal(tell_asked(&r, TICKET), 2);
	tell_stop(&r);
}

/* A trigger said that ticket 77 is user 11's. */
static void test_nothing_is_told_on_anothers_ticket(void **state)
{
	struct reply script[] = {
		ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":22}}")};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	tell_begin(&r);
	tell_until(&r, "foreign", 1);
	assert_int_equal(r.f.api->request_count, 1);
	tell_stop(&r);
}

/* Whoever died before asking must not take the answer for given. */
static void test_a_recovered_note_is_asked_about_too(void **state)
{
	struct reply script[] = {
		ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":33}}"),
		ALWAYS(LOOK, 200, NULL,
		       "{\"comments\":[],\"meta\":{\"has_more\":false}}")};
	struct rig r;
	bool unsure;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	assert_true(tell_is_due(&r, loop_wall_ms(r.f.loop), &unsure));
	flow_leap(2000, 2000); /* its lease has ended */
	tell_begin(&r);
	tell_until(&r, "foreign", 1);
	assert_int_equal(tell_asked(&r, LOOK), 1);
	assert_int_equal(r.f.api->request_count, 2);
	tell_stop(&r);
}

/* ... but after a merge it is the survivor's. */
static void test_a_merged_users_ticket_is_the_survivors(void **state)
{
	struct reply script[] = {
		ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":22}}"),
		OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_begin(&r);
	tell_until(&r, "told", 1);
	tell_stop(&r);
}

static int64_t gap_ms(struct rig *r, int requests)
{
	int64_t before_ms = loop_now_ms(r->f.loop);

	flow_until_asked(&r->f, requests);
	return loop_now_ms(r->f.loop) - before_ms;
}

static void test_there_is_a_gap_between_two(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_merge(&r);
	tell_begin(&r);
	tell_until(&r, "told", 1);
	assert_true(gap_ms(&r, 4) > TELLER_GAP_MS / 2);
	tell_until(&r, "told", 2);
	tell_stop(&r);
}

/* --- not wanted any more --- */

static void end_as(enum ticket_note level, int64_t leap_ms, const char *outcome)
{
	struct rig r;

	tell_start(&r);
	tell_decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	flow_leap(leap_ms, 0);
	r.f.account.ticket_note = level;
	tell_begin(&r);
	tell_until(&r, outcome, 1);
	assert_int_equal(r.f.api->request_count, 0);
	flow_leap(-leap_ms, 0);
	tell_stop(&r);
}

static void test_another_setting_counts_at_once(void **state)
{
	(void)state;
	end_as(NOTE_REVIEW, 0, "outdated");
}

static void test_what_is_days_old_is_not_told(void **state)
{
	(void)state;
	end_as(NOTE_ALL, TICKET_NOTE_LATE_MS + 1, "late");
}

static void test_switched_off_nothing_is_claimed(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	r.f.account.ticket_note = NOTE_OFF;
	tell_begin(&r);
	r.f.account.ticket_note = NOTE_ALL;
	r.f.account.rules.apply = APPLY_OBSERVE;
	tell_begin(&r);
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 0);
	r.f.account.rules.apply = APPLY_AUTO;
	tell_begin(&r);
	tell_until(&r, "told", 1);
	tell_stop(&r);
}

/* --- no answer --- */

static void test_a_lost_note_is_looked_up_when_it_settled(void **state)
{
	struct reply script[] = {
		OURS, OK(TAGS), REPLY(TICKET, REPLY_CUT, NULL, NULL),
		REPLY(LOOK, 200, NULL,
		      "{\"comments\":[{\"body\":\"Recorded as reunite journal "
		      "1.\",\"public\":false}],\"meta\":{\"has_more\":false}"
		      "}")};
	struct rig r;
	bool unsure;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	assert_int_equal(r.journal_id, 1);
	tell_begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_false(tell_is_due(
		&r, loop_wall_ms(r.f.loop) + TELLER_SETTLE_MS / 2, &unsure));
	flow_leap(TELLER_SETTLE_MS, TELLER_SETTLE_MS);
	teller_wake(r.t, NULL);
	tell_until(&r, "told", 1);
	assert_int_equal(tell_asked(&r, TICKET), 1);
	assert_int_equal(tell_asked(&r, LOOK), 1);
	assert_int_equal(tell_asked(&r, TAGS), 1);
	tell_stop(&r);
}

static void test_a_note_that_is_not_there_is_sent_again(void **state)
{
	struct reply script[] = {
		OURS,
		OK(TAGS),
		REPLY(TICKET, 502, NULL, "{}"),
		OK(TICKET),
		REPLY(LOOK, 503, NULL, "{}"),
		REPLY(LOOK, 200, NULL,
		      "{\"comments\":[],\"meta\":{\"has_more\":false}}")};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_begin(&r);
	for (int i = 1; i <= 2; i++) {
		flow_until_stored(&r.f, STORE_NOTED, i);
		flow_settle(&r.f);
		flow_leap(TELLER_SETTLE_MS, TELLER_SETTLE_MS);
		teller_wake(r.t, "acme");
	}
	tell_until(&r, "told", 1);
	assert_int_equal(tell_asked(&r, TICKET), 2);
	assert_int_equal(tell_asked(&r, LOOK), 2);
	tell_stop(&r);
}

/* A conflict is about the one ticket: the others' turn. */
static void test_a_conflict_holds_up_one_note(void **state)
{
	struct reply script[] = {
		OURS, REPLY(TAGS, 409, NULL, "{\"error\":\"UpdateConflict\"}"),
		OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_merge(&r);
	tell_begin(&r);
	flow_until_asked(&r.f, 3); /* at once */
	tell_until(&r, "told", 2);
	assert_int_equal(tell_asked(&r, TICKET), 2);
	tell_stop(&r);
}

/* No answer holds up the account's notes, not only the one. */
static void test_no_answer_holds_up_all(void **state)
{
	struct reply script[] = {OURS,
				 REPLY(TAGS, 429, "Retry-After: 60\r\n", "{}"),
				 OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_merge(&r);
	tell_begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 1);
	teller_wake(r.t, "acme");
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 1);
	flow_leap(70000, 70000);
	teller_wake(r.t, "acme");
	tell_until(&r, "told", 2);
	tell_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_tag_comes_first),
		cmocka_unit_test(test_a_new_note_takes_the_old_tags_away),
		cmocka_unit_test(test_nothing_is_told_on_anothers_ticket),
		cmocka_unit_test(test_a_recovered_note_is_asked_about_too),
		cmocka_unit_test(test_a_merged_users_ticket_is_the_survivors),
		cmocka_unit_test(test_there_is_a_gap_between_two),
		cmocka_unit_test(test_another_setting_counts_at_once),
		cmocka_unit_test(test_what_is_days_old_is_not_told),
		cmocka_unit_test(test_switched_off_nothing_is_claimed),
		cmocka_unit_test(test_a_lost_note_is_looked_up_when_it_settled),
		cmocka_unit_test(test_a_note_that_is_not_there_is_sent_again),
		cmocka_unit_test(test_a_conflict_holds_up_one_note),
		cmocka_unit_test(test_no_answer_holds_up_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
