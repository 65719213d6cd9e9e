/*
 * Reads requests from bytes in pieces of given sizes and writes down what they
 * are. The same bytes must give the same text, whatever the pieces.
 */
#ifndef REUNITE_TESTS_HTTP_TRANSCRIPT_H
#define REUNITE_TESTS_HTTP_TRANSCRIPT_H

#include <stdlib.h>
#include <string.h>

#include "../../src/net/http_message.h"

#define TRANSCRIPT_MAX_BYTES (16 * 1024 * 1024)

/* How many bytes to give next; anything from 1. */
typedef size_t http_pieces(void *arg);

static inline void transcript_put(struct buf *out, const char *name,
				  struct slice value)
{
	buf_puts(out, name);
	buf_puts(out, "=[");
	buf_append(out, value.ptr, value.len);
	buf_puts(out, "]\n");
}

/* A string that the message says is one. */
static inline void transcript_check(struct slice s)
{
	if (s.ptr[s.len] != '\0' || strlen(s.ptr) != s.len)
		abort();
}

static inline void transcript_message(struct buf *out,
				      const struct http_message *m)
{
	buf_printf(out, "state %d\n", (int)m->state);
	if (m->state == HTTP_MESSAGE_BAD) {
		buf_printf(out, "bad %d %s\n", m->status, m->why);
		return;
	}
	if (m->state != HTTP_MESSAGE_DONE)
		return;
	buf_printf(out, "%s keep %d 1.0 %d expect %d\n", m->method,
		   m->keep_alive, m->is_http10, m->expects_continue);
	transcript_put(out, "path", slice_of(m->path));
	transcript_put(out, "query", m->target.query);
	for (size_t i = 0; i < m->field_count; i++) {
		transcript_check(m->fields[i].name);
		transcript_check(m->fields[i].value);
		transcript_put(out, m->fields[i].name.ptr, m->fields[i].value);
	}
	transcript_put(out, "body", (struct slice){m->body.data, m->body.len});
}

/* m is initialised; out is cleared. */
static inline void transcript_write(struct buf *out, struct http_message *m,
				    struct slice bytes, http_pieces *pieces,
				    void *arg)
{
	buf_clear(out);
	http_message_reset(m);
	while (bytes.len > 0 && m->state != HTTP_MESSAGE_BAD) {
		size_t n = pieces(arg);

		if (n > bytes.len)
			n = bytes.len;
		n = http_message_feed(m, bytes.ptr, n);
		bytes.ptr += n;
		bytes.len -= n;
		if (m->state == HTTP_MESSAGE_DONE) {
			transcript_message(out, m);
			http_message_reset(m);
		}
	}
	transcript_message(out, m);
}

#endif
