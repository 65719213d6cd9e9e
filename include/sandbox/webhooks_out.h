/*
 * Webhooks out: signed, sent, and sent again as each platform does it.
 *
 * SunCo: X-API-Key; up to five attempts with growing delays; 400, 401, 403,
 * 404 and 406 are final. Zendesk: signature over timestamp and body, with a
 * new timestamp each attempt; again on 409 (three times), on 429 and 503 with
 * a Retry-After below a minute, and on time-outs (five times); nothing else.
 * Delays are divided by the setting webhook_retry_speed.
 */
#ifndef REUNITE_SANDBOX_WEBHOOKS_OUT_H
#define REUNITE_SANDBOX_WEBHOOKS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http_client.h"

#define WEBHOOKS_KEPT_MAX 16384 /* deliveries that are remembered */

struct account;
struct json_t;
struct webhooks;

enum webhook_source { WEBHOOK_SUNCO, WEBHOOK_ZENDESK };

struct webhook_order {
	enum webhook_source source;
	const char *label;     /* static: the event's name */
	struct slice body;     /* copied, like all below */
	const char *url;       /* NULL: where the settings send it */
	const char *key;       /* NULL: the secret of the settings */
	const char *signature; /* NULL: the right one */
	const char *timestamp; /* NULL: now */
	bool unsigned_;	       /* no key and no signature at all */
};

/* One delivery as the control endpoints tell it: *new*. */
typedef void webhook_done(struct json_t *delivery, void *arg);

struct webhooks *webhooks_new(struct loop *loop, struct http_client *http,
			      const struct account *account);
void webhooks_free(struct webhooks *w); /* drops what is open */
/* done (may be NULL) comes once on the loop, never from inside: after the
 * first attempt, or, with to_the_end, after the last one. */
void webhooks_send(struct webhooks *w, const struct webhook_order *order,
		   bool to_the_end, webhook_done *done, void *arg);
struct json_t *webhooks_encode(const struct webhooks *w); /* *new* array */
void webhooks_forget(struct webhooks *w); /* ends what waits, drops the rest */

#endif
