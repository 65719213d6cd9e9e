/*
 * The steps of an act, and changes told to subscribers. See act.h.
 */
#include "act.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/acts.h"
#include "sandbox/control.h"
#include "sandbox/list.h"
#include "sandbox/payloads.h"

static void step_release(struct step *s)
{
	free(s->body);
	free(s->url);
	free(s->key);
}

struct act *act_new(struct sandbox *sb, struct http_request *req,
		    struct json_t *order)
{
	struct act *act = xcalloc(1, sizeof(*act));

	act->sandbox = sb;
	act->request = req;
	act->order = order;
	act->answer = json_new_obj();
	act->results = json_new_arr();
	act->next = sb->acts;
	sb->acts = act;
	return act;
}

static void act_free(struct act *act)
{
	struct act **p = &act->sandbox->acts;

	while (*p != act)
		p = &(*p)->next;
	*p = act->next;
	loop_timer_free(act->timer);
	for (size_t i = 0; i < act->step_count; i++)
		step_release(&act->steps[i]);
	free(act->steps);
	json_free(act->order);
	json_free(act->answer);
	json_free(act->results);
	free(act);
}

void acts_free(struct sandbox *sb, bool answer)
{
	while (sb->acts) {
		if (sb->acts->request && answer)
			http_request_reply_error(sb->acts->request, 503,
						 "reset");
		act_free(sb->acts);
	}
}

static void act_reply(struct act *act)
{
	if (!act->request)
		return;
	json_set(act->answer, "webhooks", json_clone(act->results));
	control_reply(act->request, 200, json_clone(act->answer));
	act->request = NULL;
}

void act_refuse(struct act *act, const char *why)
{
	if (act->request)
		http_request_reply_error(act->request, 400, why);
	act_free(act);
}

struct step *act_push(struct act *act, enum webhook_source source,
		      const char *label, char *text,
		      const struct subscriber *to)
{
	struct step s = {.order = {.source = source, .label = label},
			 .body = text};

	s.url = xstrdup(to ? to->url : NULL);
	s.key = xstrdup(to ? to->key : NULL);
	s.order.body = slice_of(s.body);
	s.order.url = s.url;
	s.order.key = s.key;
	LIST_PUSH(act->steps, act->step_count, s);
	return &act->steps[act->step_count - 1];
}

/* One webhook to those who registered for it. */
struct spread {
	struct act *act;
	enum webhook_source source;
	const char *label;
	const struct json_t *body;
};

static void add_registered(const struct subscriber *to, void *arg)
{
	const struct spread *sp = arg;
	bool cut = sp->source == WEBHOOK_SUNCO && !to->full_user;
	struct json_t *body =
		cut ? payload_truncated(sp->body) : json_clone(sp->body);

	act_push(sp->act, sp->source, sp->label,
		 to->body ? xstrdup(to->body) : json_text(body), to);
	json_free(body);
}

void act_add(struct act *act, enum webhook_source source, const char *label,
	     struct json_t *body, const struct zen_ticket *t)
{
	const struct account *a = &act->sandbox->account;
	struct spread sp = {act, source, label, body};
	bool sunco = source == WEBHOOK_SUNCO;
	size_t count =
		sunco ? registry_each_sunco(a, label, add_registered, &sp)
		      : registry_each_trigger(a, t, add_registered, &sp);
	const char *set =
		sunco ? a->settings.webhook_sunco : a->settings.webhook_zendesk;

	if (count == 0 || !str_is_empty(set))
		act_push(act, source, label, json_text(body), NULL);
	json_free(body);
}

static void act_next(struct act *act);

static void on_delivered(struct json_t *delivery, void *arg)
{
	struct act *act = arg;

	json_push(act->results, delivery);
	act_next(act);
}

static void act_next(struct act *act)
{
	bool to_the_end = str_eq(json_get_str(act->order, "wait"), "end");

	if (act->step_at == act->step_count) {
		act_reply(act);
		act_free(act);
		return;
	}
	webhooks_send(act->sandbox->webhooks, &act->steps[act->step_at++].order,
		      to_the_end, on_delivered, act);
}

void act_run(struct act *act)
{
	acts_send_changes(act->sandbox);
	if (!json_get_bool(act->order, "wait", true))
		act_reply(act);
	act_next(act);
}

struct telling {
	struct sandbox *sandbox;
	const char *label;
	char *text;
};

static void tell_change(const struct subscriber *to, void *arg)
{
	const struct telling *t = arg;
	struct webhook_order order = {
		.source = WEBHOOK_ZENDESK,
		.label = t->label,
		.body = slice_of(t->text),
		.url = to ? to->url : NULL,
		.key = to ? to->key : NULL,
	};

	webhooks_send(t->sandbox->webhooks, &order, false, NULL, NULL);
}

void acts_send_changes(struct sandbox *sb)
{
	size_t count;
	struct change *changes = state_changes_take(sb->account.state, &count);

	for (size_t i = 0; i < count; i++) {
		struct telling t = {.sandbox = sb};
		struct json_t *body =
			payload_change(&sb->account, &changes[i], &t.label);

		if (!body)
			continue;
		t.text = json_text(body);
		if (payload_is_wanted(&sb->account, t.label))
			tell_change(NULL, &t);
		registry_each_event(&sb->account, t.label, tell_change, &t);
		free(t.text);
		json_free(body);
	}
	state_changes_free(changes, count);
}
