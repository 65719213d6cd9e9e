/*
 * `reunite store`: a whole store is copied elsewhere, or saved in a file.
 *
 * Neither URL is printed with its password. What a copy holds is said in
 * counts and checksums only.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "progress.h"
#include "store/transfer.h"

#define HOST_SIZE     256
#define SUM_SHOWN     16 /* of its digits, to people */
#define MS_PER_SECOND 1000.0

struct work {
	struct cli *cli;
	struct progress progress;
	struct transfer transfer;
	char host[HOST_SIZE];
	int64_t begun_ms; /* monotonic */
};

static void show(void *arg, const char *doing, const char *table, int64_t done,
		 int64_t total)
{
	struct work *w = arg;
	char note[PROGRESS_NOTE_SIZE];

	snprintf(note, sizeof(note), "%s %s", doing, table);
	progress_show(&w->progress, done, total, note, clock_mono_ms());
}

static void begin(struct work *w, struct cli *c)
{
	*w = (struct work){.cli = c, .begun_ms = clock_mono_ms()};
	progress_init(&w->progress, c->err);
	if (gethostname(w->host, sizeof(w->host) - 1) != 0)
		w->host[0] = '\0';
	w->transfer.host = w->host;
	w->transfer.now_ms = c->now_ms;
	w->transfer.tell = show;
	w->transfer.arg = w;
}

static void print_tables(const struct work *w)
{
	static const char *const headings[] = {"TABLE", "ROWS", "SHA-256"};
	struct cli_table table;

	cli_table_init(&table, w->cli, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < w->transfer.count; i++) {
		const struct transfer_table *t = &w->transfer.tables[i];

		cli_table_cell(&table, "%s", t->name);
		cli_table_cell(&table, "%lld", (long long)t->rows);
		cli_table_cell(&table, "%.*s", SUM_SHOWN, t->sum);
	}
	cli_table_flush(&table);
	cli_table_release(&table);
}

static void print_tables_json(const struct work *w)
{
	for (size_t i = 0; i < w->transfer.count; i++) {
		const struct transfer_table *t = &w->transfer.tables[i];
		struct json_t *v = json_new_obj();

		json_set_str(v, "table", t->name);
		json_set_int(v, "rows", t->rows);
		json_set_str(v, "sha256", t->sum);
		cli_json(w->cli, v);
	}
}

/* What became of an earlier attempt. */
static const char *earlier(const struct transfer *t)
{
	if (t->restarted)
		return "; what an earlier copy had begun with was of another "
		       "state and is gone";
	return t->resumed ? "; some had been copied before" : "";
}

static void print_end(const struct work *w, const char *from, const char *to)
{
	const struct transfer *t = &w->transfer;
	int64_t took_ms = clock_mono_ms() - w->begun_ms;
	struct json_t *v;

	if (!w->cli->json) {
		fprintf(w->cli->out,
			"%lld rows, the same on both sides, in %.1f s%s\n",
			(long long)t->rows, (double)took_ms / MS_PER_SECOND,
			earlier(t));
		return;
	}
	v = json_new_obj();
	json_set_str(v, "from", from);
	json_set_str(v, "to", to);
	json_set_int(v, "rows", t->rows);
	json_set_bool(v, "verified", true);
	json_set_bool(v, "resumed", t->resumed);
	json_set_bool(v, "restarted", t->restarted);
	json_set_int(v, "milliseconds", took_ms);
	cli_json(w->cli, v);
}

static int end(struct work *w, enum result r, const struct error *err)
{
	char *from, *to;

	progress_clear(&w->progress);
	if (r == RESULT_INVALID)
		return cli_usage_error(w->cli, "%s", err->text);
	if (r != RESULT_OK)
		return cli_error(w->cli, "%s", err->text);
	from = config_mask_url(w->transfer.from);
	to = config_mask_url(w->transfer.to);
	if (w->cli->json)
		print_tables_json(w);
	else
		print_tables(w);
	print_end(w, from, to);
	free(from);
	free(to);
	return CLI_DONE;
}

static int copy(struct cli *c, const char *from, const char *to)
{
	struct error err = {""};
	struct work w;
	int code;

	begin(&w, c);
	w.transfer.from = from;
	w.transfer.to = to;
	code = end(&w, transfer_copy(&w.transfer, &err), &err);
	if (code == CLI_DONE)
		fprintf(c->err,
			"now name the new store in the configuration and start "
			"`reunite serve`; the old one holds people's data "
			"until you remove it\n");
	transfer_release(&w.transfer);
	return code;
}

static int run_copy(struct cli *c)
{
	const char *from = cli_text(c, "from"), *to = cli_text(c, "to");
	struct config *config = NULL;
	int code = CLI_DONE;

	if (!to)
		return cli_usage_error(c, "--to names the new store");
	if (!from)
		code = cli_config(c, &config);
	if (code != CLI_DONE)
		return code;
	code = copy(c, from ? from : config->store, to);
	config_free(config);
	return code;
}

static int backup(struct cli *c, const char *from, const char *file)
{
	struct error err = {""};
	struct work w;
	int code;

	begin(&w, c);
	w.transfer.from = from;
	w.transfer.to = file;
	code = end(&w, transfer_backup(&w.transfer, &err), &err);
	transfer_release(&w.transfer);
	return code;
}

static int run_backup(struct cli *c)
{
	const char *from = cli_text(c, "from"), *file = cli_text(c, "to");
	struct config *config = NULL;
	int code = CLI_DONE;

	if (!file == !c->arg_count)
		return cli_usage_error(c, "name one file");
	if (!from)
		code = cli_config(c, &config);
	if (code != CLI_DONE)
		return code;
	code = backup(c, from ? from : config->store, file ? file : c->args[0]);
	config_free(config);
	return code;
}

static const struct cli_option backup_options[] = {
	{"to", CLI_TEXT, "FILE", "the same as FILE alone"},
	{"from", CLI_TEXT, "URL", "another store than the configuration's"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_store_backup = {
	.name = "store backup",
	.arguments = "FILE",
	.summary = "save everything in a file, while daemons run",
	.example = "store backup /srv/backup/reunite-1.db",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = backup_options,
	.max_args = 1,
	.run = run_backup,
};

static const struct cli_option copy_options[] = {
	{"from", CLI_TEXT, "URL", "a store nobody serves; the configuration's"},
	{"to", CLI_TEXT, "URL", "a new one, or an interrupted copy of it"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_store_copy = {
	.name = "store copy",
	.summary = "move everything to another database, and compare",
	.example = "store copy --from sqlite:/var/lib/reunite/reunite.db"
		   " --to postgresql://reunite@db.example/reunite",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = copy_options,
	.run = run_copy,
};
