/*
 * The last events that Zendesk told of users, for whoever asks what an account
 * tells at all (`reunite probe`, somebody who sets up a subscription): their
 * types and whom they name, nothing else of them.
 *
 * In memory only, TIDINGS_MAX of all accounts, the newest ones. Owned by the
 * loop thread.
 */
#ifndef REUNITE_APP_TIDINGS_H
#define REUNITE_APP_TIDINGS_H

#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/job.h"

#define TIDINGS_MAX 256

struct tiding {
	char account[ACCOUNT_SIZE];
	const char *type; /* "user.merged"; static */
	uint64_t user_id; /* "detail" */
	uint64_t other_user_id;
	char sunco_id[SUNCO_ID_SIZE]; /* of a messaging identity, or "" */
	int64_t received_ms;
};

struct tidings;
struct tidings *tidings_new(void);
void tidings_free(struct tidings *t); /* NULL is allowed */
/* Keeps it if it is an event subscription's. */
void tidings_put(struct tidings *t, const char *account, const struct event *e,
		 int64_t now_ms);
/* The i-th of those kept, the oldest first, *borrowed*; NULL: no more. */
const struct tiding *tidings_at(const struct tidings *t, size_t i);

#endif
