/*
 * What is remembered of whom a run saw, and when a loss is the other side of
 * a gain.
 */
#include "unit.h"

#include "base/str.h"
#include "core/owner.h"

#define NOW    INT64_C(1800000000000)
#define WINDOW OWNER_COINCIDE_MS

static void test_loss_and_gain(void **state)
{
	static const struct {
		int64_t seen_ms, lost_ms, changed_ms;
		bool coincides;
	} rows[] = {
		/* read or told that it was there shortly before */
		{NOW, 0, NOW, true},
		{NOW - WINDOW, 0, NOW, true},
		{NOW - WINDOW - 1, 0, NOW, false},
		{1, NOW - WINDOW, NOW, true},
		{1, NOW - WINDOW - 1, NOW, false},
		{0, NOW, NOW, true},
		/* clocks differ a little, not much */
		{1, NOW + WINDOW, NOW, true},
		{1, NOW + WINDOW + 1, NOW, false},
		/* the later of the two */
		{NOW - 1, NOW - 2 * WINDOW, NOW, true},
		{NOW - 2 * WINDOW, NOW - 1, NOW, true},
		/* an event alone is nothing */
		{1, NOW, NOW - WINDOW - 1, false},
		{1, NOW, NOW + WINDOW + 1, false},
		{1, NOW, NOW - WINDOW, true},
		{1, NOW, NOW + WINDOW, true},
		{1, NOW, 0, false},
		/* nothing is known */
		{0, 0, NOW, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct owner o = {.seen_ms = rows[i].seen_ms,
				  .lost_ms = rows[i].lost_ms};

		print_message("%zu\n", i);
		assert_int_equal(
			owner_loss_coincides(&o, NOW, rows[i].changed_ms),
			rows[i].coincides);
		assert_false(owner_loss_coincides(&o, 0, rows[i].changed_ms));
	}
}

static struct zd_user user_with(uint64_t id, const char *address,
				enum verification method)
{
	struct zd_user u;

	zd_user_init(&u);
	u.id = id;
	u.identities_known = true;
	if (address)
		zd_user_add_identity(&u, "email", address)->method = method;
	return u;
}

static void see(struct sightings *s, struct zd_user u, bool found, int64_t at)
{
	sightings_add(s, &u, found, at);
	zd_user_release(&u);
}

static void test_what_is_seen(void **state)
{
	struct zd_user u = user_with(7, " Pat@X.Example ", VERIFICATION_FULL);
	struct sightings s = {.max = 0};

	(void)state;
	zd_user_add_identity(&u, "email", "low@x.example")->method =
		VERIFICATION_LOW;
	zd_user_add_identity(&u, "email", "no address");
	zd_user_add_identity(&u, "phone_number", "pat@phone.example");
	see(&s, u, false, NOW);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.items[0].user, 7);
	assert_int_equal(s.items[0].at_ms, NOW);
	assert_true(s.items[0].whole);
	assert_int_equal(s.items[0].count, 2);
	assert_string_equal(s.items[0].items[0].address, "pat@x.example");
	assert_true(s.items[0].items[0].proven);
	assert_false(s.items[0].items[1].proven);
	sightings_release(&s);
	assert_int_equal(s.count, 0);
}

/* Twice the same address: proven if both are. */
static void test_the_weaker_of_two_counts(void **state)
{
	static const enum verification pairs[][2] = {
		{VERIFICATION_FULL, VERIFICATION_NONE},
		{VERIFICATION_NONE, VERIFICATION_FULL},
		{VERIFICATION_FULL, VERIFICATION_SSO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct zd_user u = user_with(7, "a@x.example", pairs[i][0]);
		struct sightings s = {.max = 0};

		zd_user_add_identity(&u, "email", "A@x.example")->method =
			pairs[i][1];
		see(&s, u, false, NOW);
		assert_int_equal(s.items[0].count, 1);
		assert_int_equal(s.items[0].items[0].proven, i == 2);
		sightings_release(&s);
	}
}

static void test_a_hit_is_older_and_not_whole(void **state)
{
	struct sightings s = {.max = 0};

	(void)state;
	see(&s, user_with(7, "a@x.example", VERIFICATION_FULL), true, NOW);
	assert_false(s.items[0].whole);
	assert_int_equal(s.items[0].at_ms, NOW - SIGHTING_LAG_MS);
	see(&s, user_with(7, NULL, VERIFICATION_NONE), false, NOW);
	assert_int_equal(s.count, 1);
	assert_true(s.items[0].whole);
	assert_int_equal(s.items[0].count, 0);
	see(&s, user_with(7, "a@x.example", VERIFICATION_FULL), true, NOW);
	assert_int_equal(s.items[0].count, 0);
	sightings_release(&s);
}

static void test_who_is_gone(void **state)
{
	struct zd_user u = user_with(8, "a@x.example", VERIFICATION_FULL);
	struct sightings s = {.max = 0};

	(void)state;
	see(&s, user_with(7, "a@x.example", VERIFICATION_FULL), false, NOW);
	sightings_add_gone(&s, 7, NOW + 1);
	u.active = false;
	see(&s, u, false, NOW);
	assert_int_equal(s.count, 2);
	for (size_t i = 0; i < s.count; i++) {
		assert_true(s.items[i].gone);
		assert_int_equal(s.items[i].count, 0);
	}
	sightings_release(&s);
}

/* What is not told is not concluded from. */
static void test_unknown_identities_are_no_sighting(void **state)
{
	struct zd_user u = user_with(7, NULL, VERIFICATION_NONE);
	struct zd_user old_hit = user_with(8, NULL, VERIFICATION_NONE);
	struct sightings s = {.max = 0};

	(void)state;
	u.identities_known = false;
	see(&s, u, false, NOW);
	old_hit.active = false;
	see(&s, old_hit, true, NOW);
	assert_int_equal(s.count, 0);
	sightings_release(&s);
}

static void test_both_have_a_bound(void **state)
{
	struct zd_user u = user_with(1, NULL, VERIFICATION_NONE);
	struct sightings s = {.max = 0};
	char address[32];

	(void)state;
	for (int i = 0; i <= SIGHTED_MAX; i++) {
		snprintf(address, sizeof(address), "a%d@x.example", i);
		zd_user_add_identity(&u, "email", address);
	}
	see(&s, u, false, NOW);
	assert_int_equal(s.items[0].count, SIGHTED_MAX);
	assert_false(s.items[0].whole);
	for (uint64_t id = 2; id < 2 * SIGHTINGS_MAX; id++)
		see(&s, user_with(id, NULL, VERIFICATION_NONE), false, NOW);
	assert_int_equal(s.count, SIGHTINGS_MAX);
	sightings_release(&s);
}

static void test_as_many_as_are_wanted(void **state)
{
	struct sightings s = {.max = SIGHTINGS_MAX + 2};
	struct zd_user u;

	(void)state;
	zd_user_init(&u);
	zd_user_add_identity(&u, "email", "a@x.example");
	for (u.id = 1; u.id <= SIGHTINGS_MAX + 3; u.id++)
		sightings_add(&s, &u, true, 1000);
	assert_int_equal(s.count, SIGHTINGS_MAX + 2);
	sightings_release(&s);
	zd_user_release(&u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_many_as_are_wanted),
		cmocka_unit_test(test_loss_and_gain),
		cmocka_unit_test(test_what_is_seen),
		cmocka_unit_test(test_the_weaker_of_two_counts),
		cmocka_unit_test(test_a_hit_is_older_and_not_whole),
		cmocka_unit_test(test_who_is_gone),
		cmocka_unit_test(test_unknown_identities_are_no_sighting),
		cmocka_unit_test(test_both_have_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
