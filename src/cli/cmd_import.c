/*
 * `reunite import FILE.csv`: sets external_id of users who are there already,
 * so that a login finds them instead of making a new one. A dry run unless
 * --apply.
 *
 * What may be done about a row is core/import.h, how it is done import_walk.h.
 * This process does it, beside a daemon or without one: users are locked in
 * the store like those of a merge, requests go in the lane of backfill, behind
 * what the account leaves to others, and it learns from every answer what is
 * left. It never creates a user, replaces an external id or touches anything
 * but that.
 */
#include <stdlib.h>

#include "backfill.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "import_walk.h"
#include "shell_word.h"

#define NEXT_MAX_BYTES	8192
#define REPORT_NAME_MAX 4096

/* --- the end --- */

static char *next_command(const struct import_walk *w)
{
	const struct cli *c = w->cli;
	struct buf out;

	if (w->apply || w->report.counts[IMPORT_SET] == 0)
		return NULL;
	buf_init(&out, NEXT_MAX_BYTES);
	buf_puts(&out, "reunite import ");
	shell_put_word(&out, c->args[0]);
	shell_put_option(&out, "-c", c->config_path);
	shell_put_option(&out, "--account", cli_text(c, "account"));
	shell_put_option(&out, "--report", cli_text(c, "report"));
	buf_puts(&out, " --apply");
	return buf_detach(&out);
}

static void print_json(const struct import_walk *w, const char *next)
{
	struct json_t *v = json_new_obj();
	struct json_t *outcomes = json_new_obj();

	for (int i = 0; i < IMPORT_COUNT; i++)
		json_set_int(
			outcomes,
			import_outcome_name((enum import_outcome)i, w->apply),
			w->report.counts[i]);
	json_set_str(v, "summary", "import");
	json_set_str(v, "account", w->account->name);
	json_set_bool(v, "applied", w->apply);
	json_set_int(v, "rows", w->report.rows);
	json_set(v, "outcomes", outcomes);
	json_set_str(v, "report", w->report.file.path);
	json_set_str(v, "next", next);
	cli_json(w->cli, v);
}

static void print_outcomes(const struct import_walk *w)
{
	static const char *const headings[] = {"rows", "outcome", ""};
	struct cli_table table;

	cli_table_init(&table, w->cli, headings, ARRAY_LEN(headings));
	for (int i = 0; i < IMPORT_COUNT; i++) {
		enum import_outcome o = (enum import_outcome)i;

		if (w->report.counts[i] == 0)
			continue;
		cli_table_cell(&table, "%lld", (long long)w->report.counts[i]);
		cli_table_cell(&table, "%s", import_outcome_name(o, w->apply));
		cli_table_cell(&table, "%s", import_outcome_text(o));
	}
	cli_table_flush(&table);
	cli_table_release(&table);
}

/* Lines to look at first; all of them are in the report. */
static void print_odd(const struct import_walk *w)
{
	static const char *const headings[] = {"line", "outcome", "user",
					       "other user", "other line"};
	struct cli_table table;

	if (w->odd_count == 0)
		return;
	fprintf(w->cli->out, "\nto look at%s:\n",
		w->odd_count == IMPORT_ODD_MAX ? ", the first ones" : "");
	cli_table_init(&table, w->cli, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < w->odd_count; i++) {
		const struct import_row *row = &w->odd[i];

		cli_table_cell(&table, "%lld", (long long)row->line);
		cli_table_cell(&table, "%s",
			       import_outcome_name(row->outcome, w->apply));
		cli_table_id(&table, row->user);
		cli_table_id(&table, row->other_user);
		cli_table_id(&table, (uint64_t)row->other_line);
	}
	cli_table_flush(&table);
	cli_table_release(&table);
	fputc('\n', w->cli->out);
}

static void print_text(const struct import_walk *w, const char *next)
{
	FILE *out = w->cli->out;

	fprintf(out, "%s, account %s, %lld rows\n",
		w->apply ? "done" : "dry run, nothing was changed",
		w->account->name, (long long)w->report.rows);
	print_outcomes(w);
	print_odd(w);
	fprintf(out, "report, a line a row: %s\n", w->report.file.path);
	if (w->report.counts[IMPORT_UNKNOWN] > 0)
		fprintf(out, "Zendesk's search lags by some minutes: addresses "
			     "that are new may be found later\n");
	if (next && w->account->rules.apply == APPLY_OBSERVE)
		fprintf(out, "the account only observes: set apply to "
			     "\"review\" or \"auto\" before you go on\n");
	if (next)
		fprintf(out, "next: %s\n", next);
}

static int end(struct import_walk *w)
{
	int64_t failed = 0;
	char *next;

	if (!import_report_finish(&w->report))
		return cli_error(w->cli, "cannot write %s",
				 w->report.file.path);
	next = next_command(w);
	if (w->cli->json)
		print_json(w, next);
	else
		print_text(w, next);
	free(next);
	for (int i = 0; i < IMPORT_COUNT; i++)
		if (import_outcome_class((enum import_outcome)i) ==
		    IMPORT_FAILED)
			failed += w->report.counts[i];
	return failed > 0 ? CLI_FAILED : CLI_DONE;
}

/* --- the beginning --- */

/* Somebody's list of users must not become a report of it. */
static int check_report(const struct import_walk *w, const char *name)
{
	char taken[REPORT_NAME_MAX];
	bool is_it = false;

	for (const char *const *e = part_file_endings; *e; e++) {
		snprintf(taken, sizeof(taken), "%s%s", name, *e);
		is_it = is_it || import_file_is(&w->file, taken);
	}
	if (!is_it)
		return CLI_DONE;
	cli_error(w->cli,
		  "the report %s would take the place of the file itself: "
		  "--report writes another one",
		  name);
	return CLI_USAGE;
}

static int open_report(struct import_walk *w)
{
	struct cli *c = w->cli;
	const struct import_key key = {
		.account = w->account->name,
		.digest = w->file.digest,
		.applied = w->apply,
		.personal = c->personal,
	};
	const char *given = cli_text(c, "report");
	char name[128];
	struct error err;
	int code;

	snprintf(name, sizeof(name), "import-%s.csv", w->account->name);
	code = check_report(w, given ? given : name);
	if (code != CLI_DONE)
		return code;
	if (import_report_open(&w->report, given ? given : name, &key,
			       cli_given(c, "restart"), &err) != RESULT_OK)
		return cli_error(c, "%s", err.text);
	if (!w->report.resumed) {
		if (w->report.owner == 0)
			w->report.owner = import_lock_owner();
		w->report.place = w->file.first;
		if (import_report_keep(&w->report, &w->file.first))
			return CLI_DONE;
		return cli_error(c, "cannot write %s", w->report.file.resume);
	}
	fprintf(c->err, "going on with %s: %lld rows so far\n",
		w->report.file.part, (long long)w->report.rows);
	if (import_file_seek(&w->file, &w->report.place, &err) == RESULT_OK)
		return CLI_DONE;
	return cli_error(c, "%s", err.text);
}

/* Takes the config. */
static int open_engine(struct import_walk *w, struct config *config)
{
	struct error err = {.text = ""};

	w->loop = loop_new();
	if (engine_new(&w->engine, w->loop, config, STORE_READ, NULL, NULL,
		       &err) == RESULT_OK)
		return CLI_DONE;
	config_free(config);
	w->engine = NULL;
	return cli_error(w->cli, "%s", err.text);
}

/* Takes the config and the store, NULL: a dry run. */
static int walk(struct import_walk *w, struct config *config,
		struct store *store)
{
	int code;

	w->rules = (struct import_rules){
		.deny_emails = w->account->rules.deny_emails,
		.deny_count = w->account->rules.deny_email_count,
	};
	import_lock_init(&w->lock, store, w->account->name);
	code = open_engine(w, config);
	if (code == CLI_DONE)
		code = open_report(w);
	w->lock.owner = w->report.owner;
	if (code == CLI_DONE)
		code = import_walk_run(w);
	if (code == CLI_DONE)
		code = end(w);
	import_lock_release(&w->lock);
	engine_free(w->engine);
	loop_free(w->loop);
	import_report_close(&w->report);
	return code;
}

static int check_policy(struct cli *c, const struct account_config *a)
{
	if (!cli_given(c, "apply") || a->rules.apply != APPLY_OBSERVE)
		return CLI_DONE;
	cli_error(c,
		  "account %s only observes (apply = \"observe\"): nothing is "
		  "changed; without --apply a report says what would be done",
		  a->name);
	return CLI_REFUSED;
}

/* Where no daemon ever ran there is none, and nobody to be locked out. */
static int open_store(struct cli *c, const struct config *config,
		      struct store **out)
{
	struct error err = {.text = ""};
	enum result r =
		store_open(out, config->store, STORE_WRITE, c->now_ms, &err);

	if (r == RESULT_OK)
		return CLI_DONE;
	*out = NULL;
	if (r == RESULT_NOTFOUND)
		return CLI_DONE;
	(void)cli_error(c, "cannot open the store: %s", err.text);
	return cli_store_code(config->store, r);
}

static int run(struct cli *c)
{
	struct import_walk *w = xcalloc(1, sizeof(*w));
	struct store *store = NULL;
	struct config *config;
	struct error err;
	const char *name;
	enum result r;
	int code = cli_config(c, &config);

	if (code != CLI_DONE)
		goto out;
	w->cli = c;
	w->apply = cli_given(c, "apply");
	name = backfill_account(c, config);
	w->account = name ? config_account(config, name) : NULL;
	code = w->account ? check_policy(c, w->account) : CLI_USAGE;
	if (code == CLI_DONE && w->apply)
		code = open_store(c, config, &store);
	if (code != CLI_DONE) {
		config_free(config);
		goto out;
	}
	r = import_file_open(&w->file, c->args[0], c->in, &err);
	if (r != RESULT_OK) {
		code = cli_error(c, "%s", err.text);
		code = r == RESULT_INVALID ? CLI_USAGE : code;
		config_free(config);
		goto out;
	}
	code = walk(w, config, store);
	store = NULL;
	import_file_close(&w->file);
out:
	if (store)
		store_close(store);
	free(w);
	return code;
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "which account, if there are several"},
	{"apply", CLI_FLAG, NULL, "do it; without this nothing is changed"},
	{"report", CLI_TEXT, "FILE",
	 "what came of each row, as CSV (import-ACCOUNT.csv)"},
	{"restart", CLI_FLAG, NULL, "from the beginning, not where it ended"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_import = {
	.name = "import",
	.arguments = "FILE.csv",
	.summary = "set external_id of users; a dry run unless --apply",
	.example = "import users.csv --report result.csv",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON | CLI_TAKES_PERSONAL,
	.options = options,
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
