/*
 * The script for zsh: a list of words with what they do for each place where
 * a command or subcommand stands, and _arguments for the rest.
 */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const head[] = {
	"#compdef reunite",
	"# zsh completion for reunite, made by: reunite completion zsh",
	"",
	"_reunite_accounts()",
	"{",
	"	local config=" CONFIG_DEFAULT_PATH,
	"	local -a names",
	"	config=${opt_args[-c]:-${opt_args[--config]:-$config}}",
	"	names=(${(f)\"$(" COMPLETION_ACCOUNT_NAMES " \\",
	"		${(Q)config} 2>/dev/null)\"})",
	"	compadd -a names",
	"}",
	"",
	"_reunite()",
	"{",
	"	local context state line name=$words[2]",
	"	local -A opt_args",
	"	local -a list",
	"",
	"	list=(",
};

static const char *const groups_begin[] = {
	"	)",
	"	if ((CURRENT == 2)); then",
	"		_arguments '--help[all commands]' \\",
	"			'--version[its version]' \\",
	"			'1:command:{_describe command list}'",
	"		return",
	"	fi",
	"	shift words",
	"	((CURRENT--))",
	"	list=()",
	"	case $name in",
};

static const char *const rows_begin[] = {
	"	esac",
	"	if ((${#list})); then",
	"		if ((CURRENT == 2)); then",
	"			_arguments '--help[its subcommands]' \\",
	"				'1:verb:{_describe verb list}'",
	"			return",
	"		fi",
	"		name+=\" $words[2]\"",
	"		shift words",
	"		((CURRENT--))",
	"	fi",
	"	case $name in",
};

static const char *const tail[] = {
	"	esac",
	"}",
	"",
	"if [[ $zsh_eval_context[-1] == loadautofunc ]]; then",
	"	_reunite \"$@\"",
	"else",
	"	compdef _reunite reunite",
	"fi",
};

static void print_lines(FILE *out, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", lines[i]);
}

/* Inside single quotes; what separates the parts of a specification is
 * escaped. */
static void print_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'') {
			fputs("'\\''", out);
			continue;
		}
		if (strchr("[]:\\", *text))
			fputc('\\', out);
		fputc(*text, out);
	}
}

static void print_entry(FILE *out, const char *word, const char *text)
{
	fprintf(out, "\t\t'%s:", word);
	print_text(out, text);
	fputs("'\n", out);
}

/* ":what it is called:what completes it" */
static void print_value(FILE *out, enum completion what, const char *metavar)
{
	fputc(':', out);
	print_text(out, metavar);
	fputc(':', out);
	switch (what) {
	case COMPLETION_NONE:
		fputc(' ', out);
		return;
	case COMPLETION_FILES:
		fputs("_files", out);
		return;
	case COMPLETION_ACCOUNTS:
		fputs("_reunite_accounts", out);
		return;
	case COMPLETION_WORDS:
		fputc('(', out);
		completion_words(out, metavar);
		fputc(')', out);
		return;
	}
}

static void print_option(FILE *out, const struct cli_option *o, char letter)
{
	const char *equals = o->type == CLI_FLAG ? "" : "=";

	fputs(" \\\n\t\t\t", out);
	if (letter)
		fprintf(out, "'(-%c --%s)'{-%c,--%s%s}'[", letter, o->name,
			letter, o->name, equals);
	else
		fprintf(out, "'--%s%s[", o->name, equals);
	print_text(out, o->help);
	fputc(']', out);
	if (o->type != CLI_FLAG)
		print_value(out, completion_of_option(o), o->metavar);
	fputc('\'', out);
}

static void print_row(FILE *out, const struct cli_command *row)
{
	const struct cli_option *o;
	char letter;

	fprintf(out, "\t'%s')\n\t\t_arguments", row->name);
	for (size_t i = 0; (o = completion_option(row, i, &letter)); i++)
		print_option(out, o, letter);
	if (row->max_args > 0) {
		fputs(" \\\n\t\t\t'1", out);
		print_value(out, completion_of(row->arguments), row->arguments);
		fputc('\'', out);
	}
	fputs("\n\t\t;;\n", out);
}

/* A group, with its subcommands in the place of a text. */
static void print_group_entry(FILE *out, const char *group)
{
	const struct cli_command *const *row;
	const char *gap = "";

	fprintf(out, "\t\t'%s:", group);
	for (row = cli_commands(); *row; row++) {
		if (!cli_in_group(*row, group))
			continue;
		fprintf(out, "%s%s", gap, (*row)->name + strlen(group) + 1);
		gap = ", ";
	}
	fputs("'\n", out);
}

static void print_commands(FILE *out)
{
	const struct cli_command *const *row;

	for (row = cli_commands(); *row; row++) {
		char *group = completion_group(row);

		if (group)
			print_group_entry(out, group);
		else if (!strchr((*row)->name, ' '))
			print_entry(out, (*row)->name, (*row)->summary);
		free(group);
	}
}

static void print_group(FILE *out, const struct cli_command *const *row)
{
	char *group = completion_group(row);

	if (!group)
		return;
	fprintf(out, "\t%s) list=(\n", group);
	for (; *row; row++)
		if (cli_in_group(*row, group))
			print_entry(out, (*row)->name + strlen(group) + 1,
				    (*row)->summary);
	fputs("\t\t) ;;\n", out);
	free(group);
}

void completion_zsh(FILE *out)
{
	const struct cli_command *const *row;

	print_lines(out, head, ARRAY_LEN(head));
	print_commands(out);
	print_lines(out, groups_begin, ARRAY_LEN(groups_begin));
	for (row = cli_commands(); *row; row++)
		print_group(out, row);
	print_lines(out, rows_begin, ARRAY_LEN(rows_begin));
	for (row = cli_commands(); *row; row++)
		print_row(out, *row);
	print_lines(out, tail, ARRAY_LEN(tail));
}
