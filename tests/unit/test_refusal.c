/*
 * Refusals as they may be shown: shape and codes stay, people do not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/str.h"
#include "core/refusal.h"

static void shows(const char *text, const char *want)
{
	static const char *const names[] = {"Ann Lee", NULL, "Bob"};
	struct json_t *v = json_parse(text, strlen(text), NULL);
	struct json_t *shown = refusal_show(v, names, ARRAY_LEN(names));
	char *got = json_text(shown);

	assert_string_equal(got, want);
	free(got);
	json_free(shown);
	json_free(v);
}

static void test_shape_and_codes_stay(void **state)
{
	(void)state;
	shows("{\"error\":\"RecordInvalid\",\"details\":{\"base\":["
	      "{\"description\":\"Only end users, not these, can be merged.\","
	      "\"error\":\"DuplicateValue\"}]},\"ok\":false,\"n\":422,"
	      "\"x\":null}",
	      "{\"error\":\"RecordInvalid\",\"details\":{\"base\":["
	      "{\"description\":\"Only end users, not these, can be merged.\","
	      "\"error\":\"DuplicateValue\"}]},\"ok\":false,\"n\":422,"
	      "\"x\":null}");
}

static void test_people_do_not(void **state)
{
	(void)state;
	shows("\"Email: ann@x.example is used by 21100000000011, at "
	      "(555-123)\"",
	      "\"Email: <address> is used by <number> at <number>\"");
	shows("\"'ANN' and lee: Lees; bob.\"",
	      "\"'<name>' and <name>: Lees; <name>.\"");
	shows("[12345,-12345,9999,1.5]", "[0,0,9999,0]");
}

static void test_what_is_long_is_cut(void **state)
{
	char text[1000] = "\"";
	struct json_t *v, *shown;

	(void)state;
	for (int i = 0; i < 120; i++)
		strcat(text, "abcdef ");
	strcat(text, "\"");
	v = json_parse(text, strlen(text), NULL);
	shown = refusal_show(v, NULL, 0);
	assert_true(strlen(json_str(shown)) <= REFUSAL_TEXT_MAX + 4);
	assert_string_equal(json_str(shown) + strlen(json_str(shown)) - 3,
			    "...");
	json_free(shown);
	json_free(v);
}

static void test_what_is_deep_or_wide_is_left_out(void **state)
{
	struct json_t *v = json_new_arr();
	struct json_t *shown;

	(void)state;
	shows("[[[[[[[\"ann\"]]]]]]]", "[[[[[[null]]]]]]");
	for (int i = 0; i < 50; i++)
		json_push(v, json_new_int(i));
	shown = refusal_show(v, NULL, 0);
	assert_int_equal(json_len(shown), REFUSAL_ITEMS_MAX);
	json_free(shown);
	json_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape_and_codes_stay),
		cmocka_unit_test(test_people_do_not),
		cmocka_unit_test(test_what_is_long_is_cut),
		cmocka_unit_test(test_what_is_deep_or_wide_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
