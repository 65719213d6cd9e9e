/*
 * Cases: SunCo merges and removals, links, aliases, and recalling them.
 */
#include "contract.h"

#include <string.h>

#include "base/crypto.h"
#include "base/str.h"

static int sunco_merge(struct ct *c, const char *discarded, const char *kept)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, kept);
	struct store_accept a;

	assert_true(str_copy(e.other_sunco_id, sizeof(e.other_sunco_id),
			     discarded));
	a = ct_accept(c, e);
	assert_int_equal(a.accepted, 1);
	return a.woken;
}

static void sunco_remove(struct ct *c, const char *sunco_id)
{
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, sunco_id));
}

static void a_merge_renames_the_job(struct ct *c)
{
	struct job before, after;

	ct_rest(c, "old", JOB_WAITING);
	before = ct_job(c, "s:old");
	sunco_merge(c, "old", "new");
	assert_false(ct_find(c, "s:old", &after));
	after = ct_claim(c);
	assert_int_equal(after.id, before.id);
	assert_string_equal(after.person, "s:new");
	job_release(&after);
	job_release(&before);
}

static void a_merge_folds_two_jobs(struct ct *c)
{
	struct event e = ct_event(EVENT_CONVERSATION_CREATE, "old");
	struct job job;

	e.zendesk_user_id = 11;
	e.ticket_id = 21;
	ct_accept(c, e);
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "new"));
	sunco_merge(c, "old", "new");
	job = ct_claim(c);
	assert_string_equal(job.person, "s:new");
	assert_int_equal(job.zendesk_user_id, 11);
	assert_int_equal(job.ticket_id, 21);
	job_release(&job);
}

static void a_merge_wakes_a_job_that_rests(struct ct *c)
{
	ct_rest(c, "new", JOB_DONE);
	ct_rest(c, "old", JOB_WAITING);
	assert_int_equal(sunco_merge(c, "old", "new"), 1);
	assert_int_equal(ct_state(c, "s:new"), JOB_READY);
}

static void a_merge_leaves_a_running_job(struct ct *c)
{
	struct job old = ct_running(c, "old"), new;

	sunco_merge(c, "old", "new");
	new = ct_claim(c);
	assert_string_equal(new.person, "s:new");
	ct_settle(c, &old, JOB_DONE);
	ct_settle(c, &new, JOB_DONE);
}

static void a_merge_forgets_the_discarded_link(struct ct *c)
{
	ct_link(c, "old", 11, 7);
	ct_link(c, "new", 12, 7);
	sunco_merge(c, "old", "new");
	assert_false(ct_recall(c, "old", 0, 0).linked);
	assert_true(ct_recall(c, "new", 0, 0).linked);
	assert_int_equal(ct_state(c, "s:new"), JOB_READY);
}

static void reject(struct ct *c, int64_t review)
{
	struct store_op op;

	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = review;
	op.u.decide.by = "eve";
	op.u.decide.now_ms = c->now_ms;
	CT_DO(c, &op);
}

static void a_merge_keeps_rejections(struct ct *c)
{
	struct job job = ct_running(c, "old");

	reject(c, ct_settle_review(c, &job, 11, 12));
	sunco_merge(c, "old", "new");
	assert_true(ct_recall(c, "new", 12, 0xad).rejected[0]);
}

static void a_merge_closes_the_discarded_review(struct ct *c)
{
	struct job job = ct_running(c, "old");
	int64_t id = ct_settle_review(c, &job, 11, 12);
	struct review r;

	sunco_merge(c, "old", "new");
	r = ct_review_read(c, id);
	assert_int_equal(r.state, REVIEW_EXPIRED);
	review_release(&r);
	assert_int_equal(ct_state(c, "s:new"), JOB_READY);
}

static void alias(struct ct *c, uint64_t from, uint64_t to)
{
	struct job job = ct_running(c, "merger");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = from;
	op.u.settle.alias_to = to;
	CT_DO(c, &op);
	job_release(&job);
}

/* An entry that linked; its id. */
static int64_t linked_entry(struct ct *c, const char *sunco_id,
			    const char *image)
{
	struct job job = ct_running(c, sunco_id);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	e.status = JOURNAL_DONE;
	e.before_image = (char *)(uintptr_t)image;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), sunco_id));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	return op.u.settle.journal_id;
}

static void reject_op(struct ct *c, struct store_op *op, int64_t entry)
{
	store_op_init(op, STORE_REJECT);
	op->u.reject.journal_id = entry;
	op->u.reject.by = "eve";
	op->u.reject.now_ms = c->now_ms;
	op->u.reject.wait_ms = CT_WAIT;
}

static void a_pair_rejected_afterwards_stays_apart(struct ct *c)
{
	int64_t entry = linked_entry(c, "ann", "{}");
	struct journal_entry e;
	struct store_op op;

	ct_link(c, "ann", 12, 7);
	reject_op(c, &op, entry);
	CT_DO(c, &op);
	e = ct_entry_read(c, op.u.reject.entry_id);
	assert_int_equal(e.reason, REASON_REJECTED_BEFORE);
	assert_string_equal(e.decided_by, "eve");
	assert_int_equal(e.profile_id, 12);
	journal_entry_release(&e);
	/* Whatever address they come with, but nobody else and no other. */
	assert_true(ct_recall(c, "ann", 12, 0xad).rejected[0]);
	assert_true(ct_recall(c, "ann", 12, 0x01).rejected[0]);
	assert_false(ct_recall(c, "ann", 13, 0xad).rejected[0]);
	assert_false(ct_recall(c, "bob", 12, 0xad).rejected[0]);
	assert_false(ct_recall(c, "ann", 0, 0).linked);
	/* A job that is over stays so; another one decides anew. */
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
}

/* The profile was merged into another one meanwhile. */
static void a_rejection_counts_for_the_profiles_survivor(struct ct *c)
{
	int64_t entry = linked_entry(c, "ann", "{}");
	struct store_op op;

	alias(c, 12, 13);
	reject_op(c, &op, entry);
	CT_DO(c, &op);
	assert_true(ct_recall(c, "ann", 13, 0xad).rejected[0]);
}

/* Another SunCo user of the same login is the same person. */
static void a_rejection_knows_the_external_id(struct ct *c)
{
	int64_t entry = linked_entry(
		c, "ann",
		"{\"sunco_user\":{\"id\":\"ann\",\"authenticated\":true,"
		"\"externalId\":\"E1\"}}");
	struct crypto_hmac *hmac =
		crypto_hmac_new(store_key(c->s), STORE_KEY_SIZE);
	char external_id[] = "e1";
	struct sunco_user u;
	struct store_op op;

	reject_op(c, &op, entry);
	CT_DO(c, &op);
	sunco_user_init(&u);
	u.authenticated = true;
	u.external_id = external_id;
	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = CT_ACCOUNT;
	op.u.recall.sunco_id = "other";
	op.u.recall.ids[0] = 12;
	op.u.recall.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_false(op.u.recall.rejected[0]);
	sunco_person_hash(hmac, &u, op.u.recall.person_hash);
	CT_DO(c, &op);
	assert_true(op.u.recall.rejected[0]);
	crypto_hmac_free(hmac);
}

static void a_rejection_wakes_who_is_not_done(struct ct *c)
{
	int64_t entry = linked_entry(c, "ann", "{}");
	struct job job = ct_running(c, "ann");
	int64_t review = ct_settle_review(c, &job, 11, 13);
	struct store_op op;

	assert_true(review > 0);
	reject_op(c, &op, entry);
	CT_DO(c, &op);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void only_what_linked_can_be_rejected(struct ct *c)
{
	int64_t entry = linked_entry(c, "ann", "{}");
	struct store_op op;

	reject_op(c, &op, entry);
	CT_DO(c, &op);
	reject_op(c, &op, op.u.reject.entry_id);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	reject_op(c, &op, 4711);
	CT_REFUSED(c, &op, RESULT_NOTFOUND);
	sunco_remove(c, "ann");
	reject_op(c, &op, entry);
	CT_REFUSED(c, &op, RESULT_CONFLICT);
	reject_op(c, &op, entry);
	op.u.reject.by = "";
	CT_REFUSED(c, &op, RESULT_INVALID);
}

/* A settled case with everything that can be known of a person. */
static int64_t known_person(struct ct *c, const char *sunco_id)
{
	struct job job = ct_running(c, sunco_id);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	e.status = JOURNAL_DONE;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), sunco_id));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	return op.u.settle.journal_id;
}

static void check_erased(struct ct *c, const char *sunco_id, int64_t entry)
{
	struct journal_entry e = ct_entry_read(c, entry);
	char person[PERSON_SIZE];
	struct job job;

	assert_true(job_person(person, sunco_id, 0));
	assert_false(ct_find(c, person, &job));
	assert_false(ct_recall(c, sunco_id, 0, 0).linked);
	assert_string_equal(e.sunco_id, "");
	assert_non_null(e.before_image);
	assert_int_equal(e.messaging_user_id, 11);
	journal_entry_release(&e);
}

static void a_removal_erases_the_person(struct ct *c)
{
	int64_t entry = known_person(c, "ann");

	ct_link(c, "ann", 12, 7);
	sunco_remove(c, "ann");
	check_erased(c, "ann", entry);
}

static void a_removal_erases_reviews_but_no_rejections(struct ct *c)
{
	struct job job = ct_running(c, "ann"), other;
	struct store_op op;
	int64_t id;

	reject(c, ct_settle_review(c, &job, 11, 12));
	job = ct_running(c, "ann");
	id = ct_settle_review(c, &job, 11, 13);
	other = ct_running(c, "bob");
	assert_int_equal(ct_settle_review(c, &other, 14, 13), id);
	sunco_remove(c, "ann");
	assert_true(ct_recall(c, "ann", 12, 0xad).rejected[0]);
	store_op_init(&op, STORE_REVIEWS);
	CT_DO(c, &op);
	assert_int_equal(op.u.reviews.count, 0);
	store_op_release(&op);
	/* Who was attached to it is asked for anew. */
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

static void a_running_job_is_erased_when_it_ends(struct ct *c)
{
	int64_t entry = known_person(c, "ann");
	struct job job = ct_running(c, "ann");
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = 12};
	struct store_op op;

	sunco_remove(c, "ann");
	assert_int_equal(ct_state(c, "s:ann"), JOB_RUNNING);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.link = &link;
	CT_DO(c, &op);
	job_release(&job);
	check_erased(c, "ann", entry);
}

static void an_erased_job_gives_its_locks_back(struct ct *c)
{
	struct job ann = ct_running(c, "ann"), bob = ct_running(c, "bob");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	ct_intent_op(c, &op, &ann, &e);
	CT_DO(c, &op);
	sunco_remove(c, "ann");
	ct_settle(c, &ann, JOB_DONE);
	ct_intent_op(c, &op, &bob, &e);
	CT_DO(c, &op);
	job_release(&bob);
}

static void an_erased_job_may_finish_its_saga(struct ct *c)
{
	int64_t entry = known_person(c, "ann");
	struct job job = ct_running(c, "ann");

	sunco_remove(c, "ann");
	ct_settle(c, &job, JOB_READY);
	c->now_ms += 5 * MINUTE;
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	check_erased(c, "ann", entry);
}

/* The job of ann, whose merge nobody has looked up yet. */
static int64_t park(struct ct *c, enum job_state state)
{
	struct job job = ct_running(c, "ann");
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;

	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), "ann"));
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	e.status = JOURNAL_UNCERTAIN;
	ct_settle_op(c, &op, &job, state);
	op.u.settle.entry = &e;
	op.u.settle.progress = "{\"saga\":1}";
	CT_DO(c, &op);
	job_release(&job);
	return e.id;
}

static void a_removal_lets_a_saga_finish(struct ct *c)
{
	int64_t entry = park(c, JOB_READY);
	struct journal_entry e = ct_entry(11, 12);
	struct store_op op;
	struct job job;

	sunco_remove(c, "ann");
	c->now_ms += 5 * MINUTE;
	job = ct_claim(c);
	assert_int_equal(job.journal_id, entry);
	assert_string_equal(job.progress, "{\"saga\":1}");
	e.id = entry;
	e.status = JOURNAL_DONE;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	job_release(&job);
	check_erased(c, "ann", entry);
}

/* Nobody will ever run it: it must not keep what it knows. */
static void a_removal_erases_a_dead_saga(struct ct *c)
{
	int64_t entry = park(c, JOB_DEAD);

	sunco_remove(c, "ann");
	check_erased(c, "ann", entry);
}

static void a_merge_lets_a_saga_finish(struct ct *c)
{
	int64_t entry = park(c, JOB_READY);
	struct job job;

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "new"));
	sunco_merge(c, "ann", "new");
	job = ct_job(c, "s:ann");
	assert_int_equal(job.journal_id, entry);
	job_release(&job);
	job = ct_claim(c);
	assert_string_equal(job.person, "s:new");
	job_release(&job);
}

static uint64_t survivor(struct ct *c, uint64_t user)
{
	return ct_recall(c, "", user, 0).survivor[0];
}

static void aliases_are_followed_to_the_end(struct ct *c)
{
	alias(c, 1, 2);
	alias(c, 3, 4);
	alias(c, 2, 3);
	assert_int_equal(survivor(c, 1), 4);
	assert_int_equal(survivor(c, 2), 4);
	assert_int_equal(survivor(c, 3), 4);
	assert_int_equal(survivor(c, 4), 4);
	assert_int_equal(survivor(c, 5), 5);
	assert_true(ct_recall(c, "", 4, 0).survived[0]);
	assert_false(ct_recall(c, "", 1, 0).survived[0]);
}

static void aliases_make_no_loops(struct ct *c)
{
	alias(c, 1, 2);
	alias(c, 2, 1);
	alias(c, 7, 7);
	assert_int_equal(survivor(c, 1), 2);
	assert_int_equal(survivor(c, 2), 2);
	assert_int_equal(survivor(c, 7), 7);
	assert_false(ct_recall(c, "", 7, 0).survived[0]);
}

static void links_follow_their_user(struct ct *c)
{
	ct_link(c, "ann", 1, 7);
	alias(c, 1, 2);
	assert_int_equal(ct_recall(c, "ann", 0, 0).link.zendesk_user_id, 2);
	ct_link(c, "bob", 1, 7);
	assert_int_equal(ct_recall(c, "bob", 0, 0).link.zendesk_user_id, 2);
}

static int64_t ask_by_hand(struct ct *c, uint64_t user)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = CT_ACCOUNT;
	op.u.enqueue.zendesk_user_id = user;
	op.u.enqueue.now_ms = c->now_ms;
	CT_DO(c, &op);
	return op.u.enqueue.job_id;
}

static void who_asks_by_hand_gets_a_decision(struct ct *c)
{
	struct job job;

	ct_link(c, "ann", 11, 7);
	alias(c, 12, 11);
	job = ct_job(c, "s:ann");
	assert_int_equal(ask_by_hand(c, 12), job.id);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
	assert_false(ct_recall(c, "ann", 0, 0).linked);
	job_release(&job);
}

static void a_link_is_recalled_as_given(struct ct *c)
{
	struct store_recall r;

	ct_link(c, "ann", 11, 7);
	r = ct_recall(c, "ann", 0, 0);
	assert_true(r.linked);
	assert_string_equal(r.link.sunco_id, "ann");
	assert_int_equal(r.link.zendesk_user_id, 11);
	assert_true(r.link.print.known);
	assert_int_equal(r.link.print.hash[15], 7);
	assert_int_equal(r.link.checked_ms, c->now_ms);
	ct_link(c, "ann", 12, 0);
	r = ct_recall(c, "ann", 0, 0);
	assert_int_equal(r.link.zendesk_user_id, 12);
	assert_false(r.link.print.known);
	assert_false(ct_recall(c, "nobody", 0, 0).linked);
	assert_false(ct_recall(c, "", 0, 0).linked);
}

static void accounts_do_not_know_each_other(struct ct *c)
{
	struct store_op op;

	ct_link(c, "ann", 11, 7);
	alias(c, 1, 2);
	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = "other";
	op.u.recall.sunco_id = "ann";
	op.u.recall.ids[0] = 1;
	op.u.recall.now_ms = c->now_ms;
	CT_DO(c, &op);
	assert_false(op.u.recall.linked);
	assert_int_equal(op.u.recall.survivor[0], 1);
}

static const struct ct_case cases[] = {
	CT_CASE(a_merge_renames_the_job),
	CT_CASE(a_merge_folds_two_jobs),
	CT_CASE(a_merge_wakes_a_job_that_rests),
	CT_CASE(a_merge_leaves_a_running_job),
	CT_CASE(a_merge_forgets_the_discarded_link),
	CT_CASE(a_merge_keeps_rejections),
	CT_CASE(a_merge_closes_the_discarded_review),
	CT_CASE(a_pair_rejected_afterwards_stays_apart),
	CT_CASE(a_rejection_counts_for_the_profiles_survivor),
	CT_CASE(a_rejection_knows_the_external_id),
	CT_CASE(a_rejection_wakes_who_is_not_done),
	CT_CASE(only_what_linked_can_be_rejected),
	CT_CASE(a_removal_erases_the_person),
	CT_CASE(a_removal_erases_reviews_but_no_rejections),
	CT_CASE(a_running_job_is_erased_when_it_ends),
	CT_CASE(an_erased_job_gives_its_locks_back),
	CT_CASE(an_erased_job_may_finish_its_saga),
	CT_CASE(a_removal_lets_a_saga_finish),
	CT_CASE(a_removal_erases_a_dead_saga),
	CT_CASE(a_merge_lets_a_saga_finish),
	CT_CASE(aliases_are_followed_to_the_end),
	CT_CASE(aliases_make_no_loops),
	CT_CASE(links_follow_their_user),
	CT_CASE(who_asks_by_hand_gets_a_decision),
	CT_CASE(a_link_is_recalled_as_given),
	CT_CASE(accounts_do_not_know_each_other),
};
const struct ct_group ct_people_cases = {cases, ARRAY_LEN(cases)};
