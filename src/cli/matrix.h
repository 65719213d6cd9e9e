/*
 * Every situation that the policy tells apart, and what comes of each:
 * `explain --table`. Private to the command line.
 *
 * Nothing is written down: an outcome is what policy_decide() and
 * policy_zendesk_does() say about made-up people, with apply = auto.
 */
#ifndef REUNITE_SRC_CLI_MATRIX_H
#define REUNITE_SRC_CLI_MATRIX_H

#include "core/policy.h"

enum {
	MATRIX_SETTINGS = EMAILS_CLAIM_VERIFIED + 1, /* email_identities */
	MATRIX_THRESHOLDS =
		EVIDENCE_VERIFIED, /* link_evidence, claimed first */
};

/* Who writes, and what address comes along. */
struct matrix_person {
	const char *person, *address;
	bool authenticated;
	const char *verification; /* of an e-mail identity, or NULL */
	bool profile_email;
	bool several; /* different e-mail identities */
};

/* Whom the address belongs to; see matrix.c. */
struct matrix_owner;
const char *matrix_owner_name(const struct matrix_owner *o);

/* The i-th; NULL behind the last one. */
const struct matrix_person *matrix_person(size_t i);
const struct matrix_owner *matrix_owner(size_t i);

struct matrix_outcome {
	const char *zendesk;
	enum action action;
	enum reason reason;
	int rule; /* of deploy/deciding.md; 0: none */
};

/* Row by setting, column by link_evidence. */
struct matrix_outcomes {
	struct matrix_outcome at[MATRIX_SETTINGS][MATRIX_THRESHOLDS];
};

/* False: there is no such situation. */
bool matrix_ask(const struct matrix_person *p, const struct matrix_owner *o,
		struct matrix_outcomes *out);

/* What has to be the same for two outcomes to be told together. */
enum matrix_facet {
	MATRIX_ZENDESK = 1, /* what Zendesk does */
	MATRIX_REUNITE = 2, /* action and reason */
	MATRIX_BOTH = 3,
};
bool matrix_outcomes_equal(const struct matrix_outcomes *a,
			   const struct matrix_outcomes *b,
			   enum matrix_facet facet);
/* The settings with the outcomes of setting s, as bits; 0 if an earlier one
 * is among them: they had their turn. */
unsigned matrix_settings_like(const struct matrix_outcomes *o, int s,
			      enum matrix_facet facet);
/* The same for thresholds, within setting s. */
unsigned matrix_thresholds_like(const struct matrix_outcomes *o, int s, int t,
				enum matrix_facet facet);
/* Their words, each between quote, with ", " between: *new*. All of them are
 * one word: all. */
char *matrix_setting_words(unsigned settings, const char *quote,
			   const char *all);
char *matrix_threshold_words(unsigned thresholds, const char *quote,
			     const char *all);

#endif
