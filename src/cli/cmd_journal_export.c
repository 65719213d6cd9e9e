/*
 * `reunite journal export`: the journal for other programs, as JSON lines or
 * CSV, to the standard output or into a file.
 *
 * It goes page by page, so the journal may be of any size. The file has its
 * name only when it is whole, and replaces none.
 */
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "journal_csv.h"
#include "journal_list.h"
#include "out_file.h"
#include "progress.h"

struct export
{
	bool csv;
	bool to_file; /* how far it is can be shown */
	struct progress progress;
	int64_t count;
};

static void print_entry(struct cli_list *list, const struct journal_entry *e)
{
	struct export *x = list->arg;
	struct cli *c = list->cli;

	if (x->csv)
		journal_csv_entry(c->out, e, c->personal);
	else
		cli_json(c, journal_entry_encode(e, c->personal));
	x->count++;
}

static int page(struct cli_list *list)
{
	struct export *x = list->arg;
	int code;

	if (x->csv && list->after_id == 0)
		journal_csv_head(list->cli->out, list->cli->personal);
	code = journal_page(list, print_entry);
	if (x->to_file)
		progress_show(&x->progress, x->count, 0, "entries",
			      clock_mono_ms());
	return code;
}

static int to_out(struct cli *c, struct export *x)
{
	static const char *const nothing[] = {""};

	return cli_list(c, page, x, nothing, ARRAY_LEN(nothing));
}

/* c->out is the file meanwhile. */
static int write_file(struct cli *c, struct export *x, struct out_file *file)
{
	FILE *out = c->out;
	int code;

	c->out = file->out;
	code = to_out(c, x);
	c->out = out;
	progress_clear(&x->progress);
	return code;
}

static int print_result(struct cli *c, const struct export *x, const char *path)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "exported", x->count);
	json_set_str(v, "file", path);
	cli_object(c, v);
	return CLI_DONE;
}

static int to_file(struct cli *c, struct export *x, const char *path)
{
	struct out_file file;
	struct error err;
	int code;

	if (out_file_open(&file, path, &err) != RESULT_OK)
		return cli_error(c, "%s", err.text);
	x->to_file = true;
	progress_init(&x->progress, c->err);
	code = write_file(c, x, &file);
	if (code != CLI_DONE) {
		out_file_abandon(&file);
		return code;
	}
	if (out_file_finish(&file, &err) != RESULT_OK)
		return cli_error(c, "%s", err.text);
	return print_result(c, x, path);
}

static int run(struct cli *c)
{
	struct export x = {.csv = str_eq(cli_text(c, "format"), "csv")};
	const char *path = cli_text(c, "out");

	if (x.csv && c->json)
		return cli_usage_error(c, "give either --format csv or --json");
	return path && !str_eq(path, "-") ? to_file(c, &x, path)
					  : to_out(c, &x);
}

static const struct cli_option options[] = {
	JOURNAL_LIST_OPTIONS,
	{"format", CLI_CHOICE, "json|csv",
	 "json, a line an entry, if not given"},
	{"out", CLI_TEXT, "FILE", "a new file, readable by its owner alone"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_journal_export = {
	.name = "journal export",
	.summary = "the journal for other programs, as JSON lines or CSV",
	.example = "journal export --since 30d --format csv --out journal.csv",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = options,
	.run = run,
};
