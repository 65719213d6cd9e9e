/*
 * Matching of routes: see http_route.h. Rows are few, so they are walked.
 */
#include "http_route.h"

#include <string.h>

/* The next segment of a pattern that is at a '/'; moves *pattern behind it. */
static struct slice pattern_segment(const char **pattern)
{
	struct slice s;

	s.ptr = *pattern + 1;
	s.len = strcspn(s.ptr, "/");
	*pattern = s.ptr + s.len;
	return s;
}

/* {name} or {name...}; false for plain text. */
static bool segment_param(struct slice s, struct slice *name, bool *rest)
{
	if (s.len < 3 || s.ptr[0] != '{' || s.ptr[s.len - 1] != '}')
		return false;
	*name = (struct slice){s.ptr + 1, s.len - 2};
	*rest = name->len > 3 &&
		memcmp(name->ptr + name->len - 3, "...", 3) == 0;
	if (*rest)
		name->len -= 3;
	return true;
}

static void match_add(struct http_match *m, struct slice name,
		      struct slice value)
{
	m->params[m->param_count].name = name;
	m->params[m->param_count].value = value;
	m->param_count++;
}

static bool route_matches(const struct http_route *r,
			  const struct http_path *path, struct http_match *m)
{
	const char *pattern = r->path;
	size_t i = 0;

	m->param_count = 0;
	for (; *pattern && i < path->count; i++) {
		struct slice want = pattern_segment(&pattern);
		struct slice have = path->segments[i];
		struct slice name;
		bool rest;

		if (!segment_param(want, &name, &rest)) {
			if (!slice_eq(want, have))
				return false;
			continue;
		}
		if (rest) /* the segments lie in one text */
			have.len = (size_t)(path->text.data + path->text.len -
					    have.ptr);
		if (have.len == 0)
			return false;
		match_add(m, name, have);
		if (rest)
			return true;
	}
	return !*pattern && i == path->count;
}

static bool method_matches(const char *route, const char *method)
{
	return strcmp(route, method) == 0 ||
	       (strcmp(method, "HEAD") == 0 && strcmp(route, "GET") == 0);
}

static void allow_add(struct buf *allow, const char *method)
{
	if (strstr(allow->data, method))
		return;
	if (allow->len > 0)
		buf_puts(allow, ", ");
	buf_puts(allow, method);
	if (strcmp(method, "GET") == 0)
		allow_add(allow, "HEAD");
}

int http_route_find(const struct http_route *routes, size_t count,
		    const char *method, const struct http_path *path,
		    struct http_match *match, struct buf *allow)
{
	buf_clear(allow);
	for (size_t i = 0; i < count; i++) {
		if (!route_matches(&routes[i], path, match))
			continue;
		if (method_matches(routes[i].method, method)) {
			match->route = &routes[i];
			return 200;
		}
		allow_add(allow, routes[i].method);
	}
	match->route = NULL;
	match->param_count = 0;
	return allow->len > 0 ? 405 : 404;
}

bool http_route_is_valid(const struct http_route *route)
{
	const char *pattern = route->path;
	size_t params = 0;

	if (str_is_empty(route->method) || !route->handler || *pattern != '/')
		return false;
	while (*pattern) {
		struct slice s = pattern_segment(&pattern);
		struct slice name;
		bool rest = false;

		if (segment_param(s, &name, &rest)) {
			if (++params > HTTP_ROUTE_PARAMS || (rest && *pattern))
				return false;
		} else if (memchr(s.ptr, '{', s.len)) {
			return false;
		}
	}
	return true;
}
