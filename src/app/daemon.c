/*
 * Wiring, signals, reload, drain: see daemon.h.
 */
#include "app/daemon.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/admin.h"
#include "app/breaker.h"
#include "app/engine.h"
#include "app/intake.h"
#include "app/janitor.h"
#include "app/sampler.h"
#include "app/status.h"
#include "app/supervisor.h"
#include "app/sweeper.h"
#include "app/tidings.h"
#include "app/timekeeper.h"
#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/tls_context.h"

#define TEARDOWN_S	  5	 /* behind the drain */
#define STORE_HUNG_MS	  120000 /* no disk is so slow */
#define STORE_WAIT_MS	  100
#define STORE_PATIENCE_MS 60000

struct daemon {
	struct loop *loop;
	struct engine *engine;
	struct intake *intake;
	struct hearsay *hearsay;
	struct tidings *tidings;
	struct http_server *server;
	int64_t certificate_ends_ms; /* 0: plain HTTP */
	struct admin *admin;
	struct timekeeper *clock;
	struct janitor *janitor;
	struct sampler *sampler;
	struct sweeper *sweeper;
	struct supervisor *supervisor;
	struct status *status;
	bool hung; /* and told so */
	struct breaker *breaker;
	const char *path;
	struct loop_signal *signals[3];
	struct loop_timer *deadline; /* of the drain */
	int draining; /* what is still to end: requests, jobs, notes, sweep */
	bool told;
	bool drained;
	bool ending; /* the engine is going: wake nobody */
};

/* --- the end --- */

/* Everything accepted is in the store, so there is nothing to wait for. */
static void exit_at_once(int signo)
{
	(void)signo;
	_exit(0);
}

/* Before the loop sees to signals, and behind it: while a store is opened or
 * closed, which may take long. A reload that comes behind it has no meaning. */
static void end_at_once_on_signals(void)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGALRM};
	struct sigaction end = {.sa_handler = exit_at_once};

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &end, NULL);
	(void)signal(SIGHUP, SIG_IGN);
}

static void on_admin_drained(void *arg)
{
	struct daemon *d = arg;

	d->drained = true;
	loop_stop(d->loop);
}

/* Whoever asks how we are is answered to the last. */
static void on_part_drained(void *arg)
{
	struct daemon *d = arg;

	if (--d->draining == 0)
		admin_drain(d->admin, on_admin_drained, d);
}

static void on_drain_timeout(void *arg)
{
	struct daemon *d = arg;

	log_warn("drain_timeout",
		 log_int("runs",
			 (int64_t)scheduler_runs(engine_scheduler(d->engine))),
		 log_int("connections",
			 (int64_t)http_server_connections(d->server)));
	loop_stop(d->loop);
}

static void drain(struct daemon *d)
{
	d->draining = 4;
	admin_set_draining(d->admin);
	intake_drain(d->intake);
	d->deadline = loop_timer_new(d->loop, on_drain_timeout, d);
	loop_timer_set(d->deadline, engine_config(d->engine)->drain_timeout_ms);
	http_server_drain(d->server, on_part_drained, d);
	scheduler_drain(engine_scheduler(d->engine), on_part_drained, d);
	teller_drain(engine_teller(d->engine), on_part_drained, d);
	sweeper_drain(d->sweeper, on_part_drained, d);
}

static void on_term(void *arg)
{
	struct daemon *d = arg;

	if (d->told) {
		log_warn("stopped_at_once", log_bool("drained", false));
		exit_at_once(0);
	}
	d->told = true;
	storeq_leave(engine_storeq(d->engine));
	supervisor_stopping(d->supervisor);
	log_info("draining",
		 log_int("runs",
			 (int64_t)scheduler_runs(engine_scheduler(d->engine))));
	drain(d);
}

/* --- reload --- */

static void warn_fixed(const char *key, const char *old, const char *new)
{
	if (!str_eq(old, new))
		log_warn("reload_needs_restart", log_str("setting", key));
}

static void warn_fixed_settings(const struct config *old,
				const struct config *new)
{
	warn_fixed("listen", old->listen, new->listen);
	warn_fixed("admin_listen", old->admin_listen, new->admin_listen);
	warn_fixed("store", old->store, new->store);
	if (old->max_connections != new->max_connections)
		warn_fixed("max_connections", "", "other");
	if (old->request_timeout_ms != new->request_timeout_ms)
		warn_fixed("request_timeout", "", "other");
}

/* From now on for whoever connects. One that has ended does not take the place
 * of a better one: it may be a mistake, and nobody would deliver. */
static void show_certificate(struct daemon *d, struct tls_context *tls)
{
	int64_t ends_ms = tls ? tls_context_ends_ms(tls) : 0;
	bool ended = tls && ends_ms <= clock_wall_ms();
	bool worse = ended && ends_ms < d->certificate_ends_ms;
	char ends[CLOCK_TEXT_SIZE];

	clock_format(ends_ms, ends);
	if (ended)
		log_error("tls_certificate_expired", log_str("ended", ends),
			  log_bool("taken", !worse));
	else if (tls)
		log_info("tls_certificate", log_str("ends", ends));
	if (worse) {
		tls_context_free(tls);
		return;
	}
	http_server_set_tls(d->server, tls);
	if (tls || d->certificate_ends_ms)
		metric_set(metric_get(METRIC_TLS_EXPIRY),
			   (double)(ends_ms / 1000));
	d->certificate_ends_ms = ends_ms;
}

static void apply(struct daemon *d)
{
	const struct config *c = engine_config(d->engine);

	log_setup(c->log_level, c->log_format, STDERR_FILENO);
	intake_set_accounts(d->intake, c->accounts, c->account_count);
	admin_set_token(d->admin, c->admin_token);
}

static void reload(struct daemon *d)
{
	struct tls_context *tls = NULL;
	struct config *config = NULL;
	struct error err;

	if (config_load(&config, d->path, &err) != RESULT_OK ||
	    config_tls(config, &tls, &err) != RESULT_OK) {
		log_error("reload_failed", log_str("error", err.text));
		config_free(config);
		return;
	}
	show_certificate(d, tls);
	warn_fixed_settings(engine_config(d->engine), config);
	engine_reload(d->engine, config);
	apply(d);
	janitor_reloaded(d->janitor);
	sweeper_reloaded(d->sweeper);
	breaker_look(d->breaker, NULL);
	log_info("reloaded",
		 log_int("accounts", (int64_t)config->account_count));
}

/* A configuration that is wrong leaves us as ready as before. */
static void on_hup(void *arg)
{
	struct daemon *d = arg;

	if (d->told) {
		log_warn("reload_ignored", log_bool("draining", true));
		return;
	}
	supervisor_reloading(d->supervisor);
	reload(d);
	supervisor_ready(d->supervisor);
}

/* --- start --- */

static void on_wake(const char *account, void *arg)
{
	struct daemon *d = arg;

	if (!d->ending)
		engine_wake(d->engine, account);
}

/* A person, here or in another process. */
static void on_changed(void *arg)
{
	struct daemon *d = arg;

	if (d->ending)
		return;
	engine_wake(d->engine, NULL);
	sweeper_wake(d->sweeper);
	breaker_look(d->breaker, NULL);
}

static void on_place(const char *account, void *arg)
{
	struct daemon *d = arg;

	if (!d->ending)
		breaker_look(d->breaker, account);
}

static bool on_time(int64_t *now_ms, void *arg)
{
	const struct daemon *d = arg;

	return engine_date_ms(d->engine, now_ms);
}

/* Across a network the claim would make events wait. */
static bool on_along(const char *account, void *arg)
{
	struct daemon *d = arg;

	return !d->ending && !node_is_shared(engine_node(d->engine)) &&
	       scheduler_claim_along(engine_scheduler(d->engine), account);
}

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	struct daemon *d = arg;

	if (waits)
		intake_watch(d->intake, account, sunco_id);
	else
		intake_unwatch(d->intake, account, sunco_id);
}

static void raise_descriptors(int64_t connections)
{
	struct rlimit lim;
	rlim_t want = (rlim_t)connections + 256;

	if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur >= want)
		return;
	lim.rlim_cur = want < lim.rlim_max ? want : lim.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur < want)
		log_warn("few_descriptors",
			 log_int("limit", (int64_t)lim.rlim_cur),
			 log_int("wanted", (int64_t)want));
}

static void make_public_server(struct daemon *d)
{
	const struct config *c = engine_config(d->engine);
	struct http_server_config limits;
	size_t count;
	const struct http_route *routes = intake_routes(&count);

	http_server_config_default(&limits);
	limits.name = "webhooks";
	limits.max_connections = (size_t)c->max_connections;
	limits.request_timeout_ms = c->request_timeout_ms;
	limits.handshake_timeout_ms = c->request_timeout_ms;
	d->server = http_server_new(d->loop, &limits, routes, count, d->intake);
}

static enum result listen_all(struct daemon *d, struct error *err)
{
	const struct config *c = engine_config(d->engine);
	int fd = supervisor_socket(d->supervisor);
	enum result r = fd < 0 ? http_server_listen(d->server, c->listen, err)
			       : http_server_inherit(d->server, fd, err);

	if (r == RESULT_OK)
		r = admin_listen(d->admin, c->admin_listen, err);
	if (r != RESULT_OK)
		return r;
	log_info("listening", log_str("listen", c->listen),
		 log_int("port", http_server_port(d->server)),
		 log_bool("inherited", fd >= 0),
		 log_bool("tls", d->certificate_ends_ms != 0),
		 log_str("admin_listen", c->admin_listen),
		 log_int("admin_port", admin_port(d->admin)),
		 log_str("version", REUNITE_VERSION));
	return RESULT_OK;
}

/* A reload that is asked for before we can is done when we can; the other two
 * have no meaning here, and no reason to end us. */
static void hold_signals(int how)
{
	sigset_t hup;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	(void)pthread_sigmask(how, &hup, NULL);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
}

static void catch_signals(struct daemon *d)
{
	d->signals[0] = loop_signal_new(d->loop, SIGTERM, on_term, d);
	d->signals[1] = loop_signal_new(d->loop, SIGINT, on_term, d);
	d->signals[2] = loop_signal_new(d->loop, SIGHUP, on_hup, d);
	hold_signals(SIG_UNBLOCK);
}

/* In the order that lets everything under way come back. */
static void release(struct daemon *d)
{
	for (size_t i = 0; i < ARRAY_LEN(d->signals); i++)
		if (d->signals[i])
			loop_signal_free(d->signals[i]);
	(void)alarm(TEARDOWN_S); /* the store may hang */
	loop_timer_free(d->deadline);
	d->ending = true;
	status_free(d->status);
	supervisor_free(d->supervisor);
	janitor_free(d->janitor);
	timekeeper_free(d->clock);
	breaker_free(d->breaker);
	sampler_free(d->sampler);
	sweeper_free(d->sweeper);
	admin_free(d->admin);
	engine_free(d->engine); /* delivers what intake waits for */
	http_server_free(d->server);
	intake_free(d->intake);
	hearsay_free(d->hearsay);
	tidings_free(d->tidings);
	loop_free(d->loop);
	metrics_reset();
}

/* A disk may be slow; but a call that takes so long will never end, and what
 * was accepted is safe: better to start anew. */
static bool on_alive(void *arg)
{
	struct daemon *d = arg;
	int64_t ms = storeq_call_ms(engine_storeq(d->engine));

	if (ms < STORE_HUNG_MS)
		return true;
	if (!d->hung)
		log_error("store_hung", log_int("seconds", ms / 1000));
	d->hung = true;
	return false;
}

/* The one before us may still be at its end; and a database may start with us,
 * or be about to move to another server. */
static bool may_open_soon(const struct config *config, enum result r)
{
	bool away = r == RESULT_TEMP && !str_starts(config->store, "sqlite:");

	return away || (r == RESULT_CONFLICT && store_is_left(config->store));
}

static enum result start_engine(struct daemon *d, struct config *config,
				struct error *err)
{
	int64_t until_ms = clock_mono_ms() + STORE_PATIENCE_MS;
	bool told = false;
	enum result r;

	for (;;) {
		r = engine_new(&d->engine, d->loop, config, STORE_SERVE,
			       on_watch, d, err);
		if (r == RESULT_OK || clock_mono_ms() >= until_ms ||
		    !may_open_soon(config, r))
			return r;
		if (!told)
			log_warn("waiting_for_store",
				 log_str("error", err->text));
		told = true;
		usleep(STORE_WAIT_MS * 1000);
	}
}

enum result daemon_run(struct config *config, struct tls_context *tls,
		       const char *path, struct error *err)
{
	struct daemon d = {.path = path};
	enum result r;

	log_setup(config->log_level, config->log_format, STDERR_FILENO);
	CRASH_POINT("daemon_starts"); /* a trace is opened without threads */
	raise_descriptors(config->max_connections);
	end_at_once_on_signals();
	hold_signals(SIG_BLOCK);
	d.loop = loop_new();
	d.supervisor = supervisor_new(d.loop, on_alive, &d);
	r = start_engine(&d, config, err);
	if (r != RESULT_OK) {
		config_free(config);
		tls_context_free(tls);
		supervisor_free(d.supervisor);
		loop_free(d.loop);
		return r;
	}
	d.intake = intake_new(d.loop, engine_storeq(d.engine), on_wake, &d);
	intake_on_time(d.intake, on_time, &d);
	d.hearsay = hearsay_new();
	intake_set_hearsay(d.intake, d.hearsay);
	d.tidings = tidings_new();
	intake_set_tidings(d.intake, d.tidings);
	scheduler_set_hearsay(engine_scheduler(d.engine), d.hearsay);
	intake_on_along(d.intake, on_along, &d);
	d.admin = admin_new(d.loop, d.engine);
	admin_set_tidings(d.admin, d.tidings);
	d.clock = timekeeper_new(d.loop, d.engine, on_changed, &d);
	d.janitor = janitor_new(d.loop, d.engine, d.intake, d.clock);
	d.breaker = breaker_new(d.loop, d.engine);
	scheduler_on_place(engine_scheduler(d.engine), on_place, &d);
	d.sampler = sampler_new(d.loop, d.engine);
	d.sweeper = sweeper_new(d.loop, d.engine);
	make_public_server(&d);
	show_certificate(&d, tls);
	apply(&d);
	storeq_on_change(engine_storeq(d.engine), on_changed, &d);
	admin_on_change(d.admin, on_changed, &d);
	catch_signals(&d); /* before anybody can know that we are there */
	r = listen_all(&d, err);
	if (r == RESULT_OK) {
		supervisor_ready(d.supervisor);
		d.status = status_new(d.loop, d.engine, d.supervisor);
		loop_run(d.loop);
		log_info("stopped", log_bool("drained", d.drained));
	}
	release(&d);
	return r;
}
