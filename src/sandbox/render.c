/*
 * JSON of people and tickets. Field names are those of the two providers.
 */
#include "sandbox/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "sandbox/account.h"

#define TEXT_SECONDS 19 /* "2026-11-22T10:00:00" */

struct json_t *render_time_ms(int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms == 0)
		return json_new_null();
	clock_format(wall_ms, text);
	return json_new_str(text);
}

struct json_t *render_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms == 0)
		return json_new_null();
	clock_format(wall_ms, text);
	memcpy(text + TEXT_SECONDS, "Z", 2);
	return json_new_str(text);
}

struct json_t *render_id_text(uint64_t id)
{
	char text[24];

	if (id == 0)
		return json_new_null();
	snprintf(text, sizeof(text), "%" PRIu64, id);
	return json_new_str(text);
}

static void set_url(const struct account *a, struct json_t *obj,
		    const char *kind, uint64_t id)
{
	char url[200];

	snprintf(url, sizeof(url), "%s/api/v2/%s/%" PRIu64 ".json", a->base_url,
		 kind, id);
	json_set_str(obj, "url", url);
}

static void user_flags(struct json_t *o, const struct zen_user *u)
{
	const struct zen_identity *email = state_primary_email(u);

	json_set_bool(o, "verified", email && email->verified);
	json_set_bool(o, "active", u->active);
	json_set_bool(o, "shared", u->shared);
	json_set_bool(o, "shared_agent", false);
	json_set_bool(o, "suspended", u->suspended);
	json_set_bool(o, "moderator", false);
	json_set_bool(o, "restricted_agent", str_eq(u->role, "end-user"));
}

static struct json_t *separation(uint64_t brand_id)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "scope", "brand");
	json_set_id(o, "brand_id", brand_id);
	return o;
}

struct json_t *render_user(const struct account *a, const struct zen_user *u)
{
	const struct zen_identity *email = state_primary_email(u);
	struct json_t *o = json_new_obj();

	json_set_id(o, "id", u->id);
	set_url(a, o, "users", u->id);
	json_set_str(o, "name", u->name);
	json_set_str(o, "email", email ? email->value : NULL);
	json_set(o, "created_at", render_time(u->created_ms));
	json_set(o, "updated_at", render_time(u->updated_ms));
	json_set_str(o, "time_zone", u->time_zone);
	json_set_str(o, "phone", u->phone);
	json_set_str(o, "photo", NULL);
	json_set_str(o, "locale", u->locale);
	json_set_int(o, "locale_id", 1);
	json_set_id(o, "organization_id", u->organization_id);
	json_set_str(o, "role", u->role);
	user_flags(o, u);
	json_set_str(o, "external_id", u->external_id);
	json_set(o, "tags", json_clone(u->tags));
	json_set_str(o, "alias", u->alias ? u->alias : "");
	json_set_str(o, "notes", u->notes ? u->notes : "");
	json_set_str(o, "details", u->details ? u->details : "");
	json_set_str(o, "signature", NULL);
	json_set_str(o, "ticket_restriction",
		     str_eq(u->role, "end-user") ? "requested" : NULL);
	json_set(o, "user_fields", json_clone(u->user_fields));
	if (u->brand_id)
		json_set(o, "separation", separation(u->brand_id));
	return o;
}

struct json_t *render_identity(const struct account *a,
			       const struct zen_identity *i)
{
	struct json_t *o = json_new_obj();
	char url[200];

	snprintf(url, sizeof(url),
		 "%s/api/v2/users/%" PRIu64 "/identities/%" PRIu64 ".json",
		 a->base_url, i->user_id, i->id);
	json_set_str(o, "url", url);
	json_set_id(o, "id", i->id);
	json_set_id(o, "user_id", i->user_id);
	json_set_str(o, "type", i->type);
	json_set_str(o, "value", i->value);
	json_set_bool(o, "verified", i->verified);
	json_set_bool(o, "primary", i->primary);
	if (a->settings.verification_method && i->method)
		json_set_str(o, "verification_method", i->method);
	if (str_eq(i->type, "email"))
		json_set_str(o, "deliverable_state", "deliverable");
	json_set(o, "created_at", render_time(i->created_ms));
	json_set(o, "updated_at", render_time(i->updated_ms));
	return o;
}

void render_identities(const struct account *a, const struct zen_user *u,
		       int64_t now_ms, struct json_t *list)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		if (u->identities[i]->visible_ms <= now_ms)
			json_push(list, render_identity(a, u->identities[i]));
	}
}

struct json_t *render_organization(const struct account *a,
				   const struct zen_organization *organization)
{
	struct json_t *o = json_new_obj();

	json_set_id(o, "id", organization->id);
	set_url(a, o, "organizations", organization->id);
	json_set_str(o, "name", organization->name);
	json_set(o, "domain_names", json_new_arr());
	json_set_bool(o, "shared_tickets", false);
	return o;
}

struct json_t *render_ticket(const struct account *a,
			     const struct zen_ticket *t)
{
	struct json_t *o = json_new_obj();
	struct json_t *via = json_new_obj();

	json_set_str(via, "channel", t->channel);
	json_set_id(o, "id", t->id);
	set_url(a, o, "tickets", t->id);
	json_set(o, "via", via);
	json_set(o, "created_at", render_time(t->created_ms));
	json_set(o, "updated_at", render_time(t->updated_ms));
	json_set_str(o, "subject", t->subject);
	json_set_str(o, "status", t->status);
	json_set_id(o, "requester_id", t->requester_id);
	json_set_id(o, "submitter_id", t->requester_id);
	json_set_bool(o, "from_messaging_channel", t->conversation_id != NULL);
	json_set(o, "tags", json_clone(t->tags));
	return o;
}

struct json_t *render_comment(const struct zen_comment *comment)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "type", "Comment");
	json_set_id(o, "author_id", comment->author_id);
	json_set_str(o, "body", comment->body);
	json_set_str(o, "plain_body", comment->body);
	json_set_bool(o, "public", comment->is_public);
	json_set(o, "created_at", render_time(comment->created_ms));
	return o;
}

static struct json_t *sun_identities(const struct sun_user *u)
{
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < u->identity_count; i++) {
		struct json_t *o = json_new_obj();

		json_set_str(o, "type", u->identities[i].type);
		json_set_str(o, "value", u->identities[i].value);
		if (u->identities[i].verification)
			json_set_str(o, "verification",
				     u->identities[i].verification);
		json_push(list, o);
	}
	return list;
}

static void set_if(struct json_t *obj, const char *key, const char *value)
{
	if (value)
		json_set_str(obj, key, value);
}

static struct json_t *sun_profile(const struct sun_user *u)
{
	struct json_t *o = json_new_obj();

	set_if(o, "givenName", u->given_name);
	set_if(o, "surname", u->surname);
	set_if(o, "email", u->email);
	set_if(o, "locale", u->locale);
	return o;
}

struct json_t *render_sun_user(const struct sun_user *u, bool full)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "id", u->id);
	set_if(o, "externalId", u->external_id);
	if (u->zendesk_id)
		json_set(o, "zendeskId", render_id_text(u->zendesk_id));
	if (u->brand_id)
		json_set(o, "brandId", render_id_text(u->brand_id));
	json_set_bool(o, "authenticated", u->authenticated);
	if (!full)
		return o;
	json_set(o, "signedUpAt", render_time_ms(u->signed_up_ms));
	json_set_bool(o, "hasPaymentInfo", false);
	json_set(o, "identities", sun_identities(u));
	json_set(o, "profile", sun_profile(u));
	json_set(o, "metadata", json_clone(u->metadata));
	return o;
}
