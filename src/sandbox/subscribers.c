/*
 * Whom a webhook goes to, of those who registered.
 *
 * Of a trigger's conditions the channel (via_id) and "update_type is Create"
 * are known; any other one is never fulfilled. Of the placeholders in its body
 * those that reunite uses are filled in, as text: others stay.
 */
#include "sandbox/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/render.h"

#define BODY_MAX      (256 * 1024)
#define EVENT_PREFIX  "zen:event-type"
#define VIA_MESSAGING "75"

static bool list_has(const struct json_t *list, const char *word)
{
	for (size_t i = 0; i < json_len(list); i++)
		if (str_eq(json_str(json_at(list, i)), word))
			return true;
	return false;
}

size_t registry_each_sunco(const struct account *a, const char *event,
			   registry_visit *visit, void *arg)
{
	const struct json_t *all = a->registry.integrations;
	size_t count = 0;

	for (size_t i = 0; i < json_len(all); i++) {
		const struct json_t *hooks =
			json_get(json_at(all, i), "webhooks");

		for (size_t n = 0; n < json_len(hooks); n++) {
			const struct json_t *h = json_at(hooks, n);
			struct subscriber s = {
				.url = json_get_str(h, "target"),
				.key = json_get_str(h, "secret"),
				.full_user = json_get_bool(h, "includeFullUser",
							   false),
			};

			if (!list_has(json_get(h, "triggers"), event))
				continue;
			visit(&s, arg);
			count++;
		}
	}
	return count;
}

static bool is_active(const struct json_t *hook)
{
	return str_eq(json_get_str(hook, "status"), "active");
}

static struct subscriber subscriber_of(const struct account *a,
				       const struct json_t *hook)
{
	return (struct subscriber){
		.url = json_get_str(hook, "endpoint"),
		.key = json_get_str(a->registry.secrets,
				    json_get_str(hook, "id")),
	};
}

static bool subscribes(const struct json_t *hook, const char *event)
{
	const struct json_t *list = json_get(hook, "subscriptions");
	char text[128];

	for (const char *sep = ":/"; *sep; sep++) {
		snprintf(text, sizeof(text), EVENT_PREFIX "%c%s", *sep, event);
		if (list_has(list, text))
			return true;
	}
	return false;
}

size_t registry_each_event(const struct account *a, const char *event,
			   registry_visit *visit, void *arg)
{
	size_t count = 0;

	for (size_t i = 0; i < json_len(a->registry.webhooks); i++) {
		const struct json_t *hook = json_at(a->registry.webhooks, i);
		struct subscriber s = subscriber_of(a, hook);

		if (!is_active(hook) || !subscribes(hook, event))
			continue;
		visit(&s, arg);
		count++;
	}
	return count;
}

/* ---- triggers ---- */

static bool fulfils(const struct json_t *row, const struct zen_ticket *t)
{
	const char *field = json_get_str(row, "field");
	char *value = json_get_text(row, "value");
	bool is = str_eq(json_get_str(row, "operator"), "is");

	if (str_eq(field, "via_id"))
		is = is && str_eq(value, VIA_MESSAGING) &&
		     str_eq(t->channel, "native_messaging");
	else
		is = is && str_eq(field, "update_type") &&
		     str_eq(value, "Create");
	free(value);
	return is;
}

static bool fires(const struct json_t *trigger, const struct zen_ticket *t)
{
	const struct json_t *conditions = json_get(trigger, "conditions");
	const struct json_t *all = json_get(conditions, "all");
	const struct json_t *any = json_get(conditions, "any");
	bool one = json_len(any) == 0;

	for (size_t i = 0; i < json_len(all); i++)
		if (!fulfils(json_at(all, i), t))
			return false;
	for (size_t i = 0; i < json_len(any); i++)
		one = one || fulfils(json_at(any, i), t);
	return one && json_get_bool(trigger, "active", false);
}

static void put_id(struct buf *out, uint64_t id)
{
	buf_printf(out, "%" PRIu64, id);
}

/* At a "{{": what it stands for, or itself. */
static const char *put_placeholder(struct buf *out, const char *at,
				   const struct zen_ticket *t)
{
	static const char ticket[] = "{{ticket.id}}";
	static const char requester[] = "{{ticket.requester.id}}";
	static const char updated[] = "{{ticket.updated_at_with_timestamp}}";
	struct json_t *time;

	if (str_starts(at, ticket)) {
		put_id(out, t->id);
		return at + strlen(ticket);
	}
	if (str_starts(at, requester)) {
		put_id(out, t->requester_id);
		return at + strlen(requester);
	}
	if (str_starts(at, updated)) {
		time = render_time(t->updated_ms);
		buf_puts(out, json_str(time));
		json_free(time);
		return at + strlen(updated);
	}
	buf_puts(out, "{{");
	return at + 2;
}

static void fill(struct buf *out, const char *at, const struct zen_ticket *t)
{
	const char *brace;

	while ((brace = strstr(at, "{{"))) {
		buf_append(out, at, (size_t)(brace - at));
		at = put_placeholder(out, brace, t);
	}
	buf_puts(out, at);
}

static bool notify(const struct account *a, const struct json_t *action,
		   const struct zen_ticket *t, registry_visit *visit, void *arg)
{
	const struct json_t *value = json_get(action, "value");
	const char *text = json_str(json_at(value, 1));
	const struct json_t *hook = registry_find(a->registry.webhooks,
						  json_str(json_at(value, 0)));
	struct subscriber s = subscriber_of(a, hook);
	struct buf body;

	if (!str_eq(json_get_str(action, "field"), "notification_webhook") ||
	    !hook || !is_active(hook) || !text)
		return false;
	buf_init(&body, BODY_MAX);
	fill(&body, text, t);
	s.body = body.data;
	visit(&s, arg);
	buf_release(&body);
	return true;
}

size_t registry_each_trigger(const struct account *a,
			     const struct zen_ticket *t, registry_visit *visit,
			     void *arg)
{
	size_t count = 0;

	for (size_t i = 0; i < json_len(a->registry.triggers); i++) {
		const struct json_t *trigger = json_at(a->registry.triggers, i);
		const struct json_t *actions = json_get(trigger, "actions");

		for (size_t n = 0; fires(trigger, t) && n < json_len(actions);
		     n++)
			count += notify(a, json_at(actions, n), t, visit, arg);
	}
	return count;
}
