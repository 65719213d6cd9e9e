/*
 * `reunite serve`: the daemon.
 */
#include "app/daemon.h"
#include "cli/cli.h"

static int run(struct cli *c)
{
	struct config *config;
	struct error err = {.text = ""};
	int code = cli_config(c, &config);

	if (code != CLI_DONE)
		return code;
	if (daemon_run(config, c->config_path, &err) != RESULT_OK)
		return cli_error(c, "%s", err.text);
	return CLI_DONE;
}

const struct cli_command cmd_serve = {
	.name = "serve",
	.summary = "the daemon: webhooks, queue, jobs, admin listener",
	.example = "serve -c /etc/reunite/reunite.conf",
	.takes = CLI_TAKES_CONFIG,
	.run = run,
};
