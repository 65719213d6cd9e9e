/*
 * Bodies of the webhooks that the two platforms send: *new* trees.
 */
#ifndef REUNITE_SANDBOX_PAYLOADS_H
#define REUNITE_SANDBOX_PAYLOADS_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct change;
struct conversation;
struct json_t;
struct sun_user;
struct zen_ticket;

struct json_t *payload_conversation_create(const struct account *a,
					   const struct conversation *c,
					   const char *reason, int64_t now_ms);
struct json_t *payload_message(const struct account *a,
			       const struct conversation *c, const char *text,
			       int64_t now_ms);
struct json_t *payload_pass_control(const struct account *a,
				    const struct conversation *c,
				    int64_t now_ms);
struct json_t *payload_user_update(const struct account *a,
				   const struct sun_user *u, int64_t now_ms);
struct json_t *payload_user_merge(const struct account *a,
				  const struct sun_user *surviving,
				  const struct sun_user *discarded,
				  int64_t now_ms);
struct json_t *payload_user_remove(const struct account *a,
				   const struct sun_user *u, int64_t now_ms);
/* Our own trigger's body. */
struct json_t *payload_trigger(const struct zen_ticket *t);
/* The settings subscribe to it. */
bool payload_is_wanted(const struct account *a, const char *label);
/* The body without what includeFullUser adds: *new*. */
struct json_t *payload_truncated(const struct json_t *body);
/* An event subscription's body, *new*; NULL: there is no event for it. *label
 * gets the event's name, static. */
struct json_t *payload_change(const struct account *a,
			      const struct change *change, const char **label);

#endif
