/*
 * See world.h. Effects are applied once per command that has one; whether the
 * answer arrives is another matter.
 */
#include "world.h"

#include <stdio.h>

#include "unit.h"

#include "base/str.h"

void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now_ms = 1700000000000;
	sunco_user_init(&w->sunco);
	sunco_user_init(&w->other);
	str_copy(w->sunco.id, sizeof(w->sunco.id), WORLD_SUNCO);
	job_init(&w->job);
	w->job.id = 7;
	w->job.token = 1;
	w->job.deadline_ms = w->now_ms + 1800000;
	str_copy(w->job.account, sizeof(w->job.account), "acme");
	str_copy(w->job.sunco_id, sizeof(w->job.sunco_id), WORLD_SUNCO);
	policy_rules_default(&w->settings.rules);
	w->settings.rules.apply = APPLY_AUTO;
	w->settings.settle_after_ms = 180000;
	w->settings.recheck_ms = 7 * 86400000LL;
	world_add(w, WORLD_PERSON, NULL, VERIFICATION_NONE);
	zd_user_add_identity(world_user(w, WORLD_PERSON), "messaging",
			     WORLD_SUNCO);
	w->sunco.zendesk_id = WORLD_PERSON;
}

void world_release(struct world *w)
{
	for (size_t i = 0; i < w->user_count; i++)
		zd_user_release(&w->users[i]);
	sunco_user_release(&w->sunco);
	sunco_user_release(&w->other);
	job_release(&w->job);
}

struct zd_user *world_user(struct world *w, uint64_t id)
{
	for (size_t i = 0; i < w->user_count; i++)
		if (w->users[i].id == id)
			return &w->users[i];
	return NULL;
}

struct zd_user *world_add(struct world *w, uint64_t id, const char *address,
			  enum verification method)
{
	struct zd_user *u = &w->users[w->user_count++];
	struct zd_identity *i;

	zd_user_init(u);
	u->id = id;
	u->identities_known = true;
	if (address) {
		i = zd_user_add_identity(u, "email", address);
		i->method = method;
		i->verified = method > VERIFICATION_NONE;
	}
	return u;
}

static void drop_identities(struct zd_user *u)
{
	for (size_t i = 0; i < u->identity_count; i++) {
		free(u->identities[i].type);
		free(u->identities[i].value);
	}
	u->identity_count = 0;
}

static void merge(struct world *w, uint64_t from_id, uint64_t into_id)
{
	struct zd_user *from = world_user(w, from_id);
	struct zd_user *into = world_user(w, into_id);

	for (size_t i = 0; i < from->identity_count; i++)
		if (!w->identity_stays)
			zd_user_add_identity(into, from->identities[i].type,
					     from->identities[i].value);
	drop_identities(from);
	from->active = false;
	free(from->external_id);
	from->external_id = NULL;
	into->active = !w->profile_goes;
	w->merges++;
}

static void replace(char **field, const char *text)
{
	free(*field);
	*field = text ? xstrdup(text) : NULL;
}

static void set_external_id(struct world *w, struct zd_user *u,
			    const struct command *c, struct answer *a)
{
	bool returned = u->id == WORLD_PERSON && c->text;

	a->duplicate = returned ? w->takes_id : c->text && w->pin_refused;
	if (a->duplicate || !u->active) {
		a->result = a->duplicate ? RESULT_PERM : RESULT_NOTFOUND;
		return;
	}
	replace(&u->external_id, c->text);
	if (!c->text)
		w->releases++;
	else if (returned)
		w->returns++;
	else
		w->pins++;
}

static void refuse_merge(const struct world *w, const struct command *c,
			 struct answer *a)
{
	const struct zd_user *from = world_user((struct world *)w, c->id);
	const struct zd_user *into = world_user((struct world *)w, c->into);

	a->mentions_external_id =
		w->refuses_ids && (from->external_id || into->external_id);
	if (w->refuses_merge || a->mentions_external_id)
		a->result = RESULT_PERM;
}

static void verify(struct world *w, struct zd_user *u, struct answer *a)
{
	if (w->verify_refused) {
		a->result = RESULT_PERM;
		return;
	}
	u->identities[0].verified = true;
	w->verified++;
}

/* What the command changes, if it may. */
static void effect(struct world *w, const struct linkjob *l,
		   const struct command *c, struct answer *a)
{
	struct zd_user *u = world_user(w, c->id);

	switch (c->kind) {
	case COMMAND_MERGE:
		if (!u->active)
			a->result = RESULT_NOTFOUND;
		else
			refuse_merge(w, c, a);
		if (a->result == RESULT_OK)
			merge(w, c->id, c->into);
		break;
	case COMMAND_ADD_ADDRESS:
		a->duplicate = w->address_taken;
		if (w->address_taken || zd_user_identity(u, "email", c->text))
			a->result = RESULT_PERM;
		else
			zd_user_add_identity(u, "email", c->text), w->adopts++;
		break;
	case COMMAND_SET_NAME:
		replace(&u->name, c->text);
		w->names++;
		break;
	case COMMAND_SET_EXTERNAL_ID:
		set_external_id(w, u, c, a);
		break;
	case COMMAND_VERIFY_ADDRESS:
		verify(w, u, a);
		break;
	case COMMAND_SYNC:
		w->syncs += !w->sync_refused;
		a->result = w->sync_refused ? RESULT_PERM : RESULT_OK;
		break;
	case COMMAND_INTENT:
		if (w->breaker_open) {
			a->result = RESULT_RATE;
			a->merges_this_hour = INT64_MAX;
			a->told_ms = 777000;
			break;
		}
		w->job.journal_id = 100 + ++w->intents;
		free(w->job.progress);
		w->job.progress = linkjob_progress(l);
		break;
	case COMMAND_STORE:
		free(w->job.progress);
		w->job.progress = linkjob_progress(l);
		break;
	case COMMAND_SLEEP:
		w->now_ms += c->delay_ms;
		w->sleep_ms += c->delay_ms;
		break;
	default:
		break;
	}
}

static size_t search(struct world *w, const struct command *c,
		     struct zd_user *hits)
{
	size_t n = 0;

	for (size_t i = 0; i < w->user_count; i++) {
		struct zd_user *u = &w->users[i];
		bool hit = c->kind == COMMAND_SEARCH_ADDRESS
				   ? zd_user_identity(u, "email", c->text) &&
					     !w->search_hides
				   : str_eq(u->external_id, c->text);

		if (!hit || !u->active)
			continue;
		hits[n] = *u;
		if (w->search_is_old)
			hits[n].identity_count = 0;
		n++;
	}
	return n;
}

static void gathered(struct world *w, const struct command *c, struct answer *a)
{
	size_t len = strlen(w->asked);

	if (c->kind == COMMAND_TICKETS)
		a->tickets = (int64_t)c->id * 10;
	else
		snprintf(w->asked + len, sizeof(w->asked) - len, "%s ",
			 c->text);
	a->sunco = &w->other;
	a->sunco_count = w->other.id[0] != '\0';
	if (c->kind == COMMAND_SUNCO_EXTERNAL && !a->sunco_count)
		a->result = RESULT_NOTFOUND;
	if (w->silent)
		a->result = RESULT_TEMP;
}

static void fill(struct world *w, const struct command *c, struct answer *a,
		 struct zd_user *hits)
{
	struct zd_user *u = world_user(w, c->into ? c->into : c->id);

	switch (c->kind) {
	case COMMAND_SUNCO:
		a->sunco = &w->sunco;
		if (w->sunco_gone)
			a->result = RESULT_NOTFOUND;
		break;
	case COMMAND_USER:
	case COMMAND_MERGE:
		a->users = u;
		a->user_count = 1;
		if (!u || (c->kind == COMMAND_USER && !u->active))
			a->result = RESULT_NOTFOUND;
		break;
	case COMMAND_SEARCH_ADDRESS:
	case COMMAND_SEARCH_EXTERNAL:
		w->now_ms += w->search_ms;
		a->users = hits;
		a->user_count = search(w, c, hits);
		break;
	case COMMAND_INTENT:
		a->journal_id = w->job.journal_id;
		break;
	case COMMAND_FOLD:
		if (w->merged_before_fold) {
			merge(w, WORLD_PERSON, WORLD_PROFILE);
			w->merged_into = WORLD_PROFILE;
		}
		a->kept = !w->taken;
		a->taken = w->taken;
		break;
	case COMMAND_TICKETS:
	case COMMAND_SUNCO_ADDRESS:
	case COMMAND_SUNCO_EXTERNAL:
		gathered(w, c, a);
		break;
	default:
		break;
	}
}

static const struct {
	enum result result;
	bool sent;
	bool has_effect;
} faults[FAULT_COUNT] = {
	[FAULT_NONE] = {RESULT_OK, true, true},
	[FAULT_UNSENT] = {RESULT_TEMP, false, false},
	[FAULT_LOST_BEFORE] = {RESULT_TEMP, true, false},
	[FAULT_LOST_AFTER] = {RESULT_TEMP, true, true},
	[FAULT_RATE] = {RESULT_RATE, false, false},
	[FAULT_AUTH] = {RESULT_AUTH, false, false},
	[FAULT_PERM] = {RESULT_PERM, false, false},
	[FAULT_GONE] = {RESULT_NOTFOUND, false, false},
	[FAULT_CONFLICT] = {RESULT_CONFLICT, false, false},
	[FAULT_CRASH_BEFORE] = {RESULT_OK, true, false},
	[FAULT_CRASH_AFTER] = {RESULT_OK, true, true},
};

static bool is_hit(const struct world *w, const struct command *c)
{
	int n = w->at_kind == COMMAND_NONE ? w->commands : w->counts[c->kind];

	if (w->at_kind != COMMAND_NONE && w->at_kind != c->kind)
		return false;
	return n == w->at || (w->always && n > w->at);
}

/* The store either works or fails; a sleep always ends. */
static enum world_fault fault_for(const struct world *w,
				  const struct command *c)
{
	bool store = c->kind == COMMAND_RECALL || c->kind == COMMAND_FOLD ||
		     c->kind == COMMAND_INTENT || c->kind == COMMAND_STORE;
	enum world_fault f = is_hit(w, c) ? w->fault : FAULT_NONE;

	if (c->kind == COMMAND_SLEEP && f < FAULT_CRASH_BEFORE)
		return FAULT_NONE;
	if (store && f > FAULT_UNSENT && f < FAULT_CRASH_BEFORE &&
	    f != FAULT_LOST_AFTER)
		return FAULT_UNSENT;
	return f;
}

static void late_effect(struct world *w)
{
	if (!w->late_at_ms || w->now_ms < w->late_at_ms)
		return;
	merge(w, w->late.id, w->late.into);
	w->late_at_ms = 0;
}

static void perform(struct world *w, struct linkjob *l, const struct command *c,
		    struct commands *out)
{
	struct zd_user hits[WORLD_USERS];
	struct recall recall = w->recall;
	enum world_fault f;
	struct answer a = {.to = c->kind, .id = c->id, .told_ms = -1};

	late_effect(w);
	w->commands++;
	w->counts[c->kind]++;
	w->now_ms += c->kind == COMMAND_INTENT ? w->store_ms : 0;
	f = fault_for(w, c);
	if (f != FAULT_NONE && c->kind == COMMAND_MERGE && w->late_ms) {
		w->late = *c;
		w->late_at_ms = w->now_ms + w->late_ms;
	}
	if (is_hit(w, c))
		w->last = c->kind;
	if (faults[f].has_effect)
		effect(w, l, c, &a);
	w->crashed = f == FAULT_CRASH_BEFORE || f == FAULT_CRASH_AFTER;
	if (w->crashed)
		return;
	for (size_t i = 0; i < RECALL_MAX; i++)
		recall.survivor[i] = c->ids[i] == WORLD_PERSON && w->merged_into
					     ? w->merged_into
					     : c->ids[i];
	if (!c->text)
		recall.owner_count = 0;
	a.recall = &recall;
	a.sent = faults[f].sent;
	a.calls = c->kind == COMMAND_USER || c->kind >= COMMAND_MERGE;
	if (a.result == RESULT_OK)
		fill(w, c, &a, hits);
	if (f != FAULT_NONE)
		a.result = faults[f].result;
	a.personal = w->personal && a.result == RESULT_AUTH;
	if (a.result != RESULT_OK)
		a.error = w->words;
	a.now_ms = w->now_ms;
	linkjob_step(l, &a, out);
}

static void store_end(struct world *w, const struct linkjob *l)
{
	struct journal_entry e;

	free(w->job.progress);
	w->job.progress = linkjob_progress(l);
	linkjob_entry(l, &e);
	if (!e.id && w->job.journal_id) {
		assert_non_null(w->job.progress); /* or it is never closed */
	} else if (e.status != JOURNAL_PENDING &&
		   e.status != JOURNAL_UNCERTAIN) {
		w->job.journal_id = 0;
	}
	journal_entry_release(&e);
	w->now_ms += l->run_at_ms > w->now_ms ? l->run_at_ms - w->now_ms : 2000;
}

/* The command whose turn it is comes to the front. */
static void choose(struct world *w, struct command *queue, size_t count)
{
	size_t at = w->order % count;
	struct command c = queue[at];

	w->order /= (unsigned)count;
	memmove(queue + 1, queue, at * sizeof(*queue));
	queue[0] = c;
	w->now_ms += w->turn_ms;
}

void world_run(struct world *w, struct linkjob *l)
{
	struct command queue[64];
	struct commands out;
	size_t head = 0;
	size_t tail = 0;

	w->crashed = false;
	linkjob_init(l, &w->job, &w->settings);
	linkjob_start(l, w->now_ms, &out);
	for (;;) {
		for (size_t i = 0; i < out.count; i++)
			queue[tail++] = out.items[i];
		assert_true(tail < ARRAY_LEN(queue));
		if (head == tail)
			break;
		out.count = 0;
		choose(w, queue + head, tail - head);
		perform(w, l, &queue[head++], &out);
		if (w->crashed) {
			w->now_ms += 1000;
			return;
		}
	}
	store_end(w, l);
}

enum linkjob_end world_live(struct world *w, int max)
{
	enum linkjob_end end = LINKJOB_END_NONE;

	while (max-- > 0) {
		struct linkjob l;

		world_run(w, &l);
		end = w->crashed ? LINKJOB_END_NONE : l.end;
		linkjob_release(&l);
		if (end == LINKJOB_END_DECIDED || end == LINKJOB_END_KNOWN ||
		    end == LINKJOB_END_MOVED)
			break;
	}
	return end;
}

static void say(struct world *w, const char *verification)
{
	w->sunco.authenticated = true;
	w->sunco.external_id = xstrdup("cust-1");
	w->sunco.identities = xcalloc(1, sizeof(*w->sunco.identities));
	w->sunco.identity_count = 1;
	w->sunco.identities[0].type = xstrdup("email");
	w->sunco.identities[0].value = xstrdup(WORLD_ADDRESS);
	w->sunco.identities[0].verification = xstrdup(verification);
	w->sunco.given_name = xstrdup("Pat");
	world_user(w, WORLD_PERSON)->external_id = xstrdup("cust-1");
	world_user(w, WORLD_PERSON)->name = xstrdup("Web User 65f0a1");
}

void world_make_merge(struct world *w)
{
	world_init(w);
	say(w, "embed");
	world_add(w, WORLD_PROFILE, WORLD_ADDRESS, VERIFICATION_FULL);
}

void world_make_adopt(struct world *w)
{
	world_init(w);
	say(w, "embed");
}

void world_approve(struct world *w, const struct linkjob *l)
{
	struct linkjob_approval *a = &w->settings.approval;

	assert_int_equal(l->decision.action, ACTION_REVIEW);
	*a = (struct linkjob_approval){
		.review_id = 5,
		.waived = l->decision.reasons,
		.user = l->facts.messaging_user.id,
		.profile = l->decision.profile_id,
		.print = l->print,
		.by = "maria",
	};
	str_copy(a->sunco_id, sizeof(a->sunco_id), l->sunco_id);
}

void world_make_displaced(struct world *w)
{
	struct zd_user *profile;
	struct zd_identity *i;

	world_make_merge(w);
	profile = world_user(w, WORLD_PROFILE);
	drop_identities(profile);
	profile->updated_ms = w->now_ms - 30000;
	i = zd_user_add_identity(world_user(w, WORLD_PERSON), "email",
				 WORLD_ADDRESS);
	i->verified = true;
	i->method = VERIFICATION_EMBED;
	i->created_ms = w->now_ms - 30000;
	w->recall.owners[0] = (struct owner){
		.user = WORLD_PROFILE,
		.proven = true,
		.seen_ms = w->now_ms - 86400000,
		.lost_ms = w->now_ms - 30000,
	};
	w->recall.owner_count = 1;
	w->settings.rules.recover_displaced = true;
}

void world_assert_merged_once(struct world *w)
{
	struct zd_user *p = world_user(w, WORLD_PROFILE);

	assert_int_equal(w->merges, 1);
	assert_false(world_user(w, WORLD_PERSON)->active);
	assert_non_null(zd_user_identity(p, "messaging", WORLD_SUNCO));
	assert_string_equal(p->external_id, "cust-1");
}
