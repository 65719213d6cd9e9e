/*
 * What makes a request head acceptable; private to http_message.c.
 */
#ifndef REUNITE_NET_HTTP_HEAD_H
#define REUNITE_NET_HTTP_HEAD_H

#include "http_message.h"

/* The first failure counts. */
void http_message_fail(struct http_message *m, int status, const char *why);
/* Reads and checks the collected head, and cuts it into strings; fills what
 * there is from BODY on. */
void http_head_read(struct http_message *m);

#endif
