/*
 * Helpers of the contract suite: operations as one-liners.
 */
#include "contract.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

void ct_do(struct store *s, struct store_op *op, const char *file, int line)
{
	if (store_do(s, op) == RESULT_OK)
		return;
	print_error("%s (%s)\n", result_name(op->result), op->error.text);
	_assert_int_equal(op->result, RESULT_OK, file, line);
}

struct event ct_event(enum event_kind kind, const char *sunco_id)
{
	static uint64_t serial;
	struct event e;

	memset(&e, 0, sizeof(e));
	serial++;
	e.kind = kind;
	e.source = kind >= EVENT_TICKET ? EVENT_FROM_ZENDESK : EVENT_FROM_SUNCO;
	e.key.len = 12;
	memcpy(e.key.bytes, &serial, sizeof(serial));
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), sunco_id));
	return e;
}

struct event ct_ticket(uint64_t requester, uint64_t ticket)
{
	struct event e = ct_event(EVENT_TICKET, "");

	e.zendesk_user_id = requester;
	e.ticket_id = ticket;
	return e;
}

void ct_accept_op(struct store_op *op, const struct event *e, int64_t now_ms)
{
	store_op_init(op, STORE_ACCEPT);
	op->u.accept.account = CT_ACCOUNT;
	op->u.accept.events = e;
	op->u.accept.count = 1;
	op->u.accept.now_ms = now_ms;
	op->u.accept.wait_ms = CT_WAIT;
}

struct store_accept ct_accept(struct ct *c, struct event e)
{
	struct store_op op;

	ct_accept_op(&op, &e, c->now_ms);
	op.u.accept.recheck_ms = 7 * DAY;
	CT_DO(c, &op);
	op.u.accept.events = NULL;
	return op.u.accept;
}

void ct_claim_op(struct ct *c, struct store_op *op, size_t max)
{
	store_op_init(op, STORE_CLAIM);
	op->u.claim.account = CT_ACCOUNT;
	op->u.claim.max = max;
	op->u.claim.now_ms = c->now_ms;
	op->u.claim.lease_ms = CT_LEASE;
	op->u.claim.grace_ms = CT_GRACE;
}

struct job ct_claim(struct ct *c)
{
	struct store_op op;
	struct job job;

	ct_claim_op(c, &op, 10);
	CT_DO(c, &op);
	assert_int_equal(op.u.claim.count, 1);
	job_copy(&job, &op.u.claim.jobs[0]);
	store_op_release(&op);
	return job;
}

size_t ct_claim_count(struct ct *c, size_t max)
{
	struct store_op op;
	size_t count;

	ct_claim_op(c, &op, max);
	CT_DO(c, &op);
	count = op.u.claim.count;
	store_op_release(&op);
	return count;
}

static bool find_in(struct ct *c, const char *person, int state,
		    struct job *out)
{
	struct store_op op;
	bool found = false;
	size_t i;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs.account = CT_ACCOUNT;
	op.u.jobs.state = state;
	CT_DO(c, &op);
	for (i = 0; i < op.u.jobs.count && !found; i++) {
		found = strcmp(op.u.jobs.jobs[i].person, person) == 0;
		if (found)
			job_copy(out, &op.u.jobs.jobs[i]);
	}
	store_op_release(&op);
	return found;
}

bool ct_find(struct ct *c, const char *person, struct job *out)
{
	return find_in(c, person, -1, out) || find_in(c, person, JOB_DONE, out);
}

struct job ct_job(struct ct *c, const char *person)
{
	struct job job;

	if (!ct_find(c, person, &job))
		fail_msg("no job of %s", person);
	return job;
}

enum job_state ct_state(struct ct *c, const char *person)
{
	struct job job = ct_job(c, person);
	enum job_state state = job.state;

	job_release(&job);
	return state;
}

void ct_settle_op(struct ct *c, struct store_op *op, const struct job *job,
		  enum job_state state)
{
	store_op_init(op, STORE_SETTLE);
	op->u.settle.job_id = job->id;
	op->u.settle.token = job->token;
	op->u.settle.gen = job->gen;
	op->u.settle.state = state;
	op->u.settle.run_at_ms = c->now_ms + 5 * MINUTE;
	op->u.settle.now_ms = c->now_ms;
}

void ct_settle(struct ct *c, struct job *job, enum job_state state)
{
	struct store_op op;

	ct_settle_op(c, &op, job, state);
	CT_DO(c, &op);
	job_release(job);
}

bool ct_extend(struct ct *c, const struct job *job, int64_t until_ms,
	       int64_t lock_until_ms)
{
	struct store_lease lease = {.job_id = job->id, .token = job->token};
	struct store_op op;

	store_op_init(&op, STORE_EXTEND);
	op.u.extend = (struct store_extend){
		.leases = &lease,
		.count = 1,
		.until_ms = until_ms,
		.lock_until_ms = lock_until_ms,
	};
	CT_DO(c, &op);
	return lease.held;
}

struct job ct_running(struct ct *c, const char *sunco_id)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, sunco_id));
	return ct_claim(c);
}

void ct_rest(struct ct *c, const char *sunco_id, enum job_state state)
{
	struct job job = ct_running(c, sunco_id);

	ct_settle(c, &job, state);
}

struct review ct_review(const struct job *job, uint64_t user, uint64_t profile)
{
	static char facts[] = "{\"who\":\"kept\"}";
	struct review r;

	review_init(&r);
	memcpy(r.sunco_id, job->sunco_id, sizeof(r.sunco_id));
	r.intended = profile != 0 ? ACTION_MERGE : ACTION_ADOPT;
	r.reasons = REASON_BIT(REASON_EMAIL_DENIED) |
		    REASON_BIT(REASON_BRAND_MISMATCH);
	r.evidence = EVIDENCE_CLAIMED;
	r.messaging_user_id = user;
	r.profile_id = profile;
	r.ticket_id = 77;
	memset(r.address_hash, 0xad, sizeof(r.address_hash));
	memset(r.facts_hash, 0xfa, sizeof(r.facts_hash));
	r.facts = facts;
	r.expires_ms = CT_START + 14 * DAY;
	return r;
}

int64_t ct_settle_review(struct ct *c, struct job *job, uint64_t user,
			 uint64_t profile)
{
	struct review r = ct_review(job, user, profile);
	struct store_op op;

	ct_settle_op(c, &op, job, JOB_REVIEW);
	op.u.settle.review = &r;
	CT_DO(c, &op);
	assert_true(op.u.settle.review_id > 0);
	job_release(job);
	return op.u.settle.review_id;
}

struct review ct_review_read(struct ct *c, int64_t id)
{
	struct store_op op;
	struct review r;

	store_op_init(&op, STORE_REVIEWS);
	op.u.reviews.id = id;
	CT_DO(c, &op);
	assert_int_equal(op.u.reviews.count, 1);
	r = op.u.reviews.reviews[0];
	op.u.reviews.count = 0; /* the caller's now */
	store_op_release(&op);
	return r;
}

void ct_link(struct ct *c, const char *sunco_id, uint64_t user, uint8_t print)
{
	struct job job = ct_running(c, sunco_id);
	struct store_link link;
	struct store_op op;

	memset(&link, 0, sizeof(link));
	assert_true(str_copy(link.sunco_id, sizeof(link.sunco_id), sunco_id));
	link.zendesk_user_id = user;
	link.print.known = print != 0;
	memset(link.print.hash, print, sizeof(link.print.hash));
	link.checked_ms = c->now_ms;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.link = &link;
	op.u.settle.zendesk_user_id = user;
	CT_DO(c, &op);
	job_release(&job);
}

struct store_recall ct_recall(struct ct *c, const char *sunco_id, uint64_t id,
			      uint8_t address)
{
	struct store_op op;

	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = CT_ACCOUNT;
	op.u.recall.sunco_id = sunco_id;
	op.u.recall.ids[0] = id;
	memset(op.u.recall.address_hash, address,
	       sizeof(op.u.recall.address_hash));
	op.u.recall.now_ms = c->now_ms;
	CT_DO(c, &op);
	return op.u.recall;
}

struct journal_entry ct_entry_read(struct ct *c, int64_t id)
{
	struct store_op op;
	struct journal_entry e;

	store_op_init(&op, STORE_JOURNAL);
	op.u.journal.id = id;
	CT_DO(c, &op);
	assert_int_equal(op.u.journal.count, 1);
	e = op.u.journal.entries[0];
	op.u.journal.count = 0; /* the caller's now */
	store_op_release(&op);
	return e;
}

struct journal_entry ct_entry(uint64_t user, uint64_t profile)
{
	static char image[] = "{\"before\":true}";
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = profile != 0 ? ACTION_MERGE : ACTION_ADOPT;
	e.reason = REASON_EMAIL_MATCH_VERIFIED;
	e.reasons = REASON_BIT(REASON_EMAIL_MATCH_VERIFIED);
	e.applied = true;
	e.status = JOURNAL_PENDING;
	e.evidence = EVIDENCE_VERIFIED;
	e.messaging_user_id = user;
	e.profile_id = profile;
	e.before_image = image;
	return e;
}

void ct_intent_op(struct ct *c, struct store_op *op, const struct job *job,
		  const struct journal_entry *e)
{
	store_op_init(op, STORE_INTENT);
	op->u.intent.job_id = job->id;
	op->u.intent.token = job->token;
	op->u.intent.users[0] = e->messaging_user_id;
	op->u.intent.users[1] = e->profile_id;
	op->u.intent.now_ms = c->now_ms;
	op->u.intent.lock_until_ms = c->now_ms + 5 * MINUTE;
	op->u.intent.entry = e;
	op->u.intent.progress = "{\"step\":\"merge\"}";
}

bool ct_noticed(struct ct *c)
{
	const struct timespec pause = {0, 5 * 1000 * 1000};
	bool noticed = store_changed(c->s);

	for (int i = 0; c->factory->shared && !noticed && i < 2000; i++) {
		nanosleep(&pause, NULL);
		noticed = store_changed(c->s);
	}
	return noticed;
}

/* Where it is shared, the handle begins to listen now. */
void ct_calm(struct ct *c)
{
	if (c->factory->shared)
		assert_true(ct_noticed(c));
	assert_false(store_changed(c->s));
}
