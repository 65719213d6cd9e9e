/*
 * How far an account is: what reunite decided against what its agents did by
 * hand, what each setting of email_identities would have linked, how many
 * users are unverified. Numbers, and what they say in words.
 *
 * A conversation is a person on a day: who writes five times on a Monday
 * counts once, as decided last that day. Counts are exact; shares are rounded
 * so that they never claim what the counts do not: something is never 0 %, and
 * not everything never 100 %.
 */
#ifndef REUNITE_CORE_READINESS_H
#define REUNITE_CORE_READINESS_H

#include "core/journal.h"

#define READINESS_WEEKS		12
#define READINESS_EXAMPLES	10
#define READINESS_PATIENCE_DAYS 7
/* Below these many a share is no more than an accident. */
#define READINESS_FEW_CONVERSATIONS 30
#define READINESS_FEW_MERGES	    20

#define EVIDENCE_COUNT (EVIDENCE_VERIFIED + 1)

/* Whether the decision would have been carried out alone, or asked first. */
enum readiness_way { READINESS_ALONE, READINESS_ASKING, READINESS_WAYS };

/* Of some days. */
struct readiness_counts {
	int64_t conversations;
	int64_t known; /* of them: of people known to be linked already */
	int64_t by_evidence[EVIDENCE_COUNT];
	int64_t linked[EMAILS_COUNT]; /* see policy_linked_under() */
	int64_t absent; /* beside them: Zendesk had no user for it */
	/* agents' merges by hand, against the newest decision */
	int64_t agreed[READINESS_WAYS];
	int64_t other[READINESS_WAYS];
	int64_t missed;
	/* the account's users, as counted last in these days */
	bool sampled;
	int64_t unverified;
	int64_t end_users;
};

struct readiness {
	char account[ACCOUNT_SIZE];
	int64_t since_ms; /* the beginning of a day */
	int64_t until_ms;
	int64_t patience_ms;
	struct readiness_counts all; /* of these days */
	int64_t missed_by[REASON_COUNT];
	/* merges that were only observed, each pair once */
	int64_t not_made; /* nobody made them in time; it ran out these days */
	int64_t pending;  /* there is still time */
	/* the newest ones of "other" and "missed"; they own nothing */
	struct journal_entry others[READINESS_EXAMPLES];
	size_t other_count;
	struct journal_entry misses[READINESS_EXAMPLES];
	size_t miss_count;
	/* by week from Monday, UTC; the last one is this week */
	struct readiness_counts weeks[READINESS_WEEKS];
	int64_t week_ms[READINESS_WEEKS]; /* when each began */
};

/* Adds one daily count by its name (store/op_tally.c); unknown names are
 * ignored. at_ms: the day. */
void readiness_add(struct readiness *r, int64_t at_ms, const char *name,
		   int64_t value);
/* Sets since, until and the weeks. */
void readiness_init(struct readiness *r, int64_t since_ms, int64_t until_ms,
		    int64_t patience_ms);
/* The first day of which counts are needed. */
int64_t readiness_from_ms(const struct readiness *r);

#define READINESS_SHARE_SIZE 16
/* "58 %", "under 1 %", "over 99 %"; "-" of nothing. */
void readiness_share(int64_t part, int64_t whole,
		     char out[READINESS_SHARE_SIZE]);

#define READINESS_TEXT_SIZE 640
/* Plain sentences: can its merges be trusted, and what is the next step? */
void readiness_verdict(const struct readiness *r,
		       const struct policy_rules *set,
		       char out[READINESS_TEXT_SIZE]);
/* And is the account ready for "verified only"? */
void readiness_verified_only(const struct readiness *r,
			     const struct policy_rules *set,
			     char out[READINESS_TEXT_SIZE]);

/* The summary, and one week: *new*. */
struct json_t *readiness_encode(const struct readiness *r,
				const struct policy_rules *set);
struct json_t *readiness_encode_week(const struct readiness *r, size_t week);

#endif
