/*
 * The frame of the command line, from argv to exit code.
 */
#include "unit.h"

#include "../../src/cli/parse.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli_run.h"

static size_t longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		longest = len > longest ? len : longest;
		text += len + (text[len] == '\n');
	}
	return longest;
}

static void help_names_every_command(void **state)
{
	const struct cli_command *const *row;

	(void)state;
	assert_int_equal(cli_run("--help"), CLI_DONE);
	for (row = cli_commands(); *row; row++) {
		assert_non_null(strstr(cli_out, (*row)->name));
		assert_non_null(strstr(cli_out, (*row)->summary));
	}
	assert_string_equal(cli_err, "");
	assert_true(longest_line(cli_out) <= 80);
	assert_int_equal(cli_run("-h"), CLI_DONE);
}

static void every_command_helps(void **state)
{
	const struct cli_command *const *row;
	const struct cli_option *o;
	char text[128];

	(void)state;
	for (row = cli_commands(); *row; row++) {
		snprintf(text, sizeof(text), "%s --help", (*row)->name);
		assert_int_equal(cli_run(text), CLI_DONE);
		snprintf(text, sizeof(text), "usage: reunite %s [options]",
			 (*row)->name);
		assert_non_null(strstr(cli_out, text));
		assert_non_null(strstr(cli_out, (*row)->example));
		assert_true(str_starts((*row)->example, (*row)->name));
		assert_non_null(strstr(cli_out, "exit codes:"));
		*strstr(cli_out, "\nexample:") = '\0';
		assert_true(longest_line(cli_out) <= 80);
		for (o = (*row)->options; o && o->name; o++) {
			snprintf(text, sizeof(text), "  --%s ", o->name);
			assert_non_null(strstr(cli_out, text));
			assert_int_equal(!o->metavar, o->type == CLI_FLAG);
		}
		assert_true((*row)->max_args == 0 || (*row)->arguments);
	}
}

/* As a shell would take it, up to a redirection; changes line. */
static int split(char *line, char **argv, int max)
{
	int argc = 0;

	while (*line && *line != '>' && argc < max) {
		char end = *line == '"' ? '"' : ' ';
		char *next;

		line += *line == '"';
		argv[argc++] = line;
		next = strchr(line, end);
		if (!next)
			break;
		*next = '\0';
		line = next + 1;
		line += *line == ' ';
	}
	return argc;
}

/* Every option of an example exists, and its value is one. */
static void every_example_is_taken(void **state)
{
	const struct cli_command *const *row;

	(void)state;
	for (row = cli_commands(); *row; row++) {
		struct cli c = {.now_ms = 1, .err = stderr};
		char program[] = "reunite";
		char *argv[32] = {program};
		char *line = xstrdup((*row)->example);
		int argc = 1 + split(line, argv + 1, 31);

		if (cli_parse(&c, argc, argv) != CLI_PARSED)
			fail_msg("%s", (*row)->example);
		assert_ptr_equal(c.command, *row);
		free(c.args);
		free(line);
	}
}

static void a_group_helps(void **state)
{
	(void)state;
	assert_int_equal(cli_run("journal --help"), CLI_DONE);
	assert_non_null(strstr(cli_out, "  list"));
	assert_non_null(strstr(cli_out, "  show"));
	assert_null(strstr(cli_out, "retry"));
	assert_non_null(strstr(cli_out, "\nexample:\n  reunite journal list"));
	assert_int_equal(cli_run("queue --help"), CLI_DONE);
	assert_non_null(strstr(cli_out, "\nexample:\n  reunite queue list"));
}

static void the_version_is_said(void **state)
{
	(void)state;
	assert_int_equal(cli_run("--version"), CLI_DONE);
	assert_string_equal(cli_out, "reunite " REUNITE_VERSION "\n");
}

static void wrong_words_are_refused(void **state)
{
	(void)state;
	cli_refuses("", "reunite: no command; see reunite --help");
	cli_refuses("--json", "the command comes first");
	cli_refuses("-c x check", "the command comes first");
	cli_refuses("chek", "unknown command; see reunite --help");
	cli_refuses("journa", "unknown command");
	cli_refuses("journal", "reunite journal: a subcommand is missing; "
			       "see reunite journal --help");
	cli_refuses("journal lst", "reunite journal: unknown subcommand");
	cli_refuses("journal --json", "a subcommand is missing");
	cli_refuses("journal --account list", "a subcommand is missing");
}

static void wrong_options_are_refused(void **state)
{
	(void)state;
	cli_refuses("check --no-such",
		    "reunite check: unknown option --no-such; "
		    "see reunite check --help");
	cli_refuses("check --user 1", "unknown option --user");
	cli_refuses("check --config", "--config needs a value");
	cli_refuses("check -c --json", "--config needs a value");
	cli_refuses("check -c x -c y", "--config is given twice");
	cli_refuses("check --json=yes", "--json takes no value");
	cli_refuses("check --config=", "--config must not be empty");
	cli_refuses("check -x", "unknown option -x");
	cli_refuses("check -cx", "unknown option -c");
	cli_refuses("check --show-personal-data", "unknown option");
	cli_refuses("journal list --user 1 --user 2", "--user is given twice");
}

static void wrong_values_are_refused(void **state)
{
	(void)state;
	cli_refuses("journal list --user 0", "--user must be a number above 0");
	cli_refuses("journal list --user=-1",
		    "--user must be a number above 0");
	cli_refuses("journal list --user 1x",
		    "--user must be a number above 0");
	cli_refuses("journal list --limit 9223372036854775808",
		    "--limit must be");
	cli_refuses("journal list --since yesterday", "--since must be an age");
	cli_refuses("journal list --action marge",
		    "--action must be one of none|wait|");
	cli_refuses("journal list --action merg", "--action must be one of");
	cli_refuses("journal list --source zen", "--source must be one of");
	cli_refuses("review list --reason bad", "--reason names no reason");
	cli_refuses("journal export --format xml",
		    "--format must be one of json|csv");
	cli_refuses("journal export --format csv --json",
		    "give either --format csv or --json");
	cli_refuses("queue list --state dad", "--state must be one of ready|");
	cli_refuses("review list --state opn", "--state must be one of open|");
	cli_refuses("journal show x", "ID must be a number above 0");
	cli_refuses("journal show", "ID is missing");
	cli_refuses("journal show 1 2", "too many arguments");
	cli_refuses("check x", "too many arguments");
	cli_refuses("check -- --json", "too many arguments");
	cli_refuses("queue retry", "give either an ID or --all");
	cli_refuses("queue retry 1 --all", "give either an ID or --all");
	cli_refuses("queue retry 1 --account acme",
		    "--account goes with --all");
	cli_refuses("review approve 1 --by a\tb", "--by must be a name");
}

static void a_bad_configuration_is_a_usage_error(void **state)
{
	(void)state;
	assert_int_equal(cli_run("check -c no/such.conf"), CLI_USAGE);
	assert_string_equal(cli_err, "cannot open no/such.conf: "
				     "No such file or directory\n");
	assert_int_equal(cli_run("journal list -c no/such.conf"), CLI_USAGE);
	assert_int_equal(cli_lines(cli_err), 1);
}

static void check_speaks_json(void **state)
{
	size_t count, i;
	const struct config_setting *s = config_settings(&count);

	(void)state;
	assert_int_equal(cli_run("check @ --json"), CLI_DONE);
	assert_int_equal(cli_lines(cli_out), count);
	for (i = 0; i < count; i++) {
		struct json_t *v = cli_line_json(i);

		assert_string_equal(json_get_str(v, "setting"), s[i].name);
		assert_int_equal(json_is_arr(json_get(v, "value")),
				 str_eq(s[i].type, "list"));
		assert_int_equal(json_is_null(json_get(v, "account")),
				 !s[i].account);
		json_free(v);
	}
}

/* Visitors choose their names; a terminal obeys control characters. */
static void control_characters_do_not_arrive(void **state)
{
	char text[] = "a\033[31m\x7f\xc2\x9b"
		      "1mb\xc3\xa9\n";
	/* right to left, an isolate, a blank that cannot be seen, a mark */
	char turned[] = "a\xe2\x80\xae"
			"b\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf\xd8\x9c"
			"c\xe2\x82\xac\xe2\x80\x9c\xd8\xa7";

	(void)state;
	cli_clean(text);
	assert_string_equal(text, "a?[31m???1mb\xc3\xa9?");
	cli_clean(turned);
	assert_string_equal(turned, "a???b???????????c\xe2\x82\xac"
				    "\xe2\x80\x9c\xd8\xa7");
}

static void a_full_disk_is_a_failure(void **state)
{
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	cli_forget();
	assert_int_equal(cli_run_to(full, "--help"), CLI_FAILED);
	assert_string_equal(cli_err, "reunite: cannot write the output: "
				     "No space left on device\n");
	fclose(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_names_every_command),
		cmocka_unit_test(every_command_helps),
		cmocka_unit_test(every_example_is_taken),
		cmocka_unit_test(a_group_helps),
		cmocka_unit_test(the_version_is_said),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(wrong_options_are_refused),
		cmocka_unit_test(wrong_values_are_refused),
		cmocka_unit_test(a_bad_configuration_is_a_usage_error),
		cmocka_unit_test(check_speaks_json),
		cmocka_unit_test(control_characters_do_not_arrive),
		cmocka_unit_test(a_full_disk_is_a_failure),
	};

	return cmocka_run_group_tests(tests, cli_make_folder,
				      cli_remove_folder);
}
