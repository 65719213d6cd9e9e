/*
 * Notes on their way to tickets: what is lost, refused, too late or not
 * wanted any more; accounts that go, stores that fail, and an end in between.
 */
#include "unit.h"

#include "flow_rig.h"

#include "app/teller.h"
#include "base/buf.h"
#include "base/metrics.h"
#include "base/str.h"

#define TICKET "PUT /api/v2/tickets/77 "
#define TAGS   "PUT /api/v2/tickets/77/tags "
#define UNTAG  "DELETE /api/v2/tickets/77/tags?"
#define LOOK   "GET /api/v2/tickets/77/comments?"
#define ASK    "GET /api/v2/tickets/77 "
#define OURS   ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":11}}")
#define OK(m)  ALWAYS(m, 200, NULL, "{\"ticket\":{},\"tags\":[]}")

struct rig {
	struct flow f;
	struct teller *t;
	int64_t journal_id; /* of the last note */
};

static void start(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	flow_start(&r->f);
	r->f.account.zendesk_url = xstrdup("https://acme.example");
	r->f.account.ticket_note = NOTE_ALL;
	r->t = teller_new(r->f.loop, r->f.q);
}

static void stop(struct rig *r)
{
	teller_free(r->t);
	free(r->f.account.zendesk_url);
	flow_stop(&r->f);
}

static void begin(struct rig *r)
{
	teller_set_account(r->t, &r->f.account, r->f.api->api);
}

/* A decision with a note for ticket 77. */
static void decide(struct rig *r, enum action action, enum reason why)
{
	struct journal_entry e;
	struct job job = flow_running(&r->f);
	struct store_op op;

	journal_entry_init(&e);
	e.action = action;
	e.reason = why;
	e.reasons = REASON_BIT(why);
	e.applied = action == ACTION_MERGE;
	e.evidence = EVIDENCE_VERIFIED;
	e.messaging_user_id = 11;
	e.profile_id = 22;
	store_op_init(&op, STORE_SETTLE);
	op.u.settle.job_id = job.id;
	op.u.settle.token = job.token;
	op.u.settle.gen = job.gen;
	op.u.settle.state = JOB_DONE;
	op.u.settle.ticket_id = 77;
	op.u.settle.now_ms = loop_wall_ms(r->f.loop);
	op.u.settle.entry = &e;
	op.u.settle.note = true;
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	assert_true(op.u.settle.noted);
	r->journal_id = op.u.settle.journal_id;
	store_op_release(&op);
	job_release(&job);
}

static void merge(struct rig *r)
{
	decide(r, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);
}

static double counted(const char *outcome)
{
	return metric_value(metric_get(METRIC_NOTES, "acme", outcome));
}

struct wanted {
	const char *outcome;
	int count;
};

static bool is_counted(struct flow *f, void *arg)
{
	const struct wanted *w = arg;

	(void)f;
	return (int)counted(w->outcome) >= w->count;
}

/* Until so many notes came to this, and the store knows: it works in order. */
static void until(struct rig *r, const char *outcome, int count)
{
	struct wanted w = {outcome, count};
	struct store_op op;

	flow_until(&r->f, is_counted, &w);
	store_op_init(&op, STORE_PROBE);
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	flow_settle(&r->f);
}

static int asked(const struct rig *r, const char *what)
{
	return api_fixture_count(r->f.api, what);
}

/* Is a note due at this time? Takes its lease. */
static bool is_due(struct rig *r, int64_t at_ms, bool *unsure)
{
	struct store_op op;
	bool due;

	store_op_init(&op, STORE_NOTE);
	op.u.note_claim.account = "acme";
	op.u.note_claim.now_ms = at_ms;
	op.u.note_claim.lease_ms = 1000;
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	due = op.u.note_claim.note.id != 0;
	*unsure = op.u.note_claim.note.unsure;
	store_op_release(&op);
	return due;
}

/* --- told --- */

static void test_the_tag_comes_first(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	begin(&r);
	until(&r, "told", 1);
	assert_int_equal(r.f.api->request_count, 3);
	assert_true(
		api_fixture_has(r.f.api, 1, "{\"tags\":[\"reunite_linked\"]}"));
	assert_true(api_fixture_has(r.f.api, 2, "\"public\":false"));
	assert_true(api_fixture_has(r.f.api, 2,
				    "https://acme.example/agent/users/22\\n"));
	stop(&r);
}

static void test_a_new_note_takes_the_old_tags_away(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	begin(&r);
	until(&r, "told", 1);
	assert_int_equal(asked(&r, UNTAG), 0);
	merge(&r);
	teller_wake(r.t, "acme");
	until(&r, "told", 2);
	assert_int_equal(
		asked(&r, UNTAG "tags=reunite_review,reunite_not_linked"), 1);
	assert_int_equal(asked(&r, TICKET), 2);
	stop(&r);
}

/* A trigger said that ticket 77 is user 11's. */
static void test_nothing_is_told_on_anothers_ticket(void **state)
{
	struct reply script[] = {
		ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":22}}")};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	begin(&r);
	until(&r, "foreign", 1);
	assert_int_equal(r.f.api->request_count, 1);
	stop(&r);
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
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	assert_true(is_due(&r, loop_wall_ms(r.f.loop), &unsure));
	flow_leap(2000, 2000); /* its lease has ended */
	begin(&r);
	until(&r, "foreign", 1);
	assert_int_equal(asked(&r, LOOK), 1);
	assert_int_equal(r.f.api->request_count, 2);
	stop(&r);
}

/* ... but after a merge it is the survivor's. */
static void test_a_merged_users_ticket_is_the_survivors(void **state)
{
	struct reply script[] = {
		ALWAYS(ASK, 200, NULL, "{\"ticket\":{\"requester_id\":22}}"),
		OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	begin(&r);
	until(&r, "told", 1);
	stop(&r);
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
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	merge(&r);
	begin(&r);
	until(&r, "told", 1);
	assert_true(gap_ms(&r, 4) > TELLER_GAP_MS / 2);
	until(&r, "told", 2);
	stop(&r);
}

/* --- not wanted any more --- */

static void end_as(enum ticket_note level, int64_t leap_ms, const char *outcome)
{
	struct rig r;

	start(&r);
	decide(&r, ACTION_REFUSE, REASON_PROFILE_IS_AGENT);
	flow_leap(leap_ms, 0);
	r.f.account.ticket_note = level;
	begin(&r);
	until(&r, outcome, 1);
	assert_int_equal(r.f.api->request_count, 0);
	flow_leap(-leap_ms, 0);
	stop(&r);
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
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	r.f.account.ticket_note = NOTE_OFF;
	begin(&r);
	r.f.account.ticket_note = NOTE_ALL;
	r.f.account.rules.apply = APPLY_OBSERVE;
	begin(&r);
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 0);
	r.f.account.rules.apply = APPLY_AUTO;
	begin(&r);
	until(&r, "told", 1);
	stop(&r);
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
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	assert_int_equal(r.journal_id, 1);
	begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_false(is_due(&r, loop_wall_ms(r.f.loop) + TELLER_SETTLE_MS / 2,
			    &unsure));
	flow_leap(TELLER_SETTLE_MS, TELLER_SETTLE_MS);
	teller_wake(r.t, NULL);
	until(&r, "told", 1);
	assert_int_equal(asked(&r, TICKET), 1);
	assert_int_equal(asked(&r, LOOK), 1);
	assert_int_equal(asked(&r, TAGS), 1);
	stop(&r);
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
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	begin(&r);
	for (int i = 1; i <= 2; i++) {
		flow_until_stored(&r.f, STORE_NOTED, i);
		flow_settle(&r.f);
		flow_leap(TELLER_SETTLE_MS, TELLER_SETTLE_MS);
		teller_wake(r.t, "acme");
	}
	until(&r, "told", 1);
	assert_int_equal(asked(&r, TICKET), 2);
	assert_int_equal(asked(&r, LOOK), 2);
	stop(&r);
}

/* A conflict is about the one ticket: the others' turn. */
static void test_a_conflict_holds_up_one_note(void **state)
{
	struct reply script[] = {
		OURS, REPLY(TAGS, 409, NULL, "{\"error\":\"UpdateConflict\"}"),
		OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	merge(&r);
	begin(&r);
	flow_until_asked(&r.f, 3); /* at once */
	until(&r, "told", 2);
	assert_int_equal(asked(&r, TICKET), 2);
	stop(&r);
}

/* No answer holds up the account's notes, not only the one. */
static void test_no_answer_holds_up_all(void **state)
{
	struct reply script[] = {OURS,
				 REPLY(TAGS, 429, "Retry-After: 60\r\n", "{}"),
				 OK(TAGS), OK(TICKET), OK(UNTAG)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	merge(&r);
	begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 1);
	teller_wake(r.t, "acme");
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 1);
	flow_leap(70000, 70000);
	teller_wake(r.t, "acme");
	until(&r, "told", 2);
	stop(&r);
}

/* --- the store fails --- */

static void test_what_was_told_is_stored_in_the_end(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	store_gate_spoil(STORE_NOTED, 2);
	begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 3);
	flow_settle(&r.f);
	assert_int_equal(r.f.api->request_count, 3);
	assert_true(counted("told") == 1);
	stop(&r);
}

static void test_a_claim_that_fails_is_tried_again(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	store_gate_spoil(STORE_NOTE, 1);
	begin(&r);
	until(&r, "told", 1);
	assert_int_equal(r.f.api->request_count, 3);
	stop(&r);
}

/* --- ends --- */

static struct reply silence[] = {ALWAYS(ASK, REPLY_SILENCE, NULL, NULL)};

/* The lease of a note whose teller is gone ends; it may have been sent. */
static void test_a_free_drops_what_is_under_way(void **state)
{
	struct rig r;
	bool unsure;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, silence, 1);
	merge(&r);
	begin(&r);
	flow_until_asked(&r.f, 1);
	teller_free(r.t);
	r.t = NULL;
	flow_settle(&r.f);
	assert_false(is_due(&r, loop_wall_ms(r.f.loop), &unsure));
	assert_true(
		is_due(&r, loop_wall_ms(r.f.loop) + TELLER_LEASE_MS, &unsure));
	assert_true(unsure);
	stop(&r);
}

static void hold_a_claim(struct rig *r)
{
	merge(r);
	store_gate_hold_at(STORE_NOTE);
	begin(r);
	flow_settle(&r->f);
	store_gate_await_held();
}

static void expect_given_back(struct rig *r)
{
	bool unsure;

	store_gate_hold_at(-1);
	flow_until_stored(&r->f, STORE_NOTED, 1);
	flow_settle(&r->f);
	assert_int_equal(r->f.api->request_count, 0);
	assert_true(is_due(r, loop_wall_ms(r->f.loop), &unsure));
	assert_false(unsure);
}

static void test_a_free_gives_back_what_it_did_not_begin(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	hold_a_claim(&r);
	teller_free(r.t);
	r.t = NULL;
	expect_given_back(&r);
	stop(&r);
}

static void test_an_account_that_goes_gives_it_back(void **state)
{
	struct rig r;

	(void)state;
	start(&r);
	hold_a_claim(&r);
	teller_stop_account(r.t, "acme");
	expect_given_back(&r);
	stop(&r);
}

/* Between the tag and the note: nothing more is written for it. */
static void test_an_account_that_goes_gets_no_note(void **state)
{
	struct reply script[] = {OURS, OK(TAGS)};
	struct rig r;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, 1);
	merge(&r);
	begin(&r);
	r.f.api->stop_at = 1;
	wire_run(r.f.loop); /* until the server has the request */
	teller_stop_account(r.t, "acme");
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_int_equal(asked(&r, TICKET), 0);
	stop(&r);
}

static void on_drained(void *arg)
{
	*(bool *)arg = true;
}

static bool is_set(struct flow *f, void *arg)
{
	(void)f;
	return *(bool *)arg;
}

static void test_an_idle_drain_ends_at_once(void **state)
{
	struct rig r;
	bool drained = false;

	(void)state;
	start(&r);
	teller_drain(r.t, on_drained, &drained);
	assert_false(drained); /* not from inside */
	flow_until(&r.f, is_set, &drained);
	stop(&r);
}

static void test_a_drain_waits_for_the_note_under_way(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;
	bool drained = false;

	(void)state;
	start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	merge(&r);
	begin(&r);
	flow_until_asked(&r.f, 1);
	teller_drain(r.t, on_drained, &drained);
	flow_until(&r.f, is_set, &drained);
	assert_true(counted("told") == 1);
	teller_wake(r.t, "acme");
	flow_leap(TELLER_GAP_MS, TELLER_GAP_MS);
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 1);
	stop(&r);
}

/* Whoever took it over has another lease; nothing is told twice for it. */
static void test_a_lease_that_was_lost(void **state)
{
	struct reply script[] = {OURS, OK(TAGS),
				 REPLY(TICKET, REPLY_SILENCE, NULL, NULL)};
	struct rig r;
	bool unsure;

	(void)state;
	start(&r);
	r.f.api->config.timeout_ms = 300;
	api_fixture_client(r.f.api);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	merge(&r);
	begin(&r);
	flow_until_asked(&r.f, 2);
	assert_true(
		is_due(&r, loop_wall_ms(r.f.loop) + TELLER_LEASE_MS, &unsure));
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_int_equal(asked(&r, TICKET), 1);
	stop(&r);
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
		cmocka_unit_test(test_what_was_told_is_stored_in_the_end),
		cmocka_unit_test(test_a_claim_that_fails_is_tried_again),
		cmocka_unit_test(test_a_free_drops_what_is_under_way),
		cmocka_unit_test(test_a_free_gives_back_what_it_did_not_begin),
		cmocka_unit_test(test_an_account_that_goes_gives_it_back),
		cmocka_unit_test(test_an_account_that_goes_gets_no_note),
		cmocka_unit_test(test_an_idle_drain_ends_at_once),
		cmocka_unit_test(test_a_drain_waits_for_the_note_under_way),
		cmocka_unit_test(test_a_lease_that_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
