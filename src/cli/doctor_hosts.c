/*
 * `reunite doctor`: the way to an account's hosts, and what time it is there.
 *
 * One thing is found out after the other: of a host whose name is not known
 * nothing else is said.
 */
#include <string.h>

#include "base/str.h"
#include "doctor.h"

#define DAY_S		 (INT64_C(24) * 3600)
#define CERTIFICATE_DAYS 14 /* by then theirs is replaced, as a rule */

/* A Date has whole seconds, and the answer took a while. */
#define CLOCK_OFF_MS INT64_C(30000)

/* The host without its scheme. */
static const char *name_of(const struct doctor_host *h)
{
	const char *name = strstr(h->origin, "://");

	return name ? name + 3 : h->origin;
}

static void check_dns(struct doctor *d)
{
	for (size_t i = 0; i < d->upstream->host_count; i++) {
		const struct doctor_host *h = d->upstream->hosts[i];

		if (h->sight.stage == HTTP_STAGE_NAME)
			doctor_say(d, DOCTOR_UNAVAILABLE,
				   "is it spelt like that? does the name "
				   "server answer (/etc/resolv.conf, and that "
				   "of a proxy)?",
				   "%s cannot be found: %s", name_of(h),
				   h->ended ? h->error.text
					    : "no answer in time");
		else if (h->sight.proxied)
			doctor_say(d, DOCTOR_OK, NULL, "%s, by the proxy at %s",
				   name_of(h), h->sight.address);
		else if (h->sight.address[0])
			doctor_say(d, DOCTOR_OK, NULL, "%s is %s", name_of(h),
				   h->sight.address);
		else
			doctor_say(d, DOCTOR_OK, NULL, "%s has an address",
				   name_of(h));
	}
}

static void check_connection(struct doctor *d)
{
	for (size_t i = 0; i < d->upstream->host_count; i++) {
		const struct doctor_host *h = d->upstream->hosts[i];

		if (h->sight.stage == HTTP_STAGE_CONNECT)
			doctor_say(d, DOCTOR_UNAVAILABLE,
				   "let this machine connect to it: a "
				   "firewall, or a proxy (https_proxy)?",
				   "none with %s: %s", name_of(h),
				   h->error.text);
		else if (h->sight.stage == HTTP_STAGE_ANSWER)
			doctor_say(d, DOCTOR_UNAVAILABLE,
				   "see https://status.zendesk.com, and "
				   "whether something stands between",
				   "%s does not answer: %s", name_of(h),
				   h->error.text);
	}
}

static void say_refused(struct doctor *d, const struct doctor_host *h)
{
	bool distrusted = h->result == RESULT_PERM;

	doctor_say(d, distrusted ? DOCTOR_PROBLEM : DOCTOR_UNAVAILABLE,
		   distrusted ? "is the clock right, is ca-certificates "
				"installed, does a proxy answer in its place? "
				"SSL_CERT_FILE may name whom to trust"
			      : "is it an https address, and can both sides "
				"speak TLS 1.2 or later?",
		   distrusted ? "the certificate of %s is not trusted: %s"
			      : "none with %s: %s",
		   name_of(h), h->error.text);
}

static void say_certificate(struct doctor *d, const struct doctor_host *h)
{
	int64_t left_s = (h->sight.certificate_ends_ms - d->cli->now_ms) / 1000;
	bool soon = left_s < CERTIFICATE_DAYS * DAY_S;

	if (h->sight.certificate_ends_ms == 0)
		doctor_say(d, DOCTOR_OK, NULL,
			   "the certificate of %s is trusted", name_of(h));
	else
		doctor_say(d, soon ? DOCTOR_WARNING : DOCTOR_OK,
			   soon ? "its owner has to replace it by then" : NULL,
			   "the certificate of %s is trusted, and good for "
			   "%lld d",
			   name_of(h), (long long)(left_s / DAY_S));
}

static void check_tls(struct doctor *d)
{
	for (size_t i = 0; i < d->upstream->host_count; i++) {
		const struct doctor_host *h = d->upstream->hosts[i];

		if (h->sight.stage == HTTP_STAGE_TLS)
			say_refused(d, h);
		else if (h->sight.stage < HTTP_STAGE_TLS)
			continue;
		else if (str_starts(h->origin, "https:"))
			say_certificate(d, h);
		else
			doctor_say(d, DOCTOR_OK, NULL,
				   "none with %s, which is this machine",
				   name_of(h));
	}
}

/* How far off at least; below 0: behind. */
static int64_t off_ms(const struct remote_clock *c)
{
	if (c->least_ms > 0)
		return -c->least_ms;
	return c->most_ms < 0 ? -c->most_ms : 0;
}

static void check_clock(struct doctor *d)
{
	const struct doctor_host *h = d->upstream->hosts[0];
	int64_t tolerance_ms = d->account->timestamp_tolerance_ms;
	int64_t off = off_ms(&h->clock);
	int64_t by = off < 0 ? -off : off;
	bool refuses = tolerance_ms > 0 && by >= tolerance_ms;

	if (!h->clock.known)
		return;
	if (by < CLOCK_OFF_MS && !refuses)
		doctor_say(d, DOCTOR_OK, NULL,
			   "this machine's goes like Zendesk's");
	else
		doctor_say(d, refuses ? DOCTOR_PROBLEM : DOCTOR_WARNING,
			   "set it by NTP (timedatectl)",
			   "this machine's is %lld s %s Zendesk's%s",
			   (long long)(by / 1000),
			   off < 0 ? "behind" : "ahead of",
			   refuses ? ", beyond timestamp_tolerance: signed "
				     "webhooks may be refused"
				   : "");
}

/* ---- where the providers reach us ---- */

#define NOT_FROM_HERE                                                          \
	"may be it can only be reached from outside: do webhooks come? else "  \
	"see DNS, firewall and proxy"

/* The senders look at it, too. */
static bool good_certificate(struct doctor *d, const struct doctor_host *h)
{
	int64_t left_s = (h->sight.certificate_ends_ms - d->cli->now_ms) / 1000;

	if (h->sight.stage == HTTP_STAGE_TLS && h->result == RESULT_PERM)
		doctor_say(d, DOCTOR_PROBLEM,
			   "give the proxy in front a certificate of a public "
			   "authority, with its chain; nothing is sent to an "
			   "address that cannot be verified",
			   "the certificate of %s is not trusted: %s",
			   h->origin, h->error.text);
	else if (h->sight.certificate_ends_ms != 0 &&
		 left_s < CERTIFICATE_DAYS * DAY_S)
		doctor_say(d, DOCTOR_WARNING, "renew it",
			   "the certificate of %s ends in %lld d", h->origin,
			   (long long)(left_s / DAY_S));
	else
		return true;
	return false;
}

void doctor_check_public(struct doctor *d)
{
	const struct doctor_host *h = doctor_net_public(d->net);

	if (!h)
		doctor_say(d, DOCTOR_WARNING,
			   "set public_url to where Zendesk reaches this, such "
			   "as https://reunite.example.com",
			   "not set: whether webhooks lead here is not known");
	else if (!good_certificate(d, h))
		return;
	else if (h->sight.stage != HTTP_STAGE_DONE)
		doctor_say(d, DOCTOR_WARNING, NOT_FROM_HERE,
			   "%s cannot be reached from here: %s", h->origin,
			   h->ended ? h->error.text : "no answer in time");
	else if (h->status != 200)
		doctor_say(d, DOCTOR_PROBLEM,
			   "lead it to the listener of the setting listen, "
			   "/healthz and /webhooks at least",
			   "%s answers HTTP %d, not as reunite does", h->origin,
			   h->status);
	else
		doctor_say(d, DOCTOR_OK, NULL, "%s answers", h->origin);
}

const struct doctor_check doctor_host_checks[] = {
	{"dns", check_dns},
	{"connection", check_connection},
	{"tls", check_tls},
	{"clock", check_clock},
};
const size_t doctor_host_check_count = ARRAY_LEN(doctor_host_checks);
