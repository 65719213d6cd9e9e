/*
 * What an agent reads about a decision: an internal note and a tag on the
 * ticket. Pure; one table of situations.
 *
 * A note says who the customer is, how sure that is, what was or would be
 * linked and why, what can be done, and the journal's number. It holds no
 * address and no name: who may see a profile follows its link.
 */
#ifndef REUNITE_CORE_TICKET_NOTE_H
#define REUNITE_CORE_TICKET_NOTE_H

#include "base/buf.h"
#include "core/journal.h"

/* The setting ticket_note; each tells what the one before tells, and more. */
enum ticket_note {
	NOTE_OFF,
	NOTE_MERGED, /* merges and adopts that were carried out */
	NOTE_REVIEW, /* what waits for a person, and a person's no */
	NOTE_ALL,    /* what was refused, is unproven, or failed for good */
};

#define TICKET_NOTE_MAX_BYTES  4096
#define TICKET_NOTE_TAGS       3
#define TICKET_NOTE_MARK_BYTES 48
/* A note waits so long for its ticket: a conversation may be long before it is
 * handed off. And so long after its decision it is told at the latest. */
#define TICKET_NOTE_WAIT_MS (INT64_C(24) * 3600 * 1000)
#define TICKET_NOTE_LATE_MS (2 * TICKET_NOTE_WAIT_MS)

/* Is the entry, as it ended, told at this level? What is not done counts as
 * given up: the caller knows whether it goes on. */
bool ticket_note_tells(enum ticket_note level, const struct journal_entry *e);

/* Is the ticket of this requester theirs whom the entry is about? After a
 * merge it is the survivor's. */
bool ticket_note_is_theirs(const struct journal_entry *e, uint64_t requester);

/* The note's text; review_id: the open review, or 0. zendesk_url: of the
 * account, no slash at the end. Nothing for what is never told. */
void ticket_note_write(const struct journal_entry *e, const char *zendesk_url,
		       int64_t review_id, struct buf *out);
/* A part of the text that no other note has: of no other entry, nor of the
 * same one when it is given up, and done after all. */
void ticket_note_mark(const struct journal_entry *e,
		      char out[TICKET_NOTE_MARK_BYTES]);

/* The tag that says how it stands; NULL for what is never told. */
const char *ticket_note_tag(const struct journal_entry *e);
/* All tags there are, in a fixed order. */
const char *const *ticket_note_tags(void);

#endif
