/*
 * SunCo's app, integrations and their webhooks.
 *
 * Only custom integrations are made here and have webhooks; a new one comes
 * with exactly one. An integration's key (setting sunco_key_scope) sees the
 * webhooks of its own, also called "me", and neither app nor list. Answers
 * about an integration leave its webhooks out: the list of webhooks has them,
 * with their secrets.
 */
#include "sandbox/sunco.h"

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"

#define SECRET_BYTES 16

static const char *const shown[] = {"id", "type", "status", "displayName",
				    NULL};
static const char *const fields[] = {"target", "triggers", "includeFullUser",
				     "includeFullSource", NULL};

static bool key_is_integrations(const struct call *c)
{
	return str_eq(c->account->settings.sunco_key_scope, "integration");
}

static void forbid(struct answer *out)
{
	call_sunco_error(out, 403, "forbidden", "Forbidden");
}

static bool app_known(const struct call *c, struct answer *out)
{
	if (str_eq(c->params[0], c->account->settings.sunco_app_id))
		return true;
	call_sunco_error(out, 404, "app_not_found", "App not found");
	return false;
}

/* For what an integration's key must not see. */
static bool app_open(const struct call *c, struct answer *out)
{
	if (!app_known(c, out))
		return false;
	if (key_is_integrations(c))
		forbid(out);
	return !key_is_integrations(c);
}

void sunco_app_show(const struct call *c, struct answer *out)
{
	struct json_t *body, *app;

	if (!app_open(c, out))
		return;
	body = json_new_obj();
	app = json_new_obj();
	json_set_str(app, "id", c->params[0]);
	json_set_str(app, "displayName", "Sandbox");
	json_set(app, "settings", json_new_obj());
	json_set(body, "app", app);
	call_ok(out, 200, body);
}

static struct json_t *integration_shown(const struct json_t *v)
{
	struct json_t *o = json_new_obj();

	registry_copy(o, v, shown);
	return o;
}

void sunco_integrations_list(const struct call *c, struct answer *out)
{
	const struct json_t *all = c->account->registry.integrations;
	struct json_t *list, *body, *meta;

	if (!app_open(c, out))
		return;
	list = json_new_arr();
	for (size_t i = 0; i < json_len(all); i++)
		json_push(list, integration_shown(json_at(all, i)));
	body = registry_page(c, list, "integrations");
	meta = json_new_obj();
	json_set_bool(meta, "hasMore",
		      json_get_bool(json_get(body, "meta"), "has_more", false));
	json_set_str(meta, "afterCursor",
		     json_get_str(json_get(body, "meta"), "after_cursor"));
	json_set(body, "meta", meta);
	json_free(list);
	call_ok(out, 200, body);
}

static bool webhook_good(const struct json_t *from)
{
	const char *target = json_get_str(from, "target");

	return target && json_len(json_get(from, "triggers")) > 0 &&
	       (str_starts(target, "https://") ||
		str_starts(target, "http://"));
}

static struct json_t *webhook_new(const struct call *c,
				  const struct json_t *from)
{
	struct json_t *w = json_new_obj();
	uint8_t bytes[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1], id[SUN_ID_SIZE];

	state_hex_id(c->account->state, id);
	crypto_random(bytes, sizeof(bytes));
	crypto_hex(bytes, sizeof(bytes), hex);
	json_set_str(w, "id", id);
	json_set_str(w, "version", "v2");
	json_set_str(w, "secret", hex);
	json_set_bool(w, "includeFullUser", false);
	json_set_bool(w, "includeFullSource", false);
	registry_copy(w, from, fields);
	return w;
}

static bool room_for_webhook(const struct call *c, struct answer *out)
{
	if (registry_sunco_webhooks(&c->account->registry) < SUNCO_WEBHOOKS_MAX)
		return true;
	call_sunco_error(out, 400, "bad_request", "Too many webhooks");
	return false;
}

void sunco_integration_create(const struct call *c, struct answer *out)
{
	const struct json_t *hooks = json_get(c->body, "webhooks");
	struct json_t *v, *list, *body;
	char id[SUN_ID_SIZE];

	if (!app_open(c, out) || !room_for_webhook(c, out))
		return;
	if (!str_eq(json_get_str(c->body, "type"), "custom") ||
	    json_len(hooks) != 1 || !webhook_good(json_at(hooks, 0))) {
		call_sunco_error(out, 400, "bad_request",
				 "Invalid integration");
		return;
	}
	v = json_new_obj();
	list = json_new_arr();
	state_hex_id(c->account->state, id);
	json_set_str(v, "id", id);
	json_set_str(v, "status", "active");
	registry_copy(v, c->body, shown);
	json_push(list, webhook_new(c, json_at(hooks, 0)));
	json_set(v, "webhooks", list);
	json_push(c->account->registry.integrations, v);
	body = json_new_obj();
	json_set(body, "integration", integration_shown(v));
	out->applied = true;
	call_ok(out, 201, body);
}

static struct json_t *integration_of(const struct call *c, struct answer *out)
{
	const struct registry *r = &c->account->registry;
	const char *own = registry_own_integration(r);
	const char *id = c->params[1];
	struct json_t *v;

	if (!app_known(c, out))
		return NULL;
	if (key_is_integrations(c) && str_eq(id, "me"))
		id = own;
	v = registry_find(r->integrations, id);
	if (!v) {
		call_sunco_error(out, 404, "integration_not_found",
				 "Integration not found");
	} else if (key_is_integrations(c) && !str_eq(id, own)) {
		forbid(out);
		v = NULL;
	}
	return v;
}

void sunco_integration_show(const struct call *c, struct answer *out)
{
	const struct json_t *v =
		app_open(c, out) ? integration_of(c, out) : NULL;
	struct json_t *body;

	if (!v)
		return;
	body = json_new_obj();
	json_set(body, "integration", integration_shown(v));
	call_ok(out, 200, body);
}

void sunco_integration_delete(const struct call *c, struct answer *out)
{
	if (!app_open(c, out) || !integration_of(c, out))
		return;
	registry_drop(&c->account->registry.integrations, c->params[1]);
	out->applied = true;
	call_ok(out, 200, json_new_obj());
}

/* ---- webhooks ---- */

/* Its integration may have webhooks. */
static struct json_t *custom_of(const struct call *c, struct answer *out)
{
	struct json_t *v = integration_of(c, out);

	if (!v || str_eq(json_get_str(v, "type"), "custom"))
		return v;
	forbid(out);
	return NULL;
}

static struct json_t *webhook_of(const struct call *c, struct answer *out)
{
	const struct json_t *v = custom_of(c, out);
	struct json_t *w =
		v ? registry_find(json_get(v, "webhooks"), c->params[2]) : NULL;

	if (v && !w)
		call_sunco_error(out, 404, "not_found", "Resource not found");
	return w;
}

static void answer_webhook(const struct json_t *w, int status,
			   struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "webhook", json_clone(w));
	call_ok(out, status, body);
}

void sunco_webhooks_list(const struct call *c, struct answer *out)
{
	const struct json_t *v = custom_of(c, out);
	struct json_t *body;

	if (!v)
		return;
	body = json_new_obj();
	json_set(body, "webhooks", json_clone(json_get(v, "webhooks")));
	call_ok(out, 200, body);
}

void sunco_webhook_create(const struct call *c, struct answer *out)
{
	const struct json_t *v = custom_of(c, out);
	struct json_t *w;

	if (!v || !room_for_webhook(c, out))
		return;
	if (!webhook_good(c->body)) {
		call_sunco_error(out, 400, "bad_request", "Bad request");
		return;
	}
	w = webhook_new(c, c->body);
	json_push(json_get(v, "webhooks"), w);
	out->applied = true;
	answer_webhook(w, 201, out);
}

void sunco_webhook_show(const struct call *c, struct answer *out)
{
	const struct json_t *w = webhook_of(c, out);

	if (w)
		answer_webhook(w, 200, out);
}

void sunco_webhook_update(const struct call *c, struct answer *out)
{
	struct json_t *w = webhook_of(c, out);

	if (!w)
		return;
	registry_copy(w, c->body, fields);
	out->applied = true;
	answer_webhook(w, 200, out);
}

void sunco_webhook_delete(const struct call *c, struct answer *out)
{
	struct json_t *v = custom_of(c, out), *kept;

	if (!v || !webhook_of(c, out))
		return;
	kept = json_clone(json_get(v, "webhooks"));
	registry_drop(&kept, c->params[2]);
	json_set(v, "webhooks", kept);
	out->applied = true;
	call_ok(out, 200, json_new_obj());
}
