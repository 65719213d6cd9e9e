/*
 * What should be registered: names, targets, events, request bodies.
 */
#include "core/registration.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "core/event.h"

#define EVENT_PREFIX "zen:event-type:"

static const struct part {
	const char *name; /* behind "reunite ACCOUNT" */
	const char *path; /* behind "/webhooks/ACCOUNT" */
} parts[REGISTERED_COUNT] = {
	[REGISTERED_SUNCO] = {"", "/sunco"},
	[REGISTERED_TICKET] = {"", "/zendesk"},
	[REGISTERED_EVENTS] = {": users", "/zendesk"},
	[REGISTERED_TRIGGER] = {": new messaging tickets", NULL},
};

void registration_name(const struct registration *r,
		       enum registration_part part,
		       char out[REGISTRATION_NAME_SIZE])
{
	snprintf(out, REGISTRATION_NAME_SIZE, "reunite %s%s", r->account,
		 parts[part].name);
}

static void path_of(const struct registration *r, enum registration_part part,
		    struct buf *out)
{
	buf_printf(out, "/webhooks/%s%s", r->account, parts[part].path);
}

void registration_target(const struct registration *r,
			 enum registration_part part, struct buf *out)
{
	buf_puts(out, r->public_url);
	path_of(r, part, out);
}

const char *registration_event(enum registration_part part, size_t i,
			       char out[REGISTRATION_NAME_SIZE])
{
	const char *type;

	switch (part) {
	case REGISTERED_SUNCO:
		return event_sunco_type(i);
	case REGISTERED_EVENTS:
		type = event_zendesk_type(i);
		if (type)
			snprintf(out, REGISTRATION_NAME_SIZE, EVENT_PREFIX "%s",
				 type);
		return type ? out : NULL;
	default:
		return i == 0 ? REGISTRATION_BY_TRIGGER : NULL;
	}
}

/* The provider writes it in one of two ways, "zen:event-type:x" and "/x". */
static bool same_event(const char *a, const char *b)
{
	size_t sep = strlen(EVENT_PREFIX) - 1;

	if (str_eq(a, b))
		return true;
	return str_starts(b, EVENT_PREFIX) && strlen(a) > sep &&
	       strncmp(a, b, sep) == 0 && a[sep] == '/' &&
	       str_eq(a + sep + 1, b + sep + 1);
}

static bool has_event(const struct registration_words *events,
		      const char *event)
{
	for (size_t i = 0; i < events->count; i++)
		if (same_event(events->items[i], event))
			return true;
	return false;
}

/* ---- whose is it ---- */

static bool leads_here(const struct registration *r,
		       enum registration_part part, const char *target)
{
	struct buf path;
	size_t len = strlen(target);
	bool here;

	buf_init(&path, REGISTRATION_URL_MAX);
	path_of(r, part, &path);
	here = len >= path.len && str_eq(target + len - path.len, path.data);
	buf_release(&path);
	return here;
}

bool registered_webhook_by_trigger(const struct registered_webhook *w)
{
	return w->events.count == 0 ||
	       has_event(&w->events, REGISTRATION_BY_TRIGGER);
}

bool registration_owns_webhook(const struct registration *r,
			       enum registration_part part,
			       const struct registered_webhook *w)
{
	char name[REGISTRATION_NAME_SIZE];

	if (part != REGISTERED_SUNCO &&
	    registered_webhook_by_trigger(w) != (part == REGISTERED_TICKET))
		return false;
	registration_name(r, part, name);
	return str_eq(w->name, name) || leads_here(r, part, w->target);
}

bool registration_owns_trigger(const struct registration *r,
			       const char *webhook_id,
			       const struct registered_trigger *t)
{
	char name[REGISTRATION_NAME_SIZE];

	registration_name(r, REGISTERED_TRIGGER, name);
	return str_eq(t->title, name) ||
	       (webhook_id && str_eq(t->webhook_id, webhook_id));
}

bool registration_owns_integration(const struct registration *r,
				   const struct registered_integration *i)
{
	char name[REGISTRATION_NAME_SIZE];

	registration_name(r, REGISTERED_SUNCO, name);
	return str_eq(i->name, name) && str_eq(i->type, "custom");
}

/* ---- what differs ---- */

unsigned registration_webhook_drift(const struct registration *r,
				    enum registration_part part,
				    const struct registered_webhook *w)
{
	char text[REGISTRATION_NAME_SIZE];
	const char *event;
	unsigned drift = 0;
	struct buf target;

	buf_init(&target, REGISTRATION_URL_MAX);
	registration_target(r, part, &target);
	if (*r->public_url && !str_eq(w->target, target.data))
		drift |= DRIFT_TARGET;
	buf_release(&target);
	for (size_t i = 0; (event = registration_event(part, i, text)); i++)
		if (!has_event(&w->events, event))
			drift |= DRIFT_EVENTS;
	drift |= w->full_user ? 0 : DRIFT_FULL_USER;
	drift |= w->active ? 0 : DRIFT_INACTIVE;
	drift |= w->posts_json ? 0 : DRIFT_METHOD;
	return drift;
}

unsigned registration_trigger_drift(const char *webhook_id,
				    const struct registered_trigger *t)
{
	unsigned drift = 0;

	drift |= t->active ? 0 : DRIFT_INACTIVE;
	drift |= t->conditions_right ? 0 : DRIFT_CONDITIONS;
	if (!t->webhook_id ||
	    (webhook_id && !str_eq(t->webhook_id, webhook_id)))
		drift |= DRIFT_WEBHOOK;
	if (!str_eq(t->body, REGISTRATION_TRIGGER_BODY))
		drift |= DRIFT_BODY;
	return drift;
}

unsigned registration_webhook_rank(const struct registration *r,
				   enum registration_part part,
				   const struct registered_webhook *w)
{
	unsigned drift;

	if (!registration_owns_webhook(r, part, w))
		return 0;
	drift = registration_webhook_drift(r, part, w);
	if (drift == 0)
		return 3;
	return drift & DRIFT_TARGET ? 1 : 2;
}

unsigned registration_trigger_rank(const struct registration *r,
				   const char *webhook_id,
				   const struct registered_trigger *t)
{
	char name[REGISTRATION_NAME_SIZE];

	if (!registration_owns_trigger(r, webhook_id, t))
		return 0;
	if (registration_trigger_drift(webhook_id, t) == 0)
		return 3;
	registration_name(r, REGISTERED_TRIGGER, name);
	return str_eq(t->title, name) ? 2 : 1;
}

void registration_drift_text(unsigned drift, struct buf *out)
{
	static const struct {
		unsigned bit;
		const char *text;
	} rows[] = {
		{DRIFT_TARGET, "its URL"},
		{DRIFT_EVENTS, "missing events"},
		{DRIFT_FULL_USER, "includeFullUser"},
		{DRIFT_INACTIVE, "it was not active"},
		{DRIFT_METHOD, "method or format"},
		{DRIFT_CONDITIONS, "conditions"},
		{DRIFT_WEBHOOK, "the webhook it calls"},
		{DRIFT_BODY, "the body"},
	};
	const char *separator = "";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!(drift & rows[i].bit))
			continue;
		buf_printf(out, "%s%s", separator, rows[i].text);
		separator = ", ";
	}
}

/* ---- bodies ---- */

/* What is there, and what of ours is missing. */
static struct json_t *events_body(enum registration_part part,
				  const struct registered_webhook *w)
{
	struct json_t *list = json_new_arr();
	char text[REGISTRATION_NAME_SIZE];
	const char *event;

	for (size_t i = 0; w && i < w->events.count; i++)
		json_push(list, json_new_str(w->events.items[i]));
	for (size_t i = 0; (event = registration_event(part, i, text)); i++)
		if (!w || !has_event(&w->events, event))
			json_push(list, json_new_str(event));
	return list;
}

static void set_target(const struct registration *r,
		       enum registration_part part, struct json_t *body)
{
	struct buf target;

	buf_init(&target, REGISTRATION_URL_MAX);
	registration_target(r, part, &target);
	json_set_str(body, part == REGISTERED_SUNCO ? "target" : "endpoint",
		     target.data);
	buf_release(&target);
}

static struct json_t *fields(const struct registration *r,
			     enum registration_part part,
			     const struct registered_webhook *w)
{
	unsigned drift = w ? registration_webhook_drift(r, part, w) : ~0u;
	bool sunco = part == REGISTERED_SUNCO;
	struct json_t *body = json_new_obj();

	if (drift & DRIFT_TARGET)
		set_target(r, part, body);
	if (drift & DRIFT_EVENTS)
		json_set(body, sunco ? "triggers" : "subscriptions",
			 events_body(part, w));
	if (sunco && drift & DRIFT_FULL_USER)
		json_set_bool(body, "includeFullUser", true);
	if (!sunco && drift & DRIFT_INACTIVE)
		json_set_str(body, "status", "active");
	if (!sunco && drift & DRIFT_METHOD) {
		json_set_str(body, "http_method", "POST");
		json_set_str(body, "request_format", "json");
	}
	return body;
}

struct json_t *registration_webhook_body(const struct registration *r,
					 enum registration_part part,
					 const struct registered_webhook *w)
{
	struct json_t *body = fields(r, part, w);
	struct json_t *outer;
	char name[REGISTRATION_NAME_SIZE];

	if (part == REGISTERED_SUNCO)
		return body;
	if (!w) {
		registration_name(r, part, name);
		json_set_str(body, "name", name);
	}
	outer = json_new_obj();
	json_set(outer, "webhook", body);
	return outer;
}

struct json_t *registration_integration_body(const struct registration *r)
{
	struct json_t *body = json_new_obj();
	struct json_t *webhooks = json_new_arr();
	char name[REGISTRATION_NAME_SIZE];

	registration_name(r, REGISTERED_SUNCO, name);
	json_push(webhooks,
		  registration_webhook_body(r, REGISTERED_SUNCO, NULL));
	json_set_str(body, "type", "custom");
	json_set_str(body, "displayName", name);
	json_set(body, "webhooks", webhooks);
	return body;
}

static struct json_t *condition(const char *field, const char *value)
{
	struct json_t *c = json_new_obj();

	json_set_str(c, "field", field);
	json_set_str(c, "operator", "is");
	json_set_str(c, "value", value);
	return c;
}

static struct json_t *conditions(void)
{
	struct json_t *both = json_new_obj();
	struct json_t *all = json_new_arr();

	json_push(all, condition("via_id", REGISTRATION_VIA_MESSAGING));
	json_push(all, condition("update_type", REGISTRATION_CREATED));
	json_set(both, "all", all);
	json_set(both, "any", json_new_arr());
	return both;
}

static struct json_t *actions(const char *webhook_id,
			      const struct registered_trigger *t)
{
	struct json_t *list = t ? json_clone(t->others) : json_new_arr();
	struct json_t *action = json_new_obj();
	struct json_t *value = json_new_arr();

	json_push(value, json_new_str(webhook_id));
	json_push(value, json_new_str(REGISTRATION_TRIGGER_BODY));
	json_set_str(action, "field", REGISTRATION_NOTIFY);
	json_set(action, "value", value);
	json_push(list, action);
	return list;
}

struct json_t *registration_trigger_body(const struct registration *r,
					 const char *webhook_id,
					 const struct registered_trigger *t)
{
	struct json_t *body = json_new_obj();
	struct json_t *trigger = json_new_obj();
	char name[REGISTRATION_NAME_SIZE];

	registration_name(r, REGISTERED_TRIGGER, name);
	json_set_str(trigger, "title", t ? t->title : name);
	json_set_bool(trigger, "active", true);
	json_set(trigger, "conditions", conditions());
	json_set(trigger, "actions", actions(webhook_id, t));
	json_set(body, "trigger", trigger);
	return body;
}
