/*
 * Formats replies.
 */
#include "http_server_impl.h"

#include <string.h>

#include "base/str.h"

struct status_line {
	int status;
	const char *line;
};

#define LINE(status, reason)                                                   \
	{                                                                      \
		status, "HTTP/1.1 " #status " " reason "\r\n"                  \
	}

static const struct status_line status_lines[] = {
	LINE(200, "OK"),
	LINE(201, "Created"),
	LINE(202, "Accepted"),
	LINE(204, "No Content"),
	LINE(301, "Moved Permanently"),
	LINE(302, "Found"),
	LINE(303, "See Other"),
	LINE(304, "Not Modified"),
	LINE(307, "Temporary Redirect"),
	LINE(308, "Permanent Redirect"),
	LINE(400, "Bad Request"),
	LINE(401, "Unauthorized"),
	LINE(403, "Forbidden"),
	LINE(404, "Not Found"),
	LINE(405, "Method Not Allowed"),
	LINE(406, "Not Acceptable"),
	LINE(409, "Conflict"),
	LINE(410, "Gone"),
	LINE(413, "Content Too Large"),
	LINE(415, "Unsupported Media Type"),
	LINE(422, "Unprocessable Content"),
	LINE(423, "Locked"),
	LINE(429, "Too Many Requests"),
	LINE(431, "Request Header Fields Too Large"),
	LINE(500, "Internal Server Error"),
	LINE(501, "Not Implemented"),
	LINE(502, "Bad Gateway"),
	LINE(503, "Service Unavailable"),
	LINE(504, "Gateway Timeout"),
	LINE(505, "HTTP Version Not Supported"),
};

static void put_status_line(struct buf *out, int status)
{
	for (size_t i = 0; i < ARRAY_LEN(status_lines); i++) {
		if (status_lines[i].status == status) {
			buf_puts(out, status_lines[i].line);
			return;
		}
	}
	buf_printf(out, "HTTP/1.1 %d Unknown\r\n", status);
}

static void put_header(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_puts(out, value);
	buf_append(out, "\r\n", 2);
}

void http_reply_format(struct buf *out, const struct http_message *m,
		       const struct http_reply *a, bool keep_alive)
{
	bool is_head = m->method && strcmp(m->method, "HEAD") == 0;
	bool no_body = a->status == 204 || a->status == 304;
	char length[STR_U64_SIZE];

	put_status_line(out, a->status);
	if (!no_body) {
		put_header(out, "Content-Type: ",
			   a->content_type ? a->content_type
					   : "application/json");
		str_u64(a->body.len, length);
		put_header(out, "Content-Length: ", length);
	}
	buf_puts(out, "X-Content-Type-Options: nosniff\r\n");
	if (!keep_alive)
		buf_puts(out, "Connection: close\r\n");
	else if (m->is_http10)
		buf_puts(out, "Connection: keep-alive\r\n");
	if (a->headers)
		buf_puts(out, a->headers);
	buf_append(out, "\r\n", 2);
	if (!no_body && !is_head)
		buf_append(out, a->body.ptr, a->body.len);
}
