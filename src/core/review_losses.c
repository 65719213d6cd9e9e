/*
 * What a merge would lose for good, and what both sides have in common.
 *
 * Zendesk drops tags, notes, details, user fields and the external id of the
 * absorbed user. What the profile has as well is not lost.
 */
#include "review_card_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* --- tags --- */

static bool has_text(const struct json_t *arr, const char *text)
{
	for (size_t i = 0; i < json_len(arr); i++)
		if (str_eq(json_str(json_at(arr, i)), text))
			return true;
	return false;
}

static struct json_t *lost_tags(const struct card *c, const struct json_t *from,
				const struct json_t *into)
{
	const struct json_t *tags = json_get(from, "tags");
	struct json_t *lost = json_new_arr();
	struct json_t *v = json_new_obj();

	for (size_t i = 0; i < json_len(tags); i++)
		if (!has_text(json_get(into, "tags"),
			      json_str(json_at(tags, i))))
			json_push(lost, json_clone(json_at(tags, i)));
	json_set_int(v, "count", (int64_t)json_len(tags));
	json_set_int(v, "lost", (int64_t)json_len(lost));
	if (c->personal)
		json_set(v, "values", lost);
	else
		json_free(lost);
	return v;
}

/* --- notes and details --- */

static struct json_t *lost_text(const struct card *c, const char *key,
				const struct json_t *from,
				const struct json_t *into)
{
	const char *text = json_get_str(from, key);
	bool there = !str_is_empty(text);
	struct json_t *v = json_new_obj();

	json_set_int(v, "count", there);
	json_set_int(v, "lost",
		     there && !str_eq(text, json_get_str(into, key)));
	json_set_int(v, "bytes", there ? (int64_t)strlen(text) : 0);
	card_set_personal(c, v, "value", text);
	return v;
}

/* --- user fields --- */

/* A field that was never filled in. */
static bool is_blank(const struct json_t *value)
{
	if (json_is_null(value))
		return true;
	if (json_is_str(value))
		return str_is_empty(json_str(value));
	if (json_is_arr(value) || json_is_obj(value))
		return json_len(value) == 0;
	return json_is_bool(value) && !json_bool(value, false);
}

static bool is_same(const struct json_t *a, const struct json_t *b)
{
	char *x = json_text(a), *y = b ? json_text(b) : NULL;
	bool same = str_eq(x, y);

	free(x);
	free(y);
	return same;
}

static struct json_t *lost_field(const struct card *c, const char *key,
				 const struct json_t *value,
				 const struct json_t *kept)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "field", key);
	json_set_bool(v, "profile_has_another", !is_blank(kept));
	if (c->personal)
		json_set(v, "value", json_clone(value));
	return v;
}

static struct json_t *lost_fields(const struct card *c,
				  const struct json_t *from,
				  const struct json_t *into)
{
	const struct json_t *kept = json_get(into, "user_fields");
	struct json_t *lost = json_new_arr();
	struct json_t *v = json_new_obj();
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	int64_t count = 0;

	while (json_next(json_get(from, "user_fields"), &iter, &key, &value)) {
		if (is_blank(value))
			continue;
		count++;
		if (!is_same(value, json_get(kept, key)))
			json_push(lost, lost_field(c, key, value,
						   json_get(kept, key)));
	}
	json_set_int(v, "count", count);
	json_set_int(v, "lost", (int64_t)json_len(lost));
	json_set(v, "fields", lost);
	return v;
}

/* --- the external id --- */

static struct json_t *lost_external_id(const struct card *c,
				       const struct json_t *from,
				       const struct json_t *into)
{
	char *id = json_get_text(from, "external_id");
	char *kept = json_get_text(into, "external_id");
	bool pinned = c->about->pin == PAIR_PIN_PLANNED ||
		      c->about->pin == PAIR_PIN_NAMED;
	bool there = !str_is_empty(id);
	bool moves = there && pinned &&
		     str_eq_nocase(id, json_get_str(c->facts, "external_id"));
	struct json_t *v = json_new_obj();

	json_set_int(v, "count", there);
	json_set_int(v, "lost", there && !moves && !str_eq_nocase(id, kept));
	json_set_bool(v, "moves", moves);
	card_set_personal(c, v, "value", id);
	free(id);
	free(kept);
	return v;
}

struct json_t *card_losses(const struct card *c)
{
	const struct json_t *from = card_raw(c->person);
	const struct json_t *into = card_raw(c->profile);
	struct json_t *v = json_new_obj();

	json_set(v, "tags", lost_tags(c, from, into));
	json_set(v, "notes", lost_text(c, "notes", from, into));
	json_set(v, "details", lost_text(c, "details", from, into));
	json_set(v, "user_fields", lost_fields(c, from, into));
	json_set(v, "external_id", lost_external_id(c, from, into));
	return v;
}

/* --- what is alike --- */

static const char *compare(const char *a, const char *b)
{
	if (str_is_empty(a) && str_is_empty(b))
		return "none";
	if (str_is_empty(a) || str_is_empty(b))
		return "one";
	return slice_eq_nocase(slice_trim(slice_of(a)), slice_trim(slice_of(b)))
		       ? "same"
		       : "different";
}

/* A name that Zendesk made up is none; the login may bring a better one. */
static char *name_of(const struct card *c, const struct json_t *raw,
		     bool person)
{
	const struct json_t *profile = json_get(c->sunco, "profile");
	const char *name = json_get_str(raw, "name");
	const char *given = json_get_str(profile, "givenName");
	const char *surname = json_get_str(profile, "surname");
	struct buf b;

	if (!policy_name_generated(name))
		return xstrdup(name);
	buf_init(&b, 4096);
	if (person && given)
		buf_puts(&b, given);
	if (person && surname)
		buf_printf(&b, "%s%s", given ? " " : "", surname);
	return buf_detach(&b);
}

static void set_compared(struct json_t *v, const char *key, char *a, char *b)
{
	json_set_str(v, key, compare(a, b));
	free(a);
	free(b);
}

struct json_t *card_alike(const struct card *c)
{
	const struct json_t *a = card_raw(c->person);
	const struct json_t *b = card_raw(c->profile);
	struct json_t *v = json_new_obj();

	set_compared(v, "name", name_of(c, a, true), name_of(c, b, false));
	set_compared(v, "external_id",
		     xstrdup(json_get_str(c->facts, "external_id")),
		     json_get_text(b, "external_id"));
	set_compared(v, "organization", json_get_text(a, "organization_id"),
		     json_get_text(b, "organization_id"));
	return v;
}
