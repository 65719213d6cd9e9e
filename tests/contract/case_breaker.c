/*
 * Cases: the breaker's windows at their edges, its closing by a person, what
 * a pause stops, and who did either.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/* A job of its own that means to merge 11 into the profile (0: adopt). */
static enum result intend(struct ct *c, const char *who, uint64_t profile,
			  int64_t hour, int64_t day)
{
	struct job job = ct_running(c, who);
	struct journal_entry e = ct_entry(11, profile);
	struct store_op op;
	enum result r;

	ct_intent_op(c, &op, &job, &e);
	op.u.intent.users[0] = op.u.intent.users[1] = 0;
	op.u.intent.max_per_hour = hour;
	op.u.intent.max_per_profile = day;
	if (profile == 0)
		e.action = ACTION_ADOPT;
	r = store_do(c->s, &op);
	ct_settle(c, &job, JOB_DONE); /* the entry stays as it is */
	return r;
}

static void take(struct ct *c, const char *who, uint64_t profile)
{
	assert_int_equal(intend(c, who, profile, INT64_MAX, INT64_MAX),
			 RESULT_OK);
}

static struct store_stats stats(struct ct *c, int64_t hour, int64_t day)
{
	struct store_op op;

	store_op_init(&op, STORE_STATS);
	op.u.stats.account = CT_ACCOUNT;
	op.u.stats.now_ms = c->now_ms;
	op.u.stats.max_per_hour = hour;
	op.u.stats.max_per_profile = day;
	op.u.stats.detail = true;
	CT_DO(c, &op);
	return op.u.stats;
}

static struct store_op act(struct ct *c, const char *by)
{
	struct store_op op;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = CT_ACCOUNT;
	op.u.account.by = by;
	op.u.account.now_ms = c->now_ms;
	return op;
}

static int64_t close_breaker(struct ct *c)
{
	struct store_op op = act(c, "maria");
	int64_t id;

	op.u.account.set_breaker = true;
	CT_DO(c, &op);
	id = op.u.account.journal_id;
	store_op_release(&op);
	return id;
}

static int64_t pause(struct ct *c, bool on, const char *why)
{
	struct store_op op = act(c, "maria");
	int64_t id;

	op.u.account.set_paused = true;
	op.u.account.paused = on;
	op.u.account.why = why;
	CT_DO(c, &op);
	id = op.u.account.journal_id;
	store_op_release(&op);
	return id;
}

/* --- edges --- */

static void a_place_counts_for_less_than_an_hour(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += HOUR - 1;
	assert_int_equal(intend(c, "bob", 22, 1, INT64_MAX), RESULT_RATE);
	assert_int_equal(stats(c, 1, 9).merges_this_hour, 1);
	assert_int_equal(stats(c, 1, 9).hour_ends_ms, CT_START + HOUR);
	c->now_ms += 1;
	assert_int_equal(stats(c, 1, 9).merges_this_hour, 0);
	assert_int_equal(stats(c, 1, 9).hour_ends_ms, 0);
	assert_int_equal(intend(c, "cy", 22, 1, INT64_MAX), RESULT_OK);
}

static void a_profile_counts_for_less_than_a_day(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += DAY - 1;
	assert_int_equal(intend(c, "bob", 21, 9, 1), RESULT_RATE);
	assert_int_equal(stats(c, 9, 1).full[0].ends_ms, CT_START + DAY);
	c->now_ms += 1;
	assert_int_equal(stats(c, 9, 1).full_count, 0);
	assert_int_equal(intend(c, "cy", 21, 9, 1), RESULT_OK);
}

/* The limit was lowered: so many have to go until one is free. */
static void the_end_is_when_a_place_is_free(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += MINUTE;
	take(c, "bob", 21);
	c->now_ms += MINUTE;
	take(c, "cy", 21);
	assert_int_equal(stats(c, 4, 4).hour_ends_ms, 0);
	assert_int_equal(stats(c, 3, 9).hour_ends_ms, CT_START + HOUR);
	assert_int_equal(stats(c, 1, 9).hour_ends_ms,
			 CT_START + 2 * MINUTE + HOUR);
	assert_int_equal(stats(c, 9, 2).full[0].ends_ms,
			 CT_START + MINUTE + DAY);
}

static void a_limit_of_zero_never_ends(struct ct *c)
{
	assert_int_equal(intend(c, "ann", 21, 0, 9), RESULT_RATE);
	assert_int_equal(intend(c, "bob", 21, 9, 0), RESULT_RATE);
	assert_int_equal(stats(c, 0, 0).hour_ends_ms, 0);
	assert_int_equal(stats(c, 0, 0).full_count, 0);
}

static void full_profiles_are_told_and_bounded(struct ct *c)
{
	struct store_stats s;
	char who[16];

	for (uint64_t i = 0; i < STORE_FULL_MAX + 3; i++) {
		snprintf(who, sizeof(who), "p%d", (int)i);
		take(c, who, 100 + i);
	}
	take(c, "adopt", 0);
	s = stats(c, 100, 1);
	assert_int_equal(s.full_count, STORE_FULL_MAX + 3);
	assert_int_equal(s.full[0].profile_id, 100);
	assert_int_equal(s.full[0].merges, 1);
	assert_int_equal(s.full[STORE_FULL_MAX - 1].profile_id,
			 100 + STORE_FULL_MAX - 1);
	assert_int_equal(stats(c, 100, 2).full_count, 0);
}

/* --- many at once --- */

/* Zendesk would not have it: a person is asked, and nothing was linked. */
static void a_refused_link_gives_its_place_back(struct ct *c)
{
	struct job job = ct_running(c, "s1");
	struct journal_entry e = ct_entry(11, 22);
	struct store_op op;

	ct_intent_op(c, &op, &job, &e);
	CT_DO(c, &op);
	e.id = op.u.intent.journal_id;
	assert_int_equal(stats(c, 9, 9).merges_this_hour, 1);
	e.status = JOURNAL_DONE;
	e.action = ACTION_REVIEW;
	e.applied = false;
	ct_settle_op(c, &op, &job, JOB_DONE);
	op.u.settle.entry = &e;
	CT_DO(c, &op);
	assert_int_equal(stats(c, 9, 9).merges_this_hour, 0);
	job_release(&job);
}

static void one_batch_cannot_take_a_place_twice(struct ct *c)
{
	static const char *const people[] = {"ann", "bob", "cy", "dan"};
	struct store_op ops[ARRAY_LEN(people)], *batch[ARRAY_LEN(people)];
	struct journal_entry e[ARRAY_LEN(people)];
	struct job jobs[ARRAY_LEN(people)];
	size_t taken = 0;

	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		jobs[i] = ct_running(c, people[i]);
		e[i] = ct_entry(31 + i, 21);
		ct_intent_op(c, &ops[i], &jobs[i], &e[i]);
		ops[i].u.intent.users[1] = 0;
		ops[i].u.intent.max_per_hour = 2;
		batch[i] = &ops[i];
	}
	store_run(c->s, batch, ARRAY_LEN(people));
	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		taken += ops[i].result == RESULT_OK;
		if (ops[i].result != RESULT_OK)
			assert_int_equal(ops[i].result, RESULT_RATE);
		job_release(&jobs[i]);
	}
	assert_int_equal(taken, 2);
	assert_int_equal(stats(c, 2, 9).merges_this_hour, 2);
}

static void accounts_do_not_share_places(struct ct *c)
{
	struct store_op op;

	take(c, "ann", 21);
	store_op_init(&op, STORE_STATS);
	op.u.stats.account = "other";
	op.u.stats.now_ms = c->now_ms;
	op.u.stats.max_per_profile = 1;
	CT_DO(c, &op);
	assert_int_equal(op.u.stats.merges_this_hour, 0);
	assert_int_equal(op.u.stats.full_count, 0);
}

/* --- closed by a person --- */

static void a_person_closes_it(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += MINUTE;
	assert_int_equal(intend(c, "bob", 21, 1, 1), RESULT_RATE);
	assert_true(close_breaker(c) > 0);
	assert_int_equal(stats(c, 1, 1).merges_this_hour, 0);
	assert_int_equal(stats(c, 1, 1).full_count, 0);
	assert_int_equal(stats(c, 1, 1).breaker_since_ms, c->now_ms);
	assert_int_equal(ct_recall(c, "", 21, 0).merges_this_hour, 0);
	assert_int_equal(ct_recall(c, "", 21, 0).merges_today[0], 0);
	c->now_ms += MINUTE;
	assert_int_equal(intend(c, "cy", 21, 1, 1), RESULT_OK);
	assert_int_equal(intend(c, "dan", 21, 1, 1), RESULT_RATE);
	assert_int_equal(stats(c, 1, 1).hour_ends_ms, c->now_ms + HOUR);
}

static void a_closing_makes_the_window_no_longer(struct ct *c)
{
	close_breaker(c);
	take(c, "ann", 21);
	c->now_ms += HOUR;
	assert_int_equal(stats(c, 1, 1).merges_this_hour, 0);
	assert_int_equal(stats(c, 1, 1).full_count, 1);
	c->now_ms += 23 * HOUR;
	assert_int_equal(stats(c, 1, 1).full_count, 0);
}

static void a_place_of_the_same_moment_counts(struct ct *c)
{
	close_breaker(c);
	take(c, "ann", 21);
	assert_int_equal(intend(c, "bob", 21, 1, 9), RESULT_RATE);
}

static void a_closing_survives_the_process(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += MINUTE;
	close_breaker(c);
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	assert_int_equal(stats(c, 1, 1).merges_this_hour, 0);
}

static void another_process_closes_it(struct ct *c)
{
	struct store *own = c->s;

	take(c, "ann", 21);
	c->now_ms += MINUTE;
	assert_int_equal(stats(c, 1, 1).merges_this_hour, 1);
	c->s = c->factory->open(c->place, STORE_WRITE, c->now_ms);
	close_breaker(c);
	store_close(c->s);
	c->s = own;
	assert_int_equal(stats(c, 1, 1).merges_this_hour, 0);
}

/* --- the clock steps back --- */

static void places_of_the_future_count(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms -= 2 * HOUR;
	assert_int_equal(intend(c, "bob", 21, 1, 1), RESULT_RATE);
	assert_int_equal(stats(c, 1, 1).hour_ends_ms, CT_START + HOUR);
}

/* Else nothing would count until the clock is there again, nor what was taken
 * until then afterwards. */
static void a_closing_of_the_future_counts_for_nothing(struct ct *c)
{
	take(c, "ann", 21);
	c->now_ms += HOUR / 2;
	close_breaker(c);
	c->now_ms -= HOUR / 4;
	assert_int_equal(intend(c, "bob", 21, 1, 9), RESULT_RATE);
	assert_int_equal(intend(c, "cy", 21, 2, 9), RESULT_OK);
	c->now_ms += HOUR / 2;
	assert_int_equal(stats(c, 2, 9).merges_this_hour, 2);
}

/* --- a model of it --- */

#define MODEL_PLACES 600
struct model {
	struct model_place {
		int64_t at_ms;
		uint64_t profile;
		bool gone;
	} places[MODEL_PLACES];
	size_t count;
	int64_t since_ms;
};

static int64_t model_count(const struct model *m, int64_t now_ms,
			   int64_t length_ms, uint64_t profile)
{
	int64_t n = 0;

	for (size_t i = 0; i < m->count; i++) {
		const struct model_place *p = &m->places[i];
		bool before = m->since_ms <= now_ms && p->at_ms < m->since_ms;

		n += !p->gone && !before && p->at_ms > now_ms - length_ms &&
		     (profile == 0 || p->profile == profile);
	}
	return n;
}

static void model_take(struct model *m, int64_t now_ms, uint64_t profile)
{
	assert_true(m->count < MODEL_PLACES);
	if (m->since_ms > now_ms)
		m->since_ms = 0;
	for (size_t i = 0; i < m->count; i++)
		if (m->places[i].at_ms <= now_ms - DAY)
			m->places[i].gone = true;
	m->places[m->count++] =
		(struct model_place){.at_ms = now_ms, .profile = profile};
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (*seed >> 33) % below;
}

/* Not before; and then indeed, unless a closing of the future comes first. */
static void check_end(const struct model *m, int64_t now_ms, int64_t ends_ms,
		      int64_t length_ms, uint64_t profile, int64_t max)
{
	assert_true(model_count(m, ends_ms - 1, length_ms, profile) >= max);
	if (m->since_ms <= now_ms)
		assert_true(model_count(m, ends_ms, length_ms, profile) < max);
}

/* The limits, asked and told, are those of the definition, however the clock
 * steps. */
static void compare(struct ct *c, const struct model *m, int64_t hour,
		    int64_t day)
{
	struct store_stats s = stats(c, hour, day);
	int64_t count = model_count(m, c->now_ms, HOUR, 0);
	size_t full = 0;

	assert_int_equal(s.merges_this_hour, count);
	for (uint64_t p = 21; p < 24; p++) {
		count = model_count(m, c->now_ms, DAY, p);
		assert_int_equal(ct_recall(c, "", p, 0).merges_today[0], count);
		full += count >= day;
	}
	assert_int_equal(s.full_count, full);
	if (s.hour_ends_ms != 0)
		check_end(m, c->now_ms, s.hour_ends_ms, HOUR, 0, hour);
	for (size_t i = 0; i < full; i++)
		check_end(m, c->now_ms, s.full[i].ends_ms, DAY,
			  s.full[i].profile_id, day);
}

static void it_counts_as_defined(struct ct *c)
{
	struct model *m = xcalloc(1, sizeof(*m));
	uint64_t seed = 20261122;
	char who[16];

	for (int i = 0; i < MODEL_PLACES; i++) {
		uint64_t profile = 21 + draw(&seed, 3);
		int64_t hour = 1 + (int64_t)draw(&seed, 6);
		int64_t day = 1 + (int64_t)draw(&seed, 9);
		bool room;

		c->now_ms += (int64_t)draw(&seed, 40) * MINUTE - 10 * MINUTE;
		if (draw(&seed, 12) == 0) {
			close_breaker(c);
			m->since_ms = c->now_ms;
		}
		room = model_count(m, c->now_ms, HOUR, 0) < hour &&
		       model_count(m, c->now_ms, DAY, profile) < day;
		snprintf(who, sizeof(who), "p%d", i);
		assert_int_equal(intend(c, who, profile, hour, day),
				 room ? RESULT_OK : RESULT_RATE);
		if (room)
			model_take(m, c->now_ms, profile);
		compare(c, m, hour, day);
	}
	assert_true(m->count > MODEL_PLACES / 8);
	free(m);
}

/* --- a pause --- */

static void nothing_is_claimed_of_a_paused_account(struct ct *c)
{
	struct job job;
	struct store_op op;

	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "ann"));
	job = ct_job(c, "s:ann");
	pause(c, true, "an import");
	ct_claim_op(c, &op, 9);
	CT_DO(c, &op);
	assert_true(op.u.claim.paused);
	assert_int_equal(op.u.claim.count, 0);
	assert_true(op.u.claim.next_ms == INT64_MAX);
	store_op_release(&op);
	ct_claim_op(c, &op, 1);
	op.u.claim.job_id = job.id;
	CT_DO(c, &op);
	assert_true(op.u.claim.paused);
	assert_int_equal(op.u.claim.count, 0);
	store_op_release(&op);
	pause(c, false, NULL);
	assert_int_equal(ct_claim_count(c, 9), 1);
	job_release(&job);
}

static void what_runs_ends_in_a_pause(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	pause(c, true, NULL);
	assert_int_equal(
		ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, "bob")).woken,
		1);
	ct_settle(c, &job, JOB_DONE);
	assert_int_equal(ct_state(c, "s:ann"), JOB_DONE);
	assert_int_equal(ct_state(c, "s:bob"), JOB_READY);
}

static void a_pause_says_who_and_why(struct ct *c)
{
	struct store_op op = act(c, NULL);

	pause(c, true, "an import");
	c->now_ms += MINUTE;
	store_close(c->s);
	c->s = c->factory->open(c->place, STORE_SERVE, c->now_ms);
	CT_DO(c, &op);
	assert_true(op.u.account.is_paused);
	assert_int_equal(op.u.account.paused_ms, CT_START);
	assert_string_equal(op.u.account.paused_by, "maria");
	assert_string_equal(op.u.account.paused_why, "an import");
	store_op_release(&op);
	pause(c, false, NULL);
	op = act(c, NULL);
	CT_DO(c, &op);
	assert_int_equal(op.u.account.paused_ms, 0);
	assert_null(op.u.account.paused_by);
	assert_null(op.u.account.paused_why);
	store_op_release(&op);
}

/* --- who did it --- */

static void check_act(struct ct *c, int64_t id, enum action action,
		      const char *note)
{
	struct journal_entry e = ct_entry_read(c, id);

	assert_int_equal(e.action, action);
	assert_int_equal(e.at_ms, c->now_ms);
	assert_int_equal(e.status, JOURNAL_DONE);
	assert_int_equal(e.job_id, 0);
	assert_string_equal(e.decided_by, "maria");
	if (note)
		assert_string_equal(e.note, note);
	else
		assert_null(e.note);
	journal_entry_release(&e);
}

static void what_a_person_did_is_in_the_journal(struct ct *c)
{
	check_act(c, pause(c, true, "an import"), ACTION_PAUSE, "an import");
	c->now_ms += MINUTE;
	assert_int_equal(pause(c, true, "again"), 0);
	check_act(c, close_breaker(c), ACTION_CLOSE_BREAKER, NULL);
	check_act(c, pause(c, false, NULL), ACTION_RESUME, NULL);
	assert_int_equal(pause(c, false, NULL), 0);
}

static void nobody_does_it_without_a_name(struct ct *c)
{
	struct store_op op = act(c, NULL);

	op.u.account.set_paused = op.u.account.paused = true;
	CT_REFUSED(c, &op, RESULT_INVALID);
	op = act(c, "");
	op.u.account.set_breaker = true;
	CT_REFUSED(c, &op, RESULT_INVALID);
	op = act(c, "ma\x1b[2Jria");
	op.u.account.set_breaker = true;
	CT_REFUSED(c, &op, RESULT_INVALID);
	op = act(c, NULL);
	CT_DO(c, &op);
	assert_false(op.u.account.is_paused);
	store_op_release(&op);
}

/* --- what is under way, for doctor --- */

static void unfinished_entries_are_counted(struct ct *c)
{
	assert_int_equal(stats(c, 9, 9).unfinished, 0);
	assert_int_equal(stats(c, 9, 9).unfinished_since_ms, 0);
	take(c, "ann", 21);
	c->now_ms += MINUTE;
	take(c, "bob", 22);
	assert_int_equal(stats(c, 9, 9).unfinished, 2);
	assert_int_equal(stats(c, 9, 9).unfinished_since_ms, CT_START);
}

static void open_reviews_are_counted(struct ct *c)
{
	struct job job = ct_running(c, "ann");

	ct_settle_review(c, &job, 11, 12);
	assert_int_equal(stats(c, 9, 9).reviews_open, 1);
	ct_rest(c, "ann", JOB_DONE);
	assert_int_equal(stats(c, 9, 9).reviews_open, 0);
}

static void the_store_tells_how_it_is_kept(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_HEALTH);
	CT_DO(c, &op);
	assert_int_equal(op.u.health.durable, c->factory->durable);
	assert_true(op.u.health.schema >= 3);
	assert_true(op.u.health.size_bytes > 0);
	assert_true(op.u.health.mode[0] != '\0');
}

static const struct ct_case cases[] = {
	CT_CASE(a_place_counts_for_less_than_an_hour),
	CT_CASE(a_profile_counts_for_less_than_a_day),
	CT_CASE(the_end_is_when_a_place_is_free),
	CT_CASE(a_limit_of_zero_never_ends),
	CT_CASE(full_profiles_are_told_and_bounded),
	CT_CASE(a_refused_link_gives_its_place_back),
	CT_CASE(one_batch_cannot_take_a_place_twice),
	CT_CASE(accounts_do_not_share_places),
	CT_CASE(a_person_closes_it),
	CT_CASE(a_closing_makes_the_window_no_longer),
	CT_CASE(a_place_of_the_same_moment_counts),
	CT_CASE(a_closing_survives_the_process),
	CT_CASE(another_process_closes_it),
	CT_CASE(places_of_the_future_count),
	CT_CASE(a_closing_of_the_future_counts_for_nothing),
	CT_CASE(it_counts_as_defined),
	CT_CASE(nothing_is_claimed_of_a_paused_account),
	CT_CASE(what_runs_ends_in_a_pause),
	CT_CASE(a_pause_says_who_and_why),
	CT_CASE(what_a_person_did_is_in_the_journal),
	CT_CASE(nobody_does_it_without_a_name),
	CT_CASE(unfinished_entries_are_counted),
	CT_CASE(open_reviews_are_counted),
	CT_CASE(the_store_tells_how_it_is_kept),
};
const struct ct_group ct_breaker_cases = {cases, ARRAY_LEN(cases)};
