/*
 * Tells agents: writes the notes of the store's outbox on their tickets, one
 * at a time per account, and never the same one twice.
 *
 * It is nobody's condition: a note that fails is tried again later, a bounded
 * time, and no merge waits for it. A paused account is left alone, and so is
 * one whose ticket_note is off.
 *
 * Owned by the loop thread.
 */
#ifndef REUNITE_APP_TELLER_H
#define REUNITE_APP_TELLER_H

#include "api/api_client.h"
#include "app/config.h"
#include "app/storeq.h"

/* Between two notes of an account: Zendesk takes 100 updates of tickets a
 * minute, and the account's other integrations want some of them. */
#define TELLER_GAP_MS 2000
/* Of a claim: every request of one note, each as slow as can be. */
#define TELLER_LEASE_MS (5 * 60 * 1000)
/* A request whose answer was lost may still be at work so long. */
#define TELLER_SETTLE_MS 10000

struct teller;
struct teller *teller_new(struct loop *loop, struct storeq *q);
/* Drops what is under way, as a crash would. NULL is allowed. */
void teller_free(struct teller *t);
/* api and config: borrowed until replaced or removed. */
void teller_set_account(struct teller *t, const struct account_config *config,
			struct api_client *api);
void teller_stop_account(struct teller *t, const char *account);
/* A note became due. NULL: perhaps one of any account. */
void teller_wake(struct teller *t, const char *account);
/* Begins no more notes; done once none is under way. */
void teller_drain(struct teller *t, loop_fn *done, void *arg);

#endif
