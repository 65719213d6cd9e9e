/*
 * The way of one API request: route, fault, latency, credentials, limit,
 * handler, log, answer.
 */
#ifndef REUNITE_SANDBOX_GATEWAY_H
#define REUNITE_SANDBOX_GATEWAY_H

#include "net/http_server.h"

struct sandbox;

http_handler gateway_handle;	       /* arg: struct sandbox */
void gateway_free(struct sandbox *sb); /* drops what waits, unanswered */

#endif
