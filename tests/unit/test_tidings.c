/*
 * The last events of Zendesk's: the newest ones, in their order, and nothing
 * that is no event subscription's.
 */
#include "unit.h"

#include "app/tidings.h"

static void put(struct tidings *t, uint64_t user)
{
	struct event e = {.type = "user.created", .zendesk_user_id = user};

	tidings_put(t, "acme", &e, (int64_t)user * 10);
}

static void test_what_is_kept_of_one(void **state)
{
	struct event e = {.type = "user.merged",
			  .zendesk_user_id = 7,
			  .other_zendesk_user_id = 8,
			  .sunco_id = "5aa1"};
	struct tidings *t = tidings_new();
	const struct tiding *row;

	(void)state;
	assert_null(tidings_at(t, 0));
	tidings_put(t, "acme", &e, 99);
	e.type = NULL; /* a trigger, or SunCo's */
	tidings_put(t, "acme", &e, 100);
	assert_null(tidings_at(t, 1));
	row = tidings_at(t, 0);
	assert_string_equal(row->account, "acme");
	assert_string_equal(row->type, "user.merged");
	assert_int_equal(row->user_id, 7);
	assert_int_equal(row->other_user_id, 8);
	assert_string_equal(row->sunco_id, "5aa1");
	assert_int_equal(row->received_ms, 99);
	tidings_free(t);
	tidings_free(NULL);
}

static void test_the_newest_stay(void **state)
{
	struct tidings *t = tidings_new();

	(void)state;
	for (uint64_t n = 1; n <= TIDINGS_MAX + 3; n++)
		put(t, n);
	for (size_t i = 0; i < TIDINGS_MAX; i++)
		assert_int_equal(tidings_at(t, i)->user_id, i + 4);
	assert_null(tidings_at(t, TIDINGS_MAX));
	tidings_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept_of_one),
		cmocka_unit_test(test_the_newest_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
