/*
 * OAuth client credentials: POST {zendesk_url}/oauth/tokens.
 *
 *	      oauth_token()            answer
 *	NONE ---------------> COMING ----------> READY
 *	 ^  ^                   | refused or none  |
 *	 |  +--- time ---- REFUSED <----- distrust-+
 *	 +------------ end, expire, other credentials
 *
 * One fetch at a time serves every request that waits. A refused fetch is not
 * repeated before HOLD_AUTH_MS (HOLD_TEMP_MS where there was no answer, or as
 * long as a 429 says); meanwhile every request ends the way the fetch did.
 *
 * Refuses tokens that are not printable ASCII or too long, and a token that
 * does not allow what the settings in force need: it would get a 403 for every
 * merge. What only notes need is not worth that; it is logged. Zendesk grants
 * scopes that it does not know without a word, and may refuse the whole wish
 * for one that the client may not have: then only what is needed is asked for.
 */
#include "oauth.h"

#include <stdlib.h>
#include <string.h>

#include "api_int.h"
#include "api_scopes.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
	TOKEN_MAX = 4096,
	REQUEST_MAX = 64 * 1024,
	MARGIN_MS = 60 * 1000,
	LIFE_UNTOLD_MS = 30 * 60 * 1000,
	HOLD_AUTH_MS = 10 * 1000,
	HOLD_TEMP_MS = 2 * 1000,
	HOLD_MAX_MS = 10 * 60 * 1000,
	DOUBT_MS = 30 * 1000, /* a token this young allows what can be had */
};

struct oauth {
	struct loop *loop;
	struct http_client *http;
	struct api_holds *holds;
	loop_fn *changed;
	void *changed_arg;
	void (*keep)(const char *token, int64_t expires_ms, void *arg);
	void *keep_arg;
	const struct api_config *config;
	uint8_t credentials[CRYPTO_SHA256_SIZE]; /* hash: have they changed? */
	struct loop_timer *ask;
	loop_fn *wanted; /* somebody else may have one; or NULL */
	void *wanted_arg;
	bool asked; /* likewise, and no answer yet */
	struct http_transfer *fetch;
	char *refused; /* the last token that was; NULL: none */
	char *token;
	int64_t expires_ms; /* wall clock */
	uint64_t generation;
	int64_t since_ms;      /* monotonic: the token's */
	unsigned missing;      /* bits of api_scope_rows[] that it
				lacks */
	bool scopes_known;     /* it said what it allows */
	bool narrow;	       /* ask only for what is needed */
	int64_t hold_until_ms; /* monotonic */
	struct api_result refusal;
};

static void ask_others(void *arg)
{
	struct oauth *o = arg;

	if (o->asked && o->wanted)
		o->wanted(o->wanted_arg);
}

struct oauth *oauth_new(struct loop *loop, struct http_client *http,
			struct api_holds *holds, loop_fn *changed, void *arg)
{
	struct oauth *o = xcalloc(1, sizeof(*o));

	o->loop = loop;
	o->http = http;
	o->holds = holds;
	o->changed = changed;
	o->changed_arg = arg;
	o->ask = loop_timer_new(loop, ask_others, o);
	return o;
}

static void token_forget(struct oauth *o)
{
	if (o->token)
		crypto_wipe(o->token, strlen(o->token));
	free(o->token);
	o->token = NULL;
	o->expires_ms = 0;
}

static void refused_forget(struct oauth *o)
{
	if (o->refused)
		crypto_wipe(o->refused, strlen(o->refused));
	free(o->refused);
	o->refused = NULL;
}

/* It is no good, wherever it is kept. */
static void token_refuse(struct oauth *o)
{
	if (o->token) {
		refused_forget(o);
		o->refused = o->token;
		o->token = NULL;
	}
	token_forget(o);
}

static void fetch_cancel(struct oauth *o)
{
	if (o->fetch)
		http_transfer_cancel(o->fetch);
	o->fetch = NULL;
}

void oauth_free(struct oauth *o)
{
	if (!o)
		return;
	fetch_cancel(o);
	token_forget(o);
	refused_forget(o);
	loop_timer_free(o->ask);
	free(o);
}

static void credentials_hash(const struct api_config *c,
			     uint8_t out[CRYPTO_SHA256_SIZE])
{
	struct buf b;

	buf_init(&b, REQUEST_MAX);
	buf_printf(&b, "%d\n%d\n%d\n%d\n%s\n%s\n%s", c->auth, c->purpose,
		   c->writes_users, c->writes_tickets, c->zendesk_url,
		   c->client_id ? c->client_id : "",
		   c->client_secret ? c->client_secret : "");
	crypto_sha256(b.data, b.len, out);
	crypto_wipe(b.data, b.len);
	buf_release(&b);
}

void oauth_configure(struct oauth *o, const struct api_config *c)
{
	uint8_t hash[CRYPTO_SHA256_SIZE];
	bool first = !o->config;

	o->config = c;
	credentials_hash(c, hash);
	if (!first && crypto_equal(hash, o->credentials, sizeof(hash)))
		return;
	memcpy(o->credentials, hash, sizeof(hash));
	oauth_try_again(o);
	fetch_cancel(o);
	token_forget(o);
}

void oauth_on_token(struct oauth *o,
		    void (*fn)(const char *token, int64_t expires_ms,
			       void *arg),
		    void *arg)
{
	o->keep = fn;
	o->keep_arg = arg;
}

static bool token_valid(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (len == 0 || len > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (s[i] <= ' ' || s[i] >= 127)
			return false;
	return true;
}

static bool token_take_over(struct oauth *o, const char *token,
			    int64_t expires_ms)
{
	token_forget(o);
	if (!token_valid(token))
		return false;
	o->token = xstrdup(token);
	o->expires_ms = expires_ms;
	o->generation++;
	o->since_ms = loop_now_ms(o->loop);
	o->scopes_known = false;
	o->missing = 0;
	o->hold_until_ms = 0;
	return true;
}

void oauth_set_token(struct oauth *o, const char *token, int64_t expires_ms)
{
	bool asked = o->asked;

	(void)token_take_over(o, token, expires_ms);
	o->asked = false;
	if (asked)
		o->changed(o->changed_arg);
}

void oauth_on_wanted(struct oauth *o, loop_fn *fn, void *arg)
{
	o->wanted = fn;
	o->wanted_arg = arg;
}

const char *oauth_refused(const struct oauth *o)
{
	return o->refused;
}

static void token_keep(struct oauth *o)
{
	if (o->keep)
		o->keep(o->token, o->expires_ms, o->keep_arg);
}

/* ---- the fetch ---- */

/* Until the hold ends, every request ends the way this did. */
static void refuse(struct oauth *o, const struct api_result *why)
{
	int64_t hold_ms = HOLD_AUTH_MS;

	if (why->result == RESULT_TEMP)
		hold_ms = HOLD_TEMP_MS;
	else if (why->result == RESULT_RATE && why->retry_after_ms > hold_ms)
		hold_ms = why->retry_after_ms < HOLD_MAX_MS
				  ? why->retry_after_ms
				  : HOLD_MAX_MS;
	o->refusal = *why;
	o->refusal.sent = false;
	error_set(&o->refusal.error, why->result, "access token: %s",
		  why->error.text);
	o->hold_until_ms = loop_now_ms(o->loop) + hold_ms;
}

static bool scope_asked(const struct oauth *o, const struct api_scope_row *s)
{
	return api_scope_wanted(o->config, s) && (s->needed || !o->narrow);
}

/* Which wanted scopes a token does not have, as bits; and the first of those
 * without which nothing can be done, or NULL. */
static const char *scopes_compare(const struct oauth *o, const char *granted,
				  unsigned *missing)
{
	const char *needed = NULL;

	*missing = 0;
	for (size_t i = 0; granted && i < api_scope_row_count; i++) {
		const struct api_scope_row *s = &api_scope_rows[i];

		if (!api_scope_wanted(o->config, s) ||
		    api_scope_granted(granted, s))
			continue;
		*missing |= 1u << i;
		if (s->needed && !needed)
			needed = s->name;
	}
	return needed;
}

/* Once, not with every token. */
static void scopes_warn(const struct oauth *o, unsigned missing)
{
	if (o->config->any_scope)
		return;
	for (size_t i = 0; i < api_scope_row_count; i++)
		if (missing & ~o->missing & 1u << i)
			log_warn("oauth_scope_missing",
				 log_str("account", o->config->account),
				 log_str("scope", api_scope_rows[i].name));
}

/* False: it says no, in r. */
static bool token_take(struct oauth *o, const struct json_t *json,
		       struct api_result *r)
{
	const char *token = json_get_str(json, "access_token");
	int64_t life_ms = json_get_int(json, "expires_in", 0);
	const char *granted = json_get_str(json, "scope");
	const char *needed;
	unsigned missing;

	if (!token_valid(token)) {
		r->result = error_set(&r->error, RESULT_TEMP,
				      "HTTP %d without a token", r->status);
		return false;
	}
	needed = scopes_compare(o, granted, &missing);
	if (needed && !o->config->any_scope) {
		r->forbidden = true;
		r->result = error_set(&r->error, RESULT_AUTH,
				      "the scope %s was not granted", needed);
		return false;
	}
	scopes_warn(o, missing);
	life_ms = life_ms > 0 && life_ms < INT32_MAX ? life_ms * 1000
						     : LIFE_UNTOLD_MS;
	life_ms -= life_ms / 2 < MARGIN_MS ? life_ms / 2 : MARGIN_MS;
	(void)token_take_over(o, token, loop_wall_ms(o->loop) + life_ms);
	o->scopes_known = granted != NULL;
	o->missing = missing;
	return true;
}

static void fetch_count(const struct oauth *o, const struct http_answer *a,
			enum result class)
{
	const char *api = api_name(API_ZENDESK);

	metric_add(metric_get(METRIC_API_REQUESTS, o->config->account, api,
			      "oauth_token", result_name(class)),
		   1);
	metric_observe(metric_get(METRIC_API_SECONDS, api, "oauth_token"),
		       (double)a->elapsed_us / 1e6);
}

static void fetch_start(struct oauth *o);

/* Asked for too much? */
static bool fetch_again(struct oauth *o, const struct json_t *json,
			struct api_result *r)
{
	if (r->result == RESULT_OK ||
	    !str_eq(json_get_str(json, "error"), "invalid_scope"))
		return false;
	r->forbidden = true;
	if (o->narrow)
		return false;
	o->narrow = true;
	fetch_start(o);
	return true;
}

static void fetch_judge(struct oauth *o, const struct json_t *json,
			struct api_result *r)
{
	if (r->result == RESULT_OK)
		token_take(o, json, r);
	/* a clean refusal, whatever its status, is about the credentials */
	else if (r->result != RESULT_TEMP && r->result != RESULT_RATE)
		r->result = RESULT_AUTH;
}

static void fetch_done(const struct http_answer *a, void *arg)
{
	struct oauth *o = arg;
	struct api_result r = {.api = API_ZENDESK, .call = "oauth_token"};
	struct json_t *json = api_answer_read(a, loop_wall_ms(o->loop), &r);
	bool again;

	o->fetch = NULL;
	fetch_judge(o, json, &r);
	fetch_count(o, a, r.result);
	again = fetch_again(o, json, &r);
	json_free(json);
	if (again)
		return;
	if (r.result == RESULT_OK) {
		o->narrow = false; /* the next one may have more */
		token_keep(o);
	} else {
		refuse(o, &r);
	}
	api_holds_learn(o->holds, &r, 0);
	o->changed(o->changed_arg);
}

static void fetch_body(const struct oauth *o, struct buf *out)
{
	const struct api_config *c = o->config;
	struct json_t *body = json_new_obj();
	struct buf scope;

	buf_init(&scope, REQUEST_MAX);
	for (size_t i = 0; i < api_scope_row_count; i++)
		if (scope_asked(o, &api_scope_rows[i]))
			buf_printf(&scope, "%s%s", scope.len > 0 ? " " : "",
				   api_scope_rows[i].name);
	json_set_str(body, "grant_type", "client_credentials");
	json_set_str(body, "client_id", c->client_id);
	json_set_str(body, "client_secret", c->client_secret);
	json_set_str(body, "scope", scope.data);
	json_write(body, out);
	buf_release(&scope);
	json_free(body);
}

static void fetch_start(struct oauth *o)
{
	static const char *const headers[] = {
		"Accept: application/json",
		"Content-Type: application/json",
	};
	struct buf url, text;
	struct http_call call = {
		.method = "POST",
		.headers = headers,
		.header_count = ARRAY_LEN(headers),
		.timeout_ms = o->config->timeout_ms,
		.once = true, /* not twice by libcurl either */
	};

	buf_init(&url, REQUEST_MAX);
	buf_init(&text, REQUEST_MAX);
	buf_printf(&url, "%s/oauth/tokens", o->config->zendesk_url);
	fetch_body(o, &text);
	call.url = url.data;
	call.body = (struct slice){text.data, text.len};
	o->fetch = http_client_send(o->http, &call, fetch_done, o);
	crypto_wipe(text.data, text.len);
	buf_release(&text);
	buf_release(&url);
}

void oauth_fetch(struct oauth *o)
{
	o->asked = false;
	if (!o->fetch)
		fetch_start(o);
}

/* ---- for the requests ---- */

enum oauth_state oauth_token(struct oauth *o, const char **token,
			     uint64_t *generation)
{
	if (o->token && loop_wall_ms(o->loop) < o->expires_ms) {
		*token = o->token;
		*generation = o->generation;
		return OAUTH_READY;
	}
	if (o->fetch || o->asked)
		return OAUTH_COMING;
	if (loop_now_ms(o->loop) < o->hold_until_ms)
		return OAUTH_REFUSED;
	o->asked = o->wanted != NULL;
	if (o->asked)
		loop_timer_set(o->ask, 0);
	else
		fetch_start(o);
	return OAUTH_COMING;
}

const struct api_result *oauth_refusal(const struct oauth *o)
{
	return &o->refusal;
}

void oauth_expire(struct oauth *o, uint64_t generation)
{
	if (!o->token || o->generation != generation)
		return;
	token_refuse(o);
	token_keep(o);
}

bool oauth_doubt(struct oauth *o, uint64_t generation)
{
	bool ours = o->token && o->generation == generation;

	if (ours && o->scopes_known &&
	    loop_now_ms(o->loop) - o->since_ms < DOUBT_MS)
		return false;
	oauth_expire(o, generation);
	return true;
}

void oauth_try_again(struct oauth *o)
{
	o->hold_until_ms = 0;
	o->narrow = false;
}

bool oauth_lacks_tickets(const struct oauth *o)
{
	for (size_t i = 0; i < api_scope_row_count; i++)
		if (!api_scope_rows[i].needed && o->missing & 1u << i)
			return true;
	return false;
}

void oauth_renew(struct oauth *o)
{
	token_refuse(o);
	token_keep(o);
}

void oauth_distrust(struct oauth *o, const struct api_result *why)
{
	token_refuse(o);
	token_keep(o);
	refuse(o, why);
}

/* ---- the client's ---- */

void api_client_set_token(struct api_client *c, const char *token,
			  int64_t expires_ms)
{
	oauth_set_token(api_client_oauth(c), token, expires_ms);
}

void api_client_renew_token(struct api_client *c)
{
	oauth_renew(api_client_oauth(c));
}

void api_client_on_token(struct api_client *c,
			 void (*fn)(const char *token, int64_t expires_ms,
				    void *arg),
			 void *arg)
{
	oauth_on_token(api_client_oauth(c), fn, arg);
}

void api_client_on_token_wanted(struct api_client *c, loop_fn *fn, void *arg)
{
	oauth_on_wanted(api_client_oauth(c), fn, arg);
}

const char *api_client_refused_token(const struct api_client *c)
{
	return oauth_refused(api_client_oauth(c));
}

void api_client_fetch_token(struct api_client *c)
{
	oauth_fetch(api_client_oauth(c));
}
