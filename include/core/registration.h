/*
 * What reunite registers with the two providers, so that their webhooks come:
 * how it should be, what is there, and what differs.
 *
 * In Sunshine Conversations one webhook of a custom integration. In Zendesk a
 * webhook that a ticket trigger calls, and another one that is subscribed to
 * user events: the platform lets no webhook be both, nor change from one to
 * the other.
 *
 * What is ours is known by its name ("reunite ACCOUNT...") or by where it
 * leads ("/webhooks/ACCOUNT/..."). More than reunite needs (further events of a
 * webhook) is nobody's fault and stays.
 *
 * Pure. Sources: the platforms' webhook, trigger and integration references;
 * via_id 75 is native_messaging in Zendesk's list of via types.
 */
#ifndef REUNITE_CORE_REGISTRATION_H
#define REUNITE_CORE_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct json_t;

#define REGISTRATION_NAME_SIZE 160
#define REGISTRATION_URL_MAX   2048

/* The trigger's body: ids only, so that no name can break the JSON. */
#define REGISTRATION_TRIGGER_BODY                                              \
	"{\"v\":1,\"ticket_id\":\"{{ticket.id}}\","                            \
	"\"requester_id\":\"{{ticket.requester.id}}\","                        \
	"\"updated_at\":\"{{ticket.updated_at_with_timestamp}}\"}"
/* What a webhook that triggers call is subscribed to, and nothing else. */
#define REGISTRATION_BY_TRIGGER "conditional_ticket_events"
/* The trigger's conditions, "Channel is Messaging" and "Ticket is Created",
 * and its action. */
#define REGISTRATION_VIA_MESSAGING "75"
#define REGISTRATION_CREATED	   "Create"
#define REGISTRATION_NOTIFY	   "notification_webhook"

struct registration {
	const char *account;
	const char *public_url; /* no slash at the end; "" while not known:
				   targets are not compared */
};

enum registration_part {
	REGISTERED_SUNCO,  /* webhook; also the integration's name */
	REGISTERED_TICKET, /* Zendesk's webhook that the trigger calls */
	REGISTERED_EVENTS, /* Zendesk's webhook of user events */
	REGISTERED_TRIGGER,
	REGISTERED_COUNT
};
void registration_name(const struct registration *r,
		       enum registration_part part,
		       char out[REGISTRATION_NAME_SIZE]);
/* Where it should lead; not for the trigger. */
void registration_target(const struct registration *r,
			 enum registration_part part, struct buf *out);
/* The events of a webhook as the provider writes them; NULL after the last. */
const char *registration_event(enum registration_part part, size_t i,
			       char out[REGISTRATION_NAME_SIZE]);

struct registration_words {
	char **items;
	size_t count;
};

/* A webhook of either provider. */
struct registered_webhook {
	char *id;
	char *name;   /* Zendesk; or NULL */
	char *target; /* "" if it has none */
	char *secret; /* SunCo shows it; or NULL */
	struct registration_words events;
	bool active;	 /* Zendesk; SunCo has no such thing: true */
	bool posts_json; /* Zendesk: POST, json; SunCo: true */
	bool full_user;	 /* SunCo; Zendesk: true */
};
/* RESULT_INVALID: no webhook. *w is *new*. */
MUST_CHECK enum result registered_webhook_decode(struct registered_webhook *w,
						 const struct json_t *v,
						 struct error *err);
void registered_webhook_release(struct registered_webhook *w);
/* Zendesk: called by triggers, not by events. */
bool registered_webhook_by_trigger(const struct registered_webhook *w);

struct registered_trigger {
	uint64_t id;
	char *title;
	bool active;
	bool conditions_right; /* ours, and no others */
	char *webhook_id;      /* that it calls; NULL: none */
	char *body;
	struct json_t *others; /* array: its further actions, which stay */
};
MUST_CHECK enum result registered_trigger_decode(struct registered_trigger *t,
						 const struct json_t *v,
						 struct error *err);
void registered_trigger_release(struct registered_trigger *t);

struct registered_integration {
	char *id;
	char *type;
	char *name; /* "" if it has none */
};
MUST_CHECK enum result
registered_integration_decode(struct registered_integration *i,
			      const struct json_t *v, struct error *err);
void registered_integration_release(struct registered_integration *i);

/* Is it ours: by name or by where it leads, and of that part's kind? */
bool registration_owns_webhook(const struct registration *r,
			       enum registration_part part,
			       const struct registered_webhook *w);
/* webhook_id: of the REGISTERED_TICKET webhook, or NULL. */
bool registration_owns_trigger(const struct registration *r,
			       const char *webhook_id,
			       const struct registered_trigger *t);
bool registration_owns_integration(const struct registration *r,
				   const struct registered_integration *i);

/* What is not as it should be, as bits. */
enum {
	DRIFT_TARGET = 1,
	DRIFT_EVENTS = 2, /* some of ours are missing */
	DRIFT_FULL_USER = 4,
	DRIFT_INACTIVE = 8,
	DRIFT_METHOD = 16,
	DRIFT_CONDITIONS = 32,
	DRIFT_BODY = 64,
	DRIFT_WEBHOOK = 128, /* the trigger calls another one, or none */
};
unsigned registration_webhook_drift(const struct registration *r,
				    enum registration_part part,
				    const struct registered_webhook *w);
unsigned registration_trigger_drift(const char *webhook_id,
				    const struct registered_trigger *t);
/* "target, events": for a sentence. */
void registration_drift_text(unsigned drift, struct buf *out);

/* Which of several that are ours: the greatest, the first of equals; 0: not
 * ours. What is as it should be goes before what leads just here (a webhook) or
 * has our name (a trigger), and that before the rest: nothing that somebody
 * else added is mended while ours is right. */
unsigned registration_webhook_rank(const struct registration *r,
				   enum registration_part part,
				   const struct registered_webhook *w);
unsigned registration_trigger_rank(const struct registration *r,
				   const char *webhook_id,
				   const struct registered_trigger *t);

/* Request bodies, *new*. w: what is there, of which only the differences are
 * changed; NULL: a new one. */
struct json_t *registration_webhook_body(const struct registration *r,
					 enum registration_part part,
					 const struct registered_webhook *w);
/* A custom integration and its webhook at once. */
struct json_t *registration_integration_body(const struct registration *r);
/* Conditions and actions are always sent together: the platform clears what is
 * left out. t: what is there, whose further actions stay; NULL: a new one. */
struct json_t *registration_trigger_body(const struct registration *r,
					 const char *webhook_id,
					 const struct registered_trigger *t);

#endif
