/*
 * People and tickets as the two APIs and the webhooks write them: *new*.
 */
#ifndef REUNITE_SANDBOX_RENDER_H
#define REUNITE_SANDBOX_RENDER_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct json_t;
struct sun_user;
struct zen_identity;
struct zen_organization;
struct zen_ticket;
struct zen_comment;
struct zen_user;

/* Whole seconds, as Zendesk writes times; 0 gives null. */
struct json_t *render_time(int64_t wall_ms);
/* With milliseconds, as SunCo does. */
struct json_t *render_time_ms(int64_t wall_ms);
/* An id as a string of digits; 0 gives null. */
struct json_t *render_id_text(uint64_t id);
struct json_t *render_user(const struct account *a, const struct zen_user *u);
struct json_t *render_identity(const struct account *a,
			       const struct zen_identity *i);
/* Appends those that can be seen now. */
void render_identities(const struct account *a, const struct zen_user *u,
		       int64_t now_ms, struct json_t *list);
struct json_t *render_organization(const struct account *a,
				   const struct zen_organization *organization);
struct json_t *render_ticket(const struct account *a,
			     const struct zen_ticket *t);
struct json_t *render_comment(const struct zen_comment *comment);
/* full: what includeFullUser adds to the five fields of every webhook. */
struct json_t *render_sun_user(const struct sun_user *u, bool full);

#endif
