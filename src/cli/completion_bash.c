/*
 * The script for bash (4 or newer): one table, and the function that looks it
 * up. It needs nothing of bash-completion.
 *
 * A key of the table is what is typed before: "" the commands, "journal" its
 * subcommands or a command's arguments, "check -" its options, "check -c" the
 * option's value. Where no value is taken there is no key. The words in it
 * are letters, digits, '-', '_' and '@': nothing to quote.
 */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const char *const before_table[] = {
	"# bash completion for reunite, made by: reunite completion bash",
	"",
	"# What may stand behind these words. @file and @account: names of",
	"# those; nothing: some value. Fails where no value is taken.",
	"__reunite_may()",
	"{",
	"	case $1 in",
};

static const char *const behind_table[] = {
	"	*' -c' | *' --config') echo @file ;;",
	"	*) return 1 ;;",
	"	esac",
	"}",
	"",
	"__reunite_accounts()",
	"{",
	"	" COMPLETION_ACCOUNT_NAMES " \\",
	"		\"$1\" 2>/dev/null",
	"}",
	"",
	"_reunite()",
	"{",
	"	local cur=${COMP_WORDS[COMP_CWORD]} name='' option='' word i",
	"	local config=" CONFIG_DEFAULT_PATH
	" words='' given='' front=''",
	"",
	"	COMPREPLY=()",
	"	for ((i = 1; i < COMP_CWORD; i++)); do",
	"		word=${COMP_WORDS[i]}",
	"		if [[ $word == '=' ]]; then",
	"			continue",
	"		elif [[ -n $option ]]; then",
	"			[[ $option != -c && $option != --config ]] ||",
	"				config=$word",
	"			option=",
	"		elif [[ $word == -* ]]; then",
	"			given+=\"${word%%=*} \"",
	"			! __reunite_may \"$name $word\" >/dev/null ||",
	"				option=$word",
	"		elif ! __reunite_may \"$name -\" >/dev/null; then",
	"			name=${name:+$name }$word",
	"		fi",
	"	done",
	"	[[ $cur != '=' ]] || cur=",
	"	if [[ -z $option && $cur == --*=* ]]; then",
	"		option=${cur%%=*} front=${cur%%=*}= cur=${cur#*=}",
	"	fi",
	"	if [[ -n $option ]]; then",
	"		words=$(__reunite_may \"$name $option\")",
	"	elif [[ $cur == -* ]]; then",
	"		words=$(__reunite_may \"$name -\") || words=--help",
	"		[[ -n $name ]] || words='--help --version'",
	"		for word in $given; do",
	"			words=\" $words \"",
	"			words=${words/ $word / }",
	"		done",
	"	else",
	"		words=$(__reunite_may \"$name\")",
	"	fi",
	"	case $words in",
	"	@file) compopt -o default; return ;;",
	"	@account) words=$(__reunite_accounts \"$config\") ;;",
	"	esac",
	"	mapfile -t COMPREPLY < <(",
	"		compgen -P \"$front\" -W \"$words\" -- \"$cur\"",
	"	)",
	"}",
	"",
	"complete -F _reunite reunite",
};

static void print_lines(FILE *out, const char *const *lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fprintf(out, "%s\n", lines[i]);
}

static void print_value(FILE *out, enum completion what, const char *metavar)
{
	switch (what) {
	case COMPLETION_NONE:
		fputs(" ;;\n", out);
		return;
	case COMPLETION_FILES:
		fputs(" echo @file ;;\n", out);
		return;
	case COMPLETION_ACCOUNTS:
		fputs(" echo @account ;;\n", out);
		return;
	case COMPLETION_WORDS:
		fputs(" echo \"", out);
		completion_words(out, metavar);
		fputs("\" ;;\n", out);
		return;
	}
}

/* Every first word once. */
static void print_commands(FILE *out)
{
	const struct cli_command *const *row;

	fputs("\t\"\") echo \"", out);
	for (row = cli_commands(); *row; row++) {
		char *group = completion_group(row);

		if (group || !strchr((*row)->name, ' '))
			fprintf(out, " %s", group ? group : (*row)->name);
		free(group);
	}
	fputs("\" ;;\n", out);
}

static void print_group(FILE *out, const struct cli_command *const *row)
{
	char *group = completion_group(row);

	if (!group)
		return;
	fprintf(out, "\t\"%s\") echo \"", group);
	for (; *row; row++)
		if (cli_in_group(*row, group))
			fprintf(out, " %s", (*row)->name + strlen(group) + 1);
	fputs("\" ;;\n", out);
	free(group);
}

static void print_row(FILE *out, const struct cli_command *row)
{
	const struct cli_option *o;
	char letter;

	fprintf(out, "\t\"%s\")", row->name);
	print_value(out, completion_of(row->arguments), row->arguments);
	fprintf(out, "\t\"%s -\") echo \"", row->name);
	for (size_t i = 0; (o = completion_option(row, i, &letter)); i++)
		fprintf(out, " --%s", o->name);
	fputs("\" ;;\n", out);
	for (size_t i = 0; (o = completion_option(row, i, &letter)); i++) {
		if (o->type == CLI_FLAG || letter)
			continue;
		fprintf(out, "\t\"%s --%s\")", row->name, o->name);
		print_value(out, completion_of_option(o), o->metavar);
	}
}

void completion_bash(FILE *out)
{
	const struct cli_command *const *row;

	print_lines(out, before_table, ARRAY_LEN(before_table));
	print_commands(out);
	for (row = cli_commands(); *row; row++) {
		print_group(out, row);
		print_row(out, *row);
	}
	print_lines(out, behind_table, ARRAY_LEN(behind_table));
}
