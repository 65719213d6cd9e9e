/*
 * Cases: accounts' rows, gauges, retention.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static struct store_op account_op(void)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	return op;
}

static void an_account_starts_empty(struct ct *c)
{
	struct store_op op = account_op();

	CT_DO(c, &op);
	assert_false(op.u.account.is_paused);
	assert_null(op.u.account.held);
	assert_null(op.u.account.token);
	assert_int_equal(op.u.account.last_webhook_ms[0], 0);
	store_op_release(&op);
}

static void an_account_changes_by_flags(struct ct *c)
{
	struct store_op op = account_op();

	op.u.account.set_paused = op.u.account.paused = true;
	op.u.account.by = "maria";
	op.u.account.set_hold = true;
	op.u.account.hold = "credentials";
	op.u.account.hold_api = "sunco";
	op.u.account.hold_text = "user_get: HTTP 401";
	op.u.account.hold_ms = 77;
	op.u.account.set_token = true;
	op.u.account.oauth_token = "t0ken";
	op.u.account.oauth_expires_ms = 99;
	CT_DO(c, &op);
	store_op_release(&op);
	op = account_op();
	op.u.account.hold = "not meant";
	CT_DO(c, &op);
	assert_true(op.u.account.is_paused);
	assert_string_equal(op.u.account.held, "credentials");
	assert_string_equal(op.u.account.held_api, "sunco");
	assert_string_equal(op.u.account.held_text, "user_get: HTTP 401");
	assert_int_equal(op.u.account.held_ms, 77);
	assert_string_equal(op.u.account.token, "t0ken");
	assert_int_equal(op.u.account.token_expires_ms, 99);
	store_op_release(&op);
	op = account_op();
	op.u.account.set_hold = true;
	CT_DO(c, &op);
	assert_null(op.u.account.held);
	assert_null(op.u.account.held_text);
	assert_int_equal(op.u.account.held_ms, 0);
	assert_true(op.u.account.is_paused);
	store_op_release(&op);
}

static void webhooks_are_remembered_per_source(struct ct *c)
{
	struct store_op op = account_op();

	op.u.account.set_webhook = true;
	op.u.account.webhook_source = EVENT_FROM_ZENDESK;
	op.u.account.webhook_ms = 50;
	CT_DO(c, &op);
	store_op_release(&op);
	op.u.account.webhook_ms = 40; /* late: does not go back */
	CT_DO(c, &op);
	assert_int_equal(op.u.account.last_webhook_ms[EVENT_FROM_ZENDESK], 50);
	assert_int_equal(op.u.account.last_webhook_ms[EVENT_FROM_SUNCO], 0);
	store_op_release(&op);
}

/* --- gauges --- */

static struct store_stats stats_of(struct store *s, int64_t now_ms)
{
	struct store_op op;

	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = now_ms;
	assert_int_equal(store_do(s, &op), RESULT_OK);
	return op.u.stats;
}

static void gauges_say_what_there_is(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_stats s;

	ct_settle_review(c, &job, 11, 12);
	ct_rest(c, "bob", JOB_DONE);
	ct_rest(c, "cy", JOB_WAITING);
	ct_rest(c, "dan", JOB_DEAD);
	job = ct_running(c, "eve");
	job_release(&job);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "fay"));
	s = stats_of(c->s, c->now_ms + MINUTE);
	assert_int_equal(s.jobs[JOB_READY], 1);
	assert_int_equal(s.jobs[JOB_RUNNING], 1);
	assert_int_equal(s.jobs[JOB_WAITING], 1);
	assert_int_equal(s.jobs[JOB_REVIEW], 1);
	assert_int_equal(s.jobs[JOB_DEAD], 1);
	assert_int_equal(s.jobs[JOB_DONE], 1);
	assert_int_equal(s.oldest_due_ms, CT_START);
	assert_int_equal(s.oldest_review_ms, CT_START);
}

static void gauges_of_nobody_are_zero(struct ct *c)
{
	struct store_stats s = stats_of(c->s, c->now_ms);

	assert_int_equal(s.jobs[JOB_READY], 0);
	assert_int_equal(s.oldest_due_ms, 0);
	assert_int_equal(s.oldest_review_ms, 0);
}

static uint32_t draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 16) % below;
}

static void random_event(struct ct *c, uint32_t *seed)
{
	static const enum event_kind kinds[] = {
		EVENT_CONVERSATION_CREATE, EVENT_CONVERSATION_CREATE,
		EVENT_SUNCO_REMOVE, EVENT_SUNCO_MERGE};
	struct event e = ct_event(kinds[draw(seed, ARRAY_LEN(kinds))], "");

	snprintf(e.sunco_id, sizeof(e.sunco_id), "p%u", draw(seed, 8));
	if (e.kind == EVENT_SUNCO_MERGE)
		snprintf(e.other_sunco_id, sizeof(e.other_sunco_id), "p%u",
			 draw(seed, 8));
	ct_accept(c, e);
}

static void random_runs(struct ct *c, uint32_t *seed)
{
	static const enum job_state ends[] = {JOB_READY, JOB_WAITING,
					      JOB_REVIEW, JOB_DEAD, JOB_DONE};
	struct store_op op;
	struct job job;
	size_t i;

	ct_claim_op(c, &op, 2);
	CT_DO(c, &op);
	for (i = 0; i < op.u.claim.count; i++) {
		job_copy(&job, &op.u.claim.jobs[i]);
		if (draw(seed, 2) == 0)
			ct_settle_review(c, &job, 11, 12 + draw(seed, 2));
		else
			ct_settle(c, &job, ends[draw(seed, ARRAY_LEN(ends))]);
	}
	store_op_release(&op);
}

static void random_decision(struct ct *c, uint32_t *seed)
{
	struct store_op list, op;

	store_op_init(&list, STORE_REVIEWS);
	list.u.reviews.state = REVIEW_OPEN;
	CT_DO(c, &list);
	if (list.u.reviews.count > 0) {
		store_op_init(&op, STORE_DECIDE);
		op.u.decide.review_id = list.u.reviews.reviews[0].id;
		op.u.decide.approve = draw(seed, 2) == 0;
		op.u.decide.by = "eve";
		op.u.decide.now_ms = c->now_ms;
		CT_DO(c, &op);
	}
	store_op_release(&list);
}

static void random_prune(struct ct *c, uint32_t *seed)
{
	struct store_op op;

	store_op_init(&op, STORE_PRUNE);
	op.u.prune.jobs_before_ms = c->now_ms - HOUR;
	if (draw(seed, 2) == 0)
		op.u.prune.reviews_expire_ms = CT_START + 15 * DAY;
	op.u.prune.max = 3;
	CT_DO(c, &op);
}

static void check_counters(struct ct *c)
{
	struct store *reader =
		c->factory->open(c->place, STORE_READ, c->now_ms);
	struct store_stats kept = stats_of(c->s, c->now_ms);
	struct store_stats fresh = stats_of(reader, c->now_ms);

	store_close(reader);
	assert_memory_equal(kept.jobs, fresh.jobs, sizeof(kept.jobs));
}

/* The counters of the handle that wrote equal a fresh count. */
static void counters_equal_a_count(struct ct *c)
{
	static void (*const steps[])(struct ct * c, uint32_t * seed) = {
		random_event, random_event,    random_event, random_runs,
		random_runs,  random_decision, random_prune};
	uint32_t seed = 12345;
	int i;

	(void)stats_of(c->s, c->now_ms);
	for (i = 0; i < 1000; i++) {
		c->now_ms += MINUTE;
		steps[draw(&seed, ARRAY_LEN(steps))](c, &seed);
		if (i % 20 == 0)
			check_counters(c);
	}
}

static void gauges_see_other_writers(struct ct *c)
{
	struct store *other;
	struct store_op op;

	ct_calm(c);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "bob"));
	assert_int_equal(stats_of(c->s, c->now_ms).jobs[JOB_READY], 1);
	other = c->factory->open(c->place, STORE_WRITE, c->now_ms);
	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.sunco_id = "ann";
	op.u.enqueue.now_ms = c->now_ms;
	assert_int_equal(store_do(other, &op), RESULT_OK);
	store_close(other);
	assert_true(ct_noticed(c));
	assert_int_equal(stats_of(c->s, c->now_ms).jobs[JOB_READY], 2);
}

/* --- retention --- */

#define MANY 40 /* accounts */

static size_t prune(struct ct *c, struct store_prune what)
{
	struct store_op op;

	store_op_init(&op, STORE_PRUNE);
	op.u.prune = what;
	if (what.max == 0)
		op.u.prune.max = 100;
	CT_DO(c, &op);
	return op.u.prune.removed;
}

static void events_are_forgotten(struct ct *c)
{
	struct event e = ct_event(EVENT_OTHER, "ann");

	ct_accept(c, e);
	assert_int_equal(
		prune(c, (struct store_prune){.events_before_ms = c->now_ms}),
		0);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	c->now_ms++;
	assert_int_equal(
		prune(c, (struct store_prune){.events_before_ms = c->now_ms}),
		1);
	assert_int_equal(ct_accept(c, e).accepted, 1);
}

static void a_batch_is_bounded(struct ct *c)
{
	struct store_prune p = {.events_before_ms = c->now_ms + 1, .max = 3};
	int i;

	for (i = 0; i < 7; i++)
		ct_accept(c, ct_event(EVENT_OTHER, "ann"));
	assert_int_equal(prune(c, p), 3);
	assert_int_equal(prune(c, p), 3);
	assert_int_equal(prune(c, p), 1);
	assert_int_equal(prune(c, p), 0);
}

/* Wherever they are among the others, and a few looked at each time. */
static void a_walk_finds_old_events(struct ct *c)
{
	struct store_prune p = {.events_before_ms = c->now_ms, .max = 2};
	const struct store_prune none = {.max = 2};
	size_t removed = 0;
	int calls = 0;
	bool more;

	for (int i = 0; i < 60; i++) {
		c->now_ms -= i % 20 == 19 ? DAY : 0;
		ct_accept(c, ct_event(EVENT_OTHER, "ann"));
		c->now_ms += i % 20 == 19 ? DAY : 0;
	}
	assert_int_equal(prune(c, none), 0);
	do {
		struct store_op op;

		store_op_init(&op, STORE_PRUNE);
		op.u.prune = p;
		CT_DO(c, &op);
		removed += op.u.prune.removed;
		more = op.u.prune.more_events;
		calls++;
	} while (more);
	assert_int_equal(removed, 3);
	assert_true(calls > 5);
	assert_int_equal(prune(c, p), 0);
}

static void only_ended_jobs_are_forgotten(struct ct *c)
{
	static const enum job_state rests[] = {JOB_READY, JOB_WAITING,
					       JOB_REVIEW};
	struct store_prune p = {.jobs_before_ms = c->now_ms + DAY};
	char who[8];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rests); i++) {
		snprintf(who, sizeof(who), "p%zu", i);
		ct_rest(c, who, rests[i]);
	}
	ct_rest(c, "done", JOB_DONE);
	ct_rest(c, "dead", JOB_DEAD);
	assert_int_equal(prune(c, p), 2);
	assert_false(ct_find(c, "s:done", &(struct job){0}));
	assert_false(ct_find(c, "s:dead", &(struct job){0}));
	assert_int_equal(ct_state(c, "s:p2"), JOB_REVIEW);
}

static int64_t settle_entry(struct ct *c, const char *who)
{
	struct job job = ct_running(c, who);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	e.status = JOURNAL_DONE;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	return op.u.settle.journal_id;
}

static void before_images_go_before_their_entries(struct ct *c)
{
	int64_t id = settle_entry(c, "ann");
	struct journal_entry e;
	struct store_op op;

	c->now_ms += DAY;
	assert_int_equal(
		prune(c, (struct store_prune){.images_before_ms = c->now_ms}),
		1);
	e = ct_entry_read(c, id);
	assert_null(e.before_image);
	journal_entry_release(&e);
	assert_int_equal(
		prune(c, (struct store_prune){.images_before_ms = c->now_ms}),
		0);
	assert_int_equal(
		prune(c, (struct store_prune){.journal_before_ms = c->now_ms}),
		1);
	store_op_init(&op, STORE_JOURNAL);
	op.u.journal.id = id;
	CT_DO(c, &op);
	assert_int_equal(op.u.journal.count, 0);
	store_op_release(&op);
}

static void closed_reviews_lose_facts_then_go(struct ct *c)
{
	struct job job = ct_running(c, "ann"), open;
	int64_t id = ct_settle_review(c, &job, 11, 12), kept;
	struct store_prune p = {0};
	struct review r;

	ct_rest(c, "ann", JOB_DONE);
	open = ct_running(c, "bob");
	kept = ct_settle_review(c, &open, 13, 14);
	c->now_ms += DAY;
	p.images_before_ms = c->now_ms;
	assert_int_equal(prune(c, p), 1);
	r = ct_review_read(c, id);
	assert_null(r.facts);
	review_release(&r);
	p.journal_before_ms = c->now_ms;
	assert_int_equal(prune(c, p), 1);
	r = ct_review_read(c, kept);
	assert_non_null(r.facts);
	review_release(&r);
}

static void old_links_are_forgotten(struct ct *c)
{
	ct_link(c, "ann", 11, 7);
	c->now_ms += DAY;
	ct_link(c, "bob", 12, 7);
	assert_int_equal(
		prune(c, (struct store_prune){.journal_before_ms = c->now_ms}),
		1);
	assert_false(ct_recall(c, "ann", 0, 0).linked);
	assert_true(ct_recall(c, "bob", 0, 0).linked);
}

/* However many accounts there are, nobody waits long for a call. */
static void accounts_are_pruned_a_few_at_a_time(struct ct *c)
{
	struct store_prune all = {.max = 100};
	size_t removed = 0, most = 0;

	for (int i = 0; i < MANY; i++) {
		struct event e = ct_event(EVENT_SUNCO_MERGE, "ann");
		char name[ACCOUNT_SIZE];
		struct store_op op;

		(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id),
			       "bob");
		snprintf(name, sizeof(name), "account%d", i);
		store_op_init(&op, STORE_ACCEPT);
		op.u.accept.account = name;
		op.u.accept.events = &e;
		op.u.accept.count = 1;
		op.u.accept.now_ms = c->now_ms;
		op.u.accept.wait_ms = CT_WAIT;
		CT_DO(c, &op);
	}
	all.events_before_ms = c->now_ms + 1;
	do {
		struct store_op op;

		store_op_init(&op, STORE_PRUNE);
		op.u.prune = all;
		CT_DO(c, &op);
		all.after_account = op.u.prune.next_account;
		removed += op.u.prune.removed;
		most = op.u.prune.removed > most ? op.u.prune.removed : most;
	} while (all.after_account != 0);
	assert_int_equal(removed, 2 * MANY); /* events, and merges */
	assert_true(most < 2 * MANY);
}

static const struct ct_case cases[] = {
	CT_CASE(an_account_starts_empty),
	CT_CASE(an_account_changes_by_flags),
	CT_CASE(webhooks_are_remembered_per_source),
	CT_CASE(gauges_say_what_there_is),
	CT_CASE(gauges_of_nobody_are_zero),
	CT_CASE(counters_equal_a_count),
	CT_CASE(gauges_see_other_writers),
	CT_CASE(events_are_forgotten),
	CT_CASE(a_batch_is_bounded),
	CT_CASE(accounts_are_pruned_a_few_at_a_time),
	CT_CASE(a_walk_finds_old_events),
	CT_CASE(only_ended_jobs_are_forgotten),
	CT_CASE(before_images_go_before_their_entries),
	CT_CASE(closed_reviews_lose_facts_then_go),
	CT_CASE(old_links_are_forgotten),
};
const struct ct_group ct_admin_cases = {cases, ARRAY_LEN(cases)};
