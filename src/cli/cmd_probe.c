/*
 * `reunite probe`: which of the platform's undocumented behaviours hold on a
 * test account? Makes people of its own there, merges them, looks, and takes
 * them away again.
 *
 * Refuses without --yes, and then says every request it would make; refuses
 * an account that looks like one where people work (more than
 * PROBE_USERS_MAX end users, or nobody knows how many) unless its host is
 * named. No daemon and no store are needed.
 */
#include <stdlib.h>
#include <string.h>

#include "api/zendesk.h"
#include "base/crypto.h"
#include "base/str.h"
#include "commands.h"
#include "oneshot.h"
#include "probe.h"

#define PROBE_USERS_MAX 200
#define WAIT_MAX_S	3600

/* --- is it a test account? --- */

struct count {
	struct probe *probe;
	enum result result;
	struct error error;
	int64_t users;
};

static void on_count(const struct api_result *r, int64_t unverified,
		     int64_t end_users, void *arg)
{
	struct count *k = arg;

	(void)unverified;
	k->result = r->result;
	k->error = r->error;
	k->users = end_users;
	k->probe->ready = true;
	loop_stop(k->probe->loop);
}

static void count_users(struct probe *p, struct count *k)
{
	*k = (struct count){.probe = p};
	probe_doing(p, "counting the account's end users");
	p->ready = false;
	zendesk_head_count(p->api, LANE_REVIEW, on_count, k);
	while (!p->ready)
		loop_run(p->loop);
	progress_clear(&p->progress);
}

/* "acme.zendesk.com" of a URL. */
static struct slice host_of(const char *url)
{
	const char *p = strstr(url, "://");

	p = p ? p + 3 : url;
	return (struct slice){p, strcspn(p, "/")};
}

static int refuse(struct probe *p, const struct slice *host, int64_t users)
{
	progress_clear(&p->progress);
	cli_error(p->cli,
		  "%s has %lld end users: that looks like an account where "
		  "people work, and a probe is for a test account; if it is "
		  "one, add --host %.*s",
		  p->account->name, (long long)users, (int)host->len,
		  host->ptr);
	return CLI_REFUSED;
}

static int check_account(struct probe *p)
{
	const char *named = cli_text(p->cli, "host");
	struct slice host = host_of(p->account->zendesk_url);
	struct count k;

	if (named && !slice_eq_nocase(slice_of(named), host)) {
		cli_error(p->cli, "--host is not that of the account's "
				  "zendesk_url");
		return CLI_REFUSED;
	}
	count_users(p, &k);
	if (k.result != RESULT_OK)
		return oneshot_failed(p->cli, k.result, k.error.text);
	return k.users > PROBE_USERS_MAX && !named ? refuse(p, &host, k.users)
						   : CLI_DONE;
}

/* --- names --- */

static void name_user(const struct probe *p, struct probe_user *u,
		      const char *what, const char *letter)
{
	u->what = what;
	snprintf(u->name, sizeof(u->name), "reunite probe %s (%s)", p->run,
		 what);
	snprintf(u->external_id, sizeof(u->external_id), "reunite-probe-%s-%s",
		 p->run, letter);
}

static void name_all(struct probe *p)
{
	uint8_t word[4];

	crypto_random(word, sizeof(word));
	crypto_hex(word, sizeof(word), p->run);
	name_user(p, &p->profile, "profile", "p");
	snprintf(p->profile.address, sizeof(p->profile.address),
		 "probe-%s@reunite.example", p->run);
	name_user(p, &p->plain, "duplicate", "d");
	p->messaging.what = "the conversation's user";
	snprintf(p->person.external_id, sizeof(p->person.external_id),
		 "reunite-probe-%s-s", p->run);
}

/* --- the command --- */

static int run_probe(struct probe *p)
{
	int code;

	probe_open(p);
	code = check_account(p);
	if (code == CLI_DONE && !probe_stopped(p)) {
		fprintf(p->cli->err,
			"run %s: whoever is made has this word in the name, "
			"and is deleted at the end\n",
			p->run);
		code = probe_run(p);
		if (probe_stopped(p))
			code = CLI_FAILED;
		probe_clean(p);
		progress_clear(&p->progress);
		probe_report(p);
	}
	if (probe_stopped(p) || p->left > 0)
		code = CLI_FAILED;
	probe_close(p);
	probe_report_release(p);
	return code;
}

static int plan(struct probe *p)
{
	probe_plan(p);
	return cli_usage_error(p->cli, "nothing was done: --yes does it");
}

static const struct account_config *pick_account(struct cli *c,
						 const struct config *config)
{
	const char *name = cli_text(c, "account");

	if (name && cli_check_account(c, config, name) != CLI_DONE)
		return NULL;
	if (!name && config->account_count != 1) {
		cli_usage_error(c, "several accounts: say which with "
				   "--account");
		return NULL;
	}
	return name ? config_account(config, name) : &config->accounts[0];
}

static int run(struct cli *c)
{
	struct probe p = {.cli = c};
	int64_t wait_s = cli_number(c, "wait");
	struct config *config;
	int code;

	if (wait_s > WAIT_MAX_S)
		return cli_usage_error(c, "--wait: at most %d s", WAIT_MAX_S);
	code = cli_config(c, &config);
	if (code != CLI_DONE)
		return code;
	p.config = config;
	p.account = pick_account(c, config);
	p.wait_ms = (wait_s ? wait_s : PROBE_WAIT_S) * 1000;
	p.messaging.id = (uint64_t)cli_number(c, "messaging-user");
	p.given = p.messaging.id != 0;
	name_all(&p);
	if (!p.account)
		code = CLI_USAGE;
	else
		code = cli_given(c, "yes") ? run_probe(&p) : plan(&p);
	config_free(config);
	return code;
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "which account, if there are several"},
	{"yes", CLI_FLAG, NULL,
	 "do it; without this it says every request and does nothing"},
	{"host", CLI_TEXT, "HOST",
	 "of zendesk_url: needed above 200 end users"},
	{"messaging-user", CLI_NUMBER, "ID",
	 "a user whom a conversation of your own just made; is deleted"},
	{"wait", CLI_NUMBER, "SECONDS",
	 "until a search finds somebody (300); less for the others"},
	{"show-account", CLI_FLAG, NULL, "name the account in the result"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_probe = {
	.name = "probe",
	.summary = "try on a test account what Zendesk's pages leave open",
	.example = "probe --account test --yes",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
