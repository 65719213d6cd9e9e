/*
 * `reunite doctor`: the certificate of the public listener, as it lies on the
 * disk.
 *
 * Whoever renews certificates does it some time before their end, the sooner
 * the longer they last: a third of their life and two weeks are the latest.
 */
#include <string.h>

#include "base/str.h"
#include "doctor.h"
#include "net/tls_context.h"

#define HOST_SIZE 256
#define DAY_MS	  ((int64_t)24 * 3600 * 1000)
#define LATE_MS	  (14 * DAY_MS)
#define RENEW                                                                  \
	"renew it, then systemctl reload reunite (or send SIGHUP): what is "   \
	"running takes the new one"

static void say_age(struct doctor *d, const struct tls_context *tls)
{
	int64_t begins_ms = tls_context_begins_ms(tls);
	int64_t ends_ms = tls_context_ends_ms(tls);
	int64_t left_ms = ends_ms - d->cli->now_ms;
	int64_t third_ms = (ends_ms - begins_ms) / 3;
	char age[DOCTOR_AGE_SIZE];

	if (left_ms <= 0)
		doctor_say(d, DOCTOR_PROBLEM, RENEW,
			   "it ended %s ago: nobody delivers",
			   doctor_age(d, ends_ms, age));
	else if (begins_ms > d->cli->now_ms)
		doctor_say(d, DOCTOR_PROBLEM, "is the clock right?",
			   "it begins only in %s",
			   doctor_age(d, begins_ms, age));
	else if (left_ms < LATE_MS && left_ms < third_ms)
		doctor_say(d, DOCTOR_WARNING, RENEW, "it ends in %s",
			   doctor_age(d, ends_ms, age));
	else
		doctor_say(d, DOCTOR_OK, NULL,
			   "it ends in %s; certificates sent: %zu",
			   doctor_age(d, ends_ms, age), tls_context_chain(tls));
}

/* The name or address in the URL that the configuration has let pass. */
static void host_of(const char *url, char out[HOST_SIZE])
{
	const char *host = strstr(url, "://") + 3;
	size_t len = strcspn(host, *host == '[' ? "]" : ":/");

	if (*host == '[') {
		host++;
		len--;
	}
	if (!str_copy_slice(out, HOST_SIZE, (struct slice){host, len}))
		out[0] = '\0';
}

/* A proxy that makes TLS of its own on the way would not mind. */
static void say_name(struct doctor *d, const struct tls_context *tls)
{
	const char *url = d->config->public_url;
	char host[HOST_SIZE];

	if (str_is_empty(url))
		return;
	host_of(url, host);
	if (tls_context_is_for(tls, host))
		doctor_say(d, DOCTOR_OK, NULL, "it is for %s", host);
	else
		doctor_say(d, DOCTOR_WARNING,
			   "get one for the host of public_url, unless a proxy "
			   "in front has it",
			   "it is not for %s: nobody would trust it", host);
}

void doctor_check_certificate(struct doctor *d)
{
	struct tls_context *tls;
	struct error err;

	if (config_tls(d->config, &tls, &err) != RESULT_OK) {
		doctor_say(d, DOCTOR_PROBLEM, NULL, "%s", err.text);
	} else if (tls) {
		say_age(d, tls);
		say_name(d, tls);
		tls_context_free(tls);
	}
}
