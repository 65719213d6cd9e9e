/*
 * What a shell may offer, read off the rows: a metavar or argument is a file
 * if it is called FILE, a reason if it is called CODE, and small words between
 * '|' are themselves. Everything else nobody can guess.
 */
#include "completion.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/reason.h"

static bool is_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!islower((unsigned char)s.ptr[i]) &&
		    !isdigit((unsigned char)s.ptr[i]) &&
		    !strchr("_-", s.ptr[i]))
			return false;
	return s.len > 0 && s.ptr[0] != '-';
}

enum completion completion_of(const char *metavar)
{
	struct slice word;

	if (!metavar)
		return COMPLETION_NONE;
	if (str_starts(metavar, "FILE"))
		return COMPLETION_FILES;
	if (str_eq(metavar, "CODE"))
		return COMPLETION_WORDS;
	while (cli_next_word(&metavar, &word))
		if (is_word(word))
			return COMPLETION_WORDS;
	return COMPLETION_NONE;
}

enum completion completion_of_option(const struct cli_option *o)
{
	return str_eq(o->name, "account") ? COMPLETION_ACCOUNTS
					  : completion_of(o->metavar);
}

void completion_words(FILE *out, const char *metavar)
{
	const char *gap = "";
	struct slice word;

	if (str_eq(metavar, "CODE")) {
		for (int i = 0; i < REASON_COUNT; i++)
			fprintf(out, "%s%s", i > 0 ? " " : "",
				reason_code((enum reason)i));
		return;
	}
	while (cli_next_word(&metavar, &word)) {
		if (!is_word(word))
			continue;
		fprintf(out, "%s%.*s", gap, (int)word.len, word.ptr);
		gap = " ";
	}
}

const struct cli_option *completion_option(const struct cli_command *row,
					   size_t i, char *letter)
{
	const struct cli_option *o;

	*letter = 0;
	for (o = row->options; o && o->name; o++)
		if (i-- == 0)
			return o;
	for (size_t n = 0; n < cli_common_count; n++) {
		const struct cli_common *common = &cli_common_options[n];

		if (common->bit && !(row->takes & common->bit))
			continue;
		*letter = common->letter;
		if (i-- == 0)
			return &common->option;
	}
	return NULL;
}

char *completion_group(const struct cli_command *const *row)
{
	const char *blank = strchr((*row)->name, ' ');
	const struct cli_command *const *other = cli_commands();
	char *word;

	if (!blank)
		return NULL;
	word = xstrndup((*row)->name, (size_t)(blank - (*row)->name));
	while (!cli_in_group(*other, word))
		other++;
	if (other == row)
		return word;
	free(word);
	return NULL;
}
