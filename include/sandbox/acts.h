/*
 * Acting as people and platforms: the control endpoints that start
 * conversations, hand them off, log people in, and send what the platforms
 * would send. README.md tells the bodies.
 */
#ifndef REUNITE_SANDBOX_ACTS_H
#define REUNITE_SANDBOX_ACTS_H

#include "net/http_server.h"

struct sandbox;

http_handler acts_conversation; /* arg: struct sandbox */
http_handler acts_hand_off;
http_handler acts_login;
http_handler acts_message;
http_handler acts_removal;
http_handler acts_webhook;

/* Tells the event subscription what has changed since the last time. */
void acts_send_changes(struct sandbox *sb);
/* Ends what waits; open requests get a 503 if answer is set. */
void acts_free(struct sandbox *sb, bool answer);

#endif
