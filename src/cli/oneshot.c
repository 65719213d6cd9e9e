/*
 * One run of one job from the command line: see oneshot.h.
 *
 * A dry run needs no store; of one it knows merges, rejections, the breaker.
 */
#include "oneshot.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/zendesk.h"
#include "app/engine.h"
#include "base/clock.h"
#include "base/str.h"

#define FOLLOW_STEP_MS 100
#define FOLLOW_MAX_MS  120000
#define FOLDED_MAX_MS  10000 /* for the decision of the person's own job */
#define AGAIN_MAX      8     /* runs, while others are at work on the same */

struct oneshot {
	struct cli *cli;
	struct oneshot_who who;
	struct loop *loop;
	struct engine *engine;
	const char *account;
	struct job job;
	bool apply;
	bool follow; /* a daemon holds the store and does the work */
	int exit_code;
	oneshot_print *print;
	void *print_arg;
	struct store_op op;
	int64_t job_id;	    /* apply: as enqueued */
	int64_t claimed_ms; /* loop_boot_ms() when it was asked for */
	struct run *run;
	int runs;
	struct loop_timer *again;
};

bool oneshot_who_parse(struct cli *c, struct oneshot_who *out)
{
	int given = 0;

	memset(out, 0, sizeof(*out));
	out->account = cli_text(c, "account");
	out->user = (uint64_t)cli_number(c, "user");
	out->ticket = (uint64_t)cli_number(c, "ticket");
	out->sunco_user = cli_text(c, "sunco-user");
	given = (out->user != 0) + (out->ticket != 0) +
		(out->sunco_user != NULL);
	if (given != 1) {
		cli_usage_error(c, "give one of --user, --ticket and "
				   "--sunco-user");
		return false;
	}
	if (out->sunco_user &&
	    !sunco_id_valid(out->sunco_user, strlen(out->sunco_user))) {
		cli_usage_error(c, "--sunco-user: not an id");
		return false;
	}
	return true;
}

int oneshot_failed(struct cli *c, enum result why, const char *error)
{
	cli_error(c, "%s", error && *error ? error : result_name(why));
	return why == RESULT_TEMP || why == RESULT_RATE || why == RESULT_AUTH
		       ? CLI_UPSTREAM
		       : CLI_FAILED;
}

static void stop(struct oneshot *o, int exit_code)
{
	o->exit_code = exit_code;
	loop_stop(o->loop);
}

static void go(struct oneshot *o);
static void claim(void *arg);

/* The person turned out to have a job, into which ours went. */
static void go_on_with(struct oneshot *o, const char *sunco_id)
{
	str_copy(o->job.sunco_id, sizeof(o->job.sunco_id), sunco_id);
	go(o);
}

static void on_run(const struct run_report *r, void *arg)
{
	struct oneshot *o = arg;

	o->run = NULL;
	if (r->link->end == LINKJOB_END_MOVED)
		go_on_with(o, r->link->sunco_id);
	else if (r->lost)
		stop(o, oneshot_failed(o->cli, RESULT_CONFLICT,
				       "another process took the job over"));
	else if (r->link->end == LINKJOB_END_RETRY)
		stop(o, oneshot_failed(o->cli, r->why, r->link->error.text));
	else if (o->apply && r->link->end == LINKJOB_END_AGAIN &&
		 ++o->runs < AGAIN_MAX)
		loop_timer_set(o->again, r->run_at_ms - loop_wall_ms(o->loop));
	else if (o->apply)
		stop(o, CLI_DONE);
	else
		stop(o, o->print(o->cli, r, o->print_arg));
}

static void start_run(struct oneshot *o)
{
	struct run_env env;

	if (!engine_env(o->engine, o->account, &env))
		abort(); /* checked before */
	env.leased_ms = o->claimed_ms;
	o->run = run_start(&env, &o->job, !o->apply, on_run, o);
}

static int say_paused(const struct oneshot *o)
{
	return cli_error(o->cli,
			 "account %s is paused: job %lld is queued, and runs "
			 "after \"reunite queue resume\"",
			 o->account, (long long)o->job_id);
}

static void on_claimed(struct store_op *op, void *arg)
{
	struct oneshot *o = arg;

	if (op->result == RESULT_OK && op->u.claim.paused) {
		stop(o, say_paused(o));
	} else if (op->result != RESULT_OK || op->u.claim.count != 1) {
		stop(o, oneshot_failed(o->cli, RESULT_CONFLICT,
				       "the job is at work elsewhere"));
	} else {
		job_release(&o->job);
		o->job = op->u.claim.jobs[0];
		job_init(&op->u.claim.jobs[0]);
		start_run(o);
	}
	store_op_release(op);
}

static void on_enqueued(struct store_op *op, void *arg)
{
	struct oneshot *o = arg;
	enum result r = op->result;

	o->job_id = op->u.enqueue.job_id;

	store_op_release(op);
	if (r != RESULT_OK)
		stop(o, oneshot_failed(o->cli, r, "the store failed"));
	else
		claim(o);
}

static void claim(void *arg)
{
	struct oneshot *o = arg;

	o->claimed_ms = loop_boot_ms(o->loop);
	store_op_init(&o->op, STORE_CLAIM);
	o->op.u.claim = (struct store_claim){
		.account = o->account,
		.max = 1,
		.job_id = o->job_id,
		.now_ms = loop_wall_ms(o->loop),
		.lease_ms = RUN_LEASE_MS,
		.grace_ms = RUN_GRACE_MS,
	};
	storeq_submit(engine_storeq(o->engine), &o->op, on_claimed, o);
}

static void fill_enqueue(const struct oneshot *o, struct store_op *op,
			 int64_t now_ms)
{
	const struct account_config *a =
		config_account(engine_config(o->engine), o->account);

	store_op_init(op, STORE_ENQUEUE);
	op->u.enqueue = (struct store_enqueue){
		.account = o->account,
		.sunco_id = o->job.sunco_id,
		.zendesk_user_id = o->job.zendesk_user_id,
		.ticket_id = o->job.ticket_id,
		.lane = LANE_LIVE,
		.now_ms = now_ms,
		.wait_ms = a->wait_for_user_ms,
	};
}

/* Whom is known now: run, or enqueue; with a daemon it is enqueued later. */
static void go(struct oneshot *o)
{
	if (!o->apply) {
		start_run(o);
		return;
	}
	if (o->follow) {
		stop(o, CLI_DONE);
		return;
	}
	fill_enqueue(o, &o->op, loop_wall_ms(o->loop));
	storeq_submit(engine_storeq(o->engine), &o->op, on_enqueued, o);
}

static void on_ticket(const struct api_result *r, uint64_t requester_id,
		      void *arg)
{
	struct oneshot *o = arg;

	if (r->result == RESULT_OK && requester_id) {
		o->job.zendesk_user_id = requester_id;
		go(o);
		return;
	}
	stop(o, oneshot_failed(o->cli,
			       r->result == RESULT_OK ? RESULT_NOTFOUND
						      : r->result,
			       r->result == RESULT_NOTFOUND ? "no such ticket"
							    : r->error.text));
}

static void begin(void *arg)
{
	struct oneshot *o = arg;

	if (o->who.ticket)
		zendesk_ticket_get(engine_api(o->engine, o->account),
				   o->job.lane, o->who.ticket, on_ticket, o);
	else
		go(o);
}

static void fill_job(struct oneshot *o)
{
	const struct oneshot_who *who = &o->who;

	job_init(&o->job);
	str_copy(o->job.account, sizeof(o->job.account), o->account);
	o->job.lane = LANE_LIVE;
	o->job.zendesk_user_id = who->user;
	o->job.ticket_id = who->ticket;
	o->job.source = EVENT_FROM_ZENDESK;
	if (who->sunco_user) {
		str_copy(o->job.sunco_id, sizeof(o->job.sunco_id),
			 who->sunco_user);
		o->job.source = EVENT_FROM_SUNCO;
	}
}

/* The account that is meant; NULL: the error has been printed. */
static const char *pick_account(struct cli *c, const struct config *config,
				const char *wanted)
{
	if (wanted)
		return cli_check_account(c, config, wanted) == CLI_DONE ? wanted
									: NULL;
	if (config->account_count == 1)
		return config->accounts[0].name;
	cli_usage_error(c, "several accounts: say which with --account");
	return NULL;
}

/* Reads the configuration and opens the engine. */
static int setup(struct oneshot *o, enum store_mode mode, enum result *why)
{
	struct config *config;
	struct error err = {.text = ""};
	int code = cli_config(o->cli, &config);

	*why = RESULT_OK;
	if (code != CLI_DONE)
		return code;
	o->account = pick_account(o->cli, config, o->who.account);
	if (!o->account) {
		config_free(config);
		return CLI_USAGE;
	}
	o->loop = loop_new();
	*why = engine_new(&o->engine, o->loop, config, mode, NULL, NULL, &err);
	if (*why == RESULT_OK) {
		fill_job(o);
		o->again = loop_timer_new(o->loop, claim, o);
		return CLI_DONE;
	}
	config_free(config);
	loop_free(o->loop);
	o->loop = NULL;
	if (mode == STORE_SERVE && *why == RESULT_CONFLICT)
		return CLI_DONE; /* a daemon has it: follow instead */
	return cli_error(o->cli, "%s", err.text);
}

static void teardown(struct oneshot *o)
{
	if (o->run)
		run_cancel(o->run);
	loop_timer_free(o->again);
	engine_free(o->engine);
	loop_free(o->loop);
	job_release(&o->job);
}

static enum result read_job(struct store *s, int64_t id, struct job *out)
{
	struct store_op op;
	enum result r;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs = (struct store_jobs){.id = id, .state = -1, .max = 1};
	r = store_do(s, &op);
	if (r == RESULT_OK && op.u.jobs.count == 0)
		r = RESULT_NOTFOUND;
	if (r == RESULT_OK)
		job_copy(out, &op.u.jobs.jobs[0]);
	store_op_release(&op);
	return r;
}

/* Whose job it is. The names live in job. */
static int find_job(struct cli *c, struct oneshot_who *who, struct job *job)
{
	struct config *config;
	struct store *s;
	int code = cli_store(c, STORE_READ, &config, &s);

	if (code != CLI_DONE)
		return code;
	if (read_job(s, who->job, job) != RESULT_OK) {
		code = cli_error(c, "no such job");
	} else {
		who->account = job->account;
		who->ticket = 0;
		who->user = job->zendesk_user_id;
		if (job->sunco_id[0])
			who->sunco_user = job->sunco_id;
	}
	store_close(s);
	config_free(config);
	return code;
}

int oneshot_dry(struct cli *c, const struct oneshot_who *who,
		oneshot_print *print, void *arg)
{
	struct oneshot o = {.cli = c,
			    .who = *who,
			    .print = print,
			    .print_arg = arg,
			    .exit_code = CLI_FAILED};
	struct job named;
	enum result why;
	int code = CLI_DONE;

	job_init(&named);
	if (who->job)
		code = find_job(c, &o.who, &named);
	if (code == CLI_DONE)
		code = setup(&o, STORE_READ, &why);
	if (code != CLI_DONE) {
		job_release(&named);
		return code;
	}
	loop_defer(o.loop, begin, &o);
	loop_run(o.loop);
	teardown(&o);
	job_release(&named);
	return o.exit_code;
}

/* The last of the journal's lines that are asked for. */
static enum result last_of(struct store *s, const struct store_journal *which,
			   struct journal_entry *out)
{
	struct store_op op;
	enum result r;
	size_t n;

	store_op_init(&op, STORE_JOURNAL);
	op.u.journal = *which;
	do {
		r = store_do(s, &op);
		n = r == RESULT_OK ? op.u.journal.count : 0;
		if (n > 0) {
			journal_entry_release(out);
			journal_entry_copy(out, &op.u.journal.entries[n - 1]);
			op.u.journal.after_id = out->id;
		}
		store_op_release(&op);
	} while (n == STORE_LIST_MAX);
	return r == RESULT_OK && out->id == 0 ? RESULT_NOTFOUND : r;
}

/* The last line since the start, of a job or about a user. */
static enum result last_entry(const struct oneshot *o, struct store *s,
			      int64_t job_id, uint64_t user,
			      struct journal_entry *out)
{
	const struct store_journal which = {
		.account = o->account,
		.since_ms = o->cli->now_ms,
		.action = -1,
		.job_id = job_id,
		.user = user,
		.max = STORE_LIST_MAX,
	};

	return last_of(s, &which, out);
}

/* The line of the open review: what is asked again is not written again. */
static enum result review_entry(struct store *s, int64_t job_id,
				struct journal_entry *out)
{
	const struct store_journal which = {
		.action = ACTION_REVIEW,
		.job_id = job_id,
		.max = STORE_LIST_MAX,
	};

	return last_of(s, &which, out);
}

static int print_end(struct oneshot *o, struct store *s, oneshot_applied *print)
{
	struct journal_entry entry;
	struct job job;
	bool folded;
	enum result r;
	int code;

	job_init(&job);
	journal_entry_init(&entry);
	folded = read_job(s, o->job_id, &job) == RESULT_NOTFOUND;
	if (folded)
		r = last_entry(o, s, 0, o->job.zendesk_user_id, &entry);
	else
		r = last_entry(o, s, o->job_id, 0, &entry);
	if (r == RESULT_NOTFOUND && job.state == JOB_REVIEW)
		r = review_entry(s, o->job_id, &entry);
	if (folded && r != RESULT_OK)
		code = cli_error(o->cli, "the person has another job, which "
					 "goes on with it: see queue list");
	else
		code = print(o->cli, r == RESULT_OK ? &entry : NULL, &job);
	journal_entry_release(&entry);
	job_release(&job);
	return code;
}

/* A job that is decided anew has no error: it goes on at once. */
static bool at_rest(const struct job *j)
{
	return j->state != JOB_RUNNING &&
	       (j->state != JOB_READY || (j->attempts > 0 && j->last_error));
}

static bool is_paused(const struct oneshot *o, struct store *s)
{
	struct store_op op;
	bool paused;

	store_op_init(&op, STORE_ACCOUNT);
	op.u.account.account = o->account;
	paused = store_do(s, &op) == RESULT_OK && op.u.account.is_paused;
	store_op_release(&op);
	return paused;
}

typedef bool follow_test(const struct oneshot *o, struct store *s);

/* Until the job has come to something, or went into the person's own. */
static bool job_rests(const struct oneshot *o, struct store *s)
{
	struct job job;
	enum result r;
	bool rests;

	job_init(&job);
	r = read_job(s, o->job_id, &job);
	rests = r == RESULT_NOTFOUND || (r == RESULT_OK && at_rest(&job)) ||
		(r == RESULT_OK && job.state == JOB_READY && is_paused(o, s));
	job_release(&job);
	return rests;
}

static bool user_decided(const struct oneshot *o, struct store *s)
{
	struct journal_entry entry;
	bool decided;

	journal_entry_init(&entry);
	decided = last_entry(o, s, 0, o->job.zendesk_user_id, &entry) ==
			  RESULT_OK &&
		  entry.status != JOURNAL_PENDING;
	journal_entry_release(&entry);
	return decided;
}

/* Waits for what the daemon does. */
static void follow(const struct oneshot *o, struct store *s, follow_test *test,
		   int64_t max_ms)
{
	struct timespec step = {.tv_nsec = FOLLOW_STEP_MS * 1000000L};
	int64_t until_ms = clock_mono_ms() + max_ms;

	do
		nanosleep(&step, NULL);
	while (!test(o, s) && clock_mono_ms() < until_ms);
}

/* False: it went into the person's own. */
static bool job_state(const struct oneshot *o, struct store *s,
		      enum job_state *state)
{
	struct job job;
	enum result r;

	job_init(&job);
	r = read_job(s, o->job_id, &job);
	*state = job.state;
	job_release(&job);
	return r != RESULT_NOTFOUND;
}

static int enqueue_beside(struct oneshot *o, struct store *s,
			  oneshot_applied *print)
{
	enum job_state state;
	struct store_op op;
	enum result r;
	bool there;

	fill_enqueue(o, &op, o->cli->now_ms);
	r = store_do(s, &op);
	o->job_id = op.u.enqueue.job_id;
	store_op_release(&op);
	if (r != RESULT_OK)
		return oneshot_failed(o->cli, r, "the store failed");
	follow(o, s, job_rests, FOLLOW_MAX_MS);
	there = job_state(o, s, &state);
	if (there && state == JOB_READY && is_paused(o, s))
		return say_paused(o);
	if (!there)
		follow(o, s, user_decided, FOLDED_MAX_MS);
	return print_end(o, s, print);
}

/* After the loop: what came of it is in the store. */
static int apply_end(struct oneshot *o, oneshot_applied *print)
{
	enum store_mode mode = o->follow ? STORE_WRITE : STORE_READ;
	struct error err;
	struct store *s;
	int code;

	if (store_open(&s, engine_config(o->engine)->store, mode,
		       o->cli->now_ms, &err) != RESULT_OK)
		return cli_error(o->cli, "%s", err.text);
	code = o->follow ? enqueue_beside(o, s, print) : print_end(o, s, print);
	store_close(s);
	return code;
}

int oneshot_apply(struct cli *c, const struct oneshot_who *who,
		  oneshot_applied *print)
{
	struct oneshot o = {
		.cli = c, .who = *who, .apply = true, .exit_code = CLI_FAILED};
	struct config *config;
	struct store *existing;
	enum result why;
	int code;

	/* only serve creates a store */
	code = cli_store(c, STORE_READ, &config, &existing);
	if (code != CLI_DONE)
		return code;
	o.follow = cli_is_served(config->store, existing);
	store_close(existing);
	config_free(config);
	code = setup(&o, o.follow ? STORE_READ : STORE_SERVE, &why);
	if (code == CLI_DONE && why == RESULT_CONFLICT) {
		o.follow = true;
		code = setup(&o, STORE_READ, &why);
	}
	if (code != CLI_DONE)
		return code;
	loop_defer(o.loop, begin, &o);
	loop_run(o.loop);
	if (o.exit_code == CLI_DONE)
		o.exit_code = apply_end(&o, print);
	teardown(&o);
	return o.exit_code;
}
