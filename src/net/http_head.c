/*
 * Checks of one complete request head: see http_message.h for what is refused.
 * Line ends, names and control bytes were judged before (http_lines.c).
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

struct slice http_head_request_line(struct http_message *m)
{
	struct slice raw = {m->head.data, m->head.len};
	struct slice line, url;
	int status;

	if (raw.ptr[0] == '\r') { /* one empty line is tolerated */
		raw.ptr += 2;
		raw.len -= 2;
	}
	line.ptr = raw.ptr;
	line.len = (size_t)((char *)memchr(raw.ptr, '\r', raw.len) - raw.ptr);
	if (!cut_word(&line, &m->verb) || !cut_word(&line, &url) ||
	    !http_is_token(m->verb.ptr, m->verb.len) ||
	    !version_is_valid(line)) {
		http_message_fail(m, 400, "malformed request line");
		return raw;
	}
	m->is_http10 = line.ptr[7] == '0';
	status = http_target_parse(m->verb, url, &m->target);
	if (line.ptr[5] != '1')
		http_message_fail(m, 505, "unsupported version");
	else if (!method_is_known(m->verb))
		http_message_fail(m, 501, "unknown method");
	else if (status != 0)
		http_message_fail(m, status, "unsupported request target");
	return raw;
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

static void check_host(struct http_message *m, size_t count)
{
	const struct http_field *host = http_message_field(m, "Host");

	if (count > 1 || (count == 0 && !m->is_http10))
		http_message_fail(m, 400, "one Host header is needed");
	else if (host && !host_is_valid(host->value))
		http_message_fail(m, 400, "malformed Host header");
}

static void check_framing_fields(struct http_message *m, size_t lengths,
				 size_t codings)
{
	const struct http_field *f;
	uint64_t length;

	if (lengths > 1 || codings > 1 || lengths + codings > 1) {
		http_message_fail(m, 400, "ambiguous body length");
	} else if (lengths == 1) {
		f = http_message_field(m, "Content-Length");
		if (!str_parse_u64(f->value, &length))
			http_message_fail(m, 400, "malformed Content-Length");
		else if (length > m->max_body_bytes)
			http_message_fail(m, 413, "body too large");
	} else if (codings == 1) {
		f = http_message_field(m, "Transfer-Encoding");
		m->chunked = slice_eq_nocase(f->value, SLICE("chunked"));
		if (!m->chunked || m->is_http10)
			http_message_fail(m, 400,
					  "unsupported Transfer-Encoding");
	}
}

static size_t count_fields(const struct http_message *m, struct slice name)
{
	size_t n = 0;

	for (size_t i = 0; i < m->field_count; i++)
		n += slice_eq_nocase(m->fields[i].name, name);
	return n;
}

static void terminate(struct http_message *m, struct slice s)
{
	m->head.data[s.ptr - m->head.data + (ptrdiff_t)s.len] = '\0';
}

/* Only now: the library needs the separators. */
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

void http_head_check(struct http_message *m)
{
	const struct http_field *expect;

	for (size_t i = 0; i < m->field_count; i++)
		m->fields[i].value = slice_trim(m->fields[i].value);
	check_host(m, count_fields(m, SLICE("Host")));
	check_framing_fields(m, count_fields(m, SLICE("Content-Length")),
			     count_fields(m, SLICE("Transfer-Encoding")));
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	cut_into_strings(m);
	expect = http_message_field(m, "Expect");
	m->expects_continue =
		expect && !m->parsed && !m->is_http10 &&
		slice_eq_nocase(expect->value, SLICE("100-continue"));
}
