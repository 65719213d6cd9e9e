/*
 * Request targets: forms, paths, queries, percent-encoding.
 */
#ifndef REUNITE_NET_HTTP_TARGET_H
#define REUNITE_NET_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"

#define HTTP_PATH_SEGMENTS 32

struct http_target {
	struct slice path;  /* as sent; "/" when an absolute form has none */
	struct slice query; /* as sent, without '?'; ptr NULL: there is none */
};

/*
 * Origin form, or absolute form with http(s) and without user information.
 * The path has RFC 3986's characters, the query any visible ones but '#'.
 * Returns 0 or the status to answer with: 501 for "*" and for CONNECT's
 * authority form, else 400. out borrows from target.
 */
int http_target_parse(struct slice method, struct slice target,
		      struct http_target *out);

/* A decoded path, cut at its slashes. */
struct http_path {
	struct buf text; /* the segments, joined by '/' again */
	struct slice segments[HTTP_PATH_SEGMENTS];
	size_t count;
};
void http_path_init(struct http_path *p, size_t max_bytes);
void http_path_release(struct http_path *p);
/*
 * Decodes raw, which begins with '/'. Returns 0; 400 on broken encoding,
 * decoded control bytes and what is not UTF-8; 404 on dot segments, which are
 * not resolved, and on too many segments.
 */
int http_path_decode(struct http_path *p, struct slice raw);

bool http_query_has(struct slice query, const char *name);
/* The decoded value of the first parameter of that name ('+' is a space);
 * false if there is none, its encoding is broken or it does not fit. */
bool http_query_get(struct slice query, const char *name, char *out,
		    size_t size);

#endif
