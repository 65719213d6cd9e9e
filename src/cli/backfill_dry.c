/*
 * `backfill` without --apply: decides about everybody and writes a report.
 *
 *	PAGE ──users──> DECIDE, some at a time ──all──> keep the place ──> PAGE
 *	  ^                │                                  │ the last one
 *	  └─ later <─ no answer: the same again               └──> the end
 *
 * page_ask() asks for a page, decide() begins runs while there is room, and
 * page_done() goes on. A run is the daemon's own, dry: nothing is changed at
 * Zendesk, nothing is stored, nothing is enqueued. Calls go in the lane
 * backfill, so that what the account leaves to others is left to them.
 *
 * Whoever gets no answer is asked about again; after GIVE_UP_AFTER failures in
 * a row the command ends, and the same command goes on.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "api/zendesk.h"
#include "app/engine.h"
#include "app/people.h"
#include "backfill.h"
#include "backfill_report.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "core/retry.h"
#include "oneshot.h"
#include "progress.h"

#define RUNS_MAX      6
#define GIVE_UP_AFTER 8 /* about four minutes */
#define TICK_MS	      200
#define PAGE_USERS    ZENDESK_PAGE_MAX

struct dry;
struct dry_run {
	struct dry *dry;
	struct run *run; /* NULL: free */
	struct store_person who;
};

struct dry {
	struct cli *cli;
	const char *account;
	struct loop *loop;
	struct engine *engine;
	struct report report;
	struct tally tally;
	struct progress progress;
	int64_t total; /* end users; 0: not known */
	struct zendesk_op *call;
	struct loop_timer *again, *tick;
	struct loop_signal *signals[2];
	struct dry_run runs[RUNS_MAX];
	int run_count;
	/* the page */
	bool paging;	      /* it is asked for, or will be */
	struct people people; /* those whom the report does not have */
	size_t next;
	size_t scanned;
	bool last;
	struct report_place after; /* when it is done */
	int failures;		   /* in a row */
	bool waiting;		   /* for another try */
	const char *why;
	bool limited; /* --limit was reached */
	int exit_code;
};

static void page_ask(struct dry *d);
static void decide(struct dry *d);

static void stop(struct dry *d, int exit_code)
{
	d->exit_code = exit_code;
	loop_stop(d->loop);
}

static struct api_client *api_of(const struct dry *d)
{
	return engine_api(d->engine, d->account);
}

/* --- failures --- */

static uint32_t dice(void)
{
	uint32_t r;

	crypto_random(&r, sizeof(r));
	return r;
}

static void give_up(struct dry *d, enum result why, const char *error)
{
	progress_clear(&d->progress);
	d->exit_code = oneshot_failed(d->cli, why, error);
	cli_error(d->cli, "the report is not whole yet: the same command goes "
			  "on where this one ended, --restart begins anew");
	loop_stop(d->loop);
}

/* Everything rests until then. */
static void later(struct dry *d, enum result why, int64_t told_ms,
		  const char *error)
{
	bool hopeless = why != RESULT_RATE && why != RESULT_TEMP;

	if (why != RESULT_RATE)
		d->failures++;
	if (hopeless || d->failures >= GIVE_UP_AFTER) {
		give_up(d, why, error);
		return;
	}
	d->why = why == RESULT_RATE ? "Zendesk's rate limit" : "no answer";
	d->waiting = true;
	loop_timer_set(d->again,
		       retry_delay_ms(why, d->failures, told_ms, dice()));
}

static void on_again(void *arg)
{
	struct dry *d = arg;

	d->waiting = false;
	if (d->paging)
		page_ask(d);
	else
		decide(d);
}

/* --- the end --- */

static int64_t calls_per_minute(const struct dry *d)
{
	return budget_per_minute(api_client_budget(api_of(d)), LANE_BACKFILL);
}

static void print_end(struct dry *d)
{
	const struct account_config *a =
		config_account(engine_config(d->engine), d->account);
	char *next = backfill_next(d->cli, "--apply");
	struct estimate estimate;
	struct backfill_end e = {
		.account = d->account,
		.complete = !d->limited,
		.scanned = d->report.place.scanned,
		.found = d->report.place.found,
		.known = d->report.place.known,
		.tally = &d->tally,
		.estimate = &estimate,
		.rules = &a->rules,
		.report = d->report.file.path,
		.next = next,
	};

	tally_estimate(&d->tally, &a->rules, d->report.place.pages,
		       calls_per_minute(d), &estimate);
	backfill_print_end(d->cli, &e);
	free(next);
}

static void end(struct dry *d)
{
	progress_clear(&d->progress);
	if (!report_finish(&d->report)) {
		stop(d,
		     cli_error(d->cli, "cannot write %s", d->report.file.path));
		return;
	}
	print_end(d);
	stop(d, CLI_DONE);
}

/* --- one person --- */

static void write_line(struct dry *d, const struct run_report *r,
		       const struct store_person *who, const char *failure)
{
	struct journal_entry e;

	linkjob_entry(r->link, &e);
	str_copy(e.account, sizeof(e.account), d->account);
	str_copy(e.sunco_id, sizeof(e.sunco_id), who->sunco_id);
	if (!e.messaging_user_id)
		e.messaging_user_id = who->zendesk_user_id;
	e.at_ms = loop_wall_ms(d->loop);
	e.source = EVENT_FROM_BACKFILL;
	e.applied = false;
	e.status = failure ? JOURNAL_FAILED : JOURNAL_DONE;
	if (failure) {
		e.action = ACTION_NONE;
		e.reason = REASON_NONE;
		e.reasons = 0;
		free(e.note);
		e.note = xstrdup(failure);
	}
	if (d->cli->personal && !failure)
		e.before_image = linkjob_before_image(r->link);
	tally_add(&d->tally, &e);
	report_add(&d->report, who->sunco_id,
		   journal_entry_encode(&e, d->cli->personal));
	journal_entry_release(&e);
}

/* With so many more, --limit is reached. */
static bool is_full(const struct dry *d, int more)
{
	int64_t limit = d->report.key.limit;

	return limit > 0 && tally_total(&d->tally) + more >= limit;
}

/* Something is wrong with this one; the others go on. */
static bool is_personal(enum result why)
{
	return why != RESULT_TEMP && why != RESULT_RATE && why != RESULT_AUTH;
}

static void run_failed(struct dry *d, const struct run_report *r,
		       const struct store_person *who)
{
	const char *error = r->link->error.text;

	if (is_personal(r->why)) {
		write_line(d, r, who, *error ? error : result_name(r->why));
		return;
	}
	d->people.items[--d->next] = *who; /* a place of one that was begun */
	if (!d->waiting)
		later(d, r->why, r->told_ms, error);
}

/* Linked, and --apply would not ask: remembered, or by a merge of ours. */
static bool is_known(const struct linkjob *l)
{
	return l->end == LINKJOB_END_KNOWN ||
	       (l->decision.reason == REASON_ALREADY_LINKED &&
		l->facts.messaging_user.survived_merge);
}

static void on_run(const struct run_report *r, void *arg)
{
	struct dry_run *slot = arg;
	struct dry *d = slot->dry;

	slot->run = NULL;
	d->run_count--;
	if (r->link->end == LINKJOB_END_RETRY) {
		run_failed(d, r, &slot->who);
	} else {
		d->failures = 0;
		if (is_known(r->link))
			d->after.known++;
		else
			write_line(d, r, &slot->who, NULL);
	}
	decide(d);
}

static void begin(struct dry *d, struct dry_run *slot)
{
	struct run_env env;
	struct job job;

	if (!engine_env(d->engine, d->account, &env))
		abort(); /* checked before */
	slot->dry = d;
	slot->who = d->people.items[d->next++];
	job_init(&job);
	str_copy(job.account, sizeof(job.account), d->account);
	str_copy(job.sunco_id, sizeof(job.sunco_id), slot->who.sunco_id);
	job.lane = LANE_BACKFILL;
	job.source = EVENT_FROM_BACKFILL;
	job.zendesk_user_id = slot->who.zendesk_user_id;
	slot->run = run_start(&env, &job, true, on_run, slot);
	d->run_count++;
}

/* --- pages --- */

static void page_done(struct dry *d)
{
	struct report_place *p = &d->report.place;

	free(p->cursor);
	*p = d->after;
	d->after.cursor = NULL;
	people_release(&d->people);
	d->next = 0;
	if (d->last || d->limited) {
		end(d);
	} else if (report_keep(&d->report)) {
		page_ask(d);
	} else {
		progress_clear(&d->progress);
		stop(d,
		     cli_error(d->cli, "cannot write %s", d->report.file.part));
	}
}

static void decide(struct dry *d)
{
	size_t i = 0;

	if (is_full(d, 0)) {
		d->limited = d->next < d->people.count || !d->last;
		d->next = d->people.count;
	}
	while (!d->waiting && d->next < d->people.count &&
	       d->run_count < RUNS_MAX && !is_full(d, d->run_count)) {
		while (d->runs[i].run)
			i++;
		begin(d, &d->runs[i]);
	}
	if (d->run_count == 0 && d->next == d->people.count && !d->paging)
		page_done(d);
}

/* Who is in the report already came again: they changed meanwhile, or the
 * page was begun by an earlier run of the command. */
static void drop_seen(struct dry *d)
{
	struct people *p = &d->people;
	size_t kept = 0;

	d->after.found += (int64_t)p->count;
	for (size_t i = 0; i < p->count; i++)
		if (!idset_has(&d->report.seen, p->items[i].sunco_id))
			p->items[kept++] = p->items[i];
	p->count = kept;
}

static void on_page(const struct api_result *r, const struct zendesk_page *page,
		    const struct zd_user *users, size_t count, void *arg)
{
	struct dry *d = arg;

	d->call = NULL;
	if (r->result != RESULT_OK) {
		if (r->forbidden)
			give_up(d, r->result,
				"Zendesk refuses the list of users (403): it "
				"is for admins only; give reunite's client or "
				"token the rights of an admin, and the scope "
				"users:read");
		else
			later(d, r->result, r->retry_after_ms, r->error.text);
		return;
	}
	d->paging = false;
	d->failures = 0;
	d->last = page->end_of_stream;
	d->scanned = page->scanned;
	d->after = d->report.place;
	d->after.cursor = xstrdup(page->after_cursor);
	d->after.scanned += (int64_t)page->scanned;
	d->after.pages += r->calls;
	for (size_t i = 0; i < count; i++)
		people_add(&d->people, &users[i], 0, 0);
	drop_seen(d);
	decide(d);
}

static void page_ask(struct dry *d)
{
	const struct report_place *p = &d->report.place;

	d->paging = true;
	d->call = zendesk_export_users(api_of(d), LANE_BACKFILL, p->since_ms,
				       p->cursor, PAGE_USERS, on_page, d);
}

/* --- life --- */

static void show(struct dry *d)
{
	int64_t done = d->report.place.scanned;
	char note[PROGRESS_NOTE_SIZE];

	if (d->people.count > 0)
		done += (int64_t)(d->scanned * d->next / d->people.count);
	snprintf(note, sizeof(note),
		 "%lld conversations, would merge %lld, ask about %lld%s%s",
		 (long long)tally_total(&d->tally),
		 (long long)tally_of(&d->tally, ACTION_MERGE),
		 (long long)tally_of(&d->tally, ACTION_REVIEW),
		 d->waiting ? "; waits: " : "", d->waiting ? d->why : "");
	progress_show(&d->progress, done, d->total, note, loop_now_ms(d->loop));
}

static void on_tick(void *arg)
{
	struct dry *d = arg;

	show(d);
	loop_timer_set(d->tick, TICK_MS);
}

static void on_signal(void *arg)
{
	struct dry *d = arg;

	progress_clear(&d->progress);
	stop(d, cli_error(d->cli, "stopped; the same command goes on with %s",
			  d->report.file.part));
}

/* Without it the bar has no end, that is all. */
static void on_total(const struct api_result *r, int64_t unverified,
		     int64_t end_users, void *arg)
{
	struct dry *d = arg;

	(void)unverified;
	d->call = NULL;
	if (r->result == RESULT_OK)
		d->total = end_users;
	page_ask(d);
}

static void start(void *arg)
{
	struct dry *d = arg;

	on_tick(d);
	if (cli_given(d->cli, "since"))
		page_ask(d);
	else
		d->call = zendesk_head_count(api_of(d), LANE_BACKFILL, on_total,
					     d);
}

static void run_loop(struct dry *d)
{
	d->again = loop_timer_new(d->loop, on_again, d);
	d->tick = loop_timer_new(d->loop, on_tick, d);
	d->signals[0] = loop_signal_new(d->loop, SIGINT, on_signal, d);
	d->signals[1] = loop_signal_new(d->loop, SIGTERM, on_signal, d);
	progress_init(&d->progress, d->cli->err);
	loop_defer(d->loop, start, d);
	loop_run(d->loop);
	if (d->call)
		zendesk_cancel(d->call);
	for (size_t i = 0; i < RUNS_MAX; i++)
		if (d->runs[i].run)
			run_cancel(d->runs[i].run);
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		loop_signal_free(d->signals[i]);
	loop_timer_free(d->again);
	loop_timer_free(d->tick);
}

static int open_report(struct dry *d)
{
	const struct report_key key = {
		.account = d->account,
		.since = cli_text(d->cli, "since"),
		.limit = cli_number(d->cli, "limit"),
	};
	const char *given = cli_text(d->cli, "report");
	char name[128];
	struct error err;

	snprintf(name, sizeof(name), "backfill-%s.jsonl", d->account);
	if (report_open(&d->report, given ? given : name, &key,
			cli_given(d->cli, "restart"),
			d->cli->json ? d->cli->out : NULL, &d->tally,
			&err) != RESULT_OK)
		return cli_error(d->cli, "%s", err.text);
	if (!d->report.resumed)
		d->report.place.since_ms = backfill_since_ms(d->cli);
	else
		fprintf(d->cli->err, "going on with %s: %lld users so far\n",
			d->report.file.part,
			(long long)d->report.place.scanned);
	if (report_keep(&d->report))
		return CLI_DONE;
	cli_error(d->cli, "cannot write %s", d->report.file.resume);
	report_close(&d->report);
	return CLI_FAILED;
}

static int open_engine(struct dry *d, struct config *config)
{
	struct error err = {.text = ""};

	d->loop = loop_new();
	if (engine_new(&d->engine, d->loop, config, STORE_READ, NULL, NULL,
		       &err) == RESULT_OK)
		return CLI_DONE;
	loop_free(d->loop);
	config_free(config);
	return cli_error(d->cli, "%s", err.text);
}

int backfill_dry(struct cli *c)
{
	struct dry d = {.cli = c, .exit_code = CLI_FAILED};
	struct config *config;
	int code = cli_config(c, &config);

	if (code != CLI_DONE)
		return code;
	d.account = backfill_account(c, config);
	if (!d.account) {
		config_free(config);
		return CLI_USAGE;
	}
	code = open_engine(&d, config);
	if (code != CLI_DONE)
		return code;
	code = open_report(&d);
	if (code == CLI_DONE) {
		run_loop(&d);
		code = d.exit_code;
	}
	engine_free(d.engine);
	loop_free(d.loop);
	report_close(&d.report);
	tally_release(&d.tally);
	free(d.after.cursor);
	people_release(&d.people);
	return code;
}
