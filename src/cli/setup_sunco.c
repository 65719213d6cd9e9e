/*
 * Sunshine Conversations' side of `setup`: one webhook of a custom
 * integration.
 *
 * An app's key sees every integration: ours is the webhook that leads here, or
 * that of the integration with our name. An integration's key sees its own
 * webhooks only, as those of "me". A webhook in an integration that somebody
 * else made is mended and removed; the integration itself is left alone.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/json.h"
#include "base/str.h"
#include "setup.h"

#define WEBHOOKS_MAX 10 /* of an app, as documented */

struct sunco {
	struct setup *setup;
	bool only_me;	   /* the key is an integration's */
	char *ours;	   /* the integration with our name; NULL: none */
	char *integration; /* where the webhook is; NULL: nowhere */
	struct registered_webhook webhook;
	unsigned rank; /* registration_webhook_rank() of it */
	size_t seen;   /* webhooks of the app */
};

static void sunco_release(struct sunco *f)
{
	if (f->integration)
		registered_webhook_release(&f->webhook);
	free(f->integration);
	free(f->ours);
}

/* One webhook of an integration: is it ours? */
static void look_at_webhook(struct sunco *f, const char *integration,
			    const struct json_t *v)
{
	struct registered_webhook w;
	unsigned rank;

	if (registered_webhook_decode(&w, v, NULL) != RESULT_OK)
		return;
	f->seen++;
	rank = registration_webhook_rank(&f->setup->want, REGISTERED_SUNCO, &w);
	if (rank == 0 && str_eq(f->ours, integration))
		rank = 1;
	if (rank > 0 && f->rank > 0)
		setup_say_twin(f->setup, "sunco", "webhook",
			       rank > f->rank ? &f->webhook : &w);
	if (rank <= f->rank) {
		registered_webhook_release(&w);
		return;
	}
	if (f->rank > 0)
		registered_webhook_release(&f->webhook);
	free(f->integration);
	f->webhook = w;
	f->integration = xstrdup(integration);
	f->rank = rank;
}

/* False: said, or (optional) not allowed to look. */
static bool look_at_webhooks(struct sunco *f, const char *integration,
			     bool optional)
{
	struct registration_order o = {
		CALL_SUNCO_WEBHOOKS, {integration}, NULL};
	struct api_result r;
	struct json_t *list;

	if (upstream_ask(f->setup->upstream, &o, &r, &list) != RESULT_OK) {
		if (!optional || !r.forbidden)
			setup_say_refusal(f->setup, "webhook", &r,
					  "cannot list the webhooks");
		return optional && r.forbidden;
	}
	for (size_t i = 0; i < json_len(list); i++)
		look_at_webhook(f, integration, json_at(list, i));
	json_free(list);
	return true;
}

static bool look_at_integration(struct sunco *f, const struct json_t *v)
{
	struct registered_integration i;
	bool ours, ok = true;

	if (registered_integration_decode(&i, v, NULL) != RESULT_OK)
		return true;
	ours = registration_owns_integration(&f->setup->want, &i);
	setup_say(f->setup, SETUP_FOUND, "sunco", "integration", i.id, "%s%s%s",
		  i.type, *i.name ? ": " : "", i.name);
	if (ours && !f->ours)
		f->ours = xstrdup(i.id);
	if (str_eq(i.type, "custom"))
		ok = look_at_webhooks(f, i.id, !ours);
	registered_integration_release(&i);
	return ok;
}

static bool look_at_integrations(struct sunco *f)
{
	struct registration_order o = {CALL_SUNCO_INTEGRATIONS, {NULL}, NULL};
	struct json_t *list;
	bool ok = true;

	if (!setup_ask(f->setup, "integration", "cannot list the integrations",
		       &o, &list))
		return false;
	for (size_t i = 0; i < json_len(list) && ok; i++)
		ok = look_at_integration(f, json_at(list, i));
	json_free(list);
	return ok;
}

static bool look_at_app(struct sunco *f)
{
	struct registration_order o = {CALL_SUNCO_APP, {NULL}, NULL};
	const char *id = f->setup->account->sunco_app_id;
	const char *name;
	struct api_result r;
	struct json_t *v;

	if (upstream_ask(f->setup->upstream, &o, &r, &v) == RESULT_OK) {
		name = json_get_str(json_get(v, "app"), "displayName");
		setup_say(f->setup, SETUP_FOUND, "sunco", "app", id, "%s",
			  name ? name : "");
		json_free(v);
		return true;
	}
	if (!r.forbidden) {
		setup_say_refusal(f->setup, "app", &r, "cannot see the app");
		return false;
	}
	f->only_me = true;
	setup_say(f->setup, SETUP_NOTE, "sunco", "app", id,
		  "the key is one integration's: only its webhooks are seen");
	return true;
}

static bool look(struct sunco *f)
{
	if (!look_at_app(f))
		return false;
	if (f->only_me)
		return look_at_webhooks(f, "me", false);
	return look_at_integrations(f);
}

/* ---- making one ---- */

static bool no_room(struct sunco *f)
{
	if (f->seen < WEBHOOKS_MAX)
		return false;
	setup_say(f->setup, SETUP_FAILED, "sunco", "webhook", NULL,
		  "the app has %zu webhooks already, and an app may have %d -> "
		  "remove one in the Admin Center under Conversations "
		  "integrations",
		  f->seen, WEBHOOKS_MAX);
	return true;
}

/* A webhook in an integration that is there. */
static bool create_webhook(struct sunco *f, const char *integration)
{
	struct registration_order o = {
		CALL_SUNCO_WEBHOOK_CREATE,
		{integration},
		registration_webhook_body(&f->setup->want, REGISTERED_SUNCO,
					  NULL)};
	struct json_t *v;

	if (!setup_ask(f->setup, "webhook", "cannot create the webhook", &o,
		       &v))
		return false;
	CRASH_POINT("setup_sunco_created");
	look_at_webhook(f, integration, json_get(v, "webhook"));
	json_free(v);
	return true;
}

/* An integration with its webhook, which its answer may leave out. */
static bool create_integration(struct sunco *f)
{
	struct registration_order o = {
		CALL_SUNCO_INTEGRATION_CREATE,
		{NULL},
		registration_integration_body(&f->setup->want)};
	struct json_t *v;
	bool ok;

	if (!setup_ask(f->setup, "integration", "cannot create the integration",
		       &o, &v))
		return false;
	CRASH_POINT("setup_sunco_created");
	f->ours = json_get_text(json_get(v, "integration"), "id");
	json_free(v);
	setup_say(f->setup, f->ours ? SETUP_CREATED : SETUP_FAILED, "sunco",
		  "integration", f->ours, "%s%s",
		  f->ours ? "custom: reunite " : "no id was told -> run setup ",
		  f->ours ? f->setup->account->name : "again");
	ok = f->ours && look_at_webhooks(f, f->ours, false);
	if (ok && !f->integration)
		ok = create_webhook(f, f->ours);
	return ok;
}

static bool create(struct sunco *f)
{
	const char *asked = cli_text(f->setup->cli, "integration");
	bool ok;

	if (no_room(f))
		return false;
	if (f->only_me)
		ok = create_webhook(f, "me");
	else if (asked || f->ours)
		ok = create_webhook(f, asked ? asked : f->ours);
	else
		ok = create_integration(f);
	if (ok && f->integration)
		setup_say(f->setup, SETUP_CREATED, "sunco", "webhook",
			  f->webhook.id, "%s", f->webhook.target);
	return ok && f->integration;
}

static bool mend(struct sunco *f)
{
	struct setup *s = f->setup;
	unsigned drift = registration_webhook_drift(&s->want, REGISTERED_SUNCO,
						    &f->webhook);
	struct registration_order o = {CALL_SUNCO_WEBHOOK_UPDATE,
				       {f->integration, f->webhook.id},
				       NULL};
	struct json_t *v;
	struct buf text;

	if (drift == 0) {
		setup_say(s, SETUP_UNCHANGED, "sunco", "webhook", f->webhook.id,
			  "%s", f->webhook.target);
		return true;
	}
	o.body = registration_webhook_body(&s->want, REGISTERED_SUNCO,
					   &f->webhook);
	if (!setup_ask(s, "webhook", "cannot change the webhook", &o, &v))
		return false;
	json_free(v);
	buf_init(&text, 256);
	registration_drift_text(drift, &text);
	setup_say(s, SETUP_MENDED, "sunco", "webhook", f->webhook.id,
		  "%s (it led to %s)", text.data, f->webhook.target);
	buf_release(&text);
	return true;
}

bool setup_sunco(struct setup *s, struct setup_secrets *out)
{
	struct sunco f = {.setup = s};
	bool ok = look(&f) && (f.integration ? mend(&f) : create(&f));

	if (ok && str_is_empty(f.webhook.secret)) {
		setup_say(s, SETUP_FAILED, "sunco", "webhook", f.webhook.id,
			  "its secret was not told -> copy the shared secret "
			  "from the Admin Center into "
			  "sunco_webhook_secrets");
		ok = false;
	}
	if (ok)
		setup_secrets_add(out, f.webhook.secret);
	sunco_release(&f);
	return ok;
}

/* ---- removing it ---- */

static void remove_one(struct setup *s, enum registration_call call,
		       const char *part, const char *integration,
		       const char *webhook)
{
	struct registration_order o = {call, {integration, webhook}, NULL};
	struct json_t *v;

	if (!setup_ask(s, part, "cannot remove it", &o, &v))
		return;
	json_free(v);
	setup_say(s, SETUP_REMOVED, "sunco", part,
		  webhook ? webhook : integration, "%s",
		  webhook ? "" : "with its webhook");
}

void setup_sunco_remove(struct setup *s)
{
	struct sunco f = {.setup = s};

	if (look(&f)) {
		if (f.integration && !str_eq(f.integration, f.ours))
			remove_one(s, CALL_SUNCO_WEBHOOK_DELETE, "webhook",
				   f.integration, f.webhook.id);
		if (f.ours)
			remove_one(s, CALL_SUNCO_INTEGRATION_DELETE,
				   "integration", f.ours, NULL);
		if (!f.integration && !f.ours)
			setup_say(s, SETUP_UNCHANGED, "sunco", "webhook", NULL,
				  "there is none of ours");
	}
	sunco_release(&f);
}
