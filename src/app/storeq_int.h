/*
 * The two threads of the store, and what they share with the loop. Inside app
 * only; see storeq.c.
 */
#ifndef REUNITE_APP_STOREQ_INT_H
#define REUNITE_APP_STOREQ_INT_H

#include <pthread.h>

#include "app/storeq.h"
#include "base/log.h"
#include "core/commit_delay.h"

struct item {
	struct item *next;
	struct store_op *op;
	storeq_done *done;
	void *arg;
	int64_t since_us; /* monotonic */
};

struct item_list {
	struct item *head;
	struct item *tail;
	size_t count;
};

/* What calls on the loop carry; see invariant 2. */
struct mailbox {
	struct storeq *q; /* NULL: the queue is gone */
	bool posted;	  /* under the lock */
	bool turning;	  /* a call at the end of this turn; the loop's own */
};

/* One thread with its store and its queue. */
struct side {
	struct storeq *q;
	struct store *store;
	struct item_list queue;
	int64_t busy_since_ms; /* of the oldest op in hand; 0: idle */
	int64_t call_since_ms; /* the store has been at one call; 0: it is not */
	bool ready;	       /* what is queued may go */
	bool hurries;	       /* more than events waits, perhaps */
	bool moves_log;	       /* not later than now */
	int64_t hold_until_us; /* more is expected; 0: it is not */
	size_t hold_count;     /* all that can be expected */
	struct commit_delay delay;
	pthread_cond_t wake;
	pthread_t thread;
	struct log_throttle throttle;
	size_t batch_max; /* for now; the thread's own */
	bool writes;	  /* the writer's side */
	bool checkpoints; /* the reader's side, or the only one */
};

#define SAMPLES_MAX 64

/* One transaction, for the metrics. */
struct sample {
	double seconds;
	size_t count;
};

struct storeq {
	struct loop *loop;
	pthread_t loop_thread;
	struct mailbox *mailbox;
	struct side writer;
	struct side reader;
	bool has_reader;
	pthread_mutex_t lock;
	pthread_cond_t idle; /* something has finished */
	struct item_list finished;
	struct sample samples[SAMPLES_MAX];
	size_t sample_count;
	bool failed;   /* the writer's last transaction */
	bool draining; /* the loop does not turn any more */
	bool closing;
	bool changed;
	bool unclean;	      /* the log holds what was erased */
	int64_t log_bytes;    /* as of the last transaction */
	int64_t log_moved;    /* of them, as of the last checkpoint */
	int64_t log_was_left; /* as of the reader's move before */
	int log_moves;	      /* by the reader, one after the other */
	struct error trouble; /* of the writer, while it fails */
	void (*on_change)(void *arg);
	void *on_change_arg;
};

/* Under the lock: what is only in the log still. */
static inline int64_t log_left(const struct storeq *q)
{
	return q->log_bytes > q->log_moved ? q->log_bytes - q->log_moved : 0;
}

static inline void item_list_push(struct item_list *l, struct item *it)
{
	it->next = NULL;
	if (l->tail != NULL)
		l->tail->next = it;
	else
		l->head = it;
	l->tail = it;
	l->count++;
}

static inline struct item *item_list_pop(struct item_list *l)
{
	struct item *it = l->head;

	if (it == NULL)
		return NULL;
	l->head = it->next;
	if (l->head == NULL)
		l->tail = NULL;
	l->count--;
	return it;
}

/* Under the lock: what has finished is delivered soon. */
void storeq_post(struct storeq *q);

/* storeq_side.c: starts the thread, which takes the store; ends it, when
 * q->closing says so. */
void side_start(struct storeq *q, struct side *s, struct store *store);
void side_stop(struct side *s);

#endif
