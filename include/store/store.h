/*
 * The durable store: one front, two backends behind an ops table.
 *
 * Work is data: a caller fills a store_op and store_run() executes an array
 * of them in one transaction (group commit). When it returns, every op's
 * result is final and every RESULT_OK of a write is committed and synced.
 * If the transaction fails, the operations are replayed one by one, so that
 * only the culprit fails. Blocking: the daemon calls it from the store
 * thread (app/storeq.h), commands call it directly.
 *
 * Ownership: inputs are borrowed until the call returns (strings included);
 * outputs are owned by the op and freed by store_op_release().
 *
 * Threads: one struct store belongs to one thread at a time.
 *
 * Rules every backend keeps, and tests/contract checks:
 * - events: a key is unique per account; a duplicate changes nothing.
 * - jobs: one row per (account, person); a new event increments gen and makes
 *   a waiting, done or dead job ready; while it runs, only gen moves, and the
 *   settle then leaves it ready.
 * - one of many late events that is far older than the last look at its
 *   person, and older than what its source has told of the person before,
 *   wakes nobody; what it says of merges, removals and addresses counts.
 * - every write of a job carries its lease token; a wrong or expired-and-
 *   taken-over token is RESULT_CONFLICT and changes nothing; where many leases
 *   are made longer, it says so of each.
 * - locks: an intent takes both users in ascending order or none; they go
 *   with the settle, and a longer lease holds them longer.
 * - one open review per profile (profile 0: per messaging user). Its own
 *   job's settle closes it unless it says review, ready or dead (a failure
 *   decides nothing). Jobs attached to it are woken when it is rejected or
 *   closed, and when it was approved, once its own job is through: they are
 *   other pairs and see what came of this one. When it expires, they are done
 *   like its own. A job that asks again what it asked in its open review (the
 *   same facts hash, reasons and address) adds no entry to the journal and
 *   leaves the review; what changed is a new review, on which those attached
 *   rest from then on: an approval is for what was shown.
 * - every decision of a person, and a review that expires, is an entry of the
 *   journal. A rejection (SunCo user, profile, address) goes on with the
 *   SunCo user's and the profile's survivors.
 * - a SunCo user that is merged into another one: its job, with its hints
 *   where the survivor's lacks them, goes into the survivor's, which wakes and
 *   has the later deadline; a busy job only when it ends. Its open reviews
 *   close, an approval of it is void, no link or question of it is stored any
 *   more; an undecided job that goes into another leaves an entry.
 * - a job that rests (done, dead, review) has the time it came to rest as
 *   run_at_ms; retention counts from it.
 * - a settle that says so leaves a note for its entry, at most one per entry
 *   and ticket; without a ticket it waits for the job to learn one.
 * - ids are never used again.
 * - when the wall clock is set, what is planned moves along (STORE_CLOCK); at
 *   a start, too, when the clock is earlier than the last one.
 * - addresses (core/owner.h): of every word about one, from a read or an event,
 *   the last by its own time counts. Whoever was settled as linked and turns
 *   out to hold an address that somebody else had is asked about again: their
 *   link is forgotten and their job woken, whatever comes first. Not so for
 *   what a merge of ours moves, while both users are locked by it.
 */
#ifndef REUNITE_STORE_STORE_H
#define REUNITE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "core/event.h"
#include "core/job.h"
#include "core/journal.h"
#include "store/upkeep.h"
#include "core/owner.h"
#include "core/readiness.h"
#include "store/account.h"
#include "store/cursor.h"
#include "store/node.h"
#include "store/intent.h"
#include "store/lease.h"
#include "store/look.h"
#include "store/review.h"

#define STORE_LIST_MAX 500 /* rows per snapshot of a list */
#define STORE_KEY_SIZE 32
#define STORE_TEXT_MAX (1 << 20) /* bytes of one text (progress, facts..) */

enum store_mode {
	STORE_SERVE, /* create or migrate, hold the lock file, be the daemon */
	STORE_WRITE, /* an existing store, small writes beside a daemon */
	STORE_READ,  /* an existing store, reading only */
	/* To be copied (store/transfer.h): */
	STORE_SOURCE,	/* an existing store, reading only; nobody serves it */
	STORE_TARGET,	/* a new one, or one whose copying was interrupted */
	STORE_SNAPSHOT, /* like READ, in transactions that last */
};

/* What is remembered of a person whose case is settled. */
struct store_link {
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t zendesk_user_id;
	struct event_print print;
	int64_t checked_ms;
};

/* A user as a run saw it: struct sighting, its addresses hashed. */
struct store_address {
	uint8_t hash[16];
	bool proven;
};
struct store_sighting {
	uint64_t user;
	int64_t at_ms;
	bool gone;
	bool whole;
	const struct store_address *addresses;
	size_t count;
};

enum store_op_kind {
	STORE_ACCEPT,	 /* intake: events in, jobs woken */
	STORE_ENQUEUE,	 /* one job by hand or from an approval */
	STORE_CLAIM,	 /* due jobs of one account, under a lease */
	STORE_LOOK,	 /* which accounts have something to do (read) */
	STORE_EXTEND,	 /* longer leases */
	STORE_LOCK,	 /* users, without a job */
	STORE_FOLD,	 /* a job learnt its SunCo id */
	STORE_INTENT,	 /* locks, breaker's place, journal entry "pending" */
	STORE_STEP,	 /* the saga goes on: progress and journal status */
	STORE_SETTLE,	 /* a run ends: job, journal, link, review, locks */
	STORE_RECALL,	 /* what is known about these people (read) */
	STORE_JOBS,	 /* list (read) */
	STORE_JOURNAL,	 /* list (read) */
	STORE_REVIEWS,	 /* list (read) */
	STORE_DECIDE,	 /* approve or reject a review */
	STORE_REJECT,	 /* an entry's pair, after the fact */
	STORE_RETRY,	 /* dead, waiting or review jobs become ready */
	STORE_DROP,	 /* a job that is not running goes away */
	STORE_ACCOUNT,	 /* read and change one account's row */
	STORE_NOTE,	 /* the next due note of one account, leased */
	STORE_NOTED,	 /* what came of it, or when again */
	STORE_STATS,	 /* gauges (read) */
	STORE_HEALTH,	 /* how the store itself is kept (read) */
	STORE_FIND,	 /* what speaks of a person (read) */
	STORE_ERASE,	 /* what was found */
	STORE_CHECK,	 /* is it whole, do its rows fit together? (read) */
	STORE_PRUNE,	 /* one small batch of retention */
	STORE_SAMPLE,	 /* how many unverified users there are today */
	STORE_READINESS, /* counts for `readiness` (read) */
	STORE_CURSOR,	 /* a walk through people: claimed, put back */
	STORE_FOUND,	 /* a page of them, and the place behind it */
	STORE_CURSORS,	 /* how far each walk came (read) */
	STORE_WALK,	 /* the one over all of history starts or stops */
	STORE_BACKUP,	 /* a copy elsewhere was made, or is gone */
	STORE_BACKUPS,	 /* which there are (read) */
	STORE_CLOCK,	 /* the wall clock goes on, or was set */
	STORE_NODE,	 /* a serving process lives, and what it needs */
	STORE_NODES,	 /* all of them (read) */
	STORE_TURN,	 /* one node at a time does something */
	STORE_PROBE, /* writes a row: does writing work? (no union member) */
	STORE_OP_COUNT
};

struct store_accept {
	const char *account;
	const struct event *events;
	size_t count;
	int64_t now_ms;
	int64_t wait_ms;    /* a new round waits at most this long */
	int64_t recheck_ms; /* how long a link is believed */
	/* out */
	int accepted;
	int duplicate;
	int known;  /* of the accepted: about people known to be linked */
	int woken;  /* jobs that became ready, or due sooner */
	int noted;  /* notes that got their ticket */
	int erased; /* people who are gone, or go when their run ends */
	/* Of the accepted, for those who count: what said nothing new of its
	 * person and woke nobody; what was put behind. */
	int outdated;
	int behind;
};

struct store_enqueue {
	const char *account;
	const char *sunco_id; /* or "" */
	uint64_t zendesk_user_id;
	uint64_t ticket_id;
	enum job_lane lane;
	int64_t review_id;
	int64_t now_ms;
	int64_t wait_ms;
	int64_t job_id; /* out */
};

struct store_claim {
	const char *account;
	size_t max;
	int64_t job_id; /* only this one, due or not; 0: the due ones */
	int64_t now_ms;
	int64_t lease_ms;
	int64_t grace_ms; /* take-over waits lease + the longest request */
	/* The lane backfill: so many of max are not for it; and, if it is
	 * metered, no more of it run at a time than the breaker has places,
	 * were it to close at so many an hour. Not so for sagas under way. */
	size_t kept_free;
	bool backfill_metered;
	int64_t backfill_per_hour;
	/* Asked right behind events, for the jobs that they wake: next to
	 * nothing if this handle has woken none of the account's since it
	 * claimed last (asleep; next_ms says nothing then). */
	bool along;
	/* out */
	bool asleep;
	struct job *jobs; /* live first, then by run_at */
	size_t count;
	bool paused; /* the account is: nothing is claimed of it */
	/* When the next one is due or a lease ends; in the past when more are
	 * due than were claimed. INT64_MAX: none known, paused, or none can be
	 * claimed before one that runs has ended. */
	int64_t next_ms;
};

struct store_fold {
	int64_t job_id;
	int64_t token;
	const char *sunco_id;
	bool believes;	 /* links are believed for a while: recheck_ms > 0 */
	bool takes;	 /* the caller can go on with the person's other row */
	int64_t read_ms; /* since when it has read about the person */
	int64_t now_ms;
	/* out: true: the job is now (or was) the person's row and stays
	 * leased under the same id and token. false: the person has another
	 * row; it got this one's hints, one more gen, and is ready; ours is
	 * gone. */
	bool kept;
	/* out: the same, but that other row rested since read_ms, with nothing
	 * to be read first (a saga, an approval): it is leased to us now, by
	 * our token and for as long as ours was. NULL: not so. */
	struct job *taken;
};

struct store_settle {
	int64_t job_id;
	int64_t token;
	int64_t gen; /* as claimed: if it moved, a job that would end or wait
			is ready again at once, unless all that was said
			meanwhile is what it ends with */
	/* When it began to read about the person; 0: it found out nothing. An
	 * event that is older by far says nothing new from then on. */
	int64_t read_ms;
	enum job_state state;
	int64_t run_at_ms; /* ready, waiting */
	int attempts;
	const char *progress;	  /* NULL clears it */
	const char *last_error;	  /* NULL clears it */
	uint64_t zendesk_user_id; /* 0: leave */
	uint64_t ticket_id;	  /* 0: leave */
	int64_t now_ms;
	/* optional; an entry with id != 0 finishes that pending entry, else
	 * one is added */
	const struct journal_entry *entry;
	const struct store_link *link;
	/* What the link rests on: the address and its other owners as
	 * recalled. If there is another one by now the link is not kept, and
	 * the job is ready again. */
	uint8_t address_hash[16];
	const struct owner *owners;
	size_t owner_count;
	const struct store_sighting *sightings;
	size_t sighting_count;
	uint64_t alias_from, alias_to; /* merged id -> survivor; 0: none */
	uint64_t gone_user; /* was the messaging user; gone now; 0: none */
	/* Open it, or attach to the open one; unless the job was approved
	 * meanwhile: the next run goes by that. */
	const struct review *review;
	bool note; /* the ticket's agent is to be told of the entry */
	/* out */
	int64_t journal_id;
	int64_t review_id;
	bool again;	/* gen had moved, there is another owner, or it moved */
	bool overtaken; /* by an approval: nothing was asked or written down */
	bool noted;	/* a note is due now */
	bool moved;	/* to the SunCo user that the person went on as */
	bool erased;	/* the person was removed meanwhile, and is gone now */
};

#define STORE_RECALL_MAX 8
struct store_recall {
	const char *account;
	const char *sunco_id;		/* or "" */
	uint64_t ids[STORE_RECALL_MAX]; /* Zendesk users; 0 = unused */
	uint8_t address_hash[16];
	uint8_t person_hash[16]; /* keyed, of the external id; zeros: none */
	int64_t now_ms;
	/* out, index by index of ids */
	uint64_t survivor[STORE_RECALL_MAX]; /* aliases followed; else itself */
	bool survived[STORE_RECALL_MAX];     /* a merge of ours ended in it */
	bool rejected[STORE_RECALL_MAX];     /* (person, id, address) refused */
	int64_t merges_today[STORE_RECALL_MAX];
	bool rejected_adopt; /* (sunco_id, 0, address) */
	bool merging; /* without a sunco_id: a merge of ids[0] has begun */
	int64_t merges_this_hour;
	bool linked;
	struct store_link link;
	/* who has or had the address, aliases followed, without ids[0]: those
	 * who have it first, then the latest loss first */
	struct owner owners[OWNERS_MAX];
	size_t owner_count;
	struct pair_asked asked[STORE_RECALL_MAX]; /* of these profiles */
	struct pair_asked asked_adopt; /* of ids[0], no profile meant */
};

struct store_jobs {
	const char *account; /* NULL: all */
	int64_t id;	     /* one job; 0: many */
	int state;	     /* enum job_state, -1: all but done */
	int64_t after_id;
	size_t max;	  /* at most STORE_LIST_MAX */
	struct job *jobs; /* out, by id */
	size_t count;
};

struct store_journal {
	const char *account; /* NULL: all */
	int64_t id;	     /* one entry; 0: many */
	int64_t since_ms;
	int action;	/* enum action, -1: all */
	bool of_source; /* only those of jobs that came from there */
	enum event_source source;
	bool of_reason; /* only those with it, alone or among others */
	enum reason reason;
	uint64_t user;	 /* either side, 0: all */
	uint64_t ticket; /* 0: all */
	int64_t job_id;	 /* 0: all */
	int64_t after_id;
	size_t max;
	struct journal_entry *entries; /* out, by id */
	size_t count;
};

struct store_reviews {
	const char *account;
	int64_t id;
	int state;	  /* enum review_state, -1: all */
	int64_t since_ms; /* opened then or later */
	bool of_reason;	  /* only those with it, alone or among others */
	enum reason reason;
	int64_t after_id;
	size_t max;
	struct review *reviews; /* out, by id */
	size_t count;
};

struct store_decide {
	int64_t review_id;
	bool approve;
	bool pin; /* the approval names the pin */
	const char *by;
	int64_t now_ms;
	int64_t wait_ms; /* for the job that an approval wakes */
	bool note;	 /* the ticket's agent is to be told of a rejection */
	/* out; RESULT_NOTFOUND, RESULT_CONFLICT if not open any more, or
	 * RESULT_PERM if there is nothing to approve or to pin: it stays
	 * open, and error says why */
	int64_t job_id;
	int64_t journal_id; /* the decision's entry */
};

/* The pair of an entry that linked it is never linked again, whatever the
 * address, and for whatever SunCo user with the external id that its
 * before-image names: RESULT_NOTFOUND, or RESULT_CONFLICT when it linked
 * nobody or the person was erased. The remembered link goes. */
struct store_reject {
	int64_t journal_id;
	const char *by;
	int64_t now_ms;
	int64_t wait_ms;  /* for the person's job, if one is under way */
	int64_t entry_id; /* out: the rejection's entry */
};

/* What came of it, as commands and the admin API say it: *new* */
struct json_t *review_encode_decided(const struct store_decide *d);

/* One job at once, even one that is about to retry: RESULT_NOTFOUND, or
 * RESULT_CONFLICT when it runs or is done. */
struct store_retry {
	int64_t job_id;	     /* 0: all dead ones */
	const char *account; /* of these; NULL: all */
	int64_t now_ms;
	int64_t wait_ms;
	int64_t count; /* out */
};

struct store_drop {
	int64_t job_id; /* RESULT_CONFLICT while it runs */
};

/* Something to be told on a ticket. */
struct store_note {
	int64_t id; /* 0: none is due */
	int64_t token;
	int64_t journal_id;
	uint64_t ticket_id;
	int64_t created_ms;
	int attempts;	  /* that failed, in a row */
	bool unsure;	  /* it may have been sent already */
	bool told_before; /* the ticket has another note of ours, or may */
	bool superseded;  /* the job has something newer to tell there */
	bool job_dead;	  /* it gave up */
	bool has_entry;
	struct journal_entry entry; /* *owned* */
	int64_t review_id;	    /* open, on which the job rests; or 0 */
};

struct store_note_claim {
	const char *account;
	int64_t now_ms;
	int64_t lease_ms;	/* the longest that telling it may take */
	struct store_note note; /* out; none while the account is paused */
	int64_t next_ms; /* out: when the next one is due; INT64_MAX: none */
};

/* RESULT_CONFLICT: the lease had ended, and another has it. */
struct store_note_done {
	int64_t note_id;
	int64_t token;
	/* one word; "told" for good; "outdated", "given_up" (it told that):
	 * until its entry is settled again; NULL: again at due_ms */
	const char *outcome;
	int64_t due_ms;
	bool unsure; /* it may have been sent */
	int attempts;
};

#define STORE_DAY_MS	 (INT64_C(24) * 3600 * 1000)
#define STORE_TALLY_SIZE 64 /* a name of what is counted by day */

/* The day's count of an account's users. One of all daemons takes it: the one
 * whose claim is the first of the day. */
struct store_sample {
	const char *account;
	int64_t now_ms;
	enum {
		STORE_SAMPLE_CLAIM, /* shall we? not while paused or held */
		STORE_SAMPLE_PUT,
		STORE_SAMPLE_DROP, /* it could not be had; later again */
	} what;
	int64_t unverified, end_users;
	bool mine; /* out */
};

/* Fills a report from the daily counts; see core/readiness.h for the terms. */
struct store_readiness {
	const char *account;
	int64_t since_ms; /* from the beginning of that day, UTC */
	int64_t now_ms;
	int64_t patience_ms;	  /* so long agents have for a merge */
	struct readiness *report; /* out, *owned* */
};

struct store_op {
	enum store_op_kind kind;
	enum result result; /* out */
	struct error error; /* out; no personal data */
	union {
		struct store_accept accept;
		struct store_enqueue enqueue;
		struct store_claim claim;
		struct store_look look;
		struct store_extend extend;
		struct store_fold fold;
		struct store_intent intent;
		struct store_step step;
		struct store_settle settle;
		struct store_recall recall;
		struct store_jobs jobs;
		struct store_journal journal;
		struct store_reviews reviews;
		struct store_decide decide;
		struct store_reject reject;
		struct store_retry retry;
		struct store_drop drop;
		struct store_account account;
		struct store_note_claim note_claim;
		struct store_note_done note_done;
		struct store_stats stats;
		struct store_health health;
		struct store_find find;
		struct store_erase erase;
		struct store_check check;
		struct store_prune prune;
		struct store_sample sample;
		struct store_readiness readiness;
		struct store_clock clock;
		struct store_cursor cursor;
		struct store_found found;
		struct store_cursors cursors;
		struct store_walk walk;
		struct store_backup backup;
		struct store_backups backups;
		struct store_node node;
		struct store_nodes nodes;
		struct store_turn turn;
		struct store_lock lock;
	} u;
};
/* Zeroed, but lists ask for everything (state, action -1, max as many as
 * there may be), and intents and gauges ask no breaker. */
void store_op_init(struct store_op *op, enum store_op_kind kind);
void store_op_release(struct store_op *op);   /* frees outputs */
bool store_op_reads(enum store_op_kind kind); /* changes nothing */
/* It took away what must not stay in the log: see store_empty_log(). */
bool store_op_erased(const struct store_op *op);

struct store;
/*
 * url: "sqlite:/path/to/file", or libpq's "postgresql://host/database", which
 * any number of daemons may hold. RESULT_NOTFOUND: no store there (only SERVE
 * creates one); RESULT_CONFLICT: another daemon holds it; RESULT_PERM: a
 * newer schema or not a database.
 */
MUST_CHECK enum result store_open(struct store **out, const char *url,
				  enum store_mode mode, int64_t now_ms,
				  struct error *err);
/* Whether it is such a url at all. */
bool store_url_ok(const char *url);
void store_close(struct store *s);
/* Whoever wants to serve it next may wait: it will be closed soon. From any
 * thread. */
void store_leave(struct store *s);
/* Does whoever serves it leave? */
bool store_is_left(const char *url);
/* May any number of daemons serve it? */
bool store_is_shared(const char *url);
/* One transaction; see the head of this file. Results are in the ops. */
void store_run(struct store *s, struct store_op **ops, size_t count);
/* One op, its result returned; for commands. */
MUST_CHECK enum result store_do(struct store *s, struct store_op *op);
/* What time it is for the operations on this store, in a command: by the
 * store's own clock, if it has one and can be asked. */
int64_t store_now_ms(struct store *s);
/* True when another process wrote since the last call. Cheap. */
bool store_changed(struct store *s);
/* Moves the write-ahead log into the database; for the reader thread. So many
 * bytes from its beginning are moved now, which is not what came meanwhile, nor
 * what is behind anything that somebody still reads; -1: it failed, and the log
 * says why. */
int64_t store_checkpoint(struct store *s);
/* How many bytes the log had after this handle's last commit; cheap. When all
 * of them are moved it begins anew where it is, instead of growing. */
int64_t store_log_bytes(const struct store *s);
/* Is the store still the one that was opened, and sound as far as is known?
 * RESULT_TEMP: nothing is written to it (err says why), until that changes.
 * Cheap. */
MUST_CHECK enum result store_watch(struct store *s, struct error *err);
/* Moves the log and leaves it empty, so that it keeps no bytes of what was
 * erased. Waits for nobody: false while somebody reads or writes, or when it
 * fails. */
bool store_empty_log(struct store *s);
/*
 * Whole copies beside a store: of before a migration, or saved when it was
 * lost. They hold what it held then, people's data too. *new*: free() each
 * name and the list.
 */
struct store_copy {
	char *name;
	int64_t made_ms;
	bool rescued;
};
size_t store_copies(const char *url, struct store_copy **out);
/* The store's secret key for hashes of addresses; made with the store. */
const uint8_t *store_key(const struct store *s);

#endif
