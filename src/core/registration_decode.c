/*
 * What is registered, read from the providers' answers. Refuses what has no
 * id; everything else may be missing and is then not as it should be.
 */
#include "core/registration.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"

static char *text_or_empty(const struct json_t *v, const char *key)
{
	const char *text = json_get_str(v, key);

	return xstrdup(text ? text : "");
}

static void words_add(struct registration_words *w, const char *text)
{
	w->items = xrealloc(w->items, (w->count + 1) * sizeof(*w->items));
	w->items[w->count++] = xstrdup(text);
}

static bool is_word(const struct json_t *v, const char *key, const char *word)
{
	const char *text = json_get_str(v, key);

	return text && str_eq_nocase(text, word);
}

enum result registered_webhook_decode(struct registered_webhook *w,
				      const struct json_t *v, struct error *err)
{
	bool sunco = json_get(v, "target") != NULL;
	const struct json_t *events =
		json_get(v, sunco ? "triggers" : "subscriptions");

	*w = (struct registered_webhook){.id = json_get_text(v, "id")};
	if (!w->id)
		return error_set(err, RESULT_INVALID, "a webhook without id");
	w->name = xstrdup(json_get_str(v, "name"));
	w->target = text_or_empty(v, sunco ? "target" : "endpoint");
	w->secret = xstrdup(json_get_str(v, "secret"));
	for (size_t i = 0; i < json_len(events); i++)
		if (json_is_str(json_at(events, i)))
			words_add(&w->events, json_str(json_at(events, i)));
	w->active = sunco || is_word(v, "status", "active");
	w->posts_json = sunco || (is_word(v, "http_method", "POST") &&
				  is_word(v, "request_format", "json"));
	w->full_user = !sunco || json_get_bool(v, "includeFullUser", false);
	return RESULT_OK;
}

void registered_webhook_release(struct registered_webhook *w)
{
	if (w->secret)
		crypto_wipe(w->secret, strlen(w->secret));
	free(w->secret);
	free(w->id);
	free(w->name);
	free(w->target);
	for (size_t i = 0; i < w->events.count; i++)
		free(w->events.items[i]);
	free(w->events.items);
	*w = (struct registered_webhook){0};
}

/* A row of conditions: the value comes as a text or as a number. */
static bool is_condition(const struct json_t *row, const char *field,
			 const char *value)
{
	char *text;
	bool same;

	if (!is_word(row, "field", field) || !is_word(row, "operator", "is"))
		return false;
	text = json_get_text(row, "value");
	same = text && str_eq_nocase(text, value);
	free(text);
	return same;
}

static bool conditions_are_ours(const struct json_t *v)
{
	const struct json_t *all = json_get(v, "all");
	bool channel = false, created = false;

	for (size_t i = 0; i < json_len(all); i++) {
		const struct json_t *row = json_at(all, i);

		channel = channel || is_condition(row, "via_id",
						  REGISTRATION_VIA_MESSAGING);
		created = created || is_condition(row, "update_type",
						  REGISTRATION_CREATED);
	}
	return channel && created && json_len(all) == 2 &&
	       json_len(json_get(v, "any")) == 0;
}

static void read_actions(struct registered_trigger *t, const struct json_t *v)
{
	t->others = json_new_arr();
	for (size_t i = 0; i < json_len(v); i++) {
		const struct json_t *row = json_at(v, i);
		const struct json_t *value = json_get(row, "value");

		if (t->webhook_id ||
		    !is_word(row, "field", REGISTRATION_NOTIFY)) {
			json_push(t->others, json_clone(row));
			continue;
		}
		t->webhook_id = xstrdup(json_str(json_at(value, 0)));
		t->body = xstrdup(json_str(json_at(value, 1)));
	}
}

enum result registered_trigger_decode(struct registered_trigger *t,
				      const struct json_t *v, struct error *err)
{
	*t = (struct registered_trigger){.id = json_get_id(v, "id")};
	if (!t->id)
		return error_set(err, RESULT_INVALID, "a trigger without id");
	t->title = text_or_empty(v, "title");
	t->active = json_get_bool(v, "active", false);
	t->conditions_right = conditions_are_ours(json_get(v, "conditions"));
	read_actions(t, json_get(v, "actions"));
	return RESULT_OK;
}

void registered_trigger_release(struct registered_trigger *t)
{
	free(t->title);
	free(t->webhook_id);
	free(t->body);
	json_free(t->others);
	*t = (struct registered_trigger){0};
}

enum result registered_integration_decode(struct registered_integration *i,
					  const struct json_t *v,
					  struct error *err)
{
	*i = (struct registered_integration){.id = json_get_text(v, "id")};
	if (!i->id)
		return error_set(err, RESULT_INVALID,
				 "an integration without id");
	i->type = text_or_empty(v, "type");
	i->name = text_or_empty(v, "displayName");
	return RESULT_OK;
}

void registered_integration_release(struct registered_integration *i)
{
	free(i->id);
	free(i->type);
	free(i->name);
	*i = (struct registered_integration){0};
}
