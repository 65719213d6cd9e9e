/*
 * A teller whose store fails, whose account goes, and its end in between.
 */
#include "unit.h"

#include "base/str.h"
#include "teller_rig.h"

/* --- the store fails --- */

static void test_what_was_told_is_stored_in_the_end(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	store_gate_spoil(STORE_NOTED, 2);
	tell_begin(&r);
	flow_until_stored(&r.f, STORE_NOTED, 3);
	flow_settle(&r.f);
	assert_int_equal(r.f.api->request_count, 3);
	assert_true(tell_counted("told") == 1);
	tell_stop(&r);
}

/* The timer of an idle time before must not store it a second time. */
static void test_an_end_is_stored_once(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_begin(&r);
	flow_until_stored(&r.f, STORE_NOTE, 1);
	flow_settle(&r.f);
	tell_merge(&r);
	store_gate_hold_at(STORE_NOTED);
	teller_wake(r.t, "acme");
	flow_until_asked(&r.f, 3);
	flow_settle(&r.f);
	store_gate_await_held();
	flow_leap(60000, 60000);
	flow_settle(&r.f);
	store_gate_hold_at(-1);
	tell_until(&r, "told", 1);
	assert_int_equal(store_gate_count(STORE_NOTED), 1);
	tell_stop(&r);
}

static void test_a_claim_that_fails_is_tried_again(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	store_gate_spoil(STORE_NOTE, 1);
	tell_begin(&r);
	tell_until(&r, "told", 1);
	assert_int_equal(r.f.api->request_count, 3);
	tell_stop(&r);
}

/* --- ends --- */

static struct reply silence[] = {ALWAYS(ASK, REPLY_SILENCE, NULL, NULL)};

/* The lease of a note whose teller is gone ends; it may have been sent. */
static void test_a_free_drops_what_is_under_way(void **state)
{
	struct rig r;
	bool unsure;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, silence, 1);
	tell_merge(&r);
	tell_begin(&r);
	flow_until_asked(&r.f, 1);
	teller_free(r.t);
	r.t = NULL;
	flow_settle(&r.f);
	assert_false(tell_is_due(&r, loop_wall_ms(r.f.loop), &unsure));
	assert_true(tell_is_due(&r, loop_wall_ms(r.f.loop) + TELLER_LEASE_MS,
				&unsure));
	assert_true(unsure);
	tell_stop(&r);
}

static void hold_a_claim(struct rig *r)
{
	tell_merge(r);
	store_gate_hold_at(STORE_NOTE);
	tell_begin(r);
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
	assert_true(tell_is_due(r, loop_wall_ms(r->f.loop), &unsure));
	assert_false(unsure);
}

static void test_a_free_gives_back_what_it_did_not_begin(void **state)
{
	struct rig r;

	(void)state;
	tell_start(&r);
	hold_a_claim(&r);
	teller_free(r.t);
	r.t = NULL;
	expect_given_back(&r);
	tell_stop(&r);
}

static void test_an_account_that_goes_gives_it_back(void **state)
{
	struct rig r;

	(void)state;
	tell_start(&r);
	hold_a_claim(&r);
	teller_stop_account(r.t, "acme");
	expect_given_back(&r);
	tell_stop(&r);
}

/* Between the tag and the note: nothing more is written for it. */
static void test_an_account_that_goes_gets_no_note(void **state)
{
	struct reply script[] = {OURS, OK(TAGS)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, 1);
	tell_merge(&r);
	tell_begin(&r);
	r.f.api->stop_at = 1;
	wire_run(r.f.loop); /* until the server has the request */
	teller_stop_account(r.t, "acme");
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_int_equal(tell_asked(&r, TICKET), 0);
	tell_stop(&r);
}

/* It was stopped until another one may have the note: nothing is written. */
static void test_a_note_whose_lease_ran_out(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_begin(&r);
	r.f.api->stop_at = 1;
	wire_run(r.f.loop); /* until the server has the first request */
	flow_leap(0, TELLER_LEASE_MS);
	flow_until_stored(&r.f, STORE_NOTED, 1);
	assert_int_equal(tell_asked(&r, TAGS), 0);
	assert_int_equal(tell_asked(&r, TICKET), 0);
	assert_false(api_client_is_held(r.f.api->api));
	tell_stop(&r);
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
	tell_start(&r);
	teller_drain(r.t, on_drained, &drained);
	assert_false(drained); /* not from inside */
	flow_until(&r.f, is_set, &drained);
	tell_stop(&r);
}

static void test_a_drain_waits_for_the_note_under_way(void **state)
{
	struct reply script[] = {OURS, OK(TAGS), OK(TICKET)};
	struct rig r;
	bool drained = false;

	(void)state;
	tell_start(&r);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_merge(&r);
	tell_begin(&r);
	flow_until_asked(&r.f, 1);
	teller_drain(r.t, on_drained, &drained);
	flow_until(&r.f, is_set, &drained);
	assert_true(tell_counted("told") == 1);
	teller_wake(r.t, "acme");
	flow_leap(TELLER_GAP_MS, TELLER_GAP_MS);
	flow_settle(&r.f);
	assert_int_equal(store_gate_count(STORE_NOTE), 1);
	tell_stop(&r);
}

/* Whoever took it over has another lease; nothing is told twice for it. */
static void test_a_lease_that_was_lost(void **state)
{
	struct reply script[] = {OURS, OK(TAGS),
				 REPLY(TICKET, REPLY_SILENCE, NULL, NULL)};
	struct rig r;
	bool unsure;

	(void)state;
	tell_start(&r);
	r.f.api->config.timeout_ms = 300;
	api_fixture_client(r.f.api);
	api_fixture_script(r.f.api, script, ARRAY_LEN(script));
	tell_merge(&r);
	tell_begin(&r);
	flow_until_asked(&r.f, 2);
	assert_true(tell_is_due(&r, loop_wall_ms(r.f.loop) + TELLER_LEASE_MS,
				&unsure));
	flow_until_stored(&r.f, STORE_NOTED, 1);
	flow_settle(&r.f);
	assert_int_equal(tell_asked(&r, TICKET), 1);
	tell_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_was_told_is_stored_in_the_end),
		cmocka_unit_test(test_an_end_is_stored_once),
		cmocka_unit_test(test_a_claim_that_fails_is_tried_again),
		cmocka_unit_test(test_a_free_drops_what_is_under_way),
		cmocka_unit_test(test_a_free_gives_back_what_it_did_not_begin),
		cmocka_unit_test(test_an_account_that_goes_gives_it_back),
		cmocka_unit_test(test_an_account_that_goes_gets_no_note),
		cmocka_unit_test(test_a_note_whose_lease_ran_out),
		cmocka_unit_test(test_an_idle_drain_ends_at_once),
		cmocka_unit_test(test_a_drain_waits_for_the_note_under_way),
		cmocka_unit_test(test_a_lease_that_was_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
