/*
 * Walkers over what scan_read() noted: members by name, strings and numbers
 * as text. They trust the grammar and check only what the text cannot
 * promise: types, and the size of the caller's buffer.
 */
#include "core/scan.h"

#include <string.h>

#define REPLACEMENT 0xfffd

static enum scan_type type_of(char first)
{
	switch (first) {
	case '{':
		return SCAN_OBJECT;
	case '[':
		return SCAN_ARRAY;
	case '"':
		return SCAN_STRING;
	case 't':
		return SCAN_TRUE;
	case 'f':
		return SCAN_FALSE;
	case 'n':
		return SCAN_NULL;
	default:
		return SCAN_NUMBER;
	}
}

static struct scan_value value_of(const char *text, const struct scan_node *n)
{
	const char *first = text + n->at;

	return (struct scan_value){type_of(*first), {first, n->len}, n};
}

struct scan_value scan_top(const struct scan *s)
{
	return value_of(s->text, s->nodes);
}

/* Where the offsets of the nodes count from. */
static const char *text_of(struct scan_value v)
{
	return v.raw.ptr - v.node->at;
}

bool scan_next(struct scan_value container, size_t *pos,
	       struct scan_value *name, struct scan_value *value)
{
	const struct scan_node *n = container.node;

	if (container.type != SCAN_OBJECT && container.type != SCAN_ARRAY)
		return false;
	if (*pos == 0)
		*pos = 1;
	if (*pos == n->span)
		return false;
	n += *pos;
	if (container.type == SCAN_OBJECT) {
		if (name)
			*name = value_of(text_of(container), n);
		n++;
	}
	*value = value_of(text_of(container), n);
	*pos = (size_t)(n - container.node) + n->span;
	return true;
}

static struct slice inside_quotes(struct scan_value v)
{
	return (struct slice){v.raw.ptr + 1, v.raw.len - 2};
}

/* Its place among the names, or count. */
static size_t name_find(const char *text, const struct scan_node *n,
			const struct slice *names, size_t count)
{
	size_t i = 0;

	if (n->escaped) {
		while (i < count && !scan_equals(value_of(text, n), names[i]))
			i++;
		return i;
	}
	while (i < count &&
	       ((size_t)n->len != names[i].len + 2 ||
		memcmp(text + n->at + 1, names[i].ptr, names[i].len) != 0))
		i++;
	return i;
}

void scan_members(struct scan_value obj, const struct slice *names,
		  struct scan_value *out, size_t count)
{
	const struct scan_node *n, *end;
	const char *text;

	memset(out, 0, count * sizeof(*out));
	if (obj.type != SCAN_OBJECT)
		return;
	text = text_of(obj);
	end = obj.node + obj.node->span;
	for (n = obj.node + 1; n < end; n += 1 + n[1].span) {
		size_t i = name_find(text, n, names, count);

		if (i < count)
			out[i] = value_of(text, n + 1);
	}
}

struct scan_value scan_get(struct scan_value obj, const char *name)
{
	struct slice one = slice_of(name);
	struct scan_value v;

	scan_members(obj, &one, &v, 1);
	return v;
}

static unsigned int hex4(const char *p)
{
	unsigned int n = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i];

		n = n << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n;
}

/* At the four digits of a \u escape; leaves *p behind the character, which
 * may be a pair of escapes. */
static unsigned int unicode_escape(const char **p)
{
	unsigned int unit = hex4(*p);
	unsigned int low;

	*p += 4;
	if (unit == 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return REPLACEMENT;
	if (unit < 0xd800 || unit > 0xdfff)
		return unit;
	if ((*p)[0] != '\\' || (*p)[1] != 'u')
		return REPLACEMENT;
	low = hex4(*p + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return REPLACEMENT;
	*p += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static size_t utf8_put(unsigned int c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* At a backslash; decodes one character and steps behind it. */
static size_t escape_decode(const char **p, char out[4])
{
	static const char plain[256] = {
		['b'] = '\b', ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r',
		['t'] = '\t', ['"'] = '"',  ['\\'] = '\\', ['/'] = '/'};
	char letter = (*p)[1];

	*p += 2;
	if (letter == 'u')
		return utf8_put(unicode_escape(p), out);
	out[0] = plain[(unsigned char)letter];
	return 1;
}

/* The next run of decoded bytes of a string, borrowed from the text or from
 * room; empty at the end. */
static struct slice string_run(const char **p, const char *end, char room[4])
{
	const char *start = *p;
	const char *slash;

	if (start < end && *start == '\\')
		return (struct slice){room, escape_decode(p, room)};
	slash = memchr(start, '\\', (size_t)(end - start));
	*p = slash ? slash : end;
	return (struct slice){start, (size_t)(*p - start)};
}

static bool string_text(struct slice inner, char *out, size_t size)
{
	const char *p = inner.ptr;
	const char *end = inner.ptr + inner.len;
	size_t len = 0;
	char room[4];

	while (p < end) {
		struct slice run = string_run(&p, end, room);

		if (run.len >= size - len)
			return false;
		memcpy(out + len, run.ptr, run.len);
		len += run.len;
	}
	out[len] = '\0';
	return true;
}

bool scan_text(struct scan_value v, char *out, size_t size)
{
	if (size == 0)
		return false;
	if (v.type == SCAN_STRING && !v.node->escaped)
		return str_copy_slice(out, size, inside_quotes(v));
	if (v.type == SCAN_STRING && string_text(inside_quotes(v), out, size))
		return true;
	if (v.type == SCAN_NUMBER)
		return str_copy_slice(out, size, v.raw);
	out[0] = '\0';
	return false;
}

bool scan_equals(struct scan_value v, struct slice text)
{
	struct slice inner = {NULL, 0};
	const char *p, *end;
	char room[4];

	if (v.type != SCAN_STRING)
		return false;
	inner = inside_quotes(v);
	if (!v.node->escaped)
		return slice_eq(inner, text);
	p = inner.ptr;
	end = inner.ptr + inner.len;
	while (p < end) {
		struct slice run = string_run(&p, end, room);

		if (run.len > text.len ||
		    memcmp(run.ptr, text.ptr, run.len) != 0)
			return false;
		text.ptr += run.len;
		text.len -= run.len;
	}
	return text.len == 0;
}

uint64_t scan_id(struct scan_value v)
{
	char text[24];
	uint64_t id;

	if (!scan_text(v, text, sizeof(text)) ||
	    !str_parse_u64(slice_of(text), &id))
		return 0;
	return id;
}
