/*
 * What others registered at the stand-in, as the APIs show it: Zendesk's
 * webhooks and ticket triggers, SunCo's integrations and their webhooks.
 *
 * They take effect: a webhook is sent to whoever registered for it, signed
 * with that registration's secret, beside where the settings send it.
 */
#ifndef REUNITE_SANDBOX_REGISTRY_H
#define REUNITE_SANDBOX_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUNCO_WEBHOOKS_MAX 10 /* per app, as documented */

struct account;
struct call;
struct json_t;
struct state;
struct zen_ticket;

struct registry {
	struct json_t *webhooks;     /* array: Zendesk's */
	struct json_t *secrets;	     /* of those, by id: never listed */
	struct json_t *triggers;     /* array */
	struct json_t *integrations; /* array; each has "webhooks" */
};

void registry_init(struct registry *r, struct state *s);
void registry_release(struct registry *r);
void registry_reset(struct registry *r, struct state *s);

/* By its id, a text or a number; NULL: none. */
struct json_t *registry_find(const struct json_t *list, const char *id);
void registry_drop(struct json_t **list, const char *id);
/* Copies those of the keys that are there. */
void registry_copy(struct json_t *to, const struct json_t *from,
		   const char *const *keys);
/* In a page of what the call asks for, under the name. */
struct json_t *registry_page(const struct call *c, const struct json_t *list,
			     const char *name);
size_t registry_sunco_webhooks(const struct registry *r);
/* The integration that an integration key belongs to. */
const char *registry_own_integration(const struct registry *r);

/* Whom a webhook goes to; borrowed for the visit. */
struct subscriber {
	const char *url;
	const char *key;
	bool full_user;	  /* SunCo */
	const char *body; /* a trigger's, filled in; NULL: the event's own */
};
typedef void registry_visit(const struct subscriber *s, void *arg);
/* Registered for that event; how many. */
size_t registry_each_sunco(const struct account *a, const char *event,
			   registry_visit *visit, void *arg);
size_t registry_each_event(const struct account *a, const char *event,
			   registry_visit *visit, void *arg);
/* The triggers whose conditions a new ticket fulfils. */
size_t registry_each_trigger(const struct account *a,
			     const struct zen_ticket *t, registry_visit *visit,
			     void *arg);

#endif
