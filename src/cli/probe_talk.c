/*
 * The probe's conversation: one that it makes over SunCo's API and hands off
 * to the agents' workspace, or one of somebody's own hand.
 *
 * Refuses to take a user who is anybody but somebody's test of today: whoever
 * is taken is merged and deleted.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "core/user.h"
#include "oneshot.h"
#include "probe.h"

#define FRESH_MS (INT64_C(24) * 3600 * 1000)

/* --- the conversation --- */

static struct json_t *person_body(const struct probe *p)
{
	struct json_t *body = json_new_obj();
	struct json_t *profile = json_new_obj();
	char surname[PROBE_TEXT_SIZE];

	snprintf(surname, sizeof(surname), "probe %s", p->run);
	json_set_str(profile, "givenName", "reunite");
	json_set_str(profile, "surname", surname);
	json_set_str(body, "externalId", p->person.external_id);
	json_set(body, "profile", profile);
	return body;
}

static struct json_t *talk_body(const struct probe *p)
{
	struct json_t *body = json_new_obj();
	struct json_t *list = json_new_arr();
	struct json_t *one = json_new_obj();

	json_set_str(one, "userId", p->person.id);
	json_push(list, one);
	json_set_str(body, "type", "personal");
	json_set(body, "participants", list);
	return body;
}

static struct json_t *message_body(const struct probe *p)
{
	struct json_t *body = json_new_obj();
	struct json_t *author = json_new_obj();
	struct json_t *content = json_new_obj();

	json_set_str(author, "type", "user");
	json_set_str(author, "userId", p->person.id);
	json_set_str(content, "type", "text");
	json_set_str(content, "text",
		     "A test of reunite probe. It is deleted by itself.");
	json_set(body, "author", author);
	json_set(body, "content", content);
	return body;
}

static bool went_wrong(struct probe *p, const struct probe_answer *a,
		       const char *what)
{
	if (a->r.result == RESULT_OK)
		return false;
	probe_say(p, PROBE_CONVERSATION, NULL, -1, "%s: %s", what,
		  a->r.error.text);
	return true;
}

static bool make_person(struct probe *p)
{
	const struct probe_answer *a;
	const char *id;

	p->person.state = PROBE_UNSURE;
	a = probe_call(p, TRIAL_PERSON_CREATE, 0, NULL, person_body(p));
	if (a->r.result != RESULT_OK && !a->r.sent)
		p->person.state = PROBE_NONE;
	if (went_wrong(p, a, "the SunCo user was not made"))
		return false;
	id = json_get_str(json_get(a->json, "user"), "id");
	if (!id || !sunco_id_valid(id, strlen(id)))
		return false;
	str_copy(p->person.id, sizeof(p->person.id), id);
	p->person.state = PROBE_THERE;
	return true;
}

static bool make_talk(struct probe *p)
{
	const struct probe_answer *a =
		probe_call(p, TRIAL_TALK_CREATE, 0, NULL, talk_body(p));
	const char *id;

	if (went_wrong(p, a, "the conversation was not made"))
		return false;
	id = json_get_str(json_get(a->json, "conversation"), "id");
	if (!id || !sunco_id_valid(id, strlen(id)))
		return false;
	str_copy(p->person.talk, sizeof(p->person.talk), id);
	a = probe_call(p, TRIAL_TALK_MESSAGE, 0, p->person.talk,
		       message_body(p));
	return !went_wrong(p, a, "the message was not taken");
}

/* Where the agents' workspace is the first to answer, it has it already. */
static void hand_off(struct probe *p)
{
	struct json_t *body = json_new_obj();
	const struct probe_answer *a;

	json_set_str(body, "switchboardIntegration", "zd:agentWorkspace");
	a = probe_call(p, TRIAL_TALK_PASS, 0, p->person.talk, body);
	went_wrong(p, a, "it could not be handed off");
	p->person.handed_off_ms = clock_mono_ms();
}

/* What could not be deleted again is not made. */
static bool may_make_ticket(struct probe *p)
{
	if (!api_client_lacks_tickets(p->api))
		return true;
	probe_say(p, PROBE_CONVERSATION, NULL, -1,
		  "none was made: reunite's client lacks the scope "
		  "tickets:write, without which its ticket would stay");
	return false;
}

void probe_talk_begin(struct probe *p)
{
	if (!may_make_ticket(p))
		return;
	probe_doing(p, "starting a conversation");
	if (make_person(p) && !probe_stopped(p) && make_talk(p) &&
	    !probe_stopped(p))
		hand_off(p);
}

/* --- the conversation of somebody's own hand --- */

bool probe_has_identity(const struct json_t *identities, uint64_t user,
			const char *value)
{
	for (size_t i = 0; i < json_len(identities); i++) {
		const struct json_t *v = json_at(identities, i);
		uint64_t of = json_get_id(v, "user_id");

		if (str_eq(json_get_str(v, "type"), "messaging") &&
		    (!user || !of || of == user) &&
		    (!value || str_eq(json_get_str(v, "value"), value)))
			return true;
	}
	return false;
}

/* Is it a test of somebody, and nothing that matters? NULL, or why not. */
static const char *unfit(const struct probe *p, const struct zd_user *u)
{
	const struct zd_identity *talk = u->identities;

	if (u->role != ZD_ROLE_END_USER || !u->active)
		return "is no active end user";
	if (zd_user_count(u, "messaging") != 1 || u->identity_count != 1)
		return "has not one messaging identity and nothing else: its "
		       "merge would prove nothing";
	if (talk->created_ms == 0 ||
	    talk->created_ms < p->cli->now_ms - FRESH_MS)
		return "is from before yesterday: take a conversation that "
		       "you began yourself just now";
	if (!sunco_id_valid(talk->value, strlen(talk->value)))
		return "has a messaging identity that names no SunCo user";
	return NULL;
}

static int refuse_given(struct probe *p, const char *why)
{
	cli_error(p->cli, "user %llu %s", (unsigned long long)p->messaging.id,
		  why);
	return CLI_REFUSED;
}

int probe_talk_take(struct probe *p)
{
	struct probe_user *m = &p->messaging;
	const struct probe_answer *a;
	const char *why;
	struct zd_user u;
	int code = CLI_DONE;

	a = probe_call(p, TRIAL_USER_SHOW, m->id, NULL, NULL);
	if (a->r.result == RESULT_NOTFOUND)
		return refuse_given(p, "is not there");
	if (a->r.result != RESULT_OK)
		return oneshot_failed(p->cli, a->r.result, a->r.error.text);
	if (zd_user_decode(json_get(a->json, "user"), &u, NULL) != RESULT_OK)
		return oneshot_failed(p->cli, RESULT_TEMP,
				      "the user cannot be read");
	str_copy(m->name, sizeof(m->name), u.name ? u.name : "");
	a = probe_call(p, TRIAL_IDENTITY_LIST, m->id, NULL, NULL);
	zd_user_decode_identities(&u, json_get(a->json, "identities"));
	why = unfit(p, &u);
	if (why) {
		code = refuse_given(p, why);
	} else {
		m->state = p->person.state = PROBE_THERE;
		str_copy(p->person.id, sizeof(p->person.id),
			 u.identities[0].value);
	}
	zd_user_release(&u);
	return code;
}
