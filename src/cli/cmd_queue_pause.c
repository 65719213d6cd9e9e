/*
 * `reunite queue pause` and `queue resume`: stop an account's jobs, let them
 * go on, and close its breaker before time does.
 *
 * A daemon notices within about a second. Each change is an entry of the
 * journal with the name of whoever made it.
 */
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "list.h"
#include "person.h"

static void print_change(struct cli *c, const struct store_account *a)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", a->account);
	if (a->set_breaker)
		json_set_str(v, "breaker", "closed");
	else
		json_set_bool(v, "paused", a->is_paused);
	json_set_bool(v, "changed", a->journal_id != 0);
	json_set_str(v, "by", a->by);
	json_set_id(v, "journal_id", (uint64_t)a->journal_id);
	cli_object(c, v);
}

static int change(struct cli *c, struct store *store, const char *account,
		  const struct store_account *what)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account = *what;
	op.u.account.account = account;
	op.u.account.now_ms = c->now_ms;
	if (store_do(store, &op) == RESULT_OK)
		print_change(c, &op.u.account);
	else
		code = cli_store_failed(c, &op);
	store_op_release(&op);
	return code;
}

static int change_all(struct cli *c, const struct config *config,
		      struct store *store, const struct store_account *what)
{
	const char *only = cli_text(c, "account");
	int code = cli_check_account(c, config, only);

	if (code == CLI_DONE && what->set_breaker && !only &&
	    config->account_count > 1)
		return cli_usage_error(c, "several accounts: say whose breaker "
					  "with --account");
	for (size_t i = 0; i < config->account_count && code == CLI_DONE; i++)
		if (!only || str_eq(only, config->accounts[i].name))
			code = change(c, store, config->accounts[i].name, what);
	return code;
}

static int run(struct cli *c, struct store_account what)
{
	struct config *config;
	struct store *store;
	int code;

	what.by = cli_person(c);
	if (!what.by || !cli_reason(c, &what.why))
		return CLI_USAGE;
	code = cli_store(c, STORE_WRITE, &config, &store);
	if (code != CLI_DONE)
		return code;
	code = change_all(c, config, store, &what);
	store_close(store);
	config_free(config);
	return code;
}

static int run_pause(struct cli *c)
{
	return run(c,
		   (struct store_account){.set_paused = true, .paused = true});
}

static int run_resume(struct cli *c)
{
	bool breaker = cli_given(c, "breaker");

	return run(c, (struct store_account){.set_breaker = breaker,
					     .set_paused = !breaker});
}

#define REASON_OPTION                                                          \
	{                                                                      \
		"reason", CLI_TEXT, "TEXT",                                    \
			"why, for the journal; nobody's name or address"       \
	}

static const struct cli_option pause_options[] = {
	{"account", CLI_TEXT, "NAME", "only this account; else all of them"},
	CLI_BY_OPTION("pauses"),
	REASON_OPTION,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_queue_pause = {
	.name = "queue pause",
	.summary = "start no more jobs; webhooks are still taken",
	.example = "queue pause --account acme --reason \"import under way\"",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = pause_options,
	.run = run_pause,
};

static const struct cli_option resume_options[] = {
	{"account", CLI_TEXT, "NAME", "only this account; else all of them"},
	{"breaker", CLI_FLAG, NULL,
	 "close the breaker instead: links so far count no more"},
	CLI_BY_OPTION("resumes"),
	REASON_OPTION,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_queue_resume = {
	.name = "queue resume",
	.summary = "go on after a pause; with --breaker: close the breaker",
	.example = "queue resume --account acme --breaker --by maria",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = resume_options,
	.run = run_resume,
};
