/*
 * Users: show, related, create, update, delete, show_many.
 *
 * Kept rules: an update's e-mail is added as a secondary identity and never
 * replaces the primary one; addresses and external ids are unique; shared
 * users cannot be updated; updates have their own limits.
 */
#include "sandbox/zendesk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/oauth.h"
#include "sandbox/render.h"

#define SHOW_MANY_MAX 100
#define OWNER_ID      21100000000001

struct zen_user *zendesk_user_of(const struct call *c, struct answer *out)
{
	struct zen_user *u = state_user(c->account->state, call_param_id(c, 0));

	if (u && u->active)
		return u;
	call_not_found(out);
	return NULL;
}

static bool listed(const struct json_t *list, uint64_t id)
{
	for (size_t i = 0; i < json_len(list); i++) {
		if (json_get_id(json_at(list, i), "id") == id)
			return true;
	}
	return false;
}

/* Each organization once, whoever of the users belongs to it. */
static struct json_t *organizations_of(const struct call *c,
				       struct zen_user *const *users,
				       size_t count)
{
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < users[i]->membership_count; n++) {
			const struct zen_organization *o = state_organization(
				c->account->state,
				users[i]->memberships[n].organization_id);

			if (o && !listed(list, o->id))
				json_push(list,
					  render_organization(c->account, o));
		}
	}
	return list;
}

static void side_load(const struct call *c, struct zen_user *const *users,
		      size_t count, struct json_t *body)
{
	struct json_t *identities;

	if (call_query_has(c, "include", "identities")) {
		identities = json_new_arr();
		for (size_t i = 0; i < count; i++)
			render_identities(c->account, users[i], c->now_ms,
					  identities);
		json_set(body, "identities", identities);
	}
	if (c->account->settings.side_load_organizations &&
	    call_query_has(c, "include", "organizations"))
		json_set(body, "organizations",
			 organizations_of(c, users, count));
}

void zendesk_users_list(const struct call *c, struct zen_user *const *users,
			size_t count, bool side_loads, struct json_t *body)
{
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < count; i++)
		json_push(list, render_user(c->account, users[i]));
	json_set(body, "users", list);
	if (side_loads)
		side_load(c, users, count, body);
}

void zendesk_users_answer(const struct call *c, struct zen_user *const *users,
			  size_t count, struct json_t *body)
{
	zendesk_users_list(c, users, count,
			   c->account->settings.side_load_search, body);
}

static void answer_user(const struct call *c, const struct zen_user *u,
			int status, struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "user", render_user(c->account, u));
	call_ok(out, status, body);
}

void zendesk_user_show(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct zen_user *u = state_user(c->account->state, call_param_id(c, 0));

	if (!u || (!u->active && !s->show_merged)) {
		call_not_found(out);
		return;
	}
	answer_user(c, u, 200, out);
	if (s->side_load_show)
		side_load(c, &u, 1, out->body);
}

void zendesk_user_related(const struct call *c, struct answer *out)
{
	const struct state *s = c->account->state;
	const struct zen_user *u = zendesk_user_of(c, out);
	struct json_t *related;
	struct json_t *body;

	if (!u)
		return;
	related = json_new_obj();
	json_set_int(related, "assigned_tickets", 0);
	json_set_int(related, "requested_tickets",
		     u->old_tickets + (int64_t)state_tickets_of(s, u));
	json_set_int(related, "ccd_tickets", 0);
	json_set_int(related, "organization_subscriptions", 0);
	body = json_new_obj();
	json_set(body, "user_related", related);
	call_ok(out, 200, body);
}

static struct json_t *nobody(void)
{
	struct json_t *user = json_new_obj();

	json_set_str(user, "id", NULL);
	json_set_str(user, "name", "Anonymous user");
	json_set_str(user, "role", "end-user");
	return user;
}

/* Whose credentials they are: the first of that role, or somebody who is told
 * nowhere else. */
static struct json_t *me(const struct call *c)
{
	const struct state *s = c->account->state;
	const char *role = c->account->settings.me_role;
	struct json_t *user;

	for (size_t i = 0; i < s->user_count; i++)
		if (str_eq(s->users[i]->role, role))
			return render_user(c->account, s->users[i]);
	user = json_new_obj();
	json_set_id(user, "id", OWNER_ID);
	json_set_str(user, "name", "Owner");
	json_set_str(user, "role", role);
	return user;
}

/* Without credentials this one endpoint answers 200 and nobody. */
void zendesk_user_me(const struct call *c, struct answer *out)
{
	enum access access = oauth_check_zendesk(c->account, c->authorization,
						 "users", false, c->now_ms);
	struct json_t *body;

	if (access == ACCESS_FORBIDDEN) {
		call_forbidden(out);
		return;
	}
	body = json_new_obj();
	json_set(body, "user", access == ACCESS_OK ? me(c) : nobody());
	call_ok(out, 200, body);
}

static bool looks_like_address(const char *s)
{
	const char *at = strchr(s, '@');

	return at && at > s && at[1] && !strchr(at + 1, '@') &&
	       !strpbrk(s, " \t\r\n,;");
}

bool zendesk_address_free(const struct call *c, const struct zen_user *u,
			  const char *address, struct answer *out)
{
	const struct zen_user *owner;
	char text[400];

	if (!looks_like_address(address)) {
		snprintf(text, sizeof(text),
			 "Email: %.300s is not properly formatted", address);
		call_invalid(out, "email", text, NULL);
		return false;
	}
	owner = state_user_by_address(c->account->state, address,
				      u ? u->brand_id : 0);
	if (!owner || owner == u)
		return true;
	snprintf(text, sizeof(text),
		 "Email: %.300s is already being used by another user",
		 address);
	call_invalid(out, "email", text, "DuplicateValue");
	return false;
}

static bool external_id_free(const struct call *c, const struct zen_user *u,
			     const char *external_id, struct answer *out)
{
	struct state *s = c->account->state;
	const struct zen_user *owner =
		state_user_by_external_id(s, external_id, u ? u->brand_id : 0);

	if ((!owner || owner == u) &&
	    !state_external_id_reserved(s, external_id, c->now_ms))
		return true;
	call_invalid(out, "external_id", "External has already been taken",
		     "DuplicateValue");
	return false;
}

/* Everything is looked at before anything is changed. */
static bool fields_valid(const struct call *c, const struct zen_user *u,
			 const struct json_t *fields, struct answer *out)
{
	const char *email = json_get_str(fields, "email");
	char *external_id = json_get_text(fields, "external_id");
	const char *name = json_get_str(fields, "name");
	bool ok = true;

	if ((!u && str_is_empty(name)) || (name && !*name)) {
		call_invalid(out, "name", "Name: cannot be blank",
			     "BlankValue");
		ok = false;
	}
	if (ok && !str_is_empty(email))
		ok = zendesk_address_free(c, u, email, out);
	if (ok && !str_is_empty(external_id))
		ok = external_id_free(c, u, external_id, out);
	free(external_id);
	return ok;
}

static void set_texts(struct zen_user *u, const struct json_t *fields)
{
	const struct {
		const char *key;
		char **field;
	} texts[] = {{"notes", &u->notes},   {"details", &u->details},
		     {"phone", &u->phone},   {"alias", &u->alias},
		     {"locale", &u->locale}, {"time_zone", &u->time_zone}};

	if (json_get_str(fields, "name"))
		state_user_set_text(&u->name, json_get_str(fields, "name"));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (json_get(fields, texts[i].key))
			state_user_set_text(texts[i].field,
					    json_get_str(fields, texts[i].key));
	}
}

static void set_email(const struct call *c, struct zen_user *u,
		      const struct json_t *fields)
{
	struct state *s = c->account->state;
	const char *email = json_get_str(fields, "email");
	bool verified = json_get_bool(fields, "verified", false);
	struct zen_identity *i = state_primary_email(u);

	if (!str_is_empty(email)) {
		if (state_identity_named(u, "email", email))
			return;
		i = state_identity_add(s, u, "email", email, c->now_ms);
		if (!verified)
			return;
	} else if (!i || !json_is_bool(json_get(fields, "verified"))) {
		return;
	}
	state_identity_verify(s, i, verified, verified ? "low" : "none",
			      c->now_ms);
}

/* Fields that are not named keep their values. */
static void set_user_fields(struct zen_user *u, const struct json_t *fields)
{
	const struct json_t *given = json_get(fields, "user_fields");
	struct json_t *value;
	void *iter = NULL;
	const char *key;

	while (json_is_obj(given) && json_next(given, &iter, &key, &value))
		json_set(u->user_fields, key, json_clone(value));
}

static void apply_fields(const struct call *c, struct zen_user *u,
			 const struct json_t *fields)
{
	struct state *s = c->account->state;
	struct json_t *tags = json_get(fields, "tags");
	char *external_id = json_get_text(fields, "external_id");

	set_texts(u, fields);
	set_user_fields(u, fields);
	if (json_is_arr(tags)) {
		json_free(u->tags);
		u->tags = json_clone(tags);
	}
	if (json_get(fields, "organization_id"))
		state_organization_set(s, u,
				       json_get_id(fields, "organization_id"),
				       c->now_ms);
	u->suspended = json_get_bool(fields, "suspended", u->suspended);
	if (json_get_str(fields, "role"))
		state_user_set_text(&u->role, json_get_str(fields, "role"));
	if (json_get(fields, "external_id"))
		state_user_set_external_id(s, u, external_id, c->now_ms);
	set_email(c, u, fields);
	state_user_touch(s, u, c->now_ms);
	free(external_id);
}

struct zen_user *zendesk_user_make(const struct call *c,
				   const struct json_t *fields,
				   struct answer *out)
{
	struct zen_user *u;

	if (!fields_valid(c, NULL, fields, out))
		return NULL;
	u = state_user_add(c->account->state, 0, json_get_str(fields, "name"),
			   c->now_ms);
	apply_fields(c, u, fields);
	out->applied = true;
	return u;
}

void zendesk_user_create(const struct call *c, struct answer *out)
{
	struct zen_user *u =
		zendesk_user_make(c, json_get(c->body, "user"), out);

	if (u)
		answer_user(c, u, 201, out);
}

/* Takes one update of the user's share; false: refused with a 429. */
static bool update_allowed(const struct call *c, struct zen_user *u,
			   struct answer *out)
{
	const struct settings *s = &c->account->settings;
	struct limit_verdict v;

	if (!s->user_update_limits)
		return true;
	v = limits_take_update(&c->account->limits, s, u, c->now_ms);
	buf_printf(&out->headers,
		   "Zendesk-RateLimit-create-update-user: total=%" PRId64
		   "; remaining=%" PRId64 "; resets=%" PRId64 "\r\n",
		   v.total, v.remaining, v.reset_s);
	if (v.refused)
		call_too_many(c, out, v.reset_s);
	return !v.refused;
}

bool zendesk_user_change(const struct call *c, struct zen_user *u,
			 const struct json_t *fields, struct answer *out)
{
	if (u->shared) {
		call_forbidden(out);
		return false;
	}
	if (!fields_valid(c, u, fields, out))
		return false;
	apply_fields(c, u, fields);
	out->applied = true;
	return true;
}

void zendesk_user_update(const struct call *c, struct answer *out)
{
	const struct json_t *fields = json_get(c->body, "user");
	struct zen_user *u = zendesk_user_of(c, out);

	if (u && update_allowed(c, u, out) &&
	    zendesk_user_change(c, u, fields, out))
		answer_user(c, u, 200, out);
}

/* Nobody goes whose tickets are not closed. */
static bool may_go(const struct call *c, const struct zen_user *u,
		   struct answer *out)
{
	size_t open = state_tickets_open(c->account->state, u);
	char text[128];

	if (c->account->settings.delete_with_open_tickets || open == 0)
		return true;
	snprintf(text, sizeof(text),
		 "The user is the requester of %zu tickets that are not closed",
		 open);
	call_invalid(out, "base", text, NULL);
	return false;
}

void zendesk_user_delete(const struct call *c, struct answer *out)
{
	struct state *s = c->account->state;
	struct zen_user *u = zendesk_user_of(c, out);

	if (!u || !may_go(c, u, out))
		return;
	state_user_deactivate(s, u, c->now_ms);
	state_change(s, CHANGE_USER_DELETED, u->id, 0, NULL, c->now_ms);
	out->applied = true;
	answer_user(c, u, 200, out);
}

/* Deleted, or merged away, and not gone for good. */
static struct zen_user *deleted_user_of(const struct call *c,
					struct answer *out)
{
	struct zen_user *u = state_user(c->account->state, call_param_id(c, 0));

	if (u && !u->active && !u->purged)
		return u;
	call_not_found(out);
	return NULL;
}

static void answer_deleted(const struct call *c, const struct zen_user *u,
			   struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "deleted_user", render_user(c->account, u));
	call_ok(out, 200, body);
}

void zendesk_deleted_user_show(const struct call *c, struct answer *out)
{
	const struct zen_user *u = deleted_user_of(c, out);

	if (u)
		answer_deleted(c, u, out);
}

void zendesk_deleted_user_delete(const struct call *c, struct answer *out)
{
	struct zen_user *u = deleted_user_of(c, out);

	if (!u)
		return;
	u->purged = true;
	out->applied = true;
	answer_deleted(c, u, out);
}

/* The users that a comma-separated list names; unknown ones are left out. */
static size_t users_listed(const struct call *c, const char *list,
			   bool by_external_id,
			   struct zen_user *users[SHOW_MANY_MAX])
{
	struct state *s = c->account->state;
	bool deleted = str_eq(call_query(c, "include_deleted"), "true");
	size_t count = 0;

	while (*list && count < SHOW_MANY_MAX) {
		struct slice word = {list, strcspn(list, ",")};
		char *text = xstrndup(word.ptr, word.len);
		struct zen_user *u;
		uint64_t id = 0;

		if (by_external_id)
			u = state_user_by_external_id(s, text, 0);
		else
			u = str_parse_u64(word, &id) ? state_user(s, id) : NULL;
		if (u && (u->active || deleted))
			users[count++] = u;
		free(text);
		list += word.len;
		list += *list == ',';
	}
	return count;
}

void zendesk_users_show_many(const struct call *c, struct answer *out)
{
	const char *ids = call_query(c, "ids");
	const char *external_ids = call_query(c, "external_ids");
	struct zen_user *users[SHOW_MANY_MAX];
	struct json_t *body;
	size_t count;

	if (!ids && !external_ids) {
		call_bad_request(out, "InvalidParameter",
				 "ids or external_ids is needed");
		return;
	}
	count = users_listed(c, ids ? ids : external_ids, !ids, users);
	body = json_new_obj();
	zendesk_users_answer(c, users, count, body);
	json_set_str(body, "next_page", NULL);
	json_set_str(body, "previous_page", NULL);
	json_set_int(body, "count", (int64_t)count);
	call_ok(out, 200, body);
}
