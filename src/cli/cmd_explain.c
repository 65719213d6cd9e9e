/*
 * `reunite explain`: what the policy says, and why.
 *
 * Exactly one way to name the case. Without an account, facts come from a
 * file, or the whole table is printed; neither reads the configuration.
 */
#include "commands.h"
#include "explain.h"

static int run(struct cli *c)
{
	bool facts = cli_given(c, "facts");
	bool table = cli_given(c, "table");

	if (facts == table)
		return cli_usage_error(c, "one of --facts and --table");
	return facts ? explain_facts(c, cli_text(c, "facts"))
		     : explain_table(c);
}

static const struct cli_option options[] = {
	{"facts", CLI_TEXT, "FILE",
	 "one JSON object, or one a line; - is the standard input"},
	{"table", CLI_FLAG, NULL, "the outcomes of the whole policy"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_explain = {
	.name = "explain",
	.summary = "say what would be done about a person, and why",
	.example = "explain --facts facts.json",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
