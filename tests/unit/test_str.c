/*
 * Strings: strict parsers leave their output alone when they refuse.
 */
#include "unit.h"

#include "base/str.h"

static void slices_compare(void **state)
{
	(void)state;
	assert_int_equal(slice_of(NULL).len, 0);
	assert_int_equal(slice_of("abc").len, 3);
	assert_true(slice_eq(SLICE("abc"), slice_of("abc")));
	assert_true(slice_eq(SLICE(""), slice_of(NULL)));
	assert_false(slice_eq(SLICE("abc"), SLICE("abd")));
	assert_false(slice_eq(SLICE("abc"), SLICE("ab")));
	assert_false(slice_eq(SLICE("abc"), SLICE("ABC")));
	assert_true(slice_eq(SLICE("a\0b"), SLICE("a\0b")));
	assert_false(slice_eq(SLICE("a\0b"), SLICE("a\0c")));
	assert_true(slice_eq_nocase(SLICE("aBc9["), SLICE("AbC9[")));
	assert_false(slice_eq_nocase(SLICE("abc"), SLICE("abcd")));
	/* 0x20 apart, but no letters */
	assert_false(slice_eq_nocase(SLICE("["), SLICE("{")));
	assert_false(slice_eq_nocase(SLICE("\xc3\xa4"), SLICE("\xc3\x84")));
}

static void slices_are_trimmed(void **state)
{
	struct slice s = slice_trim(SLICE(" \t\r\n\v\f a b \n"));

	(void)state;
	assert_true(slice_eq(s, SLICE("a b")));
	assert_int_equal(slice_trim(SLICE(" \n ")).len, 0);
	assert_int_equal(slice_trim(SLICE("")).len, 0);
}

static void copies_fit_or_are_empty(void **state)
{
	char dst[4];

	(void)state;
	assert_true(str_copy(dst, sizeof(dst), "abc"));
	assert_string_equal(dst, "abc");
	assert_false(str_copy(dst, sizeof(dst), "abcd"));
	assert_string_equal(dst, "");
	assert_true(str_copy(dst, sizeof(dst), NULL));
	assert_string_equal(dst, "");
	assert_true(
		str_copy_slice(dst, sizeof(dst), (struct slice){"xyzzy", 3}));
	assert_string_equal(dst, "xyz");
	assert_false(str_copy(dst, 0, ""));
	assert_string_equal(dst, "xyz");
}

static void duplicates_are_their_own(void **state)
{
	char *s = xstrndup("abcdef", 3);

	(void)state;
	assert_string_equal(s, "abc");
	free(s);
	s = xstrndup(NULL, 0);
	assert_string_equal(s, "");
	free(s);
	s = xstrdup("x");
	assert_string_equal(s, "x");
	free(s);
	assert_null(xstrdup(NULL));
	s = xcalloc(0, 10);
	assert_non_null(s);
	s = xrealloc(s, 0);
	assert_non_null(s);
	free(s);
}

static void allocate_too_much(void)
{
	volatile size_t huge = SIZE_MAX / 2;

	free(xcalloc(huge, 4));
}

static void out_of_memory_ends_the_process(void **state)
{
	(void)state;
	assert_int_not_equal(unit_child_status(allocate_too_much), 0);
}

static void strings_compare(void **state)
{
	char s[] = "MiXeD 9[\xc3\x84";

	(void)state;
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_false(str_eq("", NULL));
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "A"));
	assert_true(str_eq_nocase("aZ", "Az"));
	assert_true(str_eq_nocase(NULL, NULL));
	assert_false(str_eq_nocase("a", NULL));
	assert_true(str_is_empty(NULL));
	assert_true(str_is_empty(""));
	assert_false(str_is_empty(" "));
	assert_true(str_starts("abc", "ab"));
	assert_true(str_starts("abc", ""));
	assert_false(str_starts("ab", "abc"));
	assert_false(str_starts(NULL, ""));
	str_lower(s);
	assert_string_equal(s, "mixed 9[\xc3\x84");
}

static void unsigned_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		"+1",
		"-1",
		" 1",
		"1 ",
		"1x",
		"0x1",
		"1.0",
		"1e3",
		"1_0",
		"\xd9\xa1",
		"18446744073709551616",
		"99999999999999999999",
		"184467440737095516150",
	};
	uint64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(str_parse_u64(slice_of(bad[i]), &n));
		assert_int_equal(n, 7);
	}
	assert_true(str_parse_u64(SLICE("0"), &n));
	assert_int_equal(n, 0);
	assert_true(str_parse_u64(SLICE("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	assert_true(str_parse_u64(SLICE("007"), &n));
	assert_int_equal(n, 7);
	assert_false(str_parse_u64(SLICE("1\0"), &n));
}

static void signed_numbers(void **state)
{
	static const char *const bad[] = {
		"",
		"-",
		"--1",
		"+1",
		"- 1",
		"9223372036854775808",
		"-9223372036854775809",
		"1-",
	};
	int64_t n = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(str_parse_i64(slice_of(bad[i]), &n));
		assert_int_equal(n, 7);
	}
	assert_true(str_parse_i64(SLICE("9223372036854775807"), &n));
	assert_true(n == INT64_MAX);
	assert_true(str_parse_i64(SLICE("-9223372036854775808"), &n));
	assert_true(n == INT64_MIN);
	assert_true(str_parse_i64(SLICE("-0"), &n));
	assert_int_equal(n, 0);
	assert_true(str_parse_i64(SLICE("-42"), &n));
	assert_int_equal(n, -42);
}

static void booleans(void **state)
{
	static const char *const yes[] = {"true", "on", "yes"};
	static const char *const no[] = {"false", "off", "no"};
	static const char *const bad[] = {"",	 "1", "0",    "True", "y",
					  "on ", "o", "nope", "truee"};
	bool b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		b = false;
		assert_true(str_parse_bool(slice_of(yes[i]), &b));
		assert_true(b);
	}
	for (size_t i = 0; i < ARRAY_LEN(no); i++) {
		b = true;
		assert_true(str_parse_bool(slice_of(no[i]), &b));
		assert_false(b);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		b = true;
		assert_false(str_parse_bool(slice_of(bad[i]), &b));
		assert_true(b);
	}
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{"0", 0},
		{"0s", 0},
		{"250ms", 250},
		{"10s", 10000},
		{"3m", 180000},
		{"2h", 7200000},
		{"14d", 1209600000},
		{"9223372036854775807ms", INT64_MAX},
		{"106751991167d", 106751991167 * 86400000},
	};
	static const char *const bad[] = {
		"",
		"5",
		"00",
		"s",
		"ms",
		"-1s",
		"+1s",
		"1.5s",
		"1 s",
		" 1s",
		"1s ",
		"1S",
		"1min",
		"1w",
		"1m30s",
		"1sec",
		"s1",
		"0x1s",
		"9223372036854775808ms",
		"9223372036854775808s",
		"106751991168d",
		"18446744073709551616ms",
	};
	int64_t ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		ms = -1;
		assert_true(str_parse_duration(slice_of(good[i].text), &ms));
		assert_true(ms == good[i].ms);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ms = -1;
		assert_false(str_parse_duration(slice_of(bad[i]), &ms));
		assert_int_equal(ms, -1);
	}
}

static void globs(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"*", "", true},
		{"**", "", true},
		{"*", "anything", true},
		{"info@*", "INFO@shop.example", true},
		{"info@*", "xinfo@shop.example", false},
		{"*@shop.example", "a@shop.example", true},
		{"*@shop.example", "a@shop.example.net", false},
		{"*@shop.example", "a@b@shop.example", true},
		{"no*reply@*", "no-reply@x.example", true},
		{"no*reply@*", "noreply@x.example", true},
		{"a*b*c", "aXbXbc", true},
		{"a*b*c", "aXbXb", false},
		{"*ab", "aab", true},
		{"a?c", "abc", false},
		{"a?c", "a?c", true},
		{"[a]", "a", false},
		{"a.c", "abc", false},
		{"\\*", "\\x", true},
		{"STRASSE", "strasse", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(str_glob(rows[i].pattern, rows[i].text),
				 rows[i].match);
}

static void a_hostile_glob_ends(void **state)
{
	char text[5001], pattern[201];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 1] = '\0';
	assert_true(str_glob(pattern, text));
	pattern[sizeof(pattern) - 2] = 'b';
	assert_false(str_glob(pattern, text));
}

static void utf8(void **state)
{
	static const struct slice good[] = {
		{"", 0},
		{"plain", 5},
		{"a\0b", 3},
		{"\xc2\x80", 2},
		{"\xdf\xbf", 2},
		{"\xe0\xa0\x80", 3},
		{"\xed\x9f\xbf", 3},
		{"\xee\x80\x80", 3},
		{"\xef\xbf\xbf", 3},
		{"\xf0\x90\x80\x80", 4},
		{"\xf4\x8f\xbf\xbf", 4},
		{"\xf0\x9f\x91\x8b!", 5},
	};
	static const struct slice bad[] = {
		{"\x80", 1}, /* a continuation alone */
		{"\xbf", 1},
		{"\xc0\x80", 2}, /* overlong */
		{"\xc1\xbf", 2},
		{"\xe0\x9f\xbf", 3},
		{"\xf0\x8f\xbf\xbf", 4},
		{"\xed\xa0\x80", 3}, /* surrogates */
		{"\xed\xbf\xbf", 3},
		{"\xf4\x90\x80\x80", 4}, /* above U+10FFFF */
		{"\xf5\x80\x80\x80", 4},
		{"\xff", 1},
		{"\xc3", 1}, /* cut */
		{"\xe2\x82", 2},
		{"\xf0\x9f\x91", 3},
		{"\xc3(", 2},
		{"\xe2\x28\xa1", 3},
		{"\xe2\x82\x28", 3},
		{"\xf0\x9f\x28\x8b", 4},
		{"ok\xc3\xa4\xfe", 5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i]));
	assert_int_equal(str_utf8_next(SLICE("")), 0);
	assert_int_equal(str_utf8_next(SLICE("\xe2\x82\xac...")), 3);
	assert_int_equal(str_utf8_next(SLICE("\xa0")), 0);
}

static void doubles_read_back(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
		{0, "0"},
		{1, "1"},
		{-2.5, "-2.5"},
		{0.1, "0.1"},
		{0.0005, "0.0005"},
		{86400, "86400"},
		{1e21, "1e+21"},
		{0.1 + 0.2, "0.30000000000000004"},
		{1764000000, "1764000000"},
	};
	char text[STR_DOUBLE_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		str_double(rows[i].value, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void numbers_in_decimal(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = {
		{0, "0"},
		{9, "9"},
		{10, "10"},
		{1234567890, "1234567890"},
		{UINT64_MAX, "18446744073709551615"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[STR_U64_SIZE];

		assert_int_equal(str_u64(rows[i].n, text),
				 strlen(rows[i].text));
		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slices_compare),
		cmocka_unit_test(slices_are_trimmed),
		cmocka_unit_test(copies_fit_or_are_empty),
		cmocka_unit_test(duplicates_are_their_own),
		cmocka_unit_test(out_of_memory_ends_the_process),
		cmocka_unit_test(strings_compare),
		cmocka_unit_test(unsigned_numbers),
		cmocka_unit_test(signed_numbers),
		cmocka_unit_test(booleans),
		cmocka_unit_test(durations),
		cmocka_unit_test(globs),
		cmocka_unit_test(a_hostile_glob_ends),
		cmocka_unit_test(utf8),
		cmocka_unit_test(doubles_read_back),
		cmocka_unit_test(numbers_in_decimal),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
