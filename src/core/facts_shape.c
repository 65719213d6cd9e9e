/*
 * The shape of `explain --facts` as tables: one row a key.
 *
 * Facts are written by hand or by other programs, and a misspelt key must not
 * turn into a default without a word. Key names in messages come from the
 * input, so anything but plain ones is not repeated.
 */
#include "facts_shape.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum shape_type {
	SHAPE_BOOL,
	SHAPE_TEXT,
	SHAPE_TEXT_OR_NUMBER,
	SHAPE_COUNT, /* a whole number, not negative */
	SHAPE_OBJECT,
	SHAPE_OBJECTS, /* an array of them */
	SHAPE_TEXTS,
};

struct shape {
	const char *key;
	enum shape_type type;
	bool nullable;
	const struct shape *members; /* of an object; ends with a NULL key */
};

#define PATH_MAX_BYTES 160

struct path {
	char text[PATH_MAX_BYTES];
};

static const struct shape account_shape[] = {
	{"email_identities", SHAPE_TEXT, false, NULL},
	{"link_evidence", SHAPE_TEXT, false, NULL},
	{"apply", SHAPE_TEXT, false, NULL},
	{"deny_emails", SHAPE_TEXTS, false, NULL},
	{"max_merges_per_hour", SHAPE_COUNT, false, NULL},
	{"max_merges_per_profile", SHAPE_COUNT, false, NULL},
	{"recover_displaced", SHAPE_BOOL, false, NULL},
	{"release_external_id", SHAPE_TEXT, false, NULL},
	{"verify_profile_email", SHAPE_BOOL, false, NULL},
	{"complete_name", SHAPE_BOOL, false, NULL},
	{"settle_after", SHAPE_TEXT, false, NULL},
	{"review_expires", SHAPE_TEXT, false, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape sunco_identity_shape[] = {
	{"type", SHAPE_TEXT, false, NULL},
	{"value", SHAPE_TEXT, false, NULL},
	{"verification", SHAPE_TEXT, true, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape sunco_profile_shape[] = {
	{"email", SHAPE_TEXT, true, NULL},
	{"givenName", SHAPE_TEXT, true, NULL},
	{"surname", SHAPE_TEXT, true, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape sunco_shape[] = {
	{"id", SHAPE_TEXT_OR_NUMBER, false, NULL},
	{"authenticated", SHAPE_BOOL, false, NULL},
	{"externalId", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"zendeskId", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"brandId", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"identities", SHAPE_OBJECTS, false, sunco_identity_shape},
	{"profile", SHAPE_OBJECT, true, sunco_profile_shape},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape identity_shape[] = {
	{"id", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"type", SHAPE_TEXT, false, NULL},
	{"value", SHAPE_TEXT, false, NULL},
	{"primary", SHAPE_BOOL, false, NULL},
	{"verified", SHAPE_BOOL, false, NULL},
	{"verification_method", SHAPE_TEXT, true, NULL},
	{"created_at", SHAPE_TEXT, true, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape separation_shape[] = {
	{"brand_id", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"scope", SHAPE_TEXT, true, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape organization_shape[] = {
	{"id", SHAPE_TEXT_OR_NUMBER, false, NULL},
	{"name", SHAPE_TEXT, true, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape user_shape[] = {
	{"id", SHAPE_TEXT_OR_NUMBER, false, NULL},
	{"name", SHAPE_TEXT, true, NULL},
	{"role", SHAPE_TEXT, false, NULL},
	{"active", SHAPE_BOOL, false, NULL},
	{"suspended", SHAPE_BOOL, false, NULL},
	{"shared", SHAPE_BOOL, false, NULL},
	{"shared_agent", SHAPE_BOOL, false, NULL},
	{"external_id", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"organization_id", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"brand_id", SHAPE_TEXT_OR_NUMBER, true, NULL},
	{"separation", SHAPE_OBJECT, true, separation_shape},
	{"updated_at", SHAPE_TEXT, true, NULL},
	{"survived_merge", SHAPE_BOOL, false, NULL},
	{"proven_before_loss", SHAPE_BOOL, false, NULL},
	{"coincides", SHAPE_BOOL, false, NULL},
	{"identities", SHAPE_OBJECTS, true, identity_shape},
	{"organizations", SHAPE_OBJECTS, true, organization_shape},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape history_shape[] = {
	{"rejected", SHAPE_BOOL, false, NULL},
	{"searched_twice", SHAPE_BOOL, false, NULL},
	{"merges_this_hour", SHAPE_COUNT, false, NULL},
	{"merges_into_profile_today", SHAPE_COUNT, false, NULL},
	{"backfill", SHAPE_BOOL, false, NULL},
	{"waived", SHAPE_TEXTS, false, NULL},
	{NULL, SHAPE_BOOL, false, NULL},
};

static const struct shape facts_shape[] = {
	{"account", SHAPE_OBJECT, false, account_shape},
	{"sunco_user", SHAPE_OBJECT, false, sunco_shape},
	{"messaging_user", SHAPE_OBJECT, true, user_shape},
	{"profiles", SHAPE_OBJECTS, false, user_shape},
	{"displaced", SHAPE_OBJECT, true, user_shape},
	{"history", SHAPE_OBJECT, false, history_shape},
	{NULL, SHAPE_BOOL, false, NULL},
};

static bool is_plain_key(const char *key)
{
	size_t plain = strspn(key, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return plain > 0 && plain <= 40 && !key[plain];
}

/* "a" and "b" give "a.b". A path that grows too long is cut. */
static struct path path_key(const struct path *in, const char *key)
{
	struct path out;

	snprintf(out.text, sizeof(out.text), "%.100s%s%.40s", in->text,
		 in->text[0] ? "." : "", key);
	return out;
}

static struct path path_index(const struct path *in, size_t i)
{
	struct path out;

	snprintf(out.text, sizeof(out.text), "%.120s[%zu]", in->text, i);
	return out;
}

static const char *type_name(enum shape_type t)
{
	static const char *const names[] = {
		[SHAPE_BOOL] = "true or false",
		[SHAPE_TEXT] = "a string",
		[SHAPE_TEXT_OR_NUMBER] = "a string or a number",
		[SHAPE_COUNT] = "a whole number",
		[SHAPE_OBJECT] = "an object",
		[SHAPE_OBJECTS] = "an array of objects",
		[SHAPE_TEXTS] = "an array of strings",
	};

	return names[t];
}

static bool has_type(const struct json_t *v, enum shape_type t)
{
	switch (t) {
	case SHAPE_BOOL:
		return json_is_bool(v);
	case SHAPE_TEXT:
		return json_is_str(v);
	case SHAPE_TEXT_OR_NUMBER:
		return json_is_str(v) || json_is_num(v);
	case SHAPE_COUNT:
		return json_is_num(v) && json_int(v, -1) >= 0;
	case SHAPE_OBJECT:
		return json_is_obj(v);
	case SHAPE_OBJECTS:
	case SHAPE_TEXTS:
		return json_is_arr(v);
	}
	return false;
}

static enum result check_value(const struct json_t *v, const struct shape *s,
			       const struct path *at, struct error *err);

static enum result check_members(const struct json_t *obj,
				 const struct shape *members,
				 const struct path *at, struct error *err)
{
	struct json_t *value;
	const char *key;
	void *iter = NULL;

	while (json_next(obj, &iter, &key, &value)) {
		const struct shape *s = members;
		struct path path;
		enum result r;

		path = path_key(at, is_plain_key(key) ? key : "(...)");
		while (s->key && !str_eq(s->key, key))
			s++;
		if (!s->key)
			return error_set(err, RESULT_INVALID, "%s: unknown key",
					 path.text);
		r = check_value(value, s, &path, err);
		if (r != RESULT_OK)
			return r;
	}
	return RESULT_OK;
}

static enum result check_items(const struct json_t *arr, const struct shape *s,
			       const struct path *at, struct error *err)
{
	const struct shape item = {
		.key = s->key,
		.type = s->type == SHAPE_TEXTS ? SHAPE_TEXT : SHAPE_OBJECT,
		.members = s->members,
	};
	enum result r = RESULT_OK;

	for (size_t i = 0; i < json_len(arr) && r == RESULT_OK; i++) {
		struct path path = path_index(at, i);

		r = check_value(json_at(arr, i), &item, &path, err);
	}
	return r;
}

static enum result check_value(const struct json_t *v, const struct shape *s,
			       const struct path *at, struct error *err)
{
	if (s->nullable && json_is_null(v))
		return RESULT_OK;
	if (!has_type(v, s->type))
		return error_set(err, RESULT_INVALID, "%s: not %s%s", at->text,
				 type_name(s->type),
				 s->nullable ? " or null" : "");
	if (s->type == SHAPE_OBJECT)
		return check_members(v, s->members, at, err);
	if (s->type == SHAPE_OBJECTS || s->type == SHAPE_TEXTS)
		return check_items(v, s, at, err);
	return RESULT_OK;
}

enum result facts_shape_check(const struct json_t *v, struct error *err)
{
	const struct path top = {""};

	if (!json_is_obj(v))
		return error_set(err, RESULT_INVALID, "not an object");
	return check_members(v, facts_shape, &top, err);
}
