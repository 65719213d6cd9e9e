/*
 * See machine.h.
 */
#include "machine.h"

#include "unit.h"

#include <fcntl.h>
#include <sqlite3.h>

#include "base/json.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "sandbox/webhooks_out.h"
#include "store/backend.h"
#include "virtual_time.h"

#define LOOK_FIRST_MS	100
#define LOOK_LONGEST_MS 60000
#define STOPPED_MS	1200000
#define ANSWER_MAX	(4 << 20)
#define IMAGE_MAX	(1 << 20)

static char *quoted(const char *text)
{
	char *copy = xstrdup(text);

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	return copy;
}

/* --- a life --- */

static void on_wake(const char *account, void *arg)
{
	struct life *l = arg;

	if (!l->ending)
		engine_wake(l->engine, account);
}

static void on_watch(const char *account, const char *sunco_id, bool waits,
		     void *arg)
{
	struct life *l = arg;

	if (waits)
		intake_watch(l->intake, account, sunco_id);
	else
		intake_unwatch(l->intake, account, sunco_id);
}

static void set_target(struct life *l)
{
	struct settings *s = &l->m->sandbox->account.settings;
	char url[96];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/webhooks/acme/sunco",
		 http_server_port(l->server));
	state_user_set_text(&s->webhook_sunco, url);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/webhooks/acme/zendesk",
		 http_server_port(l->server));
	state_user_set_text(&s->webhook_zendesk, url);
}

static void listen_for_webhooks(struct life *l)
{
	struct http_server_config limits;
	struct error err = {""};
	const struct http_route *routes;
	size_t count;

	http_server_config_default(&limits);
	routes = intake_routes(&count);
	l->server = http_server_new(l->loop, &limits, routes, count, l->intake);
	if (http_server_listen(l->server, "127.0.0.1:0", &err) != RESULT_OK)
		fail_msg("%s", err.text);
	set_target(l);
}

static void live(struct machine *m, struct life *l, struct loop *loop)
{
	struct error err = {""};
	struct config *config;

	*l = (struct life){.m = m, .loop = loop};
	wires_revive();
	if (config_load(&config, m->conf, &err) != RESULT_OK ||
	    engine_new(&l->engine, loop, config, STORE_SERVE, on_watch, l,
		       &err) != RESULT_OK)
		fail_msg("%s", err.text);
	l->intake = intake_new(loop, engine_storeq(l->engine), on_wake, l);
	intake_set_accounts(l->intake, config->accounts, config->account_count);
	l->sweeper = sweeper_new(loop, l->engine);
	listen_for_webhooks(l);
}

/* In the order that lets everything under way come back. */
static void end_life(struct life *l)
{
	if (!l->engine)
		return;
	l->ending = true;
	sweeper_free(l->sweeper);
	engine_free(l->engine);
	http_server_free(l->server);
	intake_free(l->intake);
	l->engine = NULL;
}

static void on_death(void *arg)
{
	struct machine *m = arg;

	end_life(&m->first);
	live(m, &m->first, m->first.loop);
}

struct engine *machine_engine(const struct machine *m)
{
	return m->other.engine ? m->other.engine : m->first.engine;
}

static void on_stop(void *arg);

/* --- the stage --- */

static void write_conf(const struct machine *m, const char *sweeps,
		       const char *account)
{
	const struct settings *s = &m->sandbox->account.settings;
	const char *url = m->sandbox->account.base_url;
	FILE *f = fopen(m->conf, "w");

	assert_non_null(f);
	fprintf(f, "store = \"sqlite:%s\"\nadmin_token = \"a-token\"\n",
		m->store);
	fprintf(f,
		"account \"acme\" {\n zendesk_url = \"%s\"\n"
		" zendesk_auth = \"oauth\"\n zendesk_client_id = \"%s\"\n"
		" zendesk_client_secret = \"%s\"\n"
		" zendesk_webhook_secrets = {\"%s\"}\n",
		url, s->oauth_client_id, s->oauth_client_secret,
		s->zendesk_secret);
	fprintf(f,
		" sunco_url = \"%s/sc\"\n sunco_app_id = \"%s\"\n"
		" sunco_key_id = \"%s\"\n sunco_key_secret = \"%s\"\n"
		" sunco_webhook_secrets = {\"%s\"}\n"
		" timestamp_tolerance = \"0\"\n apply = \"auto\"\n"
		" sweep_every = \"%s\"\n%s}\n",
		url, s->sunco_app_id, s->sunco_key_id, s->sunco_key_secret,
		s->sunco_secret, sweeps, account);
	fclose(f);
}

static void set(struct machine *m, const char *settings)
{
	char *text = quoted(settings);
	struct json_t *v = json_parse(text, strlen(text), NULL);
	struct error err = {""};

	if (settings_apply(&m->sandbox->account.settings, v, &err) != RESULT_OK)
		fail_msg("%s", err.text);
	json_free(v);
	free(text);
}

/* Failures are what all of this is about. REUNITE_TORTURE_LOG: a file that
 * wants to know of them. */
static void quiet_log(void)
{
	const char *path = getenv("REUNITE_TORTURE_LOG");
	static int fd = -1;

	if (fd < 0)
		fd = open(path ? path : "/dev/null",
			  O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	log_setup(path ? LOG_INFO : LOG_ERROR, LOG_TEXT, fd);
}

/* A store as a first start leaves it, made once: making one is what takes
 * most of a run's time. */
static void put_store(const struct machine *m)
{
	static char *image;
	static size_t size;
	FILE *f;

	if (!image) {
		struct error err = {""};
		struct store_backend *b;

		if (store_sqlite_ops.open(&b, m->store, STORE_SERVE, 0, &err))
			fail_msg("%s", err.text);
		b->ops->close(b);
		image = xcalloc(1, IMAGE_MAX);
		f = fopen(m->store, "r");
		size = fread(image, 1, IMAGE_MAX, f);
		assert_true(size > 0 && size < IMAGE_MAX);
		fclose(f);
		return;
	}
	f = fopen(m->store, "w");
	assert_int_equal(fwrite(image, 1, size, f), size);
	fclose(f);
}

void machine_start(struct machine *m, const char *sweeps, const char *account,
		   const char *settings, const struct trip *trips,
		   size_t trip_count, bool two)
{
	struct error err = {""};

	memset(m, 0, sizeof(*m));
	quiet_log();
	virtual_time_start();
	strcpy(m->dir, "/tmp/reunite_torture_XXXXXX");
	assert_non_null(mkdtemp(m->dir));
	snprintf(m->conf, sizeof(m->conf), "%s/conf", m->dir);
	snprintf(m->store, sizeof(m->store), "%s/store", m->dir);
	m->loop = loop_new();
	m->control = http_client_new(m->loop, ANSWER_MAX, NULL);
	m->sandbox = sandbox_new(m->loop, false, NULL);
	if (sandbox_listen(m->sandbox, "127.0.0.1:0", &err) != RESULT_OK)
		fail_msg("%s", err.text);
	set(m, settings);
	write_conf(m, sweeps, account);
	put_store(m);
	if (two)
		m->own = loop_new();
	virtual_time_loops(m->own, m->own ? m->loop : NULL);
	wires_start(m->own ? m->own : m->loop, trips, trip_count, on_death,
		    on_stop, m);
	live(m, &m->first, m->own ? m->own : m->loop);
	assert_int_equal(sqlite3_open(m->store, &m->peek), SQLITE_OK);
}

static void remove_files(const struct machine *m)
{
	static const char *const names[] = {"conf", "store", "store-wal",
					    "store-shm", "store.lock"};
	char path[128];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", m->dir, names[i]);
		unlink(path);
	}
	rmdir(m->dir);
}

void machine_stop(struct machine *m)
{
	sqlite3_close(m->peek);
	end_life(&m->first);
	end_life(&m->other);
	sandbox_free(m->sandbox);
	http_client_free(m->control);
	wires_stop();
	virtual_time_loops(NULL, NULL);
	loop_free(m->own);
	loop_free(m->loop);
	metrics_reset();
	remove_files(m);
}

/* --- control --- */

struct question {
	struct machine *m;
	struct json_t *answer;
	int status;
	bool over;
};

/* Whoever waits is stopped when something has come, perhaps for somebody
 * else. */
static void run(struct machine *m, const bool *over)
{
	while (!*over)
		loop_run(m->own ? m->own : m->loop);
}

static void on_answer(const struct http_answer *a, void *arg)
{
	struct question *q = arg;

	q->status = a->result == RESULT_OK ? a->status : 0;
	if (a->result == RESULT_OK)
		q->answer = json_parse(a->body.ptr, a->body.len, NULL);
	q->over = true;
	loop_stop(q->m->loop);
}

struct json_t *machine_control(struct machine *m, const char *name,
			       const char *body)
{
	static const char *const headers[] = {"Content-Type: application/json"};
	struct question q = {m, NULL, 0, false};
	char *text = quoted(body);
	char url[160];
	struct http_call call = {.method = "POST",
				 .url = url,
				 .headers = headers,
				 .header_count = 1,
				 .body = slice_of(text),
				 .once = true};

	snprintf(url, sizeof(url), "%s/_sandbox/%s",
		 m->sandbox->account.base_url, name);
	http_client_send(m->control, &call, on_answer, &q);
	run(m, &q.over);
	free(text);
	assert_int_equal(q.status, 200);
	return q.answer;
}

/* --- until it is quiet --- */

enum result machine_do(const struct machine *m, struct store_op *op)
{
	struct store_backend *b;
	struct error err = {""};
	struct store *s;
	enum result r;

	if (store_sqlite_ops.open(&b, m->store, STORE_WRITE, 0, &err))
		fail_msg("%s", err.text);
	s = store_over(b);
	r = store_do(s, op);
	store_close(s);
	return r;
}

static bool webhooks_wait(const struct machine *m)
{
	struct json_t *list = webhooks_encode(m->sandbox->webhooks);
	bool waits = false;

	for (size_t i = 0; i < json_len(list); i++) {
		const char *state = json_get_str(json_at(list, i), "state");

		waits = waits || str_eq(state, "sending") ||
			str_eq(state, "waiting");
	}
	json_free(list);
	return waits;
}

/* Beside the machine, on a handle that stays open. */
static bool has_work(const struct machine *m)
{
	sqlite3_stmt *st = NULL;
	bool work = true;

	if (sqlite3_prepare_v2(m->peek,
			       "SELECT (SELECT count(*) FROM jobs"
			       " WHERE state IN (0, 1, 2)) + (SELECT count(*)"
			       " FROM notes WHERE outcome IS NULL"
			       " AND ticket_id IS NOT NULL AND due_ms > 0)",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		work = sqlite3_column_int(st, 0) > 0;
	sqlite3_finalize(st);
	return work;
}

struct look {
	struct machine *m;
	struct loop_timer *timer;
	int64_t pause_ms;
	int64_t until_ms;
	bool quiet;
	bool over;
};

static void end_look(void *arg)
{
	struct look *l = arg;

	l->over = true;
	loop_stop(l->m->loop);
}

static void on_look(void *arg)
{
	struct look *l = arg;

	l->quiet = !l->m->sandbox->exchanges && !l->m->sandbox->acts &&
		   !webhooks_wait(l->m) && !has_work(l->m);
	if (l->quiet || virtual_time_ms() > l->until_ms) {
		end_look(l);
		return;
	}
	loop_timer_set(l->timer, l->pause_ms);
	l->pause_ms = 2 * l->pause_ms < LOOK_LONGEST_MS ? 2 * l->pause_ms
							: LOOK_LONGEST_MS;
}

static void begin_look(void *arg)
{
	struct look *l = arg;

	l->pause_ms = LOOK_FIRST_MS;
	l->timer = loop_timer_new(l->m->loop, on_look, l);
	loop_timer_set(l->timer, l->pause_ms);
}

bool machine_settle(struct machine *m)
{
	struct look l = {.m = m,
			 .until_ms = virtual_time_ms() + MACHINE_PATIENCE_MS};

	begin_look(&l);
	run(m, &l.over);
	loop_timer_free(l.timer);
	return l.quiet;
}

/* --- two of them --- */

static void begin_other(void *arg)
{
	struct look *l = arg;

	if (!l->m->other.engine)
		live(l->m, &l->m->other, l->m->loop);
	begin_look(l);
	wires_tell_at(l->m->patience, end_look, l);
}

/* The first one stands still, and the other one does what is to be done. */
static void on_stop(void *arg)
{
	struct machine *m = arg;
	struct look l = {
		.m = m,
		.until_ms = virtual_time_ms() + STOPPED_MS,
	};

	virtual_time_stand_still(begin_other, &l, &l.over);
	wires_tell_at(0, NULL, NULL);
	loop_timer_free(l.timer);
}

struct pass {
	struct machine *m;
	bool over;
};

static void on_passed(void *arg)
{
	struct pass *p = arg;

	p->over = true;
	loop_stop(p->m->loop);
}

void machine_pass(struct machine *m, int64_t delay_ms)
{
	struct pass p = {m, false};
	struct loop_timer *t = loop_timer_new(m->loop, on_passed, &p);

	loop_timer_set(t, delay_ms);
	run(m, &p.over);
	loop_timer_free(t);
}

static void on_submitted(struct store_op *op, void *arg)
{
	(void)op;
	on_passed(arg);
}

enum result machine_submit(struct machine *m, struct store_op *op)
{
	struct pass p = {m, false};

	storeq_submit(engine_storeq(machine_engine(m)), op, on_submitted, &p);
	run(m, &p.over);
	return op->result;
}
