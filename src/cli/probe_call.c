/*
 * The probe's calls, one after the other.
 *
 *	probe_call -> request -> answered --> back
 *	      ^                     | limits, no answer: a while later
 *	      +---------------------+
 *
 * An interrupt ends every pause, and no call: what a call makes must be known
 * to be taken away again. A second one ends the call, too; what it did is
 * unknown then. In the cleaning it is the same from the start: the first ends
 * its pauses, the second the cleaning itself.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/str.h"
#include "net/http_client.h"
#include "own_url.h"
#include "probe.h"

#define ANSWER_MAX_BYTES (8u << 20)
#define TICK_MS		 200
#define TRIES_MAX	 4
#define AGAIN_MS	 1000
#define LIMITED_MAX_MS	 180000
#define DAEMON_MS	 5000

bool probe_stopped(const struct probe *p)
{
	return p->interrupts > 0;
}

void probe_doing(struct probe *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->doing, sizeof(p->doing), fmt, ap);
	va_end(ap);
}

/* --- life --- */

static void on_tick(void *arg)
{
	struct probe *p = arg;

	progress_show(&p->progress, p->step, PROBE_STEPS, p->doing,
		      clock_mono_ms());
	loop_timer_set(p->tick, TICK_MS);
}

static void settle(struct probe *p)
{
	p->ready = true;
	loop_stop(p->loop);
}

static void on_time(void *arg)
{
	settle(arg);
}

static void no_answer(struct probe *p, const char *why)
{
	p->answer.r = (struct api_result){.sent = true, .retry_after_ms = -1};
	p->answer.r.result =
		error_set(&p->answer.r.error, RESULT_TEMP, "%s", why);
}

static void on_signal(void *arg)
{
	struct probe *p = arg;

	progress_clear(&p->progress);
	p->interrupts++;
	if (p->interrupts == 1 && !p->cleaning)
		fputs("reunite probe: interrupted; cleaning up\n", p->cli->err);
	if (p->interrupts > 1 && p->request) {
		api_cancel(p->request);
		p->request = NULL;
		no_answer(p, "interrupted");
		settle(p);
	}
	if (p->pausing)
		settle(p);
}

void probe_open(struct probe *p)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct api_config config;

	p->loop = loop_new();
	p->http = http_client_new(p->loop, ANSWER_MAX_BYTES, NULL);
	config_api(p->account, &config);
	config.writes_users = true;
	config.writes_tickets = true;
	p->api = api_client_new(p->loop, p->http, &config);
	p->timer = loop_timer_new(p->loop, on_time, p);
	p->tick = loop_timer_new(p->loop, on_tick, p);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		/* behind the loop: the report is on its way */
		(void)signal(signals[i], SIG_IGN);
		p->signals[i] =
			loop_signal_new(p->loop, signals[i], on_signal, p);
	}
	progress_init(&p->progress, p->cli->err);
	p->progress.counts = true;
	on_tick(p);
}

void probe_close(struct probe *p)
{
	progress_clear(&p->progress);
	for (size_t i = 0; i < ARRAY_LEN(p->signals); i++)
		loop_signal_free(p->signals[i]);
	loop_timer_free(p->tick);
	loop_timer_free(p->timer);
	json_free(p->answer.json);
	p->answer.json = NULL;
	api_client_free(p->api);
	http_client_free(p->http);
	loop_free(p->loop);
}

/* --- pauses --- */

static void until_ready(struct probe *p)
{
	while (!p->ready)
		loop_run(p->loop);
}

static void rest(struct probe *p, int64_t ms)
{
	p->ready = probe_stopped(p);
	p->pausing = true;
	loop_timer_set(p->timer, ms);
	until_ready(p);
	loop_timer_clear(p->timer);
	p->pausing = false;
}

/* So that a delay of a second is not told as one of ten, and one of minutes
 * does not use up the limit of the smallest account. */
static int64_t pause_ms(int64_t waited_ms)
{
	if (waited_ms < 5000)
		return 500;
	return waited_ms < 30000 ? 2000 : 5000;
}

bool probe_pause(struct probe *p, int64_t since_ms, int64_t wait_ms)
{
	int64_t waited_ms = clock_mono_ms() - since_ms;
	int64_t next_ms = pause_ms(waited_ms);

	if (waited_ms >= wait_ms || probe_stopped(p))
		return false;
	if (next_ms > wait_ms - waited_ms)
		next_ms = wait_ms - waited_ms;
	rest(p, next_ms);
	return !probe_stopped(p);
}

/* --- calls --- */

static void on_answer(const struct api_result *r, const struct json_t *json,
		      void *arg)
{
	struct probe *p = arg;

	p->request = NULL;
	p->answer.r = *r;
	p->answer.json = json ? json_clone(json) : NULL;
	settle(p);
}

static void call_once(struct probe *p, const struct trial_call *call,
		      const struct json_t *body)
{
	struct trial_call again = *call;

	again.body = body ? json_clone(body) : NULL;
	json_free(p->answer.json);
	p->answer = (struct probe_answer){.json = NULL};
	p->ready = false;
	p->request = trial_send(p->api, &again, on_answer, p);
	until_ready(p);
}

/* How long until it may be tried again; -1: never. */
static int64_t again_ms(const struct probe *p, enum trial what, int tries,
			int64_t limited_ms)
{
	const struct api_result *r = &p->answer.r;
	bool repeatable = trial_reads(what) ||
			  str_eq(trial_method(what), "DELETE") ||
			  str_eq(trial_method(what), "PUT");
	int64_t told_ms = r->retry_after_ms > 0 ? r->retry_after_ms : AGAIN_MS;

	if (p->interrupts > (p->cleaning ? 1 : 0))
		return -1;
	if (r->result == RESULT_RATE && !r->sent)
		return limited_ms + told_ms <= LIMITED_MAX_MS ? told_ms : -1;
	if (r->result != RESULT_TEMP || tries >= TRIES_MAX)
		return -1;
	if (r->sent && (!repeatable || what == TRIAL_USER_MERGE))
		return -1;
	return AGAIN_MS * tries;
}

const struct probe_answer *probe_call(struct probe *p, enum trial what,
				      uint64_t id, const char *text,
				      struct json_t *body)
{
	const struct trial_call call = {.what = what, .id = id, .text = text};
	int64_t limited_ms = 0;
	int64_t wait_ms = 0;
	int tries = 0;

	do {
		if (wait_ms > 0)
			rest(p, wait_ms);
		call_once(p, &call, body);
		tries += p->answer.r.result != RESULT_RATE;
		p->limited |= p->answer.r.result == RESULT_RATE;
		wait_ms = again_ms(p, what, tries, limited_ms);
		if (p->answer.r.result == RESULT_RATE && wait_ms > 0)
			limited_ms += wait_ms;
	} while (wait_ms >= 0);
	json_free(body);
	return &p->answer;
}

/* --- the daemon --- */

static void on_daemon(const struct http_answer *a, void *arg)
{
	struct probe *p = arg;

	p->transfer = NULL;
	p->answer.r.result = a->result;
	p->answer.r.status = a->status;
	p->answer.r.error = a->error;
	if (a->result == RESULT_OK)
		p->answer.json = json_parse(a->body.ptr, a->body.len, NULL);
	settle(p);
}

static void daemon_send(struct probe *p, const char *url)
{
	const char *headers[1];
	struct http_call call = {.method = "GET",
				 .url = url,
				 .headers = headers,
				 .header_count = 1,
				 .timeout_ms = DAEMON_MS};
	struct buf line;

	buf_init(&line, 8192);
	buf_printf(&line, "Authorization: Bearer %s", p->config->admin_token);
	headers[0] = line.data;
	p->ready = false;
	p->transfer = http_client_send(p->http, &call, on_daemon, p);
	until_ready(p);
	crypto_wipe(line.data, line.len);
	buf_release(&line);
}

const struct probe_answer *probe_ask_daemon(struct probe *p, const char *path)
{
	char url[OWN_URL_SIZE];

	json_free(p->answer.json);
	p->answer = (struct probe_answer){.json = NULL};
	no_answer(p, "no admin_token");
	own_url(url, "http", p->config->admin_listen, path);
	if (!str_is_empty(p->config->admin_token))
		daemon_send(p, url);
	return &p->answer;
}
