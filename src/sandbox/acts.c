/*
 * Acts: a change of the state by actor.h, then webhooks one after the other.
 *
 * An act lives until its last webhook was tried. Its request is answered
 * after the first attempts ("wait": true, the default), after the last ones
 * ("end"), or at once (false).
 */
#include "sandbox/acts.h"

#include <stdlib.h>

#include "act.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/actor.h"
#include "sandbox/control.h"
#include "sandbox/payloads.h"
#include "sandbox/token.h"

/* ---- the pieces of an order ---- */

static const char *const way_names[] = {
	[ACTOR_AUTO] = "auto",
	[ACTOR_DUPLICATE] = "duplicate",
	[ACTOR_TAKE] = "take",
	[ACTOR_LINK] = "link",
};

static const char *const login_names[] = {
	[ACTOR_NOT_SIGNED_IN] = "not_signed_in",
	[ACTOR_SIGNED_IN] = "signed_in",
	[ACTOR_REJECTED] = "rejected",
	[ACTOR_MERGED] = "merged",
};

static enum actor_way way_of(const struct json_t *order)
{
	const char *name = json_get_str(order, "zendesk");

	for (size_t i = 0; i < ARRAY_LEN(way_names); i++) {
		if (str_eq(way_names[i], name))
			return (enum actor_way)i;
	}
	return ACTOR_AUTO;
}

/* Signed in at the help center as one of Zendesk's users. */
static void help_center(const struct account *a, uint64_t user_id,
			struct actor_person *p)
{
	const struct zen_user *u = state_user(a->state, user_id);
	const struct zen_identity *email = u ? state_primary_email(u) : NULL;

	if (!u)
		return;
	p->signed_in = true;
	p->help_center_user = user_id;
	p->external_id = u->external_id;
	p->name = u->name;
	p->email = email ? email->value : NULL;
	p->email_verified = email != NULL;
	p->verification = "sso";
}

/* The person of an order; borrows from it and from the state. */
static struct actor_person person_of(const struct account *a,
				     const struct json_t *order)
{
	const struct json_t *jwt = json_get(order, "jwt");
	const struct json_t *typed = json_get(order, "typed");
	const struct json_t *from = jwt ? jwt : typed;
	struct actor_person p = {
		.signed_in = jwt != NULL,
		.external_id = json_get_str(jwt, "external_id"),
		.email = json_get_str(from, "email"),
		.email_verified = json_get_bool(jwt, "email_verified", false),
		.verification = json_get_str(jwt, "verification"),
		.name = json_get_str(from, "name"),
		.brand_id = json_get_id(order, "brand_id")};

	if (json_get(order, "help_center"))
		help_center(a, json_get_id(order, "help_center"), &p);
	return p;
}

static struct conversation *conversation_of(const struct act *act)
{
	const char *id = json_get_str(act->order, "conversation_id");

	return id ? state_conversation(act->sandbox->account.state, id) : NULL;
}

static const char *const webhook_names[] = {"sunco", "pass_control", "trigger"};

/* Before anything happens: every name in "webhooks" is one of ours. */
static bool names_known(const struct json_t *order)
{
	const struct json_t *listed = json_get(order, "webhooks");

	for (size_t i = 0; i < json_len(listed); i++) {
		const char *name = json_str(json_at(listed, i));
		size_t n = 0;

		while (n < ARRAY_LEN(webhook_names) &&
		       !str_eq(webhook_names[n], name))
			n++;
		if (n == ARRAY_LEN(webhook_names))
			return false;
	}
	return true;
}

/* own is what "sunco" means here, or NULL. A trigger needs a ticket. */
static void add_named(struct act *act, const char *name,
		      const struct conversation *c, const char *own_label,
		      const struct json_t *own)
{
	const struct account *a = &act->sandbox->account;
	const struct zen_ticket *t = state_ticket(a->state, c->ticket_id);

	if (str_eq(name, "sunco") && own)
		act_add(act, WEBHOOK_SUNCO, own_label, json_clone(own), NULL);
	else if (str_eq(name, "pass_control"))
		act_add(act, WEBHOOK_SUNCO, "switchboard:passControl",
			payload_pass_control(a, c,
					     loop_wall_ms(act->sandbox->loop)),
			NULL);
	else if (str_eq(name, "trigger") && t)
		act_add(act, WEBHOOK_ZENDESK, "trigger", payload_trigger(t), t);
}

/* What "webhooks" names, else names (ends with NULL); each as often as
 * webhook_repeat says. */
static void add_all(struct act *act, const struct conversation *c,
		    const char *const *names, const char *own_label,
		    const struct json_t *own)
{
	const struct json_t *listed = json_get(act->order, "webhooks");
	int64_t repeat = act->sandbox->account.settings.webhook_repeat;

	for (size_t i = 0;; i++) {
		const char *name =
			listed ? json_str(json_at(listed, i)) : names[i];

		if (!name)
			break;
		for (int64_t n = 0; n < repeat; n++)
			add_named(act, name, c, own_label, own);
	}
}

static void answer_conversation(struct act *act, const struct conversation *c,
				const struct zen_user *u)
{
	json_set_str(act->answer, "conversation_id", c->id);
	json_set_str(act->answer, "sunco_user_id", c->user->id);
	json_set_id(act->answer, "zendesk_user_id", u ? u->id : 0);
	json_set_id(act->answer, "ticket_id", c->ticket_id);
}

static struct act *begin(struct http_request *req, void *arg)
{
	const struct sandbox *sandbox = arg;
	struct json_t *order = control_body(req);
	struct error err;

	if (!order)
		return NULL;
	if (!names_known(order))
		error_set(&err, RESULT_INVALID,
			  "webhooks: sunco, pass_control, trigger");
	else if (token_take(&sandbox->account.settings, order,
			    loop_wall_ms(sandbox->loop), &err) == RESULT_OK)
		return act_new(arg, req, order);
	http_request_reply_error(req, 400, err.text);
	json_free(order);
	return NULL;
}

/* ---- hand-offs ---- */

static struct zen_user *hand_off(struct act *act, struct conversation *c)
{
	return actor_hand_off(&act->sandbox->account, c, way_of(act->order),
			      json_get_str(act->order, "subject"),
			      loop_wall_ms(act->sandbox->loop));
}

static void run_hand_off(struct act *act, struct conversation *c)
{
	static const char *const names[] = {"trigger", NULL};
	struct zen_user *u = hand_off(act, c);

	answer_conversation(act, c, u);
	add_all(act, c, names, NULL, NULL);
	act_run(act);
}

void acts_hand_off(struct http_request *req, void *arg)
{
	struct act *act = begin(req, arg);
	struct conversation *c = act ? conversation_of(act) : NULL;

	if (act && c)
		run_hand_off(act, c);
	else if (act)
		act_refuse(act, "conversation_id is needed");
}

static void hand_off_due(void *arg)
{
	struct act *act = arg;

	run_hand_off(act, act->conversation);
}

/* The hand-off that a conversation's order asks for, after a while. */
static void hand_off_later(struct act *from, struct conversation *c,
			   int64_t delay_ms)
{
	struct json_t *order = json_new_obj();
	struct act *act = act_new(from->sandbox, NULL, order);

	json_set_str(order, "zendesk", json_get_str(from->order, "zendesk"));
	json_set_str(order, "subject", json_get_str(from->order, "subject"));
	act->conversation = c;
	act->timer = loop_timer_new(from->sandbox->loop, hand_off_due, act);
	loop_timer_set(act->timer, delay_ms);
}

/* ---- conversations ---- */

static struct sun_user *known_user(const struct act *act)
{
	const char *id = json_get_str(act->order, "sunco_user_id");

	return id ? state_sun(act->sandbox->account.state, id) : NULL;
}

static void run_conversation(struct act *act)
{
	static const char *const names[] = {"sunco", "trigger", NULL};
	struct account *a = &act->sandbox->account;
	int64_t now_ms = loop_wall_ms(act->sandbox->loop);
	struct actor_person p = person_of(a, act->order);
	int64_t after_ms = json_get_int(act->order, "hand_off_after_ms", -1);
	const char *when = json_get_str(act->order, "hand_off");
	const char *reason = json_get_str(act->order, "reason");
	struct zen_user *u = NULL;
	struct conversation *c;
	enum actor_login login;
	struct json_t *own;

	c = actor_start(a, actor_arrive(a, known_user(act), &p, now_ms, &login),
			&p);
	own = payload_conversation_create(a, c, reason ? reason : "message",
					  now_ms);
	if (after_ms >= 0)
		hand_off_later(act, c, after_ms);
	else if (!when || str_eq(when, "now"))
		u = hand_off(act, c);
	json_set_str(act->answer, "login", login_names[login]);
	answer_conversation(act, c, u);
	add_all(act, c, names, "conversation:create", own);
	json_free(own);
	act_run(act);
}

void acts_conversation(struct http_request *req, void *arg)
{
	struct act *act = begin(req, arg);

	if (!act)
		return;
	if (json_get(act->order, "sunco_user_id") && !known_user(act))
		act_refuse(act, "unknown sunco_user_id");
	else
		run_conversation(act);
}

/* ---- logins, messages, removals ---- */

static struct json_t *login_body(const struct account *a,
				 const struct conversation *c,
				 enum actor_login login,
				 const struct sun_user *discarded,
				 const char **label, int64_t now_ms)
{
	if (login == ACTOR_MERGED) {
		*label = "user:merge";
		return payload_user_merge(a, c->user, discarded, now_ms);
	}
	*label = "user:update";
	return payload_user_update(a, c->user, now_ms);
}

static void run_login(struct act *act, struct conversation *c)
{
	static const char *const names[] = {"sunco", NULL};
	struct account *a = &act->sandbox->account;
	int64_t now_ms = loop_wall_ms(act->sandbox->loop);
	struct actor_person p = person_of(a, act->order);
	struct sun_user *discarded;
	enum actor_login login = actor_sign_in(a, c, &p, now_ms, &discarded);
	const struct zen_user *u;
	struct json_t *own;
	const char *label;

	json_set_str(act->answer, "login", login_names[login]);
	u = state_user_by_messaging(a->state, c->user->id);
	answer_conversation(act, c, u);
	if (login != ACTOR_REJECTED) {
		own = login_body(a, c, login, discarded, &label, now_ms);
		add_all(act, c, names, label, own);
		json_free(own);
	}
	act_run(act);
}

void acts_login(struct http_request *req, void *arg)
{
	struct act *act = begin(req, arg);
	struct conversation *c = act ? conversation_of(act) : NULL;

	if (!act)
		return;
	if (!c || !(json_get(act->order, "jwt") ||
		    json_get(act->order, "help_center")))
		act_refuse(act, "conversation_id and jwt are needed");
	else
		run_login(act, c);
}

void acts_message(struct http_request *req, void *arg)
{
	static const char *const names[] = {"sunco", NULL};
	struct act *act = begin(req, arg);
	struct conversation *c = act ? conversation_of(act) : NULL;
	const char *text = act ? json_get_str(act->order, "text") : NULL;
	struct actor_person p;
	struct json_t *own;

	if (!act)
		return;
	if (!c) {
		act_refuse(act, "conversation_id is needed");
		return;
	}
	if (json_get(act->order, "typed")) {
		p = person_of(&act->sandbox->account, act->order);
		actor_type(&act->sandbox->account, c, &p);
	}
	own = payload_message(&act->sandbox->account, c, text ? text : "",
			      loop_wall_ms(act->sandbox->loop));
	answer_conversation(act, c, NULL);
	add_all(act, c, names, "conversation:message", own);
	json_free(own);
	act_run(act);
}

void acts_removal(struct http_request *req, void *arg)
{
	struct act *act = begin(req, arg);
	struct sun_user *u = act ? known_user(act) : NULL;

	if (!act)
		return;
	if (!u) {
		act_refuse(act, "sunco_user_id is needed");
		return;
	}
	act_add(act, WEBHOOK_SUNCO, "user:remove",
		payload_user_remove(&act->sandbox->account, u,
				    loop_wall_ms(act->sandbox->loop)),
		NULL);
	state_sun_retire(act->sandbox->account.state, u, NULL);
	act_run(act);
}

/* ---- any webhook ---- */

static void add_webhook(struct act *act, const char *text)
{
	const struct json_t *o = act->order;
	bool sunco = str_eq(json_get_str(o, "source"), "sunco");
	struct step *s = act_push(act, sunco ? WEBHOOK_SUNCO : WEBHOOK_ZENDESK,
				  "custom", xstrdup(text), NULL);

	s->order.key = json_get_str(o, "key");
	s->order.signature = json_get_str(o, "signature");
	s->order.timestamp = json_get_str(o, "timestamp");
	s->order.unsigned_ = json_get_bool(o, "unsigned", false);
}

void acts_webhook(struct http_request *req, void *arg)
{
	struct act *act = begin(req, arg);
	const char *source = act ? json_get_str(act->order, "source") : NULL;
	const struct json_t *body;
	const char *raw;
	char *text;

	if (!act)
		return;
	body = json_get(act->order, "body");
	raw = json_get_str(act->order, "raw");
	if (!str_eq(source, "sunco") && !str_eq(source, "zendesk")) {
		act_refuse(act, "source: sunco or zendesk");
		return;
	}
	text = body ? json_text(body) : xstrdup(raw ? raw : "");
	for (int64_t n = json_get_int(act->order, "repeat", 1); n > 0; n--)
		add_webhook(act, text);
	free(text);
	act_run(act);
}
