/*
 * The calls that look after registrations: Sunshine Conversations' app,
 * integrations and webhooks, Zendesk's webhooks and triggers. What they carry
 * is in core/registration.h.
 *
 * One row per call, so that `setup --print` shows what would be sent. A call
 * that makes something is sent once, by no layer twice: whether it took effect
 * is for the next look at the list to say.
 */
#ifndef REUNITE_API_REGISTRATION_H
#define REUNITE_API_REGISTRATION_H

#include "api/api_client.h"
#include "base/buf.h"

#define REGISTRATION_ITEMS_MAX 2000 /* of one list; more is RESULT_PERM */

/* Ids fill the row's places in order. */
enum registration_call {
	CALL_SUNCO_APP,
	CALL_SUNCO_INTEGRATIONS, /* a list */
	CALL_SUNCO_INTEGRATION_CREATE,
	CALL_SUNCO_INTEGRATION_DELETE, /* integration */
	CALL_SUNCO_WEBHOOKS,	       /* a list; integration, or "me" */
	CALL_SUNCO_WEBHOOK_CREATE,     /* integration */
	CALL_SUNCO_WEBHOOK_UPDATE,     /* integration, webhook */
	CALL_SUNCO_WEBHOOK_DELETE,     /* integration, webhook */
	CALL_ZENDESK_WEBHOOKS,	       /* a list */
	CALL_ZENDESK_WEBHOOK_CREATE,
	CALL_ZENDESK_WEBHOOK_UPDATE, /* webhook; 204 */
	CALL_ZENDESK_WEBHOOK_DELETE, /* webhook; 204 */
	CALL_ZENDESK_SIGNING_SECRET, /* webhook */
	CALL_ZENDESK_TRIGGERS,	     /* a list */
	CALL_ZENDESK_TRIGGER_CREATE,
	CALL_ZENDESK_TRIGGER_UPDATE, /* trigger */
	CALL_ZENDESK_TRIGGER_DELETE, /* trigger; 204 */
};

struct registration_order {
	enum registration_call call;
	const char *ids[2];
	struct json_t *body; /* *taken*; NULL: none */
};

/* Of a list all of its items, in one array; else the answer's body. NULL
 * unless OK. Borrowed. */
typedef void registration_done(const struct api_result *r,
			       const struct json_t *answer, void *arg);
struct registration_op;
struct registration_op *registration_send(struct api_client *c,
					  enum job_lane lane,
					  const struct registration_order *o,
					  registration_done *done, void *arg);
void registration_cancel(struct registration_op *op);

/* The request as it would go: api, method (static) and path; app: the SunCo
 * app's id. */
enum api registration_api(enum registration_call call);
const char *registration_method(enum registration_call call);
void registration_path(const struct registration_order *o, const char *app,
		       struct buf *out);

#endif
