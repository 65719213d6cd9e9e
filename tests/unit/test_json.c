/*
 * JSON: what is mended, what is refused, getters, builders, what is written.
 */
#include "unit.h"

#include "base/json.h"

static struct json_t *parse(const char *text)
{
	return json_parse(text, strlen(text), NULL);
}

static void assert_rewritten(const char *text, const char *expected)
{
	struct json_t *v = parse(text);
	char *back;

	if (!v)
		fail_msg("refused: %s", text);
	back = json_text(v);
	assert_string_equal(back, expected);
	free(back);
	json_free(v);
}

#define FFFD "\xef\xbf\xbd"

static void surrogates(void **state)
{
	(void)state;
	assert_rewritten("\"\\ud83d\\udc4b\"", "\"\xf0\x9f\x91\x8b\"");
	assert_rewritten("\"\\uD83D\\uDC4B\"", "\"\xf0\x9f\x91\x8b\"");
	assert_rewritten("\"cut \\ud83d\"", "\"cut " FFFD "\"");
	assert_rewritten("\"\\ud83d!\"", "\"" FFFD "!\"");
	assert_rewritten("\"\\udc4b\"", "\"" FFFD "\"");
	assert_rewritten("\"\\udc4b\\ud83d\"", "\"" FFFD FFFD "\"");
	assert_rewritten("\"\\ud83d\\ud83d\\udc4b\"",
			 "\"" FFFD "\xf0\x9f\x91\x8b\"");
	assert_rewritten("\"\\ud83d\\n\"", "\"" FFFD "\\n\"");
	assert_rewritten("\"\\ud83d\\u0041\"", "\"" FFFD "A\"");
	assert_rewritten("{\"\\ud83d\":\"\\udbff\"}",
			 "{\"" FFFD "\":\"" FFFD "\"}");
	assert_rewritten("\"\\ud7ff\\ue000\"", "\"\xed\x9f\xbf\xee\x80\x80\"");
}

static void nul(void **state)
{
	struct json_t *v = parse("{\"\\u0000\":\"a\\u0000b\"}");

	(void)state;
	assert_string_equal(json_get_str(v, FFFD), "a" FFFD "b");
	json_free(v);
}

static void what_only_looks_like_an_escape_stays(void **state)
{
	(void)state;
	/* an escaped backslash, then plain letters */
	assert_rewritten("\"\\\\ud83d\"", "\"\\\\ud83d\"");
	assert_rewritten("\"\\\\u0000\"", "\"\\\\u0000\"");
	assert_rewritten("\"\\\\\\u0000\"", "\"\\\\" FFFD "\"");
	assert_rewritten("[\"\\\"\",\"\\u0000\"]", "[\"\\\"\",\"" FFFD "\"]");
	assert_rewritten("\"ud83d\"", "\"ud83d\"");
	/* digits in strings are no numbers */
	assert_rewritten("\"1e999\"", "\"1e999\"");
	assert_rewritten("[\"\\\"1e999\"]", "[\"\\\"1e999\"]");
}

static void numbers_out_of_range_are_null(void **state)
{
	(void)state;
	assert_rewritten("9223372036854775807", "9223372036854775807");
	assert_rewritten("-9223372036854775808", "-9223372036854775808");
	assert_rewritten("9223372036854775808", "null");
	assert_rewritten("[-9223372036854775809]", "[null]");
	assert_rewritten("{\"a\":123456789012345678901234567890,\"b\":1}",
			 "{\"a\":null,\"b\":1}");
	assert_rewritten("[1e999,-1e999,1E+999,2]", "[null,null,null,2]");
	assert_rewritten("[1.5e309]", "[null]");
	assert_rewritten("[1e-999]", "[0.0]");
	assert_rewritten("[0e999]", "[0.0]");
	assert_rewritten("[1e18446744073709551616]", "[null]");
}

static void long_reals_without_exponent(void **state)
{
	char text[2000];
	struct json_t *v;

	(void)state;
	memset(text, '9', 400);
	strcpy(text + 400, ".5");
	assert_rewritten(text, "null");
	/* long, but small */
	strcpy(text, "0.");
	memset(text + 2, '3', 1500);
	text[1502] = '\0';
	v = parse(text);
	assert_true(json_is_num(v));
	json_free(v);
}

static void getters_of_such_numbers_return_their_default(void **state)
{
	struct json_t *v = parse("{\"n\":99999999999999999999,\"r\":1e999}");

	(void)state;
	assert_int_equal(json_get_int(v, "n", -3), -3);
	assert_int_equal(json_get_id(v, "n"), 0);
	assert_null(json_get_text(v, "n"));
	assert_null(json_get_text(v, "r"));
	assert_false(json_is_num(json_get(v, "r")));
	assert_true(json_is_null(json_get(v, "r")));
	json_free(v);
}

static void grammar_is_not_bent(void **state)
{
	static const char *const rows[] = {
		"",
		" ",
		"{",
		"}",
		"[1,]",
		"{\"a\":}",
		"{a:1}",
		"'a'",
		"[1 2]",
		"{\"a\" 1}",
		"nul",
		"NaN",
		"Infinity",
		"+1",
		"01",
		"-01",
		".5",
		"1.",
		"1e",
		"1e+",
		"0x10",
		"--1",
		"{} {}",
		"[1]x",
		"\"",
		"\"\\",
		"\"\\u",
		"\"\\u00",
		"\"\\u00g0\"",
		"\"\\x\"",
		"\"a\nb\"",
		"\"\t\"",
		"// c\n1",
		"\xef\xbb\xbf{}",
		/* with what would be mended if it were in its place */
		"099999999999999999999",
		"[0999999999999999999999]",
		"1e999x",
		"[--1e999]",
		"[1.e999]",
		"1e999.5",
		"tru1e999",
		"[1 99999999999999999999]",
		"{1e999:1}",
		"\"\\ud83",
		"\"\\ud83d",
		"\"\\ud83d\\u",
		"\"\\u0000",
		"[1e999",
		"99999999999999999999 1e999",
		"-",
		"[-]",
		"1e999null",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json_t *v = parse(rows[i]);

		if (v)
			fail_msg("taken: %s", rows[i]);
	}
}

static void invalid_utf8_is_refused(void **state)
{
	static const char *const rows[] = {
		"\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
		"\"\xc3\"", "{\"\x80\":1}", "\"\xf4\x90\x80\x80\"",
		"\xff",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_null(json_parse(rows[i], strlen(rows[i]), &err));
	assert_null(json_parse("\"a\0b\"", 5, &err));
	assert_null(json_parse("{}\0", 3, &err));
}

static void depth_is_bounded(void **state)
{
	size_t len = 200000;
	char *text = xcalloc(len + 1, 1);
	struct error err;
	struct json_t *v;

	(void)state;
	memset(text, '[', len);
	assert_null(json_parse(text, len, &err));
	assert_non_null(strstr(err.text, "nested too deep"));
	memset(text, '[', 500);
	memset(text + 500, ']', 500);
	v = json_parse(text, 1000, &err);
	assert_non_null(v);
	json_free(json_clone(v));
	json_free(v);
	free(text);
}

static void errors_say_where_but_not_what(void **state)
{
	const char *text = "{\"token\":\n  \"hush\", oops}";
	struct error err;

	(void)state;
	assert_null(json_parse(text, strlen(text), &err));
	assert_non_null(strstr(err.text, "line 2"));
	assert_non_null(strstr(err.text, "column"));
	assert_null(strstr(err.text, "hush"));
	assert_null(strstr(err.text, "oops"));
	text = "[\"secret\xff\"]";
	assert_null(json_parse(text, strlen(text), &err));
	assert_non_null(strstr(err.text, "not UTF-8"));
	assert_null(strstr(err.text, "secret"));
	assert_null(json_parse("[\"secret", 8, &err));
	assert_null(strstr(err.text, "secret"));
	assert_null(json_parse("{", 1, NULL));
}

static void mending_does_not_move_errors(void **state)
{
	const char *plain = "[\"\\u0041\",\n 12345678901 oops]";
	const char *mended = "[\"\\u0000\",\n 9999999e999 oops]";
	struct error a, b;

	(void)state;
	assert_null(json_parse(plain, strlen(plain), &a));
	assert_null(json_parse(mended, strlen(mended), &b));
	assert_string_equal(a.text, b.text);
}

static void the_text_is_not_written_to(void **state)
{
	/* in a literal: writing would crash */
	struct json_t *v = parse("[\"\\ud800\",1e999]");
	const char *part = "[1]garbage";

	(void)state;
	assert_int_equal(json_len(v), 2);
	json_free(v);
	v = json_parse(part, 3, NULL); /* nothing behind len is read */
	assert_int_equal(json_int(json_at(v, 0), 0), 1);
	json_free(v);
}

static void getters(void **state)
{
	struct json_t *v = parse("{\"s\":\"x\",\"n\":-5,\"r\":2.5,\"b\":true,"
				 "\"z\":null,\"a\":[1,\"2\"],\"o\":{\"k\":9}}");

	(void)state;
	assert_string_equal(json_get_str(v, "s"), "x");
	assert_null(json_get_str(v, "n"));
	assert_int_equal(json_get_int(v, "n", 1), -5);
	assert_int_equal(json_get_int(v, "s", 1), 1);
	assert_int_equal(json_get_int(v, "r", 1), 1);
	assert_true(json_get_bool(v, "b", false));
	assert_true(json_get_bool(v, "s", true));
	assert_int_equal(json_len(json_get(v, "a")), 2);
	assert_int_equal(json_len(v), 7);
	assert_int_equal(json_len(json_get(v, "s")), 0);
	assert_int_equal(json_int(json_at(json_get(v, "a"), 0), 0), 1);
	assert_string_equal(json_str(json_at(json_get(v, "a"), 1)), "2");
	assert_null(json_at(json_get(v, "a"), 2));
	assert_int_equal(json_get_int(json_get(v, "o"), "k", 0), 9);
	json_free(v);
}

static void kinds(void **state)
{
	struct json_t *v = parse("[{},[],\"\",null,false,1,1.5]");

	(void)state;
	for (size_t i = 0; i < json_len(v); i++) {
		assert_int_equal(json_is_obj(json_at(v, i)), i == 0);
		assert_int_equal(json_is_arr(json_at(v, i)), i == 1);
		assert_int_equal(json_is_str(json_at(v, i)), i == 2);
		assert_int_equal(json_is_null(json_at(v, i)), i == 3);
		assert_int_equal(json_is_bool(json_at(v, i)), i == 4);
		assert_int_equal(json_is_num(json_at(v, i)), i >= 5);
	}
	json_free(v);
}

static void paths_are_walked_without_checks(void **state)
{
	struct json_t *v = parse("[1]");
	struct json_t *nothing = json_get(json_at(json_get(v, "a"), 3), "b");
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	(void)state;
	assert_null(nothing);
	assert_true(json_is_null(nothing));
	assert_false(json_is_obj(nothing) || json_is_arr(nothing) ||
		     json_is_str(nothing) || json_is_num(nothing) ||
		     json_is_bool(nothing));
	assert_int_equal(json_len(nothing), 0);
	assert_null(json_str(nothing));
	assert_int_equal(json_int(nothing, 4), 4);
	assert_true(json_bool(nothing, true));
	assert_int_equal(json_get_id(nothing, "x"), 0);
	assert_null(json_get_text(nothing, "x"));
	assert_false(json_next(nothing, &iter, &key, &value));
	assert_false(json_next(v, &iter, &key, &value));
	assert_null(json_clone(NULL));
	json_free(NULL);
	json_free(v);
}

static void ids(void **state)
{
	struct json_t *v = parse(
		"{\"n\":11109600149778,\"s\":\"11109600149778\",\"zero\":0,"
		"\"neg\":-5,\"r\":5.0,\"e\":\"\",\"x\":\"12a\",\"sp\":\" 12\","
		"\"sneg\":\"-12\",\"big\":\"99999999999999999999\","
		"\"b\":true,\"z\":null,\"plus\":\"+1\"}");
	static const char *const none[] = {"zero", "neg", "r",	  "e",
					   "x",	   "sp",  "sneg", "big",
					   "b",	   "z",	  "plus", "absent"};

	(void)state;
	assert_true(json_get_id(v, "n") == 11109600149778);
	assert_true(json_get_id(v, "s") == 11109600149778);
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_true(json_get_id(v, none[i]) == 0);
	json_free(v);
}

static void texts(void **state)
{
	static const struct {
		const char *key, *text;
	} rows[] = {
		{"s", "u1"},
		{"n", "912382197"},
		{"neg", "-7"},
		{"r", "1.5"},
		{"whole", "1000"},
		{"e", ""},
		{"max", "9223372036854775807"},
	};
	struct json_t *v =
		parse("{\"s\":\"u1\",\"n\":912382197,\"neg\":-7,\"r\":1.5,"
		      "\"whole\":1e3,\"e\":\"\",\"max\":9223372036854775807,"
		      "\"b\":true,\"z\":null,\"a\":[],\"o\":{}}");

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = json_get_text(v, rows[i].key);

		assert_string_equal(text, rows[i].text);
		free(text);
	}
	assert_null(json_get_text(v, "b"));
	assert_null(json_get_text(v, "z"));
	assert_null(json_get_text(v, "a"));
	assert_null(json_get_text(v, "o"));
	json_free(v);
}

static void building_keeps_the_order(void **state)
{
	struct json_t *v = json_new_obj(), *arr = json_new_arr();
	char *text;

	(void)state;
	json_set_str(v, "z", "last letter first");
	json_set_int(v, "a", INT64_MIN);
	json_set_bool(v, "m", true);
	json_set_str(v, "none", NULL);
	json_set(v, "null", NULL);
	json_set(v, "null too", json_new_null());
	json_set_id(v, "id", 35436);
	json_set_id(v, "no id", 0);
	json_push(arr, json_new_int(1));
	json_push(arr, NULL);
	json_push(arr, json_new_bool(false));
	json_push(arr, json_new_obj());
	json_set(v, "arr", arr);
	json_set_int(v, "z", 2); /* replaced in its place */
	text = json_text(v);
	assert_string_equal(
		text, "{\"z\":2,\"a\":-9223372036854775808,\"m\":true,"
		      "\"none\":null,\"null\":null,\"null too\":null,"
		      "\"id\":35436,\"no id\":null,\"arr\":[1,null,false,{}]}");
	free(text);
	json_free(v);
}

static void what_is_not_utf8_is_mended_when_built(void **state)
{
	struct json_t *v = json_new_str("a\xff\xe2\x82z\xc3\xa4");

	(void)state;
	assert_string_equal(json_str(v), "a" FFFD FFFD FFFD "z\xc3\xa4");
	json_free(v);
	v = json_new_str("");
	assert_string_equal(json_str(v), "");
	json_free(v);
	v = json_new_str(NULL);
	assert_true(json_is_null(v));
	json_free(v);
}

static void parsing_keeps_the_order(void **state)
{
	const char *text = "{\"z\":1,\"b\":{\"y\":1,\"x\":2},\"a\":[3,2,1],"
			   "\"q\":\"\\\"\\\\/\\n\"}";
	struct json_t *v = parse(text), *value;
	char keys[16] = "";
	const char *key;
	void *iter = NULL;

	(void)state;
	while (json_next(v, &iter, &key, &value)) {
		strcat(keys, key);
		assert_ptr_equal(json_get(v, key), value);
	}
	assert_string_equal(keys, "zbaq");
	assert_rewritten(text, text);
	json_free(v);
}

static void of_repeated_keys_the_last_counts(void **state)
{
	struct json_t *v = parse("{\"id\":1,\"x\":0,\"id\":2}");

	(void)state;
	assert_int_equal(json_get_int(v, "id", 0), 2);
	assert_int_equal(json_len(v), 2);
	json_free(v);
}

static void writing_is_bounded_and_appends(void **state)
{
	struct json_t *v = parse("{\"a\":[1,2,3],\"s\":\"text\"}");
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_puts(&b, "> ");
	json_write(v, &b);
	json_write(NULL, &b);
	assert_string_equal(b.data, "> {\"a\":[1,2,3],\"s\":\"text\"}null");
	buf_release(&b);
	buf_init(&b, 10);
	json_write(v, &b);
	assert_true(b.overflow);
	assert_true(b.len <= 10);
	buf_release(&b);
	json_free(v);
}

static void a_clone_is_its_own(void **state)
{
	struct json_t *v = parse("{\"a\":{\"b\":[1]}}");
	struct json_t *clone = json_clone(v);
	char *text;

	(void)state;
	json_push(json_get(json_get(v, "a"), "b"), json_new_int(2));
	json_free(v);
	text = json_text(clone);
	assert_string_equal(text, "{\"a\":{\"b\":[1]}}");
	free(text);
	json_free(clone);
}

static void set_on_an_array(void)
{
	struct json_t *v = json_new_arr();

	json_set_int(v, "a", 1);
	json_free(v);
}

static void misuse_aborts(void **state)
{
	(void)state;
	assert_int_not_equal(unit_child_status(set_on_an_array), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(surrogates),
		cmocka_unit_test(nul),
		cmocka_unit_test(what_only_looks_like_an_escape_stays),
		cmocka_unit_test(numbers_out_of_range_are_null),
		cmocka_unit_test(long_reals_without_exponent),
		cmocka_unit_test(getters_of_such_numbers_return_their_default),
		cmocka_unit_test(grammar_is_not_bent),
		cmocka_unit_test(invalid_utf8_is_refused),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(errors_say_where_but_not_what),
		cmocka_unit_test(mending_does_not_move_errors),
		cmocka_unit_test(the_text_is_not_written_to),
		cmocka_unit_test(getters),
		cmocka_unit_test(kinds),
		cmocka_unit_test(paths_are_walked_without_checks),
		cmocka_unit_test(ids),
		cmocka_unit_test(texts),
		cmocka_unit_test(building_keeps_the_order),
		cmocka_unit_test(what_is_not_utf8_is_mended_when_built),
		cmocka_unit_test(parsing_keeps_the_order),
		cmocka_unit_test(of_repeated_keys_the_last_counts),
		cmocka_unit_test(writing_is_bounded_and_appends),
		cmocka_unit_test(a_clone_is_its_own),
		cmocka_unit_test(misuse_aborts),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
