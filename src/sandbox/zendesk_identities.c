/*
 * Identities: list (by cursor or by offset), show, create, update, verify,
 * make primary, delete. Messaging identities are read-only: the platform
 * makes them, and deleting one breaks the conversation.
 */
#include "sandbox/zendesk.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

static const char *const creatable[] = {"email",	"twitter",
					"google",	"facebook",
					"phone_number", "agent_forwarding"};

static struct zen_identity *identity_of(const struct call *c,
					struct answer *out)
{
	struct zen_user *u = zendesk_user_of(c, out);
	struct zen_identity *i =
		u ? state_identity(u, call_param_id(c, 1)) : NULL;

	if (u && (!i || i->visible_ms > c->now_ms)) {
		call_not_found(out);
		return NULL;
	}
	return i;
}

static void answer_identity(const struct call *c, const struct zen_identity *i,
			    int status, struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "identity", render_identity(c->account, i));
	call_ok(out, status, body);
}

static struct json_t *slice_of_list(const struct json_t *all,
				    const struct page *p)
{
	struct json_t *list = json_new_arr();

	for (size_t i = p->first; i < p->end; i++)
		json_push(list, json_clone(json_at(all, i)));
	return list;
}

void zendesk_identities_list(const struct call *c, struct answer *out)
{
	const struct zen_user *u = zendesk_user_of(c, out);
	struct json_t *all;
	struct json_t *body;
	struct page p;

	if (!u)
		return;
	all = json_new_arr();
	body = json_new_obj();
	render_identities(c->account, u, c->now_ms, all);
	if (call_cursor_page(c, json_len(all), &p)) {
		json_set(body, "identities", slice_of_list(all, &p));
		call_cursor_links(c, &p, body);
	} else {
		p = call_page(c, json_len(all));
		json_set(body, "identities", slice_of_list(all, &p));
		call_page_links(c, &p, body);
	}
	json_free(all);
	call_ok(out, 200, body);
}

void zendesk_identity_show(const struct call *c, struct answer *out)
{
	const struct zen_identity *i = identity_of(c, out);

	if (i)
		answer_identity(c, i, 200, out);
}

static bool type_creatable(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(creatable); i++) {
		if (str_eq(creatable[i], type))
			return true;
	}
	return false;
}

static void identity_add(const struct call *c, struct zen_user *u,
			 const struct json_t *fields, struct answer *out)
{
	struct state *s = c->account->state;
	struct zen_identity *i =
		state_identity_add(s, u, json_get_str(fields, "type"),
				   json_get_str(fields, "value"), c->now_ms);

	if (json_get_bool(fields, "verified", false))
		state_identity_verify(s, i, true, "low", c->now_ms);
	if (json_get_bool(fields, "primary", false))
		state_identity_make_primary(s, u, i, c->now_ms);
	out->applied = true;
	answer_identity(c, i, 201, out);
}

void zendesk_identity_create(const struct call *c, struct answer *out)
{
	const struct json_t *fields = json_get(c->body, "identity");
	const char *type = json_get_str(fields, "type");
	const char *value = json_get_str(fields, "value");
	struct zen_user *u = zendesk_user_of(c, out);

	if (!u)
		return;
	if (!type_creatable(type)) {
		call_invalid(out, "type", "Type: is not valid", "InvalidValue");
	} else if (str_is_empty(value)) {
		call_invalid(out, "value", "Value: cannot be blank",
			     "BlankValue");
	} else if (state_identity_named(u, type, value)) {
		call_invalid(out, "value", "Value: already there",
			     "DuplicateValue");
	} else if (!str_eq(type, "email") ||
		   zendesk_address_free(c, u, value, out)) {
		identity_add(c, u, fields, out);
	}
}

static bool read_only(const struct zen_identity *i, struct answer *out)
{
	if (!str_eq(i->type, "messaging"))
		return false;
	call_forbidden(out);
	return true;
}

void zendesk_identity_update(const struct call *c, struct answer *out)
{
	const struct json_t *fields = json_get(c->body, "identity");
	struct state *s = c->account->state;
	const char *value = json_get_str(fields, "value");
	const char *method = json_get_str(fields, "verification_method");
	struct zen_identity *i = identity_of(c, out);
	bool verified;

	if (!i || read_only(i, out))
		return;
	if (value && str_eq(i->type, "email") &&
	    !zendesk_address_free(c, state_user(s, i->user_id), value, out))
		return;
	if (value)
		state_identity_set_value(s, i, value, c->now_ms);
	verified = json_get_bool(fields, "verified", i->verified);
	if (method)
		verified = str_eq(method, "low");
	if (verified != i->verified)
		state_identity_verify(s, i, verified, verified ? "low" : "none",
				      c->now_ms);
	out->applied = true;
	answer_identity(c, i, 200, out);
}

void zendesk_identity_verify(const struct call *c, struct answer *out)
{
	struct zen_identity *i = identity_of(c, out);

	if (!i)
		return;
	if (!i->verified)
		state_identity_verify(c->account->state, i, true, "low",
				      c->now_ms);
	out->applied = true;
	answer_identity(c, i, 200, out);
}

void zendesk_identity_make_primary(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	struct zen_identity *i = identity_of(c, out);
	struct json_t *body;
	struct json_t *list;
	struct zen_user *u;

	if (!i)
		return;
	u = state_user(s, i->user_id);
	state_identity_make_primary(s, u, i, c->now_ms);
	body = json_new_obj();
	list = json_new_arr();
	render_identities(c->account, u, c->now_ms, list);
	json_set(body, "identities", list);
	out->applied = true;
	call_ok(out, 200, body);
}

void zendesk_identity_delete(const struct call *c, struct answer *out)
{
	struct zen_identity *i = identity_of(c, out);

	if (!i || read_only(i, out))
		return;
	state_identity_remove(c->account->state, i, c->now_ms);
	out->applied = true;
	call_ok(out, 204, NULL);
}
