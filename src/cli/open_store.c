/*
 * The store of the configuration, beside a daemon or without one.
 */
#include "cli/cli.h"

#include "base/str.h"

int cli_store_code(const char *url, enum result why)
{
	bool file = str_starts(url, "sqlite:");

	return why == RESULT_TEMP && !file ? CLI_UPSTREAM : CLI_FAILED;
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
	if (r == RESULT_OK) {
		c->now_ms = store_now_ms(*store);
		return CLI_DONE;
	}
	code = cli_store_code((*config)->store, r);
	config_free(*config);
	if (r == RESULT_NOTFOUND)
		return cli_error(c, "there is no store yet; only "
				    "\"reunite serve\" creates it");
	(void)cli_error(c, "cannot open the store: %s", err.text);
	return code;
}

bool cli_is_served(const char *url, struct store *s)
{
	struct store_op op;
	bool served;

	if (!store_is_shared(url))
		return false;
	store_op_init(&op, STORE_NODES);
	op.u.nodes.now_ms = store_now_ms(s);
	served = store_do(s, &op) == RESULT_OK && op.u.nodes.count > 0;
	store_op_release(&op);
	return served;
}
