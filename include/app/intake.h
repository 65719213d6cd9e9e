/*
 * The webhook routes of the public listener.
 *
 * A request is verified over its raw bytes, then decoded, and everything in
 * it that matters goes to the store in one operation; the 200 leaves when
 * that is durable. Nothing is written for a body in which nothing matters,
 * and nothing is parsed before it is verified.
 *
 *	200 {"accepted":n,"duplicate":n,"ignored":n}: together, the events of
 *	    the body
 *	400 not JSON, or not the documented envelope
 *	401 no live secret signed it, or its timestamp is too far off
 *	404 no such account
 *	503 with Retry-After: the store failed or is behind, or we are going
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_INTAKE_H
#define REUNITE_APP_INTAKE_H

#include "app/config.h"
#include "app/storeq.h"
#include "net/http_server.h"

#define INTAKE_WATCHED_MAX 65536 /* people waited for, per account */

/* So long a sender waits for the store before it is told to come again; both
 * would give up by themselves some seconds later. */
#define INTAKE_PATIENCE_MS 5000

struct intake;
/* Jobs of the account became ready. */
typedef void intake_wake_fn(const char *account, void *arg);

/* Everything is borrowed. */
struct intake *intake_new(struct loop *loop, struct storeq *q,
			  intake_wake_fn *on_wake, void *arg);
/*
 * What is under way holds the store queue, the server's requests and this:
 * free the queue first (it delivers what it was given), then the server, then
 * intake.
 */
void intake_free(struct intake *in);

/* These accounts and no others, from the next request on; copied. What is
 * under way ends as it began, and people stay watched. */
void intake_set_accounts(struct intake *in,
			 const struct account_config *accounts, size_t count);
/* What time it is by somebody else's clock; false: nobody knows. A signed
 * webhook that is out of time by our clock but not by that one is right: ours
 * is wrong, and a refusal is final. */
typedef bool intake_time_fn(int64_t *now_ms, void *arg);
void intake_on_time(struct intake *in, intake_time_fn *fn, void *arg);
/* Asked when events of the account are on their way to the store: true: what
 * they make ready is seen to, and on_wake not called for it. */
typedef bool intake_along_fn(const char *account, void *arg);
void intake_on_along(struct intake *in, intake_along_fn *fn, void *arg);
/* From now on nothing is accepted any more: 503. */
void intake_drain(struct intake *in);

/*
 * A waiting job knows this person: messages of theirs count, those of others
 * are ignored. A hint: it may count a message too many, and past
 * INTAKE_WATCHED_MAX people it counts none of the newer ones.
 */
void intake_watch(struct intake *in, const char *account, const char *sunco_id);
void intake_unwatch(struct intake *in, const char *account,
		    const char *sunco_id);

/* What webhooks say of people is put there; borrowed. NULL: nowhere. */
struct hearsay;
void intake_set_hearsay(struct intake *in, struct hearsay *h);

/* What events come is noted there; borrowed. NULL: nowhere. */
struct tidings;
void intake_set_tidings(struct intake *in, struct tidings *t);

/* For http_server_new(), whose arg is then the intake. Static. */
const struct http_route *intake_routes(size_t *count);

#endif
