/*
 * `reunite queue`: the jobs that are not done, and starting or dropping one.
 *
 * Works beside a daemon: a job that is running is left alone.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "item.h"
#include "list.h"

static void print_job(struct cli_list *list, const struct job *j)
{
	struct cli_table *t = &list->table;

	if (list->cli->json) {
		cli_json(list->cli, job_encode(j));
		return;
	}
	cli_table_id(t, (uint64_t)j->id);
	cli_table_cell(t, "%s", j->account);
	cli_table_cell(t, "%s", job_state_name(j->state));
	cli_table_cell(t, "%s", job_lane_name(j->lane));
	cli_table_time(t, j->run_at_ms);
	cli_table_cell(t, "%d", j->attempts);
	cli_table_cell(t, "%s", *j->sunco_id ? j->sunco_id : "-");
	cli_table_id(t, j->zendesk_user_id);
	cli_table_id(t, j->ticket_id);
	cli_table_cell(t, "%s", j->last_error ? j->last_error : "-");
}

static void say_why(FILE *err, const struct store_account *a)
{
	char since[CLOCK_TEXT_SIZE];

	if (a->is_paused) {
		clock_format(a->paused_ms, since);
		fprintf(err, "account %s is paused since %s by %s\n",
			a->account, since, a->paused_by);
	}
	if (a->held) {
		clock_format(a->held_ms, since);
		fprintf(err, "account %s is held since %s: %s, %s: %s\n",
			a->account, since, a->held,
			a->held_api ? a->held_api : "an API",
			a->held_text ? a->held_text : "");
	}
}

static void say_stop(const struct cli_list *list, const char *account)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = account;
	if (store_do(list->store, &op) == RESULT_OK)
		say_why(list->cli->err, &op.u.account);
	store_op_release(&op);
}

/* A queue that does not move has a reason. */
static void say_stops(const struct cli_list *list)
{
	for (size_t i = 0; i < list->config->account_count; i++) {
		const char *name = list->config->accounts[i].name;

		if (!list->account || str_eq(list->account, name))
			say_stop(list, name);
	}
}

static int page(struct cli_list *list)
{
	enum job_state state;
	struct store_op op;
	int code = CLI_DONE;

	if (list->after_id == 0)
		say_stops(list);
	store_op_init(&op, STORE_JOBS);
	op.u.jobs.account = list->account;
	if (job_state_parse(cli_text(list->cli, "state"), &state))
		op.u.jobs.state = (int)state;
	op.u.jobs.after_id = list->after_id;
	op.u.jobs.max = list->max;
	if (store_do(list->store, &op) != RESULT_OK)
		code = cli_store_failed(list->cli, &op);
	list->count = op.u.jobs.count;
	for (size_t i = 0; i < list->count; i++) {
		print_job(list, &op.u.jobs.jobs[i]);
		list->after_id = op.u.jobs.jobs[i].id;
	}
	store_op_release(&op);
	return code;
}

static int run_list(struct cli *c)
{
	static const char *const headings[] = {
		"id",	    "account",	  "state",	  "lane",   "run at",
		"attempts", "sunco user", "zendesk user", "ticket", "error"};

	return cli_list(c, page, NULL, headings, ARRAY_LEN(headings));
}

static int show(const struct cli_item *item)
{
	cli_object(item->cli, job_encode(item->job));
	return CLI_DONE;
}

static int run_show(struct cli *c)
{
	return cli_item(c, STORE_JOBS, STORE_READ, show);
}

/* id 0: all dead ones of the account. */
static int retry(struct cli *c, struct store *store,
		 const struct account_config *a, int64_t id, int64_t *count)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_RETRY);
	op.u.retry.job_id = id;
	op.u.retry.account = a->name;
	op.u.retry.now_ms = c->now_ms;
	op.u.retry.wait_ms = a->wait_for_user_ms;
	if (store_do(store, &op) == RESULT_OK)
		*count += op.u.retry.count;
	else
		code = cli_store_failed(c, &op);
	store_op_release(&op);
	return code;
}

static int retry_all(struct cli *c, const struct config *config,
		     struct store *store, int64_t *count)
{
	const char *only = cli_text(c, "account");
	int code = cli_check_account(c, config, only);

	for (size_t i = 0; i < config->account_count && code == CLI_DONE; i++)
		if (!only || str_eq(only, config->accounts[i].name))
			code = retry(c, store, &config->accounts[i], 0, count);
	return code;
}

static void print_count(struct cli *c, const char *key, int64_t count)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, key, count);
	cli_object(c, v);
}

static int retry_one(const struct cli_item *item)
{
	int64_t count = 0;
	int code = retry(item->cli, item->store, item->account, item->job->id,
			 &count);

	if (code == CLI_DONE)
		print_count(item->cli, "retried", count);
	return code;
}

static int run_retry_all(struct cli *c)
{
	struct config *config;
	struct store *store;
	int64_t count = 0;
	int code = cli_store(c, STORE_WRITE, &config, &store);

	if (code != CLI_DONE)
		return code;
	code = retry_all(c, config, store, &count);
	if (code == CLI_DONE)
		print_count(c, "retried", count);
	store_close(store);
	config_free(config);
	return code;
}

static int run_retry(struct cli *c)
{
	bool all = cli_given(c, "all");

	if (all == (c->arg_count == 1))
		return cli_usage_error(c, "give either an ID or --all");
	if (!all && cli_given(c, "account"))
		return cli_usage_error(c, "--account goes with --all");
	return all ? run_retry_all(c)
		   : cli_item(c, STORE_JOBS, STORE_WRITE, retry_one);
}

static int run_drop(struct cli *c)
{
	struct config *config;
	struct store *store;
	struct store_op op;
	int64_t id;
	int code;

	if (!cli_arg_number(c, 0, &id))
		return CLI_USAGE;
	code = cli_store(c, STORE_WRITE, &config, &store);
	if (code != CLI_DONE)
		return code;
	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = id;
	if (store_do(store, &op) == RESULT_OK)
		print_count(c, "dropped", 1);
	else
		code = cli_store_failed(c, &op);
	store_op_release(&op);
	store_close(store);
	config_free(config);
	return code;
}

static const struct cli_option list_options[] = {
	{"state", CLI_CHOICE, "ready|running|waiting|review|dead|done",
	 "unless given, all but done"},
	CLI_LIST_OPTIONS,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_queue_list = {
	.name = "queue list",
	.summary = "jobs that are not done",
	.example = "queue list --state dead",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = list_options,
	.run = run_list,
};

const struct cli_command cmd_queue_show = {
	.name = "queue show",
	.arguments = "ID",
	.summary = "one job",
	.example = "queue show 12",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run_show,
};

static const struct cli_option retry_options[] = {
	{"all", CLI_FLAG, NULL, "every dead job"},
	{"account", CLI_TEXT, "NAME", "with --all: only this account's"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_queue_retry = {
	.name = "queue retry",
	.arguments = "ID|--all",
	.summary = "start a dead or waiting job, or one in review, again",
	.example = "queue retry --all --account acme",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = retry_options,
	.max_args = 1,
	.run = run_retry,
};

const struct cli_command cmd_queue_drop = {
	.name = "queue drop",
	.arguments = "ID",
	.summary = "forget a job that is not running",
	.example = "queue drop 12",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.min_args = 1,
	.max_args = 1,
	.run = run_drop,
};
