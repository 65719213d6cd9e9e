/*
 * `reunite explain`: what the policy says, and why.
 *
 * Exactly one way to name the case. Facts from a file and the table read
 * neither configuration nor store; a person is read over the APIs, as a dry
 * run of the job would.
 */
#include "base/str.h"
#include "commands.h"
#include "explain.h"
#include "oneshot.h"

static const char *const ways[] = {"facts",  "table",	   "user",
				   "ticket", "sunco-user", "job"};

static int print(struct cli *c, const struct run_report *r, void *arg)
{
	const struct linkjob *l = r->link;

	(void)arg;
	explain_decision(c, &l->decision,
			 policy_zendesk_does(&l->facts, &l->settings.rules));
	return CLI_DONE;
}

static int explain_person(struct cli *c)
{
	struct oneshot_who who = {.job = cli_number(c, "job")};

	if (!who.job && !oneshot_who_parse(c, &who))
		return CLI_USAGE;
	return oneshot_dry(c, &who, print, NULL);
}

static int run(struct cli *c)
{
	int given = 0;

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		given += cli_given(c, ways[i]);
	if (given != 1)
		return cli_usage_error(c, "give one of --facts, --table, "
					  "--user, --ticket, --sunco-user "
					  "and --job");
	if (cli_given(c, "markdown") && (c->json || !cli_given(c, "table")))
		return cli_usage_error(c, "--markdown is a form of --table");
	if (cli_given(c, "facts"))
		return explain_facts(c, cli_text(c, "facts"));
	if (cli_given(c, "table"))
		return explain_table(c, cli_given(c, "markdown"));
	return explain_person(c);
}

static const struct cli_option options[] = {
	{"facts", CLI_TEXT, "FILE",
	 "one JSON object, or one a line; - is the standard input"},
	{"table", CLI_FLAG, NULL,
	 "every situation: what Zendesk does, what reunite does"},
	{"markdown", CLI_FLAG, NULL, "the table as the manual has it"},
	{"user", CLI_NUMBER, "ID", "the Zendesk user of the conversation"},
	{"ticket", CLI_NUMBER, "ID", "the requester of this ticket"},
	{"sunco-user", CLI_TEXT, "ID", "the Sunshine Conversations user"},
	{"job", CLI_NUMBER, "ID", "the person of this job"},
	{"account", CLI_TEXT, "NAME", "which account, if there are several"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_explain = {
	.name = "explain",
	.summary = "say what would be done about a person, and why",
	.example = "explain --ticket 35436",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
