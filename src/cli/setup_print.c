/*
 * `setup --print`: every request as curl, none of them sent.
 *
 * Secrets and what only the answers tell are shell variables, so that the
 * lines can be tried by hand: set the variables first.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "setup.h"

/* Stand for ids in paths and bodies, where nothing is escaped. */
#define INTEGRATION "INTEGRATION_ID"
#define SUNCO_HOOK  "SUNCO_WEBHOOK_ID"
#define WEBHOOK	    "WEBHOOK_ID"
#define EVENTS	    "EVENT_WEBHOOK_ID"
#define TRIGGER	    "TRIGGER_ID"

#define PATH_MAX_BYTES 4096

static const char *const variables[] = {INTEGRATION, SUNCO_HOOK, EVENTS,
					WEBHOOK, TRIGGER};

struct print {
	struct setup *setup;
	FILE *out;
};

/* The longest variable that begins here, or NULL. */
static const char *variable_at(const char *at)
{
	for (size_t i = 0; i < ARRAY_LEN(variables); i++)
		if (str_starts(at, variables[i]))
			return variables[i];
	return NULL;
}

/* In single quotes, variables outside of them. */
static void put_quoted(FILE *out, const char *text)
{
	fputc('\'', out);
	while (*text) {
		const char *variable = variable_at(text);

		if (variable) {
			fprintf(out, "'\"$%s\"'", variable);
			text += strlen(variable);
			continue;
		}
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fputc(*text, out);
		text++;
	}
	fputc('\'', out);
}

static void put_credentials(const struct print *p, enum api api)
{
	const struct account_config *a = p->setup->account;

	if (api == API_SUNCO)
		fprintf(p->out, " \\\n  -u \"%s:$SUNCO_KEY_SECRET\"",
			a->sunco_key_id);
	else if (a->zendesk_auth == ZENDESK_API_TOKEN)
		fputs(" \\\n  -u \"$ZENDESK_EMAIL/token:$ZENDESK_TOKEN\"",
		      p->out);
	else
		fputs(" \\\n  -H \"Authorization: Bearer $ZENDESK_TOKEN\"",
		      p->out);
}

static void put_text(const struct print *p, const char *about,
		     const char *method, const char *url, const char *body,
		     const enum api *api)
{
	fprintf(p->out, "\n# %s\ncurl -sS -X %s", about, method);
	if (api)
		put_credentials(p, *api);
	if (body) {
		fputs(" \\\n  -H 'Content-Type: application/json' -d ", p->out);
		put_quoted(p->out, body);
	}
	fputs(" \\\n  ", p->out);
	put_quoted(p->out, url);
	fputc('\n', p->out);
}

static void put_json(const struct print *p, const char *about,
		     const char *method, const char *url, const char *body)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", p->setup->account->name);
	json_set_str(v, "about", about);
	json_set_str(v, "method", method);
	json_set_str(v, "url", url);
	json_set(v, "body", body ? json_parse(body, strlen(body), NULL) : NULL);
	cli_json(p->setup->cli, v);
}

static void put(const struct print *p, const char *about, const char *method,
		const char *url, const char *body, const enum api *api)
{
	if (p->setup->cli->json)
		put_json(p, about, method, url, body);
	else
		put_text(p, about, method, url, body, api);
}

/* Takes the order's body. */
static void request(const struct print *p, const char *about,
		    struct registration_order o)
{
	const struct account_config *a = p->setup->account;
	enum api api = registration_api(o.call);
	char *body = o.body ? json_text(o.body) : NULL;
	struct buf url;

	buf_init(&url, PATH_MAX_BYTES);
	buf_puts(&url, api == API_SUNCO ? a->sunco_url : a->zendesk_url);
	registration_path(&o, a->sunco_app_id, &url);
	put(p, about, registration_method(o.call), url.data, body, &api);
	buf_release(&url);
	free(body);
	json_free(o.body);
}

static void print_token(const struct print *p)
{
	const struct account_config *a = p->setup->account;
	struct json_t *v;
	struct buf url;
	char *body;

	if (a->zendesk_auth != ZENDESK_OAUTH)
		return;
	v = json_new_obj();
	json_set_str(v, "grant_type", "client_credentials");
	json_set_str(v, "client_id", a->zendesk_client_id);
	json_set_str(v, "client_secret", "********");
	json_set_str(v, "scope",
		     "webhooks:read webhooks:write triggers:read "
		     "triggers:write");
	body = json_text(v);
	json_free(v);
	buf_init(&url, PATH_MAX_BYTES);
	buf_printf(&url, "%s/oauth/tokens", a->zendesk_url);
	put(p, "an access token: ZENDESK_TOKEN (put the secret in)", "POST",
	    url.data, body, NULL);
	buf_release(&url);
	free(body);
}

static void print_looks(const struct print *p)
{
#define LOOK(call, ...) ((struct registration_order){call, {__VA_ARGS__}, NULL})
	request(p, "the app: are key and app id right?",
		LOOK(CALL_SUNCO_APP, NULL));
	request(p, "its integrations: is ours there?",
		LOOK(CALL_SUNCO_INTEGRATIONS, NULL));
	request(p, "webhooks of a custom integration, with their secrets",
		LOOK(CALL_SUNCO_WEBHOOKS, INTEGRATION));
	request(p, "Zendesk's webhooks: are ours there?",
		LOOK(CALL_ZENDESK_WEBHOOKS, NULL));
	request(p, "Zendesk's ticket triggers: is ours there?",
		LOOK(CALL_ZENDESK_TRIGGERS, NULL));
}

static void print_zendesk(const struct print *p)
{
	const struct registration *want = &p->setup->want;

	request(p, "if missing: the webhook that the trigger calls: WEBHOOK_ID",
		(struct registration_order){
			CALL_ZENDESK_WEBHOOK_CREATE,
			{NULL},
			registration_webhook_body(want, REGISTERED_TICKET,
						  NULL)});
	request(p, "its signing secret",
		LOOK(CALL_ZENDESK_SIGNING_SECRET, WEBHOOK));
	if (!cli_given(p->setup->cli, "no-events")) {
		request(p,
			"if missing: the webhook of users' events (one webhook "
			"cannot do both): EVENT_WEBHOOK_ID",
			(struct registration_order){
				CALL_ZENDESK_WEBHOOK_CREATE,
				{NULL},
				registration_webhook_body(
					want, REGISTERED_EVENTS, NULL)});
		request(p, "its signing secret",
			LOOK(CALL_ZENDESK_SIGNING_SECRET, EVENTS));
	}
	request(p,
		"if missing: the trigger. Channel is Messaging (via_id 75), "
		"ticket is created",
		(struct registration_order){
			CALL_ZENDESK_TRIGGER_CREATE,
			{NULL},
			registration_trigger_body(want, WEBHOOK, NULL)});
}

static void print_create(const struct print *p)
{
	const struct registration *want = &p->setup->want;
	const char *integration = cli_text(p->setup->cli, "integration");

	if (integration)
		request(p, "if missing: the webhook in your integration",
			(struct registration_order){
				CALL_SUNCO_WEBHOOK_CREATE,
				{integration},
				registration_webhook_body(
					want, REGISTERED_SUNCO, NULL)});
	else
		request(p,
			"if missing: a custom integration with its webhook: "
			"INTEGRATION_ID",
			(struct registration_order){
				CALL_SUNCO_INTEGRATION_CREATE,
				{NULL},
				registration_integration_body(want)});
	print_zendesk(p);
}

static void print_remove(const struct print *p)
{
	request(p, "if setup made it: the integration, with its webhook",
		LOOK(CALL_SUNCO_INTEGRATION_DELETE, INTEGRATION));
	request(p, "else: the webhook of somebody else's integration",
		LOOK(CALL_SUNCO_WEBHOOK_DELETE, INTEGRATION, SUNCO_HOOK));
	request(p, "the trigger", LOOK(CALL_ZENDESK_TRIGGER_DELETE, TRIGGER));
	request(p, "the trigger's webhook",
		LOOK(CALL_ZENDESK_WEBHOOK_DELETE, WEBHOOK));
	request(p, "the webhook of events",
		LOOK(CALL_ZENDESK_WEBHOOK_DELETE, EVENTS));
}

void setup_print(struct setup *s, bool remove)
{
	struct print p = {s, s->cli->out};

	if (!s->cli->json)
		fprintf(p.out,
			"# reunite setup --print: what would be asked of the "
			"providers for account %s.\n"
			"# Nothing was sent. SUNCO_KEY_SECRET, ZENDESK_TOKEN "
			"and the ids of the answers are yours to fill in.\n"
			"# Not tried on a real account: the number of the "
			"channel Messaging (75) and the events' spelling.\n",
			s->account->name);
	print_token(&p);
	print_looks(&p);
	if (remove)
		print_remove(&p);
	else
		print_create(&p);
}
