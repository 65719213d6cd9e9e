/*
 * What a decision needs of the configuration; see decision.h.
 *
 * Refuses an approval where the account only observes: it would be used up
 * without an effect, and whoever gave it would believe in one.
 */
#include "app/decision.h"

enum result decision_complete(const struct account_config *a,
			      struct store_decide *d, int64_t now_ms,
			      struct error *err)
{
	if (d->approve && a->rules.apply == APPLY_OBSERVE)
		return error_set(err, RESULT_PERM,
				 "the account only observes (apply = "
				 "observe): nothing would be done");
	d->now_ms = now_ms;
	d->wait_ms = a->wait_for_user_ms;
	d->note = config_tells(a, NOTE_REVIEW);
	return RESULT_OK;
}

struct review_view decision_view(const struct account_config *a, bool personal)
{
	return (struct review_view){
		.zendesk_url = a ? a->zendesk_url : NULL,
		.observes = a && a->rules.apply == APPLY_OBSERVE,
		.personal = personal,
	};
}
