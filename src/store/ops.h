/*
 * The operations, and the rows they share.
 */
#ifndef REUNITE_STORE_OPS_H
#define REUNITE_STORE_OPS_H

#include "db.h"

/* One handler per operation; see db.h for how it fails. */
enum result op_accept(struct db *q, struct store_op *op);
enum result op_enqueue(struct db *q, struct store_op *op);
enum result op_claim(struct db *q, struct store_op *op);
enum result op_look(struct db *q, struct store_op *op);
enum result op_extend(struct db *q, struct store_op *op);
enum result op_fold(struct db *q, struct store_op *op);
enum result op_intent(struct db *q, struct store_op *op);
enum result op_step(struct db *q, struct store_op *op);
enum result op_settle(struct db *q, struct store_op *op);
enum result op_recall(struct db *q, struct store_op *op);
enum result op_jobs(struct db *q, struct store_op *op);
enum result op_journal(struct db *q, struct store_op *op);
enum result op_reviews(struct db *q, struct store_op *op);
enum result op_decide(struct db *q, struct store_op *op);
enum result op_reject(struct db *q, struct store_op *op);
enum result op_retry(struct db *q, struct store_op *op);
enum result op_drop(struct db *q, struct store_op *op);
enum result op_account(struct db *q, struct store_op *op);
enum result op_note_claim(struct db *q, struct store_op *op);
enum result op_note_done(struct db *q, struct store_op *op);
enum result op_stats(struct db *q, struct store_op *op);
enum result op_health(struct db *q, struct store_op *op);
enum result op_prune(struct db *q, struct store_op *op);
enum result op_find(struct db *q, struct store_op *op);
enum result op_erase(struct db *q, struct store_op *op);
enum result op_check(struct db *q, struct store_op *op);
enum result op_sample(struct db *q, struct store_op *op);
enum result op_readiness(struct db *q, struct store_op *op);
enum result op_cursor(struct db *q, struct store_op *op);
enum result op_found(struct db *q, struct store_op *op);
enum result op_cursors(struct db *q, struct store_op *op);
enum result op_walk(struct db *q, struct store_op *op);
enum result op_backup(struct db *q, struct store_op *op);
enum result op_backups(struct db *q, struct store_op *op);
enum result op_clock(struct db *q, struct store_op *op);
enum result op_node(struct db *q, struct store_op *op);
enum result op_nodes(struct db *q, struct store_op *op);
enum result op_turn(struct db *q, struct store_op *op);
enum result op_lock(struct db *q, struct store_op *op);
enum result op_probe(struct db *q, struct store_op *op);

/* ahead.c: what the operation will ask in any case is expected. */
void db_ahead(struct db *q, const struct store_op *op);
void db_extend_ahead(struct db *q, const struct store_extend *e);
/* op_claim.c: likewise, of the heads of the queue. */
void db_claim_ahead(struct db *q, const struct store_claim *c, int64_t account);

/* op_account.c: the account's number; 0: unknown and not made. */
int64_t db_account_id(struct db *q, const char *name, bool make);
/* It is neither paused nor held. */
bool db_account_may_call(struct db *q, int64_t account);
/* Keeps the gauges: a job went from one state to another (-1: none). */
void db_count(struct db *q, int64_t account, int from, int to);
void db_count_add(struct db *q, int64_t account, enum job_state s, int64_t n);
/* A job of the account became ready, or due sooner; and whether any did since
 * it was last asked, as far as this handle knows: true when in doubt. */
void db_woken(struct db *q, int64_t account);
bool db_stirred(struct db *q, int64_t account);
/* Forgets what a rolled back transaction may have made up. */
void db_account_forget(struct db *q);

/* jobs.erase: by the person's removal in SunCo all but the before-images, by
 * hand those too. */
enum { DB_ERASE_SPARING = 1, DB_ERASE_ALL = 2 };
/* op_jobs.c: a job's row without its texts. */
struct db_job {
	int64_t id;
	int64_t account;
	char person[PERSON_SIZE];
	enum job_state state;
	enum job_lane lane;
	int64_t created_ms;
	int64_t run_at_ms;
	int64_t deadline_ms;
	int64_t lease_until_ms;
	int attempts;
	int64_t gen;
	int64_t token;
	uint64_t zendesk_user_id;
	uint64_t ticket_id;
	char conversation_id[SUNCO_ID_SIZE];
	enum event_source source;
	int64_t review_id;
	int64_t rests_on;
	int erase;		      /* 0, or what goes when its run ends */
	char moves_to[SUNCO_ID_SIZE]; /* when it is idle; "": nowhere */
	int64_t looked_ms;	      /* when its last run ended */
	/* the newest that each source told, by its clock; see op_wake.c */
	int64_t told_ms[2];
	int64_t read_ms; /* when its last look began that led somewhere */
	int64_t heard;	 /* wakes of its run that can be judged at its end */
	int64_t named;	 /* of a "z:...": wakes that only named its user */
};
bool db_job_get(struct db *q, int64_t id, struct db_job *out);
bool db_job_find(struct db *q, int64_t account, const char *person,
		 struct db_job *out);
/* The newest job of a SunCo user that names this Zendesk user. */
bool db_job_of_zendesk(struct db *q, int64_t account, uint64_t user,
		       struct db_job *out);
/* The job while it runs under this token (otherwise it has none). */
bool db_job_held(struct db *q, int64_t id, int64_t token, struct db_job *out,
		 enum result *refusal);
/* It has a saga under way, dead or not. */
bool db_job_has_saga(struct db *q, const struct db_job *job);
/* It runs, or will go on with a saga: it must be let finish. */
bool db_job_busy(struct db *q, const struct db_job *job);
/* Its locks and open reviews go with it. */
void db_job_delete(struct db *q, const struct db_job *job, int64_t now_ms);
/* Ours goes, with its hints, into the person's other row, which wakes and
 * has the later deadline. weak: its hints only fill what is missing. says: as
 * in db_wake. */
struct event;
void db_job_fold(struct db *q, const struct db_job *ours,
		 const struct db_job *theirs, bool weak,
		 const struct event *says, int64_t now_ms);

/* op_move.c: an idle job goes where its moves_to says. */
void db_job_move(struct db *q, const struct db_job *job, int64_t now_ms);
/* The job of a discarded SunCo user follows to the survivor, who wakes. */
struct db_wake;
void db_person_follow(struct db *q, int64_t account, const char *from,
		      const char *to, const struct db_wake *w);

/* op_wake.c: an event, or a person, wants a job to run. */
struct db_wake {
	enum job_lane lane;
	enum event_source source;
	uint64_t zendesk_user_id; /* hints; 0 and "" are none */
	uint64_t ticket_id;
	const char *conversation_id;
	int64_t review_id; /* 0: leave */
	int64_t now_ms;
	int64_t wait_ms;
	int64_t at_ms; /* of a webhook, by its source's clock; 0: not said */
	bool replayed; /* one of many late ones */
	/* What it says, if it would cost nothing once that is how the job
	 * ended; NULL: it needs a look in any case. */
	const struct event *says;
	bool weak;    /* hints fill what is missing, but for the ticket */
	bool by_hand; /* at once, even when it is about to retry */
};
/* Counted in q->woken when it became ready. */
void db_job_wake(struct db *q, const struct db_job *job,
		 const struct db_wake *w);
/* A waiting job (or one that runs and will wait) looks again soon, but not at once; counted likewise. */
void db_job_hasten(struct db *q, const struct db_job *job,
		   const struct db_wake *w);
/* Nothing that was heard during the run speaks against this end. */
bool db_heard_fits(struct db *q, const struct db_job *job,
		   const struct store_link *l);
/* Makes the person's job or wakes it. */
void db_person_wake(struct db *q, int64_t account, const char *person,
		    const struct db_wake *w);

/* op_clock.c: a daemon starts; shifts what is planned should the clock
 * have been set back since the last one. */
void db_clock_start(struct db *q, int64_t now_ms);

/* op_claim.c: whoever had the store last is gone without a word. */
void db_free_leases(struct db *q, int64_t now_ms);

/* op_list.c: a job with all its texts, from JOB_READ's columns. */
void db_job_read(struct db_rows *st, struct job *out);
/* An entry from the columns of SQL_JOURNAL_FULL: *new*. */
void db_journal_read(struct db_rows *st, struct journal_entry *out);

/* op_list.c: the whole entry, *new*; false: no such entry. */
bool db_journal_get(struct db *q, int64_t id, struct journal_entry *out);

/* op_reject.c: what stands for a person's external id among the rejected
 * pairs, "" for none. No SunCo id has a colon. */
#define DB_PERSON_KEY_SIZE 35
void db_person_key(const uint8_t person_hash[16], char out[DB_PERSON_KEY_SIZE]);

/* op_journal.c */
int64_t db_journal_add(struct db *q, int64_t account,
		       const struct journal_entry *e, int64_t now_ms);
bool db_journal_is(struct db *q, int64_t id, int64_t job_id);
/* An entry that is under way has another status, for all to see when. */
void db_journal_change(struct db *q, int64_t id, enum journal_status status,
		       int64_t now_ms);
void db_journal_finish(struct db *q, const struct journal_entry *e,
		       int64_t now_ms);
/* Every status that it had: *new* in the entry. */
void db_journal_changes(struct db *q, struct journal_entry *e);

/* op_review.c: opens the job's review or attaches to the profile's. */
int64_t db_review_open(struct db *q, const struct db_job *job,
		       const struct review *r, int64_t journal_id,
		       int64_t now_ms);
/* The entry of the same question, if the job asked it before and its review
 * is open still; 0: this one is new. */
int64_t db_review_asked(struct db *q, const struct db_job *job,
			const struct store_settle *s);
/* The open review of a row of REVIEW_OF_..., if there is one. */
void db_review_asked_of(struct db *q, struct db_rows *st, const char *sunco_id,
			struct pair_asked *out);
/* The job is through with its approved review, if it had one: who rested on
 * it wakes. */
void db_review_through(struct db *q, const struct db_job *job, int64_t now_ms);
/* Closes the job's open reviews but one; who else rested on them wakes. */
void db_review_close_of(struct db *q, const struct db_job *job, int64_t but_id,
			int64_t now_ms);
/* Agents merged the two that an open review asks about: it is closed as such,
 * and whoever else rested on it wakes. */
void db_review_merged(struct db *q, int64_t account, uint64_t messaging_user,
		      uint64_t profile, int64_t now_ms);
/* Closes what expired; at most max; how many. */
size_t db_review_expire(struct db *q, int64_t now_ms, size_t max);
/* Deletes a review; who rested on it wakes. How many there were. */
int db_review_drop(struct db *q, int64_t id, int64_t now_ms);
/* Deletes the person's reviews; who rested on them wakes. */
void db_review_erase(struct db *q, int64_t account, const char *sunco_id,
		     int64_t now_ms);

/* op_note.c: what the ticket's agent is to be told of an entry. */
struct db_note {
	int64_t account;
	int64_t job_id;
	int64_t journal_id;
	uint64_t ticket_id; /* 0: not known yet */
	int64_t now_ms;
};
void db_note_add(struct db *q, const struct db_note *n,
		 const struct journal_entry *e);
/* The same on every ticket where the undone entry was, or is to be, told. */
void db_note_undone(struct db *q, const struct journal_entry *undone,
		    const struct db_note *n, const struct journal_entry *e);
/* The job's notes that wait for a ticket get this one; false: none did. */
bool db_note_take(struct db *q, int64_t job_id, uint64_t ticket_id,
		  int64_t now_ms);
/* This user, merged or not, has a ticket: the newest job about it with a note
 * that waits learns it (0: none is known); how many notes got it. */
int db_note_give(struct db *q, int64_t account, uint64_t user,
		 uint64_t ticket_id, int64_t now_ms);

/* op_people.c: links, aliases, and what else is known of people. */
bool db_link_get(struct db *q, int64_t account, const char *sunco_id,
		 struct store_link *out);
void db_link_put(struct db *q, int64_t account, const struct store_link *l);
/* A link to this user was checked at or after since; whose. */
bool db_link_fresh(struct db *q, int64_t account, uint64_t user,
		   int64_t since_ms, char sunco_id[SUNCO_ID_SIZE]);
uint64_t db_alias_follow(struct db *q, int64_t account, uint64_t user);
void db_alias_put(struct db *q, int64_t account, uint64_t from, uint64_t to,
		  int64_t now_ms);
/* Who may not become one with from may not with to, either. */
void db_rejected_move(struct db *q, int64_t account, uint64_t from,
		      uint64_t to);
/* Everything but the job and the before-images. user: the Zendesk user that
 * their job knew; 0: none. */
void db_person_erase(struct db *q, int64_t account, const char *sunco_id,
		     uint64_t user, int64_t now_ms);
/* Whom this SunCo user was merged into since then, as far as was told. */
bool db_sunco_merged(struct db *q, int64_t account, const char *from,
		     int64_t since_ms, char to[SUNCO_ID_SIZE]);
/* What was known of a discarded SunCo user counts for the survivor. */
void db_person_merge(struct db *q, int64_t account, const char *from,
		     const char *to);

/* op_tally.c: what is counted by day. */
int64_t db_day(int64_t ms); /* since the epoch, UTC */
void db_tally_add(struct db *q, int64_t account, int64_t day, const char *name,
		  int64_t delta);
/* A conversation was decided about, or is one of somebody known. */
void db_tally_decided(struct db *q, int64_t account,
		      const struct journal_entry *e, int64_t now_ms);
void db_tally_known(struct db *q, int64_t account, const char *sunco_id,
		    int64_t now_ms);
/* The person is another from now on, who counts. */
void db_tally_merge(struct db *q, int64_t account, const char *sunco_id,
		    int64_t now_ms);

/* op_hindsight.c: agents' own merges against what was decided. */
/* The two were merged, whichever survived; false: by us. */
bool db_hindsight_merge(struct db *q, int64_t account, uint64_t a, uint64_t b,
			int64_t now_ms);
/* The person logged in and was discarded for another: a merge of the two by
 * Zendesk, told before or after this, is not the agents'. */
void db_hindsight_login(struct db *q, int64_t account, const char *sunco_id,
			int64_t now_ms);
/* What a run found, before its entry is written: the person says the same as
 * last time, but the conversation belongs to the profile that was meant; or
 * its user then is gone (0: not seen), and it belongs to another. */
void db_hindsight_before(struct db *q, int64_t account,
			 const struct journal_entry *now, uint64_t gone,
			 int64_t now_ms);
/* And after: agents may have merged the two while it was being decided. */
void db_hindsight_after(struct db *q, int64_t account,
			const struct journal_entry *now, int64_t now_ms);

/* op_addresses.c: who has or had an address. */
bool db_hash_known(const uint8_t hash[16]); /* not all zero */
/* What an event says; at_ms as it says, 0: it does not. */
void db_address_gained(struct db *q, int64_t account, const uint8_t hash[16],
		       uint64_t user, int64_t at_ms, int64_t now_ms);
void db_address_lost(struct db *q, int64_t account, const uint8_t hash[16],
		     uint64_t user, int64_t at_ms, int64_t now_ms);
/* What a run saw. */
void db_address_sighted(struct db *q, int64_t account,
			const struct store_sighting *s);
/* The users were merged. */
void db_addresses_move(struct db *q, int64_t account, uint64_t from,
		       uint64_t to);
/* An event says that others merged them, not who is left: what either lost is
 * known of both, and proves nothing of the other. */
void db_addresses_join(struct db *q, int64_t account, uint64_t a, uint64_t b);
void db_addresses_erase(struct db *q, int64_t account, uint64_t user);
/* Everybody but one, as store_recall has them; returns how many. */
size_t db_address_owners(struct db *q, int64_t account, const uint8_t hash[16],
			 uint64_t but, struct owner out[OWNERS_MAX]);

/* op_cursor.c: a walk's row, *new*; false: there is none. */
bool db_cursor_get(struct db *q, int64_t account, const char *name,
		   int64_t now_ms, struct store_cursor_row *out);
/* op_walk.c: whoever rests while the walk is stopped is due then, that is
 * never: in the year 9999; or so, should the clock be set. */
#define DB_PARKED_MS	       INT64_C(253370764800000)
#define DB_PARKED_FROM_MS      INT64_C(250000000000000)
#define DB_PARKED_FROM_MS_TEXT "250000000000000"
/* Fills unfinished and ready. */
void db_walk_count(struct db *q, int64_t account, struct store_cursor_row *r);

/* op_breaker.c: the places that count, and who may still take one. */
int64_t db_merges_this_hour(struct db *q, int64_t account, int64_t now_ms);
int64_t db_merges_today(struct db *q, int64_t account, uint64_t profile,
			int64_t now_ms);
/* When the hour has a place for somebody who may see so many taken: now, later,
 * or never (INT64_MAX). */
int64_t db_hour_opens(struct db *q, int64_t account, int64_t now_ms,
		      int64_t max, int64_t *taken);
/* RESULT_RATE: no place for this entry; the counts are in n. */
enum result db_breaker_ask(struct db *q, struct store_intent *n,
			   int64_t account);
void db_breaker_take(struct db *q, const struct store_intent *n,
		     int64_t account);
/* An entry that failed, or became a question for a person, had no effect: its
 * place is free again. */
void db_breaker_release(struct db *q, int64_t journal_id,
			enum journal_status status, bool applied);
void db_breaker_stats(struct db *q, struct store_stats *s, int64_t account);

#endif
