/*
 * Strings: slices, strict parsing, bounded copies, allocation that aborts.
 *
 * ASCII only where letters or white space matter: the locale has no say.
 */
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const char *s)
{
	if (!s)
		return SLICE("");
	return (struct slice){s, strlen(s)};
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (a.ptr[i] != b.ptr[i] &&
		    ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return true;
}

static bool ascii_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct slice slice_trim(struct slice s)
{
	while (s.len && ascii_space(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len && ascii_space(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

static void *or_abort(void *p)
{
	if (p)
		return p;
	fputs("out of memory\n", stderr);
	abort();
}

void *xcalloc(size_t count, size_t size)
{
	if (!count || !size)
		count = size = 1;
	return or_abort(calloc(count, size));
}

void *xrealloc(void *p, size_t size)
{
	return or_abort(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? or_abort(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t len)
{
	char *copy = xcalloc(len + 1, 1);

	if (len)
		memcpy(copy, s, len);
	return copy;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	return str_copy_slice(dst, size, slice_of(src));
}

bool str_copy_slice(char *dst, size_t size, struct slice src)
{
	bool fits = src.len < size;

	if (!size)
		return false;
	if (fits && src.len)
		memcpy(dst, src.ptr, src.len);
	dst[fits ? src.len : 0] = '\0';
	return fits;
}

bool str_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a, b);
}

bool str_eq_nocase(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return slice_eq_nocase(slice_of(a), slice_of(b));
}

bool str_is_empty(const char *s)
{
	return !s || !*s;
}

bool str_starts(const char *s, const char *prefix)
{
	return s && prefix && !strncmp(s, prefix, strlen(prefix));
}

void str_lower(char *s)
{
	for (; *s; s++)
		*s = ascii_lower(*s);
}

bool str_parse_u64(struct slice s, uint64_t *out)
{
	uint64_t n = 0;

	if (!s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

bool str_parse_i64(struct slice s, int64_t *out)
{
	bool negative = s.len && s.ptr[0] == '-';
	uint64_t n, limit = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

	if (negative) {
		s.ptr++;
		s.len--;
	}
	if (!str_parse_u64(s, &n) || n > limit)
		return false;
	if (negative)
		*out = n ? -(int64_t)(n - 1) - 1 : 0;
	else
		*out = (int64_t)n;
	return true;
}

bool str_parse_bool(struct slice s, bool *out)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {
		{"true", true},	  {"on", true},	  {"yes", true},
		{"false", false}, {"off", false}, {"no", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!slice_eq(s, slice_of(words[i].word)))
			continue;
		*out = words[i].value;
		return true;
	}
	return false;
}

bool str_parse_duration(struct slice s, int64_t *out_ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{"ms", 1},
		{"s", 1000},
		{"m", 60 * 1000},
		{"h", 60 * 60 * 1000},
		{"d", 24 * 60 * 60 * 1000},
	};
	size_t digits = 0;
	uint64_t n;

	while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
		digits++;
	if (!str_parse_u64((struct slice){s.ptr, digits}, &n))
		return false;
	s.ptr += digits;
	s.len -= digits;
	if (!s.len && digits == 1 && !n) {
		*out_ms = 0;
		return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (!slice_eq(s, slice_of(units[i].name)))
			continue;
		if (n > (uint64_t)(INT64_MAX / units[i].ms))
			return false;
		*out_ms = (int64_t)n * units[i].ms;
		return true;
	}
	return false;
}

bool str_glob(const char *pattern, const char *s)
{
	const char *star = NULL, *retry = NULL;

	while (*s) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = s;
		} else if (ascii_lower(*pattern) == ascii_lower(*s)) {
			pattern++;
			s++;
		} else if (star) {
			pattern = star;
			s = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

size_t str_utf8_next(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (!s.len)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (s.len < len)
		return 0;
	/* no overlong forms, no surrogates, nothing above U+10FFFF */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return len;
}

bool str_is_utf8(struct slice s)
{
	while (s.len) {
		size_t len = str_utf8_next(s);

		if (!len)
			return false;
		s.ptr += len;
		s.len -= len;
	}
	return true;
}

size_t str_u64(uint64_t n, char out[STR_U64_SIZE])
{
	char digits[STR_U64_SIZE];
	size_t len = 0;

	do {
		digits[len++] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	for (size_t i = 0; i < len; i++)
		out[i] = digits[len - 1 - i];
	out[len] = '\0';
	return len;
}

void str_double(double value, char out[STR_DOUBLE_SIZE])
{
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(out, STR_DOUBLE_SIZE, "%.*g", digits, value);
		if (strtod(out, NULL) == value)
			return;
	}
}
