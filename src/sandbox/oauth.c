/*
 * Who may call: bearer tokens that were issued here and still live, the fixed
 * bearer token of the settings with its scopes, "address/token:api token", and
 * SunCo's key id and secret.
 *
 * A scope word that means nothing is granted like any other, and opens
 * nothing: that is how the platform does it.
 */
#include "sandbox/oauth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "sandbox/account.h"
#include "sandbox/call.h"
#include "sandbox/list.h"
#include "sandbox/words.h"

#define TOKEN_BYTES   20
#define EXPIRES_MIN_S 300
#define EXPIRES_MAX_S 172800
#define BASIC_MAX     1024
#define SCOPE_MAX     1024
#define BEARER	      "Bearer "

struct token {
	char text[2 * TOKEN_BYTES + 1];
	char *scope;
	int64_t expires_ms;
};

struct tokens {
	struct token *items;
	size_t count;
};

struct tokens *tokens_new(void)
{
	return xcalloc(1, sizeof(struct tokens));
}

void tokens_revoke_all(struct tokens *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->items[i].scope);
	t->count = 0;
}

void tokens_free(struct tokens *t)
{
	if (!t)
		return;
	tokens_revoke_all(t);
	free(t->items);
	free(t);
}

/* True when one of the words is "write" or "users:write" and the like. */
static bool scope_allows(const char *scope, const char *resource, bool write)
{
	const char *verb = write ? "write" : "read";
	char narrow[64];

	snprintf(narrow, sizeof(narrow), "%s:%s", resource, verb);
	return words_have(scope, ' ', verb) || words_have(scope, ' ', narrow);
}

/* What a token allows; NULL: it is none. */
static const char *scope_of(const struct account *a, const char *text,
			    int64_t now_ms)
{
	if (*text && str_eq(text, a->settings.bearer_token))
		return a->settings.bearer_scopes;
	for (size_t i = 0; i < a->tokens->count; i++) {
		const struct token *t = &a->tokens->items[i];

		if (str_eq(t->text, text) && t->expires_ms > now_ms)
			return t->scope;
	}
	return NULL;
}

static enum access check_bearer(const struct account *a, const char *text,
				const char *resource, bool write,
				int64_t now_ms)
{
	const char *scope = scope_of(a, text, now_ms);

	if (!scope)
		return ACCESS_UNKNOWN;
	return !*resource || scope_allows(scope, resource, write)
		       ? ACCESS_OK
		       : ACCESS_FORBIDDEN;
}

/* "user:password" of a Basic header: false if it is none. */
static bool basic_of(const char *authorization, char out[BASIC_MAX])
{
	struct slice text = slice_of(authorization);
	size_t len;

	if (text.len < 6 ||
	    !slice_eq_nocase((struct slice){text.ptr, 6}, SLICE("Basic ")))
		return false;
	text.ptr += 6;
	text.len -= 6;
	if (text.len >= BASIC_MAX || !crypto_base64_decode(text, out, &len))
		return false;
	out[len] = '\0';
	return true;
}

static bool ends_with(const char *s, const char *end)
{
	size_t a = strlen(s);
	size_t b = strlen(end);

	return a > b && strcmp(s + a - b, end) == 0;
}

static enum access check_api_token(const struct account *a, const char *pair)
{
	char end[BASIC_MAX];

	snprintf(end, sizeof(end), "/token:%s", a->settings.api_token);
	if (a->settings.api_tokens_accepted && *a->settings.api_token &&
	    ends_with(pair, end))
		return ACCESS_OK;
	return ACCESS_UNKNOWN;
}

enum access oauth_check_zendesk(const struct account *a,
				const char *authorization, const char *resource,
				bool write, int64_t now_ms)
{
	char pair[BASIC_MAX];

	if (!authorization)
		return ACCESS_UNKNOWN;
	if (str_starts(authorization, BEARER))
		return check_bearer(a, authorization + strlen(BEARER), resource,
				    write, now_ms);
	if (basic_of(authorization, pair))
		return check_api_token(a, pair);
	return ACCESS_UNKNOWN;
}

bool oauth_check_sunco(const struct account *a, const char *authorization)
{
	char pair[BASIC_MAX];
	char want[BASIC_MAX];

	if (!authorization || !basic_of(authorization, pair))
		return false;
	snprintf(want, sizeof(want), "%s:%s", a->settings.sunco_key_id,
		 a->settings.sunco_key_secret);
	return str_eq(pair, want);
}

static void refuse(struct answer *out, int status, const char *error,
		   const char *description)
{
	struct json_t *body = json_new_obj();

	json_set_str(body, "error", error);
	json_set_str(body, "error_description", description);
	call_ok(out, status, body);
}

static struct token *token_add(struct tokens *t, const char *scope,
			       int64_t expires_ms)
{
	struct token fresh = {.scope = xstrdup(scope),
			      .expires_ms = expires_ms};
	uint8_t bytes[TOKEN_BYTES];

	crypto_random(bytes, sizeof(bytes));
	crypto_hex(bytes, sizeof(bytes), fresh.text);
	LIST_PUSH(t->items, t->count, fresh);
	return &t->items[t->count - 1];
}

/* What of the wish the client may have. False: it asks for more, and that is
 * an error. */
static bool may_have(const struct settings *s, const char *wish,
		     struct buf *out)
{
	bool all = true;

	while (*wish) {
		size_t n = strcspn(wish, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)n, wish);
		if (!*s->oauth_scopes || words_have(s->oauth_scopes, ' ', word))
			buf_printf(out, "%s%s", out->len > 0 ? " " : "", word);
		else
			all = false;
		wish += n;
		wish += strspn(wish, " ");
	}
	return all || !s->oauth_refuses_scopes;
}

static void grant(const struct call *c, const char *scope, int64_t expires_s,
		  struct answer *out)
{
	struct json_t *body = json_new_obj();
	const struct token *t = token_add(c->account->tokens, scope,
					  c->now_ms + expires_s * 1000);

	json_set_str(body, "access_token", t->text);
	json_set_str(body, "token_type", "bearer");
	json_set_str(body, "scope", scope);
	json_set_int(body, "expires_in", expires_s);
	out->applied = true;
	call_ok(out, 201, body);
}

static void grant_wish(const struct call *c, const char *wish,
		       int64_t expires_s, struct answer *out)
{
	struct buf scope;

	buf_init(&scope, SCOPE_MAX);
	if (may_have(&c->account->settings, wish, &scope))
		grant(c, scope.data, expires_s, out);
	else
		refuse(out, 400, "invalid_scope",
		       "The requested scope is invalid.");
	buf_release(&scope);
}

void oauth_token_create(const struct call *c, struct answer *out)
{
	const struct settings *s = &c->account->settings;
	const char *scope = json_get_str(c->body, "scope");
	bool given = json_get(c->body, "expires_in") != NULL;
	int64_t expires_s = json_get_int(c->body, "expires_in", 0);

	if (!str_eq(json_get_str(c->body, "grant_type"),
		    "client_credentials")) {
		refuse(out, 400, "unsupported_grant_type",
		       "Only client_credentials is known here.");
	} else if (!str_eq(json_get_str(c->body, "client_id"),
			   s->oauth_client_id) ||
		   !str_eq(json_get_str(c->body, "client_secret"),
			   s->oauth_client_secret)) {
		refuse(out, 401, "invalid_client",
		       "Client authentication failed.");
	} else if (given &&
		   (expires_s < EXPIRES_MIN_S || expires_s > EXPIRES_MAX_S)) {
		refuse(out, 400, "invalid_request",
		       "expires_in is out of range.");
	} else {
		grant_wish(c, scope ? scope : "read",
			   given ? expires_s : s->oauth_expires_in, out);
	}
}

static struct json_t *scope_list(const char *scope)
{
	struct json_t *list = json_new_arr();

	while (*scope) {
		size_t n = strcspn(scope, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)n, scope);
		json_push(list, json_new_str(word));
		scope += n;
		scope += strspn(scope, " ");
	}
	return list;
}

void oauth_token_show(const struct call *c, struct answer *out)
{
	const char *text = str_starts(c->authorization, BEARER)
				   ? c->authorization + strlen(BEARER)
				   : "";
	const char *scope = scope_of(c->account, text, c->now_ms);
	struct json_t *body, *token;

	if (!scope) { /* an API token is no token of OAuth */
		call_not_found(out);
		return;
	}
	body = json_new_obj();
	token = json_new_obj();
	json_set(token, "scopes", scope_list(scope));
	json_set(body, "token", token);
	call_ok(out, 200, body);
}
