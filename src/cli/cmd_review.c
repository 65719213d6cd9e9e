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
#include "item.h"
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

/* Without a state the open ones; "all" names none. */
static void fill_filter(const struct cli_list *list, struct store_reviews *f)
{
	const char *word = cli_text(list->cli, "state");
	enum review_state state;

	f->account = list->account;
	if (review_state_parse(word ? word : "open", &state))
		f->state = (int)state;
	f->since_ms = cli_number(list->cli, "since");
	f->of_reason = reason_parse(cli_text(list->cli, "reason"), &f->reason);
	f->after_id = list->after_id;
	f->max = list->max;
}

static int page(struct cli_list *list)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_REVIEWS);
	fill_filter(list, &op.u.reviews);
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

	return cli_list(c, page, NULL, headings, ARRAY_LEN(headings));
}

static int show(const struct cli_item *item)
{
	struct cli *c = item->cli;
	struct review_view view = decision_view(item->account, c->personal);
	struct json_t *v = review_encode_whole(item->review, &view);

	if (c->json) {
		cli_json(c, v);
		return CLI_DONE;
	}
	review_text(c, v);
	json_free(v);
	return CLI_DONE;
}

static int run_show(struct cli *c)
{
	return cli_item(c, STORE_REVIEWS, STORE_READ, show);
}

/* What the rules refuse is no failure of ours. */
static int refused(struct cli *c, const struct store_op *op)
{
	if (op->result != RESULT_PERM)
		return cli_store_failed(c, op);
	cli_error(c, "%s", op->error.text);
	return CLI_REFUSED;
}

static int decide(const struct cli_item *item, bool approve)
{
	struct cli *c = item->cli;
	struct store_decide decision = {
		.review_id = item->review->id,
		.approve = approve,
		.pin = approve && cli_given(c, "pin"),
		.by = cli_person(c),
	};
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_DECIDE);
	op.result = decision_complete(item->account, &decision, c->now_ms,
				      &op.error);
	op.u.decide = decision;
	if (op.result == RESULT_OK && store_do(item->store, &op) == RESULT_OK)
		cli_object(c, review_encode_decided(&op.u.decide));
	else
		code = refused(c, &op);
	store_op_release(&op);
	return code;
}

static int approve(const struct cli_item *item)
{
	return decide(item, true);
}

static int reject(const struct cli_item *item)
{
	return decide(item, false);
}

/* Who decides is asked before anything is opened. */
static int run_approve(struct cli *c)
{
	return cli_person(c) ? cli_item(c, STORE_REVIEWS, STORE_WRITE, approve)
			     : CLI_USAGE;
}

static int run_reject(struct cli *c)
{
	return cli_person(c) ? cli_item(c, STORE_REVIEWS, STORE_WRITE, reject)
			     : CLI_USAGE;
}

static const struct cli_option list_options[] = {
	{"state", CLI_CHOICE, "open|approved|rejected|expired|merged|all",
	 "open, unless given"},
	{"reason", CLI_REASON, "CODE",
	 "with this reason, alone or among others"},
	{"since", CLI_SINCE, "AGE|TIME", "asked then or later"},
	CLI_LIST_OPTIONS,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_review_list = {
	.name = "review list",
	.summary = "decisions that wait for a person",
	.example = "review list --reason brand_mismatch",
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
