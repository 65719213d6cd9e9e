/*
 * What a run leaves for hindsight: under which settings its decision would
 * have linked, and that the user of last time is gone.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

enum { EVERY_SETTING = 7 };

static unsigned linked(const struct linkjob *l)
{
	struct journal_entry e;
	unsigned mask;

	linkjob_entry(l, &e);
	mask = e.linked;
	journal_entry_release(&e);
	return mask;
}

static void test_entry_tells_the_settings(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.settings.rules.apply = APPLY_OBSERVE;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_MERGE);
	assert_int_equal(linked(&l), EVERY_SETTING);
	linkjob_release(&l);
	world_release(&w);

	world_make_merge(&w);
	w.sunco.authenticated = false; /* it was only typed */
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(linked(&l), LINKED_BIT(EMAILS_CLAIM_VERIFIED));
	linkjob_release(&l);
	world_release(&w);
}

static void test_resumed_entry_still_tells(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.fault = FAULT_CRASH_AFTER;
	w.at_kind = COMMAND_MERGE;
	w.at = 1;
	world_live(&w, 1);
	assert_true(w.crashed);
	w.at = 0;
	world_run(&w, &l);
	assert_int_equal(l.end, LINKJOB_END_DECIDED);
	assert_int_equal(w.merges, 1);
	assert_int_equal(linked(&l), EVERY_SETTING);
	linkjob_release(&l);
	world_release(&w);
}

static void test_refused_merge_links_under_none(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	world_make_merge(&w);
	w.refuses_merge = true;
	world_run(&w, &l);
	assert_int_equal(l.decision.action, ACTION_REVIEW);
	assert_int_equal(l.decision.reason, REASON_MERGE_REFUSED);
	assert_int_equal(linked(&l), 0);
	linkjob_release(&l);
	world_release(&w);
}

/* The conversation's user of last time was merged by somebody. */
static void run_after_merge(struct world *w, struct linkjob *l)
{
	struct zd_user *person;

	world_make_merge(w);
	w->job.zendesk_user_id = WORLD_PERSON;
	w->sunco.zendesk_id = WORLD_PROFILE;
	zd_user_add_identity(world_user(w, WORLD_PROFILE), "messaging",
			     WORLD_SUNCO);
	person = world_user(w, WORLD_PERSON);
	person->active = false;
	free(person->identities[0].value);
	person->identities[0].value = xstrdup("moved");
	world_run(w, l);
}

static void test_user_of_last_time_is_gone(void **state)
{
	struct world w;
	struct linkjob l;

	(void)state;
	run_after_merge(&w, &l);
	assert_int_equal(l.gone, WORLD_PERSON);
	assert_int_equal(l.facts.messaging_user.id, WORLD_PROFILE);
	linkjob_release(&l);
	world_release(&w);

	world_make_merge(&w);
	w.job.zendesk_user_id = WORLD_PERSON;
	world_run(&w, &l);
	assert_int_equal(l.gone, 0);
	linkjob_release(&l);
	world_release(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_tells_the_settings),
		cmocka_unit_test(test_resumed_entry_still_tells),
		cmocka_unit_test(test_refused_merge_links_under_none),
		cmocka_unit_test(test_user_of_last_time_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
