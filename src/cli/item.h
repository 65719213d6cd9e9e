/*
 * Private to the commands: one job, journal entry or review, by its id.
 */
#ifndef REUNITE_CLI_ITEM_H
#define REUNITE_CLI_ITEM_H

#include "cli/cli.h"

/* As it was read; borrowed by the function that gets it. */
struct cli_item {
	struct cli *cli;
	const struct config *config;
	struct store *store;
	const struct account_config *account; /* whose it is */
	/* by the kind that was asked for */
	const struct job *job;
	const struct journal_entry *entry;
	const struct review *review;
};
typedef int cli_item_fn(const struct cli_item *item); /* its exit code */

/* Reads the thing that the first argument names (kind: STORE_JOBS,
 * STORE_JOURNAL or STORE_REVIEWS) and hands it to fn; the exit code. A thing
 * of an account that is not configured any more can only be shown: unless the
 * mode is STORE_READ, account is not NULL. */
MUST_CHECK int cli_item(struct cli *c, enum store_op_kind kind,
			enum store_mode mode, cli_item_fn *fn);

#endif
