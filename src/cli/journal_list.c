/*
 * The entries that the options ask for; see journal_list.h.
 */
#include "journal_list.h"

static void fill_filter(const struct cli_list *list, struct store_journal *f)
{
	const struct cli *c = list->cli;
	enum action action;

	f->account = list->account;
	f->since_ms = cli_number(c, "since");
	if (action_parse(cli_text(c, "action"), &action))
		f->action = (int)action;
	f->of_reason = reason_parse(cli_text(c, "reason"), &f->reason);
	f->of_source = event_source_parse(cli_text(c, "source"), &f->source);
	f->user = (uint64_t)cli_number(c, "user");
	f->ticket = (uint64_t)cli_number(c, "ticket");
	f->after_id = list->after_id;
	f->max = list->max;
}

int journal_page(struct cli_list *list, journal_print *print)
{
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_JOURNAL);
	fill_filter(list, &op.u.journal);
	if (store_do(list->store, &op) != RESULT_OK)
		code = cli_store_failed(list->cli, &op);
	list->count = op.u.journal.count;
	for (size_t i = 0; i < list->count; i++) {
		print(list, &op.u.journal.entries[i]);
		list->after_id = op.u.journal.entries[i].id;
	}
	store_op_release(&op);
	return code;
}
