/*
 * A ticket's requester who is gone: merged by the person's other job at this
 * moment, or for good.
 */
#include "unit.h"

#include "world.h"

/* The person's other job is merging the requester at this moment. */
static void test_requester_that_is_gone_is_followed(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.job.sunco_id[0] = '\0';
	w.job.zendesk_user_id = WORLD_PERSON;
	w.job.ticket_id = 5;
	w.sunco.zendesk_id = 0;
	zd_user_add_identity(world_user(&w, WORLD_PROFILE), "messaging",
			     WORLD_SUNCO);
	world_user(&w, WORLD_PERSON)->active = false;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_WAIT);
	linkjob_release(&l);
	w.merged_into = WORLD_PROFILE;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.reason, REASON_ALREADY_LINKED);
	linkjob_release(&l);
	world_release(&w);
}

static void requester_gone(struct world *w)
{
	world_make_merge(w);
	w->job.sunco_id[0] = '\0';
	w->job.zendesk_user_id = WORLD_PERSON;
	world_user(w, WORLD_PERSON)->active = false;
}

/* Looks once more after so long. */
static void waits(struct world *w, int64_t wait_ms)
{
	int64_t asked_ms = w->now_ms;
	struct linkjob l;

	world_run(w, &l);
	assert_int_equal(l.end, LINKJOB_END_WAIT);
	assert_int_equal(w->now_ms - asked_ms, wait_ms);
	linkjob_release(&l);
}

static void is_gone(struct world *w)
{
	struct linkjob l;

	world_run(w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(l.decision.reason, REASON_MESSAGING_USER_GONE);
	linkjob_release(&l);
}

static void test_requester_that_stays_gone_is_gone(void **state)
{
	struct world w;

	(void)state;
	requester_gone(&w);
	waits(&w, 5000);
	is_gone(&w);
	world_release(&w);
}

/* The other job has merged, and does not see it yet; not for ever. */
static void test_requester_under_a_long_merge_is_waited_for(void **state)
{
	const int64_t waits_ms[] = {5000, 15000, 45000, 45000, 45000};
	struct world w;

	(void)state;
	requester_gone(&w);
	w.recall.merging = true;
	for (size_t i = 0; i < ARRAY_LEN(waits_ms); i++)
		waits(&w, waits_ms[i]);
	w.now_ms = w.job.deadline_ms;
	is_gone(&w);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requester_that_is_gone_is_followed),
		cmocka_unit_test(test_requester_that_stays_gone_is_gone),
		cmocka_unit_test(
			test_requester_under_a_long_merge_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
