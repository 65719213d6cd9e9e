/*
 * Lists in pages; see list.h.
 */
#include "list.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"

static enum result print_pages(struct cli_list *list, cli_page *page)
{
	int64_t left = cli_number(list->cli, "limit");
	enum result r;

	if (left == 0)
		left = INT64_MAX;
	do {
		list->max =
			left < STORE_LIST_MAX ? (size_t)left : STORE_LIST_MAX;
		r = page(list);
		cli_table_flush(&list->table);
		left -= (int64_t)list->count;
	} while (r == RESULT_OK && list->count == list->max && left > 0 &&
		 cli_out_ok(list->cli));
	return r;
}

int cli_list(struct cli *c, cli_page *page, int filter,
	     const char *const *headings, size_t columns)
{
	struct cli_list list = {.cli = c, .filter = filter};
	struct config *config;
	int code = cli_store(c, STORE_READ, &config, &list.store);

	if (code != CLI_DONE)
		return code;
	list.account = cli_text(c, "account");
	cli_table_init(&list.table, c, headings, columns);
	code = cli_check_account(c, config, list.account);
	if (code == CLI_DONE && print_pages(&list, page) != RESULT_OK)
		code = cli_error(c, "cannot read the store: %s",
				 list.error.text);
	cli_table_release(&list.table);
	store_close(list.store);
	config_free(config);
	return code;
}

void cli_object(struct cli *c, struct json_t *v)
{
	static const char *const headings[] = {"key", "value"};
	struct cli_table table;
	struct json_t *value;
	void *iter = NULL;
	const char *key;

	if (c->json) {
		cli_json(c, v);
		return;
	}
	cli_table_init(&table, c, headings, ARRAY_LEN(headings));
	table.headed = true;
	while (json_next(v, &iter, &key, &value)) {
		char *text = json_is_str(value) ? xstrdup(json_str(value))
						: json_text(value);

		cli_table_cell(&table, "%s", key);
		cli_table_cell(&table, "%s", text);
		free(text);
	}
	cli_table_flush(&table);
	json_free(v);
}
