/*
 * `reunite check`: does the configuration load, and as what?
 *
 * Nothing but the configuration and the files it names is read.
 */
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "net/tls_context.h"

static void print_json(const char *account,
		       const struct config_setting *setting,
		       const struct config_list *value, void *arg)
{
	struct json_t *line = json_new_obj();
	struct json_t *items;

	json_set_str(line, "account", account);
	json_set_str(line, "setting", setting->name);
	if (str_eq(setting->type, "list")) {
		items = json_new_arr();
		for (size_t i = 0; i < value->count; i++)
			json_push(items, json_new_str(value->items[i]));
		json_set(line, "value", items);
	} else {
		json_set_str(line, "value", value->items[0]);
	}
	cli_json(arg, line);
}

static int run(struct cli *c)
{
	struct config *config;
	struct tls_context *tls;
	int code = cli_config(c, &config);

	if (code != CLI_DONE)
		return code;
	code = cli_tls(c, config, &tls);
	if (code != CLI_DONE) {
		config_free(config);
		return code;
	}
	tls_context_free(tls);
	if (c->json)
		config_each(config, print_json, c);
	else
		config_print(config, c->out);
	config_warnings(config, c->err);
	config_free(config);
	return CLI_DONE;
}

const struct cli_command cmd_check = {
	.name = "check",
	.summary = "read the configuration and print it, secrets masked",
	.example = "check -c /etc/reunite/reunite.conf",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.run = run,
};
