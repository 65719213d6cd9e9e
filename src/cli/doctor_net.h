/*
 * Private to `reunite doctor`: what it hears over the network.
 *
 * Everything is asked first, all at the same time, and judged afterwards, in
 * the order of the screen. Requests only read; each has a deadline, and so has
 * the whole. Nothing that an answer held of people or secrets is kept.
 */
#ifndef REUNITE_CLI_DOCTOR_NET_H
#define REUNITE_CLI_DOCTOR_NET_H

#include "api/access.h"
#include "app/config.h"
#include "core/remote_clock.h"
#include "net/http_client.h"

#define DOCTOR_HOSTS_MAX 2 /* of an account: Zendesk's and SunCo's */

struct doctor_net;

/* A scheme, host and port. */
struct doctor_host {
	struct doctor_net *net;
	char *origin;
	bool ended;
	enum result result;
	int status;
	struct error error;
	struct http_sight sight;
	struct remote_clock clock;
	int64_t asked_ms;
};

/* One call, or several that are one for whoever judges: how the worst ended,
 * once all did. */
struct doctor_call {
	bool asked, ended;
	int open;
	struct api_result result;
};
void doctor_call_begin(struct doctor_net *n, struct doctor_call *c);
/* r NULL: it ended, and that says nothing. */
void doctor_call_end(struct doctor_net *n, struct doctor_call *c,
		     const struct api_result *r);

struct doctor_hooks;
struct doctor_upstream {
	struct doctor_net *net;
	const struct account_config *account;
	struct api_client *api;
	struct doctor_host *hosts[DOCTOR_HOSTS_MAX]; /* no one twice */
	size_t host_count;
	struct doctor_call user, scopes, app;
	char role[16];
	char *granted;		    /* NULL: not known */
	struct doctor_hooks *hooks; /* what is registered */
};

/* Asks everybody whom the account concerns (only NULL: all of them), and waits
 * for the answers: DOCTOR_WAIT_MS at most. *new* */
#define DOCTOR_WAIT_MS	  20000
#define DOCTOR_REQUEST_MS 8000
struct doctor_net *doctor_net_ask(const struct config *config,
				  const char *only);
void doctor_net_free(struct doctor_net *n); /* NULL is allowed */
const struct doctor_upstream *doctor_net_account(const struct doctor_net *n,
						 const char *account);
/* Where the providers reach us; NULL: no public_url is set. */
const struct doctor_host *doctor_net_public(const struct doctor_net *n);

#endif
