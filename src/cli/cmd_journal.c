/*
 * `reunite journal`: what was decided, of whom, why and how it ended.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "item.h"
#include "journal_list.h"

#define CHANGES_TEXT_MAX 65536 /* what is more is cut off */

static void print_entry(struct cli_list *list, const struct journal_entry *e)
{
	struct cli_table *t = &list->table;

	if (list->cli->json) {
		cli_json(list->cli,
			 journal_entry_encode(e, list->cli->personal));
		return;
	}
	cli_table_id(t, (uint64_t)e->id);
	cli_table_time(t, e->at_ms);
	cli_table_cell(t, "%s", e->account);
	cli_table_cell(t, "%s", action_name(e->action));
	cli_table_cell(t, "%s", reason_code(e->reason));
	cli_table_cell(t, "%s", journal_status_name(e->status));
	cli_table_cell(t, "%s", e->applied ? "yes" : "no");
	cli_table_id(t, e->messaging_user_id);
	cli_table_id(t, e->profile_id);
	cli_table_id(t, e->ticket_id);
	cli_table_cell(t, "%s", e->decided_by ? e->decided_by : "-");
}

static int page(struct cli_list *list)
{
	return journal_page(list, print_entry);
}

static int run_list(struct cli *c)
{
	static const char *const headings[] = {
		"id",	   "at",     "account", "action",
		"reason",  "status", "applied", "messaging user",
		"profile", "ticket", "by"};

	return cli_list(c, page, NULL, headings, ARRAY_LEN(headings));
}

/* One line: every status and since when. */
static void set_changes(struct json_t *v, const struct journal_entry *e)
{
	char at[CLOCK_TEXT_SIZE];
	struct buf text;
	char *line;

	buf_init(&text, CHANGES_TEXT_MAX);
	for (size_t i = 0; i < e->change_count; i++) {
		clock_format(e->changes[i].at_ms, at);
		(void)buf_printf(&text, "%s%s %s", i > 0 ? ", " : "",
				 journal_status_name(e->changes[i].status), at);
	}
	line = buf_detach(&text);
	json_set_str(v, "changes", line);
	free(line);
}

static int show(const struct cli_item *item)
{
	const struct journal_entry *e = item->entry;
	struct cli *c = item->cli;
	struct json_t *v = journal_entry_encode(e, c->personal);

	if (!c->json) {
		if (!action_is_act(e->action))
			json_set_str(v, "because", reason_text(e->reason));
		set_changes(v, e);
		if (e->before_image && !c->personal)
			json_set_str(v, "before_image",
				     "kept; --show-personal-data shows it");
	}
	cli_object(c, v);
	return CLI_DONE;
}

static int run_show(struct cli *c)
{
	return cli_item(c, STORE_JOURNAL, STORE_READ, show);
}

static const struct cli_option list_options[] = {
	JOURNAL_LIST_OPTIONS,
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_journal_list = {
	.name = "journal list",
	.summary = "what was decided, oldest first",
	.example = "journal list --since 24h --action merge",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = list_options,
	.run = run_list,
};

const struct cli_command cmd_journal_show = {
	.name = "journal show",
	.arguments = "ID",
	.summary = "one decision, with the users as they were before",
	.example = "journal show 17 --show-personal-data",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.min_args = 1,
	.max_args = 1,
	.run = run_show,
};
