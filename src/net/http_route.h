/*
 * The route table: which row answers a method and a path.
 */
#ifndef REUNITE_NET_HTTP_ROUTE_H
#define REUNITE_NET_HTTP_ROUTE_H

#include "base/buf.h"
#include "base/str.h"
#include "net/http_server.h"

#include "http_target.h"

#define HTTP_ROUTE_PARAMS 8

struct http_match {
	const struct http_route *route; /* NULL: none */
	struct {
		struct slice name;  /* in the route */
		struct slice value; /* in the path */
	} params[HTTP_ROUTE_PARAMS];
	size_t param_count;
};

/* Returns 200; 404; or 405 with the methods that the path has in *allow, as
 * "GET, HEAD". The first row that fits wins. */
int http_route_find(const struct http_route *routes, size_t count,
		    const char *method, const struct http_path *path,
		    struct http_match *match, struct buf *allow);
/* Whether a row can ever match: method, leading slash, braces, parameters. */
bool http_route_is_valid(const struct http_route *route);

#endif
