/*
 * SunCo users over the API.
 *
 * List matches e-mail identities only, never profile.email. Sync copies from
 * the Zendesk user; a conflicting SunCo user is merged away, or, if it has a
 * zendeskId of its own, loses what conflicts.
 */
#include "sandbox/sunco.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

static uint64_t brand_of(const struct call *c)
{
	uint64_t brand_id = 0;

	str_parse_u64(slice_of(call_query(c, "brandId")), &brand_id);
	return brand_id;
}

bool sunco_app_known(const struct call *c, struct answer *out)
{
	if (str_eq(c->params[0], c->account->settings.sunco_app_id))
		return true;
	call_sunco_error(out, 404, "app_not_found", "App not found");
	return false;
}

/* By id or by external id; NULL after a 404. */
static struct sun_user *user_of(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	struct sun_user *u;

	if (!sunco_app_known(c, out))
		return NULL;
	u = state_sun(s, c->params[1]);
	if (!u || !u->active)
		u = state_sun_by_external_id(s, c->params[1], brand_of(c));
	if (!u)
		call_sunco_error(out, 404, "user_not_found", "User not found");
	return u;
}

static void answer_user(const struct sun_user *u, int status,
			struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "user", render_sun_user(u, true));
	call_ok(out, status, body);
}

void sunco_user_show(const struct call *c, struct answer *out)
{
	const struct sun_user *u = user_of(c, out);

	if (u)
		answer_user(u, 200, out);
}

void sunco_users_list(const struct call *c, struct answer *out)
{
	const char *address = call_query(c, "filter[identities.email]");
	uint64_t brand_id = brand_of(c);
	struct json_t *body;
	struct json_t *list;
	struct sun_user *u;

	if (!sunco_app_known(c, out))
		return;
	if (str_is_empty(address)) {
		call_sunco_error(out, 400, "bad_request",
				 "filter[identities.email] is required");
		return;
	}
	body = json_new_obj();
	list = json_new_arr();
	for (size_t n = 0;
	     (u = state_sun_by_address(c->account->state, address, n)); n++) {
		if (u->brand_id == brand_id)
			json_push(list, render_sun_user(u, true));
	}
	json_set(body, "users", list);
	call_ok(out, 200, body);
}

static void set_if_there(char **field, const struct json_t *obj,
			 const char *key)
{
	if (json_get(obj, key))
		state_user_set_text(field, json_get_str(obj, key));
}

static void apply_body(struct sun_user *u, const struct json_t *body)
{
	const struct json_t *profile = json_get(body, "profile");
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	set_if_there(&u->given_name, profile, "givenName");
	set_if_there(&u->surname, profile, "surname");
	set_if_there(&u->email, profile, "email");
	set_if_there(&u->locale, profile, "locale");
	while (json_next(json_get(body, "metadata"), &iter, &key, &value))
		json_set(u->metadata, key, json_clone(value));
}

void sunco_user_create(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	const char *external_id = json_get_str(c->body, "externalId");
	uint64_t brand_id = json_get_id(c->body, "brandId");
	struct sun_user *u;

	if (!sunco_app_known(c, out))
		return;
	if (str_is_empty(external_id)) {
		call_sunco_error(out, 400, "bad_request",
				 "externalId is required");
		return;
	}
	if (state_sun_by_external_id(s, external_id, brand_id)) {
		call_sunco_error(out, 409, "conflict", "User already exists");
		return;
	}
	u = state_sun_add(s, NULL, c->now_ms);
	u->brand_id = brand_id;
	state_sun_set_external_id(s, u, external_id);
	apply_body(u, c->body);
	out->applied = true;
	answer_user(u, 201, out);
}

void sunco_user_update(const struct call *c, struct answer *out)
{
	struct sun_user *u = user_of(c, out);

	if (!u)
		return;
	apply_body(u, c->body);
	out->applied = true;
	answer_user(u, 200, out);
}

void sunco_user_delete(const struct call *c, struct answer *out)
{
	struct sun_user *u = user_of(c, out);

	if (!u)
		return;
	state_sun_retire(c->account->state, u, NULL);
	out->applied = true;
	call_ok(out, 200, json_new_obj());
}

/* Another holder of the external id gives way to u. */
static void displace_external_id(struct state *s, struct sun_user *u,
				 const char *external_id)
{
	struct sun_user *other =
		state_sun_by_external_id(s, external_id, u->brand_id);

	if (!other || other == u)
		return;
	if (other->zendesk_id)
		state_sun_set_external_id(s, other, NULL);
	else
		state_sun_retire(s, other, u);
}

static void displace_address(struct state *s, struct sun_user *u,
			     const char *address)
{
	struct sun_user *other;
	size_t n = 0;

	while ((other = state_sun_by_address(s, address, n))) {
		if (other == u || other->brand_id != u->brand_id)
			n++;
		else if (other->zendesk_id)
			state_sun_drop_emails(s, other, address);
		else
			state_sun_retire(s, other, u);
	}
}

static void set_name(struct sun_user *u, const char *name)
{
	const char *space = strchr(name, ' ');
	size_t len = space ? (size_t)(space - name) : strlen(name);

	free(u->given_name);
	u->given_name = xstrndup(name, len);
	state_user_set_text(&u->surname, space ? space + 1 : NULL);
}

static void sync_from(struct state *s, struct sun_user *u,
		      const struct zen_user *core)
{
	const struct zen_identity *email = state_primary_email(core);

	set_name(u, core->name);
	if (core->external_id) {
		displace_external_id(s, u, core->external_id);
		state_sun_set_external_id(s, u, core->external_id);
	}
	if (email) {
		displace_address(s, u, email->value);
		state_sun_drop_emails(s, u, NULL);
		state_sun_add_identity(s, u, "email", email->value, "sso");
	}
}

void sunco_user_sync(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	uint64_t surviving = json_get_id(c->body, "survivingZendeskId");
	uint64_t outgoing = call_param_id(c, 1);
	const struct zen_user *core;
	struct sun_user *u;

	if (!sunco_app_known(c, out))
		return;
	core = state_user(s, surviving ? surviving : outgoing);
	u = outgoing ? state_sun_by_zendesk_id(s, outgoing) : NULL;
	if (!u || !core || !core->active) {
		call_sunco_error(out, 404, "user_not_found", "User not found");
		return;
	}
	u->zendesk_id = core->id;
	sync_from(s, u, core);
	out->applied = true;
	answer_user(u, 200, out);
}
