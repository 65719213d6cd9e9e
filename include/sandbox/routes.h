/*
 * The API endpoints that are stood in for.
 */
#ifndef REUNITE_SANDBOX_ROUTES_H
#define REUNITE_SANDBOX_ROUTES_H

#include "sandbox/call.h"

/*
 * The route of a raw path without its query, or NULL. Segments that the
 * pattern leaves open go decoded into params (*new*). A ".json" at the end of
 * a Zendesk path does not count.
 */
const struct route *route_find(const char *method, const char *path,
			       char *params[CALL_PARAMS_MAX]);
/* Whether some route has this name. api: "zendesk", "sunco", or NULL for any;
 * call: NULL for any. */
bool route_exists(const char *api, const char *call);
/* The names of the query parameters that any route reads; ends with NULL. */
const char *const *route_queries(void);

#endif
