/*
 * What `setup` says: one line a step, or one JSON object. Never a secret.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "setup.h"

#define TEXT_MAX 1024
#define GREEN	 "\033[32m"
#define YELLOW	 "\033[33m"
#define RED	 "\033[31m"
#define PLAIN	 "\033[0m"

static const struct {
	const char *name, *colour;
} states[] = {
	[SETUP_FOUND] = {"found", ""},
	[SETUP_UNCHANGED] = {"unchanged", ""},
	[SETUP_CREATED] = {"created", GREEN},
	[SETUP_MENDED] = {"mended", GREEN},
	[SETUP_REMOVED] = {"removed", GREEN},
	[SETUP_WRITTEN] = {"written", GREEN},
	[SETUP_TO_DO] = {"to do", YELLOW},
	[SETUP_NOTE] = {"note", YELLOW},
	[SETUP_FAILED] = {"failed", RED},
};

static void print_json(struct setup *s, enum setup_state state,
		       const char *about, const char *part, const char *id,
		       const char *text)
{
	struct json_t *v = json_new_obj();

	json_set_str(v, "account", s->account ? s->account->name : NULL);
	json_set_str(v, "about", about);
	json_set_str(v, "part", part);
	json_set_str(v, "state", states[state].name);
	json_set_str(v, "id", id);
	json_set_str(v, "text", text);
	cli_json(s->cli, v);
}

static void print_text(struct setup *s, enum setup_state state,
		       const char *about, const char *part, const char *id,
		       const char *text)
{
	const struct cli *c = s->cli;
	bool colour = c->colour && *states[state].colour;

	fprintf(c->out, "%-8s %-13s %s%-9s%s  %s%s%s\n", about, part,
		colour ? states[state].colour : "", states[state].name,
		colour ? PLAIN : "", id ? id : "", id && *text ? "  " : "",
		text);
}

static void remember(struct setup *s, enum setup_state state)
{
	s->failed = s->failed || state == SETUP_FAILED;
	s->changed = s->changed || state == SETUP_CREATED ||
		     state == SETUP_MENDED || state == SETUP_REMOVED ||
		     state == SETUP_WRITTEN;
}

void setup_say(struct setup *s, enum setup_state state, const char *about,
	       const char *part, const char *id, const char *fmt, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_clean(text);
	remember(s, state);
	if (s->cli->json)
		print_json(s, state, about, part, id, text);
	else
		print_text(s, state, about, part, id, text);
	fflush(s->cli->out);
}

const char *setup_about(enum api api)
{
	return api == API_SUNCO ? "sunco" : "zendesk";
}

/* What whoever reads it can do about it. */
static const char *mend_of(const struct setup *s, const struct api_result *r)
{
	bool sunco = r->api == API_SUNCO;
	bool oauth = s->account->zendesk_auth == ZENDESK_OAUTH;

	switch (r->result) {
	case RESULT_AUTH:
		if (sunco)
			return r->forbidden
				       ? "make an API key of the app (not of "
					 "an integration), or see whether the "
					 "plan has Sunshine Conversations"
				       : "are sunco_key_id and "
					 "sunco_key_secret right, and of this "
					 "app?";
		if (!r->forbidden)
			return "are the credentials of Zendesk right?";
		return oauth ? "the OAuth client must belong to an admin and "
			       "be allowed webhooks:read webhooks:write "
			       "triggers:read triggers:write; webhooks need a "
			       "plan that has them"
			     : "the token must belong to an admin; webhooks "
			       "need a plan that has them";
	case RESULT_NOTFOUND:
		return sunco ? "is sunco_app_id right, and the integration "
			       "there?"
			     : "it is gone meanwhile: run setup again";
	case RESULT_TEMP:
		return r->sent ? "it may have taken effect all the same: run "
				 "setup again, it looks first"
			       : "run setup again later";
	case RESULT_RATE:
		return "the account's rate limit: run setup again in a minute";
	default:
		return "run setup --print and compare";
	}
}

void setup_say_refusal(struct setup *s, const char *part,
		       const struct api_result *r, const char *tried)
{
	s->unavailable = s->unavailable || r->result == RESULT_TEMP ||
			 r->result == RESULT_RATE;
	setup_say(s, SETUP_FAILED, setup_about(r->api), part, NULL,
		  "%s: %s -> %s", tried, r->error.text, mend_of(s, r));
}

void setup_say_twin(struct setup *s, const char *about, const char *part,
		    const struct registered_webhook *w)
{
	setup_say(s, SETUP_NOTE, about, part, w->id,
		  "leads to this account, too, and is left alone: %s; if no "
		  "other installation has it, remove it",
		  w->target);
}

bool setup_ask(struct setup *s, const char *part, const char *tried,
	       const struct registration_order *o, struct json_t **answer)
{
	struct api_result r;

	if (upstream_ask(s->upstream, o, &r, answer) == RESULT_OK)
		return true;
	setup_say_refusal(s, part, &r, tried);
	return false;
}
