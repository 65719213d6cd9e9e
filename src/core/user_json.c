/*
 * The people read from and written as JSON: what the two APIs answer, and
 * what `explain --facts` takes and journals keep.
 *
 * Everything a decision rests on fails towards caution: a role that is not
 * known is no end-user, a flag or brand of the wrong type refuses the user.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "core/user.h"

static const struct {
	enum zd_role role;
	const char *name;
} roles[] = {
	{ZD_ROLE_END_USER, "end-user"},
	{ZD_ROLE_AGENT, "agent"},
	{ZD_ROLE_ADMIN, "admin"},
};

static enum zd_role role_decode(const struct json_t *v)
{
	if (json_is_null(v))
		return ZD_ROLE_END_USER;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (str_eq(json_str(v), roles[i].name))
			return roles[i].role;
	return ZD_ROLE_OTHER;
}

static const char *role_encode(enum zd_role role)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (roles[i].role == role)
			return roles[i].name;
	return "other";
}

/* Absent and null leave *out alone. */
static enum result flag_decode(const struct json_t *v, const char *key,
			       bool *out, struct error *err)
{
	const struct json_t *flag = json_get(v, key);

	if (json_is_null(flag))
		return RESULT_OK;
	if (!json_is_bool(flag))
		return error_set(err, RESULT_INVALID, "%s: not a boolean", key);
	*out = json_bool(flag, false);
	return RESULT_OK;
}

/* Absent, null and 0 ("none" in webhooks) give 0. */
static enum result id_decode(const struct json_t *v, const char *key,
			     uint64_t *out, struct error *err)
{
	const struct json_t *id = json_get(v, key);

	*out = json_get_id(v, key);
	if (*out != 0 || json_is_null(id) || str_eq(json_str(id), "0") ||
	    (json_is_num(id) && json_int(id, -1) == 0))
		return RESULT_OK;
	return error_set(err, RESULT_INVALID, "%s: not an id", key);
}

static enum result external_id_decode(const struct json_t *v, const char *key,
				      char **out, struct error *err)
{
	*out = json_get_text(v, key);
	if (!*out && !json_is_null(json_get(v, key)))
		return error_set(err, RESULT_INVALID, "%s: not a text", key);
	if (*out && !**out) {
		free(*out);
		*out = NULL;
	}
	return RESULT_OK;
}

static enum result brand_decode(const struct json_t *v, uint64_t *out,
				struct error *err)
{
	const struct json_t *separation = json_get(v, "separation");
	enum result r = id_decode(v, "brand_id", out, err);

	if (r != RESULT_OK || *out != 0)
		return r;
	return id_decode(separation, "brand_id", out, err);
}

static enum result flags_decode(const struct json_t *v, struct zd_user *u,
				struct error *err)
{
	const struct {
		const char *key;
		bool *flag;
	} rows[] = {
		{"active", &u->active},
		{"suspended", &u->suspended},
		{"shared", &u->shared},
		{"survived_merge", &u->survived_merge},
		{"proven_before_loss", &u->proven_before_loss},
		{"coincides", &u->coincides},
	};
	bool shared_agent = false;
	enum result r = RESULT_OK;

	for (size_t i = 0; i < ARRAY_LEN(rows) && r == RESULT_OK; i++)
		r = flag_decode(v, rows[i].key, rows[i].flag, err);
	if (r == RESULT_OK)
		r = flag_decode(v, "shared_agent", &shared_agent, err);
	u->shared = u->shared || shared_agent;
	return r;
}

/* A time that cannot be read is none. */
static int64_t time_decode(const struct json_t *v, const char *key)
{
	const char *text = json_get_str(v, key);
	int64_t ms;

	return text && clock_parse_iso8601(slice_of(text), &ms) ? ms : 0;
}

static void time_encode(struct json_t *v, const char *key, int64_t ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (ms == 0)
		return;
	clock_format(ms, text);
	json_set_str(v, key, text);
}

static enum result zd_user_fill(const struct json_t *v, struct zd_user *u,
				struct error *err)
{
	const struct json_t *identities = json_get(v, "identities");
	enum result r = flags_decode(v, u, err);

	u->id = json_get_id(v, "id");
	if (r == RESULT_OK && u->id == 0)
		r = error_set(err, RESULT_INVALID, "id: missing or not an id");
	if (r == RESULT_OK)
		r = external_id_decode(v, "external_id", &u->external_id, err);
	if (r == RESULT_OK)
		r = id_decode(v, "organization_id", &u->organization_id, err);
	if (r == RESULT_OK)
		r = brand_decode(v, &u->brand_id, err);
	if (r != RESULT_OK)
		return r;
	u->name = xstrdup(json_get_str(v, "name"));
	u->role = role_decode(json_get(v, "role"));
	u->updated_ms = time_decode(v, "updated_at");
	if (json_is_arr(identities))
		zd_user_decode_identities(u, identities);
	if (json_is_arr(json_get(v, "organizations")))
		zd_user_decode_organizations(u, json_get(v, "organizations"),
					     true);
	return RESULT_OK;
}

enum result zd_user_decode(const struct json_t *v, struct zd_user *u,
			   struct error *err)
{
	enum result r;

	zd_user_init(u);
	if (!json_is_obj(v))
		return error_set(err, RESULT_INVALID, "user: not an object");
	r = zd_user_fill(v, u, err);
	if (r != RESULT_OK)
		zd_user_release(u);
	else
		u->raw = json_text(v);
	return r;
}

/* A method that is not a word cannot be trusted more than a new word. */
static enum verification method_decode(const struct json_t *v)
{
	if (json_is_null(v))
		return VERIFICATION_UNKNOWN;
	return json_is_str(v) ? verification_parse(json_str(v))
			      : VERIFICATION_OTHER;
}

static void identity_decode(const struct json_t *v, struct zd_user *u)
{
	char *value = json_get_text(v, "value");
	struct zd_identity *i =
		zd_user_add_identity(u, json_get_str(v, "type"), value);

	free(value);
	i->id = json_get_id(v, "id");
	i->primary = json_get_bool(v, "primary", false);
	i->verified = json_get_bool(v, "verified", false);
	i->method = method_decode(json_get(v, "verification_method"));
	i->created_ms = time_decode(v, "created_at");
}

void zd_user_decode_identities(struct zd_user *u, const struct json_t *arr)
{
	zd_user_clear_identities(u);
	if (!json_is_arr(arr) || json_len(arr) > ZD_IDENTITIES_MAX)
		return;
	for (size_t n = 0; n < json_len(arr); n++) {
		const struct json_t *v = json_at(arr, n);

		if (json_is_null(json_get(v, "user_id")) ||
		    json_get_id(v, "user_id") == u->id)
			identity_decode(v, u);
	}
	u->identities_known = true;
}

void zd_user_decode_organizations(struct zd_user *u, const struct json_t *arr,
				  bool alone)
{
	zd_user_clear_organizations(u);
	if (!json_is_arr(arr) || json_len(arr) > ZD_ORGANIZATIONS_MAX)
		return;
	for (size_t n = 0; n < json_len(arr); n++) {
		const struct json_t *v = json_at(arr, n);
		uint64_t id = json_get_id(v, "id");

		if (id != 0 && (alone || id == u->organization_id))
			zd_user_add_organization(u, id,
						 json_get_str(v, "name"));
	}
	u->organizations_known = alone || !u->organization_id;
}

static struct json_t *identity_encode(const struct zd_identity *i)
{
	struct json_t *v = json_new_obj();

	json_set_id(v, "id", i->id);
	json_set_str(v, "type", i->type);
	json_set_str(v, "value", i->value);
	json_set_bool(v, "primary", i->primary);
	json_set_bool(v, "verified", i->verified);
	json_set_str(v, "verification_method",
		     i->method == VERIFICATION_UNKNOWN
			     ? NULL
			     : verification_name(i->method));
	time_encode(v, "created_at", i->created_ms);
	return v;
}

static struct json_t *identities_encode(const struct zd_user *u)
{
	struct json_t *arr;

	if (!u->identities_known)
		return json_new_null();
	arr = json_new_arr();
	for (size_t n = 0; n < u->identity_count; n++)
		json_push(arr, identity_encode(&u->identities[n]));
	return arr;
}

struct json_t *zd_user_encode_organizations(const struct zd_user *u)
{
	struct json_t *arr;

	if (!u->organizations_known && !u->organization_count)
		return json_new_null();
	arr = json_new_arr();
	for (size_t n = 0; n < u->organization_count; n++) {
		struct json_t *o = json_new_obj();

		json_set_id(o, "id", u->organizations[n].id);
		json_set_str(o, "name", u->organizations[n].name);
		json_push(arr, o);
	}
	return arr;
}

struct json_t *zd_user_encode(const struct zd_user *u)
{
	struct json_t *v = json_new_obj();

	json_set_id(v, "id", u->id);
	json_set_str(v, "name", u->name);
	json_set_str(v, "role", role_encode(u->role));
	json_set_bool(v, "active", u->active);
	json_set_bool(v, "suspended", u->suspended);
	json_set_bool(v, "shared", u->shared);
	json_set_str(v, "external_id", u->external_id);
	json_set_id(v, "organization_id", u->organization_id);
	json_set_id(v, "brand_id", u->brand_id);
	time_encode(v, "updated_at", u->updated_ms);
	json_set_bool(v, "survived_merge", u->survived_merge);
	if (u->proven_before_loss)
		json_set_bool(v, "proven_before_loss", true);
	if (u->coincides)
		json_set_bool(v, "coincides", true);
	json_set(v, "identities", identities_encode(u));
	if (u->organizations_known || u->organization_count)
		json_set(v, "organizations", zd_user_encode_organizations(u));
	return v;
}

static void sunco_identities_decode(const struct json_t *arr,
				    struct sunco_user *u)
{
	for (size_t n = 0; n < json_len(arr); n++) {
		const struct json_t *v = json_at(arr, n);

		sunco_user_add_identity(u, json_get_str(v, "type"),
					json_get_str(v, "value"),
					json_get_str(v, "verification"));
	}
}

static enum result sunco_user_fill(const struct json_t *v, struct sunco_user *u,
				   struct error *err)
{
	const struct json_t *profile = json_get(v, "profile");
	const struct json_t *identities = json_get(v, "identities");
	char *id = json_get_text(v, "id");
	bool valid = id && sunco_id_valid(id, strlen(id)) &&
		     str_copy(u->id, sizeof(u->id), id);
	enum result r;

	free(id);
	if (!valid)
		return error_set(err, RESULT_INVALID,
				 "id: missing or not an id");
	if (json_is_arr(identities) && json_len(identities) > ZD_IDENTITIES_MAX)
		return error_set(err, RESULT_INVALID, "identities: too many");
	r = external_id_decode(v, "externalId", &u->external_id, err);
	if (r == RESULT_OK)
		r = id_decode(v, "brandId", &u->brand_id, err);
	if (r != RESULT_OK)
		return r;
	u->authenticated = json_get_bool(v, "authenticated", false);
	u->zendesk_id = json_get_id(v, "zendeskId");
	u->profile_email = xstrdup(json_get_str(profile, "email"));
	u->given_name = xstrdup(json_get_str(profile, "givenName"));
	u->surname = xstrdup(json_get_str(profile, "surname"));
	if (json_is_arr(identities))
		sunco_identities_decode(identities, u);
	return RESULT_OK;
}

enum result sunco_user_decode(const struct json_t *v, struct sunco_user *u,
			      struct error *err)
{
	enum result r;

	sunco_user_init(u);
	if (!json_is_obj(v))
		return error_set(err, RESULT_INVALID, "user: not an object");
	r = sunco_user_fill(v, u, err);
	if (r != RESULT_OK)
		sunco_user_release(u);
	return r;
}

struct json_t *sunco_user_encode(const struct sunco_user *u)
{
	struct json_t *v = json_new_obj();
	struct json_t *profile = json_new_obj();
	struct json_t *arr = json_new_arr();

	for (size_t n = 0; n < u->identity_count; n++) {
		struct json_t *i = json_new_obj();

		json_set_str(i, "type", u->identities[n].type);
		json_set_str(i, "value", u->identities[n].value);
		json_set_str(i, "verification", u->identities[n].verification);
		json_push(arr, i);
	}
	json_set_str(profile, "email", u->profile_email);
	json_set_str(profile, "givenName", u->given_name);
	json_set_str(profile, "surname", u->surname);
	json_set_str(v, "id", u->id);
	json_set_bool(v, "authenticated", u->authenticated);
	json_set_str(v, "externalId", u->external_id);
	json_set_id(v, "zendeskId", u->zendesk_id);
	json_set_id(v, "brandId", u->brand_id);
	json_set(v, "identities", arr);
	json_set(v, "profile", profile);
	return v;
}
