/*
 * `reunite review`: decisions that wait for a person, and the person's word.
 *
 * An approval waives exactly the reasons that the review lists; the job that
 * it wakes reads everything again. A rejected pair is remembered.
 */
#include "app/decision.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "list.h"
#include "person.h"
#include "review_text.h"

static void print_review(struct cli_list *list, const struct review *r)
{
	struct cli_table *t = &list->table;
	enum reason reasons[REASON_COUNT];
	size_t count = reason_set_list(r->reasons, reasons);

	if (list->cli->json) {
		cli_json(list->cli, review_encode(r, list->cli->personal));
		return;
	}
	cli_table_id(t, (uint64_t)r->id);
	cli_table_time(t, r->created_ms);
	cli_table_cell(t, "%s", r->account);
	cli_table_cell(t, "%s", review_state_name(r->state));
	cli_table_cell(t, "%s", action_name(r->intended));
	cli_table_cell(t, "%s%s", reason_code(count ? reasons[0] : REASON_NONE),
		       count > 1 ? " ..." : "");
	cli_table_id(t, r->messaging_user_id);
	cli_table_id(t, r->profile_id);
	cli_table_id(t, r->ticket_id);
	cli_table_time(t, r->expires_ms);
}

static int page(struct cli_list *list)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.account = list->account;
	op.u.reviews.state = list->filter;
	op.u.reviews.since_ms = cli_number(list->cli, "since");
	op.u.reviews.after_id = list->after_id;
	op.u.reviews.max = list->max;
	if (store_do(list->store, &op) != RESULT_OK)
		code = cli_store_failed(list->cli, &op);
	list->count = op.u.reviews.count;
	for (size_t i = 0; i < list->count; i++) {
		print_review(list, &op.u.reviews.reviews[i]);
		list->after_id = op.u.reviews.reviews[i].id;
	}
	store_op_release(&op);
	return code;
}

static int run_list(struct cli *c)
{
	static const char *const headings[] = {
		"id",	  "since",	    "account", "state",	 "would",
		"reason", "messaging user", "profile", "ticket", "expires"};
	const char *word = cli_text(c, "state");
	enum review_state state = REVIEW_OPEN;

	if (word && str_eq(word, "all"))
		return cli_list(c, page, -1, headings, ARRAY_LEN(headings));
	if (word && !review_state_parse(word, &state))
		return cli_usage_error(c, "--state names no state");
	return cli_list(c, page, (int)state, headings, ARRAY_LEN(headings));
}

/* Reads one review into op, which the caller releases. */
static int read_review(struct cli *c, struct store *store, int64_t id,
		       struct store_op *op)
{
	store_op_init(op, STORE_REVIEWS);
	op->u.reviews.id = id;
	op->u.reviews.state = -1;
	op->u.reviews.max = 1;
	if (store_do(store, op) != RESULT_OK)
		return cli_store_failed(c, op);
	if (op->u.reviews.count == 0)
		return cli_error(c, "no such review");
	return CLI_DONE;
}

static void print_one(struct cli *c, const struct config *config,
		      const struct review *r)
{
	struct review_view view =
		decision_view(config_account(config, r->account), c->personal);
	struct json_t *v = review_encode_whole(r, &view);

	if (c->json) {
		cli_json(c, v);
		return;
	}
	review_text(c, v);
	json_free(v);
}

static int run_show(struct cli *c)
{
	struct config *config;
	struct store *store;
	struct store_op op;
	int64_t id;
	int code;

	if (!cli_arg_number(c, 0, &id))
		return CLI_USAGE;
	code = cli_store(c, STORE_READ, &config, &store);
	if (code != CLI_DONE)
		return code;
	code = read_review(c, store, id, &op);
	if (code == CLI_DONE)
		print_one(c, config, &op.u.reviews.reviews[0]);
	store_op_release(&op);
	store_close(store);
	config_free(config);
	return code;
}

/* What the rules refuse is no failure of ours. */
static int refused(struct cli *c, const struct store_op *op)
{
	if (op->result != RESULT_PERM)
		return cli_store_failed(c, op);
	cli_error(c, "%s", op->error.text);
	return CLI_REFUSED;
}

static int decide(struct cli *c, struct store *store,
		  const struct account_config *a, struct store_decide decision)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_DECIDE);
	op.result = decision_complete(a, &decision, c->now_ms, &op.error);
	op.u.decide = decision;
	if (op.result == RESULT_OK && store_do(store, &op) == RESULT_OK)
		cli_object(c, review_encode_decided(&op.u.decide));
	else
		code = refused(c, &op);
	store_op_release(&op);
	return code;
}

static int run_decide(struct cli *c, bool approve)
{
	struct store_decide decision = {
		.approve = approve,
		.pin = approve && cli_given(c, "pin"),
		.by = cli_person(c),
	};
	const struct account_config *a;
	struct config *config;
	struct store *store;
	struct store_op op;
	int code;

	if (!cli_arg_number(c, 0, &decision.review_id))
		return CLI_USAGE;
	if (!decision.by)
		return CLI_USAGE;
	code = cli_store(c, STORE_WRITE, &config, &store);
	if (code != CLI_DONE)
		return code;
	code = read_review(c, store, decision.review_id, &op);
	if (code == CLI_DONE) {
		a = config_account(config, op.u.reviews.reviews[0].account);
		code = a ? decide(c, store, a, decision)
			 : cli_error(c, "the review's account is not in the "
					"configuration");
	}
	store_op_release(&op);
	store_close(store);
	config_free(config);
	return code;
}

static int run_approve(struct cli *c)
{
	return run_decide(c, true);
}

static int run_reject(struct cli *c)
{
	return run_decide(c, false);
}

static const struct cli_option list_options[] = {
	{"state", CLI_TEXT, "STATE",
	 "open (default), approved, rejected, expired, merged or all"},
	{"since", CLI_SINCE, "AGE|TIME", "asked then or later"},
	CLI_LIST_OPTIONS,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_review_list = {
	.name = "review list",
	.summary = "decisions that wait for a person",
	.example = "review list --json",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = list_options,
	.run = run_list,
};

const struct cli_command cmd_review_show = {
	.name = "review show",
	.arguments = "ID",
	.summary = "one review, with both sides as they were read",
	.example = "review show 3 --show-personal-data",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.min_args = 1,
	.max_args = 1,
	.run = run_show,
};

static const struct cli_option approve_options[] = {
	CLI_BY_OPTION("decides"),
	{"pin", CLI_FLAG, NULL,
	 "give the profile the conversation's external id, too"},
	{NULL, CLI_FLAG, NULL, NULL},
};

static const struct cli_option reject_options[] = {
	CLI_BY_OPTION("decides"),
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_review_approve = {
	.name = "review approve",
	.arguments = "ID",
	.summary = "link the two, in spite of the reasons listed",
	.example = "review approve 3 --by maria",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = approve_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_approve,
};

const struct cli_command cmd_review_reject = {
	.name = "review reject",
	.arguments = "ID",
	.summary = "never link the two for this address",
	.example = "review reject 3 --by maria",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = reject_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_reject,
};
