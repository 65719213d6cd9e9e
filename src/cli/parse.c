/*
 * The command line, read by the rows of the commands.
 *
 * Options may stand anywhere behind the command's first word, as
 * "--name VALUE" or "--name=VALUE"; "--" ends them. Refused with one line:
 * unknown words and options, missing, superfluous, repeated or malformed
 * values, too few or too many arguments.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/reason.h"
#include "parse.h"

const struct cli_common cli_common_options[] = {
	{{"config", CLI_TEXT, "FILE",
	  "configuration; default " CONFIG_DEFAULT_PATH
	  ", else the environment"},
	 'c',
	 CLI_TAKES_CONFIG},
	{{"json", CLI_FLAG, NULL, "one JSON object per line"},
	 0,
	 CLI_TAKES_JSON},
	{{"show-personal-data", CLI_FLAG, NULL,
	  "with e-mail addresses and names"},
	 0,
	 CLI_TAKES_PERSONAL},
	{{"help", CLI_FLAG, NULL, "this text"}, 'h', 0},
};
const size_t cli_common_count = ARRAY_LEN(cli_common_options);

bool cli_in_group(const struct cli_command *row, const char *word)
{
	size_t len = strlen(word);

	return strncmp(row->name, word, len) == 0 && row->name[len] == ' ';
}

static const struct cli_command *find_row(const char *word, const char *verb)
{
	const struct cli_command *const *row;

	for (row = cli_commands(); *row; row++) {
		if (!verb && str_eq((*row)->name, word))
			return *row;
		if (verb && cli_in_group(*row, word) &&
		    str_eq((*row)->name + strlen(word) + 1, verb))
			return *row;
	}
	return NULL;
}

static bool is_group(const char *word)
{
	const struct cli_command *const *row;

	for (row = cli_commands(); *row; row++)
		if (cli_in_group(*row, word))
			return true;
	return false;
}

/* An option as written: its name without dashes and its "=value". */
struct written {
	struct slice name;
	char letter;
	const char *value; /* behind '=', or NULL */
};

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] != '\0';
}

static struct written written_of(const char *arg)
{
	struct written w = {{NULL, 0}, 0, NULL};

	if (arg[1] != '-') {
		w.letter = arg[2] == '\0' ? arg[1] : '?';
		return w;
	}
	w.value = strchr(arg, '=');
	w.name.ptr = arg + 2;
	w.name.len = w.value ? (size_t)(w.value - w.name.ptr) : strlen(arg + 2);
	if (w.value)
		w.value++;
	return w;
}

static const struct cli_common *find_common(const struct cli_command *row,
					    struct written w)
{
	for (size_t i = 0; i < cli_common_count; i++) {
		const struct cli_common *o = &cli_common_options[i];

		if (o->bit && !(row->takes & o->bit))
			continue;
		if (w.letter ? w.letter == o->letter
			     : slice_eq(w.name, slice_of(o->option.name)))
			return o;
	}
	return NULL;
}

static const struct cli_option *find_own(const struct cli_command *row,
					 struct written w)
{
	const struct cli_option *o;

	if (w.letter)
		return NULL;
	for (o = row->options; o && o->name; o++)
		if (slice_eq(w.name, slice_of(o->name)))
			return o;
	return NULL;
}

static bool takes_value(const struct cli_command *row, struct written w)
{
	const struct cli_common *common = find_common(row, w);
	const struct cli_option *o =
		common ? &common->option : find_own(row, w);

	return o && o->type != CLI_FLAG && !w.value;
}

/* The verb of a group may stand behind options of any of its rows. */
static int find_verb(int argc, char **argv)
{
	const struct cli_command *const *row;

	for (int i = 2; i < argc; i++) {
		struct written w;
		bool skip = false;

		if (!is_option(argv[i]))
			return i;
		w = written_of(argv[i]);
		for (row = cli_commands(); *row && !skip; row++)
			skip = cli_in_group(*row, argv[1]) &&
			       takes_value(*row, w);
		i += skip;
	}
	return argc;
}

static bool parse_since(const struct cli *c, const char *text, int64_t *out)
{
	int64_t ago_ms;

	if (!str_parse_duration(slice_of(text), &ago_ms))
		return clock_parse_iso8601(slice_of(text), out);
	*out = c->now_ms - ago_ms;
	return true;
}

static bool parse_number(const char *text, int64_t *out)
{
	int64_t number;

	if (!str_parse_i64(slice_of(text), &number) || number <= 0)
		return false;
	*out = number;
	return true;
}

bool cli_next_word(const char **text, struct slice *word)
{
	*word = (struct slice){*text, strcspn(*text, "|")};
	*text += word->len + ((*text)[word->len] == '|');
	return word->len > 0;
}

static bool is_choice(const char *metavar, const char *text)
{
	struct slice word;

	while (cli_next_word(&metavar, &word))
		if (slice_eq(word, slice_of(text)))
			return true;
	return false;
}

static bool parse_value(struct cli *c, const struct cli_option *o,
			const char *text, int64_t *number)
{
	enum reason reason;

	if (o->type == CLI_NUMBER && !parse_number(text, number)) {
		cli_usage_error(c, "--%s must be a number above 0", o->name);
		return false;
	}
	if (o->type == CLI_SINCE && !parse_since(c, text, number)) {
		cli_usage_error(c,
				"--%s must be an age such as 24h or a time "
				"such as 2026-11-22T10:00:00Z",
				o->name);
		return false;
	}
	if (o->type == CLI_CHOICE && !is_choice(o->metavar, text)) {
		cli_usage_error(c, "--%s must be one of %s", o->name,
				o->metavar);
		return false;
	}
	if (o->type == CLI_REASON && !reason_parse(text, &reason)) {
		cli_usage_error(c, "--%s names no reason", o->name);
		return false;
	}
	if (o->type == CLI_TEXT && *text == '\0') {
		cli_usage_error(c, "--%s must not be empty", o->name);
		return false;
	}
	return true;
}

static bool set_common(struct cli *c, const struct cli_common *o,
		       const char *value)
{
	switch (o->bit) {
	case CLI_TAKES_CONFIG:
		if (c->config_path)
			return false;
		c->config_path = value;
		break;
	case CLI_TAKES_JSON:
		c->json = true;
		break;
	case CLI_TAKES_PERSONAL:
		c->personal = true;
		break;
	default:
		break;
	}
	return true;
}

static bool set_own(struct cli *c, const struct cli_option *o,
		    const char *value, int64_t number)
{
	size_t i = (size_t)(o - c->command->options);

	if (i >= CLI_MAX_OPTIONS)
		abort();
	if (c->values[i].text && o->type != CLI_FLAG)
		return false;
	c->values[i].text = value;
	c->values[i].number = number;
	return true;
}

/* argv[0] is an option; *used says whether argv[1] was its value. */
static bool parse_option(struct cli *c, int argc, const char **argv, int *used)
{
	struct written w = written_of(argv[0]);
	const struct cli_common *common = find_common(c->command, w);
	const struct cli_option *o =
		common ? &common->option : find_own(c->command, w);
	const char *value = w.value ? w.value : "";
	int64_t number = 0;
	bool first;

	if (!o) {
		cli_usage_error(c, "unknown option %.*s",
				w.letter ? 2 : (int)w.name.len + 2, argv[0]);
		return false;
	}
	if (o->type == CLI_FLAG && w.value) {
		cli_usage_error(c, "--%s takes no value", o->name);
		return false;
	}
	*used = o->type != CLI_FLAG && !w.value;
	if (*used && (argc < 2 || (is_option(argv[1])))) {
		cli_usage_error(c, "--%s needs a value", o->name);
		return false;
	}
	if (*used)
		value = argv[1];
	if (!parse_value(c, o, value, &number))
		return false;
	first = common ? set_common(c, common, value)
		       : set_own(c, o, value, number);
	if (!first)
		cli_usage_error(c, "--%s is given twice", o->name);
	return first;
}

static enum cli_parsed check_args(struct cli *c)
{
	if (c->arg_count < c->command->min_args) {
		cli_usage_error(c, "%s is missing", c->command->arguments);
		return CLI_PARSED_WRONG;
	}
	if (c->arg_count > c->command->max_args) {
		cli_usage_error(c, "too many arguments");
		return CLI_PARSED_WRONG;
	}
	return CLI_PARSED;
}

static bool asks_help(int argc, char **argv)
{
	for (int i = 2; i < argc && !str_eq(argv[i], "--"); i++)
		if (str_eq(argv[i], "--help") || str_eq(argv[i], "-h"))
			return true;
	return false;
}

/* Sets the command; *verb is its second word's place in argv, 0 if none. */
static enum cli_parsed parse_words(struct cli *c, int argc, char **argv,
				   int *verb)
{
	*verb = 0;
	c->command = find_row(argv[1], NULL);
	if (!c->command && is_group(argv[1])) {
		*verb = find_verb(argc, argv);
		if (*verb < argc)
			c->command = find_row(argv[1], argv[*verb]);
		if (!c->command && asks_help(argc, argv))
			return CLI_PARSED_HELP;
		if (!c->command)
			fprintf(c->err,
				"reunite %s: %s; see reunite %s --help\n",
				argv[1],
				*verb < argc ? "unknown subcommand"
					     : "a subcommand is missing",
				argv[1]);
	} else if (!c->command) {
		fprintf(c->err,
			"reunite: unknown command; see reunite --help\n");
	}
	if (!c->command)
		return CLI_PARSED_WRONG;
	return asks_help(argc, argv) ? CLI_PARSED_HELP : CLI_PARSED;
}

static enum cli_parsed parse_rest(struct cli *c, int argc, const char **argv)
{
	bool options = true;

	for (int i = 0; i < argc; i++) {
		int used = 0;

		if (options && str_eq(argv[i], "--")) {
			options = false;
		} else if (!options || !is_option(argv[i])) {
			c->args[c->arg_count++] = argv[i];
		} else if (!parse_option(c, argc - i, argv + i, &used)) {
			return CLI_PARSED_WRONG;
		}
		i += used;
	}
	return check_args(c);
}

enum cli_parsed cli_parse(struct cli *c, int argc, char **argv)
{
	enum cli_parsed parsed;
	const char **rest;
	int count = 0;
	int verb;

	parsed = parse_words(c, argc, argv, &verb);
	if (parsed != CLI_PARSED)
		return parsed;
	rest = xcalloc((size_t)argc, sizeof(*rest));
	c->args = xcalloc((size_t)argc, sizeof(*c->args));
	for (int i = 2; i < argc; i++)
		if (i != verb)
			rest[count++] = argv[i];
	parsed = parse_rest(c, count, rest);
	free(rest);
	return parsed;
}
