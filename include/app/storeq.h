/*
 * The store, without waiting: a writer thread that takes all waiting
 * operations into one transaction, a reader thread for lists and
 * checkpoints, completions back on the loop.
 *
 * done() runs on the loop thread, exactly once, never from inside the call
 * that submitted. The op belongs to the caller again in done(); between, it
 * must stay where it is.
 */
#ifndef REUNITE_APP_STOREQ_H
#define REUNITE_APP_STOREQ_H

#include "net/loop.h"
#include "store/store.h"

struct storeq;
typedef void storeq_done(struct store_op *op, void *arg);

/* Takes both stores; reader may be NULL (then the writer does all). */
struct storeq *storeq_new(struct loop *loop, struct store *writer,
			  struct store *reader);
/* Runs what is queued and what done() submits meanwhile, delivers every
 * completion, joins the threads, closes the stores. Not from inside done(). */
void storeq_free(struct storeq *q);
/* From any thread; completions always come on the loop's. */
void storeq_submit(struct storeq *q, struct store_op *op, storeq_done *done,
		   void *arg);
/* True while the writer is so far behind (age or length of its queue, or the
 * last transaction failed) that intake should answer 503. */
bool storeq_behind(const struct storeq *q);
/* How long the writer has been at one call of the store; 0: it is not. */
int64_t storeq_call_ms(const struct storeq *q);
/* See store_leave(). */
void storeq_leave(struct storeq *q);
/* Called on the loop when another process wrote to the store. */
void storeq_on_change(struct storeq *q, void (*fn)(void *arg), void *arg);
/* True while the writer's last transaction failed; *out says how. */
bool storeq_trouble(const struct storeq *q, struct error *out);
/* What is only in the store's log yet, in bytes. */
int64_t storeq_log_bytes(const struct storeq *q);
const uint8_t *storeq_key(const struct storeq *q);

#endif
