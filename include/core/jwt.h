/*
 * The messaging JWT: signed with HS256 (RFC 7515, RFC 7519), as a website
 * hands it to the web widget at login.
 *
 * Refuses every other algorithm ("none" above all), padding, and whatever is
 * not exactly three parts. The key is used as it stands, not base64-decoded.
 */
#ifndef REUNITE_CORE_JWT_H
#define REUNITE_CORE_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"

#define JWT_EXTERNAL_ID_MAX 255	 /* characters */
#define JWT_MAX_BYTES	    8192 /* of a token */

struct json_t;

/* What the token says about a person; NULL: not said. */
struct jwt_claims {
	const char *external_id;
	const char *name;
	const char *email;
	bool email_verified;
	int64_t expires_s; /* since the epoch */
};
/* RESULT_INVALID with the first thing that Zendesk would not take. */
MUST_CHECK enum result jwt_claims_check(const struct jwt_claims *c,
					struct error *err);
struct json_t *jwt_header(const char *kid);		/* *new* */
struct json_t *jwt_payload(const struct jwt_claims *c); /* *new* */

/* *new*; both parts exactly as they are. */
char *jwt_sign(struct slice header, struct slice payload, struct slice key);
/* The parts of a token that was signed with this key: both *new*.
 * RESULT_INVALID: it is none, or of another algorithm; RESULT_AUTH: signed
 * with another key. Neither kid nor exp is looked at. */
MUST_CHECK enum result jwt_open(struct slice token, struct slice key,
				struct json_t **header, struct json_t **payload,
				struct error *err);

#endif
