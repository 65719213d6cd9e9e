/*
 * Zendesk and Sunshine Conversations for the people of crowd.h: what a merge
 * calls, and nothing else. It keeps no state but a log of who called when, so
 * that it answers about a million people as fast as about one. A profile that
 * is read by its id has been merged into; one that is searched for has not.
 * tests/system/test_bench.py holds it against the sandbox.
 *
 * usage: bench_upstream [DELAY_MS]; prints its port.
 *
 * GET /log answers the last calls and empties the log: total, and [call, n,
 * came, answered] each, in microseconds of the monotonic clock.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "crowd.h"
#include "net/http_server.h"

#define LOG_MAX	  65536
#define REPLY_MAX (8 << 20)
#define MANY_MAX  100
#define NOBODY	  (-1) /* is the one whom a call is about */
#define LIMITS                                                                 \
	"X-Rate-Limit: 100000000\r\nX-Rate-Limit-Remaining: 99000000\r\n"      \
	"ratelimit-limit: 100000000\r\nratelimit-remaining: 99000000\r\n"      \
	"ratelimit-reset: 30\r\n"

struct record {
	const char *call;
	int64_t n;
	int64_t came_us;
	int64_t answered_us;
};

struct upstream {
	struct loop *loop;
	int64_t delay_ms;
	struct record log[LOG_MAX];
	uint64_t calls; /* since the log was read */
	uint64_t total;
};

/* An answer that waits for its time. */
struct later {
	struct upstream *u;
	struct loop_timer *timer;
	struct http_request *request;
	struct buf body;
	struct record record;
	int status;
};

static void send(struct later *l)
{
	struct http_reply reply = {
		.status = l->status,
		.body = {l->body.data, l->body.len},
		.headers = LIMITS,
	};

	http_request_reply(l->request, &reply);
	l->record.answered_us = clock_mono_us();
	l->u->log[l->u->calls++ % LOG_MAX] = l->record;
	l->u->total++;
	buf_release(&l->body);
	loop_timer_free(l->timer);
	free(l);
}

static void on_time(void *arg)
{
	send(arg);
}

/* Takes the body; empty: there is no such thing. */
static void answer(struct upstream *u, struct http_request *r, const char *call,
		   int64_t n, struct buf *body)
{
	struct later *l = xcalloc(1, sizeof(*l));

	*l = (struct later){
		.u = u,
		.request = r,
		.body = *body,
		.record = {.call = call,
			   .n = n,
			   .came_us = http_request_start_us(r)},
		.status = body->len ? 200 : 404,
	};
	if (!u->delay_ms) {
		send(l);
		return;
	}
	l->timer = loop_timer_new(u->loop, on_time, l);
	loop_timer_set(l->timer, u->delay_ms);
}

static void on_sunco_user(struct http_request *r, void *arg)
{
	int64_t n = crowd_by_sunco_id(http_request_param(r, "id"));
	struct buf body;

	buf_init(&body, REPLY_MAX);
	if (n >= 0)
		crowd_sunco_user(n, &body);
	answer(arg, r, "sunco_user", n, &body);
}

/* -1: nobody of ours. */
static int64_t user_of(const struct http_request *r, bool *profile)
{
	uint64_t id;

	return str_parse_u64(http_request_param(r, "id"), &id)
		       ? crowd_by_user(id, profile)
		       : -1;
}

static void on_user(struct http_request *r, void *arg)
{
	struct buf body;
	bool profile;
	int64_t n = user_of(r, &profile);

	buf_init(&body, REPLY_MAX);
	if (n >= 0)
		crowd_user(n, profile, &body);
	answer(arg, r, "user", n, &body);
}

/* Of "1,2,3" those whom there are. */
static size_t users_of(const char *text, uint64_t users[MANY_MAX])
{
	size_t count = 0;
	bool profile;

	while (*text != '\0' && count < MANY_MAX) {
		char *end;
		uint64_t id = strtoull(text, &end, 10);

		if (crowd_by_user(id, &profile) >= 0)
			users[count++] = id;
		text = *end == ',' ? end + 1 : "";
	}
	return count;
}

static void on_many(struct http_request *r, void *arg)
{
	char ids[32 * MANY_MAX] = "";
	uint64_t users[MANY_MAX];
	struct buf body;

	(void)http_request_query(r, "ids", ids, sizeof(ids));
	buf_init(&body, REPLY_MAX);
	crowd_users(users, users_of(ids, users), &body);
	answer(arg, r, "many", NOBODY, &body);
}

static void on_merge(struct http_request *r, void *arg)
{
	struct buf body;
	bool profile;
	int64_t n = user_of(r, &profile);

	buf_init(&body, REPLY_MAX);
	if (n >= 0)
		crowd_merged(n, &body);
	answer(arg, r, "merge", n, &body);
}

static void on_search(struct http_request *r, void *arg)
{
	char query[200] = "";
	struct buf body;
	int64_t n;

	(void)http_request_query(r, "query", query, sizeof(query));
	n = crowd_by_address(slice_of(query));
	buf_init(&body, REPLY_MAX);
	crowd_found(n, &body);
	answer(arg, r, "search", n, &body);
}

static void on_log(struct http_request *r, void *arg)
{
	struct upstream *u = arg;
	uint64_t first = u->calls > LOG_MAX ? u->calls - LOG_MAX : 0;
	struct buf body;

	buf_init(&body, REPLY_MAX);
	buf_printf(&body, "{\"total\":%" PRIu64 ",\"calls\":[", u->total);
	for (uint64_t i = first; i < u->calls; i++) {
		const struct record *c = &u->log[i % LOG_MAX];

		buf_printf(&body,
			   "%s[\"%s\",%" PRId64 ",%" PRId64 ",%" PRId64 "]",
			   i > first ? "," : "", c->call, c->n, c->came_us,
			   c->answered_us);
	}
	buf_puts(&body, "]}");
	u->calls = 0;
	http_request_reply(r,
			   &(struct http_reply){.status = 200,
						.body = {body.data, body.len}});
	buf_release(&body);
}

static const struct http_route routes[] = {
	{"GET", "/sc/v2/apps/{app}/users/{id}", on_sunco_user, 0},
	{"GET", "/api/v2/users/search", on_search, 0},
	{"GET", "/api/v2/users/show_many", on_many, 0},
	{"GET", "/api/v2/users/{id}", on_user, 0},
	{"PUT", "/api/v2/users/{id}/merge", on_merge, 0},
	{"GET", "/log", on_log, 0},
};

static void on_signal(void *arg)
{
	loop_stop(arg);
}

int main(int argc, char **argv)
{
	struct upstream *u = xcalloc(1, sizeof(*u));
	struct http_server_config config;
	struct loop_signal *term;
	struct http_server *server;
	struct error err;
	int code = EXIT_FAILURE;

	u->loop = loop_new();
	u->delay_ms = argc > 1 ? atoll(argv[1]) : 0;
	http_server_config_default(&config);
	config.name = "upstream";
	server =
		http_server_new(u->loop, &config, routes, ARRAY_LEN(routes), u);
	term = loop_signal_new(u->loop, SIGTERM, on_signal, u->loop);
	if (http_server_listen(server, "127.0.0.1:0", &err) == RESULT_OK) {
		printf("%u\n", http_server_port(server));
		fflush(stdout);
		loop_run(u->loop);
		code = EXIT_SUCCESS;
	} else {
		fprintf(stderr, "%s\n", err.text);
	}
	loop_signal_free(term);
	http_server_free(server);
	loop_free(u->loop);
	free(u);
	return code;
}
