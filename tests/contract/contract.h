/*
 * The suite that every backend must pass: cases over a factory, and helpers
 * that make operations short to write.
 *
 * A case gets a fresh store, open for serving, in *state (struct ct). Time is
 * a number the case moves; nothing here waits.
 */
#ifndef REUNITE_TESTS_CONTRACT_H
#define REUNITE_TESTS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

#define CT_ACCOUNT "acme"
#define CT_START   INT64_C(1800000000000)
#define MINUTE	   INT64_C(60000)
#define HOUR	   (60 * MINUTE)
#define DAY	   (24 * HOUR)
#define CT_WAIT	   (30 * MINUTE) /* what intake gives a round */
#define CT_LEASE   MINUTE
#define CT_GRACE   (MINUTE / 2)

/* Where a backend's stores come from. */
struct ct_factory {
	const char *name;
	void *(*make)(void); /* a place for one store */
	struct store *(*open)(void *place, enum store_mode mode,
			      int64_t now_ms);
	void (*remove)(void *place);
	/* Any number of processes may serve one: opening it ends nobody's
	 * leases, what others wrote is noticed a little later, and the time is
	 * the database's. */
	bool shared;
	bool durable; /* as it is set up here */
};

struct ct_case;
struct ct {
	const struct ct_factory *factory;
	const struct ct_case *what;
	void *place;
	struct store *s;
	int64_t now_ms;
};

struct ct_case {
	const char *name;
	void (*run)(struct ct *c);
};
#define CT_CASE(fn)                                                            \
	{                                                                      \
#fn, fn                                                        \
	}

struct ct_group {
	const struct ct_case *cases;
	size_t count;
};
extern const struct ct_group ct_accept_cases, ct_wake_cases, ct_people_cases,
	ct_forget_cases, ct_claim_cases, ct_job_cases, ct_saga_cases,
	ct_lock_cases, ct_review_cases, ct_asked_cases, ct_decide_cases,
	ct_list_cases, ct_admin_cases, ct_front_cases, ct_breaker_cases,
	ct_shadow_cases, ct_tally_cases, ct_note_cases, ct_note_life_cases,
	ct_address_cases, ct_late_cases, ct_metered_cases, ct_walk_cases,
	ct_change_cases, ct_cursor_cases, ct_age_cases, ct_heard_cases,
	ct_clock_cases, ct_order_cases, ct_backup_cases, ct_batch_cases,
	ct_node_cases;

/* Every group over one backend; the program's exit code. */
int ct_run(const struct ct_factory *factory);

/* --- operations; each fails the case when its result is not OK --- */

#define CT_DO(c, op) ct_do((c)->s, (op), __FILE__, __LINE__)
void ct_do(struct store *s, struct store_op *op, const char *file, int line);
#define CT_REFUSED(c, op, why) assert_int_equal(store_do((c)->s, (op)), (why))

/* An event with a key of its own. */
struct event ct_event(enum event_kind kind, const char *sunco_id);
struct event ct_ticket(uint64_t requester, uint64_t ticket);
/* One event of CT_ACCOUNT, still to be run. */
void ct_accept_op(struct store_op *op, const struct event *e, int64_t now_ms);
struct store_accept ct_accept(struct ct *c, struct event e);
/* Others wrote: at once, or after a little while where it is shared. */
bool ct_noticed(struct ct *c);
/* What was written up to now is no news any more. */
void ct_calm(struct ct *c);
/* The only due job of the account: *new*. */
struct job ct_claim(struct ct *c);
void ct_claim_op(struct ct *c, struct store_op *op, size_t max);
size_t ct_claim_count(struct ct *c, size_t max); /* leases them, forgets */
/* The person's row in whatever state: *new*; false when there is none. */
bool ct_find(struct ct *c, const char *person, struct job *out);
struct job ct_job(struct ct *c, const char *person);
enum job_state ct_state(struct ct *c, const char *person);

/* Fills a settle of a claimed job; the case adds what it tests. */
void ct_settle_op(struct ct *c, struct store_op *op, const struct job *job,
		  enum job_state state);
void ct_settle(struct ct *c, struct job *job, enum job_state state);
/* Makes the job's lease longer, and its locks'; was it held? */
bool ct_extend(struct ct *c, const struct job *job, int64_t until_ms,
	       int64_t lock_until_ms);
/* A conversation's job, claimed; and brought into a state. */
struct job ct_running(struct ct *c, const char *sunco_id);
void ct_rest(struct ct *c, const char *sunco_id, enum job_state state);

/* A review of this job about this profile (0: adopt). */
struct review ct_review(const struct job *job, uint64_t user, uint64_t profile);
/* Settles the job as review; the review's id. */
int64_t ct_settle_review(struct ct *c, struct job *job, uint64_t user,
			 uint64_t profile);
struct review ct_review_read(struct ct *c, int64_t id);
void ct_link(struct ct *c, const char *sunco_id, uint64_t user, uint8_t print);
struct store_recall ct_recall(struct ct *c, const char *sunco_id, uint64_t id,
			      uint8_t address);
struct journal_entry ct_entry_read(struct ct *c, int64_t id);

/* An entry of a merge; owns nothing. */
struct journal_entry ct_entry(uint64_t user, uint64_t profile);
void ct_intent_op(struct ct *c, struct store_op *op, const struct job *job,
		  const struct journal_entry *e);

/* --- places on disk --- */

struct contract_dir {
	char dir[64];
	char path[96];
	char url[128];
};
void contract_dir_make(struct contract_dir *d);
void contract_dir_remove(struct contract_dir *d);
/* Statements in a database, beside whoever has it open. */
void contract_sql(const char *path, const char *text);
/* The first number that it answers. */
int64_t contract_ask(const char *path, const char *sql);
struct store *contract_open_at(const char *url, enum store_mode mode,
			       int64_t now_ms);
struct store *contract_open_url(const char *url, enum store_mode mode);

#endif
