/*
 * What --help says, all of it from the rows.
 */
#include <string.h>

#include "base/str.h"
#include "parse.h"

#define HELP_COLUMN 28
#define HELP_WIDTH  80

void cli_help(FILE *out)
{
	const struct cli_command *const *row;

	fprintf(out, "reunite: one customer, one Zendesk profile\n\n"
		     "usage: reunite COMMAND [options]\n"
		     "       reunite COMMAND --help\n"
		     "       reunite --version\n\ncommands:\n");
	for (row = cli_commands(); *row; row++)
		fprintf(out, "  %-*s %s\n", HELP_COLUMN - 7, (*row)->name,
			(*row)->summary);
	fputs("\nexample:\n  reunite check -c reunite.conf\n", out);
}

void cli_help_group(FILE *out, const char *word)
{
	const struct cli_command *const *row;
	const char *example = NULL;

	fprintf(out,
		"usage: reunite %s SUBCOMMAND [options]\n"
		"       reunite %s SUBCOMMAND --help\n\nsubcommands:\n",
		word, word);
	for (row = cli_commands(); *row; row++) {
		if (!cli_in_group(*row, word))
			continue;
		fprintf(out, "  %-*s %s\n", HELP_COLUMN - 10,
			(*row)->name + strlen(word) + 1, (*row)->summary);
		example = example ? example : (*row)->example;
	}
	fprintf(out, "\nexample:\n  reunite %s\n", example);
}

/* The rest of a line that stands at the column, and further lines there. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t room = HELP_WIDTH - HELP_COLUMN;

	while (strlen(text) > room) {
		size_t len = room;

		while (len > 0 && text[len] != ' ')
			len--;
		if (len == 0)
			break;
		fprintf(out, "%.*s\n%*s", (int)len, text, HELP_COLUMN, "");
		text += len + 1;
	}
	fprintf(out, "%s\n", text);
}

static void print_option(FILE *out, const struct cli_option *o, char letter)
{
	char left[128];

	snprintf(left, sizeof(left), "%s%.1s%s--%s%s%s", letter ? "-" : "",
		 letter ? &letter : "", letter ? ", " : "", o->name,
		 o->metavar ? " " : "", o->metavar ? o->metavar : "");
	if (strlen(left) > HELP_COLUMN - 3)
		fprintf(out, "  %s\n%*s", left, HELP_COLUMN, "");
	else
		fprintf(out, "  %-*s ", HELP_COLUMN - 3, left);
	print_wrapped(out, o->help);
}

void cli_help_command(FILE *out, const struct cli_command *row)
{
	const struct cli_option *o;

	fprintf(out, "usage: reunite %s [options]%s%s\n\n%s.\n\noptions:\n",
		row->name, row->arguments ? " " : "",
		row->arguments ? row->arguments : "", row->summary);
	for (o = row->options; o && o->name; o++)
		print_option(out, o, 0);
	for (size_t i = 0; i < cli_common_count; i++) {
		const struct cli_common *common = &cli_common_options[i];

		if (!common->bit || (row->takes & common->bit))
			print_option(out, &common->option, common->letter);
	}
	fprintf(out,
		"\nexample:\n  reunite %s\n\n"
		"exit codes:\n  0 done, 1 failed, 2 wrong usage or "
		"configuration, 3 refused by policy,\n"
		"  4 Zendesk or Sunshine Conversations unavailable\n",
		row->example);
}
