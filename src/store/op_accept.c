/*
 * Intake: events in, each once, and what each does to the jobs.
 *
 * An event only wakes: it says who may have to be looked at and where to look
 * first. One row of the table below per kind of event. Somebody known to be
 * linked, with the same print, costs no job.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* Jobs of one conversation or Zendesk user that one event may wake. */
#define WAKE_MAX   32
#define MERGES_MAX 8 /* of SunCo users, one after the other */

struct intake {
	struct db *q;
	struct store_accept *a;
	int64_t account;
};

static struct db_wake wake_of(const struct intake *in, const struct event *e)
{
	return (struct db_wake){
		.lane = e->behind ? LANE_BACKFILL : LANE_LIVE,
		.source = e->source,
		.at_ms = event_time_ms(e, in->a->now_ms),
		.replayed = e->behind,
		.zendesk_user_id = e->zendesk_user_id,
		.ticket_id = e->ticket_id,
		.conversation_id = e->conversation_id,
		.now_ms = in->a->now_ms,
		.wait_ms = in->a->wait_ms,
	};
}

/* Were the person linked as the event says, it would cost no job. */
static struct db_wake check_of(const struct intake *in, const struct event *e)
{
	bool complete = e->print.known || e->source == EVENT_FROM_ZENDESK;
	struct db_wake w = wake_of(in, e);

	if (complete && in->a->recheck_ms > 0)
		w.says = e;
	return w;
}

static void wake_as(struct intake *in, const char *sunco_id,
		    const struct event *e, const struct db_wake *w)
{
	char person[PERSON_SIZE];

	if (job_person(person, sunco_id, e->zendesk_user_id))
		db_person_wake(in->q, in->account, person, w);
}

static void wake_person(struct intake *in, const char *sunco_id,
			const struct event *e)
{
	struct db_wake w = wake_of(in, e);

	wake_as(in, sunco_id, e, &w);
}

static void check_person(struct intake *in, const char *sunco_id,
			 const struct event *e)
{
	struct db_wake w = check_of(in, e);

	wake_as(in, sunco_id, e, &w);
}

static void wake_job(struct intake *in, const struct db_job *job,
		     const struct event *e)
{
	struct db_wake w = wake_of(in, e);

	db_job_wake(in->q, job, &w);
}

static bool is_fresh(const struct intake *in, const struct store_link *l)
{
	return l->checked_ms > in->a->now_ms - in->a->recheck_ms &&
	       l->checked_ms <= in->a->now_ms;
}

/* The link is believed, and the event names nobody else. */
static bool link_holds(struct intake *in, const struct event *e,
		       struct store_link *l)
{
	if (!db_link_get(in->q, in->account, e->sunco_id, l) ||
	    !is_fresh(in, l))
		return false;
	return e->zendesk_user_id == 0 ||
	       db_alias_follow(in->q, in->account, e->zendesk_user_id) ==
		       l->zendesk_user_id;
}

/* Somebody known starts a conversation: that is one, too. Messages and logins
 * come in the middle of one. */
static void count_known(struct intake *in, const struct event *e,
			const char *sunco_id)
{
	in->a->known++;
	if (e->kind != EVENT_CONVERSATION_MESSAGE &&
	    e->kind != EVENT_USER_AUTHENTICATED)
		db_tally_known(in->q, in->account, sunco_id, in->a->now_ms);
}

static bool is_known(struct intake *in, const struct event *e)
{
	struct store_link l;
	bool known =
		link_holds(in, e, &l) && l.print.known && e->print.known &&
		memcmp(l.print.hash, e->print.hash, sizeof(l.print.hash)) == 0;

	if (known)
		count_known(in, e, e->sunco_id);
	return known;
}

static void wake_all(struct intake *in, struct db_rows *st,
		     const struct event *e)
{
	struct db_ids ids = db_collect(in->q, st);
	struct db_job job;
	size_t i;

	for (i = 0; i < ids.count; i++) {
		if (db_job_get(in->q, ids.items[i], &job))
			wake_job(in, &job, e);
	}
	free(ids.items);
}

static void on_person(struct intake *in, const struct event *e)
{
	if (e->sunco_id[0] != '\0' && !is_known(in, e))
		check_person(in, e->sunco_id, e);
}

static void on_message(struct intake *in, const struct event *e)
{
	struct db_wake w = wake_of(in, e);
	char person[PERSON_SIZE];
	struct db_job job;

	if (e->sunco_id[0] == '\0' || is_known(in, e) ||
	    !job_person(person, e->sunco_id, 0))
		return;
	if (db_job_find(in->q, in->account, person, &job) &&
	    (job.state == JOB_WAITING || job.state == JOB_RUNNING))
		db_job_hasten(in->q, &job, &w);
}

static void on_pass_control(struct intake *in, const struct event *e)
{
	if (e->sunco_id[0] != '\0')
		on_person(in, e);
	else if (e->conversation_id[0] != '\0')
		wake_all(in,
			 db_query(in->q, JOBS_OF_CONVERSATION,
				  db_int(in->account),
				  db_text(e->conversation_id),
				  db_int(WAKE_MAX)),
			 e);
}

static bool job_of_user(struct intake *in, uint64_t user, struct db_job *out)
{
	return db_job_of_zendesk(in->q, in->account, user, out) ||
	       db_job_of_zendesk(in->q, in->account,
				 db_alias_follow(in->q, in->account, user),
				 out);
}

/* Somebody known needs no job for it, but the next one may. */
static void keep_ticket(struct intake *in, const struct event *e)
{
	struct db_job job;

	if (e->ticket_id != 0 && job_of_user(in, e->zendesk_user_id, &job) &&
	    job.ticket_id == 0)
		db_do(in->q, JOB_TICKET, db_int(job.id), db_id(e->ticket_id));
}

/* A ticket's requester, or a new user: perhaps one whom a link or a job of a
 * SunCo user knows already. */
static void on_zendesk_user(struct intake *in, const struct event *e)
{
	uint64_t user = e->zendesk_user_id;
	uint64_t survivor = db_alias_follow(in->q, in->account, user);
	struct db_wake w = check_of(in, e);
	char sunco_id[SUNCO_ID_SIZE];
	struct db_job job;

	if (user == 0)
		return;
	/* somebody linked just now: whose ticket it was is known only here */
	in->a->noted += db_note_give(in->q, in->account, user, e->ticket_id,
				     in->a->now_ms);
	if (db_link_fresh(in->q, in->account, survivor,
			  in->a->now_ms - in->a->recheck_ms, sunco_id)) {
		count_known(in, e, sunco_id);
		keep_ticket(in, e);
		return;
	}
	if (job_of_user(in, user, &job))
		db_job_wake(in->q, &job, &w);
	else
		wake_as(in, "", e, &w);
}

static void wake_resting(struct intake *in, uint64_t user,
			 const struct event *e)
{
	if (user != 0)
		wake_all(in,
			 db_query(in->q, JOBS_RESTING_OF_ZENDESK,
				  db_int(in->account), db_id(user),
				  db_int(WAKE_MAX)),
			 e);
}

/* Facts about a user changed: whoever waits for them looks again. */
static void on_zendesk_change(struct intake *in, const struct event *e)
{
	struct event bare = *e;

	bare.zendesk_user_id = 0; /* the other side is no hint */
	wake_resting(in, e->zendesk_user_id, &bare);
	if (e->other_zendesk_user_id != e->zendesk_user_id)
		wake_resting(in, e->other_zendesk_user_id, &bare);
}

/* A run under way may have read the two before they became one. */
static void wake_running(struct intake *in, uint64_t user,
			 const struct event *e)
{
	wake_all(in,
		 db_query(in->q, JOBS_RUNNING_OF_ZENDESK, db_int(in->account),
			  db_id(user), db_int(WAKE_MAX)),
		 e);
}

/* Somebody merged two users. Which one is left the event says, but a rejection
 * can hold for both: it only ever keeps people apart. */
static void on_zendesk_merge(struct intake *in, const struct event *e)
{
	uint64_t a = e->zendesk_user_id, b = e->other_zendesk_user_id;
	struct event bare = *e;

	db_rejected_move(in->q, in->account, a, b);
	db_rejected_move(in->q, in->account, b, a);
	bare.zendesk_user_id = 0;
	if (db_hindsight_merge(in->q, in->account, a, b, in->a->now_ms)) {
		db_addresses_join(in->q, in->account, a, b);
		wake_running(in, a, &bare);
		wake_running(in, b, &bare);
	}
	on_zendesk_change(in, e);
}

/* Our own merge moves the addresses of one to the other. */
static bool is_ours(struct intake *in, uint64_t a, uint64_t b)
{
	return db_get(in->q, 0, LOCKS_SHARED, db_int(in->account), db_id(a),
		      db_id(b), db_int(in->a->now_ms)) != 0;
}

/* Everybody whose conversations are known to be this user's: what they were
 * settled as is in doubt. The forgotten link leaves its user as a hint. */
static void reopen(struct intake *in, uint64_t user, const struct event *e)
{
	const struct event bare = {.source = e->source,
				   .zendesk_user_id = user,
				   .behind = e->behind};
	char sunco_ids[WAKE_MAX][SUNCO_ID_SIZE];
	struct db_job job;
	size_t n = 0;
	struct db_rows *st =
		db_query(in->q, LINKS_OF_ZENDESK, db_int(in->account),
			 db_id(user), db_int(WAKE_MAX));

	while (db_step(in->q, st))
		db_col_str(st, 0, sunco_ids[n++], SUNCO_ID_SIZE);
	for (size_t i = 0; i < n; i++) {
		db_do(in->q, LINK_DELETE, db_int(in->account),
		      db_text(sunco_ids[i]));
		wake_person(in, sunco_ids[i], &bare);
	}
	wake_resting(in, user, &bare);
	if (n == 0 && db_job_of_zendesk(in->q, in->account, user, &job) &&
	    job.state != JOB_WAITING && job.state != JOB_REVIEW)
		wake_job(in, &job, &bare);
}

/* Who has the address that somebody else lost. */
static void reopen_holders(struct intake *in, const struct event *e)
{
	struct owner owners[OWNERS_MAX];
	size_t n = db_address_owners(in->q, in->account, e->lost_hash,
				     e->zendesk_user_id, owners);

	for (size_t i = 0; i < n; i++)
		if (owners[i].lost_ms == 0 &&
		    !is_ours(in, e->zendesk_user_id, owners[i].user))
			reopen(in, owners[i].user, e);
}

/* Who has an address that others had before. */
static void reopen_gainer(struct intake *in, const struct event *e)
{
	struct owner owners[OWNERS_MAX];
	size_t n = db_address_owners(in->q, in->account, e->gained_hash,
				     e->zendesk_user_id, owners);

	for (size_t i = 0; i < n; i++)
		if (!is_ours(in, e->zendesk_user_id, owners[i].user)) {
			reopen(in, e->zendesk_user_id, e);
			return;
		}
}

/* What was merged away has nothing of its own any more. */
static void on_address(struct intake *in, const struct event *e)
{
	uint64_t user = e->zendesk_user_id;

	if (user == 0 || db_alias_follow(in->q, in->account, user) != user)
		return;
	if (db_hash_known(e->lost_hash)) {
		db_address_lost(in->q, in->account, e->lost_hash, user,
				e->at_ms, in->a->now_ms);
		reopen_holders(in, e);
	}
	if (db_hash_known(e->gained_hash)) {
		db_address_gained(in->q, in->account, e->gained_hash, user,
				  e->at_ms, in->a->now_ms);
		reopen_gainer(in, e);
	}
}

static void on_zendesk_removal(struct intake *in, const struct event *e)
{
	db_addresses_erase(in->q, in->account, e->zendesk_user_id);
	on_zendesk_change(in, e);
}

static void on_identity(struct intake *in, const struct event *e)
{
	struct store_link l;

	if (!e->messaging_identity || e->sunco_id[0] == '\0') {
		on_zendesk_change(in, e);
		on_address(in, e);
	} else if (link_holds(in, e, &l)) {
		in->a->known++; /* our own merge moved it */
	} else {
		check_person(in, e->sunco_id, e);
	}
}

/* Merges that follow one another may be told the other way round: whoever
 * survived this one may be known to have gone on already. */
static void follow_on(struct intake *in, const char *from, const char *to,
		      const struct db_wake *w)
{
	int64_t since_ms = in->a->now_ms - STORE_DAY_MS;
	struct db_wake bare = *w;
	char at[SUNCO_ID_SIZE], next[SUNCO_ID_SIZE];

	bare.zendesk_user_id = 0;
	(void)str_copy(at, sizeof(at), to);
	for (int i = 0; i < MERGES_MAX; i++) {
		if (!db_sunco_merged(in->q, in->account, at, since_ms, next) ||
		    strcmp(next, from) == 0)
			return;
		db_person_merge(in->q, in->account, at, next);
		db_person_follow(in->q, in->account, at, next, &bare);
		memcpy(at, next, sizeof(at));
	}
}

static void on_sunco_merge(struct intake *in, const struct event *e)
{
	struct db_wake w = wake_of(in, e);
	char person[PERSON_SIZE];

	if (!job_person(person, e->sunco_id, 0))
		return;
	if (!job_person(person, e->other_sunco_id, 0) ||
	    strcmp(e->other_sunco_id, e->sunco_id) == 0) {
		wake_person(in, e->sunco_id, e);
		return;
	}
	db_person_merge(in->q, in->account, e->other_sunco_id, e->sunco_id);
	db_tally_merge(in->q, in->account, e->other_sunco_id, in->a->now_ms);
	db_hindsight_login(in->q, in->account, e->other_sunco_id,
			   in->a->now_ms);
	db_person_follow(in->q, in->account, e->other_sunco_id, e->sunco_id,
			 &w);
	db_do(in->q, SUNCO_MERGE_PUT, db_int(in->account),
	      db_text(e->other_sunco_id), db_text(e->sunco_id),
	      db_int(in->a->now_ms));
	follow_on(in, e->other_sunco_id, e->sunco_id, &w);
}

/* A busy job goes when it ends: its saga may be under way. */
static void on_sunco_remove(struct intake *in, const struct event *e)
{
	char person[PERSON_SIZE];
	struct db_job job;

	if (!job_person(person, e->sunco_id, 0))
		return;
	in->a->erased++;
	job.zendesk_user_id = 0;
	if (db_job_find(in->q, in->account, person, &job)) {
		if (db_job_busy(in->q, &job))
			db_do(in->q, JOB_ERASE, db_int(job.id));
		else
			db_job_delete(in->q, &job, in->a->now_ms);
	}
	db_person_erase(in->q, in->account, e->sunco_id, job.zendesk_user_id,
			in->a->now_ms);
}

typedef void effect_fn(struct intake *in, const struct event *e);

static effect_fn *const effects[] = {
	[EVENT_OTHER] = NULL,
	[EVENT_CONVERSATION_CREATE] = on_person,
	[EVENT_CONVERSATION_REFERRAL] = on_person,
	[EVENT_CONVERSATION_MESSAGE] = on_message,
	[EVENT_PASS_CONTROL] = on_pass_control,
	[EVENT_USER_AUTHENTICATED] = on_person,
	[EVENT_SUNCO_MERGE] = on_sunco_merge,
	[EVENT_SUNCO_REMOVE] = on_sunco_remove,
	[EVENT_TICKET] = on_zendesk_user,
	[EVENT_ZD_USER_CREATED] = on_zendesk_user,
	[EVENT_ZD_IDENTITY] = on_identity,
	[EVENT_ZD_USER_MERGED] = on_zendesk_merge,
	[EVENT_ZD_USER_DELETED] = on_zendesk_removal,
};

static void accept_event(struct intake *in, const struct event *e)
{
	int is_new = db_exec(in->q, EVENT_INSERT, db_int(in->account),
			     db_blob(e->key.bytes, e->key.len),
			     db_int(in->a->now_ms), db_int(e->kind));

	if (is_new == 0) {
		in->a->duplicate++;
		return;
	}
	in->a->accepted++;
	in->a->behind += e->behind;
	in->q->outdated = 0;
	if ((size_t)e->kind < ARRAY_LEN(effects) && effects[e->kind] != NULL)
		effects[e->kind](in, e);
	in->a->outdated += in->q->outdated > 0;
}

enum result op_accept(struct db *q, struct store_op *op)
{
	struct store_accept *a = &op->u.accept;
	struct intake in = {q, a, db_account_id(q, a->account, true)};
	size_t i;

	a->accepted = a->duplicate = a->known = a->noted = a->erased = 0;
	a->outdated = a->behind = 0;
	q->woken = 0;
	for (i = 0; i < a->count; i++)
		accept_event(&in, &a->events[i]);
	a->woken = q->woken;
	return RESULT_OK;
}
