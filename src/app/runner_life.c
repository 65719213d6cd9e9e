/*
 * A run's life: its start, its lease, its end, and being dropped; see
 * runner.h. What it does between is in runner.c.
 *
 * Invariant: a run is freed only when the store holds none of its operations.
 */
#include "runner_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

/* --- the lease --- */

static void lose(struct run *run)
{
	struct run_report report = {.job = &run->job,
				    .link = &run->link,
				    .state = JOB_RUNNING,
				    .told_ms = -1,
				    .lost = true};

	run_log_lost(run);
	run_end(run, &report);
}

/* A settle that is under way says itself how it went. */
static void on_lease(enum lease_news news, void *arg)
{
	struct run *run = arg;

	if (news != LEASE_LOST)
		run_lease_told(run, news == LEASE_KEPT);
	else if (!run->settling)
		lose(run);
}

void run_log_lost(const struct run *run)
{
	log_warn("lease_lost", log_str("account", run->job.account),
		 log_int("job", run->job.id));
}

/* --- start and end --- */

int64_t run_now_ms(const struct run *run)
{
	return loop_wall_ms(run->env.loop) - run->skew_ms;
}

void run_clock_set(struct run *run, int64_t by_ms)
{
	run->skew_ms += by_ms;
}

/* The word of the person, as the machine needs it. */
static void read_approval(const struct review *r, struct linkjob_approval *out)
{
	struct json_t *facts;

	if (!r->id)
		return;
	out->review_id = r->id;
	out->waived = r->reasons;
	out->pin = r->pin == PAIR_PIN_NAMED;
	out->user = r->messaging_user_id;
	out->profile = r->profile_id;
	str_copy(out->sunco_id, sizeof(out->sunco_id), r->sunco_id);
	out->by = r->decided_by;
	out->print.known = true;
	memcpy(out->print.hash, r->facts_hash, sizeof(out->print.hash));
	if (!r->facts)
		return;
	facts = json_parse(r->facts, strlen(r->facts), NULL);
	pair_print_decode(json_get(facts, "print"), &out->print);
	json_free(facts);
}

void run_entry_approval(const struct run *run, struct journal_entry *e)
{
	if (run->link.approved != LINKJOB_APPROVED)
		return;
	e->decided_by = xstrdup(run->approval.decided_by);
	e->review_id = run->approval.id;
}

static void begin(struct run *run)
{
	const struct account_config *a = run->env.account;
	struct linkjob_settings settings = {
		.rules = a->rules,
		.settle_after_ms = a->settle_after_ms,
		.recheck_ms = a->recheck_after_ms,
		.sync = a->sunco_sync,
		.dry = run->dry,
	};
	struct commands first = {.count = 0};

	read_approval(&run->approval, &settings.approval);
	settings.rules.deny_emails = (const char *const *)a->deny_emails.items;
	settings.rules.deny_email_count = a->deny_emails.count;
	run->review_expires_ms = a->review_expires_ms;
	run->ticket_note = a->ticket_note;
	linkjob_init(&run->link, &run->job, &settings);
	if (run->link.saga.state == SAGA_IDLE)
		run->began_ms = run_now_ms(run);
	linkjob_start(&run->link, run_now_ms(run), &first);
	run_execute(run, &first);
}

static void ask_review(void *arg);

/* Without the approval the run would ask the same question again and use the
 * answer up. */
static void on_review(struct store_op *op, void *arg)
{
	struct run *run = arg;
	struct store_reviews *r = &op->u.reviews;
	bool failed = op->result == RESULT_TEMP;

	if (op->result == RESULT_OK && r->count == 1 &&
	    r->reviews[0].state == REVIEW_APPROVED) {
		run->approval = r->reviews[0];
		review_init(&r->reviews[0]);
	}
	store_op_release(op);
	run->review_op.kind = STORE_OP_COUNT;
	if (run->cancelled)
		run_release(run);
	else if (failed)
		run_again(run, ask_review);
	else
		begin(run);
}

static void ask_review(void *arg)
{
	struct run *run = arg;

	store_op_init(&run->review_op, STORE_REVIEWS);
	run->review_op.u.reviews = (struct store_reviews){
		.id = run->job.review_id, .state = -1, .max = 1};
	storeq_submit(run->env.q, &run->review_op, on_review, run);
}

static void begin_plain(void *arg)
{
	struct run *run = arg;

	run->starting = false;
	if (run->cancelled)
		run_release(run);
	else
		begin(run);
}

struct run *run_start(const struct run_env *env, struct job *job, bool dry,
		      run_done *done, void *arg)
{
	struct run *run = xcalloc(1, sizeof(*run));

	run->env = *env;
	run->job = *job;
	job_init(job);
	run->dry = dry;
	run->done = done;
	run->arg = arg;
	run->review_op.kind = STORE_OP_COUNT;
	review_init(&run->review);
	review_init(&run->approval);
	journal_entry_init(&run->entry);
	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		run->slots[i].run = run;
		journal_entry_init(&run->slots[i].entry);
	}
	run->starting = !run->job.review_id || !env->q;
	if (run->starting)
		loop_defer(env->loop, begin_plain, run);
	else
		ask_review(run);
	if (!dry)
		lease_take(&run->lease, env->leases, run->job.id,
			   run->job.token, env->leased_ms, on_lease, run);
	return run;
}

const struct job *run_job(const struct run *run)
{
	return &run->job;
}

const struct account_config *run_config(const struct run *run)
{
	return run->env.account;
}

static bool store_holds(const struct run *run)
{
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		if (run->slots[i].storing)
			return true;
	return run->settling || run->starting ||
	       run->review_op.kind != STORE_OP_COUNT;
}

void run_release(struct run *run)
{
	if (store_holds(run))
		return;
	linkjob_release(&run->link);
	job_release(&run->job);
	journal_entry_release(&run->entry);
	review_release(&run->review);
	review_release(&run->approval);
	seen_release(&run->seen);
	free(run->progress);
	free(run);
}

void run_again(struct run *run, loop_fn *fn)
{
	loop_timer_free(run->again);
	run->again = loop_timer_new(run->env.loop, fn, run);
	loop_timer_set(run->again, RUN_STORE_RETRY_MS);
}

void run_end(struct run *run, const struct run_report *report)
{
	run->ended = true;
	run->done(report, run->arg);
	run->ended = false;
	run_cancel(run);
}

void run_cancel(struct run *run)
{
	if (run->ended)
		return;
	run->cancelled = true;
	loop_timer_free(run->again);
	run->again = NULL;
	lease_drop(&run->lease);
	for (size_t i = 0; i < COMMANDS_MAX; i++) {
		struct slot *s = &run->slots[i];

		if (!s->used || s->storing)
			continue;
		if (s->zendesk)
			zendesk_cancel(s->zendesk);
		if (s->sunco)
			api_cancel(s->sunco);
		run_slot_release(s);
	}
	run_release(run);
}
