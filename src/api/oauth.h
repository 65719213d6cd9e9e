/*
 * One access token by OAuth client credentials, shared by all requests of an
 * account.
 */
#ifndef REUNITE_API_OAUTH_H
#define REUNITE_API_OAUTH_H

#include "api/api_client.h"
#include "api_int.h"

struct oauth;

/* changed() runs when a fetch ended, well or badly; never from inside. holds:
 * borrowed, learns how fetches end. */
struct oauth *oauth_new(struct loop *loop, struct http_client *http,
			struct api_holds *holds, loop_fn *changed, void *arg);
void oauth_free(struct oauth *o); /* NULL is allowed */
/* Other credentials than before end the token; c is borrowed until the next
 * call. */
void oauth_configure(struct oauth *o, const struct api_config *c);
void oauth_on_token(struct oauth *o,
		    void (*fn)(const char *token, int64_t expires_ms,
			       void *arg),
		    void *arg);
/* See api_client_on_token_wanted(). */
void oauth_on_wanted(struct oauth *o, loop_fn *fn, void *arg);
const char *oauth_refused(const struct oauth *o);
void oauth_fetch(struct oauth *o);
void oauth_set_token(struct oauth *o, const char *token, int64_t expires_ms);

enum oauth_state {
	OAUTH_READY,   /* *token is borrowed until the next turn */
	OAUTH_COMING,  /* being fetched: changed() will come */
	OAUTH_REFUSED, /* see oauth_refusal() */
};
/* generation: which token it is, for the two calls below; never 0. */
enum oauth_state oauth_token(struct oauth *o, const char **token,
			     uint64_t *generation);
const struct api_result *oauth_refusal(const struct oauth *o);
/* A request with that token got 401: the next one fetches a new token. */
void oauth_expire(struct oauth *o, uint64_t generation);
/* A request with that token got 403. True: another token may be allowed more
 * (this one is old, or what it allows is not known); the next one fetches it. */
bool oauth_doubt(struct oauth *o, uint64_t generation);
/* The next request fetches a new token. */
void oauth_renew(struct oauth *o);
/* A request got 401 with a token just fetched, too: nothing is fetched for a
 * while, everything is refused. */
void oauth_distrust(struct oauth *o, const struct api_result *why);
/* What was refused may be asked for again at once. */
void oauth_try_again(struct oauth *o);
/* The token does not allow what notes on tickets take. */
bool oauth_lacks_tickets(const struct oauth *o);

#endif
