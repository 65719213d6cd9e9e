/*
 * The lines of a request's head and of a trailer section, byte by byte.
 *
 * Strict where parser libraries are lenient: lines end in CRLF and nothing
 * else, no NUL or other control byte, a header name is a token directly
 * followed by its colon, no folded lines, no space before the request line,
 * at most one empty line before it. Since each byte is judged alone, how the
 * bytes were split on the wire cannot matter.
 */
#ifndef REUNITE_NET_HTTP_LINES_H
#define REUNITE_NET_HTTP_LINES_H

#include <stdbool.h>
#include <stddef.h>

enum http_lines_state {
	HTTP_LINES_START,    /* before a head */
	HTTP_LINES_START_LF, /* ... in an empty line */
	HTTP_LINES_REQUEST_START,
	HTTP_LINES_REQUEST,
	HTTP_LINES_LF,	   /* CR of a line seen */
	HTTP_LINES_FIELD,  /* at the start of a header line */
	HTTP_LINES_NAME,   /* in a header name */
	HTTP_LINES_VALUE,  /* behind the colon */
	HTTP_LINES_END_LF, /* CR of the empty line seen */
	HTTP_LINES_END,
	HTTP_LINES_BAD,
};

/* Takes bytes until END or BAD, in *state; returns how many were good. Heads
 * begin with HTTP_LINES_START, trailers with HTTP_LINES_FIELD. */
size_t http_lines_scan(enum http_lines_state *state, const char *data,
		       size_t len);
bool http_is_token(const char *s, size_t len); /* RFC 9110, not empty */

#endif
