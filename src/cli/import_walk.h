/*
 * Private to `reunite import`: the walk through the file.
 *
 *	   +---------------------- window is over: kept <----------------+
 *	   v                                                            |
 *	READ --rows--> HOLDERS --> OWNERS --dry run---------------------+
 *	   |                         |  apply                            |
 *	   | no more                 +--> REREAD --> SEND --> VERIFY ----+
 *	   v                                                   ^   | not yet
 *	  end                                                  +---+
 *
 * A window is so many rows; each state asks Zendesk about those rows that are
 * still open, in spans of as many as fit into one request:
 *
 *	HOLDERS	who has the external ids already (show_many: no lag)
 *	OWNERS	who has the addresses (search: it lags, and who is not found is
 *		reported, nothing worse); import_decide() decides
 *	REREAD	the users who would get one, with their identities, right
 *		before it is done: decided again
 *	SEND	update_many by user id, which can create nobody; its job is
 *		followed to its end. It may have had to wait: the users are
 *		looked at once more right before it is sent
 *	VERIFY	the users as they are now: only that says what was done
 *
 * A span that got no answer is asked again, one that was refused is cut in two
 * until it is clear whose row is to blame. Between REREAD and the job somebody
 * else may give the user another external id: Zendesk has no condition for an
 * update of a user, so the job would replace it. The last look keeps that to
 * seconds; users whom a merge of ours holds are left to it, and merges leave
 * ours alone (import_lock.h).
 */
#ifndef REUNITE_CLI_IMPORT_WALK_H
#define REUNITE_CLI_IMPORT_WALK_H

#include "api/zendesk_many.h"
#include "app/engine.h"
#include "cli/cli.h"
#include "import_lock.h"
#include "import_report.h"
#include "progress.h"

#define IMPORT_WINDOW  500
#define IMPORT_NOTE    65
#define IMPORT_ODD_MAX 10

enum import_phase {
	IMPORT_HOLDERS,
	IMPORT_OWNERS,
	IMPORT_REREAD,
	IMPORT_SEND,
	IMPORT_VERIFY,
	IMPORT_PHASES
};
/* A row of the window. */
struct import_item {
	struct import_row row;
	bool open; /* the phase, or a later one, has to ask about it */
	uint64_t holder;
	char note[IMPORT_NOTE];
	bool duplicate; /* its job said so */
};

struct import_walk;
/* Some of the window's rows, in one request. */
struct import_span {
	struct import_walk *walk;
	struct import_span *next;
	enum { SPAN_WAITING, SPAN_OPEN, SPAN_DONE } state;
	size_t items[ZENDESK_MANY_MAX]; /* of the window */
	size_t count;
	struct zendesk_op *op;	  /* or NULL */
	struct loop_timer *timer; /* SEND: until the next look at the job */
	char job[ZENDESK_JOB_ID_SIZE];
	int64_t sent_ms;
	int looks;
	int failures; /* jobs of it that failed as a whole */
	bool alone;   /* a search of many did not find the one it is */
};

struct import_walk {
	struct cli *cli;
	const struct account_config *account;
	struct loop *loop;
	struct engine *engine;
	struct import_file file;
	struct import_report report;
	struct import_rules rules;
	struct import_lock lock;
	struct progress progress;
	bool apply;
	/* the window */
	struct import_item items[IMPORT_WINDOW];
	size_t count;
	bool asked; /* about any of them: worth keeping */
	struct import_place behind;
	enum import_phase phase;
	void (*ask)(struct import_span *s); /* the phase's */
	struct import_span *spans;
	int open;   /* spans */
	int rounds; /* of VERIFY */
	/* of all windows */
	size_t terms; /* so many in one search are known to be alternatives */
	bool one_by_one;		       /* they are not */
	struct import_row odd[IMPORT_ODD_MAX]; /* the first to look at */
	size_t odd_count;
	struct twin_table users; /* who gets which external id */
	struct loop_timer *again, *reverify, *tick;
	struct loop_signal *signals[2];
	int failures; /* in a row */
	bool waiting; /* for another try */
	const char *why;
	bool stepping; /* the next phase is about to begin */
	bool over;
	int exit_code;
};

/* From where the report ends to the end of the file; the exit code. */
int import_walk_run(struct import_walk *w);

/* import_walk.c: all of the phase's spans are done. */
void import_phase_done(struct import_walk *w);

/* import_span.c */
struct api_client *import_api(const struct import_walk *w);
void import_stop(struct import_walk *w, int exit_code);
void import_give_up(struct import_walk *w, enum result why, const char *error);
void import_item_end(struct import_item *i, enum import_outcome o,
		     const char *note);
/* Empty, behind the others. */
struct import_span *import_span_new(struct import_walk *w);
struct import_item *import_span_item(const struct import_span *s, size_t i);
/* One row, which a search for many did not find. */
void import_span_add_one(struct import_walk *w, size_t item);
void import_spans_free(struct import_walk *w); /* cancels what is open */
/* The span's request is answered. Done; or again, after a while. */
void import_span_done(struct import_span *s);
void import_span_again(struct import_span *s, const struct api_result *r);
/* Whatever r, not OK, calls for: again, cut in two, over, or all is over. */
void import_span_failed(struct import_span *s, const struct api_result *r);
/* Sends what there is room for; when all are done the phase is. */
void import_pump(struct import_walk *w);
void import_on_again(void *walk);

/* import_ask.c: sends the span's request; s->op is set. */
void import_ask_holders(struct import_span *s);
void import_ask_owners(struct import_span *s);
/* import_apply.c */
void import_ask_reread(struct import_span *s);
void import_ask_send(struct import_span *s);
void import_ask_verify(struct import_span *s);

#endif
