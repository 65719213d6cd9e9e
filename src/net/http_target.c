/*
 * Request targets: see http_target.h. Nothing here normalises: a path either
 * is what a route says, or it is not found.
 */
#include "http_target.h"

#include <string.h>
#include <strings.h>

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* unreserved and sub-delims of RFC 3986, ':' and '%'. */
static bool is_name_char(char c)
{
	switch (c) {
	case '-':
	case '.':
	case '_':
	case '~':
	case '!':
	case '$':
	case '&':
	case '\'':
	case '(':
	case ')':
	case '*':
	case '+':
	case ',':
	case ';':
	case '=':
	case ':':
	case '%':
		return true;
	default:
		return is_alnum(c);
	}
}

/* pchar, '%' and '/'. */
static bool is_path_char(char c)
{
	return is_name_char(c) || c == '@' || c == '/';
}

static bool is_query_char(char c)
{
	return c > ' ' && c < 0x7f && c != '#';
}

static bool is_authority_char(char c)
{
	return is_name_char(c) || c == '[' || c == ']';
}

static bool all_are(struct slice s, bool (*is)(char c))
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is(s.ptr[i]))
			return false;
	}
	return true;
}

/* Length of the "http://" or "https://" that t begins with, else 0. */
static size_t scheme_len(struct slice t)
{
	if (t.len > 7 && strncasecmp(t.ptr, "http://", 7) == 0)
		return 7;
	if (t.len > 8 && strncasecmp(t.ptr, "https://", 8) == 0)
		return 8;
	return 0;
}

/* The length when there is none. */
static size_t find(struct slice s, char c)
{
	const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

	return at ? (size_t)(at - s.ptr) : s.len;
}

static struct slice slice_from(struct slice s, size_t offset)
{
	return (struct slice){s.ptr + offset, s.len - offset};
}

static bool parse_path_and_query(struct slice s, struct http_target *out)
{
	size_t n = find(s, '?');

	out->path = n > 0 ? (struct slice){s.ptr, n} : SLICE("/");
	out->query = (struct slice){NULL, 0};
	if (n < s.len)
		out->query = slice_from(s, n + 1);
	return out->path.ptr[0] == '/' && all_are(out->path, is_path_char) &&
	       all_are(out->query, is_query_char);
}

int http_target_parse(struct slice method, struct slice target,
		      struct http_target *out)
{
	size_t n;

	if (slice_eq(method, SLICE("CONNECT")))
		return 501;
	if (slice_eq(target, SLICE("*")))
		return slice_eq(method, SLICE("OPTIONS")) ? 501 : 400;
	n = scheme_len(target);
	if (n > 0) {
		struct slice authority = slice_from(target, n);

		authority.len = find(authority, '/');
		authority.len = find(authority, '?');
		if (authority.len == 0 ||
		    !all_are(authority, is_authority_char))
			return 400;
		n += authority.len;
	} else if (target.len == 0 || target.ptr[0] != '/') {
		return 400;
	}
	return parse_path_and_query(slice_from(target, n), out) ? 0 : 400;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The byte at s[*i], which may be "%xx"; moves *i behind it. -1: broken. */
static int decode_byte(struct slice s, size_t *i)
{
	char c = s.ptr[*i];
	int high, low;

	if (c != '%') {
		(*i)++;
		return (unsigned char)c;
	}
	if (s.len - *i < 3)
		return -1;
	high = hex_digit(s.ptr[*i + 1]);
	low = hex_digit(s.ptr[*i + 2]);
	if (high < 0 || low < 0)
		return -1;
	*i += 3;
	return high * 16 + low;
}

void http_path_init(struct http_path *p, size_t max_bytes)
{
	buf_init(&p->text, max_bytes);
	p->count = 0;
}

void http_path_release(struct http_path *p)
{
	buf_release(&p->text);
}

/* One more segment, at *out, which moves behind it. */
static int decode_segment(struct http_path *p, struct slice raw, char **out)
{
	struct slice *s = &p->segments[p->count++];
	char *start = *out;
	bool ascii = true;

	for (size_t i = 0; i < raw.len;) {
		int c = decode_byte(raw, &i);

		if (c < 0x20 || c == 0x7f)
			return 400;
		ascii = ascii && c < 0x80;
		*(*out)++ = (char)c;
	}
	*s = (struct slice){start, (size_t)(*out - start)};
	if (!ascii && !str_is_utf8(*s))
		return 400;
	if (slice_eq(*s, SLICE(".")) || slice_eq(*s, SLICE("..")))
		return 404;
	return 0;
}

int http_path_decode(struct http_path *p, struct slice raw)
{
	size_t n = 0;
	char *out;

	buf_clear(&p->text);
	p->count = 0;
	/* Room for all of it: decoding makes nothing longer. */
	buf_append(&p->text, raw.ptr, raw.len);
	if (p->text.overflow)
		return 404;
	out = p->text.data;
	for (; raw.len > 0; raw = slice_from(raw, n)) {
		int status;

		raw = slice_from(raw, 1);
		n = find(raw, '/');
		if (p->count == HTTP_PATH_SEGMENTS)
			return 404;
		*out++ = '/';
		status = decode_segment(p, (struct slice){raw.ptr, n}, &out);
		if (status != 0)
			return status;
	}
	p->text.len = (size_t)(out - p->text.data);
	*out = '\0';
	return 0;
}

static bool decode_value(struct slice raw, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < raw.len;) {
		int c = raw.ptr[i] == '+' ? (i++, ' ') : decode_byte(raw, &i);

		if (c <= 0 || len + 1 >= size)
			return false;
		out[len++] = (char)c;
	}
	if (len >= size)
		return false;
	out[len] = '\0';
	return true;
}

/* Names are compared decoded: "filter%5Ba%5D" is "filter[a]". */
static bool name_matches(struct slice raw, const char *name)
{
	size_t i = 0;

	while (i < raw.len && *name) {
		int c = decode_byte(raw, &i);

		if (c != (unsigned char)*name++)
			return false;
	}
	return i == raw.len && !*name;
}

/* The value of the first parameter of that name, as it was sent. */
static bool query_find(struct slice query, const char *name, struct slice *raw)
{
	while (query.len > 0) {
		size_t n = find(query, '&');
		struct slice pair = {query.ptr, n};
		size_t eq = find(pair, '=');

		if (name_matches((struct slice){pair.ptr, eq}, name)) {
			if (eq < pair.len)
				eq++;
			*raw = slice_from(pair, eq);
			return true;
		}
		query = slice_from(query, n < query.len ? n + 1 : n);
	}
	return false;
}

bool http_query_has(struct slice query, const char *name)
{
	struct slice raw;

	return query_find(query, name, &raw);
}

bool http_query_get(struct slice query, const char *name, char *out,
		    size_t size)
{
	struct slice raw;

	return query_find(query, name, &raw) && decode_value(raw, out, size);
}
