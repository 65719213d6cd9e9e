/*
 * Commands out, answers in: see runner.h.
 *
 * A change is sent only while the lease has enough left (lease.h); else it is
 * held until there is more, or ends as not sent.
 *
 * Invariants: every used slot has exactly one of an API call, a store
 * operation or a timer under way, or is held; a run that is over has no used
 * slot.
 */
#include "runner_int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/str.h"

void run_crash_point(const char *when, const char *what)
{
#ifdef REUNITE_CRASH_POINTS
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", when, what);
	CRASH_POINT(name);
#else
	(void)when;
	(void)what;
#endif
}

void run_slot_release(struct slot *s)
{
	journal_entry_release(&s->entry);
	free(s->progress);
	s->progress = NULL;
	loop_timer_free(s->timer);
	s->timer = NULL;
	s->zendesk = NULL;
	s->sunco = NULL;
	s->held = 0;
	s->used = false;
}

/* The one way back into the state machine. */
static void give(struct slot *s, struct answer *a)
{
	struct run *run = s->run;
	struct commands next = {.count = 0};

	a->to = s->cmd.kind;
	a->id = s->cmd.id;
	a->now_ms = run_now_ms(run);
	run_crash_point("after", command_name(a->to));
	run_slot_release(s);
	linkjob_step(&run->link, a, &next);
	run_execute(run, &next);
	if (run->link.state == LINKJOB_FINISHED)
		run_settle(run);
}

/* --- the APIs --- */

static struct answer api_answer(const struct api_result *r)
{
	return (struct answer){
		.result = r->result,
		.sent = r->sent,
		.personal = r->personal,
		.duplicate = r->duplicate,
		.mentions_external_id = r->mentions_external_id,
		.told_ms = r->retry_after_ms,
		.calls = r->api == API_ZENDESK ? r->calls : 0,
		.error = r->error.text,
	};
}

static void on_sunco(const struct api_result *r, const struct sunco_user *user,
		     void *arg)
{
	struct answer a = api_answer(r);

	a.sunco = user;
	give(arg, &a);
}

static void on_suncos(const struct api_result *r,
		      const struct sunco_user *users, size_t count, void *arg)
{
	struct answer a = api_answer(r);

	a.sunco = users;
	a.sunco_count = count;
	give(arg, &a);
}

static void on_count(const struct api_result *r, int64_t count, void *arg)
{
	struct answer a = api_answer(r);

	a.tickets = count;
	give(arg, &a);
}

static void on_user(const struct api_result *r, const struct zd_user *user,
		    void *arg)
{
	struct answer a = api_answer(r);

	a.users = user;
	a.user_count = user ? 1 : 0;
	give(arg, &a);
}

static void on_users(const struct api_result *r, const struct zd_user *users,
		     size_t count, void *arg)
{
	struct answer a = api_answer(r);

	a.users = users;
	a.user_count = count;
	give(arg, &a);
}

static void on_plain(const struct api_result *r, void *arg)
{
	struct answer a = api_answer(r);

	give(arg, &a);
}

static void call_api(struct slot *s)
{
	struct run *run = s->run;
	struct api_client *api = run->env.api;
	enum job_lane lane = run->job.lane;
	const struct command *c = &s->cmd;

	switch (c->kind) {
	case COMMAND_SUNCO:
		s->sunco = sunco_user_get(api, lane, c->text, on_sunco, s);
		break;
	case COMMAND_USER:
		s->zendesk = zendesk_user_get(api, lane, c->id, on_user, s);
		break;
	case COMMAND_SEARCH_ADDRESS:
		s->zendesk =
			zendesk_search_address(api, lane, c->text, on_users, s);
		break;
	case COMMAND_SEARCH_EXTERNAL:
		s->zendesk = zendesk_search_external_id(api, lane, c->text,
							on_users, s);
		break;
	case COMMAND_TICKETS:
		s->zendesk =
			zendesk_user_tickets(api, lane, c->id, on_count, s);
		break;
	case COMMAND_SUNCO_ADDRESS:
		s->sunco = sunco_users_by_address(api, lane, c->text, c->id,
						  on_suncos, s);
		break;
	case COMMAND_SUNCO_EXTERNAL:
		s->sunco = sunco_users_by_external_id(api, lane, c->text, c->id,
						      on_suncos, s);
		break;
	case COMMAND_MERGE:
		s->zendesk =
			zendesk_merge(api, lane, c->id, c->into, on_user, s);
		break;
	case COMMAND_ADD_ADDRESS:
		s->zendesk = zendesk_add_address(api, lane, c->id, c->text,
						 c->flag, on_plain, s);
		break;
	case COMMAND_SET_NAME:
		s->zendesk = zendesk_set_name(api, lane, c->id, c->text,
					      on_plain, s);
		break;
	case COMMAND_VERIFY_ADDRESS:
		s->zendesk = zendesk_verify_address(api, lane, c->id, c->into,
						    on_plain, s);
		break;
	case COMMAND_SYNC:
		s->sunco = sunco_sync(api, lane, c->id, c->into, on_plain, s);
		break;
	default:
		assert(c->kind == COMMAND_SET_EXTERNAL_ID);
		s->zendesk = zendesk_set_external_id(api, lane, c->id, c->text,
						     on_plain, s);
	}
}

/* --- changes --- */

static void change(struct slot *s)
{
	int64_t send_by_ms = lease_send_by_ms(&s->run->lease);

	call_api(s);
	if (s->zendesk)
		zendesk_send_by(s->zendesk, send_by_ms);
	else
		api_send_by(s->sunco, send_by_ms);
}

static void begin_change(struct slot *s)
{
	if (lease_suffices(&s->run->lease)) {
		s->held = 0;
		change(s);
		return;
	}
	s->held++;
	lease_renew(&s->run->lease);
}

static void give_up_change(struct slot *s)
{
	struct answer a = {.result = RESULT_TEMP,
			   .told_ms = -1,
			   .error = "the lease could not be made longer"};

	give(s, &a);
}

/* A store that is slow may take a second time. */
void run_lease_told(struct run *run, bool kept)
{
	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		struct slot *s = &run->slots[i];

		if (!s->used || !s->held)
			continue;
		if (kept && s->held < RUN_HELD_MAX)
			begin_change(s);
		else
			give_up_change(s);
	}
}

/* --- the store --- */

static void submit(struct slot *s, enum store_op_kind kind, storeq_done *done)
{
	s->op.kind = kind;
	s->storing = true;
	storeq_submit(s->run->env.q, &s->op, done, s);
}

/* The store gives an op back; false: the run was dropped meanwhile. */
static bool returned(struct slot *s)
{
	s->storing = false;
	if (!s->run->cancelled)
		return true;
	store_op_release(&s->op);
	run_slot_release(s);
	run_release(s->run);
	return false;
}

static struct answer store_answer(const struct store_op *op)
{
	return (struct answer){
		.result = op->result,
		.told_ms = -1,
		.error = op->error.text,
	};
}

static void listen_for(struct run *run, struct recall *out)
{
	const struct run_env *env = &run->env;

	if (!env->hearsay)
		return;
	out->told = hearsay_address(env->hearsay, run->job.account,
				    run->link.sunco_id, loop_now_ms(env->loop));
	out->plenty = api_client_has_plenty(env->api);
}

static void on_recalled(struct store_op *op, void *arg)
{
	struct slot *s = arg;
	const struct store_recall *in = &op->u.recall;
	struct recall out = {
		.rejected_adopt = in->rejected_adopt,
		.merging = in->merging,
		.merges_this_hour = in->merges_this_hour,
		.linked = in->linked,
		.linked_user = in->link.zendesk_user_id,
		.linked_print = in->link.print,
		.linked_ms = in->link.checked_ms,
		.owner_count = in->owner_count,
		.asked_adopt = in->asked_adopt,
	};
	struct answer a = store_answer(op);

	if (!returned(s))
		return;
	for (size_t i = 0; i < RECALL_MAX; i++) {
		out.survivor[i] = in->survivor[i];
		out.survived[i] = in->survived[i];
		out.rejected[i] = in->rejected[i];
		out.merges_today[i] = in->merges_today[i];
		out.asked[i] = in->asked[i];
	}
	memcpy(out.owners, in->owners, sizeof(out.owners));
	listen_for(s->run, &out);
	a.recall = &out;
	store_op_release(op);
	give(s, &a);
}

static void on_nothing_recalled(void *arg)
{
	struct slot *s = arg;
	struct recall out = {.linked = false};
	struct answer a = {.recall = &out, .told_ms = -1};

	for (size_t i = 0; i < RECALL_MAX; i++)
		out.survivor[i] = s->cmd.ids[i];
	give(s, &a);
}

static void recall(struct slot *s)
{
	struct run *run = s->run;
	struct store_recall *r = &s->op.u.recall;

	if (!run->env.q) {
		s->timer =
			loop_timer_new(run->env.loop, on_nothing_recalled, s);
		loop_timer_set(s->timer, 0);
		return;
	}
	store_op_init(&s->op, STORE_RECALL);
	r->account = run->job.account;
	r->sunco_id = run->link.sunco_id;
	r->now_ms = loop_wall_ms(run->env.loop);
	_Static_assert(RECALL_MAX == STORE_RECALL_MAX, "the same width");
	memcpy(r->ids, s->cmd.ids, sizeof(r->ids));
	address_hash(run->env.hmac, s->cmd.text, r->address_hash);
	sunco_person_hash(run->env.hmac, &run->link.facts.sunco,
			  r->person_hash);
	submit(s, STORE_RECALL, on_recalled);
}

static void on_folded(struct store_op *op, void *arg)
{
	struct slot *s = arg;
	struct run *run = s->run;
	struct answer a = store_answer(op);
	struct job *taken = op->u.fold.taken;

	if (!returned(s))
		return;
	a.kept = op->u.fold.kept;
	op->u.fold.taken = NULL;
	store_op_release(op);
	if (taken) {
		job_release(&run->job);
		run->job = *taken;
		free(taken);
		a.taken = &run->job;
		lease_move(&run->lease, run->job.id);
	}
	give(s, &a);
}

static void fold(struct slot *s)
{
	struct run *run = s->run;

	store_op_init(&s->op, STORE_FOLD);
	s->op.u.fold = (struct store_fold){
		.job_id = run->job.id,
		.token = run->job.token,
		.sunco_id = s->cmd.text,
		.believes = run->link.settings.recheck_ms > 0,
		.takes = run->env.takes_over,
		.read_ms = run->began_ms + run->skew_ms,
		.now_ms = loop_wall_ms(run->env.loop),
	};
	submit(s, STORE_FOLD, on_folded);
}

/* -1: it is not known. */
static int64_t until_ms(const struct run *run, int64_t wall_ms)
{
	return wall_ms == INT64_MAX ? -1
				    : wall_ms - loop_wall_ms(run->env.loop);
}

static void on_intent(struct store_op *op, void *arg)
{
	struct slot *s = arg;
	struct answer a = store_answer(op);

	if (!returned(s))
		return;
	a.journal_id = op->u.intent.journal_id;
	a.merges_this_hour = op->u.intent.merges_this_hour;
	a.merges_into_profile = op->u.intent.merges_into_profile_today;
	if (a.result == RESULT_RATE)
		a.told_ms = until_ms(s->run, op->u.intent.place_ms);
	store_op_release(op);
	give(s, &a);
}

int64_t run_hour_limit(const struct policy_rules *rules, enum job_lane lane)
{
	int64_t max = rules->max_merges_per_hour;

	return lane == LANE_BACKFILL ? max * 4 / 5 : max;
}

static int64_t hour_limit(const struct run *run)
{
	const struct linkjob *l = &run->link;

	if (l->facts.history.waived & REASON_BIT(REASON_MERGE_SURGE))
		return INT64_MAX;
	return run_hour_limit(&l->settings.rules, run->job.lane);
}

static int64_t profile_limit(const struct linkjob *l)
{
	return l->facts.history.waived & REASON_BIT(REASON_MERGE_FAN_IN)
		       ? INT64_MAX
		       : l->settings.rules.max_merges_per_profile;
}

static void intent(struct slot *s)
{
	struct run *run = s->run;
	const struct linkjob *l = &run->link;
	int64_t now_ms = loop_wall_ms(run->env.loop);

	linkjob_entry(l, &s->entry);
	str_copy(s->entry.account, sizeof(s->entry.account), run->job.account);
	s->entry.job_id = run->job.id;
	s->entry.source = run->job.source;
	s->entry.at_ms = now_ms;
	s->entry.status = JOURNAL_PENDING;
	s->entry.before_image = linkjob_before_image(l);
	run_entry_approval(run, &s->entry);
	s->progress = linkjob_progress(l);
	store_op_init(&s->op, STORE_INTENT);
	s->op.u.intent = (struct store_intent){
		.job_id = run->job.id,
		.token = run->job.token,
		.users = {s->cmd.id, s->cmd.into},
		.now_ms = now_ms,
		.lock_until_ms = now_ms + RUN_LEASE_MS + RUN_GRACE_MS,
		.entry = &s->entry,
		.progress = s->progress,
		.max_per_hour = hour_limit(run),
		.max_per_profile = profile_limit(l),
	};
	submit(s, STORE_INTENT, on_intent);
}

static void on_stored(struct store_op *op, void *arg)
{
	struct slot *s = arg;
	struct answer a = store_answer(op);

	if (!returned(s))
		return;
	store_op_release(op);
	give(s, &a);
}

static void store_step(struct slot *s)
{
	struct run *run = s->run;

	s->progress = linkjob_progress(&run->link);
	store_op_init(&s->op, STORE_STEP);
	s->op.u.step = (struct store_step){
		.job_id = run->job.id,
		.token = run->job.token,
		.progress = s->progress,
		.journal_id = run->link.saga.journal_id,
		.status = s->cmd.status,
		.now_ms = loop_wall_ms(run->env.loop),
	};
	submit(s, STORE_STEP, on_stored);
}

static void on_slept(void *arg)
{
	struct answer a = {.told_ms = -1};

	give(arg, &a);
}

static void start_slot(struct slot *s, const struct command *c)
{
	s->used = true;
	s->cmd = *c;
	run_crash_point("before", command_name(c->kind));
	switch (c->kind) {
	case COMMAND_RECALL:
		recall(s);
		break;
	case COMMAND_FOLD:
		fold(s);
		break;
	case COMMAND_INTENT:
		intent(s);
		break;
	case COMMAND_STORE:
		store_step(s);
		break;
	case COMMAND_SLEEP:
		s->timer = loop_timer_new(s->run->env.loop, on_slept, s);
		loop_timer_set(s->timer, c->delay_ms);
		break;
	default:
		if (command_changes(c->kind))
			begin_change(s);
		else
			call_api(s);
	}
}

void run_execute(struct run *run, const struct commands *cmds)
{
	size_t slot = 0;

	for (size_t i = 0; i < cmds->count; i++) {
		while (run->slots[slot].used)
			slot++;
		assert(slot < COMMANDS_MAX);
		start_slot(&run->slots[slot], &cmds->items[i]);
	}
}
