/*
 * Credentials: tokens by client credentials, a fixed bearer token, API
 * tokens; and what a token's scopes allow.
 */
#ifndef REUNITE_SANDBOX_OAUTH_H
#define REUNITE_SANDBOX_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

struct account;
struct answer;
struct call;
struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *t);
void tokens_revoke_all(struct tokens *t);

enum access { ACCESS_OK, ACCESS_UNKNOWN, ACCESS_FORBIDDEN };
/* authorization: the header's value or NULL. resource: "users", "tickets"; "":
 * nothing that takes a scope. */
enum access oauth_check_zendesk(const struct account *a,
				const char *authorization, const char *resource,
				bool write, int64_t now_ms);
bool oauth_check_sunco(const struct account *a, const char *authorization);

/* POST /oauth/tokens */
void oauth_token_create(const struct call *c, struct answer *out);
/* GET /api/v2/oauth/tokens/current */
void oauth_token_show(const struct call *c, struct answer *out);

#endif
