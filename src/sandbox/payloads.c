/*
 * Webhook bodies in the shapes of the providers' documentation.
 *
 * What is not documented: user.merged's detail is the loser, unless a setting
 * says otherwise; of what an identity was before, identity_changed tells the
 * value only.
 */
#include "sandbox/payloads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"
#include "sandbox/words.h"

#define WEBHOOK_ID	    "6a1d3c5e7f9b2d4f6a8c0e56"
#define WEB_INTEGRATION_ID  "6a1d3c5e7f9b2d4f6a8c0e78"
#define BOT_INTEGRATION_ID  "6a1d3c5e7f9b2d4f6a8c0e9a"
#define DESK_INTEGRATION_ID "6a1d3c5e7f9b2d4f6a8c0ebc"
#define ZENDESK_ACCOUNT_ID  24681357
#define UUID_SIZE	    37

static struct json_t *obj_with_id(const char *id)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "id", id);
	return o;
}

static struct json_t *envelope(const struct account *a, const char *type,
			       struct json_t *payload, int64_t now_ms)
{
	struct json_t *body = json_new_obj();
	struct json_t *events = json_new_arr();
	struct json_t *webhook = obj_with_id(WEBHOOK_ID);
	struct json_t *event;
	char id[SUN_ID_SIZE];

	state_hex_id(a->state, id);
	event = obj_with_id(id);
	json_set(event, "createdAt", render_time_ms(now_ms));
	json_set_str(event, "type", type);
	json_set(event, "payload", payload);
	json_push(events, event);
	json_set_str(webhook, "version", "v2");
	json_set(body, "app", obj_with_id(a->settings.sunco_app_id));
	json_set(body, "webhook", webhook);
	json_set(body, "events", events);
	return body;
}

static struct json_t *user_of(const struct account *a, const struct sun_user *u)
{
	return render_sun_user(u, a->settings.include_full_user);
}

/* The conversation is with the bot until it is handed off. */
static struct json_t *conversation_of(const struct conversation *c)
{
	struct json_t *o = obj_with_id(c->id);
	struct json_t *board = json_new_obj();
	bool desk = c->ticket_id != 0;

	json_set_str(o, "type", "personal");
	if (c->user->brand_id)
		json_set(o, "brandId", render_id_text(c->user->brand_id));
	json_set_str(board, "id",
		     desk ? DESK_INTEGRATION_ID : BOT_INTEGRATION_ID);
	json_set_str(board, "name", desk ? "zd-agentWorkspace" : "bot");
	json_set_str(board, "integrationType",
		     desk ? "zd:agentWorkspace" : "zd:answerBot");
	json_set(o, "activeSwitchboardIntegration", board);
	return o;
}

static struct json_t *source_of(void)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "type", "web");
	json_set_str(o, "integrationId", WEB_INTEGRATION_ID);
	return o;
}

struct json_t *payload_conversation_create(const struct account *a,
					   const struct conversation *c,
					   const char *reason, int64_t now_ms)
{
	struct json_t *p = json_new_obj();

	json_set(p, "conversation", conversation_of(c));
	json_set(p, "user", user_of(a, c->user));
	json_set_str(p, "creationReason", reason);
	json_set(p, "source", source_of());
	return envelope(a, "conversation:create", p, now_ms);
}

static struct json_t *author_of(const struct account *a,
				const struct sun_user *u)
{
	struct json_t *o = json_new_obj();

	json_set_str(o, "userId", u->id);
	json_set_str(o, "displayName", u->given_name ? u->given_name : "");
	json_set_str(o, "type", "user");
	json_set(o, "user", user_of(a, u));
	return o;
}

struct json_t *payload_message(const struct account *a,
			       const struct conversation *c, const char *text,
			       int64_t now_ms)
{
	struct json_t *p = json_new_obj();
	struct json_t *message;
	struct json_t *content = json_new_obj();
	char id[SUN_ID_SIZE];

	state_hex_id(a->state, id);
	message = obj_with_id(id);
	json_set_str(content, "type", "text");
	json_set_str(content, "text", text);
	json_set(message, "received", render_time_ms(now_ms));
	json_set(message, "author", author_of(a, c->user));
	json_set(message, "content", content);
	json_set(message, "source", source_of());
	json_set(p, "conversation", conversation_of(c));
	json_set(p, "message", message);
	return envelope(a, "conversation:message", p, now_ms);
}

struct json_t *payload_pass_control(const struct account *a,
				    const struct conversation *c,
				    int64_t now_ms)
{
	struct json_t *p = json_new_obj();

	json_set(p, "conversation", conversation_of(c));
	json_set_str(p, "reason", "transferToHuman");
	return envelope(a, "switchboard:passControl", p, now_ms);
}

struct json_t *payload_user_update(const struct account *a,
				   const struct sun_user *u, int64_t now_ms)
{
	struct json_t *p = json_new_obj();

	json_set(p, "user", user_of(a, u));
	json_set_str(p, "reason", "authentication");
	json_set(p, "source", source_of());
	return envelope(a, "user:update", p, now_ms);
}

struct json_t *payload_user_merge(const struct account *a,
				  const struct sun_user *surviving,
				  const struct sun_user *discarded,
				  int64_t now_ms)
{
	struct json_t *p = json_new_obj();
	struct json_t *users = json_new_obj();

	json_set(users, "surviving", user_of(a, surviving));
	json_set(users, "discarded", user_of(a, discarded));
	json_set(p, "mergedUsers", users);
	json_set_str(p, "reason", "sdkLogin");
	return envelope(a, "user:merge", p, now_ms);
}

struct json_t *payload_user_remove(const struct account *a,
				   const struct sun_user *u, int64_t now_ms)
{
	struct json_t *p = json_new_obj();

	json_set(p, "user", render_sun_user(u, false));
	return envelope(a, "user:remove", p, now_ms);
}

/* The users of a payload: "user", of a message's author, of a merge. */
static bool is_user(const char *key)
{
	return str_eq(key, "user") || str_eq(key, "surviving") ||
	       str_eq(key, "discarded");
}

struct json_t *payload_truncated(const struct json_t *v)
{
	static const char *const kept[] = {"id",	 "authenticated",
					   "externalId", "zendeskId",
					   "brandId",	 NULL};
	struct json_t *out, *value;
	const char *key;
	void *iter = NULL;

	if (json_is_arr(v)) {
		out = json_new_arr();
		for (size_t i = 0; i < json_len(v); i++)
			json_push(out, payload_truncated(json_at(v, i)));
		return out;
	}
	if (!json_is_obj(v))
		return json_clone(v);
	out = json_new_obj();
	while (json_next(v, &iter, &key, &value)) {
		struct json_t *user = json_new_obj();

		registry_copy(user, value, kept);
		if (is_user(key)) {
			json_set(out, key, user);
		} else {
			json_free(user);
			json_set(out, key, payload_truncated(value));
		}
	}
	return out;
}

struct json_t *payload_trigger(const struct zen_ticket *t)
{
	struct json_t *o = json_new_obj();

	json_set_int(o, "v", 1);
	json_set(o, "ticket_id", render_id_text(t->id));
	json_set(o, "requester_id", render_id_text(t->requester_id));
	json_set(o, "updated_at", render_time(t->updated_ms));
	return o;
}

/* ---- event subscriptions ---- */

static const char *const change_names[] = {
	[CHANGE_USER_CREATED] = "user.created",
	[CHANGE_USER_DELETED] = "user.deleted",
	[CHANGE_USER_MERGED] = "user.merged",
	[CHANGE_IDENTITY_CREATED] = "user.identity_created",
	[CHANGE_IDENTITY_CHANGED] = "user.identity_changed",
	[CHANGE_IDENTITY_DELETED] = "user.identity_deleted",
};

static void uuid_of(char out[UUID_SIZE])
{
	uint8_t b[16];
	char hex[33];

	crypto_random(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	crypto_hex(b, sizeof(b), hex);
	snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8,
		 hex + 12, hex + 16, hex + 20);
}

static void set_id_text(struct json_t *o, const char *key, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, id);
	json_set_str(o, key, text);
}

static struct json_t *detail_of(const struct zen_user *u)
{
	const struct zen_identity *email = state_primary_email(u);
	struct json_t *o = json_new_obj();

	json_set(o, "created_at", render_time(u->created_ms));
	json_set(o, "updated_at", render_time(u->updated_ms));
	json_set_str(o, "email", email ? email->value : "");
	json_set_str(o, "external_id", u->external_id ? u->external_id : "");
	json_set_str(o, "default_group_id", "0");
	set_id_text(o, "id", u->id);
	set_id_text(o, "organization_id", u->organization_id);
	json_set_str(o, "role", u->role);
	return o;
}

static struct json_t *identity_of(const struct change *c, const char *value)
{
	struct json_t *o = json_new_obj();

	set_id_text(o, "id", c->identity_id);
	json_set_bool(o, "primary", c->identity_primary);
	json_set_str(o, "type", c->identity_type);
	json_set_str(o, "value", value);
	return o;
}

static struct json_t *event_of(const struct change *c, uint64_t other_id)
{
	struct json_t *o = json_new_obj();

	if (c->kind == CHANGE_USER_MERGED) {
		struct json_t *user = json_new_obj();

		set_id_text(user, "id", other_id);
		json_set(o, "user", user);
	} else if (c->kind == CHANGE_IDENTITY_CHANGED) {
		json_set(o, "current", identity_of(c, c->identity_value));
		json_set(o, "previous",
			 identity_of(c, c->identity_previous
						? c->identity_previous
						: c->identity_value));
	} else if (c->identity_type) {
		json_set(o, "identity", identity_of(c, c->identity_value));
	}
	return o;
}

static void set_head(const struct account *a, struct json_t *body,
		     const char *name, uint64_t user_id, int64_t at_ms)
{
	bool slash = str_eq(a->settings.event_spelling, "slash");
	char text[96];
	char id[UUID_SIZE];

	snprintf(text, sizeof(text), "zen:event-type%c%s", slash ? '/' : ':',
		 name);
	json_set_str(body, "type", text);
	json_set_int(body, "account_id", ZENDESK_ACCOUNT_ID);
	uuid_of(id);
	json_set_str(body, "id", id);
	json_set(body, "time", render_time(at_ms));
	json_set_str(body, "zendesk_event_version", "2022-06-20");
	snprintf(text, sizeof(text), "zen:user:%" PRIu64, user_id);
	json_set_str(body, "subject", text);
}

bool payload_is_wanted(const struct account *a, const char *label)
{
	return str_eq(a->settings.events, "all") ||
	       words_have(a->settings.events, ',', label);
}

struct json_t *payload_change(const struct account *a, const struct change *c,
			      const char **label)
{
	uint64_t user_id = c->user_id;
	uint64_t other_id = c->other_user_id;
	struct json_t *body;

	*label = change_names[c->kind];
	if (!a->settings.messaging_identity_events &&
	    str_eq(c->identity_type, "messaging"))
		return NULL;
	if (c->kind == CHANGE_USER_MERGED &&
	    str_eq(a->settings.merged_event_detail, "survivor")) {
		user_id = c->other_user_id;
		other_id = c->user_id;
	}
	body = json_new_obj();
	set_head(a, body, *label, user_id, c->at_ms);
	json_set(body, "detail", detail_of(state_user(a->state, user_id)));
	json_set(body, "event", event_of(c, other_id));
	return body;
}
