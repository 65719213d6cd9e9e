/*
 * One request from bytes: see http_message.h.
 *
 * The head is collected whole (bounded, judged byte by byte on the way), then
 * read in one piece by http_head.c. A body is copied as it comes; the bytes
 * around chunks are judged one by one.
 */
#include "http_message.h"

#include <string.h>

#include "http_head.h"

#define HTTP_MESSAGE_KEEP_BYTES (64 * 1024)

void http_message_init(struct http_message *m, size_t max_header_bytes,
		       size_t max_body_bytes)
{
	memset(m, 0, sizeof(*m));
	buf_init(&m->head, max_header_bytes);
	buf_init(&m->body, max_body_bytes);
	m->max_body_bytes = max_body_bytes;
	m->max_framing_bytes = max_header_bytes + max_body_bytes;
}

void http_message_release(struct http_message *m)
{
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
	m->frame = HTTP_FRAME_FIRST;
	m->left = 0;
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
	if (m->lines != HTTP_LINES_END)
		return n;
	http_head_read(m);
	if (m->state != HTTP_MESSAGE_BAD)
		m->state = m->chunked || m->left > 0 ? HTTP_MESSAGE_BODY
						     : HTTP_MESSAGE_DONE;
	return n;
}

static size_t feed_trailer(struct http_message *m, const char *data, size_t len)
{
	size_t n = feed_lines(m, data, len);

	if (m->lines == HTTP_LINES_END)
		m->state = HTTP_MESSAGE_DONE;
	return n;
}

/* -1: none. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool frame_size(struct http_message *m, char c)
{
	int digit = hex_digit(c);

	if (m->frame == HTTP_FRAME_SIZE && (c == ';' || c == '\r')) {
		m->frame = c == ';' ? HTTP_FRAME_EXTENSION : HTTP_FRAME_SIZE_LF;
		return true;
	}
	if (digit < 0 || m->left >> 60)
		return false;
	m->frame = HTTP_FRAME_SIZE;
	m->left = m->left << 4 | (unsigned int)digit;
	return true;
}

static bool frame_size_end(struct http_message *m, char c)
{
	m->frame = HTTP_FRAME_DATA;
	if (c != '\n')
		return false;
	if (m->left == 0) {
		m->state = HTTP_MESSAGE_TRAILER;
		m->lines = HTTP_LINES_FIELD;
	} else if (m->left > m->max_body_bytes - m->body.len) {
		http_message_fail(m, 413, "body too large");
	}
	return true;
}

/* One byte around the data; false: it must not be there. */
static bool frame_byte(struct http_message *m, char c)
{
	switch (m->frame) {
	case HTTP_FRAME_FIRST:
	case HTTP_FRAME_SIZE:
		return frame_size(m, c);
	case HTTP_FRAME_EXTENSION:
		if (c == '\r')
			m->frame = HTTP_FRAME_SIZE_LF;
		return c == '\r' || c == '\t' ||
		       ((unsigned char)c >= 0x20 && c != 0x7f);
	case HTTP_FRAME_SIZE_LF:
		return frame_size_end(m, c);
	case HTTP_FRAME_DATA_CR:
		m->frame = HTTP_FRAME_DATA_LF;
		return c == '\r';
	case HTTP_FRAME_DATA_LF:
		m->frame = HTTP_FRAME_FIRST;
		return c == '\n';
	case HTTP_FRAME_DATA:
		break;
	}
	return false;
}

static size_t feed_data(struct http_message *m, const char *data, size_t len)
{
	size_t n = len < m->left ? len : (size_t)m->left;

	buf_append(&m->body, data, n);
	m->left -= n;
	return n;
}

static size_t feed_length(struct http_message *m, const char *data, size_t len)
{
	size_t n = feed_data(m, data, len);

	if (m->left == 0)
		m->state = HTTP_MESSAGE_DONE;
	return n;
}

static size_t feed_chunks(struct http_message *m, const char *data, size_t len)
{
	size_t used = 0;

	while (used < len && m->state == HTTP_MESSAGE_BODY) {
		if (m->frame == HTTP_FRAME_DATA) {
			used += feed_data(m, data + used, len - used);
			if (m->left == 0)
				m->frame = HTTP_FRAME_DATA_CR;
		} else if (!frame_byte(m, data[used])) {
			http_message_fail(m, 400, "malformed chunk");
		} else {
			used++;
			if (++m->framing_bytes > m->max_framing_bytes)
				http_message_fail(m, 413, "body too large");
		}
	}
	return used;
}

size_t http_message_feed(struct http_message *m, const char *data, size_t len)
{
	switch (m->state) {
	case HTTP_MESSAGE_HEAD:
		return feed_head(m, data, len);
	case HTTP_MESSAGE_BODY:
		return m->chunked ? feed_chunks(m, data, len)
				  : feed_length(m, data, len);
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
		if (m->fields[i].name.len == want.len &&
		    slice_eq_nocase(m->fields[i].name, want))
			return &m->fields[i];
	}
	return NULL;
}
