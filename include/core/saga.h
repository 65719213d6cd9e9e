/*
 * Doing it: one change to Zendesk that cannot be undone, as a saga.
 *
 * Every step is stored before it is sent and looked up where its answer was
 * lost; nothing is blindly repeated, nothing assumed.
 *
 *	        not applied for certain ┌─────────────────> FAILED (decide anew)
 *	INTENT ─stored─> MERGE ─200───> │ BACK ─moved─> AFTER ─stored─> PIN ─┐
 *	   │              ^ │ lost, or  │  ^ │ not yet:   ^ │             VERIFY
 *	   │              │ │ refused   │  │ │ sleeps,    │ │             SYNC
 *	   │              │ v           │  │ │ reads      │ └─ none left  ─┤
 *	   │              │ LOST ─stored─> LOOK again      │    DONE      │
 *	   │              │ ^              │ │ └ refused ─> REFUSED        │
 *	   │              │ │              │ because of    └──────────────┘
 *	   │              │ │              v external ids
 *	   │              └─200─ RELEASE <─stored─ RELEASING
 *	   ├──stored──> ADOPT ─201─> NAME ─> BACK    ADOPT ─422 taken─> TAKEN
 *	   └──stored──> NAME ─> DONE
 *
 * Some accounts refuse to merge a user who has an external id. Where it is
 * allowed (saga_allows), and the profile has none, RELEASE takes the messaging
 * user's away and the merge is sent once more. From RELEASING on every end but
 * success goes by way of PUT_BACK, which gives it back; if it cannot, a remark
 * says so.
 *
 * AFTER: what follows a merge, one step after the other, each stored first:
 * the pin, the address marked verified, SunCo told. A step that is refused is
 * a remark, no failure.
 *
 * BACK stores that Zendesk said yes before it waits for the conversation: a
 * later life that finds the messaging user gone could not know by whom.
 *
 * No answer to a read or to a step that may be repeated: PARKED, the job keeps
 * the saga and looks again later. A saga found in a job's progress starts in
 * LOOK, or in BACK when Zendesk had said that the merge is done: what a former
 * life did is read from Zendesk, never repeated. An intent whose storing took
 * so long that the facts grew old is FAILED, nothing was sent. One whose
 * storing failed may be stored all the same: it is PARKED, too, and the next
 * run finds in the job whether there is an entry to go on with.
 *
 * Invariants (saga_check): 1. a journal entry is open (journal_id != 0) in
 * every state but IDLE, INTENT, FAILED and PARKED. 2. a merge names two different
 * users. 3. PIN has an external id, and BACK has seen the profile without one.
 * 4. what was released is known (held_id), and is with the messaging user
 * again, or a remark says why not, in FAILED and REFUSED.
 */
#ifndef REUNITE_CORE_SAGA_H
#define REUNITE_CORE_SAGA_H

#include <stdbool.h>
#include <stdint.h>

#include "core/command.h"
#include "core/policy.h"

#define SAGA_SETTLE_MS 10000 /* a lost request may still be at work so long */
#define SAGA_LOOKS_MAX 6

enum saga_state {
	SAGA_IDLE,
	SAGA_INTENT,
	SAGA_MERGE,
	SAGA_ADOPT,
	SAGA_NAME,
	SAGA_LOST, /* storing that the answer was lost */
	SAGA_LOOK,
	SAGA_BACK,
	SAGA_RELEASING, /* storing that the external id will be taken away */
	SAGA_RELEASE,
	SAGA_PUT_BACK,
	SAGA_AFTER, /* storing which step comes next */
	SAGA_PIN,
	SAGA_VERIFY,
	SAGA_SYNC,
	SAGA_DONE,
	SAGA_FAILED,  /* nothing was changed, or not by us: decide anew */
	SAGA_REFUSED, /* Zendesk refuses: a person has to look */
	SAGA_TAKEN,   /* adopt: somebody else has the address */
	SAGA_PARKED,  /* cannot look now; resume later */
};
const char *saga_state_name(enum saga_state s);

struct saga {
	enum saga_state state;
	enum action action; /* merge, adopt; none: the name only */
	uint64_t from;	    /* the messaging user */
	uint64_t into;	    /* the profile; adopt: 0 */
	int64_t journal_id;
	int64_t fresh_until_ms; /* what it rests on is too old to send then */
	/* when the answer was lost; 0: not yet, or in a former life, whose
	 * end is not known: then it counts from when it is resumed */
	int64_t lost_ms;
	int looks;    /* in a row, in LOOK, BACK or PIN */
	int id_taken; /* answers that the external id is somebody else's: of
			 this run and of those before */
	bool resumed;
	bool merged;	 /* Zendesk said so, or was seen to have done it */
	bool merge_kept; /* that is stored */
	bool refused;	 /* it said no; LOOK finds out whether that is true */
	bool ids_equal;	 /* the external ids were equal: pin on any evidence */
	bool by_external_id; /* it said no because of external ids */
	bool may_release;
	bool released;	      /* from the moment that it may have been sent */
	enum saga_state then; /* PUT_BACK: the end that it leads to */
	bool wants_pin;
	bool pin_named; /* by an approval: it does not rest on the evidence */
	bool wants_verify;
	bool wants_sync;
	bool wants_name;
	bool verified;	    /* adopt: the address is vouched for */
	uint64_t verify_id; /* the profile's identity to be marked */
	char sunco_id[SUNCO_ID_SIZE];
	char address[ADDRESS_SIZE];
	char external_id[256]; /* to pin; "" none */
	char held_id[256];     /* the messaging user's own; "" none */
	char name[256];	       /* to give; "" none */
	reason_set remarks;    /* identity_not_moved, ... */
	enum result why;       /* FAILED, REFUSED */
	const char *note;      /* FAILED: why, static; or NULL */
	int64_t told_ms;
};

/* What the account's settings, or an approval, let it do. */
struct saga_allows {
	bool release; /* the messaging user's external id, if need be */
	bool sync;    /* tell SunCo about the merge */
};

void saga_init(struct saga *s);
/* From a decision that is to be applied: state INTENT, one command. */
void saga_begin(struct saga *s, const struct decision *d, const struct facts *f,
		struct saga_allows may, int64_t fresh_until_ms,
		struct commands *out);
/* From a job's progress: state LOOK or BACK. u: the SunCo user as it is now;
 * NULL: gone. */
void saga_resume(struct saga *s, const struct sunco_user *u, int64_t now_ms,
		 struct commands *out);
/* Before it is resumed: apply = observe by now. It finds out what became of
 * it and gives back what it took away; nothing else is done. */
void saga_only_watch(struct saga *s);
/* An answer to one of its commands. */
void saga_step(struct saga *s, const struct answer *a, struct commands *out);
bool saga_ended(const struct saga *s);
void saga_check(const struct saga *s); /* aborts when an invariant breaks */

/* As stored in a job's progress: *new*; and back (false: none, or rubbish).
 * The journal id is not known yet when an intent is stored: it is the job
 * row's, and saga_decode() leaves it 0. */
struct json_t;
struct json_t *saga_encode(const struct saga *s);
bool saga_decode(const struct json_t *v, struct saga *s);

#endif
