/*
 * `reunite serve`: the daemon.
 */
#include <stdlib.h>

#include "app/daemon.h"
#include "base/str.h"
#include "cli/cli.h"

static int run(struct cli *c)
{
	struct config *config;
	struct error err = {.text = ""};
	struct tls_context *tls;
	int code = cli_config(c, &config);
	char *store;
	enum result r;

	if (code != CLI_DONE)
		return code;
	code = cli_tls(c, config, &tls);
	if (code != CLI_DONE) {
		config_free(config);
		return code;
	}
	store = xstrdup(config->store);
	r = daemon_run(config, tls, c->config_path, &err);
	if (r != RESULT_OK) {
		(void)cli_error(c, "%s", err.text);
		code = cli_store_code(store, r);
	}
	free(store);
	return code;
}

const struct cli_command cmd_serve = {
	.name = "serve",
	.summary = "the daemon: webhooks, queue, jobs, admin listener",
	.example = "serve -c /etc/reunite/reunite.conf",
	.takes = CLI_TAKES_CONFIG,
	.run = run,
};
