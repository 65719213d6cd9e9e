/*
 * Claims right behind what wakes jobs: in its transaction, once, and never
 * lost.
 */
#include "unit.h"

#include "flow_rig.h"

#include "app/scheduler.h"
#include "base/str.h"

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static struct scheduler *start(struct flow *f)
{
	struct scheduler *s =
		scheduler_new(f->loop, f->q, f->leases, f->hmac, on_watch, f);

	scheduler_set_account(s, &f->account, f->api->api);
	flow_until_stored(f, STORE_CLAIM, 1);
	flow_settle(f);
	return s;
}

static bool no_more(struct flow *f, void *arg)
{
	(void)f;
	return scheduler_runs(arg) == 0;
}

static void on_stored(struct store_op *op, void *arg)
{
	*(int *)arg = store_gate_count(STORE_CLAIM);
	store_op_release(op);
}

/* Somebody comes, and the claim is right behind. stored: how many there were
 * when that is known. */
static void come_along(struct flow *f, struct scheduler *s, struct store_op *op,
		       int *stored)
{
	*stored = 0;
	store_op_init(op, STORE_ENQUEUE);
	op->u.enqueue.account = "acme";
	op->u.enqueue.sunco_id = FLOW_SUNCO;
	op->u.enqueue.now_ms = loop_wall_ms(f->loop);
	storeq_submit(f->q, op, on_stored, stored);
	assert_true(scheduler_claim_along(s, "acme"));
}

static void test_who_comes_is_claimed_at_once(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct store_op op;
	struct scheduler *s;
	struct flow f;
	int stored, claims;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	claims = store_gate_count(STORE_CLAIM);
	come_along(&f, s, &op, &stored);
	assert_false(scheduler_claim_along(s, "acme")); /* one at a time */
	flow_until_asked(&f, 1);
	/* at most its own; when the run is over it claims anew */
	assert_in_range(stored, claims, claims + 1);
	flow_until(&f, no_more, s);
	scheduler_free(s);
	flow_stop(&f);
}

/* The claim fails, what it was for is stored: nobody is forgotten. */
static void test_a_claim_along_that_fails_is_made_again(void **state)
{
	struct reply script[] = {FLOW_STRANGER};
	struct store_op op;
	struct scheduler *s;
	struct flow f;
	int stored;

	(void)state;
	flow_start(&f);
	api_fixture_script(f.api, script, ARRAY_LEN(script));
	s = start(&f);
	store_gate_spoil(STORE_CLAIM, 2); /* in the batch, and alone */
	come_along(&f, s, &op, &stored);
	flow_until_asked(&f, 1);
	flow_until(&f, no_more, s);
	scheduler_free(s);
	flow_stop(&f);
}

static void test_nothing_is_claimed_along_for_who_may_not_run(void **state)
{
	struct flow f;
	struct scheduler *s;

	(void)state;
	flow_start(&f);
	s = start(&f);
	assert_false(scheduler_claim_along(s, "nobody"));
	scheduler_stop_account(s, "acme");
	assert_false(scheduler_claim_along(s, "acme"));
	scheduler_free(s);
	flow_stop(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_comes_is_claimed_at_once),
		cmocka_unit_test(test_a_claim_along_that_fails_is_made_again),
		cmocka_unit_test(
			test_nothing_is_claimed_along_for_who_may_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
