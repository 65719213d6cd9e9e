/*
 * One request from bytes: see http_message.h.
 *
 * The head is collected whole (bounded, judged byte by byte on the way), then
 * given to the parser library in one piece and checked by http_head.c. A body
 * goes to the library as it comes; the bytes around chunks are judged here.
 */
#include "http_message.h"

#include <string.h>

#include "http_head.h"

#define HTTP_MESSAGE_KEEP_BYTES (64 * 1024)

static void on_field(void *arg, const char *at, size_t len)
{
	struct http_message *m = arg;
	struct http_field *f = &m->fields[m->field_count];

	if (m->field_count == HTTP_MESSAGE_FIELDS) {
		http_message_fail(m, 431, "too many headers");
		return;
	}
	f->name = (struct slice){at, len};
	f->value = (struct slice){at + len, 0};
	m->field_count++;
}

static void on_value(void *arg, const char *at, size_t len)
{
	struct http_message *m = arg;

	/* An empty one is said to be at the start of the next line. */
	if (m->state != HTTP_MESSAGE_BAD && len > 0)
		m->fields[m->field_count - 1].value = (struct slice){at, len};
}

static bool frame_byte(enum http_frame *frame, char c)
{
	switch (*frame) {
	case HTTP_FRAME_SIZE:
		if (c == ';')
			*frame = HTTP_FRAME_EXTENSION;
		else if (c == '\r')
			*frame = HTTP_FRAME_SIZE_LF;
		else
			return memchr("0123456789abcdefABCDEF", c, 22);
		return true;
	case HTTP_FRAME_EXTENSION:
		if (c == '\r')
			*frame = HTTP_FRAME_SIZE_LF;
		return c == '\r' || c == '\t' ||
		       ((unsigned char)c >= 0x20 && c != 0x7f);
	case HTTP_FRAME_SIZE_LF:
		*frame = HTTP_FRAME_SIZE;
		return c == '\n';
	case HTTP_FRAME_DATA_CR:
		*frame = HTTP_FRAME_DATA_LF;
		return c == '\r';
	case HTTP_FRAME_DATA_LF:
		*frame = HTTP_FRAME_SIZE;
		return c == '\n';
	}
	return false;
}

/* Judges the bytes up to end, which the library took as framing. */
static void check_framing(struct http_message *m, const char *end)
{
	for (; m->chunked && m->cursor < end; m->cursor++) {
		if (m->state == HTTP_MESSAGE_BAD)
			return;
		if (!frame_byte(&m->frame, *m->cursor))
			http_message_fail(m, 400, "malformed chunk");
		else if (++m->framing_bytes > m->max_framing_bytes)
			http_message_fail(m, 413, "body too large");
	}
}

static void on_body(void *arg, const char *at, size_t len)
{
	struct http_message *m = arg;

	check_framing(m, at);
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	buf_append(&m->body, at, len);
	if (m->body.overflow)
		http_message_fail(m, 413, "body too large");
	m->cursor = at + len;
	if (!m->chunked)
		return;
	m->chunk_left -= len;
	if (m->chunk_left == 0)
		m->frame = HTTP_FRAME_DATA_CR;
}

static bool on_chunk(void *arg, uint64_t size)
{
	struct http_message *m = arg;

	m->chunk_left = size;
	m->stopped = size == 0 || size > m->max_body_bytes - m->body.len;
	return m->stopped;
}

static void on_done(void *arg)
{
	struct http_message *m = arg;

	m->parsed = true;
}

static const struct http_parse_events message_events = {
	.field = on_field,
	.value = on_value,
	.body = on_body,
	.chunk = on_chunk,
	.done = on_done,
};

void http_message_init(struct http_message *m, size_t max_header_bytes,
		       size_t max_body_bytes)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->head, max_header_bytes);
	buf_init(&m->body, max_body_bytes);
	m->max_body_bytes = max_body_bytes;
	m->max_framing_bytes = max_header_bytes + max_body_bytes;
	m->parse = http_parse_new(&message_events, m);
}

void http_message_release(struct http_message *m)
{
	http_parse_free(m->parse);
	buf_release(&m->head);
	buf_release(&m->body);
}

void http_message_reset(struct http_message *m)
{
	buf_clear(&m->head);
	if (m->body.cap > HTTP_MESSAGE_KEEP_BYTES)
		buf_release(&m->body);
	else
		buf_clear(&m->body);
	http_parse_reset(m->parse);
	m->state = HTTP_MESSAGE_HEAD;
	m->status = 0;
	m->why = NULL;
	m->method = NULL;
	m->path = NULL;
	m->field_count = 0;
	m->lines = HTTP_LINES_START;
	m->line_bytes = 0;
	m->expects_continue = false;
	m->chunked = false;
	m->parsed = false;
	m->stopped = false;
	m->frame = HTTP_FRAME_SIZE;
	m->chunk_left = 0;
	m->framing_bytes = 0;
}

bool http_message_is_begun(const struct http_message *m)
{
	return m->line_bytes > 0 || m->state != HTTP_MESSAGE_HEAD;
}

void http_message_fail(struct http_message *m, int status, const char *why)
{
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	m->state = HTTP_MESSAGE_BAD;
	m->status = status;
	m->why = why;
	m->keep_alive = false;
}

static void parse_head(struct http_message *m)
{
	size_t used;
	struct slice raw;

	raw = http_head_request_line(m);
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	if (!http_parse_feed(m->parse, raw.ptr, raw.len, &used) ||
	    used != raw.len) {
		http_message_fail(m, 400, "malformed request");
		return;
	}
	http_head_check(m);
	if (m->state == HTTP_MESSAGE_BAD)
		return;
	m->keep_alive = http_parse_keep_alive(m->parse);
	m->state = m->parsed ? HTTP_MESSAGE_DONE : HTTP_MESSAGE_BODY;
}

/* Takes lines of a head or a trailer, which share one limit. */
static size_t feed_lines(struct http_message *m, const char *data, size_t len)
{
	size_t room = m->head.max - m->line_bytes;
	size_t n = len < room ? len : room;

	n = http_lines_scan(&m->lines, data, n);
	m->line_bytes += n;
	if (m->lines == HTTP_LINES_BAD)
		http_message_fail(m, 400, "malformed header");
	else if (m->lines != HTTP_LINES_END && n < len)
		http_message_fail(m, 431, "headers too large");
	return n;
}

static size_t feed_head(struct http_message *m, const char *data, size_t len)
{
	size_t n = feed_lines(m, data, len);

	buf_append(&m->head, data, n);
	if (m->lines == HTTP_LINES_END)
		parse_head(m);
	return n;
}

static size_t feed_trailer(struct http_message *m, const char *data, size_t len)
{
	size_t n = feed_lines(m, data, len);

	if (m->lines == HTTP_LINES_END)
		m->state = HTTP_MESSAGE_DONE;
	return n;
}

static size_t feed_body(struct http_message *m, const char *data, size_t len)
{
	size_t used;
	bool ok;

	m->cursor = data;
	ok = http_parse_feed(m->parse, data, len, &used);
	check_framing(m, data + used);
	if (m->state == HTTP_MESSAGE_BAD)
		return used;
	if (!ok) {
		http_message_fail(m, 400, "malformed body");
	} else if (m->stopped && m->chunk_left > 0) {
		http_message_fail(m, 413, "body too large");
	} else if (m->stopped) {
		m->state = HTTP_MESSAGE_TRAILER;
		m->lines = HTTP_LINES_FIELD;
	} else if (m->parsed) {
		m->state = HTTP_MESSAGE_DONE;
	}
	return used;
}

size_t http_message_feed(struct http_message *m, const char *data, size_t len)
{
	switch (m->state) {
	case HTTP_MESSAGE_HEAD:
		return feed_head(m, data, len);
	case HTTP_MESSAGE_BODY:
		return feed_body(m, data, len);
	case HTTP_MESSAGE_TRAILER:
		return feed_trailer(m, data, len);
	case HTTP_MESSAGE_DONE:
	case HTTP_MESSAGE_BAD:
		break;
	}
	return 0;
}

const struct http_field *http_message_field(const struct http_message *m,
					    const char *name)
{
	struct slice want = slice_of(name);

	for (size_t i = 0; i < m->field_count; i++) {
		if (slice_eq_nocase(m->fields[i].name, want))
			return &m->fields[i];
	}
	return NULL;
}
