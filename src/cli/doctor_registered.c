/*
 * `reunite doctor`: is everything registered with the providers, does it lead
 * here, and do both sides have the same secret?
 *
 * As long as public_url does not say where they have to lead, webhooks are known
 * by the end of their paths, and that none is found is but worth a look: a
 * proxy may write paths anew.
 */
#include "base/buf.h"
#include "doctor.h"
#include "doctor_hooks.h"

#define DRIFT_MAX_BYTES 256
#define SETUP		"reunite setup --account NAME"
/* What only costs requests or time. */
#define DRIFT_SMALL DRIFT_FULL_USER

struct part {
	enum registration_part part;
	enum api api;
	const char *secrets; /* the setting */
};

static const struct config_list *secrets_of(const struct doctor *d,
					    const struct part *p)
{
	return p->api == API_SUNCO ? &d->account->sunco_webhook_secrets
				   : &d->account->zendesk_webhook_secrets;
}

/* May it be seen at all? If not, that is told. */
static bool visible(struct doctor *d, const struct doctor_call *call,
		    enum api api)
{
	const struct api_result *r = &call->result;

	if (!doctor_answered(d, call, api))
		return false;
	if (r->result == RESULT_OK)
		return true;
	doctor_say(d, DOCTOR_WARNING,
		   api == API_SUNCO
			   ? "see what is said of sunco; a key of the app sees "
			     "its integrations"
			   : "let the OAuth client have webhooks:read and "
			     "triggers:read as well, and an admin own it",
		   "cannot be seen: %s", r->error.text);
	return false;
}

/* ---- nothing there ---- */

static void say_missing(struct doctor *d, const char *what)
{
	bool known = *d->config->public_url;

	doctor_say(d, known ? DOCTOR_PROBLEM : DOCTOR_WARNING, SETUP,
		   "%s is not registered%s", what,
		   known ? "" : ", as far as can be told without public_url");
}

/* ---- there, but ---- */

static void say_drift(struct doctor *d, unsigned drift)
{
	enum doctor_level level = drift & ~(unsigned)DRIFT_SMALL
					  ? DOCTOR_PROBLEM
					  : DOCTOR_WARNING;
	struct buf text;

	buf_init(&text, DRIFT_MAX_BYTES);
	registration_drift_text(drift, &text);
	doctor_say(d, level, SETUP, "not as it should be: %s", text.data);
	buf_release(&text);
}

/* Compared where it can be: Zendesk may not show it. */
static bool secret_known(const struct doctor_hook *hook)
{
	return hook->part == REGISTERED_SUNCO ||
	       (hook->secret.ended && hook->secret.result.result == RESULT_OK);
}

static void say_webhook(struct doctor *d, const struct part *p,
			const struct doctor_hook *hook, size_t count)
{
	if (hook->drift)
		say_drift(d, hook->drift);
	if (secret_known(hook) && !hook->ours)
		doctor_say(d, DOCTOR_PROBLEM, SETUP,
			   "its secret is none of %s: what it sends is refused",
			   p->secrets);
	if (count > 1)
		doctor_say(d, DOCTOR_WARNING,
			   "each event is sent so many times: remove the "
			   "others, unless another installation has them",
			   "%zu of them lead to this account", count);
	if (hook->drift || (secret_known(hook) && !hook->ours) || count > 1)
		return;
	doctor_say(d, DOCTOR_OK, NULL, "%s, and %s",
		   *d->config->public_url ? "it leads here"
					  : "it leads to this account's path",
		   secret_known(hook) ? "its secret is known"
				      : "its secret was not to be seen");
}

static void check_webhook(struct doctor *d, const struct part *p,
			  const struct doctor_call *call)
{
	size_t count;
	const struct doctor_hook *hook =
		doctor_hooks_find(d->upstream->hooks, p->part, &count);

	if (!visible(d, call, p->api))
		return;
	if (hook)
		say_webhook(d, p, hook, count);
	else if (secrets_of(d, p)->count == 0)
		doctor_say(d, DOCTOR_OK, NULL, "not used: no %s", p->secrets);
	else if (p->part == REGISTERED_EVENTS)
		doctor_say(d, DOCTOR_WARNING, SETUP,
			   "changes of users are not told: what needs them is "
			   "noticed by sweeps only");
	else
		say_missing(d, "the webhook");
}

static void check_sunco_webhook(struct doctor *d)
{
	static const struct part p = {REGISTERED_SUNCO, API_SUNCO,
				      "sunco_webhook_secrets"};

	check_webhook(d, &p, &d->upstream->hooks->sunco);
}

static void check_zendesk_webhook(struct doctor *d)
{
	static const struct part p = {REGISTERED_TICKET, API_ZENDESK,
				      "zendesk_webhook_secrets"};

	check_webhook(d, &p, &d->upstream->hooks->webhooks);
}

/* That Zendesk's webhooks cannot be seen is told once. */
static bool listed(const struct doctor *d)
{
	const struct doctor_call *call = &d->upstream->hooks->webhooks;

	return call->ended && call->result.result == RESULT_OK;
}

static void check_zendesk_events(struct doctor *d)
{
	static const struct part p = {REGISTERED_EVENTS, API_ZENDESK,
				      "zendesk_webhook_secrets"};

	if (listed(d))
		check_webhook(d, &p, &d->upstream->hooks->webhooks);
}

/* ---- the trigger ---- */

static const struct registered_trigger *
find_trigger(const struct doctor_hooks *h, const char *webhook_id)
{
	const struct registered_trigger *found = NULL;
	unsigned best = 0, rank;

	for (size_t i = 0; i < h->row_count; i++) {
		rank = registration_trigger_rank(&h->of, webhook_id,
						 &h->rows[i]);
		if (rank > best)
			found = &h->rows[i];
		best = rank > best ? rank : best;
	}
	return found;
}

/* Rather the one that calls the webhook that is as it should be. */
static const struct registered_trigger *
any_trigger(const struct doctor_hooks *h, const char *webhook_id)
{
	const struct registered_trigger *t = find_trigger(h, webhook_id);

	for (size_t i = 0; i < h->count && !t; i++)
		if (h->items[i].part == REGISTERED_TICKET)
			t = find_trigger(h, h->items[i].id);
	return t;
}

static void check_trigger(struct doctor *d)
{
	const struct doctor_hooks *h = d->upstream->hooks;
	const struct registered_trigger *t;
	const struct doctor_hook *hook;
	const char *id;
	unsigned drift;
	size_t count;

	if (!listed(d) || !visible(d, &h->triggers, API_ZENDESK) ||
	    d->account->zendesk_webhook_secrets.count == 0)
		return;
	hook = doctor_hooks_find(h, REGISTERED_TICKET, &count);
	id = hook ? hook->id : NULL;
	t = any_trigger(h, id);
	drift = t ? registration_trigger_drift(id, t) : 0;
	if (!t)
		say_missing(d, "the ticket trigger");
	else if (drift)
		say_drift(d, drift);
	else
		doctor_say(d, DOCTOR_OK, NULL,
			   "active, with its conditions and body");
}

const struct doctor_check doctor_registered_checks[] = {
	{"sunco webhook", check_sunco_webhook},
	{"zendesk webhook", check_zendesk_webhook},
	{"zendesk events", check_zendesk_events},
	{"trigger", check_trigger},
};
const size_t doctor_registered_check_count =
	ARRAY_LEN(doctor_registered_checks);
