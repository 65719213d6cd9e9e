/*
 * The control endpoints that load, show, set and reset; and helpers of all of
 * them. README.md tells the bodies.
 */
#ifndef REUNITE_SANDBOX_CONTROL_H
#define REUNITE_SANDBOX_CONTROL_H

#include "net/http_server.h"

struct json_t;

http_handler control_people; /* arg: struct sandbox */
http_handler control_state;
http_handler control_requests;
http_handler control_others;
http_handler control_deliveries;
http_handler control_settings_show;
http_handler control_settings_set;
http_handler control_faults_show;
http_handler control_faults_add;
http_handler control_faults_clear;
http_handler control_merge;
http_handler control_tokens_revoke;
http_handler control_reset;

/* The request's JSON object, or NULL after a 400: *new*. An empty body is an
 * empty object. */
struct json_t *control_body(struct http_request *req);
void control_reply(struct http_request *req, int status,
		   struct json_t *body); /* takes body */

#endif
