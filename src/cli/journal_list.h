/*
 * Private to `journal list` and `journal export`: which entries.
 */
#ifndef REUNITE_CLI_JOURNAL_LIST_H
#define REUNITE_CLI_JOURNAL_LIST_H

#include "core/journal.h"
#include "list.h"

/* The rows of what journal_page() reads. */
#define JOURNAL_LIST_OPTIONS                                                   \
	{"since", CLI_SINCE, "AGE|TIME", "not older than this"},               \
		{"action", CLI_CHOICE,                                         \
		 "none|wait|refuse|review|merge|adopt|pause|resume|"           \
		 "close_breaker",                                              \
		 "what was decided, or done to the queue"},                    \
		{"reason", CLI_REASON, "CODE",                                 \
		 "with this reason, alone or among others"},                   \
		{"source", CLI_CHOICE, "sunco|zendesk|sweep|backfill",         \
		 "where the job came from"},                                   \
		{"user", CLI_NUMBER, "ID",                                     \
		 "with this Zendesk user on either side"},                     \
		{"ticket", CLI_NUMBER, "ID", "about this ticket"},             \
		CLI_LIST_OPTIONS

typedef void journal_print(struct cli_list *list,
			   const struct journal_entry *e);
/* A page of the entries that the options ask for, oldest first: for
 * cli_list(). */
MUST_CHECK int journal_page(struct cli_list *list, journal_print *print);

#endif
