/*
 * Cases: somebody turns out to be somebody else in the middle of it. Every
 * state of the discarded SunCo user's job with every state of the survivor's;
 * and messages that come while a job looks.
 */
#include "contract.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

enum place {
	NOBODY,
	READY,
	RETRY, /* ready, after a failure, later */
	RUNNING,
	WAITING,
	IN_REVIEW,
	ATTACHED, /* to a third person's review */
	DEAD,
	DONE,
	SAGA, /* a merge under way, nothing known of its end */
	RUNNING_SAGA,
	DEAD_SAGA,
	PLACE_COUNT
};

static const char *const place_names[] = {
	"nobody",   "ready", "retry", "running", "waiting",	 "review",
	"attached", "dead",  "done",  "saga",	 "running saga", "dead saga",
};

/* One person of a case. */
struct person {
	char id[24];
	char name[PERSON_SIZE];
	enum place place;
	uint64_t user;	/* its ticket, profile and the like are near */
	struct job job; /* while it runs */
	int64_t entry;	/* of its saga */
	int64_t review; /* its own */
	int64_t deadline_ms;
};

static void person_init(struct person *p, const char *id, uint64_t n,
			enum place place)
{
	memset(p, 0, sizeof(*p));
	snprintf(p->id, sizeof(p->id), "%s-%d", id, (int)n);
	assert_true(job_person(p->name, p->id, 0));
	p->place = place;
	p->user = 1000 * n + 1000;
}

static uint64_t ticket_of(const struct person *p)
{
	return p->user + 1;
}

static uint64_t profile_of(const struct person *p)
{
	return p->user + 2;
}

static struct job claim(struct ct *c, const char *name)
{
	struct job job = ct_job(c, name);
	struct store_op op;

	ct_claim_op(c, &op, 1);
	op.u.claim.job_id = job.id;
	job_release(&job);
	CT_DO(c, &op);
	if (op.u.claim.count != 1)
		fail_msg("%s cannot be claimed", name);
	job_copy(&job, &op.u.claim.jobs[0]);
	store_op_release(&op);
	return job;
}

static void begin_saga(struct ct *c, struct person *p)
{
	struct journal_entry e = ct_entry(p->user, profile_of(p));
	struct store_op op;

	ct_intent_op(c, &op, &p->job, &e);
	CT_DO(c, &op);
	p->entry = op.u.intent.journal_id;
}

static void settle_saga(struct ct *c, struct person *p, enum job_state state)
{
	struct journal_entry e = ct_entry(p->user, profile_of(p));
	struct store_op op;

	e.id = p->entry;
	e.status = state == JOB_DONE ? JOURNAL_DONE : JOURNAL_UNCERTAIN;
	ct_settle_op(c, &op, &p->job, state);
	op.u.settle.entry = &e;
	op.u.settle.progress = state == JOB_DONE ? NULL : "{\"saga\":1}";
	CT_DO(c, &op);
	job_release(&p->job);
}

/* To a third person's open review. */
static void attach(struct ct *c, struct person *p)
{
	struct person third;
	struct store_op op;
	struct review r;

	person_init(&third, "third", p->user, IN_REVIEW);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, third.id));
	third.job = claim(c, third.name);
	ct_settle_review(c, &third.job, third.user, profile_of(p));
	r = ct_review(&p->job, p->user, profile_of(p));
	ct_settle_op(c, &op, &p->job, JOB_REVIEW);
	op.u.settle.review = &r;
	CT_DO(c, &op);
	job_release(&p->job);
}

static void bring(struct ct *c, struct person *p)
{
	static const enum job_state ends[PLACE_COUNT] = {
		[RETRY] = JOB_READY,
		[WAITING] = JOB_WAITING,
		[DEAD] = JOB_DEAD,
		[DONE] = JOB_DONE,
	};

	p->job = claim(c, p->name);
	p->deadline_ms = p->job.deadline_ms;
	if (p->place >= SAGA)
		begin_saga(c, p);
	if (p->place == SAGA || p->place == DEAD_SAGA)
		settle_saga(c, p, p->place == SAGA ? JOB_READY : JOB_DEAD);
	else if (p->place == IN_REVIEW)
		p->review =
			ct_settle_review(c, &p->job, p->user, profile_of(p));
	else if (p->place == ATTACHED)
		attach(c, p);
	else if (p->place != RUNNING && p->place != RUNNING_SAGA)
		ct_settle(c, &p->job, ends[p->place]);
}

static void put(struct ct *c, struct person *p)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, p->id);
	struct job job;

	if (p->place == NOBODY)
		return;
	e.messaging_identity = true;
	e.zendesk_user_id = p->user;
	e.ticket_id = ticket_of(p);
	ct_accept(c, e);
	if (p->place != READY) {
		bring(c, p);
		return;
	}
	job = ct_job(c, p->name);
	p->deadline_ms = job.deadline_ms;
	job_release(&job);
}

static void sunco_merge(struct ct *c, const struct person *from,
			const struct person *to)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, to->id);

	assert_true(
		str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), from->id));
	ct_accept(c, e);
}

static bool is_busy(const struct person *p)
{
	return p->place == RUNNING || p->place >= SAGA;
}

/* Whatever is under way comes to its end. */
static void finish(struct ct *c, struct person *p)
{
	if (p->place == RUNNING) {
		ct_settle(c, &p->job, JOB_DONE);
	} else if (p->place == RUNNING_SAGA) {
		settle_saga(c, p, JOB_DONE);
	} else if (p->place >= SAGA) {
		p->job = claim(c, p->name);
		assert_string_equal(p->job.progress, "{\"saga\":1}");
		assert_int_equal(p->job.journal_id, p->entry);
		settle_saga(c, p, JOB_DONE);
	}
}

static bool in_round(const struct person *p)
{
	return p->place == READY || p->place == RETRY || p->place == WAITING;
}

/* How many entries say that nobody decides about the user any more. */
static size_t named_gone(struct ct *c, const struct person *p)
{
	struct store_op op;
	size_t n = 0;

	store_op_init(&op, STORE_JOURNAL);
	op.u.journal.user = p->user;
	CT_DO(c, &op);
	for (size_t i = 0; i < op.u.journal.count; i++)
		n += op.u.journal.entries[i].reason ==
		     REASON_MESSAGING_USER_GONE;
	store_op_release(&op);
	return n;
}

struct meeting {
	struct person old, new;
	bool old_ends_first;
};

#define EXPECT(m, cond)                                                        \
	do {                                                                   \
		if (!(cond))                                                   \
			fail_msg("%s into %s, %d: not %s",                     \
				 place_names[(m)->old.place],                  \
				 place_names[(m)->new.place],                  \
				 (m)->old_ends_first, #cond);                  \
	} while (0)

/* A saga of the survivor that ran after everything had come is the run that
 * was woken for. */
static enum job_state expected(const struct meeting *m)
{
	bool resumed = m->new.place == SAGA || m->new.place == DEAD_SAGA;
	bool last = !is_busy(&m->old) || m->old_ends_first;

	return resumed && last ? JOB_DONE : JOB_READY;
}

static uint64_t hint_of(const struct meeting *m)
{
	if (m->new.place != NOBODY)
		return m->new.user;
	return m->old.place != NOBODY ? m->old.user : 0;
}

static uint64_t ticket_told(const struct meeting *m)
{
	if (m->old.place != NOBODY)
		return ticket_of(&m->old);
	return m->new.place != NOBODY ? ticket_of(&m->new) : 0;
}

static void check_job(struct ct *c, const struct meeting *m)
{
	struct job job, none;

	EXPECT(m, !ct_find(c, m->old.name, &none));
	job = ct_job(c, m->new.name);
	EXPECT(m, job.state == expected(m));
	EXPECT(m, job.zendesk_user_id == hint_of(m));
	EXPECT(m, job.ticket_id == ticket_told(m));
	EXPECT(m, job.review_id == 0);
	if (in_round(&m->old))
		EXPECT(m, job.deadline_ms >= m->old.deadline_ms);
	if (in_round(&m->new))
		EXPECT(m, job.deadline_ms >= m->new.deadline_ms);
	EXPECT(m, job.deadline_ms > c->now_ms);
	EXPECT(m, job.deadline_ms <= c->now_ms + CT_WAIT);
	job_release(&job);
}

static void check_saga(struct ct *c, const struct person *p)
{
	struct journal_entry e;

	if (!p->entry)
		return;
	e = ct_entry_read(c, p->entry);
	assert_int_equal(e.status, JOURNAL_DONE);
	journal_entry_release(&e);
}

static void check_rest(struct ct *c, const struct meeting *m)
{
	bool went_into = m->old.place != NOBODY && m->old.place != DONE &&
			 !is_busy(&m->old) && m->new.place != NOBODY;
	struct review r;

	EXPECT(m, named_gone(c, &m->old) == went_into);
	check_saga(c, &m->old);
	check_saga(c, &m->new);
	if (!m->old.review)
		return;
	r = ct_review_read(c, m->old.review);
	EXPECT(m, r.state == REVIEW_EXPIRED);
	review_release(&r);
}

static void meet(struct ct *c, struct meeting *m)
{
	put(c, &m->new);
	c->now_ms += MINUTE;
	put(c, &m->old);
	c->now_ms += MINUTE / 4;
	sunco_merge(c, &m->old, &m->new);
	if (m->old_ends_first)
		finish(c, &m->old);
	finish(c, &m->new);
	if (!m->old_ends_first)
		finish(c, &m->old);
	check_job(c, m);
	check_rest(c, m);
}

static void every_state_moves_into_every_state(struct ct *c)
{
	for (int n = 0; n < PLACE_COUNT * PLACE_COUNT * 2; n++) {
		struct meeting m = {.old_ends_first = n % 2 != 0};

		person_init(&m.old, "old", 2 * (uint64_t)n,
			    (enum place)(n / 2 % PLACE_COUNT));
		person_init(&m.new, "new", 2 * (uint64_t)n + 1,
			    (enum place)(n / 2 / PLACE_COUNT));
		if (m.old_ends_first && !is_busy(&m.old))
			continue;
		meet(c, &m);
		c->now_ms += HOUR;
	}
}

static void a_running_job_follows_a_chain(struct ct *c)
{
	struct person a, b, d;
	struct job job;

	person_init(&a, "a", 0, RUNNING);
	person_init(&b, "b", 1, NOBODY);
	person_init(&d, "c", 2, NOBODY);
	put(c, &a);
	sunco_merge(c, &a, &b);
	sunco_merge(c, &b, &d);
	ct_settle(c, &a.job, JOB_WAITING);
	assert_false(ct_find(c, a.name, &job));
	assert_false(ct_find(c, b.name, &job));
	job = ct_job(c, d.name);
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.zendesk_user_id, a.user);
	assert_int_equal(job.ticket_id, ticket_of(&a));
	job_release(&job);
}

static void a_merge_told_twice_is_one(struct ct *c)
{
	struct meeting m = {.old_ends_first = true};

	person_init(&m.old, "old", 0, RUNNING_SAGA);
	person_init(&m.new, "new", 1, WAITING);
	put(c, &m.new);
	put(c, &m.old);
	sunco_merge(c, &m.old, &m.new);
	sunco_merge(c, &m.old, &m.new);
	finish(c, &m.old);
	check_job(c, &m);
	sunco_merge(c, &m.old, &m.new);
	check_job(c, &m);
	check_rest(c, &m);
}

/* A webhook is a hint: even one that cannot be true loses nobody. */
static void there_and_back_again(struct ct *c)
{
	struct person a, b;
	struct job job;

	person_init(&a, "a", 0, RUNNING);
	person_init(&b, "b", 1, WAITING);
	put(c, &b);
	put(c, &a);
	sunco_merge(c, &a, &b);
	sunco_merge(c, &b, &a);
	ct_settle(c, &a.job, JOB_DONE);
	job = ct_job(c, a.name);
	assert_int_equal(job.state, JOB_READY);
	job_release(&job);
	assert_false(ct_find(c, b.name, &job));
}

static void a_merge_that_is_told_first_makes_no_difference(struct ct *c)
{
	struct person a, b;
	struct job job;

	person_init(&a, "a", 0, WAITING);
	person_init(&b, "b", 1, NOBODY);
	sunco_merge(c, &a, &b);
	assert_int_equal(ct_state(c, b.name), JOB_READY);
	/* What is told of the discarded one then is looked into, and ends. */
	put(c, &a);
	job = ct_job(c, a.name);
	assert_int_equal(job.state, JOB_WAITING);
	job_release(&job);
}

/* Given for what the discarded one had said. */
static void an_approval_does_not_move(struct ct *c)
{
	struct person a, b;
	struct store_op op;
	struct job job;

	person_init(&a, "a", 0, IN_REVIEW);
	person_init(&b, "b", 1, NOBODY);
	put(c, &a);
	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = a.review;
	op.u.decide.approve = true;
	op.u.decide.by = "eve";
	op.u.decide.now_ms = c->now_ms;
	CT_DO(c, &op);
	store_op_release(&op);
	job = ct_job(c, a.name);
	assert_int_equal(job.review_id, a.review);
	job_release(&job);
	sunco_merge(c, &a, &b);
	job = ct_job(c, b.name);
	assert_int_equal(job.review_id, 0);
	job_release(&job);
}

/* Nobody says any more what the run found out. */
static void a_moved_run_asks_and_remembers_nothing(struct ct *c)
{
	struct store_link link = {.zendesk_user_id = 5, .checked_ms = CT_START};
	struct person a, b;
	struct store_op op;
	struct review r;

	person_init(&a, "a", 0, RUNNING);
	person_init(&b, "b", 1, NOBODY);
	put(c, &a);
	sunco_merge(c, &a, &b);
	r = ct_review(&a.job, a.user, profile_of(&a));
	assert_true(str_copy(link.sunco_id, sizeof(link.sunco_id), a.id));
	ct_settle_op(c, &op, &a.job, JOB_REVIEW);
	op.u.settle.review = &r;
	op.u.settle.link = &link;
	CT_DO(c, &op);
	assert_true(op.u.settle.moved);
	assert_true(op.u.settle.again);
	assert_int_equal(op.u.settle.review_id, 0);
	job_release(&a.job);
	assert_false(ct_recall(c, a.id, 0, 0).linked);
	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.state = REVIEW_OPEN;
	CT_DO(c, &op);
	assert_int_equal(op.u.reviews.count, 0);
	store_op_release(&op);
}

/* The survivor is removed while the discarded one's job is still busy. */
static void an_erased_survivor_takes_who_was_on_the_way(struct ct *c)
{
	struct event e;
	struct person a, b;
	struct job job;

	person_init(&a, "a", 0, RUNNING_SAGA);
	person_init(&b, "b", 1, WAITING);
	put(c, &b);
	put(c, &a);
	sunco_merge(c, &a, &b);
	e = ct_event(EVENT_SUNCO_REMOVE, b.id);
	ct_accept(c, e);
	assert_false(ct_find(c, b.name, &job));
	finish(c, &a);
	check_saga(c, &a);
	assert_false(ct_find(c, a.name, &job));
	assert_false(ct_find(c, b.name, &job));
}

/* --- messages --- */

static void say(struct ct *c, const struct person *p)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_MESSAGE, p->id));
}

/* It may have come too late for this look: the next one is soon. */
static void a_message_during_a_run_hastens_the_next(struct ct *c)
{
	struct person a;
	struct job job;

	person_init(&a, "a", 0, RUNNING);
	put(c, &a);
	c->now_ms += 1000;
	say(c, &a);
	say(c, &a);
	ct_settle(c, &a.job, JOB_WAITING);
	job = ct_job(c, a.name);
	assert_int_equal(job.state, JOB_WAITING);
	assert_int_equal(job.run_at_ms, c->now_ms + 15000);
	job_release(&job);
}

static void a_message_during_a_run_that_ends_is_nothing(struct ct *c)
{
	struct person a;

	person_init(&a, "a", 0, RUNNING);
	put(c, &a);
	say(c, &a);
	ct_settle(c, &a.job, JOB_DONE);
	assert_int_equal(ct_state(c, a.name), JOB_DONE);
}

static const struct ct_case cases[] = {
	CT_CASE(every_state_moves_into_every_state),
	CT_CASE(a_running_job_follows_a_chain),
	CT_CASE(a_merge_told_twice_is_one),
	CT_CASE(there_and_back_again),
	CT_CASE(a_merge_that_is_told_first_makes_no_difference),
	CT_CASE(an_approval_does_not_move),
	CT_CASE(a_moved_run_asks_and_remembers_nothing),
	CT_CASE(an_erased_survivor_takes_who_was_on_the_way),
	CT_CASE(a_message_during_a_run_hastens_the_next),
	CT_CASE(a_message_during_a_run_that_ends_is_nothing),
};
const struct ct_group ct_late_cases = {cases, ARRAY_LEN(cases)};
