/*
 * `backfill --apply`: starts the walk over all of history, or goes on with it,
 * and follows it to its end.
 *
 * Whoever holds the store walks, so that one alone spends the account's
 * requests: the daemon, or, if there is none, this process with the daemon's
 * own engine. What it has come to is in the store at any moment: a kill loses
 * nothing, and the same command goes on. Followed, it ends only when everybody
 * who was found is through, not already when everybody was found.
 */
#include <signal.h>
#include <stdlib.h>

#include "app/engine.h"
#include "app/sweeper.h"
#include "backfill.h"
#include "backfill_watch.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "head_count.h"
#include "list.h"
#include "progress.h"

#define LOOK_MS	       500
#define UNREACHABLE_MS (5 * 60 * 1000) /* of patience without a daemon */

struct applying {
	struct cli *cli;
	struct config *config;
	const struct account_config *account;
	struct store *store;
	struct watch watch;
	struct progress progress;
	struct loop *loop;
	struct engine *engine;	 /* ours; NULL: a daemon does the work */
	struct sweeper *sweeper; /* likewise */
	struct loop_timer *timer;
	struct loop_signal *signals[2];
	bool ending;
	int exit_code;
};

/* --- may it be? --- */

static int check_policy(struct cli *c, const struct account_config *a)
{
	if (a->rules.apply == APPLY_OBSERVE) {
		cli_error(c,
			  "account %s only observes (apply = \"observe\"): "
			  "nothing would be changed; without --apply a report "
			  "says what would be done",
			  a->name);
		return CLI_REFUSED;
	}
	if (a->rules.apply == APPLY_AUTO &&
	    run_hour_limit(&a->rules, LANE_BACKFILL) <= 0) {
		cli_error(c,
			  "max_merges_per_hour = %lld leaves backfill, which "
			  "may use four fifths of it, no place",
			  (long long)a->rules.max_merges_per_hour);
		return CLI_REFUSED;
	}
	return CLI_DONE;
}

/* --- start --- */

/* How many users there are, for the bar; only credentials that are refused
 * are the end of it, not an account that cannot or may not count. */
static int count_users(struct applying *p, int64_t *total)
{
	struct head_count k;

	*total = 0;
	if (cli_given(p->cli, "since"))
		return CLI_DONE;
	head_count_ask(p->store, p->account, &k);
	if (k.result == RESULT_OK)
		*total = k.end_users;
	if (k.result != RESULT_AUTH || k.forbidden)
		return CLI_DONE;
	cli_error(p->cli, "%s", k.error.text);
	return CLI_UPSTREAM;
}

static void say_started(struct applying *p, const struct store_walk *w)
{
	char at[CLOCK_TEXT_SIZE];

	if (!w->resumed) {
		fprintf(p->cli->err, "the walk begins\n");
		return;
	}
	clock_format(p->watch.row.started_ms, at);
	fprintf(p->cli->err,
		"going on with the walk of %s: %lld users so far, %lld "
		"conversations found, %lld woken%s\n",
		at, (long long)p->watch.row.scanned,
		(long long)p->watch.row.found, (long long)p->watch.row.woken,
		cli_given(p->cli, "since")
			? "; --since is as it began, --restart begins anew"
			: "");
}

static int start(struct applying *p)
{
	struct store_op op;
	int64_t total = 0;
	int code = CLI_DONE;

	if (watch_read(&p->watch, WATCH_STATE, p->cli->now_ms) != RESULT_OK)
		return cli_error(p->cli, "the store failed");
	if (!p->watch.there || p->watch.row.done ||
	    cli_given(p->cli, "restart"))
		code = count_users(p, &total);
	if (code != CLI_DONE)
		return code;
	store_op_init(&op, STORE_WALK);
	op.u.walk.account = p->account->name;
	op.u.walk.now_ms = p->cli->now_ms;
	op.u.walk.since_ms = backfill_since_ms(p->cli);
	op.u.walk.woken_max = cli_number(p->cli, "limit");
	op.u.walk.anew = cli_given(p->cli, "restart");
	op.u.walk.total = total;
	if (store_do(p->store, &op) != RESULT_OK)
		return cli_store_failed(p->cli, &op);
	say_started(p, &op.u.walk);
	return CLI_DONE;
}

/* --- follow --- */

static void stop(struct applying *p, int exit_code)
{
	p->exit_code = exit_code;
	progress_clear(&p->progress);
	loop_stop(p->loop);
}

static void on_drained(void *arg)
{
	loop_stop(((struct applying *)arg)->loop);
}

/* What runs here comes to its end first. */
static void end(struct applying *p, int exit_code)
{
	progress_clear(&p->progress);
	p->ending = true;
	p->exit_code = exit_code;
	if (p->engine)
		scheduler_drain(engine_scheduler(p->engine), on_drained, p);
	else
		loop_stop(p->loop);
}

static void show(struct applying *p, int64_t now_ms)
{
	const struct watch *w = &p->watch;
	char why[PROGRESS_NOTE_SIZE], note[2 * PROGRESS_NOTE_SIZE];

	watch_why(w, now_ms, why);
	snprintf(note, sizeof(note),
		 "%lld found, %lld merged, %lld adopted, %lld reviews, %lld to "
		 "do%s%s",
		 (long long)w->row.found,
		 (long long)tally_of(&w->tally, ACTION_MERGE),
		 (long long)tally_of(&w->tally, ACTION_ADOPT),
		 (long long)tally_of(&w->tally, ACTION_REVIEW),
		 (long long)w->row.unfinished, why[0] ? "; " : "", why);
	progress_show(&p->progress, w->row.scanned, w->row.total, note,
		      clock_mono_ms());
}

/* A daemon has all the time in the world; a command has not. */
static bool is_patient(const struct applying *p, int64_t now_ms)
{
	return !p->engine || now_ms - p->watch.moved_ms < UNREACHABLE_MS;
}

/* Whether it is worth while to wait on; no: why has been said. */
static bool is_hopeful(struct applying *p, int64_t now_ms)
{
	const struct watch *w = &p->watch;
	const struct sweep_why *why = sweep_why_find(w->row.failure);

	if (!w->row.failure && (!w->held || is_patient(p, now_ms)))
		return true;
	if (str_eq(w->row.failure, "rate_limit"))
		return true;
	if ((str_eq(w->row.failure, "unreachable") ||
	     str_eq(w->row.failure, "cursor_refused") ||
	     str_eq(w->row.failure, "store")) &&
	    is_patient(p, now_ms))
		return true;
	progress_clear(&p->progress);
	if (w->row.failure)
		cli_error(p->cli, "%s%s%s", why->text, why->mend ? ": " : "",
			  why->mend ? why->mend : "");
	else
		cli_error(p->cli, "the account is held: doctor says why, the "
				  "same command goes on");
	return false;
}

static void look(void *arg)
{
	struct applying *p = arg;
	int64_t now_ms = clock_wall_ms();

	if (p->ending)
		return;
	if (watch_read(&p->watch, WATCH_DECIDED, now_ms) != RESULT_OK) {
		end(p, cli_error(p->cli, "the store failed"));
		return;
	}
	show(p, now_ms);
	if (watch_is_over(&p->watch))
		end(p, CLI_DONE);
	else if (p->watch.row.stopped)
		end(p, cli_error(p->cli, "it was stopped; --apply goes on"));
	else if (!is_hopeful(p, now_ms))
		end(p, CLI_UPSTREAM);
	else
		loop_timer_set(p->timer, LOOK_MS);
}

static void on_signal(void *arg)
{
	struct applying *p = arg;

	if (p->ending || !p->engine) {
		progress_clear(&p->progress);
		if (!p->engine)
			fprintf(p->cli->err,
				"detached; the daemon goes on (backfill "
				"--status, --stop)\n");
		stop(p, p->engine ? CLI_FAILED : CLI_DONE);
		return;
	}
	end(p, cli_error(p->cli, "stopped; the same command goes on"));
}

/* A person, in another process: a pause ended, the breaker was closed. */
static void on_changed(void *arg)
{
	struct applying *p = arg;

	engine_wake(p->engine, NULL);
	sweeper_wake(p->sweeper);
}

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	(void)account;
	(void)sunco_id;
	(void)waits;
	(void)arg;
}

static void follow(struct applying *p)
{
	p->timer = loop_timer_new(p->loop, look, p);
	p->signals[0] = loop_signal_new(p->loop, SIGINT, on_signal, p);
	p->signals[1] = loop_signal_new(p->loop, SIGTERM, on_signal, p);
	progress_init(&p->progress, p->cli->err);
	loop_timer_set(p->timer, 0);
	if (p->engine)
		storeq_on_change(engine_storeq(p->engine), on_changed, p);
	loop_run(p->loop);
	for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
		loop_signal_free(p->signals[i]);
	loop_timer_free(p->timer);
}

/* --- who does it --- */

/* The engine of this account alone. On success it has the configuration;
 * RESULT_CONFLICT: a daemon is at work. */
static enum result open_engine(struct applying *p, struct error *err)
{
	struct config *own;
	enum result r = config_load(&own, p->cli->config_path, err);

	if (r != RESULT_OK)
		return r;
	config_keep_account(own, p->account->name);
	r = engine_new(&p->engine, p->loop, own, STORE_SERVE, on_watch, p, err);
	if (r != RESULT_OK) {
		p->engine = NULL;
		config_free(own);
	}
	return r;
}

static int work(struct applying *p)
{
	struct error err = {.text = ""};
	enum result r;

	p->loop = loop_new();
	r = cli_is_served(p->config->store, p->store) ? RESULT_CONFLICT
						      : open_engine(p, &err);
	if (r != RESULT_OK && r != RESULT_CONFLICT)
		return cli_error(p->cli, "%s", err.text);
	if (r == RESULT_CONFLICT && cli_given(p->cli, "detach"))
		return CLI_DONE;
	if (cli_given(p->cli, "detach"))
		return cli_error(p->cli, "no daemon runs that could do it; it "
					 "goes on when one does");
	if (p->engine) {
		fprintf(p->cli->err, "no daemon runs: this command does the "
				     "work, until it ends none can start\n");
		p->sweeper = sweeper_new_walk(p->loop, p->engine);
	}
	follow(p);
	return p->exit_code;
}

/* --- the end --- */

static int print_lines(struct applying *p)
{
	struct store_op op;
	int64_t after_id = 0;
	size_t n;

	do {
		store_op_init(&op, STORE_JOURNAL);
		op.u.journal.account = p->account->name;
		op.u.journal.since_ms = p->watch.row.started_ms;
		op.u.journal.of_source = true;
		op.u.journal.source = EVENT_FROM_BACKFILL;
		op.u.journal.after_id = after_id;
		if (store_do(p->store, &op) != RESULT_OK)
			return cli_store_failed(p->cli, &op);
		n = op.u.journal.count;
		for (size_t i = 0; i < n; i++) {
			const struct journal_entry *e =
				&op.u.journal.entries[i];

			cli_json(p->cli,
				 journal_entry_encode(e, p->cli->personal));
			after_id = e->id;
		}
		store_op_release(&op);
	} while (n == STORE_LIST_MAX && cli_out_ok(p->cli));
	return CLI_DONE;
}

static int print_end(struct applying *p)
{
	const struct watch *w = &p->watch;
	char *next = backfill_next(p->cli, "--apply");
	/* Within a page some are woken before the page counts. */
	int64_t found =
		w->row.found > w->row.woken ? w->row.found : w->row.woken;
	struct backfill_end e = {
		.account = p->account->name,
		.applied = true,
		.complete = w->row.done,
		.scanned = w->row.scanned,
		.found = found,
		.known = found - w->row.woken,
		.tally = &p->watch.tally,
		.rules = &p->account->rules,
		.next = w->row.full ? next : NULL,
	};
	int code = CLI_DONE;

	if (watch_read(&p->watch, WATCH_END, clock_wall_ms()) != RESULT_OK)
		code = cli_error(p->cli, "the store failed");
	if (code == CLI_DONE && p->cli->json)
		code = print_lines(p);
	if (code == CLI_DONE)
		backfill_print_end(p->cli, &e);
	free(next);
	return code;
}

static int apply(struct applying *p)
{
	int code = check_policy(p->cli, p->account);

	if (code == CLI_DONE)
		code = start(p);
	if (code == CLI_DONE)
		code = work(p);
	if (code == CLI_DONE && watch_is_over(&p->watch))
		code = print_end(p);
	return code;
}

int backfill_apply(struct cli *c)
{
	struct applying p = {.cli = c, .exit_code = CLI_FAILED};
	int code = cli_store(c, STORE_WRITE, &p.config, &p.store);
	const char *name;

	if (code != CLI_DONE)
		return code;
	name = backfill_account(c, p.config);
	if (name) {
		p.account = config_account(p.config, name);
		watch_init(&p.watch, p.store, p.account);
		code = apply(&p);
		watch_release(&p.watch);
	} else {
		code = CLI_USAGE;
	}
	sweeper_free(p.sweeper);
	engine_free(p.engine);
	if (p.loop)
		loop_free(p.loop);
	store_close(p.store);
	config_free(p.config);
	return code;
}
