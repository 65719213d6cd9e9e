/*
 * Private to `reunite doctor`: what is registered for one account with the two
 * providers, and whether their secrets are the configuration's. What should be
 * there is core/registration.h's business.
 *
 * No secret is kept: only whether it is one of ours.
 */
#ifndef REUNITE_CLI_DOCTOR_HOOKS_H
#define REUNITE_CLI_DOCTOR_HOOKS_H

#include "api/registration.h"
#include "core/registration.h"
#include "doctor_net.h"

#define DOCTOR_HOOKS_MAX	16 /* of one account; more are not looked at */
#define DOCTOR_INTEGRATIONS_MAX 32

struct doctor_hooks;

/* A webhook that is this account's. */
struct doctor_hook {
	struct doctor_hooks *hooks;
	enum registration_part part;
	char *id;
	unsigned drift;
	struct doctor_call secret; /* Zendesk; SunCo's comes with it */
	bool ours;		   /* the secret is one of the configured */
};

struct doctor_hooks {
	struct doctor_net *net;
	const struct account_config *account;
	struct registration of;
	struct api_client *api; /* looks only */
	struct doctor_call webhooks, triggers, sunco;
	struct doctor_hook items[DOCTOR_HOOKS_MAX];
	size_t count;
	struct registered_trigger *rows;
	size_t row_count;
};

struct doctor_hooks *doctor_hooks_ask(struct doctor_net *n, struct loop *loop,
				      struct http_client *http,
				      const struct config *config,
				      const struct account_config *a);
void doctor_hooks_free(struct doctor_hooks *h); /* NULL is allowed */
/* The part's webhooks: one, rather one that is as it should be (NULL: there is
 * none), and how many. */
const struct doctor_hook *doctor_hooks_find(const struct doctor_hooks *h,
					    enum registration_part part,
					    size_t *count);

#endif
