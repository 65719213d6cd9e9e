/*
 * Makes JSON that jansson refuses, though its grammar is right, palatable:
 * lone surrogates and \u0000 become \ufffd, numbers out of range null.
 *
 * Every replacement is as long as what it replaces, so that lines and columns
 * stay true. Only whole tokens of RFC 8259's grammar are touched: text that
 * is not JSON stays text that is not JSON. Nothing is copied unless something
 * has to change.
 */
#include "json_rewrite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOUBLE_SAFE_DIGITS 308 /* that many never overflow a double */

struct rewrite {
	const char *text;
	size_t len;
	char *copy; /* NULL while nothing had to change */
};

static void rewrite_at(struct rewrite *r, size_t pos, const char *with,
		       size_t len)
{
	if (!r->copy)
		r->copy = xstrndup(r->text, r->len);
	memcpy(r->copy + pos, with, len);
}

/* The value of "\uXXXX" at pos; -1 if there is none. */
static int32_t unit_at(const struct rewrite *r, size_t pos)
{
	int32_t unit = 0;

	if (r->len < 6 || pos > r->len - 6 || r->text[pos] != '\\' ||
	    r->text[pos + 1] != 'u')
		return -1;
	for (size_t i = pos + 2; i < pos + 6; i++) {
		char c = r->text[i];

		if (c >= '0' && c <= '9')
			unit = unit * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			unit = unit * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			unit = unit * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return unit;
}

static bool is_high(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* pos is at a backslash inside a string; returns where to go on. */
static size_t rewrite_escape(struct rewrite *r, size_t pos)
{
	int32_t unit = unit_at(r, pos);

	if (unit < 0)
		return pos + 2;
	if (is_high(unit) && is_low(unit_at(r, pos + 6)))
		return pos + 12;
	if (unit == 0 || is_high(unit) || is_low(unit))
		rewrite_at(r, pos, "\\ufffd", 6);
	return pos + 6;
}

/* pos is behind the opening quote; returns what is behind the closing one. */
static size_t rewrite_string(struct rewrite *r, size_t pos)
{
	while (pos < r->len && r->text[pos] != '"') {
		if (r->text[pos] == '\\')
			pos = rewrite_escape(r, pos);
		else
			pos++;
	}
	return pos + 1;
}

static size_t skip_digits(const struct rewrite *r, size_t pos)
{
	while (pos < r->len && r->text[pos] >= '0' && r->text[pos] <= '9')
		pos++;
	return pos;
}

/* Behind "e+12" at pos; pos itself if there is no exponent. */
static size_t skip_exponent(const struct rewrite *r, size_t pos)
{
	size_t digits = pos + 1;

	if (pos >= r->len || (r->text[pos] != 'e' && r->text[pos] != 'E'))
		return pos;
	if (digits < r->len &&
	    (r->text[digits] == '+' || r->text[digits] == '-'))
		digits++;
	return skip_digits(r, digits) > digits ? skip_digits(r, digits) : pos;
}

static bool real_overflows(struct slice token, bool exponent)
{
	char *text;
	double value;

	if (!exponent && token.len <= DOUBLE_SAFE_DIGITS)
		return false;
	text = xstrndup(token.ptr, token.len);
	value = strtod(text, NULL);
	free(text);
	return isinf(value);
}

/* pos is at '-' or a digit outside of strings; returns where to go on. */
static size_t rewrite_number(struct rewrite *r, size_t pos)
{
	size_t first = pos + (r->text[pos] == '-'), end, fraction, whole;
	struct slice token = {r->text + pos, 0};
	bool out_of_range;
	int64_t n;

	whole = skip_digits(r, first);
	if (whole == first)
		return pos + 1;
	if (r->text[first] == '0')
		whole = first + 1;
	fraction = whole;
	if (whole < r->len && r->text[whole] == '.' &&
	    skip_digits(r, whole + 1) > whole + 1)
		fraction = skip_digits(r, whole + 1);
	end = skip_exponent(r, fraction);
	token.len = end - pos;
	if (end == whole)
		out_of_range = !str_parse_i64(token, &n);
	else
		out_of_range = real_overflows(token, end > fraction);
	if (out_of_range) {
		rewrite_at(r, pos, "null", 4);
		memset(r->copy + pos + 4, ' ', token.len - 4);
	}
	return end;
}

char *json_rewrite(const char *text, size_t len)
{
	struct rewrite r = {.text = text, .len = len};
	size_t pos = 0;

	while (pos < len) {
		char c = text[pos];

		if (c == '"')
			pos = rewrite_string(&r, pos + 1);
		else if (c == '-' || (c >= '0' && c <= '9'))
			pos = rewrite_number(&r, pos);
		else
			pos++;
	}
	return r.copy;
}
