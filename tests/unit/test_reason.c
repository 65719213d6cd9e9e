/*
 * The table of reasons: what other parts rely on when they print one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/policy.h"
#include "core/reason.h"

static void codes_are_unique_and_parse_back(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		enum reason back = REASON_COUNT;

		assert_true(reason_parse(reason_code((enum reason)i), &back));
		assert_int_equal(back, i);
	}
}

static void codes_are_lower_snake_case(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *code = reason_code((enum reason)i);

		assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz_"),
				 strlen(code));
	}
}

static void texts_are_plain_sentences(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		const char *text = reason_text((enum reason)i);

		assert_true(strlen(text) > 10);
		assert_null(strpbrk(text, "_\n{}"));
		assert_int_equal(text[strlen(text) - 1], '.');
		assert_true(text[0] >= 'A' && text[0] <= 'Z');
	}
}

static void unknown_codes_are_refused(void **state)
{
	enum reason out = REASON_NO_EMAIL;

	(void)state;
	assert_false(reason_parse("no_such_reason", &out));
	assert_false(reason_parse("", &out));
	assert_false(reason_parse(NULL, &out));
	assert_int_equal(out, REASON_NO_EMAIL);
	assert_string_equal(reason_code(REASON_COUNT), "none");
}

static void every_reason_fits_a_set(void **state)
{
	(void)state;
	assert_true(REASON_COUNT <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_unique_and_parse_back),
		cmocka_unit_test(codes_are_lower_snake_case),
		cmocka_unit_test(texts_are_plain_sentences),
		cmocka_unit_test(unknown_codes_are_refused),
		cmocka_unit_test(every_reason_fits_a_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
