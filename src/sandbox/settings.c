/*
 * The table of settings.h as rows that JSON can be held against. Refuses
 * unknown names, negative numbers and words that are not among the choices.
 */
#include "sandbox/settings.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/words.h"

enum kind { KIND_FLAG, KIND_COUNT, KIND_TEXT };

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	int64_t number; /* default of a flag or count */
	const char *text;
	const char *choices;
};

#define ROW_FLAG(name, def)                                                    \
	{#name, KIND_FLAG, offsetof(struct settings, name), def, NULL, NULL},
#define ROW_COUNT(name, def)                                                   \
	{#name, KIND_COUNT, offsetof(struct settings, name), def, NULL, NULL},
#define ROW_TEXT(name, def, choices)                                           \
	{#name, KIND_TEXT, offsetof(struct settings, name), 0, def, choices},
static const struct row rows[] = {
	SETTINGS_TABLE(ROW_FLAG, ROW_COUNT, ROW_TEXT)};

static bool *flag_of(struct settings *s, const struct row *r)
{
	return (bool *)((char *)s + r->offset);
}

static int64_t *count_of(struct settings *s, const struct row *r)
{
	return (int64_t *)(void *)((char *)s + r->offset);
}

static char **text_of(struct settings *s, const struct row *r)
{
	return (char **)(void *)((char *)s + r->offset);
}

void settings_init(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (r->kind == KIND_FLAG)
			*flag_of(s, r) = r->number != 0;
		else if (r->kind == KIND_COUNT)
			*count_of(s, r) = r->number;
		else
			*text_of(s, r) = xstrdup(r->text);
	}
}

void settings_release(struct settings *s)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].kind == KIND_TEXT)
			free(*text_of(s, &rows[i]));
	}
}

static const struct row *row_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (str_eq(rows[i].name, name))
			return &rows[i];
	}
	return NULL;
}

static bool fits(const struct row *r, const struct json_t *v)
{
	switch (r->kind) {
	case KIND_FLAG:
		return json_is_bool(v);
	case KIND_COUNT:
		return json_is_num(v) && json_int(v, -1) >= 0;
	case KIND_TEXT:
		return json_is_str(v) &&
		       (!*r->choices ||
			words_have(r->choices, '|', json_str(v)));
	}
	return false;
}

static void assign(struct settings *s, const struct row *r,
		   const struct json_t *v)
{
	if (r->kind == KIND_FLAG) {
		*flag_of(s, r) = json_bool(v, false);
	} else if (r->kind == KIND_COUNT) {
		*count_of(s, r) = json_int(v, 0);
	} else {
		free(*text_of(s, r));
		*text_of(s, r) = xstrdup(json_str(v));
	}
}

enum result settings_apply(struct settings *s, const struct json_t *obj,
			   struct error *err)
{
	const char *key;
	struct json_t *value;
	void *iter = NULL;

	if (!json_is_obj(obj))
		return error_set(err, RESULT_INVALID, "not an object");
	while (json_next(obj, &iter, &key, &value)) {
		const struct row *r = row_named(key);

		if (!r)
			return error_set(err, RESULT_INVALID,
					 "unknown setting: %s", key);
		if (!fits(r, value))
			return error_set(err, RESULT_INVALID, "wrong value: %s",
					 key);
	}
	iter = NULL;
	while (json_next(obj, &iter, &key, &value))
		assign(s, row_named(key), value);
	return RESULT_OK;
}

struct json_t *settings_encode(const struct settings *s)
{
	struct settings *from = (struct settings *)(uintptr_t)s;
	struct json_t *obj = json_new_obj();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];

		if (r->kind == KIND_FLAG)
			json_set_bool(obj, r->name, *flag_of(from, r));
		else if (r->kind == KIND_COUNT)
			json_set_int(obj, r->name, *count_of(from, r));
		else
			json_set_str(obj, r->name, *text_of(from, r));
	}
	return obj;
}
