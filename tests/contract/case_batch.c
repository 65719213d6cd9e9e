/*
 * Cases: operations in one transaction do what they do one after the other.
 *
 * A backend may ask ahead for a whole batch; what one operation writes, the
 * next one must see. Random days of two accounts: the one gets each operation
 * alone, the other all of a round at once. What the operations say and what is
 * left must be the same.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define DAYS	  40
#define ROUNDS	  4
#define OPS	  14
#define EVENTS	  2
#define TEXT_SIZE 8192

enum side { APART, TOGETHER, SIDES };
static const char *const accounts[SIDES] = {"apart", "together"};

static const char *const people[] = {"ann", "bob", "cy"};
static const uint64_t users[] = {11, 12, 13};

static const enum event_kind kinds[] = {
	EVENT_CONVERSATION_CREATE,  EVENT_CONVERSATION_CREATE,
	EVENT_CONVERSATION_MESSAGE, EVENT_PASS_CONTROL,
	EVENT_USER_AUTHENTICATED,   EVENT_SUNCO_MERGE,
	EVENT_SUNCO_REMOVE,	    EVENT_TICKET,
	EVENT_ZD_IDENTITY,	    EVENT_ZD_USER_MERGED,
};

/* A round of one side. */
struct round {
	struct store_op ops[OPS];
	struct event events[OPS][EVENTS];
	struct job jobs[OPS]; /* claimed in the round before */
	size_t job_count;
	struct store_link links[OPS];
};

struct day {
	struct ct *c;
	uint32_t seed;
	struct round sides[SIDES];
};

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % sides;
}

static struct event random_event(uint32_t *seed)
{
	size_t who = dice(seed, 3);
	struct event e =
		ct_event(kinds[dice(seed, ARRAY_LEN(kinds))], people[who]);

	(void)str_copy(e.conversation_id, sizeof(e.conversation_id), "talk");
	e.print.known = dice(seed, 2);
	e.print.hash[0] = (uint8_t)dice(seed, 2);
	if (e.kind == EVENT_SUNCO_MERGE)
		(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id),
			       people[(who + 1) % 3]);
	if (e.kind < EVENT_TICKET && dice(seed, 2))
		return e;
	e.zendesk_user_id = users[dice(seed, 3)];
	e.other_zendesk_user_id = users[dice(seed, 3)];
	e.ticket_id = dice(seed, 3);
	e.messaging_identity = dice(seed, 2);
	if (e.kind >= EVENT_TICKET && !e.messaging_identity)
		e.sunco_id[0] = '\0';
	return e;
}

static void add_accept(struct day *d, size_t nth, uint32_t *seed)
{
	size_t count = 1 + dice(seed, EVENTS);

	for (size_t i = 0; i < count; i++) {
		const struct event *first = &d->sides[APART].events[0][0];
		bool again = first->key.len > 0 && dice(seed, 8) == 0;
		struct event e = again ? *first : random_event(seed);

		for (int s = 0; s < SIDES; s++)
			d->sides[s].events[nth][i] = e;
	}
	for (int s = 0; s < SIDES; s++) {
		struct store_accept *a = &d->sides[s].ops[nth].u.accept;

		store_op_init(&d->sides[s].ops[nth], STORE_ACCEPT);
		a->account = accounts[s];
		a->events = d->sides[s].events[nth];
		a->count = count;
		a->now_ms = d->c->now_ms;
		a->wait_ms = CT_WAIT;
		a->recheck_ms = DAY;
	}
}

static void add_enqueue(struct day *d, size_t nth, uint32_t *seed)
{
	const char *who = people[dice(seed, 3)];

	for (int s = 0; s < SIDES; s++) {
		struct store_op *op = &d->sides[s].ops[nth];

		store_op_init(op, STORE_ENQUEUE);
		op->u.enqueue = (struct store_enqueue){
			.account = accounts[s],
			.sunco_id = who,
			.now_ms = d->c->now_ms,
			.wait_ms = CT_WAIT,
		};
	}
}

/* What was claimed in the last round ends: some linked, some waiting. */
static void add_settle(struct day *d, size_t nth, size_t job, uint32_t *seed)
{
	bool links = dice(seed, 2) == 0;
	uint8_t print = (uint8_t)dice(seed, 2);

	for (int s = 0; s < SIDES; s++) {
		struct round *r = &d->sides[s];
		struct store_link *l = &r->links[nth];

		ct_settle_op(d->c, &r->ops[nth], &r->jobs[job],
			     links ? JOB_DONE : JOB_WAITING);
		if (!links || r->jobs[job].sunco_id[0] == '\0')
			continue;
		*l = (struct store_link){.zendesk_user_id = users[print],
					 .checked_ms = d->c->now_ms};
		(void)str_copy(l->sunco_id, sizeof(l->sunco_id),
			       r->jobs[job].sunco_id);
		l->print.known = true;
		l->print.hash[0] = print;
		r->ops[nth].u.settle.link = l;
	}
}

static void add_claim(struct day *d, size_t nth)
{
	for (int s = 0; s < SIDES; s++) {
		ct_claim_op(d->c, &d->sides[s].ops[nth], 4);
		d->sides[s].ops[nth].u.claim.account = accounts[s];
	}
}

/* --- what they say --- */

static void describe(const struct store_op *op, char *out, size_t size)
{
	const struct store_accept *a = &op->u.accept;
	const struct store_settle *t = &op->u.settle;
	size_t at = strlen(out);

	if (op->kind == STORE_ACCEPT)
		snprintf(out + at, size - at, "%d %d %d %d %d %d\n",
			 a->accepted, a->duplicate, a->known, a->woken,
			 a->noted, a->erased);
	else if (op->kind == STORE_SETTLE)
		snprintf(out + at, size - at,
			 "%d again %d moved %d erased %d\n", op->result,
			 t->again, t->moved, t->erased);
	else if (op->kind == STORE_CLAIM)
		snprintf(out + at, size - at, "claimed %zu\n",
			 op->u.claim.count);
}

static void describe_left(struct ct *c, const char *account, char *out,
			  size_t size)
{
	struct store_op op;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs.account = account;
	CT_DO(c, &op);
	for (size_t i = 0; i < op.u.jobs.count; i++) {
		const struct job *j = &op.u.jobs.jobs[i];
		size_t at = strlen(out);

		snprintf(out + at, size - at,
			 "%s %s lane %d gen %lld at %lld for %llu ticket "
			 "%llu\n",
			 j->person, job_state_name(j->state), j->lane,
			 (long long)j->gen, (long long)j->run_at_ms,
			 (unsigned long long)j->zendesk_user_id,
			 (unsigned long long)j->ticket_id);
	}
	store_op_release(&op);
}

static void keep_claimed(struct round *r, const struct store_op *op)
{
	for (size_t i = 0; i < r->job_count; i++)
		job_release(&r->jobs[i]);
	r->job_count = op->u.claim.count;
	for (size_t i = 0; i < r->job_count; i++)
		job_copy(&r->jobs[i], &op->u.claim.jobs[i]);
}

static void run_side(struct day *d, enum side side, size_t count, char *out)
{
	struct round *r = &d->sides[side];
	struct store_op *all[OPS];

	for (size_t i = 0; i < count; i++)
		all[i] = &r->ops[i];
	if (side == TOGETHER)
		store_run(d->c->s, all, count);
	for (size_t i = 0; side == APART && i < count; i++)
		store_run(d->c->s, &all[i], 1);
	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		describe(all[i], out, TEXT_SIZE);
	keep_claimed(r, all[count - 1]);
	for (size_t i = 0; i < count; i++)
		store_op_release(all[i]);
	describe_left(d->c, accounts[side], out, TEXT_SIZE);
}

static void one_round(struct day *d)
{
	static char said[SIDES][TEXT_SIZE];
	size_t n = 0, jobs = d->sides[0].job_count;

	for (; n < OPS - 1; n++) {
		if (n < jobs * 2 && n % 2 == 1)
			add_settle(d, n, n / 2, &d->seed);
		else if (dice(&d->seed, 8) == 0)
			add_enqueue(d, n, &d->seed);
		else
			add_accept(d, n, &d->seed);
	}
	add_claim(d, n++);
	run_side(d, APART, n, said[APART]);
	run_side(d, TOGETHER, n, said[TOGETHER]);
	assert_string_equal(said[APART], said[TOGETHER]);
}

static void a_batch_is_its_operations_one_by_one(struct ct *c)
{
	struct day *d = xcalloc(1, sizeof(*d));

	d->c = c;
	for (uint32_t day = 0; day < DAYS; day++) {
		d->seed = day;
		for (int round = 0; round < ROUNDS; round++) {
			one_round(d);
			c->now_ms += MINUTE / 4;
		}
		c->now_ms += HOUR;
	}
	for (int s = 0; s < SIDES; s++)
		for (size_t i = 0; i < d->sides[s].job_count; i++)
			job_release(&d->sides[s].jobs[i]);
	free(d);
}

/* What Ann says finds the job that has just become hers. */
static void who_gets_a_name_is_found_by_it(struct ct *c)
{
	struct event says[] = {ct_event(EVENT_CONVERSATION_CREATE, "ann"),
			       ct_event(EVENT_CONVERSATION_MESSAGE, "ann")};
	struct store_op ops[3], *all[] = {&ops[0], &ops[1], &ops[2]};
	struct job job;

	ct_accept(c, ct_ticket(11, 21));
	job = ct_claim(c);
	store_op_init(&ops[0], STORE_FOLD);
	ops[0].u.fold = (struct store_fold){
		.job_id = job.id,
		.token = job.token,
		.sunco_id = "ann",
		.now_ms = c->now_ms,
	};
	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		store_op_init(&ops[1 + i], STORE_ACCEPT);
		ops[1 + i].u.accept.account = CT_ACCOUNT;
		ops[1 + i].u.accept.events = &says[i];
		ops[1 + i].u.accept.count = 1;
		ops[1 + i].u.accept.now_ms = c->now_ms;
		ops[1 + i].u.accept.wait_ms = CT_WAIT;
	}
	store_run(c->s, all, ARRAY_LEN(all));
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		assert_int_equal(ops[i].result, RESULT_OK);
	assert_int_equal(ct_state(c, "s:ann"), JOB_RUNNING);
	job_release(&job);
}

static const struct ct_case cases[] = {
	CT_CASE(a_batch_is_its_operations_one_by_one),
	CT_CASE(who_gets_a_name_is_found_by_it),
};

const struct ct_group ct_batch_cases = {cases, ARRAY_LEN(cases)};
