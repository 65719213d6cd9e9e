/*
 * The search that does not wait for the SunCo user: whatever a webhook said,
 * in whatever order the answers come and whatever becomes of the search, the
 * run ends as it would have without it.
 */
#include "unit.h"

#include "base/str.h"
#include "world.h"

enum told { TOLD_NOTHING, TOLD_RIGHT, TOLD_WRONG, TOLD_COUNT };
enum person { HAS_NOT, HAS_IT, SUSPENDED, PERSON_COUNT };

static const char *const told_texts[TOLD_COUNT] = {NULL, WORLD_ADDRESS,
						   "other@customer.example"};

struct play {
	enum told told;
	bool plenty;
	bool hint;   /* the job knows the user */
	bool ticket; /* ... and nothing else */
	enum person person;
	unsigned order;	   /* of the answers */
	int64_t slow_ms;   /* between two of them */
	enum result early; /* of the first search by address */
};

struct outcome {
	enum linkjob_end end;
	struct decision decision;
	size_t profiles;
	int users, searches;
};

static void set_stage(const struct play *p, struct world *w)
{
	struct zd_user *u;

	world_make_merge(w);
	u = world_user(w, WORLD_PERSON);
	world_add(w, 33, "other@customer.example", VERIFICATION_FULL);
	if (p->person == HAS_IT)
		zd_user_add_identity(u, "email", WORLD_ADDRESS);
	u->suspended = p->person == SUSPENDED;
	w->recall.told = told_texts[p->told];
	w->recall.plenty = p->plenty;
	w->order = p->order;
	w->turn_ms = p->slow_ms;
	if (p->hint || p->ticket)
		w->job.zendesk_user_id = WORLD_PERSON;
	if (p->ticket) {
		w->job.sunco_id[0] = '\0';
		w->job.ticket_id = 5;
	}
	w->settings.rules.apply = APPLY_OBSERVE;
	w->at_kind = COMMAND_SEARCH_ADDRESS;
	w->at = p->early != RESULT_OK;
	w->fault = p->early == RESULT_RATE   ? FAULT_RATE
		   : p->early == RESULT_AUTH ? FAULT_AUTH
					     : FAULT_PERM;
}

static struct outcome act(const struct play *p)
{
	struct outcome o;
	struct linkjob l;
	struct world w;

	set_stage(p, &w);
	world_run(&w, &l);
	o = (struct outcome){
		.end = l.end,
		.decision = l.decision,
		.profiles = l.facts.profile_count,
		.users = w.counts[COMMAND_USER],
		.searches = w.counts[COMMAND_SEARCH_ADDRESS],
	};
	for (size_t i = 0; i < l.facts.profile_count; i++)
		assert_int_equal(l.facts.profiles[i].id, WORLD_PROFILE);
	linkjob_release(&l);
	world_release(&w);
	return o;
}

static void check_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->decision.action, b->decision.action);
	assert_int_equal(a->decision.reason, b->decision.reason);
	assert_int_equal(a->decision.profile_id, b->decision.profile_id);
	assert_string_equal(a->decision.address, b->decision.address);
	assert_int_equal(a->profiles, b->profiles);
	assert_int_equal(a->users, b->users);
}

/* One place of a play is another; false: that was the last of all. */
static bool next_play(struct play *p)
{
	static const enum result results[] = {RESULT_OK, RESULT_RATE,
					      RESULT_AUTH, RESULT_PERM};
	static unsigned n;
	unsigned i = ++n;

	p->told = (enum told)(i % TOLD_COUNT), i /= TOLD_COUNT;
	p->person = (enum person)(i % PERSON_COUNT), i /= PERSON_COUNT;
	p->plenty = i % 2, i /= 2;
	p->hint = i % 2, i /= 2;
	p->ticket = i % 2, i /= 2;
	p->early = results[i % ARRAY_LEN(results)], i /= ARRAY_LEN(results);
	p->slow_ms = i % 2 ? LINKJOB_EARLY_MS + 1 : 0, i /= 2;
	p->order = i;
	return i < 24;
}

static void test_every_run_ends_as_without_it(void **state)
{
	struct play p = {.told = TOLD_NOTHING};

	(void)state;
	while (next_play(&p)) {
		struct play plain = p;
		struct outcome o, without;

		plain.told = TOLD_NOTHING;
		plain.plenty = false;
		plain.early = RESULT_OK;
		without = act(&plain);
		o = act(&p);
		if (p.early != RESULT_OK && o.end == LINKJOB_END_RETRY)
			continue; /* it was no early one that failed */
		check_same(&o, &without);
		assert_true(o.searches <= without.searches + 1);
		if (p.person != HAS_NOT && !p.plenty && p.told != TOLD_WRONG)
			assert_int_equal(o.searches, 0);
	}
}

/* What it saves: the reads are out at the same time, and none is repeated. */
static void test_the_reads_are_out_at_the_same_time(void **state)
{
	struct recall r = {.told = WORLD_ADDRESS, .plenty = true};
	struct answer a = {.to = COMMAND_RECALL, .recall = &r};
	struct commands out;
	struct linkjob l;
	struct world w;

	(void)state;
	world_make_merge(&w);
	w.job.zendesk_user_id = WORLD_PERSON;
	linkjob_init(&l, &w.job, &w.settings);
	linkjob_start(&l, w.now_ms, &out);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.items[0].kind, COMMAND_RECALL);
	assert_int_equal(out.items[1].kind, COMMAND_SUNCO);
	linkjob_step(&l, &a, &out);
	assert_int_equal(out.count, 2);
	assert_int_equal(out.items[0].kind, COMMAND_USER);
	assert_int_equal(out.items[1].kind, COMMAND_SEARCH_ADDRESS);
	assert_string_equal(out.items[1].text, WORLD_ADDRESS);
	linkjob_release(&l);
	world_release(&w);
}

static int searches(struct play p)
{
	return act(&p).searches;
}

static void test_when_it_goes_and_when_it_counts(void **state)
{
	(void)state;
	/* as without it: one search */
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT}), 1);
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.hint = true,
						.plenty = true}),
			 1);
	assert_int_equal(
		searches((struct play){.told = TOLD_RIGHT, .ticket = true}), 1);
	/* the webhook lied, or it was too long ago: once more */
	assert_int_equal(searches((struct play){.told = TOLD_WRONG,
						.hint = true,
						.plenty = true}),
			 2);
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.hint = true,
						.plenty = true,
						.order = 4,
						.slow_ms = 2001}),
			 2);
	/* nobody who may turn out to have the address, but in plenty */
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.hint = true,
						.person = HAS_IT}),
			 0);
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.hint = true,
						.plenty = true,
						.person = HAS_IT}),
			 1);
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.ticket = true,
						.plenty = true,
						.person = HAS_IT}),
			 0);
	assert_int_equal(searches((struct play){.told = TOLD_RIGHT,
						.ticket = true,
						.plenty = true,
						.person = SUSPENDED}),
			 0);
}

/* Beside the user whom SunCo names: the address is known by then. */
static void test_beside_the_user_whom_sunco_names(void **state)
{
	assert_int_equal(searches((struct play){.plenty = true}), 1);
	assert_int_equal(
		searches((struct play){.plenty = true, .person = HAS_IT}), 1);
	assert_int_equal(searches((struct play){.person = HAS_IT}), 0);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_run_ends_as_without_it),
		cmocka_unit_test(test_the_reads_are_out_at_the_same_time),
		cmocka_unit_test(test_when_it_goes_and_when_it_counts),
		cmocka_unit_test(test_beside_the_user_whom_sunco_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
