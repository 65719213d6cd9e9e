/*
 * The walkers over checked text: what they find and how they decode it,
 * compared with the JSON library where that is possible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "core/scan.h"
#include "fixture.h"

/* The walkers see the same tree as the library. */
static void same_tree(struct scan_value v, const struct json_t *j);

static void same_members(struct scan_value v, const struct json_t *j)
{
	struct scan_value name, member;
	size_t pos = 0;

	while (scan_next(v, &pos, &name, &member)) {
		char text[256];

		assert_int_equal(name.type, SCAN_STRING);
		assert_true(scan_text(name, text, sizeof(text)));
		same_tree(scan_get(v, text), json_get(j, text));
	}
}

static void same_elements(struct scan_value v, const struct json_t *j)
{
	struct scan_value element;
	size_t pos = 0, i = 0;

	while (scan_next(v, &pos, NULL, &element))
		same_tree(element, json_at(j, i++));
	assert_int_equal(i, json_len(j));
}

static void same_tree(struct scan_value v, const struct json_t *j)
{
	char text[512];

	switch (v.type) {
	case SCAN_OBJECT:
		assert_true(json_is_obj(j));
		same_members(v, j);
		break;
	case SCAN_ARRAY:
		assert_true(json_is_arr(j));
		same_elements(v, j);
		break;
	case SCAN_STRING:
		assert_true(scan_text(v, text, sizeof(text)));
		assert_string_equal(text, json_str(j));
		assert_true(scan_equals(v, slice_of(text)));
		break;
	case SCAN_TRUE:
	case SCAN_FALSE:
		assert_int_equal(v.type == SCAN_TRUE, json_bool(j, false));
		assert_true(json_is_bool(j));
		break;
	case SCAN_NULL:
		assert_true(json_is_null(j));
		break;
	case SCAN_NUMBER:
	case SCAN_ABSENT:
		assert_false(json_is_str(j));
		break;
	}
}

static void fixture_is_the_same_tree(const char *name, struct slice text,
				     void *arg)
{
	struct json_t *j = json_parse(text.ptr, text.len, NULL);
	struct scan scan;

	(void)name;
	(void)arg;
	assert_int_equal(scan_read(&scan, text, NULL), RESULT_OK);
	same_tree(scan_top(&scan), j);
	scan_release(&scan);
	json_free(j);
}

static void test_walkers_see_what_the_library_sees(void **state)
{
	(void)state;
	fixture_each("sunco", fixture_is_the_same_tree, NULL);
	fixture_each("zendesk", fixture_is_the_same_tree, NULL);
}

/* More values than there is room for without memory of their own. */
static void test_many_values(void **state)
{
	char text[8192] = "[";
	size_t len = 1;

	(void)state;
	for (size_t i = 0; i < 2 * SCAN_ROOM; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"{\"n\":%zu},", i);
	text[len - 1] = ']';
	fixture_is_the_same_tree("many", slice_of(text), NULL);
}

/* Short ones, which need nothing released. */
static struct scan_value top(const char *text)
{
	static struct scan scan;

	assert_int_equal(scan_read(&scan, slice_of(text), NULL), RESULT_OK);
	return scan_top(&scan);
}

static void assert_raw(struct scan_value v, enum scan_type type,
		       const char *raw)
{
	assert_int_equal(v.type, type);
	assert_true(slice_eq(v.raw, slice_of(raw)));
}

static void test_members(void **state)
{
	struct scan_value v = top(" { \"a\" : 1 , \"b\":[ 1, \"]\" ] ,\"a\":"
				  "{\"c\":\"}\\\"\"}, \"n\\u0061me\":null }\n");
	static const struct slice names[] = {SCAN_NAME("name"), SCAN_NAME("b"),
					     SCAN_NAME("none")};
	struct scan_value m[3];

	(void)state;
	assert_raw(scan_get(v, "a"), SCAN_OBJECT, "{\"c\":\"}\\\"\"}");
	scan_members(v, names, m, 3);
	assert_raw(m[0], SCAN_NULL, "null");
	assert_raw(m[1], SCAN_ARRAY, "[ 1, \"]\" ]");
	assert_int_equal(m[2].type, SCAN_ABSENT);
	assert_int_equal(scan_get(m[1], "a").type, SCAN_ABSENT);
	assert_int_equal(scan_get(m[2], "a").type, SCAN_ABSENT);
	assert_int_equal(scan_get(v, "").type, SCAN_ABSENT);
	assert_int_equal(scan_get(v, "nam").type, SCAN_ABSENT);
	assert_int_equal(scan_get(v, "names").type, SCAN_ABSENT);
	assert_raw(scan_get(top("{\"\":7}"), ""), SCAN_NUMBER, "7");
}

static void test_scalars_at_the_top(void **state)
{
	(void)state;
	assert_raw(top("-1.5e3"), SCAN_NUMBER, "-1.5e3");
	assert_raw(top(" true "), SCAN_TRUE, "true");
	assert_raw(top("false"), SCAN_FALSE, "false");
	assert_raw(top("\"x\""), SCAN_STRING, "\"x\"");
}

static void test_text_is_decoded(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{"\"\"", ""},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
		{"\"caf\\u00E9 \\u0141\"", "caf\u00e9 \u0141"},
		{"\"\\ud83d\\ude00!\"", "\U0001f600!"},
		{"\"\\uD83D\\uDE00\"", "\U0001f600"},
		{"\"\\ud83d\"", "\ufffd"},
		{"\"\\ud83dx\"", "\ufffdx"},
		{"\"\\ud83d\\n\"", "\ufffd\n"},
		{"\"\\ud83d\\ud83d\\ude00\"", "\ufffd\U0001f600"},
		{"\"\\ude00\\ud83d\"", "\ufffd\ufffd"},
		{"\"a\\u0000b\"", "a\ufffd"
				  "b"},
		{"\"\\udbff\\udfff\"", "\U0010ffff"},
		{"\"\\ud800\\udc00\"", "\U00010000"},
		{"\"\\uffff\\u07ff\\u0800\\u007f\\u0080\"",
		 "\uffff\u07ff\u0800\x7f\xc2\x80"},
		{"-12.50e1", "-12.50e1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct scan_value v = top(cases[i].json);
		size_t size = strlen(cases[i].text) + 1;
		char out[64];

		assert_true(scan_text(v, out, size));
		assert_string_equal(out, cases[i].text);
		assert_false(scan_text(v, out, size - 1));
		if (size > 1)
			assert_string_equal(out, "");
		assert_int_equal(scan_equals(v, slice_of(cases[i].text)),
				 v.type == SCAN_STRING);
		assert_false(scan_equals(v, SLICE("caf")));
		assert_false(scan_equals(v, SLICE("no such text, and long")));
	}
	assert_false(scan_text(top("true"), (char[8]){0}, 8));
	assert_false(scan_text(top("null"), (char[8]){0}, 8));
	assert_false(scan_text((struct scan_value){0}, (char[8]){0}, 8));
}

static void test_ids(void **state)
{
	static const struct {
		const char *json;
		uint64_t id;
	} cases[] = {
		{"35436", 35436},
		{"\"35436\"", 35436},
		{"\"\\u0033\"", 3},
		{"18446744073709551615", UINT64_MAX},
		{"18446744073709551616", 0},
		{"\"123456789012345678901234567890\"", 0},
		{"-1", 0},
		{"1.0", 0},
		{"1e3", 0},
		{"\"\"", 0},
		{"\" 1\"", 0},
		{"\"0x1\"", 0},
		{"null", 0},
		{"true", 0},
		{"[1]", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_true(scan_id(top(cases[i].json)) == cases[i].id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walkers_see_what_the_library_sees),
		cmocka_unit_test(test_many_values),
		cmocka_unit_test(test_scalars_at_the_top),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_text_is_decoded),
		cmocka_unit_test(test_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
