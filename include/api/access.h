/*
 * Who an account's credentials are, and what they may.
 *
 * Sources: Zendesk Support API, Users (Show Self), OAuth Tokens (Show Current
 * Token); Sunshine Conversations API v2, Users. Every callback comes exactly
 * once, on the loop, never from inside the call; values are borrowed for it.
 * Cancel with api_cancel().
 */
#ifndef REUNITE_API_ACCESS_H
#define REUNITE_API_ACCESS_H

#include "api/api_client.h"

#define API_SCOPES_MAX 8

struct api_scope {
	const char *name; /* static */
	bool needed;	  /* without it nothing can be done */
	bool granted;
};
/* The scopes that an account takes as it is set, and which of them `granted`
 * holds (separated by blanks; "read" holds every ":read"). Their number. */
size_t api_scopes(const struct api_config *c, const char *granted,
		  struct api_scope out[API_SCOPES_MAX]);

/* GET /api/v2/users/me: as whom requests are made: "admin", "agent" or
 * "end-user"; NULL unless OK. That it is nobody is RESULT_AUTH, whatever the
 * status. */
typedef void access_user_done(const struct api_result *r, const char *role,
			      void *arg);
struct api_request *access_user(struct api_client *c, enum job_lane lane,
				access_user_done *done, void *arg);

/* GET /api/v2/oauth/tokens/current: what the token allows, separated by blanks;
 * NULL unless OK. Not for API tokens, which have no scopes. */
typedef void access_scopes_done(const struct api_result *r, const char *scopes,
				void *arg);
struct api_request *access_scopes(struct api_client *c, enum job_lane lane,
				  access_scopes_done *done, void *arg);

/* GET /v2/apps/{app}/users/{nobody's id}: OK when that one is said not to be
 * there, which takes a key that works and is the app's. RESULT_NOTFOUND: the
 * app is not. */
typedef void access_app_done(const struct api_result *r, void *arg);
struct api_request *access_app(struct api_client *c, enum job_lane lane,
			       access_app_done *done, void *arg);

#endif
