/*
 * What most commands begin with: the configuration.
 */
#include "base/str.h"
#include "cli/cli.h"
#include "net/tls_context.h"

int cli_config(struct cli *c, struct config **out)
{
	struct error err;

	if (config_load(out, c->config_path, &err) == RESULT_OK)
		return CLI_DONE;
	fprintf(c->err, "%s\n", err.text);
	return CLI_USAGE;
}

int cli_tls(struct cli *c, const struct config *config,
	    struct tls_context **out)
{
	struct error err;

	if (config_tls(config, out, &err) != RESULT_OK) {
		fprintf(c->err, "%s\n", err.text);
		return CLI_USAGE;
	}
	if (*out && tls_context_ends_ms(*out) <= c->now_ms)
		fprintf(c->err, "%s: tls_certificate has expired\n",
			config->tls_certificate_where);
	return CLI_DONE;
}

int cli_check_account(struct cli *c, const struct config *config,
		      const char *account)
{
	if (!account || config_account(config, account))
		return CLI_DONE;
	return cli_usage_error(c, "--account names no account of the "
				  "configuration");
}
