/*
 * Walkers over text that has passed scan_check(): slices of values, members
 * by name, strings and numbers as text. They trust the grammar and check only
 * what the text cannot promise: types, and the size of the caller's buffer.
 */
#include "core/scan.h"

#include "scan_bytes.h"

#define REPLACEMENT 0xfffd

/* p is behind the opening quote; the result is behind the closing one. */
static inline const char *string_end(const char *p, const char *end)
{
	for (;;) {
		uint64_t marks = 0;

		while (end - p >= 8 && !(marks = scan_marks(scan_load(p))))
			p += 8;
		if (marks)
			p = scan_first_mark(p, marks);
		else
			while (*p != '"' && *p != '\\')
				p++;
		if (*p == '"')
			return p + 1;
		p += 2;
	}
}

/* Bytes that open, close or quote something. */
static const bool structural[256] = {
	['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true,
};

static const char *container_end(const char *p, const char *end)
{
	size_t open = 0;

	for (;;) {
		while (!structural[(unsigned char)*p])
			p++;
		switch (*p++) {
		case '"':
			p = string_end(p, end);
			break;
		case '{':
		case '[':
			open++;
			break;
		default:
			if (--open == 0)
				return p;
		}
	}
}

static const char *word_end(const char *p, const char *end)
{
	while (p < end && !scan_is_space(*p) && *p != ',' && *p != '}' &&
	       *p != ']')
		p++;
	return p;
}

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

static struct scan_value value_at(const char *p, const char *end)
{
	struct scan_value v = {type_of(*p), {p, 0}};
	const char *stop;

	if (v.type == SCAN_STRING)
		stop = string_end(p + 1, end);
	else if (v.type == SCAN_OBJECT || v.type == SCAN_ARRAY)
		stop = container_end(p, end);
	else
		stop = word_end(p, end);
	v.raw.len = (size_t)(stop - p);
	return v;
}

/* Checked text is one value with space around it: nothing to look for. */
struct scan_value scan_top(struct slice checked)
{
	struct slice raw = slice_trim(checked);

	return (struct scan_value){type_of(*raw.ptr), raw};
}

bool scan_next(struct scan_value container, size_t *pos, struct slice *name_raw,
	       struct scan_value *value)
{
	const char *end = container.raw.ptr + container.raw.len;
	const char *p = container.raw.ptr + *pos;

	if (container.type != SCAN_OBJECT && container.type != SCAN_ARRAY)
		return false;
	if (*pos == 0)
		p++;
	while (*p == ',' || scan_is_space(*p))
		p++;
	if (*p == '}' || *p == ']')
		return false;
	if (container.type == SCAN_OBJECT) {
		name_raw->ptr = p;
		p = string_end(p + 1, end);
		name_raw->len = (size_t)(p - name_raw->ptr);
		while (*p == ':' || scan_is_space(*p))
			p++;
	}
	*value = value_at(p, end);
	*pos = (size_t)(value->raw.ptr + value->raw.len - container.raw.ptr);
	return true;
}

void scan_members(struct scan_value obj, const char *const *names,
		  struct scan_value *out, size_t count)
{
	struct scan_value v;
	struct slice name;
	size_t pos = 0;

	memset(out, 0, count * sizeof(*out));
	if (obj.type != SCAN_OBJECT)
		return;
	while (scan_next(obj, &pos, &name, &v)) {
		struct scan_value as_value = {SCAN_STRING, name};

		for (size_t i = 0; i < count; i++) {
			if (scan_equals(as_value, names[i])) {
				out[i] = v;
				break;
			}
		}
	}
}

struct scan_value scan_get(struct scan_value obj, const char *name)
{
	struct scan_value v;

	scan_members(obj, &name, &v, 1);
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

static struct slice inside_quotes(struct slice raw)
{
	return (struct slice){raw.ptr + 1, raw.len - 2};
}

bool scan_text(struct scan_value v, char *out, size_t size)
{
	if (size == 0)
		return false;
	if (v.type == SCAN_STRING &&
	    string_text(inside_quotes(v.raw), out, size))
		return true;
	if (v.type == SCAN_NUMBER && v.raw.len < size)
		return str_copy_slice(out, size, v.raw);
	out[0] = '\0';
	return false;
}

bool scan_equals(struct scan_value v, const char *text)
{
	const char *p, *end;
	char room[4];

	if (v.type != SCAN_STRING)
		return false;
	p = v.raw.ptr + 1;
	end = v.raw.ptr + v.raw.len - 1;
	if (*p != *text && *p != '\\')
		return p == end && *text == '\0';
	while (p < end) {
		struct slice run = string_run(&p, end, room);

		if (strncmp(text, run.ptr, run.len) != 0)
			return false;
		text += run.len;
	}
	return *text == '\0';
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
