/*
 * The link policy: what to do about one messaging user, as a pure function.
 *
 * No I/O, no clock, no text. The same function serves the daemon, `explain`,
 * `link`, `backfill` and the tests. A merge cannot be undone: every rule
 * fails towards doing nothing. The 24 rules and their stages are in
 * deploy/deciding.md; the numbers here are theirs.
 */
#ifndef REUNITE_CORE_POLICY_H
#define REUNITE_CORE_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/address.h"
#include "core/reason.h"
#include "core/user.h"

/* Ordered from weak to strong. */
enum evidence {
	EVIDENCE_NONE,
	EVIDENCE_CLAIMED,
	EVIDENCE_AUTHENTICATED,
	EVIDENCE_VERIFIED,
};
enum email_identities {
	EMAILS_VERIFIED_ONLY,
	EMAILS_VERIFIED_AND_UNVERIFIED,
	EMAILS_CLAIM_VERIFIED,
};
enum apply { APPLY_OBSERVE, APPLY_REVIEW, APPLY_AUTO };
enum action {
	ACTION_NONE,
	ACTION_WAIT, /* look again until the job's deadline, then nothing */
	ACTION_REFUSE,
	ACTION_REVIEW,
	ACTION_MERGE,
	ACTION_ADOPT,
	/* Never decided: what a person did to the account's queue, for the
	 * journal. */
	ACTION_PAUSE,
	ACTION_RESUME,
	ACTION_CLOSE_BREAKER,
};

const char *evidence_name(enum evidence e);
const char *email_identities_name(enum email_identities s);
const char *apply_name(enum apply a);
const char *action_name(enum action a);
/* A person's act, from ACTION_PAUSE on: no decision about anybody. */
bool action_is_act(enum action a);
bool evidence_parse(const char *s, enum evidence *out);
bool email_identities_parse(const char *s, enum email_identities *out);
bool apply_parse(const char *s, enum apply *out);
bool action_parse(const char *s, enum action *out);

/* The account's settings; see config.h for where they come from. */
struct policy_rules {
	enum email_identities email_identities;
	enum evidence link_evidence; /* never EVIDENCE_NONE */
	enum apply apply;
	const char *const *deny_emails; /* borrowed */
	size_t deny_email_count;
	int64_t max_merges_per_hour;
	int64_t max_merges_per_profile;
	bool recover_displaced;
	bool release_external_id; /* auto */
	bool verify_profile_email;
	bool complete_name;
};
void policy_rules_default(struct policy_rules *r);

/* A set of reasons. */
typedef uint64_t reason_set;
#define REASON_BIT(r) ((reason_set)1 << (r))
/* What doing it ended in, and what the rules call a link that they allow. */
#define REASON_OUTCOMES                                                        \
	(REASON_BIT(REASON_MERGE_REFUSED) | REASON_BIT(REASON_ADDRESS_TAKEN) | \
	 REASON_BIT(REASON_EXTERNAL_ID_REFUSED))
#define REASON_LINKS                                                           \
	(REASON_BIT(REASON_EXTERNAL_ID_MATCH) |                                \
	 REASON_BIT(REASON_EMAIL_MATCH_VERIFIED) |                             \
	 REASON_BIT(REASON_EMAIL_MATCH_AUTHENTICATED) |                        \
	 REASON_BIT(REASON_EMAIL_MATCH_CLAIMED) |                              \
	 REASON_BIT(REASON_NO_PROFILE))

struct facts {
	struct sunco_user sunco;
	bool has_messaging_user;
	struct zd_user messaging_user;
	struct zd_user
		*profiles; /* what the searches returned, owners or not */
	size_t profile_count;
	bool has_displaced;
	struct zd_user displaced;
	char **deny_emails; /* *owned*, of facts_decode(); not a fact */
	size_t deny_email_count;
	struct {
		bool rejected;	     /* this pair, for this address */
		bool searched_twice; /* settle_after apart, both fruitless */
		int64_t merges_this_hour;
		int64_t merges_into_profile_today;
		bool backfill; /* rule 24 does not ask */
		/*
		 * A person approved in spite of these: the reasons of the
		 * review. They waive stage 4 and let apply = review pass,
		 * nothing of stages 1 to 3 (email_not_verified is rule 22
		 * here, never rule 10). external_id_not_pinned: the approval
		 * names the pin, whatever the evidence. Whoever sets this
		 * checks that profile_id is still the one approved.
		 */
		reason_set waived;
	} history;
};
void facts_init(struct facts *f);
void facts_release(struct facts *f);
/* Adds a copy unless a profile with this id is there already. */
void facts_add_profile(struct facts *f, const struct zd_user *u);
/* The user a decision means, the displaced one too; *borrowed*, or NULL. */
const struct zd_user *facts_profile(const struct facts *f, uint64_t id);

enum step {
	STEP_RELEASE,
	STEP_MERGE,
	STEP_ADOPT,
	STEP_COMPLETE_NAME,
	STEP_READ_BACK,
	STEP_PIN,
	STEP_VERIFY,
	STEP_COUNT
};
const char *step_name(enum step s); /* "merge", "read_back", ... */

struct decision {
	enum action action;
	enum reason reason;
	reason_set reasons; /* all of stage 4 that matched, else reason alone */
	int rule;	    /* 1..24, 0 in stage 5 */
	enum evidence evidence;
	char address[ADDRESS_SIZE]; /* "" if none */
	/* 0 when no profile is meant: adopt, and rules 1-4 and 7-10. With
	 * several owners the one a merge would go to. */
	uint64_t profile_id;
	bool displaced;		 /* the profile is the displaced one */
	bool external_ids_equal; /* both there and equal */
	bool applied; /* merge or adopt, and apply is auto: it will be done */
	/* The messaging user stays and gets its name: in an adopt that is
	 * applied, or (apply = auto) with already_linked, email_not_verified
	 * and no_email, on a wait once that has ended in nothing. Only an
	 * adopt lists it as a step. */
	bool complete_name;
	bool verified; /* adopt: the address may be marked verified */
	/* What action, or the action behind a review or an observation, takes;
	 * in order. release is never planned ahead. */
	enum action intended; /* merge, adopt or none */
	enum step steps[STEP_COUNT];
	size_t step_count;
};

void policy_decide(const struct facts *f, const struct policy_rules *r,
		   struct decision *out);

/*
 * Under which settings of email_identities (a bit each) the conversation would
 * have ended at the right profile without a person, if everything else of r
 * stayed, apply were auto and the breaker closed: because reunite merges,
 * adopts or finds it linked, or because Zendesk links it by itself.
 *
 * The facts were observed under r->email_identities, so that setting's bit is
 * the policy's own answer. All three treat logins alike: so is theirs. A typed
 * address is what they differ about: a looser setting than today's would have
 * found its owner, or given it to the new user; a stricter one would have left
 * it out, so that what is linked today would not be.
 * Limits: who holds the address, and how it is verified, is as read today,
 * after whatever today's setting did; an account that had the other setting for
 * long would have other profiles.
 */
#define EMAILS_COUNT  (EMAILS_CLAIM_VERIFIED + 1)
#define LINKED_BIT(s) (1U << (s))
unsigned policy_linked_under(const struct facts *f,
			     const struct policy_rules *r);

/* The evidence of a SunCo user, and the address it speaks of ("" if none;
 * also when there are several different ones). */
enum evidence policy_evidence(const struct sunco_user *u,
			      char address[ADDRESS_SIZE]);
bool policy_address_ambiguous(const struct sunco_user *u);
/* The person's external id, borrowed from f; NULL if none. */
const char *policy_external_id(const struct facts *f);
/* Is u (a search hit) an owner? u needs its identities. */
bool policy_is_owner(const struct facts *f, const struct zd_user *u);
/* The messaging user holds the address / the external id itself, so that no
 * search for other owners is needed. */
bool policy_holds_address(const struct facts *f);
bool policy_holds_external_id(const struct facts *f);
/* "Web User 65f...", "Visitor 123": a name that Zendesk made up. NULL, too. */
bool policy_name_generated(const char *name);
/* An approval can make a difference: rule 7 leaves nothing to approve. */
bool policy_approvable(reason_set s);
/* What doing it ended in, then reasons in the order of the rules; returns how
 * many were written. */
size_t reason_set_list(reason_set s, enum reason out[REASON_COUNT]);
/* What Zendesk does by itself in this situation, one sentence, static. */
const char *policy_zendesk_does(const struct facts *f,
				const struct policy_rules *r);

/*
 * `explain --facts`: one JSON object with the keys account, sunco_user,
 * messaging_user, profiles, displaced, history. Left-out keys take their
 * defaults, unknown ones and wrong types are RESULT_INVALID. f and r are raw;
 * on success the caller releases f, and r->deny_emails borrows from it.
 * history also takes "backfill" and "waived" (codes of reasons).
 */
struct json_t;
MUST_CHECK enum result facts_decode(const struct json_t *v, struct facts *f,
				    struct policy_rules *r, struct error *err);
/* The answer of `explain --facts --json`: *new*. */
struct json_t *decision_encode(const struct decision *d, const char *zendesk);
/* The names of its steps, in order: *new*. */
struct json_t *decision_encode_steps(const struct decision *d);

#endif
