/*
 * Cases: the walk over all of history goes when a person says so, stops when
 * they do, ends when enough were woken, and wakes everybody once.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define LEASE (2 * MINUTE)

/* ---- operations ---- */

static struct store_walk walk(struct ct *c, bool stop, int64_t max, bool anew)
{
	struct store_op op;

	store_op_init(&op, STORE_WALK);
	op.u.walk.account = CT_ACCOUNT;
	op.u.walk.now_ms = c->now_ms;
	op.u.walk.stop = stop;
	op.u.walk.anew = anew;
	op.u.walk.woken_max = max;
	op.u.walk.since_ms = 7;
	op.u.walk.total = 1000;
	CT_DO(c, &op);
	return op.u.walk;
}

static struct store_walk start(struct ct *c, int64_t max)
{
	return walk(c, false, max, false);
}

static struct store_walk stop(struct ct *c)
{
	return walk(c, true, 0, false);
}

/* Of the claim only numbers stay. */
static struct store_cursor claim(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_CURSOR);
	op.u.cursor.account = CT_ACCOUNT;
	op.u.cursor.name = STORE_WALK_NAME;
	op.u.cursor.now_ms = c->now_ms;
	op.u.cursor.lease_ms = LEASE;
	op.u.cursor.started_only = true;
	CT_DO(c, &op);
	store_op_release(&op);
	return op.u.cursor;
}

/* A page of people named a, b, ... whose users are 1, 2, ... */
static enum result find(struct ct *c, const struct store_cursor *at,
			const char *names, bool end, struct store_found *out)
{
	struct store_person people[8];
	struct store_op op;
	enum result r;

	memset(people, 0, sizeof(people));
	for (size_t i = 0; names[i]; i++) {
		people[i].sunco_id[0] = names[i];
		people[i].zendesk_user_id = (uint64_t)(names[i] - 'a' + 1);
	}
	store_op_init(&op, STORE_FOUND);
	op.u.found = (struct store_found){
		.account = CT_ACCOUNT,
		.name = STORE_WALK_NAME,
		.token = at->token,
		.now_ms = c->now_ms,
		.lease_ms = LEASE,
		.people = people,
		.count = strlen(names),
		.scanned = 100,
		.cursor = "next",
		.end = end,
		.source = EVENT_FROM_BACKFILL,
		.recheck_ms = 7 * DAY,
	};
	r = store_do(c->s, &op);
	*out = op.u.found;
	return r;
}

/* Claims it, finds this page; how many were woken. */
static int page(struct ct *c, const char *names, bool end)
{
	struct store_cursor at = claim(c);
	struct store_found f;

	assert_true(at.mine);
	assert_int_equal(find(c, &at, names, end, &f), RESULT_OK);
	c->now_ms += LEASE; /* whoever had it is gone */
	return f.woken;
}

static struct store_cursor_row row(struct ct *c)
{
	struct store_cursor_row r;
	struct store_op op;

	store_op_init(&op, STORE_CURSORS);
	op.u.cursors.account = CT_ACCOUNT;
	op.u.cursors.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.cursors.count, 1);
	r = op.u.cursors.rows[0];
	store_op_release(&op);
	r.cursor = r.failure = NULL;
	return r;
}

/* Everybody who is due now is decided about. */
static void decide(struct ct *c)
{
	struct store_op op, settle;

	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_true(op.u.claim.count > 0);
	for (size_t i = 0; i < op.u.claim.count; i++) {
		const struct job *job = &op.u.claim.jobs[i];

		ct_settle_op(c, &settle, job, JOB_DONE);
		settle.u.settle.zendesk_user_id = job->zendesk_user_id;
		CT_DO(c, &settle);
	}
	store_op_release(&op);
}

/* ---- start ---- */

static void nobody_walks_unasked(struct ct *c)
{
	struct store_cursor at = claim(c);

	assert_false(at.mine);
	assert_true(at.next_ms == INT64_MAX);
	assert_false(stop(c).was_going);
}

static void it_goes_once(struct ct *c)
{
	struct store_walk w = start(c, 0);
	struct store_cursor_row r;
	struct job job;

	assert_false(w.resumed);
	assert_int_equal(page(c, "a", false), 1);
	job = ct_job(c, "s:a");
	assert_int_equal(job.source, EVENT_FROM_BACKFILL);
	assert_int_equal(job.lane, LANE_BACKFILL);
	assert_int_equal(job.deadline_ms, job.created_ms); /* no wait */
	job_release(&job);
	assert_int_equal(page(c, "b", true), 1);
	assert_false(claim(c).mine);
	c->now_ms += 365 * DAY;
	assert_true(claim(c).next_ms == INT64_MAX);
	r = row(c);
	assert_true(r.done);
	assert_int_equal(r.total, 1000);
	assert_int_equal(r.scanned, 200);
	assert_int_equal(r.found, 2);
	assert_int_equal(r.woken, 2);
	assert_int_equal(r.unfinished, 2);
	assert_int_equal(r.ready, 2);
}

static void asked_again_it_goes_on(struct ct *c)
{
	struct store_walk w;

	start(c, 0);
	page(c, "a", false);
	w = start(c, 0);
	assert_true(w.resumed);
	assert_true(w.was_going);
	assert_int_equal(row(c).scanned, 100);
	w = walk(c, false, 0, true);
	assert_false(w.resumed);
	assert_true(w.was_going);
	assert_int_equal(row(c).scanned, 0);
	assert_int_equal(row(c).since_ms, 7);
}

/* Whoever walked the old one must not move the new one. */
static void a_new_one_is_not_the_old_ones(struct ct *c)
{
	struct store_cursor at;
	struct store_found f;

	start(c, 0);
	at = claim(c);
	walk(c, false, 0, true);
	assert_int_equal(find(c, &at, "a", false, &f), RESULT_CONFLICT);
	assert_int_equal(row(c).scanned, 0);
}

static void after_the_end_a_new_one_begins(struct ct *c)
{
	start(c, 0);
	page(c, "a", true);
	decide(c);
	assert_false(start(c, 0).resumed);
	assert_int_equal(row(c).woken, 0);
	assert_true(claim(c).mine);
}

/* ---- who is woken ---- */

static void whoever_was_decided_before_is_decided_again(struct ct *c)
{
	ct_rest(c, "a", JOB_DONE); /* by the rules of then */
	c->now_ms += MINUTE;
	start(c, 0);
	assert_int_equal(page(c, "a", false), 1);
	decide(c);
	assert_int_equal(page(c, "a", false), 0); /* the page came again */
	walk(c, false, 0, true);
	assert_int_equal(page(c, "a", false), 1);
}

static void who_is_linked_is_left_alone(struct ct *c)
{
	ct_link(c, "a", 1, 9);
	start(c, 0);
	assert_int_equal(page(c, "ab", false), 1);
	assert_int_equal(row(c).found, 2);
}

/* They write, and have all the time that anybody has. */
static void an_event_makes_it_a_conversation(struct ct *c)
{
	static const bool stopped[] = {false, true};
	struct job job;

	for (size_t i = 0; i < ARRAY_LEN(stopped); i++) {
		char name[2] = {(char)('a' + i), '\0'};
		char person[4] = {'s', ':', name[0], '\0'};

		walk(c, false, 0, true);
		page(c, name, false);
		if (stopped[i])
			stop(c);
		ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, name));
		job = ct_job(c, person);
		assert_int_equal(job.state, JOB_READY);
		assert_true(job.run_at_ms <= c->now_ms);
		assert_int_equal(job.lane, LANE_LIVE);
		assert_int_equal(job.source, EVENT_FROM_SUNCO);
		assert_int_equal(job.deadline_ms, c->now_ms + CT_WAIT);
		job_release(&job);
	}
}

/* The user of a is 1. */
static void sweep_a(struct ct *c, int woken)
{
	struct store_person a = {.sunco_id = "a", .zendesk_user_id = 1};
	struct store_op op, claim;

	store_op_init(&claim, STORE_CURSOR);
	claim.u.cursor.account = CT_ACCOUNT;
	claim.u.cursor.name = "users";
	claim.u.cursor.now_ms = c->now_ms;
	claim.u.cursor.lease_ms = LEASE;
	claim.u.cursor.begun_ms = c->now_ms + 1;
	CT_DO(c, &claim);
	assert_true(claim.u.cursor.mine);
	a.changed_ms = c->now_ms;
	store_op_init(&op, STORE_FOUND);
	op.u.found = (struct store_found){
		.account = CT_ACCOUNT,
		.name = "users",
		.token = claim.u.cursor.token,
		.now_ms = c->now_ms,
		.lease_ms = LEASE,
		.people = &a,
		.count = 1,
		.scanned = 1,
		.cursor = "next",
		.end = true,
		.source = EVENT_FROM_SWEEP,
		.wait_ms = CT_WAIT,
		.recheck_ms = 7 * DAY,
	};
	CT_DO(c, &op);
	assert_int_equal(op.u.found.woken, woken);
	store_op_release(&claim);
}

/* Whoever talked to us during an outage does not rest with history. */
static void a_sweep_makes_it_a_conversation(struct ct *c)
{
	struct job job;

	start(c, 0);
	page(c, "ab", false);
	stop(c);
	sweep_a(c, 1);
	job = ct_job(c, "s:a");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.source, EVENT_FROM_SWEEP);
	assert_int_equal(job.deadline_ms, c->now_ms + CT_WAIT);
	job_release(&job);
	sweep_a(c, 0);
	start(c, 0);
	stop(c);
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void an_event_while_it_runs_makes_it_one(struct ct *c)
{
	struct job job, again;

	start(c, 0);
	page(c, "a", false);
	job = ct_claim(c);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "a"));
	ct_settle(c, &job, JOB_DONE);
	again = ct_claim(c);
	assert_int_equal(again.lane, LANE_LIVE);
	assert_int_equal(again.source, EVENT_FROM_SUNCO);
	assert_int_equal(again.deadline_ms, c->now_ms + CT_WAIT);
	job_release(&again);
}

/* ---- enough ---- */

static void enough_were_woken(struct ct *c)
{
	struct store_cursor_row r;

	start(c, 2);
	assert_int_equal(page(c, "abc", false), 2);
	r = row(c);
	assert_true(r.full);
	assert_int_equal(r.woken, 2);
	assert_int_equal(r.scanned, 0); /* the page is not through */
	assert_false(claim(c).mine);
	decide(c);
	start(c, 2);
	assert_int_equal(page(c, "abc", false), 1);
	assert_int_equal(page(c, "d", true), 1);
	assert_true(row(c).done);
	assert_int_equal(row(c).woken, 4);
}

static void as_many_as_there_are_is_not_too_many(struct ct *c)
{
	start(c, 2);
	assert_int_equal(page(c, "ab", true), 2);
	assert_true(row(c).done);
}

static void without_a_limit_it_goes_to_the_end(struct ct *c)
{
	start(c, 1);
	page(c, "abc", false);
	decide(c);
	assert_true(start(c, 0).resumed);
	assert_int_equal(page(c, "abc", true), 2);
	assert_true(row(c).done);
}

/* ---- stop ---- */

static void stopped_nothing_begins(struct ct *c)
{
	struct store_cursor at;
	struct store_walk w;
	struct store_found f;

	start(c, 0);
	page(c, "abc", false);
	at = claim(c);
	w = stop(c);
	assert_true(w.was_going);
	assert_int_equal(w.parked, 3);
	assert_int_equal(find(c, &at, "d", false, &f), RESULT_CONFLICT);
	c->now_ms += 365 * DAY;
	assert_false(claim(c).mine);
	assert_int_equal(ct_claim_count(c, 10), 0);
	assert_int_equal(row(c).unfinished, 3);
	assert_int_equal(row(c).ready, 0);
	assert_true(row(c).stopped);
	w = start(c, 0);
	assert_true(w.resumed);
	assert_int_equal(w.parked, 3);
	assert_int_equal(ct_claim_count(c, 10), 3);
	assert_true(claim(c).mine);
}

static void the_gauges_know(struct ct *c)
{
	struct store_op op;

	start(c, 0);
	page(c, "abc", false);
	stop(c);
	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(op.u.stats.jobs[JOB_READY], 0);
	assert_int_equal(op.u.stats.jobs[JOB_WAITING], 3);
	start(c, 0);
	CT_DO(c, &op);
	assert_int_equal(op.u.stats.jobs[JOB_READY], 3);
	assert_int_equal(op.u.stats.jobs[JOB_WAITING], 0);
}

/* The search is over, but not what it found. */
static void the_end_can_be_stopped(struct ct *c)
{
	struct store_walk w;

	start(c, 0);
	page(c, "ab", true);
	assert_int_equal(stop(c).parked, 2);
	assert_int_equal(ct_claim_count(c, 10), 0);
	w = start(c, 0);
	assert_true(w.resumed);
	assert_int_equal(w.parked, 2);
}

/* Asked for again before they are through, it is the same one still. */
static void a_full_one_gets_more_when_it_is_through(struct ct *c)
{
	start(c, 1);
	page(c, "ab", false);
	start(c, 5);
	assert_true(row(c).full);
	assert_int_equal(stop(c).parked, 1);
	assert_true(start(c, 5).resumed);
	assert_true(row(c).full);
	assert_int_equal(row(c).woken_max, 1);
	decide(c);
	start(c, 5);
	assert_int_equal(row(c).woken_max, 6);
	assert_int_equal(page(c, "ab", false), 1);
}

/* Everybody is found, but not through. */
static void a_new_one_waits_for_the_finds_of_the_old(struct ct *c)
{
	start(c, 0);
	page(c, "ab", true);
	assert_true(start(c, 0).resumed);
	assert_int_equal(page(c, "", true), 0); /* it was at its end */
	decide(c);
	assert_false(start(c, 0).resumed);
}

static void stopped_it_keeps_its_limit(struct ct *c)
{
	start(c, 5);
	page(c, "a", false);
	stop(c);
	start(c, 3);
	assert_int_equal(row(c).woken_max, 5);
}

/* Zendesk may have done it: it has to be looked at. */
static void a_saga_is_not_stopped(struct ct *c)
{
	struct journal_entry e = ct_entry(1, 12);
	struct store_op op;
	struct job job;

	start(c, 0);
	page(c, "a", false);
	job = ct_claim(c);
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	ct_settle(c, &job, JOB_READY);
	assert_int_equal(stop(c).parked, 0);
	c->now_ms += 5 * MINUTE;
	assert_int_equal(ct_claim_count(c, 10), 1);
}

static void others_are_not_stopped(struct ct *c)
{
	struct store_op op;

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "live"));
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = "swept";
	op.u.enqueue.lane = LANE_BACKFILL;
	op.u.enqueue.now_ms = c->now_ms;
	CT_DO(c, &op);
	start(c, 0);
	page(c, "a", false);
	assert_int_equal(stop(c).parked, 1);
	assert_int_equal(ct_claim_count(c, 10), 2);
}

/* A restart of the daemon waits for nobody. */
static void a_new_life_goes_on_at_once(struct ct *c)
{
	start(c, 0);
	assert_true(claim(c).mine);
	assert_false(claim(c).mine);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	assert_int_equal(claim(c).mine, !c->factory->shared);
}

static void what_cannot_be_is_refused(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_WALK);
	CT_REFUSED(c, &op, RESULT_INVALID);
	op.u.walk.account = CT_ACCOUNT;
	op.u.walk.woken_max = -1;
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static const struct ct_case cases[] = {
	CT_CASE(nobody_walks_unasked),
	CT_CASE(it_goes_once),
	CT_CASE(asked_again_it_goes_on),
	CT_CASE(a_new_one_is_not_the_old_ones),
	CT_CASE(after_the_end_a_new_one_begins),
	CT_CASE(whoever_was_decided_before_is_decided_again),
	CT_CASE(who_is_linked_is_left_alone),
	CT_CASE(an_event_makes_it_a_conversation),
	CT_CASE(a_sweep_makes_it_a_conversation),
	CT_CASE(an_event_while_it_runs_makes_it_one),
	CT_CASE(enough_were_woken),
	CT_CASE(as_many_as_there_are_is_not_too_many),
	CT_CASE(without_a_limit_it_goes_to_the_end),
	CT_CASE(stopped_nothing_begins),
	CT_CASE(the_gauges_know),
	CT_CASE(the_end_can_be_stopped),
	CT_CASE(a_full_one_gets_more_when_it_is_through),
	CT_CASE(a_new_one_waits_for_the_finds_of_the_old),
	CT_CASE(stopped_it_keeps_its_limit),
	CT_CASE(a_saga_is_not_stopped),
	CT_CASE(others_are_not_stopped),
	CT_CASE(a_new_life_goes_on_at_once),
	CT_CASE(what_cannot_be_is_refused),
};

const struct ct_group ct_walk_cases = {cases, ARRAY_LEN(cases)};
