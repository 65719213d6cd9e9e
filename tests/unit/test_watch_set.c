/*
 * The set of people waited for: against a plain list, through growth and
 * removals, and at its bound.
 */
#include "unit.h"

#include "../../src/app/watch_set.h"
#include "base/str.h"

#define PEOPLE 600

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static const char *person(size_t i, char out[32])
{
	snprintf(out, 32, "65fa11d37be4d90034c1%04zx", i);
	return out;
}

static void assert_same(const struct watch_set *s, const bool *there)
{
	size_t count = 0;
	char id[32];

	for (size_t i = 0; i < PEOPLE; i++) {
		assert_int_equal(watch_set_has(s, person(i, id)), there[i]);
		count += there[i];
	}
	assert_int_equal(s->count, count);
}

static void test_like_a_list(void **state)
{
	bool there[PEOPLE] = {false};
	struct watch_set s;
	uint32_t seed = 7;
	char id[32];

	(void)state;
	watch_set_init(&s);
	assert_same(&s, there);
	for (int round = 0; round < 20000; round++) {
		size_t i = next_random(&seed) % PEOPLE;

		there[i] = next_random(&seed) % 2;
		if (there[i])
			watch_set_add(&s, person(i, id), PEOPLE);
		else
			watch_set_remove(&s, person(i, id));
		if (round % 500 == 0)
			assert_same(&s, there);
	}
	for (size_t i = 0; i < PEOPLE; i++) {
		watch_set_remove(&s, person(i, id));
		there[i] = false;
	}
	assert_same(&s, there);
	watch_set_release(&s);
}

static void test_bounded(void **state)
{
	struct watch_set s;
	char id[32];

	(void)state;
	watch_set_init(&s);
	for (size_t i = 0; i < PEOPLE; i++)
		watch_set_add(&s, person(i, id), 100);
	assert_int_equal(s.count, 100);
	assert_true(watch_set_has(&s, person(99, id)));
	assert_false(watch_set_has(&s, person(100, id)));
	watch_set_add(&s, person(5, id), 100);
	assert_int_equal(s.count, 100);
	watch_set_remove(&s, person(5, id));
	watch_set_add(&s, person(100, id), 100);
	assert_true(watch_set_has(&s, person(100, id)));
	watch_set_release(&s);
	assert_false(watch_set_has(&s, person(99, id)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_a_list),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
