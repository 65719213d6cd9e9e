/*
 * Shared by teller.c (which note is next, and an account's life) and
 * teller_note.c (one note, from its claim to its end).
 */
#ifndef REUNITE_APP_TELLER_INT_H
#define REUNITE_APP_TELLER_INT_H

#include "api/zendesk.h"
#include "app/lease.h"
#include "app/teller.h"

/* The diagram is in teller_note.c. */
enum telling { IDLE, CLAIM, LOOK, ASK, TAG, UNTAG, NOTE, DONE };

struct teller_account {
	struct teller *t;
	char name[ACCOUNT_SIZE];
	const struct account_config *config; /* NULL: stopped */
	struct api_client *api;
	enum telling state;
	struct store_op claim; /* its note is the one that is told */
	struct store_op end;
	bool storing;
	struct zendesk_op *call;
	struct loop_timer *timer;
	bool dirty;	       /* woken while at work */
	bool token_done;       /* a new token has been asked for */
	int64_t next_ms;       /* when the next is due, as the claim said */
	int64_t not_before_ms; /* monotonic */
	int64_t claimed_ms;    /* loop_boot_ms() when the note was asked for */
};

struct teller {
	struct loop *loop;
	struct storeq *q;
	struct teller_account **accounts;
	size_t account_count;
	bool draining;
	bool freed; /* the store still holds an op */
	loop_fn *drained;
	void *drained_arg;
};

/* The claimed one. */
static inline const struct store_note *
teller_note_of(const struct teller_account *a)
{
	return &a->claim.u.note_claim.note;
}

/* Until when a request about it may be sent: what it leaves behind is over
 * before the lease is. See lease.h. */
static inline int64_t teller_send_by_ms(const struct teller_account *a)
{
	return a->claimed_ms + TELLER_LEASE_MS - RUN_REQUEST_MS - RUN_MARGIN_MS;
}

/* teller_note.c: tells the claimed note, or finds why not; ends in
 * teller_rest(), or in teller_release() after teller_free(). */
void teller_tell(struct teller_account *a);
/* As it was; the lease would hold it up for others. */
void teller_give_back(struct teller_account *a);
/* Its end once more, which the store did not take. */
void teller_submit_end(struct teller_account *a);

/* teller.c: nothing is under way; the next one when it is due. */
void teller_rest(struct teller_account *a);
/* Frees it all once the store holds no operation of ours. */
void teller_release(struct teller *t);

#endif
