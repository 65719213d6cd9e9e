/*
 * `reunite readiness`: can its merges be trusted, is the account ready for
 * "verified only"?
 *
 * Asks Zendesk how many users are unverified, and keeps the answer for the
 * trend; without an answer the report says so and is given all the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "head_count.h"
#include "list.h"
#include "readiness_text.h"

#define DAY_MS	      STORE_DAY_MS
#define DEFAULT_DAYS  7
#define WIDTH_DEFAULT 80
#define WIDTH_MAX     120

/* Counts, and keeps it; false: an error has been printed. */
static bool sample(struct cli *c, struct store *store,
		   const struct account_config *a)
{
	struct head_count k;
	struct store_op op;

	head_count_ask(store, a, &k);
	if (k.result != RESULT_OK) {
		cli_error(c, "%s: cannot count the unverified users: %s",
			  a->name, k.error.text);
		return false;
	}
	store_op_init(&op, STORE_SAMPLE);
	op.u.sample.account = a->name;
	op.u.sample.now_ms = c->now_ms;
	op.u.sample.what = STORE_SAMPLE_PUT;
	op.u.sample.unverified = k.unverified;
	op.u.sample.end_users = k.end_users;
	if (store_do(store, &op) == RESULT_OK)
		return true;
	cli_store_failed(c, &op);
	return false;
}

/* --- the report --- */

static int width_of(const struct cli *c)
{
	struct winsize size;

	if (!c->colour || ioctl(fileno(c->out), TIOCGWINSZ, &size) != 0 ||
	    size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MAX ? size.ws_col : WIDTH_MAX;
}

static bool is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = getenv(names[i]);

		if (!str_is_empty(value))
			return strstr(value, "UTF-8") || strstr(value, "utf8");
	}
	return false;
}

static void print_json(struct cli *c, const struct readiness *r,
		       const struct policy_rules *set)
{
	cli_json(c, readiness_encode(r, set));
	for (size_t i = 0; i < READINESS_WEEKS; i++)
		cli_json(c, readiness_encode_week(r, i));
}

static int print_report(struct cli *c, struct store *store,
			const struct account_config *a)
{
	struct readiness_look look = {.width = width_of(c),
				      .blocks = c->colour && is_utf8(),
				      .colour = c->colour};
	int64_t days = cli_number(c, "patience");
	struct store_op op;
	int code = CLI_DONE;

	store_op_init(&op, STORE_READINESS);
	op.u.readiness.account = a->name;
	op.u.readiness.now_ms = c->now_ms;
	op.u.readiness.since_ms =
		cli_given(c, "since") ? cli_number(c, "since")
				      : c->now_ms - (DEFAULT_DAYS - 1) * DAY_MS;
	op.u.readiness.patience_ms =
		(days ? days : READINESS_PATIENCE_DAYS) * DAY_MS;
	if (store_do(store, &op) != RESULT_OK)
		code = cli_store_failed(c, &op);
	else if (c->json)
		print_json(c, op.u.readiness.report, &a->rules);
	else
		readiness_print(c->out, op.u.readiness.report, &a->rules,
				&look);
	store_op_release(&op);
	return code;
}

static int report_all(struct cli *c, const struct config *config,
		      struct store *store)
{
	const char *only = cli_text(c, "account");
	int code = CLI_DONE;
	bool first = true;

	for (size_t i = 0; i < config->account_count; i++) {
		const struct account_config *a = &config->accounts[i];
		int printed;

		if (only && !str_eq(a->name, only))
			continue;
		if (!cli_given(c, "offline") && !sample(c, store, a))
			code = CLI_UPSTREAM;
		if (!first && !c->json)
			fputs("\n", c->out);
		printed = print_report(c, store, a);
		code = printed != CLI_DONE ? printed : code;
		first = false;
	}
	return code;
}

static int run(struct cli *c)
{
	enum store_mode mode =
		cli_given(c, "offline") ? STORE_READ : STORE_WRITE;
	struct config *config;
	struct store *store;
	int code;

	if (cli_number(c, "patience") > 365)
		return cli_usage_error(c, "--patience: at most 365 days");
	code = cli_store(c, mode, &config, &store);
	if (code != CLI_DONE)
		return code;
	code = cli_check_account(c, config, cli_text(c, "account"));
	if (code == CLI_DONE)
		code = report_all(c, config, store);
	store_close(store);
	config_free(config);
	return code;
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "only this account's"},
	{"since", CLI_SINCE, "AGE|TIME",
	 "from that day on; without it today and the six days before"},
	{"patience", CLI_NUMBER, "DAYS",
	 "how long agents have for a merge (7)"},
	{"offline", CLI_FLAG, NULL, "do not ask Zendesk, store nothing"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_readiness = {
	.name = "readiness",
	.summary = "are its merges right, is it ready for verified only",
	.example = "readiness --since 28d",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
