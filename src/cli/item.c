/*
 * One thing by its id; see item.h.
 */
#include "item.h"

#include "list.h"

static void ask(struct store_op *op, enum store_op_kind kind, int64_t id)
{
	store_op_init(op, kind);
	if (kind == STORE_JOBS) {
		op->u.jobs.id = id;
		op->u.jobs.max = 1;
	} else if (kind == STORE_JOURNAL) {
		op->u.journal.id = id;
		op->u.journal.max = 1;
	} else {
		op->u.reviews.id = id;
		op->u.reviews.max = 1;
	}
}

static const char *name_of(enum store_op_kind kind)
{
	return kind == STORE_JOBS      ? "job"
	       : kind == STORE_JOURNAL ? "entry"
				       : "review";
}

/* What was read, and whose it is; NULL: there is none. */
static const char *take(struct cli_item *item, const struct store_op *op)
{
	if (op->kind == STORE_JOBS && op->u.jobs.count > 0) {
		item->job = op->u.jobs.jobs;
		return item->job->account;
	}
	if (op->kind == STORE_JOURNAL && op->u.journal.count > 0) {
		item->entry = op->u.journal.entries;
		return item->entry->account;
	}
	if (op->kind == STORE_REVIEWS && op->u.reviews.count > 0) {
		item->review = op->u.reviews.reviews;
		return item->review->account;
	}
	return NULL;
}

static int hand_over(struct cli_item *item, struct store_op *op,
		     enum store_mode mode, cli_item_fn *fn)
{
	struct cli *c = item->cli;
	const char *account;

	if (store_do(item->store, op) != RESULT_OK)
		return cli_store_failed(c, op);
	account = take(item, op);
	if (!account)
		return cli_error(c, "no such %s", name_of(op->kind));
	item->account = config_account(item->config, account);
	if (!item->account && mode != STORE_READ)
		return cli_error(c,
				 "the %s's account is not in the "
				 "configuration",
				 name_of(op->kind));
	return fn(item);
}

int cli_item(struct cli *c, enum store_op_kind kind, enum store_mode mode,
	     cli_item_fn *fn)
{
	struct cli_item item = {.cli = c};
	struct config *config;
	struct store_op op;
	int64_t id;
	int code;

	if (!cli_arg_number(c, 0, &id))
		return CLI_USAGE;
	code = cli_store(c, mode, &config, &item.store);
	if (code != CLI_DONE)
		return code;
	item.config = config;
	ask(&op, kind, id);
	code = hand_over(&item, &op, mode, fn);
	store_op_release(&op);
	store_close(item.store);
	config_free(config);
	return code;
}
