/*
 * What most commands begin with: the configuration and its store.
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

int cli_store(struct cli *c, enum store_mode mode, struct config **config,
	      struct store **store)
{
	struct error err;
	enum result r;
	int code;

	code = cli_config(c, config);
	if (code != CLI_DONE)
		return code;
	r = store_open(store, (*config)->store, mode, c->now_ms, &err);
	if (r == RESULT_OK)
		return CLI_DONE;
	config_free(*config);
	if (r == RESULT_NOTFOUND)
		return cli_error(c, "there is no store yet; only "
				    "\"reunite serve\" creates it");
	return cli_error(c, "cannot open the store: %s", err.text);
}

int cli_check_account(struct cli *c, const struct config *config,
		      const char *account)
{
	if (!account || config_account(config, account))
		return CLI_DONE;
	return cli_usage_error(c, "--account names no account of the "
				  "configuration");
}
