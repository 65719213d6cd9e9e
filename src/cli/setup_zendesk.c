/*
 * Zendesk's side of `setup`: a webhook for the trigger, another one for events
 * of users, their signing secrets, and the trigger.
 *
 * The trigger comes last, when the secret is kept: before, nothing is sent.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "setup.h"

#define ID_SIZE 24

static const struct part {
	enum registration_part part;
	const char *name; /* on the screen */
} parts[] = {
	{REGISTERED_TICKET, "webhook"},
	{REGISTERED_EVENTS, "event webhook"},
};

static bool list_webhooks(struct setup *s, struct json_t **list)
{
	struct registration_order o = {CALL_ZENDESK_WEBHOOKS, {NULL}, NULL};

	return setup_ask(s, "webhook", "cannot list the webhooks", &o, list);
}

/* The best of ours; the others are told. False: there is none. */
static bool find_webhook(struct setup *s, const struct part *p,
			 const struct json_t *list,
			 struct registered_webhook *out)
{
	struct registered_webhook w;
	unsigned best = 0, rank;

	for (size_t i = 0; i < json_len(list); i++) {
		if (registered_webhook_decode(&w, json_at(list, i), NULL) !=
		    RESULT_OK)
			continue;
		rank = registration_webhook_rank(&s->want, p->part, &w);
		if (rank > 0 && best > 0)
			setup_say_twin(s, "zendesk", p->name,
				       rank > best ? out : &w);
		if (rank <= best) {
			registered_webhook_release(&w);
			continue;
		}
		if (best > 0)
			registered_webhook_release(out);
		*out = w;
		best = rank;
	}
	return best > 0;
}

/* ---- webhooks ---- */

static void say_no_room(struct setup *s, const struct part *p,
			const struct api_result *r, size_t count)
{
	setup_say(s, SETUP_FAILED, "zendesk", p->name, NULL,
		  "cannot create the webhook: %s -> the account has %zu; a "
		  "trial account may have 10: remove one%s",
		  r->error.text, count,
		  p->part == REGISTERED_EVENTS
			  ? ", or do without this one: --no-events"
			  : "");
}

/* *new* id, or NULL: said. */
static char *create_webhook(struct setup *s, const struct part *p,
			    const struct json_t *list)
{
	struct registration_order o = {
		CALL_ZENDESK_WEBHOOK_CREATE,
		{NULL},
		registration_webhook_body(&s->want, p->part, NULL)};
	struct api_result r;
	struct json_t *v;
	struct buf target;
	char *id;

	if (upstream_ask(s->upstream, &o, &r, &v) != RESULT_OK) {
		if (r.result == RESULT_PERM)
			say_no_room(s, p, &r, json_len(list));
		else
			setup_say_refusal(s, p->name, &r,
					  "cannot create the webhook");
		return NULL;
	}
	CRASH_POINT("setup_zendesk_created");
	id = json_get_text(json_get(v, "webhook"), "id");
	json_free(v);
	buf_init(&target, REGISTRATION_URL_MAX);
	registration_target(&s->want, p->part, &target);
	setup_say(s, id ? SETUP_CREATED : SETUP_FAILED, "zendesk", p->name, id,
		  "%s", id ? target.data : "no id was told -> run setup again");
	buf_release(&target);
	return id;
}

static bool mend_webhook(struct setup *s, const struct part *p,
			 const struct registered_webhook *w)
{
	unsigned drift = registration_webhook_drift(&s->want, p->part, w);
	struct registration_order o = {
		CALL_ZENDESK_WEBHOOK_UPDATE, {w->id}, NULL};
	struct json_t *v;
	struct buf text;

	if (drift == 0) {
		setup_say(s, SETUP_UNCHANGED, "zendesk", p->name, w->id, "%s",
			  w->target);
		return true;
	}
	o.body = registration_webhook_body(&s->want, p->part, w);
	if (!setup_ask(s, p->name, "cannot change the webhook", &o, &v))
		return false;
	json_free(v);
	buf_init(&text, 256);
	registration_drift_text(drift, &text);
	setup_say(s, SETUP_MENDED, "zendesk", p->name, w->id,
		  "%s (it led to %s)", text.data, w->target);
	buf_release(&text);
	return true;
}

static bool fetch_secret(struct setup *s, const struct part *p, const char *id,
			 struct setup_secrets *out)
{
	struct registration_order o = {CALL_ZENDESK_SIGNING_SECRET, {id}, NULL};
	const char *secret;
	struct json_t *v;

	if (!setup_ask(s, p->name, "cannot fetch the signing secret", &o, &v))
		return false;
	secret = json_get_str(json_get(v, "signing_secret"), "secret");
	if (!str_is_empty(secret))
		setup_secrets_add(out, secret);
	else
		setup_say(s, SETUP_FAILED, "zendesk", p->name, id,
			  "its signing secret was not told -> copy it from "
			  "the Admin Center into zendesk_webhook_secrets");
	json_free(v);
	return out->count > 0;
}

static bool webhook(struct setup *s, const struct part *p,
		    const struct json_t *list, struct setup_secrets *out,
		    char **id)
{
	struct registered_webhook w;

	if (!find_webhook(s, p, list, &w)) {
		*id = create_webhook(s, p, list);
		return *id && fetch_secret(s, p, *id, out);
	}
	*id = xstrdup(w.id);
	if (!mend_webhook(s, p, &w)) {
		free(*id);
		*id = NULL;
	}
	registered_webhook_release(&w);
	return *id && fetch_secret(s, p, *id, out);
}

bool setup_zendesk_webhooks(struct setup *s, struct setup_secrets *out,
			    char **ticket_id)
{
	bool events = !cli_given(s->cli, "no-events");
	char *event_id = NULL;
	struct json_t *list;
	bool ok;

	*ticket_id = NULL;
	if (!list_webhooks(s, &list))
		return false;
	ok = webhook(s, &parts[0], list, out, ticket_id);
	if (events)
		ok = webhook(s, &parts[1], list, out, &event_id) && ok;
	free(event_id);
	json_free(list);
	return ok;
}

/* ---- the trigger ---- */

static bool list_triggers(struct setup *s, struct json_t **list)
{
	struct registration_order o = {CALL_ZENDESK_TRIGGERS, {NULL}, NULL};

	return setup_ask(s, "trigger", "cannot list the triggers", &o, list);
}

/* The best of ours. False: there is none. */
static bool find_trigger(struct setup *s, const char *webhook_id,
			 const struct json_t *list,
			 struct registered_trigger *out)
{
	struct registered_trigger t;
	unsigned best = 0, rank;

	for (size_t i = 0; i < json_len(list); i++) {
		if (registered_trigger_decode(&t, json_at(list, i), NULL) !=
		    RESULT_OK)
			continue;
		rank = registration_trigger_rank(&s->want, webhook_id, &t);
		if (rank <= best) {
			registered_trigger_release(&t);
			continue;
		}
		if (best > 0)
			registered_trigger_release(out);
		*out = t;
		best = rank;
	}
	return best > 0;
}

static void create_trigger(struct setup *s, const char *webhook_id)
{
	struct registration_order o = {
		CALL_ZENDESK_TRIGGER_CREATE,
		{NULL},
		registration_trigger_body(&s->want, webhook_id, NULL)};
	struct json_t *v;
	char *id;

	if (!setup_ask(s, "trigger", "cannot create the trigger", &o, &v))
		return;
	CRASH_POINT("setup_trigger_created");
	id = json_get_text(json_get(v, "trigger"), "id");
	setup_say(s, SETUP_CREATED, "zendesk", "trigger", id,
		  "a messaging ticket is created -> webhook");
	free(id);
	json_free(v);
}

static void mend_trigger(struct setup *s, const char *webhook_id,
			 const struct registered_trigger *t)
{
	unsigned drift = registration_trigger_drift(webhook_id, t);
	struct registration_order o = {
		CALL_ZENDESK_TRIGGER_UPDATE, {NULL}, NULL};
	struct json_t *v;
	char id[ID_SIZE];
	struct buf text;

	snprintf(id, sizeof(id), "%" PRIu64, t->id);
	if (drift == 0) {
		setup_say(s, SETUP_UNCHANGED, "zendesk", "trigger", id, "%s",
			  t->title);
		return;
	}
	o.ids[0] = id;
	o.body = registration_trigger_body(&s->want, webhook_id, t);
	if (!setup_ask(s, "trigger", "cannot change the trigger", &o, &v))
		return;
	json_free(v);
	buf_init(&text, 256);
	registration_drift_text(drift, &text);
	setup_say(s, SETUP_MENDED, "zendesk", "trigger", id, "%s", text.data);
	buf_release(&text);
}

void setup_zendesk_trigger(struct setup *s, const char *ticket_id)
{
	struct registered_trigger t;
	struct json_t *list;

	if (!list_triggers(s, &list))
		return;
	if (find_trigger(s, ticket_id, list, &t)) {
		mend_trigger(s, ticket_id, &t);
		registered_trigger_release(&t);
	} else {
		create_trigger(s, ticket_id);
	}
	json_free(list);
}

/* ---- removing it ---- */

static void remove_one(struct setup *s, enum registration_call call,
		       const char *part, const char *id)
{
	struct registration_order o = {call, {id}, NULL};
	struct json_t *v;

	if (!setup_ask(s, part, "cannot remove it", &o, &v))
		return;
	json_free(v);
	setup_say(s, SETUP_REMOVED, "zendesk", part, id, "%s", "");
}

/* One that somebody gave further actions is theirs by now. */
static void remove_trigger(struct setup *s, const struct registered_trigger *t)
{
	char id[ID_SIZE];

	snprintf(id, sizeof(id), "%" PRIu64, t->id);
	if (json_len(t->others) == 0)
		remove_one(s, CALL_ZENDESK_TRIGGER_DELETE, "trigger", id);
	else
		setup_say(s, SETUP_FAILED, "zendesk", "trigger", id,
			  "does more than to call reunite's webhook -> take "
			  "that action out of it by hand, and run this again");
}

/* False: one of them is still there, and its webhook has to stay. */
static bool remove_triggers(struct setup *s, const char *webhook_id)
{
	struct registered_trigger t;
	bool found = false, before = s->failed, gone;
	struct json_t *list;

	if (!list_triggers(s, &list))
		return false;
	s->failed = false;
	for (size_t i = 0; i < json_len(list); i++) {
		if (registered_trigger_decode(&t, json_at(list, i), NULL) !=
		    RESULT_OK)
			continue;
		if (registration_owns_trigger(&s->want, webhook_id, &t)) {
			remove_trigger(s, &t);
			found = true;
		}
		registered_trigger_release(&t);
	}
	if (!found)
		setup_say(s, SETUP_UNCHANGED, "zendesk", "trigger", NULL,
			  "there is none of ours");
	json_free(list);
	gone = !s->failed;
	s->failed = s->failed || before;
	return gone;
}

void setup_zendesk_remove(struct setup *s)
{
	struct registered_webhook w[ARRAY_LEN(parts)];
	bool there[ARRAY_LEN(parts)];
	struct json_t *list;

	if (!list_webhooks(s, &list))
		return;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		there[i] = find_webhook(s, &parts[i], list, &w[i]);
	json_free(list);
	if (!remove_triggers(s, there[0] ? w[0].id : NULL))
		goto out;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (there[i])
			remove_one(s, CALL_ZENDESK_WEBHOOK_DELETE,
				   parts[i].name, w[i].id);
		else
			setup_say(s, SETUP_UNCHANGED, "zendesk", parts[i].name,
				  NULL, "there is none of ours");
	}
out:
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (there[i])
			registered_webhook_release(&w[i]);
}
