/*
 * How many end users the account has, asked of Zendesk by a command.
 */
#ifndef REUNITE_CLI_HEAD_COUNT_H
#define REUNITE_CLI_HEAD_COUNT_H

#include "app/config.h"
#include "store/store.h"

struct head_count {
	enum result result;
	bool forbidden; /* 403 */
	struct error error;
	int64_t unverified, end_users;
};
/* Two requests in the lane backfill, with the token that the store has, if it
 * has one. */
void head_count_ask(struct store *store, const struct account_config *a,
		    struct head_count *out);

#endif
