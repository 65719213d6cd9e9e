/*
 * What the ways of `reunite backfill` have in common: which account, since
 * when, and what is said at the end.
 */
#include "backfill.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "progress.h"
#include "shell_word.h"

#define NEXT_MAX_BYTES 8192
#define EXPORT_LAG_MS  120000 /* Zendesk refuses a start in the last minute */

const char *backfill_account(struct cli *c, const struct config *config)
{
	const char *wanted = cli_text(c, "account");

	if (wanted)
		return cli_check_account(c, config, wanted) == CLI_DONE ? wanted
									: NULL;
	if (config->account_count == 1)
		return config->accounts[0].name;
	cli_usage_error(c, "several accounts: say which with --account");
	return NULL;
}

int64_t backfill_since_ms(const struct cli *c)
{
	int64_t since_ms = cli_number(c, "since");
	int64_t latest_ms = c->now_ms - EXPORT_LAG_MS;

	return since_ms < latest_ms ? since_ms : latest_ms;
}

/* --- the next command --- */

char *backfill_next(const struct cli *c, const char *options)
{
	struct buf out;

	buf_init(&out, NEXT_MAX_BYTES);
	buf_puts(&out, "reunite backfill");
	shell_put_option(&out, "-c", c->config_path);
	shell_put_option(&out, "--account", cli_text(c, "account"));
	shell_put_option(&out, "--since", cli_text(c, "since"));
	shell_put_option(&out, "--limit", cli_text(c, "limit"));
	buf_printf(&out, " %s", options);
	return buf_detach(&out);
}

/* --- the end --- */

static struct json_t *encode_estimate(const struct estimate *e)
{
	struct json_t *v = json_new_obj();

	json_set_int(v, "api_calls", e->calls);
	json_set_int(v, "api_calls_per_minute", e->calls_per_minute);
	json_set_int(v, "links", e->links);
	json_set_int(v, "links_per_hour", e->links_per_hour);
	json_set_int(v, "most_into_one_profile", e->most_of_profile);
	json_set_int(v, "per_profile_and_day", e->per_profile_day);
	json_set(v, "minutes",
		 e->minutes < 0 ? json_new_null() : json_new_int(e->minutes));
	return v;
}

static void print_json(struct cli *c, const struct backfill_end *e)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "summary", "backfill");
	json_set_str(v, "account", e->account);
	json_set_bool(v, "applied", e->applied);
	json_set_str(v, "apply", apply_name(e->rules->apply));
	json_set_bool(v, "complete", e->complete);
	json_set_int(v, "users", e->scanned);
	json_set_int(v, "conversations", e->found);
	json_set_int(v, "known", e->known);
	json_set(v, "decisions", tally_encode_actions(e->tally));
	json_set(v, "reasons", tally_encode_reasons(e->tally));
	if (e->estimate)
		json_set(v, "estimate", encode_estimate(e->estimate));
	if (e->report)
		json_set_str(v, "report", e->report);
	if (e->next)
		json_set_str(v, "next", e->next);
	cli_json(c, v);
}

static void print_decisions(struct cli *c, const struct tally *t)
{
	static const char *const headings[] = {"count", "action", "reason", ""};
	struct tally_row rows[TALLY_ROWS_MAX];
	size_t n = tally_rows(t, rows);
	struct cli_table table;

	cli_table_init(&table, c, headings, ARRAY_LEN(headings));
	for (size_t i = 0; i < n; i++) {
		cli_table_cell(&table, "%lld", (long long)rows[i].count);
		cli_table_cell(&table, "%s", action_name(rows[i].action));
		cli_table_cell(&table, "%s", reason_code(rows[i].reason));
		cli_table_cell(&table, "%s", reason_text(rows[i].reason));
	}
	if (t->failed > 0) {
		cli_table_cell(&table, "%lld", (long long)t->failed);
		cli_table_cell(&table, "failed");
		cli_table_cell(&table, "-");
		cli_table_cell(&table, "See the notes of these lines.");
	}
	cli_table_flush(&table);
	cli_table_release(&table);
}

static void print_estimate(struct cli *c, const struct estimate *e)
{
	char text[PROGRESS_TIME_SIZE];

	fprintf(c->out,
		"to do all that: %lld requests to Zendesk, at most %lld a "
		"minute; %lld links, at most %lld an hour\n",
		(long long)e->calls, (long long)e->calls_per_minute,
		(long long)e->links, (long long)e->links_per_hour);
	if (e->most_of_profile > e->per_profile_day)
		fprintf(c->out,
			"  one profile gets %lld of them, at most %lld a day\n",
			(long long)e->most_of_profile,
			(long long)e->per_profile_day);
	progress_time(60 * (e->minutes > 0 ? e->minutes : 1), text);
	if (e->minutes < 0)
		fprintf(c->out, "  so not all of it can be done: a limit of "
				"the breaker leaves it no place\n");
	else
		fprintf(c->out, "  so it takes about %s\n", text);
}

static void print_text(struct cli *c, const struct backfill_end *e)
{
	fprintf(c->out, "%s, account %s%s\n",
		e->applied ? "done" : "dry run, nothing was changed",
		e->account,
		e->complete ? "" : "; there are more, --limit is reached");
	fprintf(c->out,
		"%lld users looked at, %lld messaging conversations, %lld of "
		"them known\n",
		(long long)e->scanned, (long long)e->found,
		(long long)e->known);
	print_decisions(c, e->tally);
	if (e->estimate)
		print_estimate(c, e->estimate);
	if (e->report)
		fprintf(c->out, "report: %s\n", e->report);
	if (!e->applied && e->rules->apply == APPLY_OBSERVE)
		fprintf(c->out, "the account only observes: set apply to "
				"\"review\" or \"auto\" before you go on\n");
	if (e->next)
		fprintf(c->out, "next: %s\n", e->next);
}

void backfill_print_end(struct cli *c, const struct backfill_end *e)
{
	if (c->json)
		print_json(c, e);
	else
		print_text(c, e);
}
