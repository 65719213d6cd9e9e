/*
 * Checking the token of an order: see token.h.
 */
#include "sandbox/token.h"

#include "base/json.h"
#include "core/jwt.h"
#include "sandbox/settings.h"

static enum result check(const struct settings *s, const struct json_t *header,
			 const struct json_t *claims, int64_t now_ms,
			 struct error *err)
{
	struct jwt_claims who = {.external_id =
					 json_get_str(claims, "external_id")};

	if (!str_eq(json_get_str(header, "kid"), s->jwt_kid))
		return error_set(err, RESULT_AUTH, "token: unknown kid");
	if (!str_eq(json_get_str(claims, "scope"), "user"))
		return error_set(err, RESULT_AUTH, "token: scope is not user");
	if (json_get_int(claims, "exp", INT64_MAX) <= now_ms / 1000)
		return error_set(err, RESULT_AUTH, "token: it has expired");
	return jwt_claims_check(&who, err);
}

enum result token_take(const struct settings *s, struct json_t *order,
		       int64_t now_ms, struct error *err)
{
	const char *token = json_get_str(order, "token");
	struct json_t *header, *claims;
	enum result r;

	if (!token)
		return RESULT_OK;
	r = jwt_open(slice_of(token), slice_of(s->jwt_secret), &header, &claims,
		     err);
	if (r != RESULT_OK)
		return r;
	r = check(s, header, claims, now_ms, err);
	json_free(header);
	if (r == RESULT_OK)
		json_set(order, "jwt", claims);
	else
		json_free(claims);
	return r;
}
