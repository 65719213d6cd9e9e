/*
 * Walks through people: one of all goes on with one, a page and the place
 * behind it are stored together, and who is known is left alone.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define EVERY (15 * MINUTE)
#define LEASE (2 * MINUTE)
#define USER  11

/* ---- operations ---- */

static void cursor_op(struct ct *c, struct store_op *op)
{
	store_op_init(op, STORE_CURSOR);
	op->u.cursor.account = CT_ACCOUNT;
	op->u.cursor.name = "users";
	op->u.cursor.now_ms = c->now_ms;
	op->u.cursor.since_ms = CT_START - HOUR;
	op->u.cursor.every_ms = EVERY;
	op->u.cursor.lease_ms = LEASE;
	op->u.cursor.crowd = 2;
}

/* Of the claim only numbers stay. */
static struct store_cursor claim(struct ct *c)
{
	struct store_op op;

	cursor_op(c, &op);
	CT_DO(c, &op);
	store_op_release(&op);
	return op.u.cursor;
}

/* By a process that began then. */
static struct store_cursor claim_since(struct ct *c, int64_t begun_ms)
{
	struct store_op op;

	cursor_op(c, &op);
	op.u.cursor.begun_ms = begun_ms;
	CT_DO(c, &op);
	store_op_release(&op);
	return op.u.cursor;
}

static struct store_cursor claim_at_once(struct ct *c)
{
	return claim_since(c, c->now_ms + 1);
}

static void back_op(struct ct *c, struct store_op *op, int64_t token,
		    const char *failure, int64_t due_ms)
{
	cursor_op(c, op);
	op->u.cursor.what = STORE_CURSOR_BACK;
	op->u.cursor.token = token;
	op->u.cursor.failure = failure;
	op->u.cursor.due_ms = due_ms;
}

static void found_op(struct ct *c, struct store_op *op, int64_t token,
		     const struct store_person *people, size_t count)
{
	store_op_init(op, STORE_FOUND);
	op->u.found = (struct store_found){
		.account = CT_ACCOUNT,
		.name = "users",
		.token = token,
		.now_ms = c->now_ms,
		.lease_ms = LEASE,
		.people = people,
		.count = count,
		.scanned = count,
		.cursor = "next",
		.since_ms = c->now_ms,
		.source = EVENT_FROM_SWEEP,
		.wait_ms = CT_WAIT,
		.recheck_ms = 7 * DAY,
		.crowd = 2,
	};
}

static struct store_person person(struct ct *c, const char *sunco_id)
{
	struct store_person p = {
		.zendesk_user_id = USER,
		.changed_ms = c->now_ms,
	};

	assert_true(str_copy(p.sunco_id, sizeof(p.sunco_id), sunco_id));
	return p;
}

/* Claims the walk, finds these, and puts it back; how many were woken. */
static int find(struct ct *c, struct store_person p)
{
	struct store_cursor cursor = claim(c);
	struct store_op op;
	int woken;

	assert_true(cursor.mine);
	found_op(c, &op, cursor.token, &p, 1);
	CT_DO(c, &op);
	woken = op.u.found.woken;
	back_op(c, &op, cursor.token, NULL, c->now_ms);
	CT_DO(c, &op);
	return woken;
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
	op.u.cursors.rows[0].cursor = op.u.cursors.rows[0].failure = NULL;
	store_op_release(&op);
	return r;
}

/* ---- who goes on ---- */

static void one_of_all_goes_on(struct ct *c)
{
	struct store_cursor first = claim(c);
	struct store_cursor second = claim(c);
	struct store_person p = person(c, "ann");
	struct store_op op;

	assert_true(first.mine);
	assert_int_equal(first.row.since_ms, CT_START - HOUR);
	assert_false(first.crowded);
	assert_false(second.mine);
	assert_int_equal(second.next_ms, c->now_ms + LEASE);
	found_op(c, &op, first.token, &p, 1);
	c->now_ms += MINUTE;
	op.u.found.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_int_equal(claim(c).next_ms, c->now_ms + LEASE);
}

static void who_lost_the_lease_stores_nothing(struct ct *c)
{
	struct store_cursor first = claim(c), second;
	struct store_person p = person(c, "ann");
	struct store_op op;
	struct job job;

	c->now_ms += LEASE;
	second = claim(c);
	assert_true(second.mine);
	found_op(c, &op, first.token, &p, 1);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_false(ct_find(c, "s:ann", &job));
	back_op(c, &op, first.token, "late", c->now_ms + DAY);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_int_equal(claim(c).next_ms, c->now_ms + LEASE);
	found_op(c, &op, second.token, &p, 1);
	CT_DO(c, &op);
	assert_int_equal(op.u.found.woken, 1);
}

static void an_end_rests_and_is_counted(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_person p = person(c, "ann");
	struct store_cursor_row r;
	struct store_op op;

	found_op(c, &op, cursor.token, &p, 1);
	op.u.found.scanned = 30;
	CT_DO(c, &op);
	r = row(c);
	assert_false(r.done);
	assert_true(r.leased);
	assert_int_equal(r.done_ms, 0);
	store_cursor_row_release(&r);
	op.u.found.end = true;
	CT_DO(c, &op);
	r = row(c);
	assert_true(r.done);
	assert_false(r.leased);
	assert_int_equal(r.done_ms, c->now_ms);
	assert_int_equal(r.moved_ms, c->now_ms);
	assert_int_equal(r.started_ms, c->now_ms);
	assert_int_equal(r.scanned, 60);
	assert_int_equal(r.found, 2);
	assert_int_equal(r.woken, 1);
	assert_string_equal(r.cursor, "next");
	store_cursor_row_release(&r);
	cursor = claim(c);
	assert_false(cursor.mine);
	assert_int_equal(cursor.next_ms, c->now_ms + EVERY);
	c->now_ms += EVERY;
	cursor = claim(c);
	assert_true(cursor.mine);
	assert_false(claim_at_once(c).mine); /* somebody is at it */
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.end = true;
	CT_DO(c, &op);
	assert_true(claim_at_once(c).mine);
}

/* What one of several did since another began, the other need not do. */
static void what_another_one_did_rests(struct ct *c)
{
	int64_t began_ms = c->now_ms;
	struct store_cursor cursor = claim(c);
	struct store_op op;

	c->now_ms += MINUTE;
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.end = true;
	CT_DO(c, &op);
	cursor = claim_since(c, began_ms);
	assert_false(cursor.mine);
	assert_int_equal(cursor.next_ms, c->now_ms + EVERY);
	assert_true(claim_since(c, c->now_ms + 1).mine);
}

/* Other settings count at once, and so does a clock that was set back. */
static void a_rest_goes_by_todays_settings(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_op op;

	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.end = true;
	CT_DO(c, &op);
	c->now_ms += MINUTE;
	cursor_op(c, &op);
	op.u.cursor.every_ms = MINUTE;
	CT_DO(c, &op);
	assert_true(op.u.cursor.mine);
	store_op_release(&op);
	found_op(c, &op, op.u.cursor.token, NULL, 0);
	op.u.found.end = true;
	CT_DO(c, &op);
	c->now_ms -= 30 * DAY;
	assert_int_equal(claim(c).next_ms, c->now_ms + EVERY);
}

static void what_failed_says_why_and_waits(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_cursor_row r;
	struct store_op op;

	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.since_ms = CT_START + 7;
	CT_DO(c, &op);
	back_op(c, &op, cursor.token, "HTTP 403", c->now_ms + HOUR);
	CT_DO(c, &op);
	r = row(c);
	assert_string_equal(r.failure, "HTTP 403");
	assert_string_equal(r.cursor, "next");
	store_cursor_row_release(&r);
	cursor = claim(c);
	assert_false(cursor.mine);
	assert_int_equal(cursor.next_ms, c->now_ms + HOUR);
	cursor = claim_at_once(c); /* a new life, or other credentials */
	assert_true(cursor.mine);
	back_op(c, &op, cursor.token, "HTTP 403", c->now_ms + HOUR);
	CT_DO(c, &op);
	c->now_ms += HOUR;
	cursor = claim(c);
	assert_true(cursor.mine);
	back_op(c, &op, cursor.token, "its cursor", c->now_ms);
	op.u.cursor.rewind = true;
	CT_DO(c, &op);
	r = row(c);
	assert_null(r.cursor);
	assert_int_equal(r.since_ms, CT_START + 7);
	store_cursor_row_release(&r);
	cursor = claim(c);
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.since_ms = CT_START; /* seen again: no step back */
	CT_DO(c, &op);
	r = row(c);
	assert_null(r.failure);
	assert_int_equal(r.since_ms, CT_START + 7);
	store_cursor_row_release(&r);
}

static void set_account(struct ct *c, bool paused, const char *hold)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.set_paused = op.u.account.set_hold = true;
	op.u.account.paused = paused;
	op.u.account.by = "test";
	op.u.account.hold = hold;
	op.u.account.now_ms = c->now_ms;
	CT_DO(c, &op);
	store_op_release(&op);
}

static void paused_and_held_accounts_are_left_alone(struct ct *c)
{
	set_account(c, true, NULL);
	assert_false(claim(c).mine);
	assert_true(claim(c).halted);
	set_account(c, false, "credentials");
	assert_false(claim(c).mine);
	set_account(c, false, NULL);
	assert_true(claim(c).mine);
}

static void enough_is_enough(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_person people[] = {person(c, "ann"), person(c, "bob"),
					person(c, "eve")};
	struct store_op op;

	found_op(c, &op, cursor.token, people, 2);
	CT_DO(c, &op);
	assert_false(op.u.found.crowded);
	people[2].zendesk_user_id = USER + 1;
	found_op(c, &op, cursor.token, people + 2, 1);
	CT_DO(c, &op);
	assert_true(op.u.found.crowded);
	back_op(c, &op, cursor.token, NULL, c->now_ms);
	CT_DO(c, &op);
	assert_true(claim(c).crowded);
}

/* The last daemon's lease does not outlive it. */
static void a_new_life_goes_on_at_once(struct ct *c)
{
	assert_true(claim(c).mine);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	assert_int_equal(claim(c).mine, !c->factory->shared);
}

/* ---- who is known ---- */

static void nobody_has_seen_them(struct ct *c)
{
	struct store_person p = person(c, "ann");
	struct job job;

	p.ticket_id = 77;
	assert_int_equal(find(c, p), 1);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.lane, LANE_BACKFILL);
	assert_int_equal(job.source, EVENT_FROM_SWEEP);
	assert_int_equal(job.zendesk_user_id, USER);
	assert_int_equal(job.ticket_id, 77);
	assert_int_equal(job.deadline_ms, c->now_ms + CT_WAIT);
	job_release(&job);
	assert_int_equal(find(c, p), 0);
	assert_true(ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"))
			    .accepted == 1);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.lane, LANE_LIVE); /* a customer writes */
	job_release(&job);
}

/* A job that knows the user, brought into a state now. */
static void rest(struct ct *c, enum job_state state, uint64_t user)
{
	struct job job = ct_running(c, "ann");
	struct review r = ct_review(&job, user, 12);
	struct store_op op;

	ct_settle_op(c, &op, &job, state);
	op.u.settle.zendesk_user_id = user;
	if (state == JOB_REVIEW)
		op.u.settle.review = &r;
	CT_DO(c, &op);
	job_release(&job);
}

static void whose_job_is_under_way_is_known(struct ct *c)
{
	struct store_person p = person(c, "ann");
	struct job job;

	assert_int_equal(find(c, p), 1); /* ready */
	job = ct_claim(c);
	p.ticket_id = 77;
	assert_int_equal(find(c, p), 0); /* runs */
	ct_settle(c, &job, JOB_WAITING);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.ticket_id, 77); /* to tell its agent */
	job_release(&job);
	c->now_ms += MINUTE;
	p.changed_ms = c->now_ms;
	assert_int_equal(find(c, p), 0);
	assert_int_equal(ct_state(c, "s:ann"), JOB_WAITING);
}

/* It would wait for a hand-off that nobody tells it of. */
static void a_wait_for_the_user_is_over(struct ct *c)
{
	struct job job;

	rest(c, JOB_WAITING, 0);
	assert_int_equal(find(c, person(c, "ann")), 1);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.zendesk_user_id, USER);
	job_release(&job);
}

static void a_run_without_the_user_runs_again(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	assert_int_equal(find(c, person(c, "ann")), 0);
	ct_settle(c, &job, JOB_DONE);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.zendesk_user_id, USER);
	job_release(&job);
}

static void check_resting(struct ct *c, enum job_state state)
{
	struct store_person p = person(c, "ann");

	rest(c, state, USER);
	p.changed_ms = c->now_ms - STORE_LOOK_MARGIN_MS - 1;
	assert_int_equal(find(c, p), 0);
	assert_int_equal(ct_state(c, "s:ann"), state);
	p.changed_ms++; /* clocks differ */
	assert_int_equal(find(c, p), 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void a_job_that_is_done_has_looked(struct ct *c)
{
	check_resting(c, JOB_DONE);
}

static void a_job_that_gave_up_has_looked(struct ct *c)
{
	check_resting(c, JOB_DEAD);
}

static void an_open_question_stands_while_nothing_changed(struct ct *c)
{
	check_resting(c, JOB_REVIEW);
}

/* It ended without ever having seen the user. */
static void a_look_at_nobody_is_none(struct ct *c)
{
	struct store_person p = person(c, "ann");

	rest(c, JOB_DONE, 0);
	p.changed_ms = c->now_ms - DAY;
	assert_int_equal(find(c, p), 1);
}

static void who_is_linked_is_known_for_a_while(struct ct *c)
{
	struct store_person p = person(c, "ann");

	ct_link(c, "ann", USER, 7);
	c->now_ms += 7 * DAY - MINUTE;
	p.changed_ms = c->now_ms;
	assert_int_equal(find(c, p), 0);
	c->now_ms += 2 * MINUTE;
	assert_int_equal(find(c, p), 1);
}

static void who_is_linked_elsewhere_is_not_known(struct ct *c)
{
	ct_link(c, "ann", USER + 1, 7);
	c->now_ms += HOUR;
	assert_int_equal(find(c, person(c, "ann")), 1);
}

/* "ann" had another user, which was merged into this one. */
static void merge(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_link(c, "ann", USER, 7);
	job = ct_running(c, "ann");
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = USER - 1;
	op.u.settle.alias_to = USER;
	CT_DO(c, &op);
	job_release(&job);
}

static void who_was_merged_stays_known(struct ct *c)
{
	struct store_person p = person(c, "ann");
	struct store_person late = person(c, "bob");

	merge(c);
	c->now_ms += 40 * DAY;
	p.changed_ms = c->now_ms;
	assert_int_equal(find(c, p), 0);
	late.zendesk_user_id = USER - 1; /* a page from before the merge */
	assert_int_equal(find(c, late), 0);
	late.zendesk_user_id = USER; /* nobody has seen this one there */
	assert_int_equal(find(c, late), 1);
}

static void a_job_about_the_user_will_meet_them(struct ct *c)
{
	struct store_person p = person(c, "ann");
	struct job job;

	assert_int_equal(ct_accept(c, ct_ticket(USER, 5)).woken, 1);
	assert_int_equal(find(c, p), 0);
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE); /* it was not a messaging user then */
	assert_int_equal(find(c, p), 1);
}

/* A merge is to be told on the ticket that only the sweep has seen. */
static void a_note_learns_its_ticket(struct ct *c)
{
	struct store_person p = person(c, "ann");
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(USER, USER + 1);
	struct store_cursor cursor;
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.note = true;
	op.u.settle.zendesk_user_id = USER;
	CT_DO(c, &op);
	job_release(&job);
	p.ticket_id = 78;
	p.changed_ms = c->now_ms - 2 * DAY; /* another conversation's */
	cursor = claim(c);
	found_op(c, &op, cursor.token, &p, 1);
	CT_DO(c, &op);
	assert_int_equal(op.u.found.noted, 0);
	p.changed_ms = c->now_ms - MINUTE;
	CT_DO(c, &op);
	assert_int_equal(op.u.found.noted, 1);
	assert_int_equal(op.u.found.woken, 0);
}

/* Zendesk may take an address away from whom nobody talked about. */
static void whose_an_address_is_is_remembered(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_address a = {.proven = true};
	struct store_sighting s = {
		.user = 12, .at_ms = c->now_ms, .addresses = &a, .count = 1};
	struct store_recall r;
	struct store_op op;

	memset(a.hash, 0xad, sizeof(a.hash));
	found_op(c, &op, cursor.token + 1, NULL, 0);
	op.u.found.sightings = &s;
	op.u.found.sighting_count = 1;
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	assert_int_equal(ct_recall(c, "ann", USER, 0xad).owner_count, 0);
	op.u.found.token = cursor.token;
	CT_DO(c, &op);
	r = ct_recall(c, "ann", USER, 0xad);
	assert_int_equal(r.owner_count, 1);
	assert_int_equal(r.owners[0].user, 12);
	assert_true(r.owners[0].proven);
	assert_int_equal(r.owners[0].seen_ms, c->now_ms);
}

static void nameless_people_are_refused(struct ct *c)
{
	struct store_cursor cursor = claim(c);
	struct store_person p = person(c, "ann");
	struct store_op op;

	p.zendesk_user_id = 0;
	found_op(c, &op, cursor.token, &p, 1);
	CT_REFUSED(c, &op, RESULT_INVALID);
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.cursor = "";
	CT_REFUSED(c, &op, RESULT_INVALID);
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.cursor = NULL;
	op.u.found.end = false;
	CT_REFUSED(c, &op, RESULT_INVALID);
	found_op(c, &op, cursor.token, NULL, 0);
	op.u.found.name = "a name that is too long";
	CT_REFUSED(c, &op, RESULT_INVALID);
}

static const struct ct_case cases[] = {
	CT_CASE(one_of_all_goes_on),
	CT_CASE(who_lost_the_lease_stores_nothing),
	CT_CASE(an_end_rests_and_is_counted),
	CT_CASE(what_another_one_did_rests),
	CT_CASE(a_rest_goes_by_todays_settings),
	CT_CASE(what_failed_says_why_and_waits),
	CT_CASE(paused_and_held_accounts_are_left_alone),
	CT_CASE(enough_is_enough),
	CT_CASE(a_new_life_goes_on_at_once),
	CT_CASE(nobody_has_seen_them),
	CT_CASE(whose_job_is_under_way_is_known),
	CT_CASE(a_wait_for_the_user_is_over),
	CT_CASE(a_run_without_the_user_runs_again),
	CT_CASE(a_job_that_is_done_has_looked),
	CT_CASE(a_job_that_gave_up_has_looked),
	CT_CASE(an_open_question_stands_while_nothing_changed),
	CT_CASE(a_look_at_nobody_is_none),
	CT_CASE(who_is_linked_is_known_for_a_while),
	CT_CASE(who_is_linked_elsewhere_is_not_known),
	CT_CASE(who_was_merged_stays_known),
	CT_CASE(a_job_about_the_user_will_meet_them),
	CT_CASE(a_note_learns_its_ticket),
	CT_CASE(whose_an_address_is_is_remembered),
	CT_CASE(nameless_people_are_refused),
};

const struct ct_group ct_cursor_cases = {cases, ARRAY_LEN(cases)};
