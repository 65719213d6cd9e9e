/*
 * The rows of faults, their counters and their dice (a linear congruential
 * generator with a given seed, so that a run can be repeated).
 */
#include "sandbox/faults.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "sandbox/list.h"
#include "sandbox/routes.h"

#define FOREVER	    (-1)
#define HEADERS_MAX 4096

struct fault {
	struct json_t *row; /* as it came */
	enum fault_kind kind;
	const char *api, *call; /* of row; NULL: any */
	uint64_t id;		/* 0: any */
	int64_t skip;
	int64_t times; /* left, or FOREVER */
	int64_t percent;
	uint64_t dice;
	int64_t hits;
};

struct faults {
	struct fault *items;
	size_t count;
};

static const char *const kinds[] = {"none", "status", "cut_before", "cut_after",
				    "hang", "delay",  "html",	    "truncate"};

const char *fault_kind_name(enum fault_kind k)
{
	return kinds[k];
}

static enum fault_kind kind_parse(const char *name)
{
	for (size_t i = 1; i < ARRAY_LEN(kinds); i++) {
		if (str_eq(kinds[i], name))
			return (enum fault_kind)i;
	}
	return FAULT_NONE;
}

void fault_strike_release(struct fault_strike *s)
{
	json_free(s->body);
	free(s->headers);
}

struct faults *faults_new(void)
{
	return xcalloc(1, sizeof(struct faults));
}

void faults_clear(struct faults *f)
{
	for (size_t i = 0; i < f->count; i++)
		json_free(f->items[i].row);
	f->count = 0;
}

void faults_free(struct faults *f)
{
	if (!f)
		return;
	faults_clear(f);
	free(f->items);
	free(f);
}

enum result faults_add(struct faults *f, const struct json_t *row,
		       struct error *err)
{
	const struct json_t *match;
	struct fault fresh = {.kind = kind_parse(json_get_str(row, "kind"))};

	if (fresh.kind == FAULT_NONE)
		return error_set(err, RESULT_INVALID, "unknown kind");
	if (fresh.kind == FAULT_STATUS && json_get_int(row, "status", 0) < 200)
		return error_set(err, RESULT_INVALID, "status is needed");
	fresh.row = json_clone(row);
	match = json_get(fresh.row, "match");
	fresh.api = json_get_str(match, "api");
	fresh.call = json_get_str(match, "call");
	if (!route_exists(fresh.api, fresh.call)) {
		json_free(fresh.row);
		return error_set(err, RESULT_INVALID, "match: no such call");
	}
	fresh.id = json_get_id(match, "id");
	fresh.skip = json_get_int(row, "skip", 0);
	fresh.percent = json_get_int(row, "percent", 100);
	fresh.times =
		json_get_int(row, "times", fresh.percent < 100 ? FOREVER : 1);
	fresh.dice = (uint64_t)json_get_int(row, "seed", 1);
	LIST_PUSH(f->items, f->count, fresh);
	return RESULT_OK;
}

struct json_t *faults_encode(const struct faults *f)
{
	struct json_t *list = json_new_arr();

	for (size_t i = 0; i < f->count; i++) {
		struct json_t *o = json_clone(f->items[i].row);

		json_set_int(o, "left", f->items[i].times);
		json_set_int(o, "hits", f->items[i].hits);
		json_push(list, o);
	}
	return list;
}

static bool dice_fall(struct fault *f)
{
	f->dice = f->dice * 6364136223846793005ULL + 1442695040888963407ULL;
	return (int64_t)((f->dice >> 33) % 100) < f->percent;
}

static bool is_due(struct fault *f, const char *api, const char *call,
		   uint64_t id)
{
	if ((f->api && !str_eq(f->api, api)) ||
	    (f->call && !str_eq(f->call, call)) || (f->id && f->id != id) ||
	    f->times == 0)
		return false;
	if (f->skip > 0) {
		f->skip--;
		return false;
	}
	return dice_fall(f);
}

static char *headers_of(const struct json_t *headers)
{
	struct json_t *value;
	const char *key;
	void *iter = NULL;
	struct buf b;
	char *text;

	buf_init(&b, HEADERS_MAX);
	while (json_next(headers, &iter, &key, &value)) {
		if (json_is_str(value))
			buf_printf(&b, "%s: %s\r\n", key, json_str(value));
	}
	text = buf_detach(&b);
	buf_release(&b);
	return text;
}

static void strike(struct fault *f, struct fault_strike *out)
{
	bool applies = f->kind == FAULT_CUT_AFTER || f->kind == FAULT_DELAY ||
		       f->kind == FAULT_TRUNCATE;

	f->hits++;
	if (f->times > 0)
		f->times--;
	out->kind = f->kind;
	out->applies = json_get_bool(f->row, "applied", applies);
	out->ms = json_get_int(f->row, "ms", 0);
	out->status = (int)json_get_int(f->row, "status", 503);
	if (json_get(f->row, "body"))
		out->body = json_clone(json_get(f->row, "body"));
	out->headers = headers_of(json_get(f->row, "headers"));
}

void faults_pick(struct faults *f, enum call_api api, const char *call,
		 uint64_t id, struct fault_strike *out)
{
	*out = (struct fault_strike){.kind = FAULT_NONE, .applies = true};
	for (size_t i = 0; i < f->count; i++) {
		if (is_due(&f->items[i], call_api_name(api), call, id)) {
			strike(&f->items[i], out);
			return;
		}
	}
}
