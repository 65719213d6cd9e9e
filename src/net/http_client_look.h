/*
 * Private to http_client: what a request saw on its way, for whoever wants to
 * know why none comes through (`reunite doctor`).
 */
#ifndef REUNITE_NET_HTTP_CLIENT_LOOK_H
#define REUNITE_NET_HTTP_CLIENT_LOOK_H

#include "net/http_client.h"

/* easy: libcurl's handle; before the request, out for as long as it lasts, */
void http_client_look_set(void *easy, struct http_sight *out);
/* and after it, with libcurl's code. */
void http_client_look(void *easy, int code, struct http_sight *out);

#endif
