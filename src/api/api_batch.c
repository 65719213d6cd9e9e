/*
 * Reads of users, many with one request.
 *
 *	the next read's turn has come, others would have to wait
 *	    -> one request (the driver) goes, all of them ride
 *	    -> each gets its part of the answer, as if it had asked alone; or
 *	       waits again, and is sent alone
 *
 * Source: Zendesk Support API, Show Many Users (100 ids a call), side-loads
 * as for one user. Users who are deleted or merged are not in the answer: what
 * became of them the read of one user tells.
 *
 * Refused is any part that could differ from what the user's own read would
 * say: of users who are missing or not active; and all of an answer without
 * identities beside the users, or with as many as may be the first page of
 * more (PAGE_MAX). Organizations beside many users do not tell whose they are:
 * "many" says so.
 *
 * Where an account does not allow it or brings no identities, no more of them
 * are sent until the next configuration.
 */
#include "api_request.h"

#include <inttypes.h>

#include "base/buf.h"
#include "base/json.h"

enum { PATH_MAX_BYTES = 4 * 1024, PAGE_MAX = 100 };

/* ---- on its way ---- */

static bool would_wait(struct api_request *q)
{
	struct api_client *c = q->client;

	return q->share && api_limits_wait_ms(&c->limits, &q->toll,
					      loop_now_ms(c->loop)) > 0;
}

static struct api_request *next_rider(struct api_client *c,
				      const struct api_request *but)
{
	struct api_request *q;

	for (int lane = 0; lane < LANE_COUNT; lane++)
		TAILQ_FOREACH(q, &c->waiting[lane], entry)
	if (q != but && would_wait(q))
		return q;
	return NULL;
}

static struct api_request *driver_new(struct api_request *first)
{
	struct api_request *d = xcalloc(1, sizeof(*d));

	d->client = first->client;
	d->state = WAITING;
	d->toll = first->toll;
	d->name = "users_show_many";
	d->method = "GET";
	d->since_ms = first->since_ms;
	d->token_generation = first->token_generation;
	d->drives = true;
	TAILQ_INIT(&d->riders);
	TAILQ_INSERT_BEFORE(first, d, entry);
	return d;
}

static bool is_asked_for(const struct api_request *driver, uint64_t user)
{
	const struct api_request *q;

	TAILQ_FOREACH(q, &driver->riders, entry)
	if (q->share == user)
		return true;
	return false;
}

/* Each user is named once. */
static void ride(struct api_request *q, struct api_request *driver,
		 struct buf *path)
{
	const char *comma = TAILQ_EMPTY(&driver->riders) ? "" : ",";

	if (!is_asked_for(driver, q->share))
		buf_printf(path, "%s%" PRIu64, comma, q->share);
	q->driver = driver;
	api_request_move(q, RIDING);
}

struct api_request *api_batch_board(struct api_request *q)
{
	struct api_client *c = q->client;
	struct api_request *driver, *next;
	struct buf path;

	next = q->share && c->batches ? next_rider(c, q) : NULL;
	if (!next)
		return q;
	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, "/api/v2/users/show_many"
			"?include=identities,organizations&ids=");
	driver = driver_new(q);
	ride(q, driver, &path);
	for (int n = 1; next && n < API_BATCH_MAX; n++) {
		ride(next, driver, &path);
		next = next_rider(c, NULL);
	}
	driver->path = xstrdup(path.data);
	buf_release(&path);
	c->boarded = true;
	return driver;
}

/* ---- its answer ---- */

static struct json_t *identities_of(const struct json_t *all, uint64_t user)
{
	struct json_t *own = json_new_arr();

	for (size_t i = 0; i < json_len(all); i++)
		if (json_get_id(json_at(all, i), "user_id") == user)
			json_push(own, json_clone(json_at(all, i)));
	return own;
}

/* What a read of this user alone would say: *new*, or NULL. */
static struct json_t *part_of(const struct json_t *answer, uint64_t id)
{
	const struct json_t *users = json_get(answer, "users");
	const struct json_t *organizations = json_get(answer, "organizations");
	const struct json_t *user = NULL;
	struct json_t *part;

	for (size_t i = 0; i < json_len(users) && !user; i++)
		if (json_get_id(json_at(users, i), "id") == id)
			user = json_at(users, i);
	if (!json_get_bool(user, "active", false))
		return NULL;
	part = json_new_obj();
	json_set(part, "user", json_clone(user));
	json_set(part, "identities",
		 identities_of(json_get(answer, "identities"), id));
	if (organizations)
		json_set(part, "organizations", json_clone(organizations));
	json_set_bool(part, "many", true);
	return part;
}

static void arrive(struct api_request *q, struct json_t *part)
{
	struct api_request *driver = q->driver;
	int calls = q->result.calls;

	q->result = driver->result;
	q->result.call = q->name;
	q->result.calls = calls;
	q->json = part;
	api_request_move(q, FINISHED);
	q->driver = NULL;
}

/* True: this account will say the same the next time. */
static bool is_final(const struct api_request *driver)
{
	enum result r = driver->result.result;

	if (r == RESULT_OK)
		return !json_is_arr(json_get(driver->json, "identities"));
	return r != RESULT_TEMP && r != RESULT_RATE &&
	       (r != RESULT_AUTH || driver->result.forbidden);
}

static bool is_whole(const struct api_request *driver)
{
	const struct json_t *identities = json_get(driver->json, "identities");

	return driver->result.result == RESULT_OK && json_is_arr(identities) &&
	       json_len(identities) < PAGE_MAX;
}

/* The last one first: each that waits again goes before the others. */
void api_batch_answered(struct api_request *driver)
{
	struct api_client *c = driver->client;
	struct api_request *q;

	if (is_final(driver))
		c->batches = false;
	while ((q = TAILQ_LAST(&driver->riders, request_list))) {
		struct json_t *part = is_whole(driver)
					      ? part_of(driver->json, q->share)
					      : NULL;

		q->result.calls += driver->result.calls; /* once */
		driver->result.calls = 0;
		if (part)
			arrive(q, part);
		else
			api_request_alight(q);
	}
	api_client_pump(c);
}

void api_batch_drop(struct api_request *driver)
{
	struct api_request *q;

	while ((q = TAILQ_FIRST(&driver->riders))) {
		TAILQ_REMOVE(&driver->riders, q, entry);
		if (q->drop)
			q->drop(q->arg);
		api_request_free(q);
	}
}
