/*
 * What makes a request head acceptable; private to http_message.c.
 */
#ifndef REUNITE_NET_HTTP_HEAD_H
#define REUNITE_NET_HTTP_HEAD_H

#include "http_message.h"

/* The first failure counts. */
void http_message_fail(struct http_message *m, int status, const char *why);
/* Checks the request line of the collected head; returns the bytes for the
 * library, from that line on. */
struct slice http_head_request_line(struct http_message *m);
/* Checks the fields that the library found, and cuts the head into strings. */
void http_head_check(struct http_message *m);

#endif
