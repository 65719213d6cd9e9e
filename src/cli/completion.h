/*
 * Private to `reunite completion`: what a shell may offer, from the rows, and
 * the scripts that offer it.
 */
#ifndef REUNITE_CLI_COMPLETION_H
#define REUNITE_CLI_COMPLETION_H

#include "parse.h"

/* What a metavar ("FILE", "open|all") or a row's arguments stand for. */
enum completion {
	COMPLETION_NONE,     /* a value that nobody else knows */
	COMPLETION_WORDS,    /* those of completion_words() */
	COMPLETION_FILES,    /* files of the machine */
	COMPLETION_ACCOUNTS, /* names in the configuration */
};
enum completion completion_of(const char *metavar); /* NULL: _NONE */
enum completion completion_of_option(const struct cli_option *o);
/* With blanks between them. */
void completion_words(FILE *out, const char *metavar);

/* The i-th option that the row takes, its own first, then the common ones;
 * *letter is a common one's short form, or 0. NULL: there is none. */
const struct cli_option *completion_option(const struct cli_command *row,
					   size_t i, char *letter);
/* The first word of the row's name if the row is the first of its group,
 * *new*; else NULL. */
char *completion_group(const struct cli_command *const *row);

/* Prints the names of accounts in the configuration whose name follows. */
#define COMPLETION_ACCOUNT_NAMES                                               \
	"sed -En \"s/^\\s*account\\b\\s*['\\\"]*([A-Za-z0-9_-]+).*/\\1/p\""

/* The whole script. */
void completion_bash(FILE *out);
void completion_zsh(FILE *out);

#endif
