/*
 * A person's word about a review, completed with what its account's settings
 * say: for `review` and for the admin API.
 */
#ifndef REUNITE_APP_DECISION_H
#define REUNITE_APP_DECISION_H

#include "app/config.h"
#include "store/store.h"

/* Fills d's settings and time; its review, the word and by are there.
 * RESULT_PERM: an approval would change nothing, and err says why. */
MUST_CHECK enum result decision_complete(const struct account_config *a,
					 struct store_decide *d, int64_t now_ms,
					 struct error *err);
/* How the account's reviews are shown. */
struct review_view decision_view(const struct account_config *a, bool personal);

#endif
