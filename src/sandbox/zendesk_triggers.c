/*
 * Ticket triggers: list, show, create, change, delete. Updating a condition or
 * an action replaces all of them, as documented.
 */
#include "sandbox/zendesk.h"

#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

static const char *const fields[] = {"title",	    "description", "active",
				     "conditions",  "actions",	   "position",
				     "category_id", NULL};

static struct json_t *trigger_of(const struct call *c, struct answer *out)
{
	struct json_t *t =
		registry_find(c->account->registry.triggers, c->params[0]);

	if (!t)
		call_not_found(out);
	return t;
}

static void answer_trigger(const struct json_t *t, int status,
			   struct answer *out)
{
	struct json_t *body = json_new_obj();

	json_set(body, "trigger", json_clone(t));
	call_ok(out, status, body);
}

void zendesk_triggers_list(const struct call *c, struct answer *out)
{
	call_ok(out, 200,
		registry_page(c, c->account->registry.triggers, "triggers"));
}

void zendesk_trigger_show(const struct call *c, struct answer *out)
{
	const struct json_t *t = trigger_of(c, out);

	if (t)
		answer_trigger(t, 200, out);
}

/* Every webhook that an action calls is there, and is for triggers. */
static bool actions_good(const struct call *c, const struct json_t *actions)
{
	for (size_t i = 0; i < json_len(actions); i++) {
		const struct json_t *action = json_at(actions, i);
		const struct json_t *value = json_get(action, "value");
		const struct json_t *hook;

		if (!str_eq(json_get_str(action, "field"),
			    "notification_webhook"))
			continue;
		hook = registry_find(c->account->registry.webhooks,
				     json_str(json_at(value, 0)));
		if (!hook ||
		    !str_eq(json_str(json_at(json_get(hook, "subscriptions"),
					     0)),
			    "conditional_ticket_events"))
			return false;
	}
	return true;
}

static bool is_good(const struct call *c, const struct json_t *t,
		    struct answer *out)
{
	if (str_is_empty(json_get_str(t, "title")))
		call_invalid(out, "title", "Title: cannot be blank",
			     "BlankValue");
	else if (json_len(json_get(t, "actions")) == 0)
		call_invalid(out, "actions", "Actions: cannot be blank",
			     "BlankValue");
	else if (!actions_good(c, json_get(t, "actions")))
		call_invalid(out, "actions", "Actions: is invalid",
			     "InvalidValue");
	else
		return true;
	return false;
}

void zendesk_trigger_create(const struct call *c, struct answer *out)
{
	const struct json_t *from = json_get(c->body, "trigger");
	struct registry *r = &c->account->registry;
	struct json_t *t;

	if (!is_good(c, from, out))
		return;
	t = json_new_obj();
	json_set_id(t, "id", c->account->state->next_id++);
	json_set_bool(t, "active", true);
	json_set_bool(t, "default", false);
	json_set_int(t, "position", (int64_t)json_len(r->triggers) + 1);
	json_set(t, "created_at", render_time(c->now_ms));
	json_set(t, "updated_at", render_time(c->now_ms));
	registry_copy(t, from, fields);
	json_push(r->triggers, t);
	out->applied = true;
	answer_trigger(t, 201, out);
}

void zendesk_trigger_update(const struct call *c, struct answer *out)
{
	const struct json_t *from = json_get(c->body, "trigger");
	struct json_t *t = trigger_of(c, out), *changed;
	bool good;

	if (!t)
		return;
	changed = json_clone(t);
	registry_copy(changed, from, fields);
	good = is_good(c, changed, out);
	json_free(changed);
	if (!good)
		return;
	registry_copy(t, from, fields);
	json_set(t, "updated_at", render_time(c->now_ms));
	out->applied = true;
	answer_trigger(t, 200, out);
}

void zendesk_trigger_delete(const struct call *c, struct answer *out)
{
	if (!trigger_of(c, out))
		return;
	registry_drop(&c->account->registry.triggers, c->params[0]);
	out->applied = true;
	call_ok(out, 204, NULL);
}
