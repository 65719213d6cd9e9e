/*
 * The words that the rules of the policy are written in, for its oracle.
 */
#ifndef REUNITE_TESTS_POLICY_ORACLE_WORDS_H
#define REUNITE_TESTS_POLICY_ORACLE_WORDS_H

#include "core/policy.h"

#define OWNERS_MAX 8

/* What the rules speak of. */
struct words {
	const struct facts *f;
	const struct policy_rules *r;
	const struct zd_user *person;
	const struct zd_user *owners[OWNERS_MAX];
	int owner_count;
	const struct zd_user *displaced; /* no owner, and somebody else */
	const struct zd_user *profile;
	enum evidence evidence;
	bool several;
	char address[ADDRESS_SIZE];
	const char *external_id;
};

/* Borrows f and r. */
void words_of(struct words *w, const struct facts *f,
	      const struct policy_rules *r);
/* pattern: an extended regular expression, a static text. */
bool words_match(const char *pattern, const char *text);
bool words_same(const char *a, const char *b);
bool words_any(const char *text); /* not NULL, not empty */
bool words_is_address(const struct words *w, const struct zd_identity *i);
bool words_has_address(const struct words *w, const struct zd_user *u);
bool words_ids_differ(const char *a, const char *b); /* both there */
bool words_ids_equal(const struct words *w, const struct zd_user *u);
bool words_proven(const struct words *w, const struct zd_user *u);
bool words_marked(const struct words *w, const struct zd_user *u);
bool words_more(const struct words *w, const struct zd_user *u);

#endif
