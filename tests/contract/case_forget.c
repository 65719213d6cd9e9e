/*
 * Forgetting: what speaks of a person is found and erased, nothing else.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define ANN	"ann"
#define ADDRESS "ann@people.example"
#define USER	11
#define PROFILE 22

static void find(struct ct *c, struct store_op *op, const char *sunco_id,
		 uint64_t user, const char *address)
{
	store_op_init(op, STORE_FIND);
	op->u.find.account = CT_ACCOUNT;
	op->u.find.sunco_id = sunco_id;
	op->u.find.zendesk_user_id = user;
	op->u.find.address = address;
	CT_DO(c, op);
}

static struct store_erase erase(struct ct *c, const struct store_op *found)
{
	struct store_op op;
	struct store_erase e;

	store_op_init(&op, STORE_ERASE);
	op.u.erase.account = CT_ACCOUNT;
	op.u.erase.who = &found->u.find;
	op.u.erase.now_ms = c->now_ms;
	CT_DO(c, &op);
	e = op.u.erase;
	store_op_release(&op);
	return e;
}

/* Ann was merged into her profile; her before-image names her address. */
static int64_t merge_ann(struct ct *c)
{
	struct job job = ct_running(c, ANN);
	struct journal_entry e = ct_entry(USER, PROFILE);
	struct store_op op;
	int64_t id;

	e.status = JOURNAL_DONE;
	e.before_image = (char *)(uintptr_t) "{\"value\":\"" ADDRESS "\"}";
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), ANN);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.alias_from = USER;
	op.u.settle.alias_to = PROFILE;
	CT_DO(c, &op);
	id = op.u.settle.journal_id;
	store_op_release(&op);
	job_release(&job);
	ct_link(c, ANN, PROFILE, 1);
	return id;
}

static void expect_gone(struct ct *c, int64_t entry)
{
	struct journal_entry e = ct_entry_read(c, entry);
	struct store_recall r = ct_recall(c, ANN, PROFILE, 1);
	struct job job;

	assert_null(e.before_image);
	assert_string_equal(e.sunco_id, "");
	assert_int_equal(e.profile_id, PROFILE);
	journal_entry_release(&e);
	assert_false(r.linked);
	assert_false(ct_find(c, "s:" ANN, &job));
}

static void by_each_name(struct ct *c, const char *sunco_id, uint64_t user,
			 const char *address)
{
	int64_t entry = merge_ann(c);
	struct store_erase e;
	struct store_op op;

	find(c, &op, sunco_id, user, address);
	e = erase(c, &op);
	store_op_release(&op);
	assert_true(e.entries >= 1);
	if (!address) {
		assert_int_equal(e.jobs, 1);
		assert_int_equal(e.links, 1);
		expect_gone(c, entry);
	}
	find(c, &op, sunco_id, user, address);
	assert_int_equal(erase(c, &op).jobs, 0);
	store_op_release(&op);
}

static void by_sunco_user(struct ct *c)
{
	by_each_name(c, ANN, 0, NULL);
}

static void by_profile(struct ct *c)
{
	by_each_name(c, NULL, PROFILE, NULL);
}

/* The id that was merged away leads to the same person's entry. */
static void by_absorbed_user(struct ct *c)
{
	int64_t entry = merge_ann(c);
	struct journal_entry e;
	struct store_op op;

	find(c, &op, NULL, USER, NULL);
	assert_int_equal(erase(c, &op).entries, 1);
	store_op_release(&op);
	e = ct_entry_read(c, entry);
	assert_null(e.before_image);
	journal_entry_release(&e);
}

/* Nobody is known to have it, but an image names it. */
static void by_an_address_in_an_image(struct ct *c)
{
	by_each_name(c, NULL, 0, ADDRESS);
}

static void others_stay(struct ct *c)
{
	struct store_op op;
	struct job job;

	(void)merge_ann(c);
	ct_link(c, "bob", 33, 2);
	find(c, &op, ANN, 0, NULL);
	(void)erase(c, &op);
	store_op_release(&op);
	job = ct_job(c, "s:bob");
	job_release(&job);
	assert_true(ct_recall(c, "bob", 33, 2).linked);
}

static void a_review_goes_with_its_person(struct ct *c)
{
	struct job job = ct_running(c, ANN);
	int64_t review = ct_settle_review(c, &job, USER, PROFILE);
	struct store_op op;

	find(c, &op, NULL, PROFILE, NULL);
	assert_int_equal(op.u.find.review_count, 1);
	assert_int_equal(op.u.find.reviews[0], review);
	assert_int_equal(erase(c, &op).reviews, 1);
	store_op_release(&op);
	store_op_init(&op, STORE_REVIEWS);
	CT_DO(c, &op);
	assert_int_equal(op.u.reviews.count, 0);
	store_op_release(&op);
}

/* What runs may be in the middle of a change: it goes when it ends. */
static void a_running_job_goes_when_it_ends(struct ct *c)
{
	struct job job = ct_running(c, ANN);
	struct store_erase e;
	struct store_op op;
	struct job left;

	find(c, &op, ANN, 0, NULL);
	e = erase(c, &op);
	store_op_release(&op);
	assert_int_equal(e.jobs, 0);
	assert_int_equal(e.busy, 1);
	ct_settle(c, &job, JOB_DONE);
	assert_false(ct_find(c, "s:" ANN, &left));
}

/* What it finds out meanwhile is forgotten with it. */
static void expect_image(struct ct *c, bool forget, bool kept)
{
	struct event removal = ct_event(EVENT_SUNCO_REMOVE, ANN);
	struct job job = ct_running(c, ANN);
	struct journal_entry e = ct_entry(USER, PROFILE);
	struct store_op op;
	int64_t id;

	if (forget) {
		find(c, &op, ANN, 0, NULL);
		assert_int_equal(erase(c, &op).busy, 1);
		store_op_release(&op);
	}
	assert_int_equal(ct_accept(c, removal).erased, 1);
	e.status = JOURNAL_DONE;
	e.before_image = (char *)(uintptr_t) "{\"value\":\"" ADDRESS "\"}";
	(void)str_copy(e.sunco_id, sizeof(e.sunco_id), ANN);
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	assert_true(op.u.settle.erased);
	assert_true(store_op_erased(&op));
	id = op.u.settle.journal_id;
	store_op_release(&op);
	job_release(&job);
	e = ct_entry_read(c, id);
	assert_int_equal(e.before_image != NULL, kept);
	assert_string_equal(e.sunco_id, "");
	journal_entry_release(&e);
}

static void what_a_run_finds_is_forgotten_too(struct ct *c)
{
	expect_image(c, true, false);
}

static void a_removal_spares_what_a_run_finds(struct ct *c)
{
	expect_image(c, false, true);
}

/* A no is about two people: it names the SunCo user even where the profile
 * leads to nobody. */
static void a_rejection_goes_by_sunco_user(struct ct *c)
{
	struct job job = ct_running(c, ANN);
	int64_t review = ct_settle_review(c, &job, USER, PROFILE);
	struct store_op op;

	store_op_init(&op, STORE_DECIDE);
	op.u.decide.review_id = review;
	op.u.decide.by = "maria";
	op.u.decide.now_ms = c->now_ms;
	CT_DO(c, &op);
	store_op_release(&op);
	find(c, &op, ANN, 0, NULL);
	assert_true(erase(c, &op).pairs >= 1);
	store_op_release(&op);
	find(c, &op, ANN, 0, NULL);
	assert_int_equal(erase(c, &op).pairs, 0);
	store_op_release(&op);
}

static void nobody_is_no_error(struct ct *c)
{
	struct store_op op;

	find(c, &op, "nobody", 0, NULL);
	assert_int_equal(erase(c, &op).entries, 0);
	store_op_release(&op);
	store_op_init(&op, STORE_FIND);
	op.u.find.account = CT_ACCOUNT;
	CT_REFUSED(c, &op, RESULT_INVALID);
	store_op_release(&op);
}

static const struct ct_case cases[] = {
	CT_CASE(by_sunco_user),
	CT_CASE(by_profile),
	CT_CASE(by_absorbed_user),
	CT_CASE(by_an_address_in_an_image),
	CT_CASE(others_stay),
	CT_CASE(a_review_goes_with_its_person),
	CT_CASE(a_running_job_goes_when_it_ends),
	CT_CASE(what_a_run_finds_is_forgotten_too),
	CT_CASE(a_removal_spares_what_a_run_finds),
	CT_CASE(a_rejection_goes_by_sunco_user),
	CT_CASE(nobody_is_no_error),
};
const struct ct_group ct_forget_cases = {cases, ARRAY_LEN(cases)};
