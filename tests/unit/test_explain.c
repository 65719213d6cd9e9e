/*
 * `reunite explain --facts` and `--table`, through the command line.
 */
#include "base/json.h"
#include "base/str.h"
#include "cli/cli.h"
#include "fixture.h"
#include "unit.h"

/* One run: what was written, and the exit code. */
struct outcome {
	char *out, *err;
	size_t out_len, err_len;
	int code;
};

static struct outcome o;

static void run(const char *input, const char *const *args)
{
	char *argv[8] = {(char *)"reunite", (char *)"explain"};
	FILE *in = tmpfile();
	FILE *out, *err;
	int argc = 2;

	free(o.out);
	free(o.err);
	out = open_memstream(&o.out, &o.out_len);
	err = open_memstream(&o.err, &o.err_len);
	assert_true(in && out && err);
	fputs(input, in);
	rewind(in);
	for (; *args; args++)
		argv[argc++] = (char *)*args;
	o.code = cli_main(argc, argv, in, out, err);
	fclose(in);
	fclose(out);
	fclose(err);
}

#define RUN(input, ...) run((input), (const char *const[]){__VA_ARGS__, NULL})

static size_t count_lines(const char *s)
{
	size_t count = 0;

	for (; *s; s++)
		count += *s == '\n';
	return count;
}

#define WAIT "{\"sunco_user\":{\"id\":\"aa\"}}"
#define GONE                                                                   \
	"{\"sunco_user\":{\"id\":\"aa\"},\"messaging_user\":{\"id\":1,"        \
	"\"active\":false}}"

static void one_object_is_answered(void **state)
{
	(void)state;
	RUN(WAIT, "--facts", "-", "--json");
	assert_int_equal(o.code, CLI_DONE);
	assert_string_equal(o.err, "");
	assert_int_equal(count_lines(o.out), 1);
	assert_true(str_starts(o.out, "{\"action\":\"wait\",\"reason\":"
				      "\"no_messaging_user\","));
}

static void one_object_may_take_several_lines(void **state)
{
	(void)state;
	RUN("\n\n{\n\"sunco_user\":\n{\"id\":\n\"aa\"}\n}\n", "--json",
	    "--facts", "-");
	assert_int_equal(o.code, CLI_DONE);
	assert_int_equal(count_lines(o.out), 1);
}

static void lines_are_answered_in_order(void **state)
{
	const char *gone;

	(void)state;
	RUN(WAIT "\n" GONE "\r\n\n" WAIT, "--facts", "-", "--json");
	assert_int_equal(o.code, CLI_DONE);
	assert_string_equal(o.err, "");
	assert_int_equal(count_lines(o.out), 3);
	gone = strstr(o.out, "messaging_user_gone");
	assert_non_null(gone);
	assert_true(strstr(o.out, "no_messaging_user") < gone);
	assert_non_null(strstr(gone, "no_messaging_user"));
}

static void bad_lines_are_named_and_others_answered(void **state)
{
	(void)state;
	RUN(WAIT "\n{\"sunco_user\":\n\n" GONE "\n{\"acount\":{}}\nnonsense\n",
	    "--facts", "-", "--json");
	assert_int_equal(o.code, CLI_USAGE);
	assert_int_equal(count_lines(o.out), 2);
	assert_string_equal(o.err, "-:2: ends too early\n"
				   "-:5: acount: unknown key\n"
				   "-:6: not JSON\n");
}

static void lines_may_all_be_bad(void **state)
{
	(void)state;
	RUN("{bad\n{\"x\":1}\n", "--facts", "-", "--json");
	assert_int_equal(o.code, CLI_USAGE);
	assert_string_equal(o.out, "");
	assert_int_equal(count_lines(o.err), 2);
	assert_true(str_starts(o.err, "-:1: "));
	assert_non_null(strstr(o.err, "-:2: x: unknown key\n"));
}

static void a_broken_object_is_named_by_its_line(void **state)
{
	(void)state;
	RUN("{\n\t\"sunco_user\": {\n\t\t\"id\": oops\n\t}\n}\n", "--facts",
	    "-");
	assert_int_equal(o.code, CLI_USAGE);
	assert_string_equal(o.out, "");
	assert_string_equal(o.err, "-:3: not JSON\n");
}

static void nothing_is_no_answer(void **state)
{
	(void)state;
	RUN(" \n\n", "--facts", "-");
	assert_int_equal(o.code, CLI_USAGE);
	assert_string_equal(o.err, "-:1: no facts\n");
}

static void other_values_are_no_facts(void **state)
{
	(void)state;
	RUN("\n[1]", "--facts", "-");
	assert_int_equal(o.code, CLI_USAGE);
	assert_string_equal(o.err, "-:2: not an object\n");
}

static void a_missing_file_is_named(void **state)
{
	(void)state;
	RUN("", "--facts", "/nonexistent/facts.json");
	assert_int_equal(o.code, CLI_USAGE);
	assert_non_null(strstr(o.err, "/nonexistent/facts.json: "));
	assert_string_equal(o.out, "");
}

static void exactly_one_way_is_asked_for(void **state)
{
	(void)state;
	RUN("", "--json");
	assert_int_equal(o.code, CLI_USAGE);
	RUN("", "--table", "--facts", "-");
	assert_int_equal(o.code, CLI_USAGE);
	assert_string_equal(o.out, "");
}

static void files_are_answered(void **state)
{
	(void)state;
	RUN("", "--facts", TEST_FIXTURES "/facts/review_everything.json",
	    "--json");
	assert_int_equal(o.code, CLI_DONE);
	assert_non_null(strstr(o.out, "\"rule\":13"));
}

/* Every reason has its sentence, and nobody is named. */
static void people_read_sentences(void **state)
{
	(void)state;
	RUN("", "--facts", TEST_FIXTURES "/facts/review_typed_address.json");
	assert_int_equal(o.code, CLI_DONE);
	assert_true(str_starts(o.out,
			       "review: a person has to look; if approved, "
			       "merge the conversation's user into profile "
			       "290555\n"));
	assert_non_null(
		strstr(o.out, reason_text(REASON_VERIFIED_PROFILE_PROTECTED)));
	assert_non_null(
		strstr(o.out, reason_text(REASON_UNAUTHENTICATED_EMAIL)));
	assert_non_null(strstr(o.out, "\n  steps      merge, read_back\n"));
	assert_non_null(strstr(o.out, "\n  by itself  Zendesk "));
	assert_null(strstr(o.out, "meadow.example"));
	assert_null(strstr(o.out, "Lena"));
}

static void print_one(const char *name, struct slice text, void *arg)
{
	char path[400];

	(void)text;
	(void)arg;
	snprintf(path, sizeof(path), "%s/%s", TEST_FIXTURES, name);
	RUN("", "--facts", path);
	assert_int_equal(o.code, CLI_DONE);
	assert_non_null(strstr(o.out, "\n  because    "));
	assert_null(strstr(o.out, "meadow.example"));
	assert_null(strstr(o.out, "Lena"));
}

static void every_answer_can_be_read(void **state)
{
	(void)state;
	assert_true(fixture_each("facts", print_one, NULL) > 0);
}

static void the_table_can_be_read(void **state)
{
	(void)state;
	RUN("", "--table");
	assert_int_equal(o.code, CLI_DONE);
	assert_true(str_starts(o.out, "setting "));
	assert_true(count_lines(o.out) > 150);
	assert_non_null(strstr(o.out, "\nverified_and_unverified, "
				      "claim_verified  not logged in"));
	assert_non_null(strstr(o.out, "external_id_match"));
	assert_non_null(strstr(o.out, "Zendesk links the conversation"));
}

/* The outcome of one situation, asked of the table. */
static void expect_row(const char *setting, const char *threshold,
		       const char *situation, const char *outcome)
{
	char row[512];

	snprintf(row, sizeof(row),
		 "{\"setting\":\"%s\",\"link_evidence\":\"%s\",%s,%s,", setting,
		 threshold, situation, outcome);
	if (!strstr(o.out, row))
		fail_msg("not there: %s", row);
}

#define SITUATION(person, address, owner)                                      \
	"\"person\":\"" person "\",\"address\":\"" address                     \
	"\",\"owner\":\"" owner "\""
#define OUTCOME(action, reason)                                                \
	"\"action\":\"" action "\",\"reason\":\"" reason "\""

static void the_table_says_what_the_policy_says(void **state)
{
	(void)state;
	RUN("", "--table", "--json");
	assert_int_equal(o.code, CLI_DONE);
	expect_row("claim_verified", "claimed",
		   SITUATION("logged in", "verified", "nobody"),
		   OUTCOME("adopt", "no_profile"));
	expect_row("verified_only", "verified",
		   SITUATION("logged in", "not verified", "a verified profile"),
		   OUTCOME("review", "email_not_verified"));
	expect_row("verified_only", "authenticated",
		   SITUATION("logged in", "not verified", "a verified profile"),
		   OUTCOME("merge", "email_match_authenticated"));
	expect_row("verified_and_unverified", "claimed",
		   SITUATION("not logged in", "typed", "a marked profile"),
		   OUTCOME("review", "verified_profile_protected"));
	expect_row("verified_only", "verified",
		   SITUATION("logged in", "verified",
			     "taken from a profile seen verified before, "
			     "recover_displaced on"),
		   OUTCOME("merge", "displaced_profile"));
}

/* Settings and thresholds of one situation follow one another. */
static void the_table_leaves_nothing_out_for_programs(void **state)
{
	size_t lines;

	(void)state;
	RUN("", "--table", "--json");
	lines = count_lines(o.out);
	assert_true(lines > 800);
	assert_int_equal(lines % 9, 0);
	RUN("", "--table");
	/* Folded: at most one line a setting and threshold, at least one. */
	assert_in_range(count_lines(o.out) - 1, lines / 9, lines);
}

static void the_table_for_the_readme_is_a_form_of_its_own(void **state)
{
	(void)state;
	RUN("", "--table", "--markdown");
	assert_int_equal(o.code, CLI_DONE);
	assert_non_null(strstr(o.out, "\n**logged in, address: verified**\n"));
	assert_non_null(strstr(o.out, "\n| nobody | adopt, `no_profile` |\n"));
	assert_non_null(strstr(o.out, "`claim_verified` with `claimed`: merge, "
				      "`email_match_claimed`<br>"));
	RUN("", "--markdown");
	assert_int_equal(o.code, CLI_USAGE);
	RUN("", "--markdown", "--table", "--json");
	assert_int_equal(o.code, CLI_USAGE);
	RUN("", "--markdown", "--facts", "-");
	assert_int_equal(o.code, CLI_USAGE);
}

static int release(void **state)
{
	(void)state;
	free(o.out);
	free(o.err);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_is_answered),
		cmocka_unit_test(one_object_may_take_several_lines),
		cmocka_unit_test(lines_are_answered_in_order),
		cmocka_unit_test(bad_lines_are_named_and_others_answered),
		cmocka_unit_test(lines_may_all_be_bad),
		cmocka_unit_test(a_broken_object_is_named_by_its_line),
		cmocka_unit_test(nothing_is_no_answer),
		cmocka_unit_test(other_values_are_no_facts),
		cmocka_unit_test(a_missing_file_is_named),
		cmocka_unit_test(exactly_one_way_is_asked_for),
		cmocka_unit_test(files_are_answered),
		cmocka_unit_test(people_read_sentences),
		cmocka_unit_test(every_answer_can_be_read),
		cmocka_unit_test(the_table_can_be_read),
		cmocka_unit_test(the_table_says_what_the_policy_says),
		cmocka_unit_test(the_table_leaves_nothing_out_for_programs),
		cmocka_unit_test(the_table_for_the_readme_is_a_form_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
