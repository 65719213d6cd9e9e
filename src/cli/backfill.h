/*
 * Private to `reunite backfill`: what its ways have in common.
 */
#ifndef REUNITE_CLI_BACKFILL_H
#define REUNITE_CLI_BACKFILL_H

#include "backfill_tally.h"
#include "cli/cli.h"

/* The account that is meant; NULL: the error has been printed. */
const char *backfill_account(struct cli *c, const struct config *config);
/* --since as the walk begins: Zendesk tells nothing of the last minute. */
int64_t backfill_since_ms(const struct cli *c);
/* The command to type next, with the options that still count, quoted as a
 * shell wants it: *new* */
char *backfill_next(const struct cli *c, const char *options);

/* What is said at the end, of a dry run or of what was done. */
struct backfill_end {
	const char *account;
	bool applied;
	bool complete; /* else the limit was reached */
	int64_t scanned, found, known;
	struct tally *tally;
	const struct estimate *estimate; /* NULL: none */
	const struct policy_rules *rules;
	const char *report; /* file; NULL: none */
	const char *next;   /* command; NULL: none */
};
void backfill_print_end(struct cli *c, const struct backfill_end *e);

int backfill_dry(struct cli *c);
int backfill_apply(struct cli *c);
int backfill_stop(struct cli *c);
int backfill_status(struct cli *c);

#endif
