/*
 * The check of raw bytes against RFC 8259.
 *
 * One pass, no recursion, no allocation: what is open is one bit per level
 * (1 object, 0 array), hence the limit of 64. Refused are what the grammar
 * refuses, a byte order mark, UTF-8 that is overlong, cut or encodes a
 * surrogate, and nesting over SCAN_MAX_DEPTH. Escapes of lone surrogates and
 * of NUL are grammar, so they pass.
 *
 *	VALUE  --scalar, string-->  AFTER
 *	VALUE  --'{'-->  FIRST_NAME     VALUE --'['--> FIRST_VALUE
 *	FIRST_NAME, NAME  --string ':'-->  VALUE
 *	FIRST_NAME --'}'--> AFTER       FIRST_VALUE --']'--> AFTER
 *	AFTER  --','-->  NAME (in an object), VALUE (in an array)
 *	AFTER  --'}', ']'-->  AFTER     (one level up)
 *	AFTER at level 0 must be the end.
 *
 * The walkers over checked text are in scan_walk.c.
 */
#include "core/scan.h"

#include "scan_bytes.h"

enum want {
	WANT_VALUE,
	WANT_FIRST_VALUE,
	WANT_NAME,
	WANT_FIRST_NAME,
	WANT_AFTER,
};

/* On failure p is the byte that is wrong. */
struct cursor {
	const char *p;
	const char *end;
	uint64_t open; /* the lowest bit is the innermost level */
	unsigned int depth;
	bool too_deep;
};

static bool is_hex(char c)
{
	return scan_is_digit(c) || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* The first byte of a string that is not plain ASCII, or end. */
static inline const char *skip_plain(const char *p, const char *end)
{
	for (; end - p >= 8; p += 8) {
		uint64_t marks = scan_marks_raw(scan_load(p));

		if (marks)
			return scan_first_mark(p, marks);
	}
	while (p < end && (unsigned char)*p >= 0x20 &&
	       (unsigned char)*p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* At a backslash. */
static bool check_escape(struct cursor *c)
{
	c->p++;
	if (c->p == c->end)
		return false;
	if (*c->p != 'u')
		return *c->p && strchr("\"\\/bfnrt", *c->p) && c->p++;
	c->p++;
	for (int i = 0; i < 4; i++, c->p++) {
		if (c->p == c->end || !is_hex(*c->p))
			return false;
	}
	return true;
}

static bool in_range(unsigned char b, unsigned char low, unsigned char high)
{
	return b >= low && b <= high;
}

/* One character of two to four bytes, by the table of RFC 3629. */
static bool check_utf8(struct cursor *c)
{
	const unsigned char *s = (const unsigned char *)c->p;
	size_t left = (size_t)(c->end - c->p);
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (in_range(s[0], 0xc2, 0xdf))
		len = 2;
	else if (in_range(s[0], 0xe0, 0xef))
		len = 3;
	else if (in_range(s[0], 0xf0, 0xf4))
		len = 4;
	else
		return false;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (left < len || !in_range(s[1], low, high))
		return false;
	for (size_t i = 2; i < len; i++) {
		if (!in_range(s[i], 0x80, 0xbf))
			return false;
	}
	c->p += len;
	return true;
}

/* At the opening quote; ends behind the closing one. */
static inline bool check_string(struct cursor *c)
{
	c->p++;
	for (;;) {
		c->p = skip_plain(c->p, c->end);
		if (c->p == c->end)
			return false;
		if (*c->p == '"') {
			c->p++;
			return true;
		}
		if (*c->p == '\\' ? !check_escape(c) : !check_utf8(c))
			return false;
	}
}

static bool check_digits(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && scan_is_digit(*c->p))
		c->p++;
	return c->p > start;
}

static bool check_number(struct cursor *c)
{
	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0')
		c->p++;
	else if (!check_digits(c))
		return false;
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!check_digits(c))
			return false;
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		return check_digits(c);
	}
	return true;
}

static bool check_word(struct cursor *c, struct slice word)
{
	size_t left = (size_t)(c->end - c->p);

	if (left < word.len || memcmp(c->p, word.ptr, word.len) != 0)
		return false;
	c->p += word.len;
	return true;
}

static bool check_scalar(struct cursor *c)
{
	switch (*c->p) {
	case '"':
		return check_string(c);
	case 't':
		return check_word(c, SLICE("true"));
	case 'f':
		return check_word(c, SLICE("false"));
	case 'n':
		return check_word(c, SLICE("null"));
	default:
		return check_number(c);
	}
}

static bool check_open(struct cursor *c, bool object)
{
	if (c->depth == SCAN_MAX_DEPTH) {
		c->too_deep = true;
		return false;
	}
	c->depth++;
	c->open = c->open << 1 | object;
	c->p++;
	return true;
}

static bool check_close(struct cursor *c)
{
	if (c->depth == 0 || *c->p != (c->open & 1 ? '}' : ']'))
		return false;
	c->depth--;
	c->open >>= 1;
	c->p++;
	return true;
}

static bool check_value(struct cursor *c, enum want *want)
{
	char first = *c->p;

	if (first == ']' && *want == WANT_FIRST_VALUE) {
		*want = WANT_AFTER;
		return check_close(c);
	}
	if (first == '{' || first == '[') {
		*want = first == '{' ? WANT_FIRST_NAME : WANT_FIRST_VALUE;
		return check_open(c, first == '{');
	}
	*want = WANT_AFTER;
	return check_scalar(c);
}

static bool check_name(struct cursor *c, enum want *want)
{
	if (*c->p == '}' && *want == WANT_FIRST_NAME) {
		*want = WANT_AFTER;
		return check_close(c);
	}
	if (*c->p != '"' || !check_string(c))
		return false;
	c->p = scan_skip_space(c->p, c->end);
	if (c->p == c->end || *c->p != ':')
		return false;
	c->p++;
	*want = WANT_VALUE;
	return true;
}

static bool check_after(struct cursor *c, enum want *want)
{
	if (*c->p != ',')
		return check_close(c);
	if (c->depth == 0)
		return false;
	*want = c->open & 1 ? WANT_NAME : WANT_VALUE;
	c->p++;
	return true;
}

static bool check_text(struct cursor *c)
{
	enum want want = WANT_VALUE;
	bool ok = true;

	while (ok) {
		c->p = scan_skip_space(c->p, c->end);
		if (c->p == c->end)
			return want == WANT_AFTER && c->depth == 0;
		if (want == WANT_AFTER)
			ok = check_after(c, &want);
		else if (want == WANT_NAME || want == WANT_FIRST_NAME)
			ok = check_name(c, &want);
		else
			ok = check_value(c, &want);
	}
	return false;
}

enum result scan_check(struct slice text, struct error *err)
{
	struct cursor c = {0};

	if (text.len == 0)
		return error_set(err, RESULT_INVALID, "empty body");
	c.p = text.ptr;
	c.end = text.ptr + text.len;
	if (check_text(&c))
		return RESULT_OK;
	return error_set(err, RESULT_INVALID, "%s at byte %zu",
			 c.too_deep	? "nested too deep"
			 : c.p == c.end ? "JSON ends early"
					: "not JSON",
			 (size_t)(c.p - text.ptr));
}
