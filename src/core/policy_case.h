/*
 * One case before the policy: the facts, and what every rule asks of them
 * worked out once. Private to the policy.
 */
#ifndef REUNITE_SRC_CORE_POLICY_CASE_H
#define REUNITE_SRC_CORE_POLICY_CASE_H

#include "core/policy.h"

struct policy_case {
	const struct facts *f;
	const struct policy_rules *r;
	const struct zd_user *person; /* the messaging user, or NULL */
	enum evidence evidence;
	char address[ADDRESS_SIZE];
	const char *external_id; /* the person's, or NULL */
	const struct zd_user **owners;
	size_t owner_count;
	/* Only without an owner, and only one that is active and not the
	 * messaging user. */
	const struct zd_user *displaced;
	/* With whom: the owner (of several the one that most speaks for, see
	 * policy_case.c), else the displaced profile, else NULL. */
	const struct zd_user *profile;
};

/* c borrows f and r. */
void policy_case_init(struct policy_case *c, const struct facts *f,
		      const struct policy_rules *r);
void policy_case_release(struct policy_case *c);

bool policy_is_address(const struct policy_case *c,
		       const struct zd_identity *i);
/* The user's e-mail identity that is the address, or NULL. */
const struct zd_identity *policy_address_of(const struct policy_case *c,
					    const struct zd_user *u);
/* Both there, and the same but for the case of letters. */
bool policy_external_ids_equal(const struct policy_case *c,
			       const struct zd_user *u);
/* How far Zendesk trusts the address of u: "proven" and "marked" of the
 * policy; false when u does not have the address. */
bool policy_address_proven(const struct policy_case *c,
			   const struct zd_user *u);
bool policy_address_marked(const struct policy_case *c,
			   const struct zd_user *u);
/* Any identity besides the address; also when identities are not known. */
bool policy_has_other_identity(const struct policy_case *c,
			       const struct zd_user *u);

/* Stage 4: all reasons for which a person has to look, none waived. */
reason_set policy_review_reasons(const struct policy_case *c);
/* The rule behind a reason of stage 4; 0 if it is none. */
int policy_review_rule(enum reason r);

#endif
