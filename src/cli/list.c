/*
 * Lists in pages; see list.h.
 */
#include "list.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static int print_pages(struct cli_list *list, cli_page *page)
{
	int64_t left = cli_number(list->cli, "limit");
	int code;

	if (left == 0)
		left = INT64_MAX;
	do {
		list->max =
			left < STORE_LIST_MAX ? (size_t)left : STORE_LIST_MAX;
		code = page(list);
		cli_table_flush(&list->table);
		left -= (int64_t)list->count;
	} while (code == CLI_DONE && list->count == list->max && left > 0 &&
		 cli_out_ok(list->cli));
	return code;
}

int cli_list(struct cli *c, cli_page *page, void *arg,
	     const char *const *headings, size_t columns)
{
	struct cli_list list = {.cli = c, .arg = arg};
	struct config *config;
	int code = cli_store(c, STORE_READ, &config, &list.store);

	if (code != CLI_DONE)
		return code;
	list.config = config;
	list.account = cli_text(c, "account");
	cli_table_init(&list.table, c, headings, columns);
	code = cli_check_account(c, config, list.account);
	if (code == CLI_DONE)
		code = print_pages(&list, page);
	cli_table_release(&list.table);
	store_close(list.store);
	config_free(config);
	return code;
}

int cli_store_failed(struct cli *c, const struct store_op *op)
{
	if (op->result == RESULT_NOTFOUND || op->result == RESULT_CONFLICT)
		return cli_error(c, "%s", op->error.text);
	return cli_error(c, "the store failed: %s", op->error.text);
}

static int key_width(const struct json_t *v)
{
	struct json_t *value;
	void *iter = NULL;
	const char *key;
	size_t width = 0;

	while (json_next(v, &iter, &key, &value))
		width = strlen(key) > width ? strlen(key) : width;
	return (int)width;
}

void cli_object(struct cli *c, struct json_t *v)
{
	int width = key_width(v);
	struct json_t *value;
	void *iter = NULL;
	const char *key;

	if (c->json) {
		cli_json(c, v);
		return;
	}
	while (json_next(v, &iter, &key, &value)) {
		char *text = json_is_str(value) ? xstrdup(json_str(value))
						: json_text(value);

		cli_clean(text);
		fprintf(c->out, "%-*s  %s\n", width, key, text);
		free(text);
	}
	json_free(v);
}
