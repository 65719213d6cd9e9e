/*
 * How an admin puts a wrong decision right by hand: from a journal entry and
 * its before-image to an ordered list of steps.
 *
 * Pure: nothing is asked and nothing is changed. What only the run of the
 * plan can know (ids of a new user, of an identity that moved) is a variable
 * that an earlier step sets. The order matters: addresses and external ids
 * are unique, so the profile gives back before the other user takes.
 *
 * Invariants: a variable is set by a step before the first that names it. A
 * body with variables holds nothing but ids. Without `personal` no step holds
 * a personal value: "<what it is>" stands in its place.
 */
#ifndef REUNITE_CORE_RESTORE_H
#define REUNITE_CORE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "core/journal.h"

struct json_t;

#define RESTORE_SCRIPT_MAX (4 << 20) /* bytes */

enum restore_verdict {
	RESTORE_NOTHING, /* the entry changed nothing: no steps */
	RESTORE_STEPS,	 /* the steps put back what can be put back */
	RESTORE_UNSURE, /* the same, once somebody looked whether it happened */
	RESTORE_PARTIAL, /* the before-image is gone: what is still known */
};
const char *restore_verdict_name(enum restore_verdict v); /* "nothing", .. */

enum restore_kind {
	RESTORE_COMMAND, /* of reunite */
	RESTORE_LOOK,	 /* a GET to be read by a person */
	RESTORE_READ,	 /* a GET that sets a variable */
	RESTORE_CHANGE,	 /* a call that changes something */
	RESTORE_CANNOT,	 /* no call: what stays as it is, and what to do */
};
const char *restore_kind_name(enum restore_kind k); /* "command", "look", .. */

struct restore_step {
	enum restore_kind kind;
	bool optional; /* left to the admin's judgement: not run by a script */
	char *why;     /* a sentence; no personal data */
	char *command; /* RESTORE_COMMAND: behind "reunite " */
	const char *method;  /* static */
	char *path;	     /* "$NAME" is a variable */
	struct json_t *body; /* or NULL */
	bool variables;	     /* strings "$NAME" in the body are variables */
	char *sets;	     /* the variable that the answer gives, or NULL */
	char *pick;	     /* how: a jq filter; nothing found: empty */
	char *only_if;	     /* a variable that must not be empty, or NULL */
	char *each;  /* a variable with ids in it: once for each, as $ID */
	char *check; /* what to see afterwards, or NULL */
};

struct restore_plan {
	enum restore_verdict verdict;
	bool personal;
	int64_t journal_id;
	char account[ACCOUNT_SIZE];
	char *summary; /* what happened, and what the plan does about it */
	struct restore_step *steps;
	size_t count;
};

/* out is raw. */
void restore_plan_make(const struct journal_entry *e, bool personal,
		       struct restore_plan *out);
void restore_plan_release(struct restore_plan *p);

/* The keyed hash of the external id that the before-image names, for `journal
 * reject`: zeros when it names none. */
struct crypto_hmac;
void restore_person_hash(const struct journal_entry *e,
			 struct crypto_hmac *hmac, uint8_t out[16]);

/* One line of `journal restore-plan --json`: *new*. number counts from 1. */
struct json_t *restore_step_encode(const struct restore_step *s, size_t number);
/* The whole plan as one object: *new*. */
struct json_t *restore_plan_encode(const struct restore_plan *p);
/* A commented POSIX shell script (curl and jq). Every value is quoted; no
 * secret is in it. zendesk_url: "https://acme.zendesk.com". */
void restore_plan_script(const struct restore_plan *p, const char *zendesk_url,
			 struct buf *out);

#endif
