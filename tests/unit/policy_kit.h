/*
 * A case for the policy that ends in a merge, to be changed by tests.
 *
 * The plain case: a logged-in person whose address the JWT's issuer vouches
 * for, a fresh messaging user without it, one end user who owns it, proven.
 * Nothing but the owner's address speaks for or against the merge.
 */
#ifndef REUNITE_TESTS_POLICY_KIT_H
#define REUNITE_TESTS_POLICY_KIT_H

#include "core/policy.h"
#include "unit.h"

#define KIT_SUNCO_ID "c0ffee0123456789abcdef01"
#define KIT_ADDRESS  "mia@harbour.example"
enum { KIT_PERSON = 501, KIT_OWNER = 902, KIT_SECOND = 903 };

struct kit {
	struct facts f;
	struct policy_rules r; /* apply = auto, else the defaults */
	struct decision d;
};

void kit_init(struct kit *k);
void kit_release(struct kit *k);
void kit_decide(struct kit *k);
/* Decides, and wants this. */
void kit_expect(struct kit *k, enum action action, enum reason reason,
		int rule);
/* Decides, and wants exactly these reasons. */
void kit_expect_reasons(struct kit *k, reason_set reasons);
/* The steps as one string: "merge read_back pin". */
void kit_expect_steps(struct kit *k, const char *steps);

/* Replaces what the conversation brings by an address of that standing. */
void kit_evidence(struct kit *k, enum evidence e);
void kit_text(char **text, const char *value); /* value may be NULL */
struct zd_user *kit_owner(struct kit *k);      /* profiles[0] */
struct zd_user *kit_add_owner(struct kit *k, uint64_t id);
void kit_drop_owners(struct kit *k);
/* The owner's address: how it was verified. */
void kit_method(struct kit *k, enum verification method, bool verified);
/* Instead of the owner: a displaced profile which may be recovered. */
struct zd_user *kit_displace(struct kit *k);

#endif
