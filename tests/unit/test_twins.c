/*
 * Keys that come more than once, with one pass and with many.
 */
#include "core/twins.h"
#include "unit.h"

#define LINES 4000

/* A well-mixed number for i. */
static uint64_t mixed(uint64_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 31;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ (x >> 29);
}

/* Line n has key n, but: every 7th that of the line before, with the same
 * partner; every 11th with another one. */
static void line_of(uint64_t n, uint64_t *key, uint64_t *partner)
{
	bool repeats = n > 0 && (n % 7 == 0 || n % 11 == 0);

	*key = mixed(repeats ? n - 1 : n);
	*partner = n % 11 == 0 ? n : (repeats ? n - 1 : n);
}

static void check_passes(size_t seen_max, bool many)
{
	uint64_t key, partner;
	int passes = 0;
	struct twins t;

	twins_init(&t);
	t.seen_max = seen_max;
	do {
		passes++;
		for (uint64_t n = 0; n < LINES; n++) {
			line_of(n, &key, &partner);
			assert_true(
				twins_add(&t, key, partner, (int64_t)n + 1));
			assert_true(t.seen.count <= seen_max);
		}
	} while (twins_again(&t));
	assert_int_equal(passes > 1, many);
	for (uint64_t n = 2; n < LINES; n++) {
		const struct twin *found;

		if (n % 7 != 0 && n % 11 != 0)
			continue;
		if ((n - 1) % 7 == 0 || (n - 1) % 11 == 0)
			continue; /* a key that nobody has but this line */
		found = twins_find(&t, mixed(n - 1));
		assert_non_null(found);
		assert_int_equal(found->first, n);
		assert_int_equal(found->second, n + 1);
		assert_int_equal(found->differs, n % 11 == 0);
		assert_null(twins_find(&t, mixed(n)));
	}
	twins_release(&t);
}

static void test_one_pass(void **state)
{
	(void)state;
	check_passes(TWINS_SEEN_MAX, false);
}

static void test_many_passes(void **state)
{
	(void)state;
	check_passes(100, true);
}

static void test_the_line_of_another_partner_counts(void **state)
{
	const struct twin *found;
	struct twins t;

	(void)state;
	twins_init(&t);
	assert_true(twins_add(&t, 5, 1, 10));
	assert_true(twins_add(&t, 5, 1, 20));
	assert_true(twins_add(&t, 5, 2, 30));
	assert_true(twins_add(&t, 5, 3, 40));
	assert_true(twins_add(&t, 0, 1, 50));
	assert_false(twins_again(&t));
	found = twins_find(&t, 5);
	assert_int_equal(found->first, 10);
	assert_int_equal(found->second, 30);
	assert_true(found->differs);
	assert_null(twins_find(&t, 0));
	twins_release(&t);
}

static void test_too_many_are_refused(void **state)
{
	struct twins t;

	(void)state;
	twins_init(&t);
	t.found_max = 2;
	for (uint64_t key = 1; key <= 3; key++)
		assert_true(twins_add(&t, mixed(key), 1, (int64_t)key));
	assert_true(twins_add(&t, mixed(1), 2, 4));
	assert_true(twins_add(&t, mixed(2), 1, 5));
	assert_true(twins_add(&t, mixed(2), 3, 6)); /* it is known */
	assert_false(twins_add(&t, mixed(3), 1, 7));
	twins_release(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_pass),
		cmocka_unit_test(test_many_passes),
		cmocka_unit_test(test_the_line_of_another_partner_counts),
		cmocka_unit_test(test_too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
