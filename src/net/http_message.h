/*
 * One HTTP request, read from bytes as they come. No sockets, no clock.
 *
 *	HEAD --> BODY --> DONE        BODY is skipped when there is none
 *	  |       | \-> TRAILER -^    of a chunked body
 *	  +-------+------+--> BAD     status and why say what to answer
 *
 * http_message_feed() makes every transition and returns at each, so that the
 * caller can look at a head before its body comes. What a request is does not
 * depend on how its bytes were split.
 *
 * Refused with 400: see http_lines.h and http_target.h; more than one Content-Length, or one beside
 * Transfer-Encoding; any Transfer-Encoding but "chunked"; a missing, repeated
 * or malformed Host; anything but CRLF, hexadecimal digits and extensions
 * behind ';' between chunks. 413, 431: over a limit. 501: unknown method. 505:
 * another major version.
 */
#ifndef REUNITE_NET_HTTP_MESSAGE_H
#define REUNITE_NET_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#include "http_lines.h"
#include "http_target.h"

#define HTTP_MESSAGE_FIELDS 100

enum http_message_state {
	HTTP_MESSAGE_HEAD,
	HTTP_MESSAGE_BODY,
	HTTP_MESSAGE_TRAILER,
	HTTP_MESSAGE_DONE,
	HTTP_MESSAGE_BAD,
};

/* Where in the framing of a chunked body the next byte is. */
enum http_frame {
	HTTP_FRAME_FIRST, /* digit of a size */
	HTTP_FRAME_SIZE,
	HTTP_FRAME_EXTENSION,
	HTTP_FRAME_SIZE_LF,
	HTTP_FRAME_DATA,
	HTTP_FRAME_DATA_CR, /* behind a chunk's data */
	HTTP_FRAME_DATA_LF,
};

struct http_field {
	struct slice name; /* both NUL-terminated once the head is read */
	struct slice value;
};

struct http_message {
	enum http_message_state state;
	int status; /* BAD: the status to answer with ... */
	const char *why;

	/* From BODY on. */
	const char *method;
	const char *path; /* as sent; the query is in target */
	struct http_target target;
	struct http_field fields[HTTP_MESSAGE_FIELDS];
	size_t field_count;
	bool keep_alive;
	bool is_http10;
	bool expects_continue; /* and has a body to come */
	struct buf body;

	/* Private. */
	struct buf head;
	size_t max_body_bytes;
	enum http_lines_state lines;
	size_t line_bytes; /* of head and trailer */
	struct slice verb; /* the method */
	bool chunked;
	enum http_frame frame;
	uint64_t left; /* of the body, or of its chunk */
	size_t framing_bytes;
	size_t max_framing_bytes;
};

void http_message_init(struct http_message *m, size_t max_header_bytes,
		       size_t max_body_bytes);
void http_message_release(struct http_message *m);
/* For the next request; keeps buffers unless they have grown large. */
void http_message_reset(struct http_message *m);
/* Whether any byte of the request was read. */
bool http_message_is_begun(const struct http_message *m);
/* Takes bytes until the state changes; returns how many. */
size_t http_message_feed(struct http_message *m, const char *data, size_t len);
/* The first of that name, or NULL. */
const struct http_field *http_message_field(const struct http_message *m,
					    const char *name);

#endif
