/*
 * What most commands begin with: the configuration.
 */
#include "base/str.h"
#include "cli/cli.h"

int cli_config(struct cli *c, struct config **out)
{
	struct error err;

	if (config_load(out, c->config_path, &err) == RESULT_OK)
		return CLI_DONE;
	fprintf(c->err, "%s\n", err.text);
	return CLI_USAGE;
}

int cli_check_account(struct cli *c, const struct config *config,
		      const char *account)
{
	if (!account || config_account(config, account))
		return CLI_DONE;
	return cli_usage_error(c, "--account names no account of the "
				  "configuration");
}
