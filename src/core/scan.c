/*
 * The check of raw bytes against RFC 8259, and the notes it takes.
 *
 * One pass, no recursion: what is open is one bit per level (1 object, 0
 * array), hence the limit of 64, and one node. Refused are what the grammar
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
 * The walkers over the notes are in scan_walk.c.
 */
#include "core/scan.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

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
	struct scan *scan;
	uint64_t objects; /* the lowest bit is the innermost level */
	unsigned int depth;
	bool too_deep;
	uint32_t open[SCAN_MAX_DEPTH]; /* nodes */
};

static bool is_space(char c)
{
	return c <= ' ' && (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

__attribute__((noinline)) static void grow(struct scan *s)
{
	size_t bytes = s->count * sizeof(s->nodes[0]);
	struct scan_node *wider;

	wider = xrealloc(s->nodes == s->room ? NULL : s->nodes, 2 * bytes);
	if (s->nodes == s->room)
		memcpy(wider, s->room, bytes);
	s->nodes = wider;
	s->cap = 2 * s->count;
}

/* One that begins here. */
static inline struct scan_node *add_node(struct cursor *c)
{
	struct scan *s = c->scan;
	struct scan_node *n;

	if (s->count == s->cap)
		grow(s);
	n = &s->nodes[s->count++];
	n->at = (uint32_t)(c->p - s->text);
	n->escaped = 0;
	n->span = 1;
	return n;
}

/* Up to here. */
static inline void end_node(const struct cursor *c, struct scan_node *n)
{
	n->len = (uint32_t)(c->p - c->scan->text - n->at) & INT32_MAX;
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Compilers make one instruction of each line with a lane. */
typedef signed char lane __attribute__((vector_size(16)));

/* Where the first byte of 16 is that does not stand for itself in a string:
 * a quote, a backslash, a control character, or not ASCII, which is negative
 * here; 16: nowhere. */
static inline unsigned int plain_run(const char *p)
{
	lane bytes, marks;
	uint64_t half[2];

	memcpy(&bytes, p, sizeof(bytes));
	marks = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
	memcpy(half, &marks, sizeof(half));
	if (half[0])
		return (unsigned int)__builtin_ctzll(le64toh(half[0])) / 8;
	if (half[1])
		return 8 + (unsigned int)__builtin_ctzll(le64toh(half[1])) / 8;
	return 16;
}

/* The first byte of a string that is not plain ASCII, or end. */
static inline const char *skip_plain(const char *p, const char *end)
{
	while (end - p >= 16) {
		unsigned int run = plain_run(p);

		p += run;
		if (run < 16)
			return p;
	}
	while (p < end && (signed char)*p >= 0x20 && *p != '"' && *p != '\\')
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

/* At what does not stand for itself; apart, since few strings have any. */
__attribute__((noinline)) static bool check_odd(struct cursor *c,
						struct scan_node *n)
{
	if (*c->p != '\\')
		return check_utf8(c);
	n->escaped = 1;
	return check_escape(c);
}

/* At the opening quote; ends behind the closing one. */
static inline bool check_string(struct cursor *c)
{
	struct scan_node *n = add_node(c);

	c->p++;
	for (;;) {
		c->p = skip_plain(c->p, c->end);
		if (c->p == c->end)
			return false;
		if (*c->p == '"')
			break;
		if (!check_odd(c, n))
			return false;
	}
	c->p++;
	end_node(c, n);
	return true;
}

static bool check_digits(struct cursor *c)
{
	const char *start = c->p;

	while (c->p < c->end && is_digit(*c->p))
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

static bool check_plain_scalar(struct cursor *c)
{
	switch (*c->p) {
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

static bool check_scalar(struct cursor *c)
{
	struct scan_node *n;

	if (*c->p == '"')
		return check_string(c);
	n = add_node(c);
	if (!check_plain_scalar(c))
		return false;
	end_node(c, n);
	return true;
}

static bool check_open(struct cursor *c, bool object)
{
	if (c->depth == SCAN_MAX_DEPTH) {
		c->too_deep = true;
		return false;
	}
	c->open[c->depth++] = (uint32_t)c->scan->count;
	add_node(c);
	c->objects = c->objects << 1 | object;
	c->p++;
	return true;
}

static bool check_close(struct cursor *c)
{
	struct scan_node *n;
	uint32_t first;

	if (c->depth == 0 || *c->p != (c->objects & 1 ? '}' : ']'))
		return false;
	first = c->open[--c->depth];
	c->objects >>= 1;
	c->p++;
	n = &c->scan->nodes[first];
	n->span = (uint32_t)c->scan->count - first;
	end_node(c, n);
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

static inline void skip_space(struct cursor *c)
{
	while (c->p < c->end && is_space(*c->p))
		c->p++;
}

static bool check_name(struct cursor *c, enum want *want)
{
	if (*c->p == '}' && *want == WANT_FIRST_NAME) {
		*want = WANT_AFTER;
		return check_close(c);
	}
	if (*c->p != '"' || !check_string(c))
		return false;
	skip_space(c);
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
	*want = c->objects & 1 ? WANT_NAME : WANT_VALUE;
	c->p++;
	return true;
}

static bool check_text(struct cursor *c)
{
	enum want want = WANT_VALUE;
	bool ok = true;

	while (ok) {
		skip_space(c);
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

enum result scan_read(struct scan *s, struct slice text, struct error *err)
{
	struct cursor c;

	if (text.len == 0)
		return error_set(err, RESULT_INVALID, "empty body");
	if (text.len > SCAN_MAX_BYTES)
		return error_set(err, RESULT_INVALID, "body too large");
	s->text = text.ptr;
	s->nodes = s->room;
	s->count = 0;
	s->cap = SCAN_ROOM;
	c.p = text.ptr;
	c.end = text.ptr + text.len;
	c.scan = s;
	c.objects = 0;
	c.depth = 0;
	c.too_deep = false;
	if (check_text(&c))
		return RESULT_OK;
	scan_release(s);
	return error_set(err, RESULT_INVALID, "%s at byte %zu",
			 c.too_deep	? "nested too deep"
			 : c.p == c.end ? "JSON ends early"
					: "not JSON",
			 (size_t)(c.p - text.ptr));
}

void scan_release(struct scan *s)
{
	if (s->nodes != s->room)
		free(s->nodes);
}
