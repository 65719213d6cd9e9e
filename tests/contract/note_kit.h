/*
 * The cases about notes: what a run leaves for the ticket's agent, and how it
 * is claimed.
 */
#ifndef REUNITE_TESTS_NOTE_KIT_H
#define REUNITE_TESTS_NOTE_KIT_H

#include "contract.h"

#define NOTE_LEASE (5 * MINUTE)

/* What a run ends in. */
struct note_end {
	enum job_state state;
	enum action action;
	enum reason reason;
	bool applied;
	uint64_t ticket;
};
extern const struct note_end note_merged, note_refused, note_asked;

/* Of job, about user 11 and profile 12, to be told; claims that must or must
 * not find something; ends as the teller says them. */
struct note_end note_with_ticket(struct note_end e, uint64_t ticket);
struct store_settle note_end_job(struct ct *c, struct job *job,
				 const struct note_end *end);
struct store_settle note_run_to(struct ct *c, const char *who,
				struct note_end end);
void note_claim_op(struct ct *c, struct store_op *op);
struct store_note_claim note_claim(struct ct *c);
struct store_note note_due(struct ct *c);
void note_none_due(struct ct *c);
void note_done_op(const struct ct *c, struct store_op *op,
		  const struct store_note *n, const char *outcome);
void note_told(struct ct *c, const struct store_note *n);
struct store_note note_tell_next(struct ct *c);

#endif
