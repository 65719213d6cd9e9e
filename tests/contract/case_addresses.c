/*
 * Cases: who has or had an address, by reads and by events, in any order.
 */
#include "contract.h"

#include <string.h>

#include "base/str.h"

#define H 0xad /* an address */
#define G 0xae /* another */

static struct store_address address(uint8_t hash, bool proven)
{
	struct store_address a = {.proven = proven};

	memset(a.hash, hash, sizeof(a.hash));
	return a;
}

/* A run ends that read a user at that time. */
static void sighted(struct ct *c, struct store_sighting s)
{
	struct job job = ct_running(c, "reader");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.sightings = &s;
	op.u.settle.sighting_count = 1;
	CT_DO(c, &op);
	job_release(&job);
}

/* Read by its id, with the address or with nothing. */
static void read_with(struct ct *c, uint64_t user, uint8_t hash, bool proven,
		      int64_t at_ms)
{
	struct store_address a = address(hash, proven);

	sighted(c, (struct store_sighting){user, at_ms, false, true, &a, 1});
}

static void read_without(struct ct *c, uint64_t user, int64_t at_ms)
{
	sighted(c, (struct store_sighting){user, at_ms, false, true, NULL, 0});
}

static struct store_accept tell(struct ct *c, uint64_t user, uint8_t gained,
				uint8_t lost, int64_t at_ms)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "");

	e.zendesk_user_id = user;
	memset(e.gained_hash, gained, sizeof(e.gained_hash));
	memset(e.lost_hash, lost, sizeof(e.lost_hash));
	e.at_ms = at_ms;
	return ct_accept(c, e);
}

static struct store_accept gained(struct ct *c, uint64_t user, int64_t at_ms)
{
	return tell(c, user, H, 0, at_ms);
}

static struct store_accept lost(struct ct *c, uint64_t user, int64_t at_ms)
{
	return tell(c, user, 0, H, at_ms);
}

static size_t count_of(struct ct *c, uint64_t but, uint8_t hash)
{
	return ct_recall(c, "", but, hash).owner_count;
}

/* The only owner of the address, somebody in particular. */
static struct owner only(struct ct *c, uint64_t user)
{
	struct store_recall r = ct_recall(c, "", 0, H);

	assert_int_equal(r.owner_count, 1);
	assert_int_equal(r.owners[0].user, user);
	return r.owners[0];
}

static void check_only(struct ct *c, struct owner want)
{
	struct owner o = only(c, want.user);

	assert_int_equal(o.proven, want.proven);
	assert_int_equal(o.seen_ms, want.seen_ms);
	assert_int_equal(o.lost_ms, want.lost_ms);
}

/* --- what is known of one --- */

static void a_read_tells_who_has_it(struct ct *c)
{
	int64_t t = c->now_ms - MINUTE;

	read_with(c, 11, H, true, t);
	check_only(c, (struct owner){11, true, t, 0});
	assert_int_equal(count_of(c, 11, H), 0);
	assert_int_equal(count_of(c, 0, G), 0);
	read_with(c, 11, H, false, c->now_ms);
	check_only(c, (struct owner){11, false, c->now_ms, 0});
}

static void an_event_tells_when_it_was_lost(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	lost(c, 11, t + MINUTE);
	check_only(c, (struct owner){11, true, t, t + MINUTE});
}

static void events_alone_prove_nothing(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	gained(c, 11, t);
	check_only(c, (struct owner){11, false, 0, 0});
	lost(c, 11, t + MINUTE);
	check_only(c, (struct owner){11, false, 0, t + MINUTE});
}

static void a_loss_is_news_of_somebody_unknown(struct ct *c)
{
	lost(c, 11, c->now_ms - MINUTE);
	check_only(c, (struct owner){11, false, 0, c->now_ms - MINUTE});
}

static void an_older_loss_changes_nothing(struct ct *c)
{
	read_with(c, 11, H, true, c->now_ms);
	lost(c, 11, c->now_ms - 1);
	check_only(c, (struct owner){11, true, c->now_ms, 0});
}

/* The identity is a new one; nobody has read how it is verified. */
static void gained_anew_it_is_not_proven(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	lost(c, 11, t + 1);
	gained(c, 11, t + 2);
	check_only(c, (struct owner){11, false, t, 0});
	read_with(c, 11, H, true, t + 3);
	gained(c, 11, t + 4); /* its loss was never told */
	assert_false(only(c, 11).proven);
}

static void a_late_gain_changes_nothing(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	gained(c, 11, t - 1);
	check_only(c, (struct owner){11, true, t, 0});
	lost(c, 11, t + 2);
	gained(c, 11, t + 1);
	check_only(c, (struct owner){11, true, t, t + 2});
}

static void a_read_finds_it_gone(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	read_without(c, 11, t - 1); /* of before */
	check_only(c, (struct owner){11, true, t, 0});
	read_without(c, 11, c->now_ms);
	check_only(c, (struct owner){11, true, t, t});
}

/* A search may not show everything. */
static void a_hit_finds_nothing_gone(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	sighted(c,
		(struct store_sighting){11, c->now_ms, false, false, NULL, 0});
	check_only(c, (struct owner){11, true, t, 0});
}

static void an_event_tells_more_than_a_read(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	read_without(c, 11, c->now_ms);
	lost(c, 11, t - 1);
	assert_int_equal(only(c, 11).lost_ms, t);
	lost(c, 11, t + 5);
	assert_int_equal(only(c, 11).lost_ms, t + 5);
	lost(c, 11, t + 9);
	assert_int_equal(only(c, 11).lost_ms, t + 5);
	lost(c, 11, t + 3);
	check_only(c, (struct owner){11, true, t, t + 3});
}

static void only_a_newer_read_brings_it_back(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	lost(c, 11, t);
	read_with(c, 11, H, true, t - 1);
	check_only(c, (struct owner){11, false, 0, t});
	read_with(c, 11, H, true, t + 1);
	check_only(c, (struct owner){11, true, t + 1, 0});
}

/* A sender's clock may be wrong, or not be told. */
static void odd_times_are_now_or_unknown(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	lost(c, 11, c->now_ms + DAY);
	check_only(c, (struct owner){11, false, 0, c->now_ms});
	c->now_ms += MINUTE;
	read_with(c, 11, H, true, c->now_ms);
	t = c->now_ms;
	c->now_ms += HOUR;
	lost(c, 11, 0);
	check_only(c, (struct owner){11, true, t, t});
	lost(c, 11, 0);
	check_only(c, (struct owner){11, true, t, t});
}

static void a_changed_address_is_both(struct ct *c)
{
	read_with(c, 11, H, true, c->now_ms - HOUR);
	tell(c, 11, G, H, c->now_ms);
	assert_int_equal(only(c, 11).lost_ms, c->now_ms);
	assert_int_equal(ct_recall(c, "", 0, G).owners[0].lost_ms, 0);
}

static void without_an_address_there_is_nobody(struct ct *c)
{
	tell(c, 11, 0, 0, c->now_ms);
	tell(c, 0, H, G, c->now_ms);
	assert_int_equal(count_of(c, 0, H) + count_of(c, 0, G), 0);
	read_with(c, 12, 0, true, c->now_ms);
	assert_int_equal(count_of(c, 0, 0), 0);
}

/* --- several --- */

static void the_last_owner_comes_first(struct ct *c)
{
	static const uint64_t order[] = {16, 15, 13, 12};
	int64_t t = c->now_ms - HOUR;
	struct store_recall r;

	lost(c, 11, t + 1);
	lost(c, 12, t + 3);
	lost(c, 13, t + 4);
	lost(c, 14, t + 2);
	gained(c, 15, t);
	gained(c, 16, t + 9);
	r = ct_recall(c, "", 0, H);
	assert_int_equal(r.owner_count, OWNERS_MAX);
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_int_equal(r.owners[i].user, order[i]);
	assert_int_equal(ct_recall(c, "", 15, H).owners[1].user, 13);
}

/* A merge of ours, at that time. */
static void merge(struct ct *c, uint64_t from, uint64_t to)
{
	struct job job = ct_running(c, "merger");
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.alias_from = from;
	op.u.settle.alias_to = to;
	CT_DO(c, &op);
	job_release(&job);
}

static void a_merge_moves_them(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 11, H, true, t);
	merge(c, 11, 12);
	check_only(c, (struct owner){12, true, t, 0});
	assert_int_equal(count_of(c, 12, H), 0);
	assert_int_equal(count_of(c, 11, H), 0); /* who it was then */
}

static void a_merge_joins_what_is_known(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;

	read_with(c, 12, H, true, t);
	lost(c, 12, t + 1);
	read_with(c, 11, H, false, t + 2);
	merge(c, 11, 12);
	check_only(c, (struct owner){12, false, t + 2, 0});
	lost(c, 12, t + 3);
	read_with(c, 21, H, true, t + 4);
	merge(c, 12, 21);
	check_only(c, (struct owner){21, true, t + 4, 0});
	lost(c, 21, t + 8);
	read_with(c, 22, H, false, t + 5);
	lost(c, 22, t + 6);
	merge(c, 22, 21);
	check_only(c, (struct owner){21, false, t + 4, t + 6});
}

static void merged_by_hand(struct ct *c, uint64_t a, uint64_t b)
{
	struct event e = ct_event(EVENT_ZD_USER_MERGED, "");

	e.zendesk_user_id = a;
	e.other_zendesk_user_id = b;
	ct_accept(c, e);
}

/* An agent merged the former owner, and nobody says into whom. */
static void a_merge_by_hand_is_asked_of_both(struct ct *c)
{
	int64_t t = c->now_ms - HOUR;
	struct store_recall r;

	read_with(c, 11, H, true, t);
	lost(c, 11, t + 1);
	read_with(c, 12, G, true, t);
	merged_by_hand(c, 12, 11);
	r = ct_recall(c, "", 0, H);
	assert_int_equal(r.owner_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(r.owners[i].lost_ms, t + 1);
		assert_int_equal(r.owners[i].proven, r.owners[i].user == 11);
	}
	r = ct_recall(c, "", 0, G); /* has it: an event of its own tells */
	assert_int_equal(r.owner_count, 1);
}

static void who_was_merged_away_tells_nothing(struct ct *c)
{
	read_with(c, 11, H, true, c->now_ms - HOUR);
	merge(c, 11, 12);
	lost(c, 11, c->now_ms);
	gained(c, 11, c->now_ms);
	read_with(c, 11, H, false, c->now_ms);
	lost(c, 13, c->now_ms - DAY);
	merged_by_hand(c, 11, 13);
	assert_int_equal(count_of(c, 13, H), 1);
	merge(c, 13, 14);
	merge(c, 14, 12);
	check_only(c, (struct owner){12, true, c->now_ms - HOUR, 0});
}

static void accounts_are_apart(struct ct *c)
{
	struct store_op op;

	read_with(c, 11, H, true, c->now_ms);
	store_op_init(&op, STORE_RECALL);
	op.u.recall.account = "other";
	op.u.recall.sunco_id = "";
	memset(op.u.recall.address_hash, H, sizeof(op.u.recall.address_hash));
	CT_DO(c, &op);
	assert_int_equal(op.u.recall.owner_count, 0);
}

/* --- forgetting --- */

static void who_is_gone_is_forgotten(struct ct *c)
{
	read_with(c, 11, H, true, c->now_ms);
	lost(c, 12, c->now_ms);
	sighted(c,
		(struct store_sighting){11, c->now_ms, true, false, NULL, 0});
	only(c, 12);
}

static void who_is_deleted_is_forgotten(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_USER_DELETED, "");

	read_with(c, 11, H, true, c->now_ms);
	e.zendesk_user_id = 11;
	ct_accept(c, e);
	assert_int_equal(count_of(c, 0, H), 0);
}

static void a_removed_person_is_forgotten(struct ct *c)
{
	struct event e = ct_ticket(12, 501);

	ct_link(c, "ann", 11, 7);
	read_with(c, 11, H, true, c->now_ms);
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, "ann"));
	assert_int_equal(count_of(c, 0, H), 0);
	read_with(c, 12, H, true, c->now_ms);
	e.kind = EVENT_ZD_IDENTITY;
	e.messaging_identity = true;
	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), "bob"));
	ct_accept(c, e);
	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, "bob"));
	assert_int_equal(count_of(c, 0, H), 0);
}

static void a_run_of_a_removed_person_leaves_nothing(struct ct *c)
{
	struct job job = ct_running(c, "ann");
	struct store_address a = address(H, true);
	struct store_sighting s = {11, c->now_ms, false, true, &a, 1};
	struct store_op op;

	ct_accept(c, ct_event(EVENT_SUNCO_REMOVE, "ann"));
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.sightings = &s;
	op.u.settle.sighting_count = 1;
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(count_of(c, 0, H), 0);
}

static void the_old_is_pruned(struct ct *c)
{
	struct store_op op;

	read_with(c, 11, H, true, c->now_ms - 2 * DAY);
	lost(c, 12, c->now_ms - DAY);
	store_op_init(&op, STORE_PRUNE);
	op.u.prune.max = 100;
	op.u.prune.journal_before_ms = c->now_ms - DAY;
	CT_DO(c, &op);
	assert_int_equal(op.u.prune.removed, 1);
	only(c, 12);
}

/* --- asking again --- */

/* Settled as linked to the user, who was read with the address. */
static void linked(struct ct *c, const char *sunco_id, uint64_t user)
{
	ct_link(c, sunco_id, user, 7);
	read_with(c, user, H, true, c->now_ms);
}

static bool is_linked(struct ct *c, const char *sunco_id)
{
	return ct_recall(c, sunco_id, 0, 0).linked;
}

static void a_late_loss_reopens(struct ct *c)
{
	linked(c, "ann", 11);
	assert_int_equal(lost(c, 12, c->now_ms - MINUTE).woken, 1);
	assert_false(is_linked(c, "ann"));
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void a_loss_of_another_address_does_not(struct ct *c)
{
	linked(c, "ann", 11);
	assert_int_equal(tell(c, 12, 0, G, c->now_ms).woken, 0);
	assert_int_equal(lost(c, 11, c->now_ms).woken, 0);
	assert_true(is_linked(c, "ann"));
}

static void a_gain_reopens_where_somebody_had_it(struct ct *c)
{
	struct job job;

	ct_link(c, "ann", 11, 7);
	assert_int_equal(gained(c, 11, c->now_ms).woken, 0);
	assert_true(is_linked(c, "ann"));
	lost(c, 12, c->now_ms - MINUTE);
	assert_false(is_linked(c, "ann")); /* whatever comes first */
	job = ct_claim(c);
	ct_settle(c, &job, JOB_DONE);
	ct_link(c, "bob", 13, 7);
	gained(c, 13, c->now_ms);
	assert_false(is_linked(c, "bob"));
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

static void the_same_event_twice_reopens_once(struct ct *c)
{
	struct event e = ct_event(EVENT_ZD_IDENTITY, "");

	e.zendesk_user_id = 12;
	e.at_ms = c->now_ms;
	memset(e.lost_hash, H, sizeof(e.lost_hash));
	linked(c, "ann", 11);
	assert_int_equal(ct_accept(c, e).woken, 1);
	linked(c, "ann", 11);
	assert_int_equal(ct_accept(c, e).duplicate, 1);
	assert_true(is_linked(c, "ann"));
}

static void a_link_without_a_job_gets_one(struct ct *c)
{
	struct store_op op;
	struct job job;

	linked(c, "ann", 11);
	job = ct_job(c, "s:ann");
	store_op_init(&op, STORE_DROP);
	op.u.drop.job_id = job.id;
	CT_DO(c, &op);
	job_release(&job);
	assert_int_equal(lost(c, 12, c->now_ms).woken, 1);
	job = ct_job(c, "s:ann");
	assert_int_equal(job.state, JOB_READY);
	assert_int_equal(job.zendesk_user_id, 11);
	job_release(&job);
}

/* A job that knows its user, in any state, without a link. */
static void reopens_from(struct ct *c, enum job_state state)
{
	struct job job = ct_running(c, "ann");
	struct store_op op;

	ct_settle_op(c, &op, &job, state);
	op.u.settle.zendesk_user_id = 11;
	CT_DO(c, &op);
	job_release(&job);
	read_with(c, 11, H, true, c->now_ms);
	assert_int_equal(lost(c, 12, c->now_ms).woken, 1);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void a_waiting_job_looks_at_once(struct ct *c)
{
	reopens_from(c, JOB_WAITING);
}

static void a_job_in_review_looks_again(struct ct *c)
{
	reopens_from(c, JOB_REVIEW);
}

static void a_settled_job_without_a_link_too(struct ct *c)
{
	reopens_from(c, JOB_DONE);
}

static void a_running_job_runs_again(struct ct *c)
{
	struct store_op op;
	struct job job;

	linked(c, "ann", 11);
	job = ct_running(c, "ann");
	lost(c, 12, c->now_ms);
	ct_settle_op(c, &op, &job, JOB_DONE);
	CT_DO(c, &op);
	assert_true(op.u.settle.again);
	job_release(&job);
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

/* A merge of ours moves the address from one to the other; both are locked
 * then. What others lose meanwhile is another matter. */
static void our_own_merge_reopens_nothing(struct ct *c)
{
	struct journal_entry e = ct_entry(12, 11);
	struct store_op op;
	struct job job;

	linked(c, "ann", 11);
	job = ct_running(c, "eve");
	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	lost(c, 12, c->now_ms);
	gained(c, 11, c->now_ms);
	assert_true(is_linked(c, "ann"));
	lost(c, 13, c->now_ms);
	assert_false(is_linked(c, "ann"));
	job_release(&job);
}

/* --- what a run did not know when it settled --- */

static struct store_settle settled(struct ct *c, uint64_t user,
				   const struct owner *told, size_t count)
{
	struct job job = ct_running(c, "ann");
	struct store_link link = {.sunco_id = "ann", .zendesk_user_id = user};
	struct store_op op;

	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.link = &link;
	memset(op.u.settle.address_hash, H, sizeof(op.u.settle.address_hash));
	op.u.settle.owners = told;
	op.u.settle.owner_count = count;
	CT_DO(c, &op);
	job_release(&job);
	return op.u.settle;
}

static void an_owner_who_came_meanwhile_spoils_the_link(struct ct *c)
{
	lost(c, 12, c->now_ms);
	assert_true(settled(c, 11, NULL, 0).again);
	assert_false(is_linked(c, "ann"));
	assert_int_equal(ct_state(c, "s:ann"), JOB_READY);
}

static void an_owner_who_was_known_does_not(struct ct *c)
{
	const struct owner told[] = {{.user = 13}, {.user = 12}};

	lost(c, 12, c->now_ms);
	gained(c, 11, c->now_ms);
	assert_false(settled(c, 11, told, 2).again);
	assert_true(is_linked(c, "ann"));
}

static const struct ct_case cases[] = {
	CT_CASE(a_read_tells_who_has_it),
	CT_CASE(an_event_tells_when_it_was_lost),
	CT_CASE(events_alone_prove_nothing),
	CT_CASE(a_loss_is_news_of_somebody_unknown),
	CT_CASE(an_older_loss_changes_nothing),
	CT_CASE(gained_anew_it_is_not_proven),
	CT_CASE(a_late_gain_changes_nothing),
	CT_CASE(a_read_finds_it_gone),
	CT_CASE(a_hit_finds_nothing_gone),
	CT_CASE(an_event_tells_more_than_a_read),
	CT_CASE(only_a_newer_read_brings_it_back),
	CT_CASE(odd_times_are_now_or_unknown),
	CT_CASE(a_changed_address_is_both),
	CT_CASE(without_an_address_there_is_nobody),
	CT_CASE(the_last_owner_comes_first),
	CT_CASE(a_merge_moves_them),
	CT_CASE(a_merge_joins_what_is_known),
	CT_CASE(a_merge_by_hand_is_asked_of_both),
	CT_CASE(who_was_merged_away_tells_nothing),
	CT_CASE(accounts_are_apart),
	CT_CASE(who_is_gone_is_forgotten),
	CT_CASE(who_is_deleted_is_forgotten),
	CT_CASE(a_removed_person_is_forgotten),
	CT_CASE(a_run_of_a_removed_person_leaves_nothing),
	CT_CASE(the_old_is_pruned),
	CT_CASE(a_late_loss_reopens),
	CT_CASE(a_loss_of_another_address_does_not),
	CT_CASE(a_gain_reopens_where_somebody_had_it),
	CT_CASE(the_same_event_twice_reopens_once),
	CT_CASE(a_link_without_a_job_gets_one),
	CT_CASE(a_waiting_job_looks_at_once),
	CT_CASE(a_job_in_review_looks_again),
	CT_CASE(a_settled_job_without_a_link_too),
	CT_CASE(a_running_job_runs_again),
	CT_CASE(our_own_merge_reopens_nothing),
	CT_CASE(an_owner_who_came_meanwhile_spoils_the_link),
	CT_CASE(an_owner_who_was_known_does_not),
};
const struct ct_group ct_address_cases = {cases, ARRAY_LEN(cases)};
