/*
 * `reunite setup`: registers reunite at Sunshine Conversations and Zendesk, or
 * takes it away again. It looks first and changes only what differs, so it may
 * be run as often as one likes.
 */
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "commands.h"
#include "setup.h"

static void say_result(struct setup *s)
{
	if (s->cli->json)
		return;
	if (s->failed)
		fputs("\nNot everything was done; what was done stays. Run it "
		      "again when the rest is mended.\n",
		      s->cli->out);
	else if (!s->changed)
		fputs("\nNothing had to be changed.\n", s->cli->out);
}

static int exit_code(const struct setup *s)
{
	if (!s->failed)
		return CLI_DONE;
	return s->unavailable ? CLI_UPSTREAM : CLI_FAILED;
}

static int add(struct setup *s)
{
	struct setup_secrets sunco = {.count = 0}, zendesk = {.count = 0};
	char *ticket_id = NULL;
	bool kept = true;

	if (setup_sunco(s, &sunco))
		(void)setup_keep_secrets(s, "sunco_webhook_secrets", &sunco);
	(void)setup_zendesk_webhooks(s, &zendesk, &ticket_id);
	if (zendesk.count > 0)
		kept = setup_keep_secrets(s, "zendesk_webhook_secrets",
					  &zendesk);
	if (ticket_id && kept && zendesk.count > 0)
		setup_zendesk_trigger(s, ticket_id);
	setup_configuration(s, &sunco, &zendesk);
	free(ticket_id);
	setup_secrets_release(&sunco);
	setup_secrets_release(&zendesk);
	say_result(s);
	return exit_code(s);
}

/* --yes, or a yes on a terminal. */
static bool is_agreed(struct setup *s)
{
	struct cli *c = s->cli;
	char line[16] = "";

	if (cli_given(c, "yes"))
		return true;
	if (isatty(fileno(c->in)) != 1)
		return false;
	fprintf(c->err,
		"Remove reunite's webhooks and trigger of account %s at both "
		"providers? [y/N] ",
		s->account->name);
	fflush(c->err);
	return fgets(line, sizeof(line), c->in) &&
	       (*line == 'y' || *line == 'Y');
}

static int take_away(struct setup *s)
{
	if (!is_agreed(s))
		return cli_usage_error(s->cli, "--remove needs a yes: --yes");
	setup_zendesk_remove(s);
	setup_sunco_remove(s);
	if (!s->is_new)
		setup_say(s, SETUP_NOTE, "files", "configuration", NULL,
			  "%s and its files of secrets stay: remove them when "
			  "the daemon has ended",
			  s->path);
	say_result(s);
	return exit_code(s);
}

static int run(struct cli *c)
{
	bool remove = cli_given(c, "remove");
	struct setup s = {.cli = c};
	int code;

	if (c->arg_count > 0)
		return cli_usage_error(c, "takes no arguments");
	code = setup_begin(&s);
	if (code == CLI_DONE && cli_given(c, "print")) {
		setup_print(&s, remove);
	} else if (code == CLI_DONE) {
		s.upstream = upstream_new(s.account, API_REGISTER);
		code = remove ? take_away(&s) : add(&s);
	}
	setup_end(&s);
	return code;
}

static const struct cli_option options[] = {
	{"account", CLI_TEXT, "NAME", "which one; a new one's name"},
	{"url", CLI_TEXT, "URL",
	 "where the providers reach reunite, https://HOST; else public_url"},
	{"integration", CLI_TEXT, "ID",
	 "a custom integration that is there, for the webhook"},
	{"no-events", CLI_FLAG, NULL, "no webhook of users' events"},
	{"print", CLI_FLAG, NULL, "show the requests as curl, send none"},
	{"remove", CLI_FLAG, NULL, "take away what setup registered"},
	{"yes", CLI_FLAG, NULL, "do not ask before removing"},
	{"zendesk-url", CLI_TEXT, "URL", "for a new configuration, like these"},
	{"zendesk-auth", CLI_CHOICE, "oauth|bearer|api_token", "default oauth"},
	{"zendesk-client-id", CLI_TEXT, "ID", "of the OAuth client"},
	{"zendesk-client-secret-file", CLI_TEXT, "FILE", "its secret"},
	{"zendesk-email", CLI_TEXT, "ADDRESS", "whose API token it is"},
	{"zendesk-token-file", CLI_TEXT, "FILE", "for bearer and api_token"},
	{"sunco-app-id", CLI_TEXT, "ID", "the app in Sunshine Conversations"},
	{"sunco-key-id", CLI_TEXT, "ID", "its API key, app_..."},
	{"sunco-key-secret-file", CLI_TEXT, "FILE", "the key's secret"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_setup = {
	.name = "setup",
	.summary = "register webhooks and trigger at both providers",
	.example = "setup --url https://reunite.example.com",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
