/*
 * Private to `reunite doctor`: what its checks share.
 *
 * A check is a row { name, function }. It says one finding or more with
 * doctor_say(): how it stands, in one sentence, and what mends it. Checks
 * read the configuration, files and the store; none changes anything.
 */
#ifndef REUNITE_CLI_DOCTOR_H
#define REUNITE_CLI_DOCTOR_H

#include "cli/cli.h"

enum doctor_level { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

struct doctor {
	struct cli *cli;
	const struct config *config;
	struct store *store; /* NULL: there is none to read */
	const char *check;   /* under way */
	/* of the check under way; NULL: about the whole */
	const struct account_config *account;
	struct store_stats stats; /* the account's, with detail */
	struct store_account row; /* likewise */
	bool problem;		  /* some finding is one */
};

struct doctor_check {
	const char *name;
	void (*run)(struct doctor *d);
};

/* mend: what to do about it, or NULL; NAME in it becomes the account's. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *mend,
		const char *fmt, ...) PRINTF_LIKE(4, 5);

#define DOCTOR_AGE_SIZE 24
/* "40 s", "3 h": since then, or until then. */
const char *doctor_age(const struct doctor *d, int64_t wall_ms,
		       char out[DOCTOR_AGE_SIZE]);

/* doctor_nodes.c */
void doctor_check_nodes(struct doctor *d);

/* In the order of the screen. */
extern const struct doctor_check doctor_file_checks[];
extern const size_t doctor_file_check_count;
extern const struct doctor_check doctor_store_checks[];
extern const size_t doctor_store_check_count;
extern const struct doctor_check doctor_account_checks[]; /* of each one */
extern const size_t doctor_account_check_count;

#endif
