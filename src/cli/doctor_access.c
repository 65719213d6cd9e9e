/*
 * `reunite doctor`: an account's credentials, what they may, and its limit.
 *
 * What an API did not answer is told once, by the first check that wanted it;
 * those behind it only say that they do not know.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "doctor.h"
#include "doctor_hooks.h"

#define DAY_MS		INT64_C(86400000)
#define API_TOKENS_STOP "2027-04-30T00:00:00Z"
#define TOKEN_SOON_DAYS 30
#define SHARED_SIZE	48

bool doctor_answered(struct doctor *d, const struct doctor_call *call,
		     enum api a)
{
	static const char *const names[] = {"Zendesk",
					    "Sunshine Conversations"};
	const struct doctor_upstream *u = d->upstream;
	const struct api_result *r = &call->result;
	bool reached =
		u->hosts[a == API_SUNCO ? u->host_count - 1 : 0]->sight.stage ==
		HTTP_STAGE_DONE;

	if (call->ended && r->result != RESULT_TEMP && r->result != RESULT_RATE)
		return true;
	doctor_say(d, reached ? DOCTOR_UNAVAILABLE : DOCTOR_WARNING,
		   call->ended && r->result == RESULT_RATE
			   ? "try again in a minute"
			   : "see what is said of its host, and "
			     "https://status.zendesk.com",
		   "not known, since %s did not answer: %s", names[a],
		   call->ended ? r->error.text : "no answer in time");
	return false;
}

/* ---- Zendesk ---- */

static const char *credentials_name(const struct account_config *a)
{
	static const char *const names[] = {
		[ZENDESK_OAUTH] = "the OAuth client",
		[ZENDESK_BEARER] = "the bearer token",
		[ZENDESK_API_TOKEN] = "the API token",
	};

	return names[a->zendesk_auth];
}

static const char *credentials_mend(const struct account_config *a)
{
	static const char *const mends[] = {
		[ZENDESK_OAUTH] = "set zendesk_client_id (the client's unique "
				  "identifier) and zendesk_client_secret, of "
				  "a confidential client in Zendesk's Admin "
				  "Center > Apps and integrations > APIs",
		[ZENDESK_BEARER] = "set zendesk_token to a token that is "
				   "still good",
		[ZENDESK_API_TOKEN] = "set zendesk_email and zendesk_token, "
				      "or better zendesk_auth = \"oauth\"",
	};

	return mends[a->zendesk_auth];
}

static void say_role(struct doctor *d)
{
	const char *who = credentials_name(d->account);
	const char *role = d->upstream->role;

	if (str_eq(role, "admin"))
		doctor_say(d, DOCTOR_OK, NULL, "%s is an admin's", who);
	else if (str_eq(role, "end-user"))
		doctor_say(d, DOCTOR_PROBLEM, "let an admin own it",
			   "%s is an end user's, who may not search or merge",
			   who);
	else
		doctor_say(d, DOCTOR_WARNING, "let an admin own it",
			   "%s is an agent's: sweep and backfill take an admin",
			   who);
}

static void check_credentials(struct doctor *d)
{
	const struct doctor_call *call = &d->upstream->user;

	if (!doctor_answered(d, call, API_ZENDESK))
		return;
	if (call->result.result == RESULT_OK)
		say_role(d);
	else
		doctor_say(d, DOCTOR_PROBLEM, credentials_mend(d->account),
			   "Zendesk refuses %s: %s",
			   credentials_name(d->account),
			   call->result.error.text);
}

#define GRANT                                                                  \
	"let the OAuth client have this scope (Admin Center > Apps and "       \
	"integrations > APIs > OAuth clients)"

static void check_scopes(struct doctor *d)
{
	const struct doctor_upstream *u = d->upstream;
	struct api_scope scopes[API_SCOPES_MAX];
	struct api_config config;
	size_t count, good = 0;

	if (!u->granted && u->scopes.asked &&
	    u->user.result.result == RESULT_OK)
		doctor_say(d, DOCTOR_WARNING, NULL, "not known: %s",
			   u->scopes.ended ? u->scopes.result.error.text
					   : "no answer in time");
	if (!u->granted)
		return;
	config_api(d->account, &config);
	count = api_scopes(&config, u->granted, scopes);
	for (size_t i = 0; i < count; i++)
		if (!scopes[i].granted)
			doctor_say(d,
				   scopes[i].needed ? DOCTOR_PROBLEM
						    : DOCTOR_WARNING,
				   GRANT, "%s is not granted", scopes[i].name);
		else
			good++;
	if (good == count)
		doctor_say(d, DOCTOR_OK, NULL,
			   "all %zu that the settings take are granted", count);
}

/* developer.zendesk.com/documentation/authentication/oauth-migration */
void doctor_check_api_token(struct doctor *d)
{
	static const char mend[] = "make a confidential OAuth client, and set "
				   "zendesk_auth = \"oauth\"";
	int64_t stop_ms = 0, days;

	(void)clock_parse_iso8601(SLICE(API_TOKENS_STOP), &stop_ms);
	days = (stop_ms - d->cli->now_ms) / DAY_MS;
	if (d->account->zendesk_auth != ZENDESK_API_TOKEN)
		doctor_say(d, DOCTOR_OK, NULL,
			   "none is used; Zendesk ends them on 30 April 2027");
	else if (days <= 0)
		doctor_say(d, DOCTOR_PROBLEM, mend,
			   "Zendesk ended API tokens on 30 April 2027");
	else
		doctor_say(d,
			   days < TOKEN_SOON_DAYS ? DOCTOR_PROBLEM
						  : DOCTOR_WARNING,
			   mend,
			   "Zendesk ends API tokens on 30 April 2027, in %lld "
			   "days",
			   (long long)days);
}

/* ---- Sunshine Conversations ---- */

static void check_sunco(struct doctor *d)
{
	const struct doctor_call *call = &d->upstream->app;
	const char *text = call->result.error.text;

	if (!doctor_answered(d, call, API_SUNCO))
		return;
	if (call->result.result == RESULT_OK)
		doctor_say(d, DOCTOR_OK, NULL,
			   "the key is good for the app, and may read users");
	else if (call->result.result == RESULT_NOTFOUND)
		doctor_say(d, DOCTOR_PROBLEM,
			   "set sunco_app_id to the app's id (Admin Center > "
			   "Apps and integrations > Conversations API)",
			   "there is no such app: %s", text);
	else if (call->result.forbidden)
		doctor_say(d, DOCTOR_PROBLEM,
			   "make a key of this very app, and set sunco_key_id "
			   "and sunco_key_secret",
			   "the key may not read the app's users: %s", text);
	else
		doctor_say(d, DOCTOR_PROBLEM,
			   "set sunco_key_id and sunco_key_secret to those of "
			   "a key that is there (Admin Center > Apps and "
			   "integrations > Conversations API)",
			   "the key is refused: %s", text);
}

/* ---- the limit ---- */

#define SET_RATE                                                               \
	"set requests_per_minute to 0, to what Zendesk tells, or have the "    \
	"account's limit raised"

static void say_budget(struct doctor *d, const struct budget *b)
{
	const struct account_config *a = d->account;
	int64_t reserve = b->limit * a->reserve_percent / 100;
	bool scarce = b->remaining < reserve;
	char shared[SHARED_SIZE] = "";

	if (d->node_count > 1)
		snprintf(shared, sizeof(shared), ", shared by %zu nodes",
			 d->node_count);
	doctor_say(d, scarce ? DOCTOR_WARNING : DOCTOR_OK,
		   scarce ? "which other integration takes so many? a lower "
			    "reserve_percent gives reunite more of the rest"
			  : NULL,
		   "%lld requests a minute, %lld left now; %lld (%lld %%) "
		   "kept for others, so at most %lld for reunite%s",
		   (long long)b->limit, (long long)b->remaining,
		   (long long)reserve, (long long)a->reserve_percent,
		   (long long)(b->limit - reserve), shared);
	if (a->requests_per_minute > b->limit)
		doctor_say(d, DOCTOR_WARNING, SET_RATE,
			   "requests_per_minute is %lld, which is more than "
			   "Zendesk allows",
			   (long long)a->requests_per_minute);
}

static void check_budget(struct doctor *d)
{
	const struct budget *b = api_client_budget(d->upstream->api);

	if (b->limit == 0) /* not every answer tells */
		b = api_client_budget(d->upstream->hooks->api);
	if (b->limit > 0)
		say_budget(d, b);
	else if (d->upstream->user.result.result == RESULT_OK &&
		 d->account->requests_per_minute == 0)
		doctor_say(d, DOCTOR_WARNING,
			   "set requests_per_minute to what the account's "
			   "plan has",
			   "Zendesk's answers tell no limit");
}

const struct doctor_check doctor_access_checks[] = {
	{"credentials", check_credentials},
	{"scopes", check_scopes},
	{"sunco", check_sunco},
	{"budget", check_budget},
};
const size_t doctor_access_check_count = ARRAY_LEN(doctor_access_checks);
