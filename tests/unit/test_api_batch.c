/*
 * Reads of users that the limits hold back go together; each gets exactly its
 * own answer, whatever the API says to the one request for all.
 */
#include "unit.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/zendesk.h"
#include "base/buf.h"
#include "wire_server.h"

enum { READS_MAX = 32 };

/* How the API answers to show_many. */
enum mode {
	WELL,
	FAILS,
	RATE,
	FORBIDDEN,
	NO_SUCH_CALL,
	PAGE_OF_HTML,
	CUT,
	WITHOUT_IDENTITIES,
	TOO_MANY_IDENTITIES,
	MODES,
};

struct read {
	struct fixture *f;
	uint64_t id;
	struct zendesk_op *op;
	int answers;
	enum result result;
	bool right; /* of this user, with all that is its own */
	int calls;
	bool cancelled;
};

struct fixture {
	struct loop *loop;
	struct http_client *http;
	struct wire_server *server;
	struct api_client *api;
	struct api_config config;
	enum mode mode;
	struct read reads[READS_MAX];
	int count, open;
	int singles, manys, others;
	char last_many[1024];
	int cancel_at; /* requests: then one read is cancelled; 0: none */
	struct loop_timer *soon;
};

/* ---- the API: every fifth user was deleted, every seventh is inactive ---- */

static bool is_gone(uint64_t id)
{
	return id % 5 == 0;
}

static void put_user(struct buf *out, uint64_t id)
{
	buf_printf(out,
		   "{\"id\":%" PRIu64 ",\"name\":\"U\",\"role\":\"end-user\","
		   "\"active\":%s,\"organization_id\":%" PRIu64 "}",
		   id, id % 7 ? "true" : "false", id + 1000);
}

static void put_identity(struct buf *out, uint64_t id)
{
	buf_printf(out,
		   "{\"id\":%" PRIu64 ",\"user_id\":%" PRIu64 ","
		   "\"type\":\"messaging\",\"value\":\"5aa%" PRIu64 "\"}",
		   id + 500, id, id);
}

static void answer_one(struct wire_conn *c, uint64_t id)
{
	struct buf body;

	if (is_gone(id)) {
		wire_reply(c, 404, "", "{\"error\":\"RecordNotFound\"}");
		return;
	}
	buf_init(&body, 4096);
	buf_puts(&body, "{\"user\":");
	put_user(&body, id);
	buf_puts(&body, ",\"identities\":[");
	put_identity(&body, id);
	buf_printf(&body,
		   "],\"organizations\":[{\"id\":%" PRIu64
		   ",\"name\":\"O\"},{\"id\":1,\"name\":\"P\"}]}",
		   id + 1000);
	wire_reply(c, 200, "", body.data);
	buf_release(&body);
}

static void put_list(struct buf *out, const char *ids,
		     void (*put)(struct buf *out, uint64_t id))
{
	bool first = true;

	for (const char *p = ids; *p; p += strspn(p, ",")) {
		char *end;
		uint64_t id = strtoull(p, &end, 10);

		if (end == p)
			break;
		p = end;
		if (is_gone(id))
			continue;
		buf_puts(out, first ? "" : ",");
		put(out, id);
		first = false;
	}
}

static void answer_well(struct fixture *f, struct wire_conn *c, const char *ids)
{
	struct buf body;

	buf_init(&body, 64 * 1024);
	buf_puts(&body, "{\"users\":[");
	put_list(&body, ids, put_user);
	buf_puts(&body, "]");
	if (f->mode != WITHOUT_IDENTITIES) {
		buf_puts(&body, ",\"identities\":[");
		put_list(&body, ids, put_identity);
		for (int i = 0; f->mode == TOO_MANY_IDENTITIES && i < 100;
		     i++) {
			buf_puts(&body, i ? "," : "");
			put_identity(&body, 9999);
		}
		buf_puts(&body, "]");
	}
	buf_puts(&body, ",\"organizations\":[{\"id\":1,\"name\":\"P\"}]}");
	wire_reply(c, 200, "", body.data);
	buf_release(&body);
}

static void answer_many(struct fixture *f, const struct wire_request *r)
{
	const char *ids = strstr(r->line, "&ids=") + 5;

	f->manys++;
	snprintf(f->last_many, sizeof(f->last_many), "%.*s",
		 (int)strcspn(ids, " "), ids);
	switch (f->mode) {
	case FAILS:
		wire_reply(r->conn, 500, "", "{\"error\":\"x\"}");
		break;
	case RATE:
		wire_reply(r->conn, 429, "Retry-After: 0\r\n", "{}");
		loop_timer_set(f->soon, 20);
		break;
	case FORBIDDEN:
		wire_reply(r->conn, 403, "", "{\"error\":\"Forbidden\"}");
		break;
	case NO_SUCH_CALL:
		wire_reply(r->conn, 404, "", "{\"error\":\"InvalidEndpoint\"}");
		break;
	case PAGE_OF_HTML:
		wire_reply(r->conn, 200, "", "<html>");
		break;
	case CUT:
		wire_close(r->conn);
		loop_timer_set(f->soon, 20);
		break;
	default:
		answer_well(f, r->conn, f->last_many);
	}
}

static void on_done(struct read *r)
{
	if (--r->f->open == 0)
		loop_stop(r->f->loop);
}

static void cancel_one(struct fixture *f)
{
	for (int i = 0; i < f->count; i++) {
		struct read *r = &f->reads[i];

		if (r->answers || r->cancelled)
			continue;
		r->cancelled = true;
		zendesk_cancel(r->op);
		on_done(r);
		return;
	}
}

static void on_request(const struct wire_request *r, void *arg)
{
	static const char one[] = "GET /api/v2/users/";
	struct fixture *f = arg;

	if (strstr(r->line, "/show_many?")) {
		answer_many(f, r);
	} else if (strstr(r->line, "?include=identities,organizations ") &&
		   !strncmp(r->line, one, sizeof(one) - 1)) {
		f->singles++;
		answer_one(r->conn,
			   strtoull(r->line + sizeof(one) - 1, NULL, 10));
	} else {
		f->others++;
		wire_reply(r->conn, 200, "",
			   "{\"users\":[],\"user\":{\"id\":2},"
			   "\"next_page\":null}");
	}
	if (f->cancel_at == f->singles + f->manys)
		cancel_one(f);
}

/* ---- reads ---- */

static void on_user(const struct api_result *r, const struct zd_user *u,
		    void *arg)
{
	struct read *me = arg;
	char value[32];

	me->answers++;
	me->result = r->result;
	me->calls = r->calls;
	snprintf(value, sizeof(value), "5aa%" PRIu64, me->id);
	me->right = u && u->id == me->id && u->identities_known &&
		    u->identity_count == 1 &&
		    zd_user_identity(u, "messaging", value) &&
		    u->active == (me->id % 7 != 0) &&
		    u->organization_id == me->id + 1000;
	on_done(me);
}

static void start(struct fixture *f, uint64_t id, enum job_lane lane)
{
	struct read *r = &f->reads[f->count++];

	*r = (struct read){.f = f, .id = id};
	f->open++;
	r->op = zendesk_user_get(f->api, lane, id, on_user, r);
}

static void finish(struct fixture *f)
{
	if (f->open > 0)
		wire_run(f->loop);
	for (int i = 0; i < f->count; i++) {
		const struct read *r = &f->reads[i];

		assert_int_equal(r->answers, !r->cancelled);
		if (r->cancelled)
			continue;
		assert_int_equal(r->result,
				 is_gone(r->id) ? RESULT_NOTFOUND : RESULT_OK);
		assert_int_equal(r->right, !is_gone(r->id));
	}
}

static int calls(const struct fixture *f)
{
	int n = 0;

	for (int i = 0; i < f->count; i++)
		n += f->reads[i].calls;
	return n;
}

static struct budget *budget(struct fixture *f)
{
	return (struct budget *)api_client_budget(f->api);
}

/* All wait for a moment, then one may go, and the others once it has been
 * answered. */
static void hold_back(struct fixture *f)
{
	int64_t now_ms = loop_now_ms(f->loop);

	budget_told_refused(budget(f), now_ms + 5, now_ms);
}

/* A refusal lasts no longer here. */
static void on_soon(void *arg)
{
	struct fixture *f = arg;

	budget(f)->refused = (struct throttle){.refusals = 0};
	api_client_reconfigure(f->api, &f->config);
}

static void begin(struct fixture *f, enum mode mode)
{
	memset(f, 0, sizeof(*f));
	f->mode = mode;
	f->loop = loop_new();
	f->http = http_client_new(f->loop, 1 << 20, NULL);
	f->server = wire_server_new(f->loop, on_request, f);
	f->config = (struct api_config){
		.account = "acme",
		.zendesk_url = wire_server_url(f->server),
		.auth = ZENDESK_API_TOKEN,
		.token = "t",
		.email = "e@x.example",
		.sunco_url = wire_server_url(f->server),
		.sunco_app_id = "a",
		.sunco_key_id = "k",
		.sunco_key_secret = "s",
		.requests_per_minute = 6000,
		.timeout_ms = 5000,
	};
	f->api = api_client_new(f->loop, f->http, &f->config);
	f->soon = loop_timer_new(f->loop, on_soon, f);
}

static void end(struct fixture *f)
{
	loop_timer_free(f->soon);
	api_client_free(f->api);
	http_client_free(f->http);
	wire_server_free(f->server);
	loop_free(f->loop);
}

/* ---- tests ---- */

static void test_those_who_wait_go_together(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, WELL);
	hold_back(&f);
	start(&f, 11, LANE_BACKFILL);
	start(&f, 12, LANE_LIVE);
	start(&f, 13, LANE_REVIEW);
	start(&f, 11, LANE_LIVE);
	finish(&f);
	assert_int_equal(f.manys, 1);
	assert_int_equal(f.singles, 0);
	assert_int_equal(calls(&f), 1);
	assert_non_null(strstr(f.last_many, "13"));
	end(&f);
}

/* While there is plenty, each goes alone: its answer comes sooner. */
static void test_none_is_put_off_to_go_with_others(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, WELL);
	for (uint64_t id = 11; id < 15; id++)
		start(&f, id, LANE_LIVE);
	finish(&f);
	assert_int_equal(f.manys, 0);
	assert_int_equal(f.singles, 4);
	end(&f);
}

static void test_one_that_waits_alone_goes_alone(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, WELL);
	hold_back(&f);
	start(&f, 11, LANE_LIVE);
	finish(&f);
	assert_int_equal(f.manys, 0);
	assert_int_equal(f.singles, 1);
	end(&f);
}

/* Who is left out, or not active, is read alone: what that says counts. */
static void test_who_is_left_out_is_read_alone(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, WELL);
	hold_back(&f);
	for (uint64_t id = 10; id < 17; id++)
		start(&f, id, LANE_LIVE);
	finish(&f); /* 10, 15: deleted; 14: not active */
	assert_int_equal(f.manys, 1);
	assert_int_equal(f.singles, 3);
	assert_int_equal(calls(&f), 4);
	end(&f);
}

/* A second round shows whether it is tried again. */
static void test_when_it_fails_all_are_read_alone(void **state)
{
	static const bool again[MODES] = {
		[WELL] = true,	     [FAILS] = true,
		[RATE] = true,	     [PAGE_OF_HTML] = true,
		[CUT] = true,	     [TOO_MANY_IDENTITIES] = true,
		[FORBIDDEN] = false, [NO_SUCH_CALL] = false,
	};

	(void)state;
	for (enum mode m = FAILS; m < MODES; m++) {
		struct fixture f;
		int manys;

		begin(&f, m);
		for (int round = 0; round < 2; round++) {
			manys = f.manys;
			hold_back(&f);
			start(&f, 11, LANE_LIVE);
			start(&f, 12, LANE_LIVE);
			start(&f, 13, LANE_BACKFILL);
			finish(&f);
		}
		assert_int_equal(f.manys > manys, again[m]);
		assert_int_equal(f.singles, 6);
		assert_int_equal(api_client_is_held(f.api), false);
		end(&f);
	}
}

static void on_other(const struct api_result *r, const struct zd_user *users,
		     size_t count, void *arg)
{
	(void)users;
	(void)count;
	assert_int_equal(r->result, RESULT_OK);
	on_done(arg);
}

/* What is no read of one user neither rides nor is overtaken. */
static void test_others_go_alone(void **state)
{
	struct fixture f;
	struct read search = {.f = &f};

	(void)state;
	begin(&f, WELL);
	hold_back(&f);
	start(&f, 11, LANE_LIVE);
	f.open++;
	zendesk_search_address(f.api, LANE_LIVE, "a@x.example", on_other,
			       &search);
	start(&f, 12, LANE_LIVE);
	finish(&f);
	assert_int_equal(f.manys, 1);
	assert_int_equal(f.others, 1);
	end(&f);
}

static void test_freeing_the_client_ends_them(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, WELL);
	hold_back(&f);
	start(&f, 11, LANE_LIVE);
	start(&f, 12, LANE_LIVE);
	f.cancel_at = 1; /* while they ride */
	f.open = 1;	 /* the one that is cancelled stops the loop */
	wire_run(f.loop);
	assert_int_equal(f.manys, 1);
	end(&f);
	assert_int_equal(f.reads[0].answers + f.reads[1].answers, 0);
}

/* Arrivals, lanes, cancels and moods of the API as they fall. */
static void test_whatever_comes_each_gets_its_own(void **state)
{
	int manys = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++) {
		unsigned dice = seed * 2654435761u;
		struct fixture f;

		begin(&f, (enum mode)(seed % MODES));
		if (seed % 3)
			hold_back(&f);
		for (int i = 0; i < 12; i++) {
			dice = dice * 1664525u + 1013904223u;
			start(&f, 11 + (dice >> 24) % 20,
			      (enum job_lane)((dice >> 16) % LANE_COUNT));
		}
		f.cancel_at = seed % 4 == 0 ? (int)(dice >> 20) % 3 + 1 : 0;
		finish(&f);
		if (!f.cancel_at && f.mode != CUT) /* which libcurl repeats */
			assert_int_equal(calls(&f), f.singles + f.manys);
		manys += f.manys;
		end(&f);
	}
	assert_true(manys > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_those_who_wait_go_together),
		cmocka_unit_test(test_none_is_put_off_to_go_with_others),
		cmocka_unit_test(test_one_that_waits_alone_goes_alone),
		cmocka_unit_test(test_who_is_left_out_is_read_alone),
		cmocka_unit_test(test_when_it_fails_all_are_read_alone),
		cmocka_unit_test(test_others_go_alone),
		cmocka_unit_test(test_freeing_the_client_ends_them),
		cmocka_unit_test(test_whatever_comes_each_gets_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
