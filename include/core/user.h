/*
 * The people: a Zendesk user with its identities, a SunCo user with its own.
 *
 * Plain values that own their strings. Absent strings are NULL, absent ids 0.
 * Decoding accepts what the two APIs answer and what `explain --facts` takes.
 */
#ifndef REUNITE_CORE_USER_H
#define REUNITE_CORE_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct json_t;

#define SUNCO_ID_SIZE 65  /* 24 hex digits in practice; bounded here */
#define ADDRESS_SIZE  255 /* 254 characters and the NUL */

/* One user's identities (organizations) beyond this count as not known. */
#define ZD_IDENTITIES_MAX    1000
#define ZD_ORGANIZATIONS_MAX 300

/* identities[].verification_method; unknown: absent or null; other: a word
 * that this program does not know (marked, but proving nothing). */
enum verification {
	VERIFICATION_UNKNOWN,
	VERIFICATION_NONE,
	VERIFICATION_LOW,
	VERIFICATION_SSO,
	VERIFICATION_EMBED,
	VERIFICATION_FULL,
	VERIFICATION_OTHER,
};
const char *verification_name(enum verification v); /* "unknown", "none".. */
/* NULL: unknown; any word that is not in the list: other. */
enum verification verification_parse(const char *s);

struct zd_identity {
	uint64_t id;
	char *type;  /* "email", "messaging", ...; never NULL */
	char *value; /* never NULL */
	bool primary;
	bool verified;
	enum verification method;
	int64_t created_ms; /* 0: not said */
};
/* How far its owner has shown that it is theirs: "proven" of the policy. */
bool zd_identity_proven(const struct zd_identity *i);

struct zd_organization {
	uint64_t id;
	char *name; /* never NULL */
};

enum zd_role { ZD_ROLE_END_USER, ZD_ROLE_AGENT, ZD_ROLE_ADMIN, ZD_ROLE_OTHER };

struct zd_user {
	uint64_t id;
	char *name;
	enum zd_role role;
	bool active;
	bool suspended;
	bool shared; /* came from a sharing agreement */
	char *external_id;
	uint64_t organization_id;
	uint64_t brand_id; /* separation.brand_id */
	struct zd_identity *identities;
	size_t identity_count;
	bool identities_known; /* the answer side-loaded them */
	/* As far as side-loaded; for people, not for decisions. */
	struct zd_organization *organizations;
	size_t organization_count;
	bool organizations_known; /* all; else organization_id's at most */
	int64_t updated_ms;	  /* when it last changed; 0: not said */
	char *raw; /* the object as it was decoded, for before-images */
	/* What only the store knows, or `explain --facts` says: */
	bool survived_merge;	 /* an earlier merge ended in this user */
	bool proven_before_loss; /* displaced: its address was proven */
	bool coincides;		 /* displaced: lost within 10 min of the gain */
};

void zd_user_init(struct zd_user *u); /* end-user, active, nothing else */
void zd_user_release(struct zd_user *u);
void zd_user_copy(struct zd_user *dst, const struct zd_user *src); /* dst raw */
void zd_user_clear_identities(struct zd_user *u); /* none are known then */
/* Adds an identity; the strings are copied, the result is *borrowed* until
 * the next one is added. Identities are known from then on. */
struct zd_identity *zd_user_add_identity(struct zd_user *u, const char *type,
					 const char *value);
void zd_user_add_organization(struct zd_user *u, uint64_t id, const char *name);
void zd_user_clear_organizations(struct zd_user *u);
/* Exact match of type; of value too, ASCII case folded for "email". */
const struct zd_identity *zd_user_identity(const struct zd_user *u,
					   const char *type, const char *value);
/* How many identities have the type. */
size_t zd_user_count(const struct zd_user *u, const char *type);
/* A user object of the API ({"id":..}), identities nested or not there, or of
 * `explain --facts`. u is raw; the caller releases it on RESULT_OK only.
 * RESULT_INVALID: no id, or a flag, brand, organization or external id of the
 * wrong type; err names the key. A role that is not known is ZD_ROLE_OTHER. */
MUST_CHECK enum result zd_user_decode(const struct json_t *v, struct zd_user *u,
				      struct error *err);
/* Replaces the identities by those of the array that belong to u->id (an
 * element without user_id counts), as side-loaded or listed. Not an array,
 * or too many: no identities are known. */
void zd_user_decode_identities(struct zd_user *u, const struct json_t *arr);
/* Replaces the organizations by those of a side-loaded array: by all of them
 * when the answer is about u alone, else by u->organization_id's, since whose
 * the others are cannot be told. Not an array, or too many: none. */
void zd_user_decode_organizations(struct zd_user *u, const struct json_t *arr,
				  bool alone);
/* The name of organization_id's, *borrowed*, or NULL. */
const char *zd_user_organization(const struct zd_user *u);
struct json_t *
zd_user_encode_organizations(const struct zd_user *u); /* *new* */
/* The same shape as explain's facts; for journals and reviews: *new*. */
struct json_t *zd_user_encode(const struct zd_user *u);

struct sunco_identity {
	char *type;	    /* never NULL */
	char *value;	    /* never NULL */
	char *verification; /* "embed", "sso", something new, or NULL */
};

struct sunco_user {
	char id[SUNCO_ID_SIZE];
	bool authenticated;
	char *external_id;
	uint64_t zendesk_id;
	uint64_t brand_id;
	char *profile_email;
	char *given_name;
	char *surname;
	struct sunco_identity *identities;
	size_t identity_count;
};

void sunco_user_init(struct sunco_user *u);
void sunco_user_release(struct sunco_user *u);
void sunco_user_copy(struct sunco_user *dst, const struct sunco_user *src);
void sunco_user_add_identity(struct sunco_user *u, const char *type,
			     const char *value, const char *verification);
/* u is raw; the caller releases it on RESULT_OK only. RESULT_INVALID: no
 * usable id, or an externalId or brandId of the wrong type. */
MUST_CHECK enum result sunco_user_decode(const struct json_t *v,
					 struct sunco_user *u,
					 struct error *err);
struct json_t *sunco_user_encode(const struct sunco_user *u); /* *new* */

/* The profile's full name; false: it has none, or it does not fit. */
bool sunco_user_name(const struct sunco_user *u, char *out, size_t size);
/* Keyed: stands for the external id of somebody who is authenticated; zeros
 * for anybody else, and without a key. */
struct crypto_hmac;
void sunco_person_hash(struct crypto_hmac *hmac, const struct sunco_user *u,
		       uint8_t out[16]);
/* A SunCo id that we are willing to keep: 1-64 of [A-Za-z0-9_-]. */
bool sunco_id_valid(const char *id, size_t len);

#endif
