/*
 * One complete request head: see http_message.h for what is refused. Line
 * ends, names and control bytes were judged before (http_lines.c), so every
 * field has its colon and its CRLF.
 */
#include "http_head.h"

#include <string.h>

static const char *const known_methods[] = {
	"GET",	  "HEAD",    "POST",	"PUT",	 "PATCH",
	"DELETE", "OPTIONS", "CONNECT", "TRACE",
};

static bool method_is_known(struct slice method)
{
	for (size_t i = 0; i < ARRAY_LEN(known_methods); i++) {
		if (slice_eq(method, slice_of(known_methods[i])))
			return true;
	}
	return false;
}

/* Cuts *rest at the first space; false if there is none. */
static bool cut_word(struct slice *rest, struct slice *word)
{
	const char *space = memchr(rest->ptr, ' ', rest->len);

	if (!space)
		return false;
	word->ptr = rest->ptr;
	word->len = (size_t)(space - rest->ptr);
	rest->len -= word->len + 1;
	rest->ptr = space + 1;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool version_is_valid(struct slice v)
{
	return v.len == 8 && memcmp(v.ptr, "HTTP/", 5) == 0 &&
	       is_digit(v.ptr[5]) && v.ptr[6] == '.' && is_digit(v.ptr[7]);
}

/* Returns the bytes behind the request line. */
static struct slice read_request_line(struct http_message *m)
{
	struct slice raw = {m->head.data, m->head.len};
	struct slice line, url, rest;
	int status;

	if (raw.ptr[0] == '\r') { /* one empty line is tolerated */
		raw.ptr += 2;
		raw.len -= 2;
	}
	line.ptr = raw.ptr;
	line.len = (size_t)((char *)memchr(raw.ptr, '\r', raw.len) - raw.ptr);
	rest.ptr = line.ptr + line.len + 2;
	rest.len = raw.len - line.len - 2;
	if (!cut_word(&line, &m->verb) || !cut_word(&line, &url) ||
	    !http_is_token(m->verb.ptr, m->verb.len) ||
	    !version_is_valid(line)) {
		http_message_fail(m, 400, "malformed request line");
		return rest;
	}
	m->is_http10 = line.ptr[7] == '0';
	status = http_target_parse(m->verb, url, &m->target);
	if (line.ptr[5] != '1')
		http_message_fail(m, 505, "unsupported version");
	else if (!method_is_known(m->verb))
		http_message_fail(m, 501, "unknown method");
	else if (status != 0)
		http_message_fail(m, status, "unsupported request target");
	return rest;
}

static bool host_is_valid(struct slice host)
{
	for (size_t i = 0; i < host.len; i++) {
		if (strchr(" \t\"#/<>?@\\^`{|}", host.ptr[i]) ||
		    (unsigned char)host.ptr[i] >= 0x80)
			return false;
	}
	return true;
}

/* Fields that the server itself goes by: how many, and the first of each. */
enum { HOST, LENGTH, CODING, CONNECTION, EXPECT, KNOWN_COUNT };

struct known {
	size_t count;
	const struct http_field *first;
	bool closes; /* CONNECTION */
	bool keeps;
};

static size_t known_find(struct slice name)
{
	static const struct slice names[KNOWN_COUNT] = {
		[HOST] = {"Host", 4},
		[LENGTH] = {"Content-Length", 14},
		[CODING] = {"Transfer-Encoding", 17},
		[CONNECTION] = {"Connection", 10},
		[EXPECT] = {"Expect", 6},
	};
	size_t i = 0;

	while (i < KNOWN_COUNT &&
	       (names[i].len != name.len || !slice_eq_nocase(names[i], name)))
		i++;
	return i;
}

/* A list of options, of which two are ours. */
static void read_connection(struct slice list, struct known *k)
{
	while (list.len > 0) {
		const char *comma = memchr(list.ptr, ',', list.len);
		size_t len = comma ? (size_t)(comma - list.ptr) : list.len;
		struct slice option = slice_trim((struct slice){list.ptr, len});

		k->closes =
			k->closes || slice_eq_nocase(option, SLICE("close"));
		k->keeps = k->keeps ||
			   slice_eq_nocase(option, SLICE("keep-alive"));
		len += comma != NULL;
		list.ptr += len;
		list.len -= len;
	}
}

static void note_field(const struct http_field *f,
		       struct known known[KNOWN_COUNT])
{
	size_t i = known_find(f->name);

	if (i == KNOWN_COUNT)
		return;
	if (known[i].count++ == 0)
		known[i].first = f;
	if (i == CONNECTION)
		read_connection(f->value, &known[i]);
}

static struct slice cut_field(struct slice lines, struct http_field *f)
{
	const char *end = lines.ptr + lines.len;
	const char *colon = memchr(lines.ptr, ':', lines.len);
	const char *cr = memchr(colon, '\r', (size_t)(end - colon));

	f->name = (struct slice){lines.ptr, (size_t)(colon - lines.ptr)};
	f->value =
		slice_trim((struct slice){colon + 1, (size_t)(cr - colon - 1)});
	return (struct slice){cr + 2, (size_t)(end - cr - 2)};
}

static void read_fields(struct http_message *m, struct slice lines,
			struct known known[KNOWN_COUNT])
{
	while (lines.ptr[0] != '\r') {
		if (m->field_count == HTTP_MESSAGE_FIELDS) {
			http_message_fail(m, 431, "too many headers");
			return;
		}
		lines = cut_field(lines, &m->fields[m->field_count]);
		note_field(&m->fields[m->field_count++], known);
	}
}

static void check_host(struct http_message *m, const struct known *host)
{
	if (host->count > 1 || (host->count == 0 && !m->is_http10))
		http_message_fail(m, 400, "one Host header is needed");
	else if (host->first && !host_is_valid(host->first->value))
		http_message_fail(m, 400, "malformed Host header");
}

static void check_framing(struct http_message *m, const struct known *length,
			  const struct known *coding)
{
	if (length->count + coding->count > 1) {
		http_message_fail(m, 400, "ambiguous body length");
	} else if (length->count == 1) {
		if (!str_parse_u64(length->first->value, &m->left))
			http_message_fail(m, 400, "malformed Content-Length");
		else if (m->left > m->max_body_bytes)
			http_message_fail(m, 413, "body too large");
	} else if (coding->count == 1) {
		m->chunked =
			slice_eq_nocase(coding->first->value, SLICE("chunked"));
		if (!m->chunked || m->is_http10)
			http_message_fail(m, 400,
					  "unsupported Transfer-Encoding");
	}
}

static void terminate(struct http_message *m, struct slice s)
{
	m->head.data[s.ptr - m->head.data + (ptrdiff_t)s.len] = '\0';
}

static void cut_into_strings(struct http_message *m)
{
	struct slice path = m->target.path;

	for (size_t i = 0; i < m->field_count; i++) {
		terminate(m, m->fields[i].name);
		terminate(m, m->fields[i].value);
	}
	terminate(m, m->verb);
	m->method = m->verb.ptr;
	m->path = "/"; /* of an absolute form without one */
	if (path.ptr >= m->head.data && path.ptr < m->head.data + m->head.len) {
		terminate(m, path);
		m->path = path.ptr;
	}
}

static bool wants_continue(const struct http_message *m,
			   const struct known *expect)
{
	return expect->first && (m->chunked || m->left > 0) && !m->is_http10 &&
	       slice_eq_nocase(expect->first->value, SLICE("100-continue"));
}

void http_head_read(struct http_message *m)
{
	struct known known[KNOWN_COUNT] = {0};
	struct slice lines = read_request_line(m);

	if (m->state == HTTP_MESSAGE_BAD)
		return;
	read_fields(m, lines, known);
	check_host(m, &known[HOST]);
	check_framing(m, &known[LENGTH], &known[CODING]);
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	cut_into_strings(m);
	m->keep_alive = !known[CONNECTION].closes &&
			(!m->is_http10 || known[CONNECTION].keeps);
	m->expects_continue = wants_continue(m, &known[EXPECT]);
}
