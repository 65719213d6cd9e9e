/*
 * What webhooks said of people a moment ago: their addresses, so that a run
 * can search for the owner before it has read the person. A hint, never
 * evidence: whoever uses it reads the person, too (core/linkjob.h).
 *
 * In memory only: an address is never stored. Bounded, HEARSAY_MAX people of
 * all accounts, a newer one takes an older one's place; a person is forgotten
 * after HEARSAY_MS. Owned by the loop thread.
 */
#ifndef REUNITE_APP_HEARSAY_H
#define REUNITE_APP_HEARSAY_H

#include <stdint.h>

#define HEARSAY_MAX 1024
#define HEARSAY_MS  INT64_C(600000)

struct hearsay;
struct hearsay *hearsay_new(void);
void hearsay_free(struct hearsay *h); /* NULL is allowed */
/* now_ms: monotonic. An address that is too long is none. */
void hearsay_put(struct hearsay *h, const char *account, const char *sunco_id,
		 const char *address, int64_t now_ms);
void hearsay_forget(struct hearsay *h, const char *account,
		    const char *sunco_id);
/* Borrowed until the next call; NULL: nothing was said. */
const char *hearsay_address(struct hearsay *h, const char *account,
			    const char *sunco_id, int64_t now_ms);

#endif
