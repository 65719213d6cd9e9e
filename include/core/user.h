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

#define SUNCO_ID_SIZE 65 /* 24 hex digits in practice; bounded here */
#define ADDRESS_SIZE 255 /* 254 characters and the NUL */

/* identities[].verification_method; unknown: absent, null or a new word. */
enum verification {
	VERIFICATION_UNKNOWN,
	VERIFICATION_NONE,
	VERIFICATION_LOW,
	VERIFICATION_SSO,
	VERIFICATION_EMBED,
	VERIFICATION_FULL,
};
const char *verification_name(enum verification v); /* "unknown", "none".. */
enum verification verification_parse(const char *s); /* NULL: unknown */

struct zd_identity {
	uint64_t id;
	char *type; /* "email", "messaging", ... */
	char *value;
	bool primary;
	bool verified;
	enum verification method;
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
	/* What only the store knows, or `explain --facts` says: */
	bool survived_merge;     /* an earlier merge ended in this user */
	bool proven_before_loss; /* displaced: its address was proven */
	bool coincides;          /* displaced: lost within 10 min of the gain */
};

void zd_user_init(struct zd_user *u); /* end-user, active, nothing else */
void zd_user_release(struct zd_user *u);
void zd_user_copy(struct zd_user *dst, const struct zd_user *src); /* dst raw */
/* Adds an identity; the strings are copied. */
struct zd_identity *zd_user_add_identity(struct zd_user *u, const char *type,
					 const char *value);
/* Exact match of type; of value too, ASCII case folded for "email". */
const struct zd_identity *zd_user_identity(const struct zd_user *u,
					   const char *type,
					   const char *value);
/* How many identities have the type. */
size_t zd_user_count(const struct zd_user *u, const char *type);
/* A user object of the API ({"id":..}), identities nested or not there. */
MUST_CHECK enum result zd_user_decode(const struct json_t *v,
				      struct zd_user *u, struct error *err);
/* Replaces the identities by those of the array that belong to u->id (an
 * element without user_id counts), as side-loaded or listed. */
void zd_user_decode_identities(struct zd_user *u, const struct json_t *arr);
/* The same shape as explain's facts; for journals and reviews: *new*. */
struct json_t *zd_user_encode(const struct zd_user *u);

struct sunco_identity {
	char *type;
	char *value;
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
MUST_CHECK enum result sunco_user_decode(const struct json_t *v,
					 struct sunco_user *u,
					 struct error *err);
struct json_t *sunco_user_encode(const struct sunco_user *u); /* *new* */

/* A SunCo id that we are willing to keep: 1-64 of [A-Za-z0-9_-]. */
bool sunco_id_valid(const char *id, size_t len);

#endif
