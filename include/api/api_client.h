/*
 * Requests to one account's two APIs: credentials, JSON, result classes,
 * rate limits. api/zendesk.h and api/sunco.h are the calls themselves.
 *
 * Zendesk: OAuth client credentials (POST /oauth/tokens, token kept and
 * refreshed a minute before it ends and once on a 401), a bearer token, or an
 * API token (basic, "email/token:token"). SunCo: basic, key id and secret.
 *
 * Classes: 2xx OK · 404 NOTFOUND (InvalidEndpoint: AUTH) · 401, 403, and a GET
 * that is answered as to "Anonymous user" AUTH ·
 * 429 RATE · 409 CONFLICT · 408, 3xx, 5xx, no or broken answer: TEMP · 422,
 * 400 and every other 4xx PERM. What is not JSON (an HTML page of a front, a
 * truncated text) is not an answer of the API: TEMP, whatever its status but
 * 429. Nothing is retried here except a clean 401 under OAuth, once.
 *
 * Limits: the account's (core/budget.h), those of single endpoints
 * (core/endpoint.h: what is used up there holds up nothing else), and SunCo's,
 * which are not published: at most API_SUNCO_OPEN_MAX at the same time, half
 * as many after each 429 and one more again after as many answers, and
 * nothing for a time that doubles (core/throttle.h).
 *
 * Reads of users that the limits hold back are made together: when the next
 * one's turn comes it takes along all that would have to wait on (show_many,
 * up to API_BATCH_MAX). None waits for that; what the answer leaves out, and
 * all of it if it fails, is read one by one.
 *
 * A request that the limits hold back waits in its lane (live before review
 * before backfill); where it would have to wait longer than API_QUEUE_MAX_MS
 * (API_QUEUE_ONCE_MS with `once`: what it rests on grows old) it ends as
 * RATE, not sent, with how long it would have been. Where it had to wait that
 * long for a token, it ends as TEMP, not sent.
 */
#ifndef REUNITE_API_API_CLIENT_H
#define REUNITE_API_API_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/budget.h"
#include "core/endpoint.h"
#include "core/hold.h"
#include "core/job.h"
#include "core/stake.h"
#include "net/http_client.h"

#define API_TIMEOUT_MS	  30000 /* of a request, as the configuration has it */
#define API_QUEUE_MAX_MS  20000
#define API_QUEUE_ONCE_MS 5000
/* Users of one request: a page of identities (100) has to hold all of theirs. */
#define API_BATCH_MAX	   25
#define API_SUNCO_OPEN_MAX 4 /* half of the connections to a host */

enum api { API_ZENDESK, API_SUNCO, API_COUNT };
const char *api_name(enum api a);
enum zendesk_auth { ZENDESK_OAUTH, ZENDESK_BEARER, ZENDESK_API_TOKEN };
/* What for, as oauth asks for scopes: the daemon's work, looking at webhooks
 * and triggers, changing them. A token of one is not good for another. */
enum api_purpose { API_WORK, API_LOOK, API_REGISTER };

struct api_config {
	const char *account;
	const char *zendesk_url; /* no slash at the end */
	enum zendesk_auth auth;
	const char *client_id, *client_secret; /* oauth */
	const char *token, *email;
	const char *sunco_url, *sunco_app_id, *sunco_key_id, *sunco_key_secret;
	int64_t requests_per_minute; /* 0: learn */
	int64_t reserve_percent;
	int64_t timeout_ms; /* per request */
	enum api_purpose purpose;
	/* what oauth asks for beside reading, for API_WORK */
	bool writes_users;   /* without it nothing is done at all */
	bool writes_tickets; /* notes and tags: without it only they suffer */
	/* A token is taken though it lacks some: for whoever wants to know
	 * which (api/access.h). */
	bool any_scope;
};

struct api_client;
/* Copies the config. */
struct api_client *api_client_new(struct loop *loop, struct http_client *http,
				  const struct api_config *config);
/* Cancels what is open. Allowed from inside a callback. */
void api_client_free(struct api_client *c);
/* The Date of the last answer that had one, and how long ago that was; false:
 * none had. */
bool api_client_date(const struct api_client *c, int64_t *date_ms,
		     int64_t *age_ms);
/* New credentials, limits and URLs for later requests (SIGHUP). */
void api_client_reconfigure(struct api_client *c,
			    const struct api_config *config);
/* A token from an earlier life, and where to keep a new one (NULL, 0: the
 * old one was refused). expires_ms: wall clock, until when to use it. */
void api_client_set_token(struct api_client *c, const char *token,
			  int64_t expires_ms);
/* Forgets the token: it may be from before a scope was wanted. */
void api_client_renew_token(struct api_client *c);
void api_client_on_token(struct api_client *c,
			 void (*fn)(const char *token, int64_t expires_ms,
				    void *arg),
			 void *arg);
/* For one of several nodes: asked instead of fetching a token, never from inside
 * a call. Answer with a token that is not the refused one (or NULL), which may
 * be another node's, or fetch. */
void api_client_on_token_wanted(struct api_client *c, loop_fn *fn, void *arg);
const char *api_client_refused_token(const struct api_client *c);
void api_client_fetch_token(struct api_client *c);

const struct budget *api_client_budget(struct api_client *c);
/* Other nodes use the account: its limits are shared with them (core/stake.h).
 * needed is called when something waits and nothing of the limit is ours. */
void api_client_share(struct api_client *c, loop_fn *needed, void *arg);
/* What the others are to know; false: nothing. refused_ms: for how long
 * nothing may be sent. */
struct api_stake {
	struct stake_row row;
	int64_t at_once;
	int64_t refused_ms[API_COUNT];
	size_t sharers; /* nodes, with this one */
};
bool api_client_stake(struct api_client *c, struct api_stake *out);
/* As it was settled; asked at since_ms (monotonic). */
void api_client_settle(struct api_client *c, const struct api_stake *s,
		       int64_t since_ms);
/* When a live request may go, by the limits and by the holds; 0: now. For
 * whoever begins work: nothing here keeps a request back because of a hold. */
int64_t api_client_wait_ms(struct api_client *c);
/* Nothing of Zendesk's limit is missed now: no request waits, no hold, and half
 * of what may go at once is there. */
bool api_client_has_plenty(struct api_client *c);
/* How many jobs the limit can carry at the same time. */
int64_t api_client_jobs_max(struct api_client *c);
/* What the answers of the API say about the account as a whole (core/hold.h);
 * fn is called when that began, changed or ended, never from inside a call. */
const struct hold *api_client_hold(struct api_client *c, enum api a);
bool api_client_is_held(struct api_client *c); /* one API or both */
/* How long the holds alone say to make no attempt; 0: now, or not held. */
int64_t api_client_hold_wait_ms(struct api_client *c);
void api_client_on_hold(struct api_client *c, void (*fn)(void *arg), void *arg);
/* Another node's hold of the account, as it is known by now; reason NULL: there
 * is none. fn of api_client_on_hold() may be called. */
struct api_told_hold {
	const char *reason, *api, *text;
	int64_t since_ms; /* wall clock */
};
void api_client_told_hold(struct api_client *c, const struct api_told_hold *t);
/* Something was mended, perhaps: a held account is tried at once. */
void api_client_try_again(struct api_client *c);
/* OAuth gave a token that does not allow notes on tickets. */
bool api_client_lacks_tickets(const struct api_client *c);

/* How a call ended; borrowed for the callback. */
struct json_t;
struct api_result {
	enum result result;
	enum api api;
	const char *call; /* "user_get", ... static */
	bool sent;	  /* not OK: it may have taken effect; a clean 4xx has
			     not */
	bool late;	  /* TEMP: not sent, because of api_send_by() */
	int status;	  /* HTTP, 0: no answer */
	int calls;	  /* requests that reached the API for it */
	int64_t retry_after_ms; /* RATE: as told, -1 not told */
	bool forbidden;		/* 403, or not in this plan: known, but not
				   allowed to do this */
	bool personal;	/* forbidden, but only about this user: others are
			  allowed */
	bool duplicate; /* 400, 409, 422: the value is somebody else's */
	bool mentions_external_id; /* likewise: external ids are the reason */
	struct error error; /* what the API said, cut, without personal data:
			       only its error codes, never its sentences */
};

/* One request, for zendesk.c, sunco.c and oauth.c. */
struct api_call {
	enum api api;
	const char *name; /* static; the metric's label */
	const char *method;
	/* copied; query included, already escaped; NULL (it grew too long) or
	 * over 16 KiB with the URL: PERM */
	const char *path;
	uint64_t user; /* whom it is about; 0: nobody in particular */
	/* Reads that user, with identities and organizations: while the limits
	 * hold it back, one request may read many (api_batch.c). The answer's
	 * "many" says so. */
	bool shareable;
	struct json_t *body; /* *taken*, or NULL */
	enum job_lane lane;
	bool once; /* must not be repeated */
	enum endpoint endpoint;
	uint64_t object; /* the user's or ticket's id, where each has a limit;
			    else 0 */
};
struct api_request;
/* json: the answer's body, borrowed; of a refusal, too; NULL if none. */
typedef void api_done(const struct api_result *r, const struct json_t *json,
		      void *arg);
struct api_request *api_send(struct api_client *c, const struct api_call *call,
			     api_done *done, void *arg);
/* It is not sent after that moment of clock_boot_ms(), but ends as TEMP, not
 * sent and late, which says nothing of the API. To be called where it was
 * made: it has not gone then. */
void api_send_by(struct api_request *q, int64_t boot_ms);
/* The callback will not come; a request on the wire may still take effect. */
void api_cancel(struct api_request *q);

#endif
