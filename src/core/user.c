/*
 * The people as values: making, copying, releasing, looking at identities.
 * Reading and writing them as JSON is in user_json.c.
 */
#include "core/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

static const char *const verification_names[] = {
	[VERIFICATION_UNKNOWN] = "unknown", [VERIFICATION_NONE] = "none",
	[VERIFICATION_LOW] = "low",	    [VERIFICATION_SSO] = "sso",
	[VERIFICATION_EMBED] = "embed",	    [VERIFICATION_FULL] = "full",
	[VERIFICATION_OTHER] = "other",
};

const char *verification_name(enum verification v)
{
	if ((unsigned)v >= ARRAY_LEN(verification_names))
		v = VERIFICATION_OTHER;
	return verification_names[v];
}

/* "unknown" is not looked up: as a word of Zendesk's it would be a new one,
 * and only absence may fall back to the old `verified` flag. */
enum verification verification_parse(const char *s)
{
	if (!s)
		return VERIFICATION_UNKNOWN;
	for (int v = VERIFICATION_NONE; v <= VERIFICATION_FULL; v++)
		if (str_eq(s, verification_names[v]))
			return (enum verification)v;
	return VERIFICATION_OTHER;
}

bool zd_identity_proven(const struct zd_identity *i)
{
	if (i->method == VERIFICATION_UNKNOWN)
		return i->verified;
	return i->method == VERIFICATION_SSO ||
	       i->method == VERIFICATION_EMBED ||
	       i->method == VERIFICATION_FULL;
}

void zd_user_init(struct zd_user *u)
{
	*u = (struct zd_user){.role = ZD_ROLE_END_USER, .active = true};
}

static void identities_release(struct zd_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		free(u->identities[i].type);
		free(u->identities[i].value);
	}
	free(u->identities);
	u->identities = NULL;
	u->identity_count = 0;
}

void zd_user_clear_organizations(struct zd_user *u)
{
	for (size_t i = 0; i < u->organization_count; i++)
		free(u->organizations[i].name);
	free(u->organizations);
	u->organizations = NULL;
	u->organization_count = 0;
	u->organizations_known = false;
}

void zd_user_release(struct zd_user *u)
{
	identities_release(u);
	zd_user_clear_organizations(u);
	free(u->name);
	free(u->external_id);
	free(u->raw);
	zd_user_init(u);
}

void zd_user_copy(struct zd_user *dst, const struct zd_user *src)
{
	*dst = *src;
	dst->name = xstrdup(src->name);
	dst->external_id = xstrdup(src->external_id);
	dst->raw = xstrdup(src->raw);
	dst->identities = NULL;
	dst->identity_count = 0;
	for (size_t i = 0; i < src->identity_count; i++) {
		const struct zd_identity *from = &src->identities[i];
		struct zd_identity *to =
			zd_user_add_identity(dst, from->type, from->value);

		to->id = from->id;
		to->primary = from->primary;
		to->verified = from->verified;
		to->method = from->method;
		to->created_ms = from->created_ms;
	}
	dst->identities_known = src->identities_known;
	dst->organizations = NULL;
	dst->organization_count = 0;
	for (size_t i = 0; i < src->organization_count; i++)
		zd_user_add_organization(dst, src->organizations[i].id,
					 src->organizations[i].name);
	dst->organizations_known = src->organizations_known;
}

void zd_user_clear_identities(struct zd_user *u)
{
	identities_release(u);
	u->identities_known = false;
}

struct zd_identity *zd_user_add_identity(struct zd_user *u, const char *type,
					 const char *value)
{
	struct zd_identity *i;

	u->identities = xrealloc(u->identities, (u->identity_count + 1) *
							sizeof(*u->identities));
	i = &u->identities[u->identity_count++];
	*i = (struct zd_identity){
		.type = xstrdup(type ? type : ""),
		.value = xstrdup(value ? value : ""),
	};
	u->identities_known = true;
	return i;
}

void zd_user_add_organization(struct zd_user *u, uint64_t id, const char *name)
{
	u->organizations =
		xrealloc(u->organizations, (u->organization_count + 1) *
						   sizeof(*u->organizations));
	u->organizations[u->organization_count++] = (struct zd_organization){
		.id = id,
		.name = xstrdup(name ? name : ""),
	};
}

const char *zd_user_organization(const struct zd_user *u)
{
	for (size_t i = 0; i < u->organization_count; i++)
		if (u->organizations[i].id == u->organization_id)
			return u->organizations[i].name;
	return NULL;
}

const struct zd_identity *zd_user_identity(const struct zd_user *u,
					   const char *type, const char *value)
{
	bool email = str_eq(type, "email");

	for (size_t n = 0; n < u->identity_count; n++) {
		const struct zd_identity *i = &u->identities[n];

		if (!str_eq(i->type, type))
			continue;
		if (email ? str_eq_nocase(i->value, value)
			  : str_eq(i->value, value))
			return i;
	}
	return NULL;
}

size_t zd_user_count(const struct zd_user *u, const char *type)
{
	size_t count = 0;

	for (size_t n = 0; n < u->identity_count; n++)
		count += str_eq(u->identities[n].type, type);
	return count;
}

void sunco_user_init(struct sunco_user *u)
{
	*u = (struct sunco_user){0};
}

void sunco_user_release(struct sunco_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		free(u->identities[i].type);
		free(u->identities[i].value);
		free(u->identities[i].verification);
	}
	free(u->identities);
	free(u->external_id);
	free(u->profile_email);
	free(u->given_name);
	free(u->surname);
	sunco_user_init(u);
}

void sunco_user_copy(struct sunco_user *dst, const struct sunco_user *src)
{
	*dst = *src;
	dst->external_id = xstrdup(src->external_id);
	dst->profile_email = xstrdup(src->profile_email);
	dst->given_name = xstrdup(src->given_name);
	dst->surname = xstrdup(src->surname);
	dst->identities = NULL;
	dst->identity_count = 0;
	for (size_t i = 0; i < src->identity_count; i++)
		sunco_user_add_identity(dst, src->identities[i].type,
					src->identities[i].value,
					src->identities[i].verification);
}

void sunco_user_add_identity(struct sunco_user *u, const char *type,
			     const char *value, const char *verification)
{
	u->identities = xrealloc(u->identities, (u->identity_count + 1) *
							sizeof(*u->identities));
	u->identities[u->identity_count++] = (struct sunco_identity){
		.type = xstrdup(type ? type : ""),
		.value = xstrdup(value ? value : ""),
		.verification = xstrdup(verification),
	};
}

/* No name is better than half of one. */
bool sunco_user_name(const struct sunco_user *u, char *out, size_t size)
{
	const char *given = u->given_name ? u->given_name : "";
	const char *surname = u->surname ? u->surname : "";
	int n = snprintf(out, size, "%s%s%s", given,
			 *given && *surname ? " " : "", surname);

	return n > 0 && (size_t)n < size;
}

void sunco_person_hash(struct crypto_hmac *hmac, const struct sunco_user *u,
		       uint8_t out[16])
{
	uint8_t full[CRYPTO_SHA256_SIZE];
	struct slice parts[2] = {SLICE("external_id:")};
	char *folded;

	memset(out, 0, 16);
	if (!hmac || !u->authenticated || str_is_empty(u->external_id))
		return;
	folded = xstrdup(u->external_id);
	str_lower(folded);
	parts[1] = slice_of(folded);
	crypto_hmac_sign(hmac, parts, ARRAY_LEN(parts), full);
	memcpy(out, full, 16);
	free(folded);
}

static bool is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool sunco_id_valid(const char *id, size_t len)
{
	if (len < 1 || len >= SUNCO_ID_SIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_id_char(id[i]))
			return false;
	return true;
}
