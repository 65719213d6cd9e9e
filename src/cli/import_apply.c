/*
 * Giving users their external ids, and looking whether they have them. See
 * import_walk.h.
 *
 * A job is followed by looks that come ever less often. Whatever it says, or
 * if it never ends, VERIFY reads the users: only that tells what happened.
 * What the job says of a row is the reason that the report gives.
 */
#include <string.h>

#include "base/crashpoint.h"
#include "base/str.h"
#include "import_walk.h"

#define JOB_FIRST_MS	500
#define JOB_LONGEST_MS	10000
#define JOB_PATIENCE_MS (30 * 60 * 1000)
#define JOB_TRIES	2

static const struct zd_user *find(const struct zd_user *users, size_t count,
				  uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (users[i].id == id)
			return &users[i];
	return NULL;
}

static void ids_of(const struct import_span *s, uint64_t *out)
{
	for (size_t i = 0; i < s->count; i++)
		out[i] = import_span_item(s, i)->row.user;
}

/* ---- as they are before it ---- */

static void decide_again(struct import_walk *w, struct import_item *i,
			 const struct zd_user *u)
{
	struct import_row *row = &i->row;

	if (!u || !import_owns(u, row->address)) {
		import_item_end(i, IMPORT_CHANGED, "");
		return;
	}
	import_decide(row, u, 1, 0, &w->rules);
	i->open = row->outcome == IMPORT_SET;
}

static void on_reread(const struct api_result *r, const struct zd_user *users,
		      size_t count, void *arg)
{
	struct import_span *s = arg;

	s->op = NULL;
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		decide_again(
			s->walk, import_span_item(s, i),
			find(users, count, import_span_item(s, i)->row.user));
	import_span_done(s);
}

void import_ask_reread(struct import_span *s)
{
	uint64_t ids[ZENDESK_MANY_MAX];

	ids_of(s, ids);
	s->op = zendesk_users_get_many(import_api(s->walk), LANE_BACKFILL, ids,
				       s->count, on_reread, s);
}

/* ---- doing it ---- */

static void take_failure(struct import_span *s,
			 const struct zendesk_job_failure *f)
{
	struct import_item *i = NULL;

	for (size_t n = 0; n < s->count && !i; n++)
		if (import_span_item(s, n)->row.user == f->user)
			i = import_span_item(s, n);
	if (!i && f->place < s->count)
		i = import_span_item(s, f->place);
	if (!i)
		return;
	str_copy(i->note, sizeof(i->note), *f->code ? f->code : "job_failed");
	i->duplicate = f->duplicate;
}

static void note_all(struct import_span *s, const char *note)
{
	for (size_t i = 0; i < s->count; i++)
		str_copy(import_span_item(s, i)->note, IMPORT_NOTE, note);
}

static void look_later(struct import_span *s)
{
	int64_t delay_ms = JOB_FIRST_MS << (s->looks < 5 ? s->looks : 5);

	s->looks++;
	loop_timer_set(s->timer,
		       delay_ms < JOB_LONGEST_MS ? delay_ms : JOB_LONGEST_MS);
}

static void job_failed(struct import_span *s, const struct api_result *r)
{
	struct api_result again = *r;

	s->job[0] = '\0';
	if (++s->failures == JOB_TRIES) {
		note_all(s, "job_failed");
		import_span_done(s);
		return;
	}
	again.result = error_set(&again.error, RESULT_TEMP,
				 "Zendesk's background job failed");
	import_span_again(s, &again);
}

/* Nothing will be heard of the job: the users themselves tell. */
static bool is_final(const struct api_result *r)
{
	return r->result != RESULT_OK && r->result != RESULT_TEMP &&
	       r->result != RESULT_RATE &&
	       (r->result != RESULT_AUTH || r->forbidden);
}

static void on_job(const struct api_result *r, const struct zendesk_job *job,
		   void *arg)
{
	struct import_span *s = arg;

	s->op = NULL;
	if (s->job[0] && is_final(r)) {
		import_span_done(s);
		return;
	}
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	if (!s->job[0]) {
		CRASH_POINT("import_sent");
		str_copy(s->job, sizeof(s->job), job->id);
		s->sent_ms = loop_now_ms(s->walk->loop);
		s->looks = 0;
	}
	for (size_t i = 0; i < job->failure_count; i++)
		take_failure(s, &job->failures[i]);
	if (job->state == ZENDESK_JOB_FAILED) {
		job_failed(s, r);
	} else if (job->state == ZENDESK_JOB_ENDED) {
		import_span_done(s);
	} else if (loop_now_ms(s->walk->loop) - s->sent_ms > JOB_PATIENCE_MS) {
		note_all(s, "job_unfinished");
		import_span_done(s);
	} else {
		look_later(s);
	}
}

static void look(void *arg)
{
	struct import_span *s = arg;

	s->op = zendesk_job_get(import_api(s->walk), LANE_BACKFILL, s->job,
				on_job, s);
}

static void send_job(struct import_span *s)
{
	struct zendesk_external_id ids[ZENDESK_MANY_MAX];

	for (size_t i = 0; i < s->count; i++)
		ids[i] = (struct zendesk_external_id){
			import_span_item(s, i)->row.user,
			import_span_item(s, i)->row.external_id};
	s->op = zendesk_set_external_ids(import_api(s->walk), LANE_BACKFILL,
					 ids, s->count, on_job, s);
}

static void look_before(struct import_item *i, const struct zd_user *u)
{
	if (!u || !u->active || u->role != ZD_ROLE_END_USER)
		import_item_end(i, IMPORT_CHANGED, "");
	else if (!str_is_empty(u->external_id) &&
		 !str_eq_nocase(u->external_id, i->row.external_id))
		import_item_end(i, IMPORT_OTHER_ID, "");
}

static void on_seen(const struct api_result *r, const struct zd_user *users,
		    size_t count, void *arg)
{
	struct import_span *s = arg;
	size_t kept = 0;

	s->op = NULL;
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	for (size_t i = 0; i < s->count; i++) {
		look_before(
			import_span_item(s, i),
			find(users, count, import_span_item(s, i)->row.user));
		if (import_span_item(s, i)->open)
			s->items[kept++] = s->items[i];
	}
	s->count = kept;
	if (s->count > 0)
		send_job(s);
	else
		import_span_done(s);
}

static void ask_users(struct import_span *s, zendesk_users_done *done)
{
	uint64_t ids[ZENDESK_MANY_MAX];

	ids_of(s, ids);
	s->op = zendesk_users_by_ids(import_api(s->walk), LANE_BACKFILL, ids,
				     s->count, done, s);
}

/* Other jobs, a limit, or no answer may have kept it waiting for minutes. */
void import_ask_send(struct import_span *s)
{
	if (!s->timer)
		s->timer = loop_timer_new(s->walk->loop, look, s);
	if (s->job[0])
		look(s);
	else
		ask_users(s, on_seen);
}

/* ---- as they are after it ---- */

static void verify(struct import_item *i, const struct zd_user *u)
{
	if (!u || !u->active)
		import_item_end(i, IMPORT_CHANGED, i->note);
	else if (str_eq_nocase(u->external_id, i->row.external_id))
		import_item_end(i, IMPORT_SET, "");
	else if (!str_is_empty(u->external_id))
		import_item_end(i, IMPORT_CHANGED, i->note);
	else if (i->duplicate)
		import_item_end(i, IMPORT_HELD, i->note);
	else if (i->note[0])
		import_item_end(i, IMPORT_REFUSED, i->note);
	/* else it may only not show yet */
}

static void on_verify(const struct api_result *r, const struct zd_user *users,
		      size_t count, void *arg)
{
	struct import_span *s = arg;

	s->op = NULL;
	if (r->result != RESULT_OK) {
		import_span_failed(s, r);
		return;
	}
	CRASH_POINT("import_done");
	for (size_t i = 0; i < s->count; i++)
		verify(import_span_item(s, i),
		       find(users, count, import_span_item(s, i)->row.user));
	import_span_done(s);
}

void import_ask_verify(struct import_span *s)
{
	ask_users(s, on_verify);
}
