/*
 * Result classes and error text.
 */
#include "unit.h"

#include "base/error.h"

static void every_class_has_its_own_name(void **state)
{
	(void)state;
	for (int i = RESULT_OK; i <= RESULT_INVALID; i++) {
		assert_string_not_equal(result_name((enum result)i), "unknown");
		for (int k = RESULT_OK; k < i; k++)
			assert_string_not_equal(result_name((enum result)i),
						result_name((enum result)k));
	}
	assert_string_equal(result_name(RESULT_NOTFOUND), "notfound");
}

static void returns_the_class_it_was_given(void **state)
{
	struct error e;

	(void)state;
	assert_int_equal(error_set(&e, RESULT_RATE, "wait %d s", 7),
			 RESULT_RATE);
	assert_string_equal(e.text, "wait 7 s");
	assert_int_equal(error_set(NULL, RESULT_TEMP, "%s", "dropped"),
			 RESULT_TEMP);
}

static void text_is_one_line_and_cut(void **state)
{
	char longer[2 * sizeof(((struct error *)0)->text)];
	struct error e;

	(void)state;
	error_set(&e, RESULT_PERM, "%s", "a\nb\r\tc\x7f");
	assert_string_equal(e.text, "a b  c ");
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	error_set(&e, RESULT_PERM, "%s", longer);
	assert_int_equal(strlen(e.text), sizeof(e.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_class_has_its_own_name),
		cmocka_unit_test(returns_the_class_it_was_given),
		cmocka_unit_test(text_is_one_line_and_cut),
	};

	return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
