/*
 * Private to the frame: from argv to a struct cli, and the help.
 */
#ifndef REUNITE_CLI_PARSE_H
#define REUNITE_CLI_PARSE_H

#include "base/str.h"
#include "cli/cli.h"

enum cli_parsed {
	CLI_PARSED,
	CLI_PARSED_HELP,  /* asked for: c->command, or the group argv[1] */
	CLI_PARSED_WRONG, /* the error has been printed */
};

/* Options that several commands share; bit is one of CLI_TAKES_*, 0: all. */
struct cli_common {
	struct cli_option option;
	char letter; /* short form, or 0 */
	unsigned bit;
};
extern const struct cli_common cli_common_options[];
extern const size_t cli_common_count;

/* argv[1] is no option. Sets command, args (*new*), values and the rest. */
enum cli_parsed cli_parse(struct cli *c, int argc, char **argv);
/* Is word the first of this row's words ("journal" of "journal list")? */
bool cli_in_group(const struct cli_command *row, const char *word);

/* The next of the words with '|' between them; moves *text behind it. */
bool cli_next_word(const char **text, struct slice *word);

void cli_help(FILE *out);
void cli_help_group(FILE *out, const char *word);
void cli_help_command(FILE *out, const struct cli_command *row);

#endif
