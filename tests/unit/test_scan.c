/*
 * The scanner's check: what RFC 8259 allows and refuses, where it stops, and
 * that it never disagrees with the JSON library but about depth and NUL.
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

static enum result scan_check(struct slice text, struct error *err)
{
	struct scan scan;
	enum result r = scan_read(&scan, text, err);

	if (r == RESULT_OK)
		scan_release(&scan);
	return r;
}

/* An exact copy on the heap, so that a sanitizer sees a byte too far. */
static bool accepts(struct slice text)
{
	char *copy = xcalloc(text.len ? text.len : 1, 1);
	struct slice exact = {copy, text.len};
	bool ok;

	memcpy(copy, text.ptr, text.len);
	ok = scan_check(exact, NULL) == RESULT_OK;
	free(copy);
	return ok;
}

#define CASE(text)                                                             \
	{                                                                      \
		(text), sizeof(text) - 1                                       \
	}

static const struct slice valid[] = {
	CASE("0"),
	CASE("-0"),
	CASE("1e5"),
	CASE("1E+05"),
	CASE("-1.25e-7"),
	CASE("1e999999"),
	CASE("123456789012345678901234567890"),
	CASE("true"),
	CASE(" false\n"),
	CASE("\tnull\r\n"),
	CASE("\"\""),
	CASE("\"a\""),
	CASE("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
	CASE("\"\\u0000\\u00e9\\uFFFF\""),
	CASE("\"\\ud83d\""),
	CASE("\"\\udc00\\ud800\""),
	CASE("\"\\ud83d\\ude00\""),
	CASE("\"\x7f\""),
	CASE("\"\xc2\x80\xdf\xbf\""),
	CASE("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
	CASE("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
	CASE("\"\xef\xbb\xbf inside is a character\""),
	CASE("[]"),
	CASE("{}"),
	CASE(" [ ] "),
	CASE("[1,2 , 3]"),
	CASE("[[[]],{}]"),
	CASE("{\"a\":1}"),
	CASE("{\"a\" : {\"b\":[true,null]} , \"\":\"\"}"),
	CASE("{\"a\":1,\"a\":2}"),
	CASE("[\"eight888\",\"seven77\",\"exactly sixteen.\"]"),
};

static const struct slice invalid[] = {
	CASE(""),
	CASE(" "),
	CASE("\xef\xbb\xbf{}"),
	CASE("\xff\xfe{\0}\0"),
	CASE("{}\0"),
	CASE("\0{}"),
	CASE("+1"),
	CASE("01"),
	CASE("-01"),
	CASE("-"),
	CASE("1."),
	CASE(".5"),
	CASE("1.e1"),
	CASE("1e"),
	CASE("1e+"),
	CASE("0x1"),
	CASE("1 2"),
	CASE("NaN"),
	CASE("Infinity"),
	CASE("-Infinity"),
	CASE("True"),
	CASE("nul"),
	CASE("nulll"),
	CASE("truefalse"),
	CASE("'a'"),
	CASE("\"a"),
	CASE("\"a\"\""),
	CASE("\"tab\there\""),
	CASE("\"line\nbreak\""),
	CASE("\"nul\0byte\""),
	CASE("\"control \x1f at the end\""),
	CASE("\"\\x41\""),
	CASE("\"\\\0\""),
	CASE("\"\\u12\""),
	CASE("\"\\u12g4\""),
	CASE("\"\\U0041\""),
	CASE("\"\\"),
	CASE("\"\\\""),
	CASE("\"\x80\""),
	CASE("\"\xbf\""),
	CASE("\"\xc0\xaf\""),
	CASE("\"\xc1\xbf\""),
	CASE("\"\xc2\""),
	CASE("\"\xc2\x41\""),
	CASE("\"\xe0\x9f\xbf\""),
	CASE("\"\xe2\x82\""),
	CASE("\"\xe2\x82"),
	CASE("\"\xed\xa0\x80\""),
	CASE("\"\xed\xbf\xbf\""),
	CASE("\"\xf0\x8f\xbf\xbf\""),
	CASE("\"\xf0\x90\x80\""),
	CASE("\"\xf4\x90\x80\x80\""),
	CASE("\"\xf5\x80\x80\x80\""),
	CASE("\"\xfc\x80\x80\x80\x80\x80\""),
	CASE("\"\xff\""),
	CASE("\xc2\xa0[]"),
	CASE("["),
	CASE("]"),
	CASE("[1"),
	CASE("[1,"),
	CASE("[1,]"),
	CASE("[,1]"),
	CASE("[1,,2]"),
	CASE("[1 2]"),
	CASE("[1:2]"),
	CASE("[1}"),
	CASE("[]]"),
	CASE("[][]"),
	CASE("[],"),
	CASE("{"),
	CASE("}"),
	CASE("{]"),
	CASE("{\"a\"}"),
	CASE("{\"a\":}"),
	CASE("{\"a\":1"),
	CASE("{\"a\":1,}"),
	CASE("{,\"a\":1}"),
	CASE("{\"a\":1,,\"b\":2}"),
	CASE("{\"a\" 1}"),
	CASE("{\"a\"::1}"),
	CASE("{\"a\":1 \"b\":2}"),
	CASE("{\"a\":1:2}"),
	CASE("{\"a\",\"b\"}"),
	CASE("{a:1}"),
	CASE("{1:1}"),
	CASE("{null:1}"),
	CASE("{\"a\":1]"),
	CASE("{[]:1}"),
	CASE("[1]//comment"),
	CASE("/**/[]"),
	CASE("[1,\v2]"),
	CASE("[\f]"),
};

static void test_grammar(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
		if (!accepts(valid[i]))
			fail_msg("valid case %zu was refused", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
		if (accepts(invalid[i]))
			fail_msg("invalid case %zu was accepted", i);
	}
}

/* Every control character and every byte that cannot start a character, at
 * every place of the sixteen that are looked at together, and behind them. */
static void test_no_bad_byte_hides(void **state)
{
	char text[] = "\"0123456789012345678901234567\"";

	(void)state;
	for (size_t at = 1; at < sizeof(text) - 2; at++) {
		char was = text[at];

		for (int b = 0; b < 256; b++) {
			bool bad =
				b < 0x20 || b == '"' || b == '\\' || b >= 0x80;

			text[at] = (char)b;
			if (accepts((struct slice){text, sizeof(text) - 1}) ==
			    bad)
				fail_msg("byte %d at %zu", b, at);
		}
		text[at] = was;
	}
}

static void test_errors_say_where(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(scan_check(SLICE("{\"a\":secret}"), &err),
			 RESULT_INVALID);
	assert_string_equal(err.text, "not JSON at byte 5");
	assert_int_equal(scan_check(SLICE("{\"a\":"), &err), RESULT_INVALID);
	assert_string_equal(err.text, "JSON ends early at byte 5");
	assert_int_equal(scan_check(SLICE(""), &err), RESULT_INVALID);
	assert_string_equal(err.text, "empty body");
}

static struct slice nested(char *out, const char *open, const char *inner,
			   const char *close, int depth)
{
	char *p = out;

	for (int i = 0; i < depth; i++)
		p = stpcpy(p, open);
	p = stpcpy(p, inner);
	for (int i = 0; i < depth; i++)
		p = stpcpy(p, close);
	return (struct slice){out, (size_t)(p - out)};
}

static void test_depth(void **state)
{
	char text[1024];
	struct error err;

	(void)state;
	assert_true(accepts(nested(text, "[", "", "]", 64)));
	assert_false(accepts(nested(text, "[", "", "]", 65)));
	assert_true(accepts(nested(text, "{\"a\":", "1", "}", 64)));
	assert_int_equal(
		scan_check(nested(text, "{\"a\":", "1", "}", 65), &err),
		RESULT_INVALID);
	assert_string_equal(err.text, "nested too deep at byte 320");
	assert_true(accepts(nested(text, "[{\"a\":", "[[]]", "}]", 31)));
	assert_false(accepts(nested(text, "[{\"a\":", "[[[]]]", "}]", 31)));
	/* Levels that closed do not count. */
	assert_true(accepts(nested(text, "[[[]],", "1", "]", 62)));
}

static void test_a_bracket_of_the_wrong_kind(void **state)
{
	char text[1024];
	struct slice s = nested(text, "[{\"a\":", "1", "}]", 32);

	(void)state;
	assert_true(accepts(s));
	for (size_t i = 0; i < s.len; i++) {
		char was = text[i];

		if (!strchr("[]{}", was))
			continue;
		text[i] = (char)(was ^ 0x20); /* [ and {, ] and } */
		assert_false(accepts(s));
		text[i] = was;
	}
}

static size_t length_without_tail(struct slice text)
{
	while (text.len && strchr(" \n", text.ptr[text.len - 1]))
		text.len--;
	return text.len;
}

static void every_truncation_is_refused(const char *name, struct slice text,
					void *arg)
{
	(void)arg;
	assert_true(accepts(text));
	for (size_t len = 0; len < length_without_tail(text); len++) {
		if (accepts((struct slice){text.ptr, len}))
			fail_msg("%s cut to %zu bytes is accepted", name, len);
	}
}

static void test_truncation(void **state)
{
	(void)state;
	assert_true(fixture_each("sunco", every_truncation_is_refused, NULL) >
		    25);
	assert_true(fixture_each("zendesk", every_truncation_is_refused, NULL) >
		    12);
}

/* Deterministic, so that a failure can be looked at again. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static void mutate(char *text, size_t len, uint32_t *seed)
{
	static const char likely[] = "\"\\{}[],:0123456789eE+-.utf \n\0"
				     "\x80\xc2\xe2\xed\xf0\xff";
	uint32_t how = next_random(seed) % 4;
	size_t at = next_random(seed) % len;
	size_t from = next_random(seed) % len;
	size_t run = next_random(seed) % 8;

	if (how == 0)
		text[at] = (char)next_random(seed);
	else if (how == 1)
		text[at] = likely[next_random(seed) % (sizeof(likely) - 1)];
	else if (from + run < len && at + run < len)
		memmove(text + at, text + from, run);
}

static int nesting(const char *text, size_t len)
{
	int depth = 0, deepest = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (quoted && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			quoted = !quoted;
		else if (!quoted && strchr("[{", text[i]) && text[i])
			deepest = ++depth > deepest ? depth : deepest;
		else if (!quoted && strchr("]}", text[i]) && text[i])
			depth--;
	}
	return deepest;
}

/* The library nests deeper, and swallows a NUL behind a number. */
static bool may_differ(struct slice text)
{
	return nesting(text.ptr, text.len) > SCAN_MAX_DEPTH ||
	       memchr(text.ptr, '\0', text.len);
}

static size_t agreed_valid;

static void library_agrees(const char *name, struct slice text)
{
	struct json_t *v = json_parse(text.ptr, text.len, NULL);
	bool ours = accepts(text);

	if (ours != (v != NULL) && (ours || !may_differ(text)))
		fail_msg("%s: scanner says %d: %.*s", name, ours, (int)text.len,
			 text.ptr);
	agreed_valid += ours;
	json_free(v);
}

static void agrees_when_mutated(const char *name, struct slice text, void *arg)
{
	char *copy = xcalloc(1, text.len);
	uint32_t seed = (uint32_t)text.len;

	(void)arg;
	library_agrees(name, text);
	for (int round = 0; round < 300; round++) {
		memcpy(copy, text.ptr, text.len);
		for (int i = 0; i <= round % 3; i++)
			mutate(copy, text.len, &seed);
		library_agrees(name, (struct slice){copy, text.len});
	}
	free(copy);
}

static void test_agrees_with_the_library(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(valid); i++)
		library_agrees("valid", valid[i]);
	for (size_t i = 0; i < ARRAY_LEN(invalid); i++)
		library_agrees("invalid", invalid[i]);
	agreed_valid = 0;
	fixture_each("sunco", agrees_when_mutated, NULL);
	fixture_each("zendesk", agrees_when_mutated, NULL);
	assert_true(agreed_valid > 1000); /* both sides are exercised */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_no_bad_byte_hides),
		cmocka_unit_test(test_errors_say_where),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_a_bracket_of_the_wrong_kind),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_agrees_with_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
