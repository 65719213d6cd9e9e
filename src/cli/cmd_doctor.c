/*
 * `reunite doctor`: one screen that tells whether this installation is well,
 * and what mends what is not.
 *
 * Looks at the configuration, at files, at the store, beside a daemon or
 * without one, and at what Zendesk and Sunshine Conversations answer; changes
 * nothing. The checks are rows in doctor_files.c, doctor_store.c,
 * doctor_hosts.c, doctor_access.c, doctor_registered.c and doctor_account.c.
 *
 * The worst finding decides the exit code: a problem of this installation
 * (CLI_FAILED) before an upstream that is not there (CLI_UPSTREAM); warnings
 * leave it at CLI_DONE.
 */
#include <stdarg.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "commands.h"
#include "doctor.h"
#include "list.h"

#define TEXT_MAX 512
#define RED	 "\033[31m"
#define YELLOW	 "\033[33m"
#define PLAIN	 "\033[0m"
#define ERASE	 "\033[K" /* what is left of the line */

static const struct level {
	const char *name;
	const char *colour;
} levels[] = {
	[DOCTOR_OK] = {"ok", ""},
	[DOCTOR_WARNING] = {"warning", YELLOW},
	[DOCTOR_PROBLEM] = {"problem", RED},
	[DOCTOR_UNAVAILABLE] = {"problem", RED},
};

static void print_json(struct doctor *d, const struct level *level,
		       const char *text, const char *mend)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "check", d->check);
	json_set_str(v, "account", d->account ? d->account->name : NULL);
	json_set_str(v, "level", level->name);
	json_set_str(v, "finding", text);
	json_set_str(v, "mend", mend);
	cli_json(d->cli, v);
}

static void print_text(struct doctor *d, const struct level *level,
		       const char *text, const char *mend)
{
	const struct cli *c = d->cli;
	bool colour = c->colour && *level->colour;

	fprintf(c->out, "%s%-8s%s %-15s %s%s%s\n", colour ? level->colour : "",
		level->name, colour ? PLAIN : "", d->check,
		d->account ? d->account->name : "", d->account ? ": " : "",
		text);
	if (mend)
		fprintf(c->out, "%24s -> %s\n", "", mend);
}

/* The account's own name in the place of NAME. */
static const char *with_name(const struct doctor *d, const char *mend,
			     char out[TEXT_MAX])
{
	static const char word[] = "NAME";
	const char *at = mend ? strstr(mend, word) : NULL;

	if (!at || !d->account)
		return mend;
	snprintf(out, TEXT_MAX, "%.*s%s%s", (int)(at - mend), mend,
		 d->account->name, at + strlen(word));
	return out;
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *mend,
		const char *fmt, ...)
{
	char text[TEXT_MAX], named[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_clean(text);
	mend = with_name(d, mend, named);
	d->counts[level]++;
	if (d->cli->json)
		print_json(d, &levels[level], text, mend);
	else
		print_text(d, &levels[level], text, mend);
}

const char *doctor_age(const struct doctor *d, int64_t wall_ms,
		       char out[DOCTOR_AGE_SIZE])
{
	static const struct {
		const char *unit;
		int64_t s, until_s;
	} units[] = {{"s", 1, 120},
		     {"min", 60, 120 * 60},
		     {"h", 3600, 48 * 3600},
		     {"d", 24 * 3600, INT64_MAX}};
	int64_t s = (d->cli->now_ms - wall_ms) / 1000;
	size_t i = 0;

	if (s < 0)
		s = -s;
	while (s >= units[i].until_s)
		i++;
	snprintf(out, DOCTOR_AGE_SIZE, "%lld %s", (long long)(s / units[i].s),
		 units[i].unit);
	return out;
}

static void run_checks(struct doctor *d, const struct doctor_check *checks,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		d->check = checks[i].name;
		checks[i].run(d);
	}
}

/* What the store knows of the account; false: it has been told. */
static bool read_account(struct doctor *d, struct store_op *row)
{
	struct store_op stats;
	bool ok;

	store_op_init(&stats, STORE_STATS);
	stats.u.stats.account = d->account->name;
	stats.u.stats.now_ms = d->cli->now_ms;
	stats.u.stats.max_per_hour = d->account->rules.max_merges_per_hour;
	stats.u.stats.max_per_profile =
		d->account->rules.max_merges_per_profile;
	stats.u.stats.detail = true;
	store_op_init(row, STORE_ACCOUNT);
	row->u.account.account = d->account->name;
	ok = store_do(d->store, &stats) == RESULT_OK &&
	     store_do(d->store, row) == RESULT_OK;
	d->stats = stats.u.stats;
	d->row = row->u.account;
	d->check = "account";
	if (!ok)
		doctor_say(d, DOCTOR_PROBLEM, NULL,
			   "the store does not answer: %s",
			   stats.result == RESULT_OK ? row->error.text
						     : stats.error.text);
	return ok;
}

static void check_upstream(struct doctor *d)
{
	d->upstream = doctor_net_account(d->net, d->account->name);
	run_checks(d, doctor_host_checks, doctor_host_check_count);
	run_checks(d, doctor_access_checks, doctor_access_check_count);
	run_checks(d, doctor_registered_checks, doctor_registered_check_count);
}

static void check_account(struct doctor *d)
{
	struct store_op row = {.result = RESULT_OK};
	bool known = d->store && read_account(d, &row);

	d->check = "api token";
	doctor_check_api_token(d);
	if (d->net)
		check_upstream(d);
	if (known)
		run_checks(d, doctor_account_checks,
			   doctor_account_check_count);
	if (d->store)
		store_op_release(&row);
}

static void check_accounts(struct doctor *d, const char *only)
{
	for (size_t i = 0; i < d->config->account_count; i++) {
		const struct account_config *a = &d->config->accounts[i];

		if (only && !str_eq(only, a->name))
			continue;
		d->account = a;
		check_account(d);
	}
	d->account = NULL;
}

static void open_store(struct doctor *d)
{
	struct error err;
	enum result r = store_open(&d->store, d->config->store, STORE_READ,
				   d->cli->now_ms, &err);

	if (r == RESULT_OK) {
		d->cli->now_ms = store_now_ms(d->store);
		return;
	}
	d->store = NULL;
	d->check = "store";
	if (r == RESULT_NOTFOUND)
		doctor_say(d, DOCTOR_PROBLEM, "start the daemon: reunite serve",
			   "there is no store yet");
	else
		doctor_say(d, DOCTOR_PROBLEM, NULL, "%s", err.text);
}

static int exit_code(const struct doctor *d)
{
	if (d->counts[DOCTOR_PROBLEM] > 0)
		return CLI_FAILED;
	return d->counts[DOCTOR_UNAVAILABLE] > 0 ? CLI_UPSTREAM : CLI_DONE;
}

static void say_sum(const struct doctor *d)
{
	size_t problems =
		d->counts[DOCTOR_PROBLEM] + d->counts[DOCTOR_UNAVAILABLE];
	size_t warnings = d->counts[DOCTOR_WARNING];

	if (!d->cli->json)
		fprintf(d->cli->out, "\n%zu problem%s, %zu warning%s.\n",
			problems, problems == 1 ? "" : "s", warnings,
			warnings == 1 ? "" : "s");
}

/* It may take a while, which only somebody at a terminal wants to know. */
static void ask(struct doctor *d, const char *only)
{
	bool watched = d->cli->colour && !d->cli->json;

	if (watched)
		fputs("asking Zendesk and Sunshine Conversations ...\r",
		      d->cli->out);
	fflush(d->cli->out);
	d->net = doctor_net_ask(d->config, only);
	if (watched)
		fputs(ERASE, d->cli->out);
	d->check = "public url";
	doctor_check_public(d);
}

/* What is here comes at once, the network when it answers. */
static int examine(struct doctor *d, const char *only)
{
	run_checks(d, doctor_file_checks, doctor_file_check_count);
	open_store(d);
	run_checks(d, doctor_store_checks, doctor_store_check_count);
	if (!cli_given(d->cli, "offline"))
		ask(d, only);
	check_accounts(d, only);
	say_sum(d);
	doctor_net_free(d->net);
	if (d->store)
		store_close(d->store);
	return exit_code(d);
}

static int run(struct cli *c)
{
	struct doctor d = {.cli = c};
	const char *only = cli_text(c, "account");
	struct config *config;
	struct error err;
	int code;

	if (config_load(&config, c->config_path, &err) != RESULT_OK) {
		d.check = "configuration";
		doctor_say(&d, DOCTOR_PROBLEM, NULL, "%s", err.text);
		return CLI_USAGE;
	}
	code = cli_check_account(c, config, only);
	d.config = config;
	if (code == CLI_DONE)
		code = examine(&d, only);
	config_free(config);
	return code;
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "of the accounts, only this one"},
	{"offline", CLI_FLAG, NULL, "ask nothing over the network"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.summary = "is all well: settings, store, queue, Zendesk, webhooks",
	.example = "doctor --account acme",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
