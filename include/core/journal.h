/*
 * One decision record: what, why, of whom, how it ended.
 */
#ifndef REUNITE_CORE_JOURNAL_H
#define REUNITE_CORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/policy.h"

#define ACCOUNT_SIZE 64 /* 63 characters of [A-Za-z0-9_-] and the NUL */

enum journal_status {
	JOURNAL_DONE,
	JOURNAL_PENDING,   /* a saga is under way */
	JOURNAL_UNCERTAIN, /* an answer was lost; being looked up */
	JOURNAL_FAILED,
};
const char *journal_status_name(enum journal_status s);
bool journal_status_parse(const char *s, enum journal_status *out);

/*
 * What the account's own agents did about the person after the decision, told
 * by Zendesk's events or by what a later run found. A merge of ours is none.
 */
enum hindsight {
	HINDSIGHT_NONE,	  /* nothing, as far as is known */
	HINDSIGHT_AGREED, /* merged the two that the decision names */
	HINDSIGHT_OTHER,  /* merged the person with somebody else */
	HINDSIGHT_MISSED, /* merged the person; the decision names nobody */
	HINDSIGHT_LOGIN,  /* logged in as somebody else: Zendesk joined them */
	HINDSIGHT_COUNT
};
const char *hindsight_name(enum hindsight o); /* "" for none */
bool hindsight_parse(const char *s, enum hindsight *out);

/* A status, and since when. */
struct journal_change {
	int64_t at_ms;
	enum journal_status status;
};

/* How the note of a rejection begins that undoes a link; then its entry. */
#define JOURNAL_UNDONE "rejected after entry "

struct journal_entry {
	int64_t id; /* 0 until the store gave one */
	int64_t at_ms;
	char account[ACCOUNT_SIZE];
	enum action action;
	enum reason reason;
	reason_set reasons;
	bool applied;
	enum journal_status status;
	enum evidence evidence;
	uint64_t messaging_user_id;
	uint64_t profile_id;
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t ticket_id;
	enum event_source source;
	int64_t job_id;
	int64_t review_id; /* that it opened, decided or carried out; 0 */
	int api_calls;
	unsigned linked; /* LINKED_BIT of each setting; see policy.h */
	enum hindsight outcome;
	int64_t outcome_ms;    /* when it became known */
	uint64_t outcome_user; /* with whom the agents merged the person */
	char *note;	       /* *owned*: outcome in words, no personal data */
	char *decided_by;      /* *owned*: who approved or rejected, or NULL */
	char *before_image;    /* *owned* JSON: both users; personal data */
	/* *owned*: every status it had, the first one first; an entry that is
	 * read by its id has at least one, others have none */
	struct journal_change *changes;
	size_t change_count;
};
void journal_entry_init(struct journal_entry *e);
void journal_entry_release(struct journal_entry *e);
/* Frees what it owns; the rest stays. */
void journal_entry_forget_texts(struct journal_entry *e);
/* dst is raw. */
void journal_entry_copy(struct journal_entry *dst,
			const struct journal_entry *src);
void journal_entry_changed(struct journal_entry *e,
			   const struct journal_change *c);
/* The decision has the two made one, by us or by a person whom it asks. */
bool journal_entry_names(const struct journal_entry *e, uint64_t user);
/* What it means for the newest decision about a messaging user that somebody
 * merged that user with this one. HINDSIGHT_NONE: nothing; the merge is ours, or
 * of a profile that its conversations had reached before. */
enum hindsight journal_hindsight(const struct journal_entry *e, uint64_t with);
/* The line of `journal list --json`: *new*. The before-image only when
 * personal is true; with its changes, if they are known. */
struct json_t *journal_entry_encode(const struct journal_entry *e,
				    bool personal);

#endif
