/*
 * Zendesk's webhooks: list, show, create, change, delete, signing secrets.
 *
 * A webhook is called by triggers or subscribed to events, not both, and does
 * not change from one to the other. How the platform words these refusals is
 * not documented.
 */
#include "sandbox/zendesk.h"

#include <ctype.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

#define BY_TRIGGER   "conditional_ticket_events"
#define SECRET_BYTES 32
#define WEBHOOK_ID   32

static const char *const fields[] = {
	"name",		 "description",	   "status",
	"endpoint",	 "http_method",	   "request_format",
	"subscriptions", "authentication", NULL};

static struct json_t *webhook_of(const struct call *c, struct answer *out)
{
	struct json_t *w =
		registry_find(c->account->registry.webhooks, c->params[0]);

	if (!w)
		call_not_found(out);
	return w;
}

static void answer_webhook(const struct json_t *w, int status,
			   struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "webhook", json_clone(w));
	call_ok(out, status, body);
}

void zendesk_webhooks_list(const struct call *c, struct answer *out)
{
	call_ok(out, 200,
		registry_page(c, c->account->registry.webhooks, "webhooks"));
}

void zendesk_webhook_show(const struct call *c, struct answer *out)
{
	const struct json_t *w = webhook_of(c, out);

	if (w)
		answer_webhook(w, 200, out);
}

static bool by_trigger(const struct json_t *w)
{
	const struct json_t *list = json_get(w, "subscriptions");

	for (size_t i = 0; i < json_len(list); i++)
		if (str_eq(json_str(json_at(list, i)), BY_TRIGGER))
			return true;
	return json_len(list) == 0;
}

/* What is wrong with it, or NULL. */
static const char *problem_of(const struct json_t *w)
{
	static const char *const needed[] = {"name", "endpoint", "http_method",
					     "request_format", "status"};
	const char *endpoint = json_get_str(w, "endpoint");

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (str_is_empty(json_get_str(w, needed[i])))
			return needed[i];
	if (!str_starts(endpoint, "https://") &&
	    !str_starts(endpoint, "http://"))
		return "endpoint";
	if (by_trigger(w))
		return json_len(json_get(w, "subscriptions")) > 1
			       ? "subscriptions"
			       : NULL;
	if (!str_eq(json_get_str(w, "http_method"), "POST"))
		return "http_method";
	return str_eq(json_get_str(w, "request_format"), "json")
		       ? NULL
		       : "request_format";
}

static void refuse(struct answer *out, const char *field)
{
	char title[64];

	snprintf(title, sizeof(title), "%s is not valid", field);
	call_bad_request(out, "InvalidWebhook", title);
}

static void secret_renew(const struct call *c, const char *id)
{
	uint8_t bytes[SECRET_BYTES];
	char text[CRYPTO_BASE64_SIZE(SECRET_BYTES)];

	crypto_random(bytes, sizeof(bytes));
	crypto_base64(bytes, sizeof(bytes), text);
	json_set_str(c->account->registry.secrets, id, text);
}

static struct json_t *webhook_add(const struct call *c,
				  const struct json_t *from)
{
	struct json_t *w = json_new_obj();
	char hex[SUN_ID_SIZE], id[WEBHOOK_ID];

	state_hex_id(c->account->state, hex);
	snprintf(id, sizeof(id), "01%s", hex);
	for (char *p = id; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	json_set_str(w, "id", id);
	json_set(w, "created_at", render_time(c->now_ms));
	json_set(w, "updated_at", render_time(c->now_ms));
	registry_copy(w, from, fields);
	json_push(c->account->registry.webhooks, w);
	secret_renew(c, id);
	return w;
}

void zendesk_webhook_create(const struct call *c, struct answer *out)
{
	const struct json_t *from = json_get(c->body, "webhook");
	int64_t max = c->account->settings.webhooks_max;
	const char *problem = problem_of(from);

	if (problem) {
		refuse(out, problem);
	} else if (max > 0 &&
		   (int64_t)json_len(c->account->registry.webhooks) >= max) {
		call_bad_request(out, "WebhookLimitExceeded",
				 "The account has all the webhooks it may");
	} else {
		out->applied = true;
		answer_webhook(webhook_add(c, from), 201, out);
	}
}

void zendesk_webhook_update(const struct call *c, struct answer *out)
{
	const struct json_t *from = json_get(c->body, "webhook");
	struct json_t *w = webhook_of(c, out), *changed;
	const char *problem;

	if (!w)
		return;
	changed = json_clone(w);
	registry_copy(changed, from, fields);
	problem = problem_of(changed);
	if (!problem && by_trigger(w) != by_trigger(changed))
		problem = "subscriptions";
	json_free(changed);
	if (problem) {
		refuse(out, problem);
		return;
	}
	registry_copy(w, from, fields);
	json_set(w, "updated_at", render_time(c->now_ms));
	out->applied = true;
	call_ok(out, 204, NULL);
}

void zendesk_webhook_delete(const struct call *c, struct answer *out)
{
	if (!webhook_of(c, out))
		return;
	registry_drop(&c->account->registry.webhooks, c->params[0]);
	out->applied = true;
	call_ok(out, 204, NULL);
}

static void answer_secret(const struct call *c, int status, struct answer *out)
{
	struct json_t *body = json_new_obj(), *secret = json_new_obj();

	json_set_str(secret, "algorithm", "SHA256");
	json_set_str(secret, "secret",
		     json_get_str(c->account->registry.secrets, c->params[0]));
	json_set(body, "signing_secret", secret);
	call_ok(out, status, body);
}

void zendesk_signing_secret_show(const struct call *c, struct answer *out)
{
	if (webhook_of(c, out))
		answer_secret(c, 200, out);
}

void zendesk_signing_secret_reset(const struct call *c, struct answer *out)
{
	if (!webhook_of(c, out))
		return;
	secret_renew(c, c->params[0]);
	out->applied = true;
	answer_secret(c, 201, out);
}
