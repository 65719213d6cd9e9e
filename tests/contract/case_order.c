/*
 * Cases: the same events in another order end the same.
 *
 * Every pair and every triple of the kinds below, about one person, comes in
 * each of its orders: all at once, each with a run after it, and each hours
 * late, as one of many. What is left when nobody has anything to do any more
 * (jobs with their hints, the link, owners of the address) is what the first
 * order left. Each order has an account of its own in one store.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define ANN	"ann"
#define ADDRESS 9 /* every byte of its hash */
#define USER	UINT64_C(11)
#define FORMER	UINT64_C(12)
#define TICKET	UINT64_C(5)

/* What is said of Ann, who is Zendesk's user 11. */
static const struct saying {
	enum event_kind kind;
	bool identity; /* the messaging one */
	uint64_t user, other;
	uint8_t gained, lost;
	const char *discarded;
} sayings[] = {
	{.kind = EVENT_CONVERSATION_CREATE},
	{.kind = EVENT_CONVERSATION_REFERRAL},
	{.kind = EVENT_CONVERSATION_MESSAGE},
	{.kind = EVENT_PASS_CONTROL},
	{.kind = EVENT_USER_AUTHENTICATED},
	{.kind = EVENT_SUNCO_MERGE, .discarded = "old"},
	{.kind = EVENT_TICKET, .user = USER},
	{.kind = EVENT_ZD_USER_CREATED, .user = USER},
	{.kind = EVENT_ZD_IDENTITY, .user = USER, .identity = true},
	{.kind = EVENT_ZD_IDENTITY, .user = USER, .gained = ADDRESS},
	{.kind = EVENT_ZD_IDENTITY, .user = FORMER, .lost = ADDRESS},
	{.kind = EVENT_ZD_USER_MERGED, .user = USER, .other = 13},
	{.kind = EVENT_ZD_USER_DELETED, .user = 14},
};
#define SAYINGS ARRAY_LEN(sayings)
#define LENGTH	3

enum mode { AT_ONCE, ONE_BY_ONE, LATE, MODES };

/* One order of one set, and what came of it. */
struct world {
	char account[16];
	size_t order[LENGTH], count;
	size_t first; /* the world that it must equal */
	enum mode mode;
	char end[512];
};

struct worlds {
	struct world *items;
	size_t count;
};

/* --- the orders --- */

static void add_world(struct worlds *w, const size_t *order, size_t count,
		      enum mode mode, size_t first)
{
	struct world *one;

	w->items = xrealloc(w->items, (w->count + 1) * sizeof(*w->items));
	one = &w->items[w->count];
	memset(one, 0, sizeof(*one));
	snprintf(one->account, sizeof(one->account), "w%zu", w->count);
	memcpy(one->order, order, count * sizeof(*order));
	one->count = count;
	one->mode = mode;
	one->first = first;
	w->count++;
}

static void swap(size_t *a, size_t *b)
{
	size_t t = *a;

	*a = *b;
	*b = t;
}

static void permute(struct worlds *w, size_t *set, size_t at, size_t count,
		    size_t first)
{
	if (at == count) {
		for (int mode = AT_ONCE; mode < MODES; mode++)
			add_world(w, set, count, (enum mode)mode, first);
		return;
	}
	for (size_t i = at; i < count; i++) {
		swap(&set[at], &set[i]);
		permute(w, set, at + 1, count, first);
		swap(&set[at], &set[i]);
	}
}

static void choose(struct worlds *w, size_t *set, size_t at, size_t count)
{
	if (at == count) {
		permute(w, set, 0, count, w->count);
		return;
	}
	for (set[at] = at > 0 ? set[at - 1] + 1 : 0; set[at] < SAYINGS;
	     set[at]++)
		choose(w, set, at + 1, count);
}

/* --- what happens in all of them, a step at a time --- */

static struct event event_of(const struct world *w, size_t n)
{
	const struct saying *s = &sayings[w->order[n]];
	struct event e = ct_event(
		s->kind, s->kind < EVENT_TICKET || s->identity ? ANN : "");

	e.zendesk_user_id = s->user;
	e.other_zendesk_user_id = s->other;
	e.messaging_identity = s->identity;
	memset(e.gained_hash, s->gained, sizeof(e.gained_hash));
	memset(e.lost_hash, s->lost, sizeof(e.lost_hash));
	if (s->kind < EVENT_TICKET)
		(void)str_copy(e.conversation_id, sizeof(e.conversation_id),
			       "talk");
	if (s->kind == EVENT_TICKET)
		e.ticket_id = TICKET;
	(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id),
		       s->discarded ? s->discarded : "");
	/* they happened in the order of the table */
	e.at_ms = CT_START - DAY + (int64_t)w->order[n] * HOUR;
	e.behind = w->mode == LATE;
	return e;
}

/* As many at a time as the daemon does. */
static void run_all(struct ct *c, struct store_op *ops, size_t count)
{
	struct store_op *list[256];
	size_t n;

	for (; count > 0; ops += n, count -= n) {
		n = count < ARRAY_LEN(list) ? count : ARRAY_LEN(list);
		for (size_t i = 0; i < n; i++)
			list[i] = &ops[i];
		store_run(c->s, list, n);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ops[i].result, RESULT_OK);
	}
}

static void release_all(struct store_op *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		store_op_release(&ops[i]);
	free(ops);
}

static void tell_all(struct ct *c, const struct worlds *w, size_t n)
{
	struct store_op *ops = xcalloc(w->count, sizeof(*ops));
	struct event *events = xcalloc(w->count, sizeof(*events));
	size_t count = 0;

	for (size_t i = 0; i < w->count; i++) {
		struct store_op *op = &ops[count];

		if (n >= w->items[i].count)
			continue;
		events[count] = event_of(&w->items[i], n);
		store_op_init(op, STORE_ACCEPT);
		op->u.accept.account = w->items[i].account;
		op->u.accept.events = &events[count++];
		op->u.accept.count = 1;
		op->u.accept.now_ms = c->now_ms;
		op->u.accept.wait_ms = CT_WAIT;
		op->u.accept.recheck_ms = 7 * DAY;
	}
	run_all(c, ops, count);
	release_all(ops, count);
	free(events);
}

/* A run under way, and whose it is. */
struct one {
	const char *account;
	struct job job;
	bool over; /* the person's other job goes on with it */
};
struct ones {
	struct one *items;
	size_t count;
};

static struct ones claim_all(struct ct *c, const struct worlds *w, bool at_end)
{
	struct store_op *ops = xcalloc(w->count, sizeof(*ops));
	struct ones runs = {NULL, 0};

	for (size_t i = 0; i < w->count; i++) {
		bool waits = !at_end && w->items[i].mode == AT_ONCE;

		ct_claim_op(c, &ops[i], waits ? 0 : 10);
		ops[i].u.claim.account = w->items[i].account;
	}
	run_all(c, ops, w->count);
	for (size_t i = 0; i < w->count; i++)
		for (size_t k = 0; k < ops[i].u.claim.count; k++) {
			runs.items =
				xrealloc(runs.items,
					 (runs.count + 1) * sizeof(struct one));
			runs.items[runs.count].account = w->items[i].account;
			runs.items[runs.count].over = false;
			job_copy(&runs.items[runs.count++].job,
				 &ops[i].u.claim.jobs[k]);
		}
	release_all(ops, w->count);
	return runs;
}

/* A job that has only a Zendesk user learns that it is Ann. */
static void fold_all(struct ct *c, struct ones *runs)
{
	struct store_op *ops = xcalloc(runs->count + 1, sizeof(*ops));

	for (size_t i = 0; i < runs->count; i++) {
		store_op_init(&ops[i], STORE_FOLD);
		ops[i].u.fold.job_id = runs->items[i].job.id;
		ops[i].u.fold.token = runs->items[i].job.token;
		ops[i].u.fold.sunco_id = ANN;
		ops[i].u.fold.now_ms = c->now_ms;
	}
	run_all(c, ops, runs->count);
	for (size_t i = 0; i < runs->count; i++)
		runs->items[i].over = !ops[i].u.fold.kept;
	release_all(ops, runs->count);
}

static void recall_op(struct ct *c, struct store_op *op, const char *account)
{
	store_op_init(op, STORE_RECALL);
	op->u.recall.account = account;
	op->u.recall.sunco_id = ANN;
	op->u.recall.ids[0] = USER;
	memset(op->u.recall.address_hash, ADDRESS, 16);
	op->u.recall.now_ms = c->now_ms;
}

static void settle_op(struct ct *c, struct store_op *op, const struct one *run,
		      const struct store_link *link,
		      const struct store_recall *known)
{
	ct_settle_op(c, op, &run->job, JOB_DONE);
	op->u.settle.link = link;
	op->u.settle.zendesk_user_id = USER;
	op->u.settle.ticket_id = run->job.ticket_id;
	op->u.settle.read_ms = c->now_ms;
	memset(op->u.settle.address_hash, ADDRESS, 16);
	op->u.settle.owners = known->owners;
	op->u.settle.owner_count = known->owner_count;
}

/* Every run finds that Ann is linked. */
static void end_all(struct ct *c, const struct ones *runs)
{
	const struct store_link link = {.sunco_id = ANN,
					.zendesk_user_id = USER,
					.checked_ms = c->now_ms};
	struct store_op *recalls = xcalloc(runs->count + 1, sizeof(*recalls));
	struct store_op *ends = xcalloc(runs->count + 1, sizeof(*ends));
	size_t count = 0;

	for (size_t i = 0; i < runs->count; i++)
		recall_op(c, &recalls[i], runs->items[i].account);
	run_all(c, recalls, runs->count);
	for (size_t i = 0; i < runs->count; i++)
		if (!runs->items[i].over)
			settle_op(c, &ends[count++], &runs->items[i], &link,
				  &recalls[i].u.recall);
	run_all(c, ends, count);
	release_all(recalls, runs->count);
	release_all(ends, count);
}

/* Everybody who is due runs once; false: nobody is. */
static bool run_due(struct ct *c, const struct worlds *w, bool at_end)
{
	struct ones runs = claim_all(c, w, at_end);

	fold_all(c, &runs);
	end_all(c, &runs);
	for (size_t i = 0; i < runs.count; i++)
		job_release(&runs.items[i].job);
	free(runs.items);
	return runs.count > 0;
}

/* --- what is left --- */

static void describe_jobs(const struct store_jobs *l, char *out, size_t size)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct job *j = &l->jobs[i];
		size_t at = strlen(out);

		snprintf(out + at, size - at, "%s %s user %llu ticket %llu; ",
			 j->person, job_state_name(j->state),
			 (unsigned long long)j->zendesk_user_id,
			 (unsigned long long)j->ticket_id);
	}
}

static void describe_people(const struct store_recall *r, char *out,
			    size_t size)
{
	size_t at = strlen(out);

	snprintf(out + at, size - at, "linked %d %llu; ", r->linked,
		 (unsigned long long)r->link.zendesk_user_id);
	for (size_t i = 0; i < r->owner_count; i++) {
		at = strlen(out);
		snprintf(out + at, size - at, "owner %llu %d %lld; ",
			 (unsigned long long)r->owners[i].user,
			 r->owners[i].proven, (long long)r->owners[i].lost_ms);
	}
}

static void describe(struct ct *c, struct world *w)
{
	static const int states[] = {-1, JOB_DONE};
	struct store_op op;

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		store_op_init(&op, STORE_JOBS);
		op.u.jobs.account = w->account;
		op.u.jobs.state = states[i];
		CT_DO(c, &op);
		describe_jobs(&op.u.jobs, w->end, sizeof(w->end));
		store_op_release(&op);
	}
	recall_op(c, &op, w->account);
	CT_DO(c, &op);
	describe_people(&op.u.recall, w->end, sizeof(w->end));
}

static void name_order(const struct world *w, char *out, size_t size)
{
	out[0] = '\0';
	for (size_t i = 0; i < w->count; i++) {
		const struct saying *s = &sayings[w->order[i]];
		size_t at = strlen(out);

		snprintf(out + at, size - at, "%s%s ", event_kind_name(s->kind),
			 s->gained     ? " gained"
			 : s->lost     ? " lost"
			 : s->identity ? " messaging"
				       : "");
	}
}

static size_t differences(const struct worlds *w)
{
	char one[256], other[256];
	size_t count = 0;

	for (size_t i = 0; i < w->count; i++) {
		const struct world *x = &w->items[i];
		const struct world *y = &w->items[x->first];

		if (strcmp(x->end, y->end) == 0)
			continue;
		name_order(x, one, sizeof(one));
		name_order(y, other, sizeof(other));
		if (count++ < 10)
			print_error("%s(%d): %s\n%s(%d): %s\n", one, x->mode,
				    x->end, other, y->mode, y->end);
	}
	return count;
}

static void every_order_ends_the_same(struct ct *c, size_t length)
{
	struct worlds w = {NULL, 0};
	size_t set[LENGTH];
	int rounds;

	choose(&w, set, 0, length);
	for (size_t n = 0; n < length; n++) {
		c->now_ms += MINUTE;
		tell_all(c, &w, n);
		while (run_due(c, &w, false))
			;
	}
	for (rounds = 0; run_due(c, &w, true); rounds++)
		assert_true(rounds < 5);
	for (size_t i = 0; i < w.count; i++)
		describe(c, &w.items[i]);
	assert_int_equal(differences(&w), 0);
	free(w.items);
}

static void pairs_in_either_order_end_the_same(struct ct *c)
{
	every_order_ends_the_same(c, 2);
}

static void triples_in_any_order_end_the_same(struct ct *c)
{
	every_order_ends_the_same(c, 3);
}

/* --- one SunCo user after the other --- */

static void merge(struct ct *c, const char *into, const char *from)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, into);

	(void)str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), from);
	if (strcmp(into, "mid") == 0)
		e.zendesk_user_id = 77; /* nobody else's */
	ct_accept(c, e);
	c->now_ms += MINUTE;
}

/* "old" writes, is merged into "mid", and that into Ann. */
static void first_writes(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "old");

	e.zendesk_user_id = USER;
	(void)str_copy(e.conversation_id, sizeof(e.conversation_id), "talk");
	ct_accept(c, e);
	ct_accept(c, ct_ticket(USER, TICKET));
}

static void assert_all_is_anns(struct ct *c)
{
	struct job job = ct_job(c, "s:" ANN);

	assert_int_equal(job.state, JOB_READY);
	assert_true(job.zendesk_user_id == USER);
	assert_true(job.ticket_id == TICKET);
	assert_string_equal(job.conversation_id, "talk");
	assert_false(ct_find(c, "s:old", &(struct job){0}));
	job_release(&job);
}

static void merges_in_their_order(struct ct *c)
{
	first_writes(c);
	merge(c, "mid", "old");
	merge(c, ANN, "mid");
	assert_all_is_anns(c);
	assert_false(ct_find(c, "s:mid", &(struct job){0}));
}

static void merges_in_reverse_order(struct ct *c)
{
	first_writes(c);
	merge(c, ANN, "mid");
	merge(c, "mid", "old");
	assert_all_is_anns(c);
	assert_false(ct_find(c, "s:mid", &(struct job){0}));
}

/* Whoever forges them gets no endless walk. */
static void merges_in_a_circle_end(struct ct *c)
{
	first_writes(c);
	merge(c, "mid", "old");
	merge(c, ANN, "mid");
	merge(c, "old", ANN);
	merge(c, "mid", "old");
	assert_true(ct_claim_count(c, 10) >= 1);
}

/* What was told of a merge is forgotten in time: it was no evidence. */
static void a_merge_is_remembered_for_a_day(struct ct *c)
{
	struct job job;

	first_writes(c);
	merge(c, ANN, "mid");
	c->now_ms += DAY;
	merge(c, "mid", "old");
	job = ct_job(c, "s:mid");
	assert_true(job.zendesk_user_id == USER);
	job_release(&job);
}

static void who_is_removed_leaves_no_merge(struct ct *c)
{
	first_writes(c);
	merge(c, ANN, "mid");
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, ANN));
	merge(c, "mid", "old");
	assert_false(ct_find(c, "s:" ANN, &(struct job){0}));
}

/* --- the same once more --- */

/* A key that retention took is not known any more; what comes with it then is
 * an event like any other: about somebody known to be linked it costs nothing,
 * about anybody else a look. */
static void after_retention_a_duplicate_is_an_event(struct ct *c)
{
	struct event known = ct_event(EVENT_CONVERSATION_CREATE, ANN);
	struct event other = ct_event(EVENT_CONVERSATION_CREATE, "bob");
	struct store_accept a;
	struct store_op op;

	known.print.known = true;
	memset(known.print.hash, 7, sizeof(known.print.hash));
	ct_link(c, ANN, USER, 7);
	assert_int_equal(ct_accept(c, known).known, 1);
	ct_accept(c, other);
	c->now_ms += DAY;
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.events_before_ms = c->now_ms;
	op.u.prune.max = 100;
	CT_DO(c, &op);
	a = ct_accept(c, known);
	assert_int_equal(a.accepted, 1);
	assert_int_equal(a.known, 1);
	assert_int_equal(a.woken, 0);
	assert_int_equal(ct_accept(c, other).accepted, 1);
	assert_int_equal(ct_accept(c, known).duplicate, 1);
	assert_int_equal(ct_accept(c, other).duplicate, 1);
	assert_int_equal(ct_claim_count(c, 10), 1); /* one job for all of it */
}

static const struct ct_case cases[] = {
	CT_CASE(pairs_in_either_order_end_the_same),
	CT_CASE(triples_in_any_order_end_the_same),
	CT_CASE(merges_in_their_order),
	CT_CASE(merges_in_reverse_order),
	CT_CASE(merges_in_a_circle_end),
	CT_CASE(a_merge_is_remembered_for_a_day),
	CT_CASE(who_is_removed_leaves_no_merge),
	CT_CASE(after_retention_a_duplicate_is_an_event),
};
const struct ct_group ct_order_cases = {cases, ARRAY_LEN(cases)};
