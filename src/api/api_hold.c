/*
 * From answers to holds: which call is of which use, which class of an answer
 * is which trouble. The rules are core/hold's.
 */
#include "api_int.h"

#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "oauth.h"

static const struct {
	enum api api;
	const char *call;
	enum hold_use use;
} uses[] = {
	{API_ZENDESK, "oauth_token", HOLD_TOKEN},
	{API_ZENDESK, "user_get", HOLD_READ},
	{API_ZENDESK, "identities_list", HOLD_READ},
	{API_ZENDESK, "user_search", HOLD_SEARCH},
	{API_ZENDESK, "user_merge", HOLD_MERGE},
	{API_ZENDESK, "user_set_external_id", HOLD_WRITE},
	{API_ZENDESK, "user_set_name", HOLD_WRITE},
	{API_ZENDESK, "identity_add", HOLD_WRITE},
	{API_ZENDESK, "identity_verify", HOLD_WRITE},
	{API_SUNCO, "user_get", HOLD_READ},
};

static enum hold_use use_of(const struct api_result *r)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (uses[i].api == r->api && str_eq(uses[i].call, r->call))
			return uses[i].use;
	return HOLD_ASIDE;
}

static enum hold_reason trouble_of(const struct api_result *r)
{
	switch (r->result) {
	case RESULT_AUTH:
		return r->forbidden ? HOLD_FORBIDDEN : HOLD_CREDENTIALS;
	case RESULT_RATE:
		return HOLD_RATE_LIMITED;
	case RESULT_TEMP:
		return HOLD_UNREACHABLE;
	default:
		return HOLD_NONE; /* it had something to say about the request */
	}
}

void api_holds_learn(struct api_holds *h, struct api_result *r, uint64_t user)
{
	struct hold *hold = &h->hold[r->api];
	enum hold_reason was = hold->reason;
	struct error text;
	struct hold_answer a = {
		.use = use_of(r),
		.trouble = trouble_of(r),
		.user = user,
		.text = text.text,
	};
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	error_set(&text, r->result, "%s: %s", r->call, r->error.text);
	r->personal = hold_learn(hold, &a, loop_now_ms(h->loop),
				 loop_wall_ms(h->loop), dice);
	if (hold->reason != was && h->changed)
		h->changed(h->changed_arg);
}

int64_t api_holds_wait_ms(const struct api_holds *h)
{
	int64_t now_ms = loop_now_ms(h->loop);
	int64_t longest_ms = 0;

	for (enum api a = 0; a < API_COUNT; a++) {
		int64_t wait_ms = hold_wait_ms(&h->hold[a], now_ms);

		if (wait_ms > longest_ms)
			longest_ms = wait_ms;
	}
	return longest_ms;
}

/* The words begin with the call. */
static enum hold_use use_said(enum api api, const char *text)
{
	size_t len = text ? strcspn(text, ":") : 0;

	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (uses[i].api == api && strlen(uses[i].call) == len &&
		    !strncmp(uses[i].call, text, len))
			return uses[i].use;
	return HOLD_READ;
}

static enum hold_reason reason_named(const char *name)
{
	for (enum hold_reason r = HOLD_NONE + 1; r < HOLD_REASON_COUNT; r++)
		if (str_eq(hold_reason_name(r), name))
			return r;
	return HOLD_NONE;
}

/* ---- the client's ---- */

void api_client_told_hold(struct api_client *c, const struct api_told_hold *t)
{
	struct api_holds *h = api_client_holds(c);
	enum api api =
		str_eq(t->api, api_name(API_SUNCO)) ? API_SUNCO : API_ZENDESK;
	enum hold_reason why = reason_named(t->reason);
	enum hold_reason was[API_COUNT];
	bool changed = false;
	uint32_t dice;

	crypto_random(&dice, sizeof(dice));
	for (enum api a = 0; a < API_COUNT; a++) {
		was[a] = h->hold[a].reason;
		if (!why || a != api)
			hold_told_over(&h->hold[a], loop_now_ms(h->loop));
		else
			hold_told(&h->hold[a], use_said(api, t->text), why,
				  t->text ? t->text : "", t->since_ms,
				  loop_now_ms(h->loop), dice);
		changed = changed || h->hold[a].reason != was[a];
	}
	if (changed && h->changed)
		h->changed(h->changed_arg);
}

const struct hold *api_client_hold(struct api_client *c, enum api a)
{
	return &api_client_holds(c)->hold[a];
}

bool api_client_is_held(struct api_client *c)
{
	return api_client_hold(c, API_ZENDESK)->reason ||
	       api_client_hold(c, API_SUNCO)->reason;
}

int64_t api_client_hold_wait_ms(struct api_client *c)
{
	return api_holds_wait_ms(api_client_holds(c));
}

void api_holds_need_no_token(struct api_holds *h)
{
	struct api_result r = {.api = API_ZENDESK, .call = "oauth_token"};

	api_holds_learn(h, &r, 0);
}

void api_client_on_hold(struct api_client *c, void (*fn)(void *arg), void *arg)
{
	api_client_holds(c)->changed = fn;
	api_client_holds(c)->changed_arg = arg;
}

void api_client_try_again(struct api_client *c)
{
	for (enum api a = 0; a < API_COUNT; a++)
		hold_try_again(&api_client_holds(c)->hold[a]);
	oauth_try_again(api_client_oauth(c));
}

bool api_client_lacks_tickets(const struct api_client *c)
{
	return oauth_lacks_tickets(api_client_oauth(c));
}
