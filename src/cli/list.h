/*
 * Private to the commands: lists in pages, one thing as keys and values.
 *
 * A list is read page by page, a snapshot each: one long SELECT would make
 * the write-ahead log grow.
 */
#ifndef REUNITE_CLI_LIST_H
#define REUNITE_CLI_LIST_H

#include "cli/cli.h"

/* A list on its way out. */
struct cli_list {
	struct cli *cli;
	struct store *store;
	const struct config *config;
	struct cli_table table;
	const char *account; /* of --account, or NULL */
	void *arg;	     /* as given to cli_list() */
	/* The page's: rows behind after_id, at most max. It moves after_id
	 * and sets count. */
	int64_t after_id;
	size_t max;
	size_t count;
};
typedef int cli_page(struct cli_list *list); /* its exit code */

/* The options --account and --limit, which cli_list() needs. */
#define CLI_LIST_OPTIONS                                                       \
	{"account", CLI_TEXT, "NAME", "only this account's"},                  \
	{                                                                      \
		"limit", CLI_NUMBER, "N", "stop after N"                       \
	}

/* Opens the store, prints page after page, returns the exit code. */
MUST_CHECK int cli_list(struct cli *c, cli_page *page, void *arg,
			const char *const *headings, size_t columns);

/* One line for an operation that failed; the exit code. */
int cli_store_failed(struct cli *c, const struct store_op *op);

/* One object: as it is with --json, else a line per key. *takes* v. */
void cli_object(struct cli *c, struct json_t *v);

#endif
