/*
 * See flow_rig.h. clock_gettime() is the process's own here, so that what
 * tells the time (libevent, too) tells the leapt one; who waits for a moment
 * of that clock waits for the right one.
 */
#include "flow_rig.h"

#include "unit.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/metrics.h"
#include "base/str.h"

#define POLL_MS 2

static atomic_llong leap_wall_ms, leap_mono_ms;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t leap_ms = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE
				  ? leap_wall_ms
				  : leap_mono_ms;
	long r = syscall(SYS_clock_gettime, id, ts);
	int64_t ns = ts->tv_nsec + leap_ms % 1000 * 1000000;

	ts->tv_sec += leap_ms / 1000 + ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return (int)r;
}

typedef int cond_fn(pthread_cond_t *, pthread_mutex_t *,
		    const struct timespec *);

/* A sanitizer's, where there is one: it has to know of every lock. */
static cond_fn *real_cond_timedwait(void)
{
	cond_fn *next;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	*(void **)&next = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
#else
	*(void **)&next =
		dlvsym(RTLD_NEXT, "pthread_cond_timedwait", "GLIBC_2.3.2");
	if (!next) /* there was no older one on this machine */
		*(void **)&next = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
#endif
	if (!next)
		abort();
	return next;
}

/* Those of ours wait by the monotonic clock. */
int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			   const struct timespec *until)
{
	int64_t leap_ms = leap_mono_ms;
	int64_t ns = until->tv_nsec - leap_ms % 1000 * 1000000;
	struct timespec at = {until->tv_sec - leap_ms / 1000, ns};

	if (ns < 0) {
		at.tv_sec--;
		at.tv_nsec += 1000000000;
	}
	return real_cond_timedwait()(cond, mutex, &at);
}

void flow_leap(int64_t wall_ms, int64_t mono_ms)
{
	leap_wall_ms += wall_ms;
	leap_mono_ms += mono_ms;
}

void flow_start(struct flow *f)
{
	struct store *store;

	memset(f, 0, sizeof(*f));
	f->api = api_fixture_new();
	f->api->config.timeout_ms = FLOW_PATIENCE_MS;
	api_fixture_client(f->api);
	f->loop = f->api->loop;
	store = store_gate_open(&f->store);
	f->hmac = crypto_hmac_new(store_key(store), STORE_KEY_SIZE);
	f->q = storeq_new(f->loop, store, NULL);
	f->leases = lease_keeper_new(f->loop, f->q);
	str_copy(f->account.name, sizeof(f->account.name), "acme");
	policy_rules_default(&f->account.rules);
	f->account.rules.apply = APPLY_AUTO;
	f->account.settle_after_ms = 180000;
	f->account.review_expires_ms = 86400000;
	f->account.recheck_after_ms = 86400000;
}

void flow_stop(struct flow *f)
{
	struct api_fixture *api = f->api;

	lease_keeper_free(f->leases);
	storeq_free(f->q);
	crypto_hmac_free(f->hmac);
	api_fixture_free(api);
	store_gate_remove(&f->store);
	metrics_reset();
}

struct run_env flow_env(struct flow *f)
{
	return (struct run_env){
		.loop = f->loop,
		.q = f->q,
		.api = f->api->api,
		.hmac = f->hmac,
		.account = &f->account,
		.leases = f->leases,
		.leased_ms = f->claimed_ms,
	};
}

/* --- waiting --- */

struct wait {
	struct flow *f;
	flow_test *test;
	void *arg;
	struct loop_timer *timer;
};

static void poll(void *arg)
{
	struct wait *w = arg;

	if (w->test(w->f, w->arg))
		loop_stop(w->f->loop);
	else
		loop_timer_set(w->timer, POLL_MS);
}

void flow_until(struct flow *f, flow_test *test, void *arg)
{
	struct wait w = {f, test, arg, NULL};

	w.timer = loop_timer_new(f->loop, poll, &w);
	loop_timer_set(w.timer, 0);
	wire_run(f->loop);
	loop_timer_free(w.timer);
}

static bool asked(struct flow *f, void *arg)
{
	return f->api->request_count >= *(int *)arg;
}

void flow_until_asked(struct flow *f, int requests)
{
	flow_until(f, asked, &requests);
}

struct stored {
	enum store_op_kind kind;
	int count;
};

static bool stored(struct flow *f, void *arg)
{
	const struct stored *s = arg;

	(void)f;
	return store_gate_count(s->kind) >= s->count;
}

void flow_until_stored(struct flow *f, enum store_op_kind kind, int count)
{
	struct stored s = {kind, count};

	flow_until(f, stored, &s);
}

static bool turned(struct flow *f, void *arg)
{
	(void)f;
	return --*(int *)arg < 0;
}

void flow_settle(struct flow *f)
{
	int turns = 20;

	flow_until(f, turned, &turns);
}

/* --- the store --- */

static void on_done(struct store_op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

static bool is_set(struct flow *f, void *arg)
{
	(void)f;
	return *(bool *)arg;
}

enum result flow_do(struct flow *f, struct store_op *op)
{
	bool done = false;

	storeq_submit(f->q, op, on_done, &done);
	flow_until(f, is_set, &done);
	return op->result;
}

int64_t flow_enqueue(struct flow *f)
{
	struct store_op op;

	store_op_init(&op, STORE_ENQUEUE);
	op.u.enqueue.account = "acme";
	op.u.enqueue.sunco_id = FLOW_SUNCO;
	op.u.enqueue.now_ms = loop_wall_ms(f->loop);
	op.u.enqueue.wait_ms = 1800000;
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	return op.u.enqueue.job_id;
}

struct job flow_claim(struct flow *f, int64_t id)
{
	struct store_op op;
	struct job job;

	f->claimed_ms = loop_boot_ms(f->loop);
	store_op_init(&op, STORE_CLAIM);
	op.u.claim = (struct store_claim){
		.account = "acme",
		.max = 1,
		.job_id = id,
		.now_ms = loop_wall_ms(f->loop),
		.lease_ms = RUN_LEASE_MS,
		.grace_ms = RUN_GRACE_MS,
	};
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	assert_int_equal(op.u.claim.count, 1);
	job_copy(&job, &op.u.claim.jobs[0]);
	store_op_release(&op);
	return job;
}

struct job flow_running(struct flow *f)
{
	return flow_claim(f, flow_enqueue(f));
}

struct job flow_job(struct flow *f, int64_t id)
{
	struct store_op op;
	struct job job;

	store_op_init(&op, STORE_JOBS);
	op.u.jobs.id = id;
	assert_int_equal(flow_do(f, &op), RESULT_OK);
	assert_int_equal(op.u.jobs.count, 1);
	job_copy(&job, &op.u.jobs.jobs[0]);
	store_op_release(&op);
	return job;
}
