/*
 * What the rules of the policy speak of, factor by factor: each a setter that
 * gives a case (policy_kit.h) one of so many values.
 */
#ifndef REUNITE_TESTS_POLICY_FACTORS_H
#define REUNITE_TESTS_POLICY_FACTORS_H

#include "policy_kit.h"

#define FACTOR_OTHER_ADDRESS "else@harbour.example"

/* How many values they have, where that is not plain. */
enum {
	BRINGS = 18, /* 0 to 3 are the four kinds of evidence, in order */
	ADDRESSES = 1 + 2 * (VERIFICATION_OTHER + 1),
	MORE = 5,
	CLASSES = 3 * 3 * 2 * 2 * 2,
	WAIVERS = 2 + 2 * REASON_COUNT,
	SPECIALS = 17,
};

void set_emails(struct kit *k, int v);
void set_link(struct kit *k, int v);
void set_apply(struct kit *k, int v);
void set_recover(struct kit *k, int v);
void set_verify(struct kit *k, int v);
void set_complete(struct kit *k, int v);
void set_brings(struct kit *k, int v);
void set_sunco_external(struct kit *k, int v);
void set_sunco_brand(struct kit *k, int v);
void set_sunco_name(struct kit *k, int v);
void set_person_external(struct kit *k, int v);
void set_person_more(struct kit *k, int v);
void set_person_state(struct kit *k, int v);
void set_person_role(struct kit *k, int v);
void set_person_suspended(struct kit *k, int v);
void set_person_shared(struct kit *k, int v);
void set_person_survived(struct kit *k, int v);
void set_person_name(struct kit *k, int v);
void set_other_address(struct kit *k, int v);
void set_other_proof(struct kit *k, int v);
void set_other_external(struct kit *k, int v);
void set_other_more(struct kit *k, int v);
void set_other_role(struct kit *k, int v);
void set_other_active(struct kit *k, int v);
void set_other_suspended(struct kit *k, int v);
void set_other_shared(struct kit *k, int v);
void set_other_brand(struct kit *k, int v);
void set_other_organization(struct kit *k, int v);
void set_proven_before(struct kit *k, int v);
void set_coincides(struct kit *k, int v);
void set_first_class(struct kit *k, int v);
void set_second_class(struct kit *k, int v);
void set_denied(struct kit *k, int v);
void set_rejected(struct kit *k, int v);
void set_searched(struct kit *k, int v);
void set_surge(struct kit *k, int v);
void set_fan_in(struct kit *k, int v);
void set_backfill(struct kit *k, int v);
void set_waived(struct kit *k, int v);
void set_pin_named(struct kit *k, int v);
void set_special(struct kit *k, int v);

#endif
