/*
 * One stood-in account without any I/O: settings, people, tokens, limits.
 * The handlers of zendesk.h, sunco.h and oauth.h work on it, and so do tests.
 */
#ifndef REUNITE_SANDBOX_ACCOUNT_H
#define REUNITE_SANDBOX_ACCOUNT_H

#include <stdint.h>

#include "sandbox/jobs.h"
#include "sandbox/limits.h"
#include "sandbox/oauth.h"
#include "sandbox/registry.h"
#include "sandbox/settings.h"
#include "sandbox/state.h"

struct account {
	struct settings settings;
	struct state *state;
	struct tokens *tokens;
	struct jobs *jobs;
	struct limits limits;
	struct registry registry;
	char base_url[96]; /* "http://127.0.0.1:4711" */
};

void account_init(struct account *a, uint64_t first_id, uint32_t run);
void account_release(struct account *a);

#endif
