/*
 * `reunite backfill`: duplicates that exist already. A dry run that writes a
 * report, or, with --apply, a walk by whoever owns the store.
 *
 * The ways are backfill_dry.c and backfill_apply.c; here is what was asked.
 */
#include "backfill.h"

static bool reject(struct cli *c, const char *option, const char *way)
{
	if (!cli_given(c, option))
		return false;
	cli_usage_error(c, "--%s does not go with %s", option, way);
	return true;
}

/* One way, with the options that mean something there. */
static bool options_ok(struct cli *c)
{
	bool apply = cli_given(c, "apply");
	bool stop = cli_given(c, "stop");
	bool status = cli_given(c, "status");

	if (apply + stop + status > 1) {
		cli_usage_error(c, "give one of --apply, --status and --stop");
		return false;
	}
	if (apply)
		return !reject(c, "report",
			       "--apply: journal list "
			       "--source backfill is the report");
	if (!stop && !status)
		return !reject(c, "detach", "a dry run");
	return !reject(c, "since", "--stop and --status") &&
	       !reject(c, "limit", "--stop and --status") &&
	       !reject(c, "report", "--stop and --status") &&
	       !reject(c, "restart", "--stop and --status") &&
	       !reject(c, "detach", "--stop and --status");
}

static int run(struct cli *c)
{
	if (!options_ok(c))
		return CLI_USAGE;
	if (cli_given(c, "apply"))
		return backfill_apply(c);
	if (cli_given(c, "stop"))
		return backfill_stop(c);
	if (cli_given(c, "status"))
		return backfill_status(c);
	return backfill_dry(c);
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "which account, if there are several"},
	{"since", CLI_SINCE, "AGE|TIME", "only users changed since"},
	{"limit", CLI_NUMBER, "N", "stop after N conversations"},
	{"report", CLI_TEXT, "FILE",
	 "of the dry run, a line a conversation (backfill-ACCOUNT.jsonl)"},
	{"apply", CLI_FLAG, NULL, "do it; without this nothing is changed"},
	{"detach", CLI_FLAG, NULL, "with --apply: leave it to the daemon"},
	{"status", CLI_FLAG, NULL, "how far it is"},
	{"stop", CLI_FLAG, NULL, "begin nothing more until --apply goes on"},
	{"restart", CLI_FLAG, NULL, "from the beginning, not where it ended"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_backfill = {
	.name = "backfill",
	.summary = "duplicates that exist already; a dry run unless --apply",
	.example = "backfill --since 90d --report duplicates.jsonl",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = options,
	.run = run,
};
