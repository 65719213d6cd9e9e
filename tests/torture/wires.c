/*
 * See wires.h. Everything but the backend runs on the loop; the store's
 * threads see which operation is marked, and whether the machine is dead.
 */
#include "wires.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/storeq.h"
#include "base/str.h"
#include "net/http_client.h"
#include "store/backend.h"
#include "virtual_time.h"

#define SOON_MS 1

enum result __real_store_open(struct store **out, const char *url,
			      enum store_mode mode, int64_t now_ms,
			      struct error *err);
enum result __wrap_store_open(struct store **out, const char *url,
			      enum store_mode mode, int64_t now_ms,
			      struct error *err);
void __real_storeq_submit(struct storeq *q, struct store_op *op,
			  storeq_done *done, void *arg);
void __wrap_storeq_submit(struct storeq *q, struct store_op *op,
			  storeq_done *done, void *arg);
struct http_transfer *__real_http_client_send(struct http_client *c,
					      const struct http_call *call,
					      http_client_done *done,
					      void *arg);
struct http_transfer *__wrap_http_client_send(struct http_client *c,
					      const struct http_call *call,
					      http_client_done *done,
					      void *arg);

static struct {
	struct loop *loop;
	struct trip trips[WIRES_TRIPS_MAX];
	size_t trip_count;
	int stored;
	int stored_of[STORE_OP_COUNT];
	int asked;
	int flying[2];	 /* operations that the store has, of each loop */
	int others_left; /* until the other life has done enough */
	loop_fn *enough;
	void *enough_arg;
	int lives; /* that have the store open */
	loop_fn *dies;
	loop_fn *stops;
	void *arg;
	bool told; /* that it dies */
	struct loop_timer *soon;
	bool soon_stops;
	http_client_done *last_done; /* of the request to die with */
	void *last_arg;
	char hit[96];
	atomic_bool dead;
	_Atomic(struct store_op *) marked;
	atomic_int marked_as; /* enum trip_kind */
} wires;

/* The operation of this kind, or (-1) the request, that is just coming. */
static bool is_hit(const struct trip *t, int kind)
{
	if (t->tripped || (kind < 0) != (t->kind >= TRIP_HTTP_REFUSED))
		return false;
	if (kind < 0)
		return t->at == wires.asked;
	if (t->of)
		return t->of == kind + 1 && t->at == wires.stored_of[kind];
	return t->at == wires.stored;
}

static struct trip *trip_for(int kind)
{
	for (size_t i = 0; i < wires.trip_count; i++) {
		struct trip *t = &wires.trips[i];

		if (t->kind != TRIP_NONE && is_hit(t, kind)) {
			t->tripped = true;
			return t;
		}
	}
	return NULL;
}

static void note_hit(const char *what, int number, const char *name)
{
	size_t len = strlen(wires.hit);

	snprintf(wires.hit + len, sizeof(wires.hit) - len, " %s %d (%s)", what,
		 number, name);
}

static void count_other(void)
{
	if (wires.others_left > 0 && --wires.others_left == 0)
		wires.enough(wires.enough_arg);
}

static void end_machine(void)
{
	wires.dead = true;
	if (wires.told)
		return;
	wires.told = true;
	loop_defer(wires.loop, wires.dies, wires.arg);
}

/* --- the store, in its threads --- */

struct wired {
	struct store_backend base;
	struct store_backend *inner;
	bool has_marked; /* in the transaction */
	bool serves;
};

static struct store_backend *inner_of(const struct store_backend *b)
{
	return ((const struct wired *)b)->inner;
}

static bool is_marked(const struct store_op *op, enum trip_kind kind)
{
	return wires.marked == op && wires.marked_as == (int)kind;
}

static void wired_close(struct store_backend *b)
{
	wires.lives -= ((struct wired *)b)->serves;
	inner_of(b)->ops->close(inner_of(b));
	free(b);
}

static enum result wired_begin(struct store_backend *b,
			       const struct store_batch *batch,
			       struct error *err)
{
	((struct wired *)b)->has_marked = false;
	if (wires.dead)
		return error_set(err, RESULT_TEMP, "the process is gone");
	return inner_of(b)->ops->begin(inner_of(b), batch, err);
}

static void wired_apply(struct store_backend *b, struct store_op *op)
{
	struct wired *w = (struct wired *)b;

	if (is_marked(op, TRIP_STORE_REFUSED)) {
		op->result = error_set(&op->error, RESULT_TEMP, "tripped");
		return;
	}
	w->has_marked = w->has_marked || is_marked(op, TRIP_STORE_UNCOMMITTED);
	w->inner->ops->apply(w->inner, op);
}

static enum result wired_commit(struct store_backend *b, struct error *err)
{
	const struct wired *w = (const struct wired *)b;

	if (w->has_marked || wires.dead)
		return error_set(err, RESULT_TEMP, "the commit tripped");
	return w->inner->ops->commit(w->inner, err);
}

static void wired_rollback(struct store_backend *b)
{
	inner_of(b)->ops->rollback(inner_of(b));
}

static bool wired_changed(struct store_backend *b)
{
	return inner_of(b)->ops->changed(inner_of(b));
}

static enum result wired_watch(struct store_backend *b, struct error *err)
{
	return inner_of(b)->ops->watch(inner_of(b), err);
}

static int64_t wired_checkpoint(struct store_backend *b)
{
	return inner_of(b)->ops->checkpoint(inner_of(b));
}

static bool wired_empty_log(struct store_backend *b)
{
	return inner_of(b)->ops->empty_log(inner_of(b));
}

static const uint8_t *wired_key(const struct store_backend *b)
{
	return inner_of(b)->ops->key(inner_of(b));
}

static const struct store_backend_ops wired_ops = {
	.scheme = "wired",
	.close = wired_close,
	.begin = wired_begin,
	.apply = wired_apply,
	.commit = wired_commit,
	.rollback = wired_rollback,
	.changed = wired_changed,
	.watch = wired_watch,
	.checkpoint = wired_checkpoint,
	.empty_log = wired_empty_log,
	.key = wired_key,
};

enum result __wrap_store_open(struct store **out, const char *url,
			      enum store_mode mode, int64_t now_ms,
			      struct error *err)
{
	struct wired *w = xcalloc(1, sizeof(*w));
	enum result r;

	/* the file is one daemon's: the second one comes by the side door */
	w->serves = mode == STORE_SERVE;
	if (w->serves && wires.lives++ > 0)
		mode = STORE_WRITE;
	r = store_sqlite_ops.open(&w->inner, url + strlen("sqlite:"), mode,
				  now_ms, err);
	if (r != RESULT_OK) {
		free(w);
		return r;
	}
	w->base.ops = &wired_ops;
	*out = store_over(&w->base);
	return RESULT_OK;
}

/* --- the store, on the loop --- */

struct passing {
	storeq_done *done;
	void *arg;
	enum trip_kind kind;
	bool inside;
};

static void on_stored(struct store_op *op, void *arg)
{
	struct passing p = *(struct passing *)arg;

	free(arg);
	wires.flying[p.inside]--;
	if (p.kind != TRIP_NONE)
		wires.marked = NULL;
	if (p.kind == TRIP_STORE_UNANSWERED) {
		store_op_release(op);
		op->result = error_set(&op->error, RESULT_TEMP, "tripped");
	} else if (p.kind == TRIP_STORE_DIES_AFTER) {
		end_machine();
	} else if (p.kind == TRIP_STORE_STOPS_AFTER) {
		wires.stops(wires.arg);
	}
	p.done(op, p.arg);
}

void __wrap_storeq_submit(struct storeq *q, struct store_op *op,
			  storeq_done *done, void *arg)
{
	struct passing *p = xcalloc(1, sizeof(*p));
	bool inside = virtual_time_inside();
	/* A node's last word comes when the machine is over. */
	bool over = op->kind == STORE_NODE && op->u.node.leaves;
	char name[16];
	struct trip *t;

	*p = (struct passing){done, arg, TRIP_NONE, inside};
	if (inside)
		count_other();
	if (!wires.dead && !inside && !over) {
		wires.stored++;
		wires.stored_of[op->kind]++;
	}
	t = wires.dead || inside || over ? NULL : trip_for((int)op->kind);
	if (t) {
		snprintf(name, sizeof(name), "kind %d", op->kind);
		note_hit("operation", t->at, name);
		p->kind = t->kind;
		wires.marked_as = (int)t->kind;
		wires.marked = op;
		if (t->kind == TRIP_STORE_DIES_BEFORE)
			end_machine();
		if (t->kind == TRIP_STORE_STOPS_BEFORE)
			wires.stops(wires.arg);
	}
	wires.flying[inside]++;
	__real_storeq_submit(q, op, on_stored, p);
}

/* --- requests --- */

static bool is_api(const char *url)
{
	return !strstr(url, "/_sandbox/") && !strstr(url, "/webhooks/");
}

static void on_soon(void *arg)
{
	(void)arg;
	if (wires.soon_stops)
		wires.stops(wires.arg);
	else
		end_machine();
}

static void on_last_answer(const struct http_answer *a, void *arg)
{
	(void)arg;
	end_machine();
	wires.last_done(a, wires.last_arg);
}

static void on_late_answer(const struct http_answer *a, void *arg)
{
	(void)arg;
	wires.stops(wires.arg);
	wires.last_done(a, wires.last_arg);
}

/* A note on a ticket is told twice then. */
static bool is_about_users(const struct http_call *call)
{
	return !strstr(call->url, "/tickets/");
}

static struct http_transfer *stop_before(const struct trip *t,
					 struct http_client *c,
					 const struct http_call *call,
					 http_client_done *done, void *arg)
{
	struct http_call late = *call;

	if (t->kind == TRIP_HTTP_STOPS_CHECKED && is_about_users(call))
		late.send_by_ms = 0;
	wires.stops(wires.arg);
	return __real_http_client_send(c, &late, done, arg);
}

static struct http_transfer *send_nowhere(struct http_client *c,
					  const struct http_call *call,
					  http_client_done *done, void *arg)
{
	struct http_call lost = *call;

	lost.url = "http://127.0.0.1:1/";
	return __real_http_client_send(c, &lost, done, arg);
}

/* "PUT /api/v2/users" of a URL, which may hold personal data further on. */
static void name_of(const struct http_call *call, char *out, size_t size)
{
	const char *path = strstr(call->url, "://");

	path = path ? strchr(path + 3, '/') : NULL;
	snprintf(out, size, "%s %.40s", call->method, path ? path : "");
}

static struct http_transfer *trip_request(const struct trip *t,
					  struct http_client *c,
					  const struct http_call *call,
					  http_client_done *done, void *arg)
{
	switch (t->kind) {
	case TRIP_HTTP_REFUSED:
		return send_nowhere(c, call, done, arg);
	case TRIP_HTTP_DIES_BEFORE:
		end_machine();
		return send_nowhere(c, call, done, arg);
	case TRIP_HTTP_STOPS_BEFORE:
	case TRIP_HTTP_STOPS_CHECKED:
		return stop_before(t, c, call, done, arg);
	case TRIP_HTTP_DIES_SOON:
	case TRIP_HTTP_STOPS_SOON:
		wires.soon_stops = t->kind == TRIP_HTTP_STOPS_SOON;
		loop_timer_set(wires.soon, SOON_MS);
		return __real_http_client_send(c, call, done, arg);
	default:
		wires.last_done = done;
		wires.last_arg = arg;
		return __real_http_client_send(c, call,
					       t->kind == TRIP_HTTP_STOPS_AFTER
						       ? on_late_answer
						       : on_last_answer,
					       NULL);
	}
}

struct http_transfer *__wrap_http_client_send(struct http_client *c,
					      const struct http_call *call,
					      http_client_done *done, void *arg)
{
	const struct trip *t;
	char name[64];

	if (!wires.loop || !call->url || !is_api(call->url))
		return __real_http_client_send(c, call, done, arg);
	if (wires.dead)
		return send_nowhere(c, call, done, arg);
	if (virtual_time_inside()) {
		count_other();
		return __real_http_client_send(c, call, done, arg);
	}
	wires.asked++;
	t = trip_for(-1);
	if (!t)
		return __real_http_client_send(c, call, done, arg);
	name_of(call, name, sizeof(name));
	note_hit("request", t->at, name);
	return trip_request(t, c, call, done, arg);
}

/* --- life --- */

static bool is_flying(void)
{
	return wires.flying[1] > 0 ||
	       (wires.flying[0] > 0 && !virtual_time_stands_still());
}

void wires_start(struct loop *loop, const struct trip *trips, size_t count,
		 loop_fn *dies, loop_fn *stops, void *arg)
{
	wires.loop = loop;
	wires.trip_count = count;
	for (size_t i = 0; i < count; i++)
		wires.trips[i] = trips[i];
	wires.stored = wires.asked = wires.others_left = 0;
	wires.flying[0] = wires.flying[1] = wires.lives = 0;
	memset(wires.stored_of, 0, sizeof(wires.stored_of));
	wires.dies = dies;
	wires.stops = stops;
	wires.arg = arg;
	wires.hit[0] = '\0';
	wires.marked = NULL;
	wires.soon = loop_timer_new(loop, on_soon, NULL);
	wires_revive();
	virtual_time_while(is_flying);
}

void wires_stop(void)
{
	loop_timer_free(wires.soon);
	wires.soon = NULL;
	wires.loop = NULL;
	virtual_time_while(NULL);
}

void wires_revive(void)
{
	wires.dead = false;
	wires.told = false;
}

bool wires_tripped(size_t i)
{
	return wires.trips[i].tripped;
}

void wires_tell_at(int more, loop_fn *fn, void *arg)
{
	wires.others_left = more;
	wires.enough = fn;
	wires.enough_arg = arg;
}

int wires_stored(void)
{
	return wires.stored;
}

int wires_asked(void)
{
	return wires.asked;
}

const char *wires_hit(void)
{
	return wires.hit;
}
