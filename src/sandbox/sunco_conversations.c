/*
 * SunCo conversations over the API: made for one user, written in, handed
 * off. When a conversation gets its Zendesk user and ticket is a setting,
 * since nobody documents whether one made in this way gets them at all.
 */
#include "sandbox/sunco.h"

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/actor.h"
#include "sandbox/render.h"

/* NULL after a 404. */
static struct conversation *conversation_of(const struct call *c,
					    struct answer *out)
{
	struct conversation *found;

	if (!sunco_app_known(c, out))
		return NULL;
	found = state_conversation(c->account->state, c->params[1]);
	if (found && found->user->active)
		return found;
	call_sunco_error(out, 404, "conversation_not_found",
			 "Conversation not found");
	return NULL;
}

static void hand_off_if(const struct call *c, struct conversation *talk,
			const char *when)
{
	if (str_eq(c->account->settings.api_hand_off, when))
		actor_hand_off(c->account, talk, ACTOR_AUTO, NULL, c->now_ms);
}

/* {"conversation":{...}}, as far as we have it. */
static void answer_conversation(const struct conversation *talk,
				struct answer *out)
{
	struct json_t *body = json_new_obj();
	struct json_t *v = json_new_obj();

	json_set_str(v, "id", talk->id);
	json_set_str(v, "type", "personal");
	json_set(body, "conversation", v);
	call_ok(out, 201, body);
}

/* Somebody who did not sign in, by the name that the profile has. */
static struct conversation *start(const struct call *c, struct sun_user *u)
{
	struct actor_person person = {.signed_in = false};
	char name[512];

	snprintf(name, sizeof(name), "%s %s",
		 u->given_name ? u->given_name : "",
		 u->surname ? u->surname : "");
	if (c->account->settings.jwt_name && u->given_name && u->surname)
		person.name = name;
	return actor_start(c->account, u, &person);
}

void sunco_conversation_create(const struct call *c, struct answer *out)
{
	const struct json_t *participants = json_get(c->body, "participants");
	const char *id = json_get_str(json_at(participants, 0), "userId");
	struct sun_user *u = id ? state_sun(c->account->state, id) : NULL;

	if (!sunco_app_known(c, out))
		return;
	if (!str_eq(json_get_str(c->body, "type"), "personal") ||
	    json_len(participants) != 1) {
		call_sunco_error(out, 400, "bad_request",
				 "type personal needs one participant");
	} else if (!u || !u->active) {
		call_sunco_error(out, 404, "user_not_found", "User not found");
	} else {
		out->applied = true;
		answer_conversation(start(c, u), out);
	}
}

void sunco_message_create(const struct call *c, struct answer *out)
{
	struct conversation *talk = conversation_of(c, out);
	const struct json_t *author = json_get(c->body, "author");
	struct json_t *body;
	struct json_t *list;

	if (!talk)
		return;
	if (str_eq(json_get_str(author, "type"), "user") &&
	    !str_eq(json_get_str(author, "userId"), talk->user->id)) {
		call_sunco_error(out, 404, "user_not_found", "User not found");
		return;
	}
	body = json_new_obj();
	list = json_new_arr();
	json_push(list, json_clone(c->body));
	json_set(body, "messages", list);
	out->applied = true;
	call_ok(out, 201, body);
	hand_off_if(c, talk, "message");
}

void sunco_control_pass(const struct call *c, struct answer *out)
{
	struct conversation *talk = conversation_of(c, out);
	const char *to = json_get_str(c->body, "switchboardIntegration");

	if (!talk)
		return;
	if (!str_eq(to, "next") && !str_eq(to, "zd:agentWorkspace") &&
	    !str_eq(to, "zd-agentWorkspace")) {
		call_sunco_error(out, 404, "switchboard_integration_not_found",
				 "Switchboard integration not found");
		return;
	}
	out->applied = true;
	call_ok(out, 200, json_new_obj());
	hand_off_if(c, talk, "pass_control");
}
