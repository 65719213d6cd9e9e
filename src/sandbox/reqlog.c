/*
 * A ring of requests and a table of counters.
 */
#include "sandbox/reqlog.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/list.h"
#include "sandbox/render.h"

struct counter {
	const char *api, *call;
	int status;
	int64_t count;
};

struct reqlog {
	struct reqlog_entry *ring;
	uint64_t total;
	struct counter *counters;
	size_t counter_count;
};

struct reqlog *reqlog_new(void)
{
	struct reqlog *l = xcalloc(1, sizeof(*l));

	l->ring = xcalloc(REQLOG_MAX, sizeof(*l->ring));
	return l;
}

void reqlog_free(struct reqlog *l)
{
	if (!l)
		return;
	free(l->counters);
	free(l->ring);
	free(l);
}

void reqlog_clear(struct reqlog *l)
{
	l->total = 0;
	l->counter_count = 0;
}

static void count(struct reqlog *l, const struct reqlog_entry *e)
{
	struct counter fresh = {e->api, e->call, e->status, 1};

	for (size_t i = 0; i < l->counter_count; i++) {
		struct counter *c = &l->counters[i];

		if (c->status == e->status && str_eq(c->api, e->api) &&
		    str_eq(c->call, e->call)) {
			c->count++;
			return;
		}
	}
	LIST_PUSH(l->counters, l->counter_count, fresh);
}

void reqlog_add(struct reqlog *l, const struct reqlog_entry *e)
{
	struct reqlog_entry *to = &l->ring[l->total % REQLOG_MAX];

	*to = *e;
	to->seq = ++l->total;
	count(l, e);
}

static struct json_t *counts_encode(const struct reqlog *l)
{
	struct json_t *all = json_new_obj();

	for (size_t i = 0; i < l->counter_count; i++) {
		const struct counter *c = &l->counters[i];
		struct json_t *of_call;
		char call[80];
		char status[16];

		snprintf(call, sizeof(call), "%s %s", c->api, c->call);
		snprintf(status, sizeof(status), "%d", c->status);
		of_call = json_get(all, call);
		if (!of_call) {
			json_set(all, call, json_new_obj());
			of_call = json_get(all, call);
		}
		json_set_int(of_call, status, c->count);
	}
	return all;
}

static struct json_t *entry_encode(const struct reqlog_entry *e)
{
	struct json_t *o = json_new_obj();

	json_set_int(o, "seq", (int64_t)e->seq);
	json_set(o, "at", render_time_ms(e->at_ms));
	json_set_str(o, "api", e->api);
	json_set_str(o, "call", e->call);
	json_set_str(o, "method", e->method);
	json_set_str(o, "path", e->path);
	json_set_id(o, "id", e->id);
	json_set_int(o, "status", e->status);
	json_set_bool(o, "applied", e->applied);
	json_set_str(o, "fault", e->fault);
	return o;
}

struct json_t *reqlog_encode(const struct reqlog *l, uint64_t after)
{
	struct json_t *o = json_new_obj();
	struct json_t *list = json_new_arr();
	uint64_t oldest = l->total > REQLOG_MAX ? l->total - REQLOG_MAX : 0;

	if (after < oldest)
		after = oldest;
	for (uint64_t seq = after; seq < l->total; seq++)
		json_push(list, entry_encode(&l->ring[seq % REQLOG_MAX]));
	json_set_int(o, "total", (int64_t)l->total);
	json_set(o, "counts", counts_encode(l));
	json_set(o, "requests", list);
	return o;
}
