/*
 * One run of one job from the command line, with or without a daemon.
 */
#ifndef REUNITE_CLI_ONESHOT_H
#define REUNITE_CLI_ONESHOT_H

#include "app/runner.h"
#include "cli/cli.h"

/* Whose: one of these, as the user gave it. */
struct oneshot_who {
	const char *account; /* NULL: the only one */
	uint64_t user;
	uint64_t ticket;
	const char *sunco_user;
	int64_t job;
};

/* Prints what a run came to and returns the exit code. */
typedef int oneshot_print(struct cli *c, const struct run_report *report,
			  void *arg);

/* The options --user, --ticket, --sunco-user and --account of a command. On
 * false the error has been printed. */
MUST_CHECK bool oneshot_who_parse(struct cli *c, struct oneshot_who *out);
/* Reads and decides; changes nothing. */
int oneshot_dry(struct cli *c, const struct oneshot_who *who,
		oneshot_print *print, void *arg);
/* Enqueues the job and follows it: a daemon runs it, or, if none holds the
 * store, this process does. entry: the journal's line about it, or NULL when
 * the job waits. */
typedef int oneshot_applied(struct cli *c, const struct journal_entry *entry,
			    const struct job *job);
int oneshot_apply(struct cli *c, const struct oneshot_who *who,
		  oneshot_applied *print);
/* The exit code for a run that got no answer. */
int oneshot_failed(struct cli *c, enum result why, const char *error);

#endif
