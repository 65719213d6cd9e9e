/*
 * A job and its saga among APIs and a store that answer anything: users that
 * change from one answer to the next, failures of every class, crashes, time
 * that jumps. Whatever comes, what is sent must keep the promises below; the
 * machines' own invariants (linkjob_check, saga_check) abort by themselves.
 *
 * Every seed is a life of several runs, and repeatable: a failure names its
 * seed. What a decision must be is the oracle's to say, not the policy's.
 */
#include "unit.h"

#include "base/str.h"
#include "policy_oracle.h"
#include "world.h"

#define SEEDS	12000
#define PEOPLE	4
#define RUNS	6
#define OTHER	33
#define FORMER	44
#define ADDRESS WORLD_ADDRESS

struct chaos {
	uint32_t seed;
	uint64_t dice;
	struct world w; /* the job, its settings, the clock, some people */
	struct sunco_user sunco;      /* as the last answer showed him */
	struct zd_user shown[PEOPLE]; /* as the last answer showed them */
	int64_t shown_ms[PEOPLE];     /* ... in this run; 0: it did not */
	int64_t sunco_ms;
	char searched[ADDRESS_SIZE]; /* whose owners the last search brought */
	int64_t searched_ms;	     /* ... in this run; 0: none did */
	struct zd_user hits[PEOPLE];
	struct recall recall;
	bool crashed;
	bool journal_open;
	bool gone[PEOPLE];   /* merged into somebody, for good */
	int64_t unsure_ms;   /* the answer to a merge was lost then */
	struct decision yes; /* what was approved */
	bool sent;	     /* in this run */
};

static size_t early, early_used, merges, adopts, others_written, crashes,
	approvals;

/* ---- dice ---- */

static uint32_t roll(struct chaos *c, uint32_t sides)
{
	c->dice = c->dice * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(c->dice >> 33) % sides;
}

static bool chance(struct chaos *c, uint32_t percent)
{
	return roll(c, 100) < percent;
}

#define PROMISE(c, cond)                                                       \
	do {                                                                   \
		if (!(cond))                                                   \
			fail_msg("seed %u: broken: %s", (c)->seed, #cond);     \
	} while (0)

/* ---- people ---- */

static size_t place_of(uint64_t id)
{
	static const uint64_t ids[PEOPLE] = {WORLD_PERSON, WORLD_PROFILE, OTHER,
					     FORMER};
	size_t i = 0;

	while (i < PEOPLE && ids[i] != id)
		i++;
	return i;
}

static void give(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
}

static void change_sunco(struct chaos *c, struct sunco_user *u)
{
	static const char *const by[] = {"embed", "sso", "sms", NULL};
	static const char *const addresses[] = {ADDRESS, "Pat@Customer.example",
						"other@customer.example", "no"};
	struct sunco_user fresh;

	sunco_user_init(&fresh);
	str_copy(fresh.id, sizeof(fresh.id), WORLD_SUNCO);
	fresh.authenticated = chance(c, 75);
	fresh.external_id = chance(c, 60) ? xstrdup("cust-1") : NULL;
	fresh.zendesk_id = chance(c, 50) ? 11 * (1 + roll(c, 4)) : 0;
	if (chance(c, 40))
		fresh.profile_email = xstrdup(addresses[roll(c, 4)]);
	for (uint32_t n = chance(c, 10) ? 2 : chance(c, 75); n > 0; n--)
		sunco_user_add_identity(
			&fresh, "email",
			addresses[chance(c, 80) ? 0 : roll(c, 4)],
			by[chance(c, 80) ? 0 : roll(c, 4)]);
	if (chance(c, 50))
		fresh.given_name = xstrdup("Pat");
	sunco_user_release(u);
	*u = fresh;
}

static void change_flags(struct chaos *c, struct zd_user *u)
{
	u->active = !chance(c, 6);
	u->suspended = chance(c, 4);
	u->shared = chance(c, 3);
	u->role = chance(c, 4) ? ZD_ROLE_AGENT : ZD_ROLE_END_USER;
	u->brand_id = chance(c, 3) ? 5 : 0;
	u->updated_ms = c->w.now_ms - roll(c, 1200000);
	give(&u->external_id, chance(c, 25)  ? "cust-1"
			      : chance(c, 5) ? "cust-2"
					     : NULL);
	give(&u->name, chance(c, 50) ? "Web User 65f0a1" : "Pat");
}

static void change_user(struct chaos *c, struct zd_user *u, uint64_t id)
{
	struct zd_identity *i;

	zd_user_release(u);
	u->id = id;
	u->identities_known = !chance(c, 3);
	change_flags(c, u);
	if (id == WORLD_PERSON ? chance(c, 93) : chance(c, 4))
		zd_user_add_identity(u, "messaging", WORLD_SUNCO);
	if (id == WORLD_PROFILE ? chance(c, 70) : chance(c, 8)) {
		i = zd_user_add_identity(u, "email", ADDRESS);
		i->id = 900 + id;
		i->method = (enum verification)roll(c, VERIFICATION_OTHER + 1);
		i->verified = chance(c, 50);
		i->created_ms = c->w.now_ms - roll(c, 1200000);
	}
	if (chance(c, 6))
		zd_user_add_identity(u, "phone_number", "+1555");
}

/* ---- answers ---- */

/* What the runner can bring of each: the store fails or says that somebody was
 * faster, a search finds nobody by an empty list. */
static enum result trouble(struct chaos *c, enum command_kind kind,
			   struct answer *a)
{
	static const enum result results[] = {RESULT_TEMP, RESULT_CONFLICT,
					      RESULT_RATE, RESULT_AUTH,
					      RESULT_PERM, RESULT_NOTFOUND};
	uint32_t sides = 6;
	enum result r;

	if (kind == COMMAND_RECALL)
		sides = 1;
	else if (kind == COMMAND_FOLD || kind == COMMAND_STORE)
		sides = 2;
	else if (kind == COMMAND_INTENT)
		sides = 3;
	else if (kind == COMMAND_SEARCH_ADDRESS ||
		 kind == COMMAND_SEARCH_EXTERNAL)
		sides = 5;
	a->duplicate = chance(c, 50);
	a->mentions_external_id = chance(c, 50);
	a->sent = chance(c, 50);
	r = results[roll(c, sides)];
	a->personal = r == RESULT_AUTH && chance(c, 50);
	return r;
}

/* Anything may change, but who was merged stays so. */
static const struct zd_user *show(struct chaos *c, uint64_t id)
{
	size_t i = place_of(id);

	if (i == PEOPLE || (c->gone[i] && chance(c, 50)))
		return NULL;
	if (chance(c, 12))
		change_user(c, &c->shown[i], id);
	if (c->gone[i]) {
		zd_user_clear_identities(&c->shown[i]);
		c->shown[i].active = false;
	}
	c->shown_ms[i] = c->w.now_ms;
	return &c->shown[i];
}

static void answer_search(struct chaos *c, struct answer *a)
{
	for (size_t i = 0; i < PEOPLE; i++) {
		const struct zd_user *u = &c->shown[i];

		if (!chance(c, u->identity_count > 0 ? 80 : 20))
			continue;
		u = show(c, u->id);
		if (u)
			c->hits[a->user_count++] = *u;
	}
	a->users = c->hits;
}

static void answer_recall(struct chaos *c, const struct command *cmd,
			  struct answer *a)
{
	struct recall *r = &c->recall;

	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < RECALL_MAX; i++) {
		r->survivor[i] = cmd->ids[i];
		if (cmd->ids[i] && chance(c, 4))
			r->survivor[i] = 11 * (1 + roll(c, 4));
		r->survived[i] = chance(c, 3);
		r->rejected[i] = chance(c, 4);
		r->merges_today[i] = roll(c, chance(c, 90) ? 3 : 9);
	}
	if (chance(c, 60))
		r->told = chance(c, 80) ? ADDRESS : "other@customer.example";
	r->plenty = chance(c, 70);
	r->rejected_adopt = chance(c, 4);
	r->merges_this_hour = chance(c, 4) ? 500 : 0;
	if (cmd->text && chance(c, 40)) {
		r->owner_count = 1;
		r->owners[0] = (struct owner){
			.user = 11 * (1 + roll(c, 5)),
			.proven = chance(c, 70),
			.seen_ms = c->w.now_ms - roll(c, 1200000),
			.lost_ms = c->w.now_ms - roll(c, 1200000)};
	}
	if (r->owner_count && r->owners[0].user == cmd->ids[0])
		r->owner_count = 0;
	a->recall = r;
}

static void merge(struct chaos *c, const struct command *cmd)
{
	struct zd_user *into = &c->shown[place_of(cmd->into)];

	c->gone[place_of(cmd->id)] = true;
	if (!zd_user_identity(into, "messaging", WORLD_SUNCO) && chance(c, 90))
		zd_user_add_identity(into, "messaging", WORLD_SUNCO);
}

static bool is_write(enum command_kind k)
{
	return k == COMMAND_MERGE || k == COMMAND_ADD_ADDRESS ||
	       k == COMMAND_SET_NAME || k == COMMAND_SET_EXTERNAL_ID ||
	       k == COMMAND_VERIFY_ADDRESS || k == COMMAND_SYNC;
}

static void store_progress(struct chaos *c, const struct linkjob *l)
{
	free(c->w.job.progress);
	c->w.job.progress = linkjob_progress(l);
}

/* What an answer that is well brings. */
static void answer_well(struct chaos *c, const struct linkjob *l,
			const struct command *cmd, struct answer *a)
{
	switch (cmd->kind) {
	case COMMAND_RECALL:
		answer_recall(c, cmd, a);
		break;
	case COMMAND_FOLD:
		a->kept = chance(c, 90);
		break;
	case COMMAND_SUNCO:
		if (chance(c, 12))
			change_sunco(c, &c->sunco);
		c->sunco_ms = c->w.now_ms;
		a->sunco = &c->sunco;
		break;
	case COMMAND_USER:
		a->users = show(c, cmd->id);
		a->user_count = 1;
		if (!a->users)
			a->result = RESULT_NOTFOUND;
		break;
	case COMMAND_SEARCH_ADDRESS:
		str_copy(c->searched, sizeof(c->searched), cmd->text);
		c->searched_ms = c->w.now_ms;
		early += l->state < LINKJOB_OWNERS;
		answer_search(c, a);
		break;
	case COMMAND_SEARCH_EXTERNAL:
		answer_search(c, a);
		break;
	case COMMAND_INTENT:
		c->w.job.journal_id = 100;
		c->journal_open = true;
		a->journal_id = 100;
		store_progress(c, l);
		break;
	case COMMAND_STORE:
		store_progress(c, l);
		break;
	case COMMAND_MERGE:
		merge(c, cmd);
		a->users = show(c, cmd->into);
		a->user_count = 1;
		if (!a->users)
			a->result = RESULT_TEMP;
		break;
	default:
		break;
	}
}

/* ---- the promises ---- */

static bool is_fresh(const struct chaos *c, int64_t shown_ms)
{
	return shown_ms != 0 && c->w.now_ms - shown_ms <= LINKJOB_FRESH_MS;
}

/* A yes is to the same two, for the same address, on the same proof. */
static void check_approval(struct chaos *c, const struct linkjob *l)
{
	PROMISE(c, l->approved == LINKJOB_APPROVED);
	PROMISE(c, l->settings.approval.user == l->facts.messaging_user.id);
	PROMISE(c, c->yes.profile_id == l->decision.profile_id);
	PROMISE(c, c->yes.evidence == l->decision.evidence);
	PROMISE(c, str_eq(c->yes.address, l->decision.address));
}

/* The change itself: what the oracle says of these facts, of people who were
 * just seen. */
static void check_decision(struct chaos *c, const struct linkjob *l,
			   enum action action)
{
	struct decision d;

	oracle_decide(&l->facts, &l->settings.rules, &d);
	PROMISE(c, d.action == action && d.applied);
	PROMISE(c, d.profile_id == l->decision.profile_id);
	if (l->facts.history.waived)
		check_approval(c, l);
	PROMISE(c, is_fresh(c, c->sunco_ms));
	if (l->decision.address[0] && !policy_holds_address(&l->facts)) {
		/* the last search was for the address that the person has */
		PROMISE(c, str_eq(c->searched, l->decision.address));
		PROMISE(c, is_fresh(c, c->searched_ms));
	}
	early_used += l->early.answered &&
		      str_eq(l->early.address, l->decision.address);
	PROMISE(c,
		is_fresh(c, c->shown_ms[place_of(l->facts.messaging_user.id)]));
}

static void check_merge(struct chaos *c, const struct linkjob *l,
			const struct command *cmd)
{
	PROMISE(c, !c->gone[place_of(cmd->id)]);
	PROMISE(c, cmd->id == l->facts.messaging_user.id);
	PROMISE(c, cmd->into == l->decision.profile_id);
	PROMISE(c, cmd->id != cmd->into);
	PROMISE(c, place_of(cmd->into) < PEOPLE);
	PROMISE(c, c->w.now_ms >= c->unsure_ms + SAGA_SETTLE_MS);
	PROMISE(c, c->shown_ms[place_of(cmd->into)] != 0);
	if (c->sent) /* once more, after the release */
		return;
	check_decision(c, l, ACTION_MERGE);
	PROMISE(c, is_fresh(c, c->shown_ms[place_of(cmd->into)]));
	merges++;
}

static void check_external_id(struct chaos *c, const struct linkjob *l,
			      const struct command *cmd)
{
	const struct linkjob_approval *a = &l->settings.approval;

	if (cmd->id == l->saga.from) {
		/* taken away for the merge, and given back */
		PROMISE(c, l->settings.rules.release_external_id ||
				   l->approved == LINKJOB_APPROVED ||
				   l->saga.resumed);
		PROMISE(c, !cmd->text || str_eq(cmd->text, l->saga.held_id));
		return;
	}
	PROMISE(c, cmd->id == l->saga.into && cmd->text);
	PROMISE(c, l->saga.merged);
	PROMISE(c, str_eq_nocase(cmd->text, "cust-1") ||
			   str_eq_nocase(cmd->text, "cust-2"));
	PROMISE(c, l->saga.resumed || l->saga.ids_equal ||
			   l->decision.evidence == EVIDENCE_VERIFIED ||
			   (l->approved == LINKJOB_APPROVED && a->pin));
}

/* What was taken away for a merge that is not to be: a debt, no change. */
static bool is_given_back(const struct linkjob *l, const struct command *cmd)
{
	return cmd->kind == COMMAND_SET_EXTERNAL_ID &&
	       cmd->id == l->saga.from && cmd->text;
}

static void check_write(struct chaos *c, const struct linkjob *l,
			const struct command *cmd)
{
	PROMISE(c, c->journal_open);
	PROMISE(c, !l->settings.dry);
	PROMISE(c, l->settings.rules.apply != APPLY_OBSERVE ||
			   is_given_back(l, cmd));
	if (cmd->kind == COMMAND_MERGE)
		check_merge(c, l, cmd);
	if (cmd->kind == COMMAND_ADD_ADDRESS) {
		check_decision(c, l, ACTION_ADOPT);
		PROMISE(c, !cmd->flag ||
				   l->decision.evidence == EVIDENCE_VERIFIED);
		adopts++;
	}
	if (cmd->kind == COMMAND_SET_NAME) {
		PROMISE(c, cmd->id == l->saga.from);
		PROMISE(c, l->facts.sunco.authenticated);
	}
	if (cmd->kind == COMMAND_SET_EXTERNAL_ID)
		check_external_id(c, l, cmd);
	if (cmd->kind == COMMAND_VERIFY_ADDRESS)
		PROMISE(c, cmd->id == l->saga.into && l->saga.merged);
	others_written +=
		cmd->kind != COMMAND_MERGE && cmd->kind != COMMAND_ADD_ADDRESS;
	c->sent = true;
}

/* ---- a life ---- */

/* In percent. What a person will want to know may fail as it likes. */
static uint32_t risk_of(enum command_kind k)
{
	if (k == COMMAND_MERGE)
		return 30;
	return k >= COMMAND_TICKETS ? 60 : 6;
}

static void perform(struct chaos *c, struct linkjob *l,
		    const struct command *cmd, struct commands *out)
{
	struct answer a = {.to = cmd->kind, .id = cmd->id, .told_ms = -1};
	bool store = cmd->kind == COMMAND_RECALL || cmd->kind == COMMAND_FOLD ||
		     cmd->kind == COMMAND_INTENT || cmd->kind == COMMAND_STORE;

	if (is_write(cmd->kind))
		check_write(c, l, cmd);
	c->w.now_ms += chance(c, 3) ? roll(c, 90000) : roll(c, 300);
	a.sent = true;
	a.calls = !store && cmd->kind != COMMAND_SLEEP;
	if (cmd->kind == COMMAND_SLEEP)
		c->w.now_ms += cmd->delay_ms;
	else if (chance(c, risk_of(cmd->kind)))
		a.result = trouble(c, cmd->kind, &a);
	else
		answer_well(c, l, cmd, &a);
	if (cmd->kind == COMMAND_MERGE && a.result == RESULT_TEMP && a.sent &&
	    chance(c, 50))
		merge(c, cmd);
	c->crashed = chance(c, 2);
	if (cmd->kind == COMMAND_MERGE &&
	    (c->crashed || (a.result == RESULT_TEMP && a.sent)))
		c->unsure_ms = c->w.now_ms;
	if (c->crashed)
		return;
	a.now_ms = c->w.now_ms;
	linkjob_step(l, &a, out);
}

static void end_run(struct chaos *c, const struct linkjob *l)
{
	struct journal_entry e;

	store_progress(c, l);
	linkjob_entry(l, &e);
	if (e.status != JOURNAL_PENDING && e.status != JOURNAL_UNCERTAIN) {
		c->w.job.journal_id = 0;
		c->journal_open = false;
	}
	journal_entry_release(&e);
	if (l->end == LINKJOB_END_DECIDED) {
		free(c->w.job.progress);
		c->w.job.progress = NULL;
		memset(&c->w.settings.approval, 0,
		       sizeof(c->w.settings.approval));
	}
	if (l->end == LINKJOB_END_DECIDED &&
	    l->decision.action == ACTION_REVIEW && chance(c, 60)) {
		world_approve(&c->w, l);
		c->yes = l->decision;
		c->w.settings.approval.pin = chance(c, 30);
		approvals++;
	}
	c->w.now_ms += roll(c, chance(c, 50) ? 3000 : 400000);
}

/* Commands that are out at the same time are answered in any order. */
static void run(struct chaos *c)
{
	struct command out_now[COMMANDS_MAX * 2];
	struct commands out;
	struct linkjob l;
	size_t count = 0;

	memset(c->shown_ms, 0, sizeof(c->shown_ms));
	c->sunco_ms = c->searched_ms = 0;
	c->sent = c->crashed = false;
	linkjob_init(&l, &c->w.job, &c->w.settings);
	linkjob_start(&l, c->w.now_ms, &out);
	do {
		struct command cmd;
		size_t at;

		for (size_t i = 0; i < out.count; i++)
			out_now[count++] = out.items[i];
		PROMISE(c, count > 0 && count <= COMMANDS_MAX);
		at = roll(c, (uint32_t)count);
		cmd = out_now[at];
		out_now[at] = out_now[--count];
		out.count = 0;
		perform(c, &l, &cmd, &out);
	} while (!c->crashed && (count > 0 || out.count > 0));
	crashes += c->crashed;
	if (!c->crashed)
		end_run(c, &l);
	linkjob_release(&l);
}

static void set_rules(struct chaos *c)
{
	struct policy_rules *r = &c->w.settings.rules;

	r->email_identities = (enum email_identities)roll(c, 3);
	r->link_evidence = (enum evidence)(EVIDENCE_CLAIMED + (int)roll(c, 3));
	r->apply = chance(c, 70)   ? APPLY_AUTO
		   : chance(c, 50) ? APPLY_REVIEW
				   : APPLY_OBSERVE;
	r->recover_displaced = chance(c, 50);
	r->release_external_id = chance(c, 50);
	r->verify_profile_email = chance(c, 50);
	c->w.settings.sync = chance(c, 50);
	c->w.settings.dry = chance(c, 4);
	c->w.settings.settle_after_ms = 1000;
}

static void live(uint32_t seed)
{
	struct chaos c = {.seed = seed, .dice = seed * 2654435761u + 1};

	world_init(&c.w);
	sunco_user_init(&c.sunco);
	set_rules(&c);
	change_sunco(&c, &c.sunco);
	for (size_t i = 0; i < PEOPLE; i++) {
		zd_user_init(&c.shown[i]);
		change_user(&c, &c.shown[i], 11 * (i + 1));
	}
	if (chance(&c, 15)) {
		c.w.job.sunco_id[0] = '\0';
		c.w.job.ticket_id = 77;
	}
	c.w.job.zendesk_user_id = chance(&c, 80) ? WORLD_PERSON : 0;
	for (int i = 0; i < RUNS; i++) {
		run(&c);
		if (chance(&c, 10)) /* somebody wants to look first */
			c.w.settings.rules.apply = APPLY_OBSERVE;
	}
	for (size_t i = 0; i < PEOPLE; i++)
		zd_user_release(&c.shown[i]);
	sunco_user_release(&c.sunco);
	world_release(&c.w);
}

static void whatever_is_answered_the_promises_hold(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= SEEDS; seed++)
		live(seed);
	print_message("%d lives: %zu merges, %zu adopts, %zu other changes, "
		      "%zu approvals, %zu crashes\n",
		      SEEDS, merges, adopts, others_written, approvals,
		      crashes);
	print_message("%zu early searches, %zu changes after one\n", early,
		      early_used);
	assert_true(early > 500 && early_used > 100);
	assert_true(merges > 500 && adopts > 100 && others_written > 500 &&
		    approvals > 100 && crashes > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_is_answered_the_promises_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
