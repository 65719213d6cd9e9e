/*
 * `reunite doctor`: reading what is registered. See doctor_hooks.h.
 *
 * Zendesk's two lists and Sunshine Conversations' integrations are asked for
 * at the same time; the signing secret of each webhook of ours, and the
 * webhooks of each integration, when their list is there.
 */
#include "doctor_hooks.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"

static bool is_one_of(const char *secret, const struct config_list *list)
{
	size_t len = strlen(secret);
	bool found = false;

	for (size_t i = 0; i < list->count; i++)
		found = (strlen(list->items[i]) == len &&
			 crypto_equal(list->items[i], secret, len)) ||
			found;
	return found;
}

static void send(struct doctor_hooks *h, enum registration_call call,
		 const char *id, struct doctor_call *c, registration_done *done,
		 void *arg)
{
	struct registration_order o = {.call = call, .ids = {id}};

	doctor_call_begin(h->net, c);
	registration_send(h->api, LANE_LIVE, &o, done, arg);
}

/* ---- webhooks ---- */

/* What the list says; NULL: it is not ours. */
static struct doctor_hook *take_webhook(struct doctor_hooks *h,
					enum registration_part part,
					const struct registered_webhook *w)
{
	struct doctor_hook *hook = &h->items[h->count];

	if (h->count == DOCTOR_HOOKS_MAX ||
	    !registration_owns_webhook(&h->of, part, w))
		return NULL;
	h->count++;
	*hook = (struct doctor_hook){
		.hooks = h,
		.part = part,
		.id = xstrdup(w->id),
		.drift = registration_webhook_drift(&h->of, part, w),
		.ours = w->secret &&
			is_one_of(w->secret,
				  &h->account->sunco_webhook_secrets),
	};
	return hook;
}

static void on_secret(const struct api_result *r, const struct json_t *answer,
		      void *arg)
{
	struct doctor_hook *hook = arg;
	struct doctor_hooks *h = hook->hooks;
	const char *secret =
		json_get_str(json_get(answer, "signing_secret"), "secret");

	hook->ours = secret &&
		     is_one_of(secret, &h->account->zendesk_webhook_secrets);
	doctor_call_end(h->net, &hook->secret, r);
}

static void take_zendesk(struct doctor_hooks *h, const struct json_t *v)
{
	static const enum registration_part parts[] = {REGISTERED_TICKET,
						       REGISTERED_EVENTS};
	struct registered_webhook w;
	struct doctor_hook *hook;

	if (registered_webhook_decode(&w, v, NULL) != RESULT_OK)
		return;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		hook = take_webhook(h, parts[i], &w);
		if (hook)
			send(h, CALL_ZENDESK_SIGNING_SECRET, hook->id,
			     &hook->secret, on_secret, hook);
	}
	registered_webhook_release(&w);
}

static void on_webhooks(const struct api_result *r, const struct json_t *list,
			void *arg)
{
	struct doctor_hooks *h = arg;

	for (size_t i = 0; i < json_len(list); i++)
		take_zendesk(h, json_at(list, i));
	doctor_call_end(h->net, &h->webhooks, r);
}

/* ---- triggers ---- */

static void on_triggers(const struct api_result *r, const struct json_t *list,
			void *arg)
{
	struct doctor_hooks *h = arg;

	h->rows = xcalloc(json_len(list) + 1, sizeof(*h->rows));
	for (size_t i = 0; i < json_len(list); i++)
		if (registered_trigger_decode(&h->rows[h->row_count],
					      json_at(list, i),
					      NULL) == RESULT_OK)
			h->row_count++;
	doctor_call_end(h->net, &h->triggers, r);
}

/* ---- Sunshine Conversations ---- */

/* The webhooks of one integration; the call is that of them all: it ends well
 * only if each did. */
static void on_sunco_webhooks(const struct api_result *r,
			      const struct json_t *list, void *arg)
{
	struct doctor_hooks *h = arg;
	struct registered_webhook w;

	for (size_t i = 0; i < json_len(list); i++) {
		if (registered_webhook_decode(&w, json_at(list, i), NULL) !=
		    RESULT_OK)
			continue;
		(void)take_webhook(h, REGISTERED_SUNCO, &w);
		registered_webhook_release(&w);
	}
	doctor_call_end(h->net, &h->sunco, r);
}

static void ask_integration(struct doctor_hooks *h, const char *id)
{
	send(h, CALL_SUNCO_WEBHOOKS, id, &h->sunco, on_sunco_webhooks, h);
}

static void ask_integrations(struct doctor_hooks *h, const struct json_t *list)
{
	size_t asked = 0;

	for (size_t i = 0;
	     i < json_len(list) && asked < DOCTOR_INTEGRATIONS_MAX; i++) {
		struct registered_integration one;

		if (registered_integration_decode(&one, json_at(list, i),
						  NULL) != RESULT_OK)
			continue;
		if (str_eq(one.type, "custom")) {
			ask_integration(h, one.id);
			asked++;
		}
		registered_integration_release(&one);
	}
}

static void on_integrations(const struct api_result *r,
			    const struct json_t *list, void *arg)
{
	struct doctor_hooks *h = arg;

	/* an integration's own key sees but itself */
	if (r->forbidden)
		ask_integration(h, "me");
	else
		ask_integrations(h, list);
	doctor_call_end(h->net, &h->sunco, r->forbidden ? NULL : r);
}

/* ---- life ---- */

struct doctor_hooks *doctor_hooks_ask(struct doctor_net *n, struct loop *loop,
				      struct http_client *http,
				      const struct config *config,
				      const struct account_config *a)
{
	struct doctor_hooks *h = xcalloc(1, sizeof(*h));
	struct api_config api;

	h->net = n;
	h->account = a;
	h->of = (struct registration){a->name, config->public_url};
	config_api(a, &api);
	api.purpose = API_LOOK;
	api.requests_per_minute = 0;
	api.timeout_ms = DOCTOR_REQUEST_MS;
	h->api = api_client_new(loop, http, &api);
	send(h, CALL_ZENDESK_WEBHOOKS, NULL, &h->webhooks, on_webhooks, h);
	send(h, CALL_ZENDESK_TRIGGERS, NULL, &h->triggers, on_triggers, h);
	send(h, CALL_SUNCO_INTEGRATIONS, NULL, &h->sunco, on_integrations, h);
	return h;
}

void doctor_hooks_free(struct doctor_hooks *h)
{
	if (!h)
		return;
	api_client_free(h->api);
	for (size_t i = 0; i < h->count; i++)
		free(h->items[i].id);
	for (size_t i = 0; i < h->row_count; i++)
		registered_trigger_release(&h->rows[i]);
	free(h->rows);
	free(h);
}

const struct doctor_hook *doctor_hooks_find(const struct doctor_hooks *h,
					    enum registration_part part,
					    size_t *count)
{
	const struct doctor_hook *best = NULL;

	*count = 0;
	for (size_t i = 0; i < h->count; i++) {
		const struct doctor_hook *hook = &h->items[i];

		if (hook->part != part)
			continue;
		if (!best || (best->drift && !hook->drift))
			best = hook;
		(*count)++;
	}
	return best;
}
