/*
 * The saga on its own: what test_linkjob.c does not reach from above.
 */
#include "unit.h"

#include "base/str.h"
#include "core/saga.h"

#define PERSON	   11
#define PROFILE	   22
#define TIMEOUT_MS 30000

static void step(struct saga *s, struct answer a, struct commands *out)
{
	a.told_ms = -1;
	out->count = 0;
	saga_step(s, &a, out);
}

/* A merge whose answer did not come in time. */
static void lose_a_merge(struct saga *s, struct commands *out)
{
	struct decision d = {
		.action = ACTION_MERGE, .profile_id = PROFILE, .applied = true};
	struct facts f;

	facts_init(&f);
	f.messaging_user.id = PERSON;
	str_copy(f.sunco.id, sizeof(f.sunco.id), "5aa1");
	saga_begin(s, &d, &f, (struct saga_allows){0}, 0, out);
	step(s, (struct answer){.to = COMMAND_INTENT, .journal_id = 1}, out);
	assert_int_equal(out->items[0].kind, COMMAND_MERGE);
	step(s,
	     (struct answer){.to = COMMAND_MERGE,
			     .result = RESULT_TEMP,
			     .sent = true,
			     .now_ms = TIMEOUT_MS},
	     out);
	assert_int_equal(out->items[0].kind, COMMAND_STORE);
	facts_release(&f);
}

/* However long it was waited for, the request may be at work still. */
static void test_a_lost_request_is_given_time_from_its_loss(void **state)
{
	struct zd_user person = {.id = PERSON, .active = true};
	struct answer unchanged = {
		.to = COMMAND_USER, .users = &person, .user_count = 1};
	struct commands out = {.count = 0};
	struct saga s;

	(void)state;
	zd_user_add_identity(&person, "messaging", "5aa1");
	lose_a_merge(&s, &out);
	step(&s, (struct answer){.to = COMMAND_STORE, .now_ms = TIMEOUT_MS},
	     &out);
	unchanged.now_ms = TIMEOUT_MS + 100;
	step(&s, unchanged, &out);
	assert_int_equal(out.items[0].kind, COMMAND_SLEEP);
	step(&s, (struct answer){.to = COMMAND_SLEEP}, &out);
	unchanged.now_ms = TIMEOUT_MS + SAGA_SETTLE_MS;
	step(&s, unchanged, &out);
	assert_int_equal(s.state, SAGA_FAILED);
	zd_user_clear_identities(&person);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_lost_request_is_given_time_from_its_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
