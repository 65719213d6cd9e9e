/*
 * What webhooks said of people: kept for a while, for so many, of nobody else.
 */
#include "unit.h"

#include <stdio.h>

#include "app/hearsay.h"
#include "core/user.h"

static void test_it_is_kept_for_a_while(void **state)
{
	struct hearsay *h = hearsay_new();

	(void)state;
	assert_null(hearsay_address(h, "acme", "5aa1", 0));
	hearsay_put(h, "acme", "5aa1", "pat@x.example", 1000);
	assert_string_equal(
		hearsay_address(h, "acme", "5aa1", 999 + HEARSAY_MS),
		"pat@x.example");
	assert_null(hearsay_address(h, "other", "5aa1", 1000));
	assert_null(hearsay_address(h, "acme", "5aa2", 1000));
	hearsay_put(h, "acme", "5aa1", "pat@y.example", 2000);
	assert_string_equal(hearsay_address(h, "acme", "5aa1", 2000),
			    "pat@y.example");
	assert_null(hearsay_address(h, "acme", "5aa1", 2000 + HEARSAY_MS));
	assert_null(hearsay_address(h, "acme", "5aa1", 2000));
	hearsay_free(h);
	hearsay_free(NULL);
}

static void test_it_can_be_forgotten(void **state)
{
	struct hearsay *h = hearsay_new();

	(void)state;
	hearsay_put(h, "acme", "5aa1", "pat@x.example", 0);
	hearsay_forget(h, "other", "5aa1");
	assert_non_null(hearsay_address(h, "acme", "5aa1", 0));
	hearsay_forget(h, "acme", "5aa1");
	assert_null(hearsay_address(h, "acme", "5aa1", 0));
	hearsay_free(h);
}

static void test_what_is_too_long_is_not_kept(void **state)
{
	char address[ADDRESS_SIZE + 1] = {0};
	struct hearsay *h = hearsay_new();

	(void)state;
	memset(address, 'a', sizeof(address) - 1);
	hearsay_put(h, "acme", "5aa1", "pat@x.example", 0);
	hearsay_put(h, "acme", "5aa1", address, 0);
	assert_null(hearsay_address(h, "acme", "5aa1", 0));
	hearsay_free(h);
}

/* However many come: nobody is taken for another, and the last is there. */
static void test_a_crowd(void **state)
{
	struct hearsay *h = hearsay_new();
	char id[32], address[64];
	int there = 0;

	(void)state;
	for (int i = 0; i < 4 * HEARSAY_MAX; i++) {
		snprintf(id, sizeof(id), "5aa%d", i);
		snprintf(address, sizeof(address), "p%d@x.example", i);
		hearsay_put(h, "acme", id, address, 0);
		assert_string_equal(hearsay_address(h, "acme", id, 0), address);
	}
	for (int i = 0; i < 4 * HEARSAY_MAX; i++) {
		const char *told;

		snprintf(id, sizeof(id), "5aa%d", i);
		snprintf(address, sizeof(address), "p%d@x.example", i);
		told = hearsay_address(h, "acme", id, 0);
		if (told)
			assert_string_equal(told, address);
		there += told != NULL;
	}
	assert_in_range(there, HEARSAY_MAX / 2, HEARSAY_MAX);
	hearsay_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_is_kept_for_a_while),
		cmocka_unit_test(test_it_can_be_forgotten),
		cmocka_unit_test(test_what_is_too_long_is_not_kept),
		cmocka_unit_test(test_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
