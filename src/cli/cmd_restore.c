/*
 * `reunite journal restore-plan` and `journal reject`: what an admin does
 * about a decision that was wrong.
 *
 * The plan is only printed: nothing here calls Zendesk.
 */
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "core/restore.h"
#include "item.h"
#include "list.h"
#include "person.h"

static void print_steps(struct cli *c, const struct restore_plan *p)
{
	for (size_t i = 0; i < p->count; i++)
		cli_json(c, restore_step_encode(&p->steps[i], i + 1));
}

static int print_script(struct cli *c, const struct restore_plan *p,
			const char *zendesk_url)
{
	struct buf text;
	int code = CLI_DONE;

	buf_init(&text, RESTORE_SCRIPT_MAX);
	restore_plan_script(p, zendesk_url, &text);
	if (text.overflow)
		code = cli_error(c, "the plan is too long; use --json");
	else
		fwrite(text.data, 1, text.len, c->out);
	buf_release(&text);
	return code;
}

static int print_plan(const struct cli_item *item)
{
	struct cli *c = item->cli;
	struct restore_plan p;
	int code = CLI_DONE;

	if (!item->account)
		return cli_error(c, "the entry's account is not in the "
				    "configuration");
	restore_plan_make(item->entry, c->personal, &p);
	if (c->json)
		print_steps(c, &p);
	else
		code = print_script(c, &p, item->account->zendesk_url);
	if (p.verdict == RESTORE_NOTHING && c->json)
		fprintf(c->err, "reunite journal restore-plan: %s\n",
			p.summary);
	if (p.verdict == RESTORE_PARTIAL && code == CLI_DONE) {
		cli_error(c, "the before-image is gone or cannot be read: the "
			     "plan holds only what is still known");
		code = CLI_REFUSED;
	}
	restore_plan_release(&p);
	return code;
}

static int run_plan(struct cli *c)
{
	return cli_item(c, STORE_JOURNAL, STORE_READ, print_plan);
}

static void print_rejected(struct cli *c, const struct store_reject *r)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "id", r->journal_id);
	json_set_str(v, "state", "rejected");
	json_set_str(v, "decided_by", r->by);
	json_set_int(v, "journal_id", r->entry_id);
	cli_object(c, v);
}

static int reject(const struct cli_item *item)
{
	struct cli *c = item->cli;
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_REJECT);
	op.u.reject.journal_id = item->entry->id;
	op.u.reject.by = cli_person(c);
	op.u.reject.now_ms = c->now_ms;
	op.u.reject.wait_ms = item->account->wait_for_user_ms;
	if (store_do(item->store, &op) == RESULT_OK)
		print_rejected(c, &op.u.reject);
	else
		code = cli_store_failed(c, &op);
	store_op_release(&op);
	return code;
}

static int run_reject(struct cli *c)
{
	return cli_person(c) ? cli_item(c, STORE_JOURNAL, STORE_WRITE, reject)
			     : CLI_USAGE;
}

const struct cli_command cmd_journal_restore_plan = {
	.name = "journal restore-plan",
	.arguments = "ID",
	.summary = "how to put a wrong merge right by hand, as a script",
	.example = "journal restore-plan 17 --show-personal-data >plan.sh",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.min_args = 1,
	.max_args = 1,
	.run = run_plan,
};

static const struct cli_option reject_options[] = {
	CLI_BY_OPTION("decides"),
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_journal_reject = {
	.name = "journal reject",
	.arguments = "ID",
	.summary = "never link the two of this entry again",
	.example = "journal reject 17 --by maria",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = reject_options,
	.min_args = 1,
	.max_args = 1,
	.run = run_reject,
};
