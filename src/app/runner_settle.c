/*
 * The end of a run: what the state machine came to, as one operation of the
 * store, and the report to whoever started it.
 *
 * Refuses to lose an end: while the store fails, the settle is tried again
 * until it is stored or the lease is somebody else's.
 */
#include "runner_int.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "core/retry.h"

static uint32_t dice(void)
{
	uint32_t r;

	crypto_random(&r, sizeof(r));
	return r;
}

static int64_t at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void settle_wait(struct run *run, struct store_settle *s)
{
	const struct linkjob *l = &run->link;

	s->state = JOB_WAITING;
	int64_t deadline_ms = l->deadline_ms + run->skew_ms;

	s->run_at_ms =
		l->run_at_ms ? l->run_at_ms + run->skew_ms
			     : s->now_ms + retry_wait_ms(l->looks - 1, dice());
	if (deadline_ms > s->now_ms)
		s->run_at_ms = at_most(s->run_at_ms, deadline_ms);
}

/* It is the account's trouble, not the job's: the hold says when to go on,
 * and then the job is not to wait for what it has been through. Where it says
 * "now", the run met something that the hold knows nothing of (an endpoint's
 * limit, a token that is not asked for yet), and would meet it again. */
static bool rests_with_account(const struct run *run)
{
	enum result why = run->link.why;

	return api_client_hold_wait_ms(run->env.api) > 0 &&
	       (why == RESULT_TEMP || why == RESULT_AUTH || why == RESULT_RATE);
}

static void settle_retry(struct run *run, struct store_settle *s)
{
	const struct linkjob *l = &run->link;
	enum result why = l->why == RESULT_AUTH ? RESULT_TEMP : l->why;

	s->state = JOB_READY;
	s->attempts = run->job.attempts;
	s->run_at_ms = s->now_ms;
	s->last_error = l->error.text;
	if (rests_with_account(run))
		return;
	s->attempts++;
	if (retry_gives_up(why, s->attempts))
		s->state = JOB_DEAD;
	else
		s->run_at_ms +=
			retry_delay_ms(why, s->attempts, l->told_ms, dice());
}

static void settle_state(struct run *run, struct store_settle *s)
{
	const struct linkjob *l = &run->link;

	switch (l->end) {
	case LINKJOB_END_WAIT:
		settle_wait(run, s);
		break;
	case LINKJOB_END_RETRY:
		settle_retry(run, s);
		break;
	case LINKJOB_END_AGAIN:
		/* It may go on for as long as somebody else's saga, or the
		 * budget, takes: later each time, but never the end. */
		s->state = JOB_READY;
		s->attempts = run->job.attempts + 1;
		s->run_at_ms =
			s->now_ms + retry_delay_ms(RESULT_CONFLICT, s->attempts,
						   -1, dice());
		break;
	case LINKJOB_END_DECIDED:
		s->state = l->decision.action == ACTION_REVIEW ? JOB_REVIEW
							       : JOB_DONE;
		break;
	default:
		s->state = JOB_DONE;
	}
}

/* Outcome in words, when the decision alone does not tell. */
static char *entry_note(const struct linkjob *l)
{
	enum reason list[REASON_COUNT];
	char *approval = linkjob_approval_note(l);

	if (approval)
		return approval;
	if (l->end != LINKJOB_END_DECIDED && l->error.text[0])
		return xstrdup(l->error.text);
	if (l->saga.state == SAGA_REFUSED && l->error.text[0])
		return xstrdup(l->error.text);
	if (l->saga.state == SAGA_TAKEN)
		return xstrdup(reason_text(REASON_ADDRESS_TAKEN));
	if (reason_set_list(l->saga.remarks, list) > 0)
		return xstrdup(reason_text(list[0]));
	return NULL;
}

static void settle_entry(struct run *run, struct store_settle *s)
{
	struct linkjob *l = &run->link;
	struct journal_entry *e = &run->entry;

	if (l->end != LINKJOB_END_DECIDED && !l->saga.journal_id)
		return;
	linkjob_entry(l, e);
	str_copy(e->account, sizeof(e->account), run->job.account);
	e->job_id = run->job.id;
	e->source = run->job.source;
	e->at_ms = s->now_ms;
	e->note = entry_note(l);
	run_entry_approval(run, e);
	s->entry = e;
}

static void settle_link(struct run *run, struct store_settle *s)
{
	const struct linkjob *l = &run->link;
	uint64_t user = linkjob_settled_user(l);

	s->zendesk_user_id = user;
	s->gone_user = l->gone;
	if (l->saga.state == SAGA_DONE && l->saga.action == ACTION_MERGE) {
		s->alias_from = l->saga.from;
		s->alias_to = l->saga.into;
		s->zendesk_user_id = l->saga.into;
	} else if (!user && l->facts.has_messaging_user) {
		s->zendesk_user_id = l->facts.messaging_user.id;
	}
	if (!user || !l->facts.sunco.id[0])
		return;
	str_copy(run->known.sunco_id, sizeof(run->known.sunco_id), l->sunco_id);
	run->known.zendesk_user_id = user;
	run->known.checked_ms = s->now_ms;
	event_print_of(&l->facts.sunco, &run->known.print);
	s->link = &run->known;
}

/* Whom the run saw, with hashes for addresses. */
static void settle_sightings(struct run *run, struct store_settle *s)
{
	seen_hash(&run->seen, &run->link.seen, run->env.hmac, run->skew_ms);
	s->sightings = run->seen.items;
	s->sighting_count = run->seen.count;
	address_hash(run->env.hmac, run->link.address, s->address_hash);
	s->owners = run->link.recall.owners;
	s->owner_count = run->link.recall.owner_count;
}

static void settle_review(struct run *run, struct store_settle *s)
{
	const struct linkjob *l = &run->link;
	const struct decision *d = &l->decision;
	struct review *r = &run->review;

	if (s->state != JOB_REVIEW)
		return;
	str_copy(r->account, sizeof(r->account), run->job.account);
	r->state = REVIEW_OPEN;
	r->job_id = run->job.id;
	r->intended = d->intended;
	r->reasons = d->reasons;
	r->evidence = d->evidence;
	r->messaging_user_id = run->entry.messaging_user_id;
	r->profile_id = d->profile_id;
	str_copy(r->sunco_id, sizeof(r->sunco_id), l->sunco_id);
	r->ticket_id = l->ticket_id;
	address_hash(run->env.hmac, d->address, r->address_hash);
	r->facts = linkjob_review_facts(l);
	r->pin = pair_pin_of(&l->facts, d);
	memcpy(r->facts_hash, l->print.hash, sizeof(r->facts_hash));
	r->created_ms = s->now_ms;
	r->expires_ms = s->now_ms + run->review_expires_ms;
	s->review = r;
}

/* Is the ticket's agent to be told? What is tried again is no failure yet;
 * whoever only observes writes nothing to Zendesk. */
static void settle_note(const struct run *run, struct store_settle *s)
{
	bool over =
		run->link.end == LINKJOB_END_DECIDED || s->state == JOB_DEAD;

	s->note = s->entry && over &&
		  run->link.settings.rules.apply != APPLY_OBSERVE &&
		  ticket_note_tells(run->ticket_note, s->entry);
}

/* What the hold's own line says is not said again for every job. */
static void log_failure(const struct run *run)
{
	const struct store_settle *s = &run->settle.u.settle;
	const struct linkjob *l = &run->link;
	const struct log_field fields[] = {
		log_str("account", run->job.account),
		log_int("job", run->job.id),
		log_str("state", job_state_name(s->state)),
		log_str("class", result_name(l->why)),
		log_int("attempts", s->attempts),
		log_str("error", l->error.text),
	};

	log_emit(rests_with_account(run) ? LOG_DEBUG : LOG_WARN, "job_failed",
		 fields, ARRAY_LEN(fields));
}

static void count_end(const struct run *run)
{
	const struct linkjob *l = &run->link;
	const struct store_settle *s = &run->settle.u.settle;

	if (l->end == LINKJOB_END_RETRY) {
		log_failure(run);
		return;
	}
	if (l->end != LINKJOB_END_DECIDED)
		return;
	metric_add(metric_get(METRIC_DECISIONS, run->job.account,
			      action_name(l->decision.action),
			      reason_code(l->decision.reason)),
		   1);
	metric_observe(
		metric_get(METRIC_LINK_SECONDS),
		(double)(s->now_ms - run->skew_ms - run->job.created_ms) /
			1000);
	log_info("job_decided", log_str("account", run->job.account),
		 log_int("job", run->job.id),
		 log_str("action", action_name(l->decision.action)),
		 log_str("reason", reason_code(l->decision.reason)),
		 log_bool("applied", l->decision.applied),
		 log_int("journal", s->journal_id),
		 log_int("api_calls", l->api_calls));
}

static void report(struct run *run, bool lost)
{
	const struct store_settle *s = &run->settle.u.settle;
	struct run_report r = {
		.job = &run->job,
		.link = &run->link,
		.state = s->moved ? JOB_DONE : s->state,
		.run_at_ms = s->run_at_ms,
		.why = run->link.end == LINKJOB_END_RETRY ? run->link.why
							  : RESULT_OK,
		.told_ms = run->link.told_ms,
		.lost = lost,
		.again = s->again,
		.noted = s->noted,
		.journal_id = s->journal_id,
		.review_id = s->review_id,
	};

	if (!lost && !run->dry && !s->overtaken)
		count_end(run);
	run_end(run, &r);
}

static void submit_settle(void *arg);

/* The store will never take what came of this run (a text is too long, say):
 * a person has to see to it, and the job must not run for ever. */
static void make_bare(struct run *run)
{
	struct store_settle *s = &run->settle.u.settle;

	run->bare = true;
	s->state = JOB_DEAD;
	s->entry = NULL;
	s->link = NULL;
	s->review = NULL;
	s->sighting_count = 0;
	s->note = false;
	s->progress = NULL;
	s->last_error = "the store did not take what came of it";
}

static void on_settled(struct store_op *op, void *arg)
{
	struct run *run = arg;

	run_crash_point("after", "settle");
	run->settling = false;
	if (run->cancelled) {
		run_release(run);
		return;
	}
	if (op->result == RESULT_OK) {
		report(run, false);
		return;
	}
	if (op->result == RESULT_CONFLICT) {
		run_log_lost(run);
		report(run, true);
		return;
	}
	log_warn("settle_failed", log_str("account", run->job.account),
		 log_int("job", run->job.id),
		 log_str("class", result_name(op->result)),
		 log_str("error", op->error.text));
	if (op->result == RESULT_TEMP) {
		run_again(run, submit_settle);
	} else if (op->result == RESULT_INVALID && !run->bare) {
		make_bare(run);
		submit_settle(run);
	} else {
		report(run, true);
	}
}

static void submit_settle(void *arg)
{
	struct run *run = arg;

	run->settling = true;
	storeq_submit(run->env.q, &run->settle, on_settled, run);
}

void run_settle(struct run *run)
{
	struct store_settle *s = &run->settle.u.settle;

	store_op_init(&run->settle, STORE_SETTLE);
	s->job_id = run->job.id;
	s->token = run->job.token;
	s->gen = run->job.gen;
	s->now_ms = loop_wall_ms(run->env.loop);
	s->ticket_id = run->link.ticket_id;
	settle_state(run, s);
	if (run->link.end != LINKJOB_END_RETRY &&
	    run->link.end != LINKJOB_END_AGAIN)
		s->read_ms = run->began_ms ? run->began_ms + run->skew_ms : 0;
	if (run->dry || run->link.end == LINKJOB_END_MOVED) {
		report(run, false);
		return;
	}
	if (run->link.first_search_ms)
		run->link.first_search_ms += run->skew_ms;
	run->progress =
		s->state == JOB_DONE ? NULL : linkjob_progress(&run->link);
	s->progress = run->progress;
	settle_entry(run, s);
	settle_link(run, s);
	settle_sightings(run, s);
	settle_review(run, s);
	settle_note(run, s);
	run_crash_point("before", "settle");
	submit_settle(run);
}
