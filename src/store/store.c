/*
 * The store's front: group commit and replay over a backend.
 *
 *	run:  [begin - apply each - commit]   all at once
 *	      if another writer was in the way: rollback, the same again
 *	      if an op is to blame: rollback, then the same for each alone
 *	      if the database is away: rollback, all fail
 *
 * Invariants: a write's RESULT_OK is set before the commit but nobody sees it
 * unless the commit succeeded; outputs of an attempt that was rolled back are
 * freed; when even beginning fails, nothing is replayed.
 */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crashpoint.h"
#include "base/str.h"
#include "store/backend.h"
#include "store_check.h"

struct store {
	struct store_backend *backend;
	enum store_mode mode;
};

static const struct store_backend_ops *const backends[] = {
	&store_sqlite_ops,
	&store_pg_ops,
	&store_pg_short_ops,
};

void store_op_init(struct store_op *op, enum store_op_kind kind)
{
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	switch (kind) {
	case STORE_JOBS:
		op->u.jobs.state = -1;
		op->u.jobs.max = STORE_LIST_MAX;
		break;
	case STORE_JOURNAL:
		op->u.journal.action = -1;
		op->u.journal.max = STORE_LIST_MAX;
		break;
	case STORE_REVIEWS:
		op->u.reviews.state = -1;
		op->u.reviews.max = STORE_LIST_MAX;
		break;
	case STORE_INTENT:
		op->u.intent.max_per_hour = INT64_MAX;
		op->u.intent.max_per_profile = INT64_MAX;
		break;
	case STORE_STATS:
		op->u.stats.max_per_hour = INT64_MAX;
		op->u.stats.max_per_profile = INT64_MAX;
		break;
	default:
		break;
	}
}

static void release_jobs(struct job **jobs, size_t *count)
{
	while (*count > 0)
		job_release(&(*jobs)[--*count]);
	free(*jobs);
	*jobs = NULL;
}

static void release_journal(struct store_journal *l)
{
	while (l->count > 0)
		journal_entry_release(&l->entries[--l->count]);
	free(l->entries);
	l->entries = NULL;
}

static void release_reviews(struct store_reviews *l)
{
	while (l->count > 0)
		review_release(&l->reviews[--l->count]);
	free(l->reviews);
	l->reviews = NULL;
}

static void release_account(struct store_account *a)
{
	free(a->paused_by);
	free(a->paused_why);
	free(a->held);
	free(a->held_api);
	free(a->held_text);
	free(a->token);
	a->paused_by = a->paused_why = a->token = NULL;
	free(a->held_node);
	a->held_node = NULL;
	a->held = a->held_api = a->held_text = NULL;
}

static void release_find(struct store_find *f)
{
	free(f->sunco_ids);
	free(f->users);
	free(f->reviews);
	free(f->entries);
	f->sunco_ids = NULL;
	f->users = NULL;
	f->reviews = f->entries = NULL;
	f->sunco_count = f->user_count = 0;
	f->review_count = f->entry_count = 0;
}

static void release_check(struct store_check *c)
{
	free(c->damage);
	free(c->findings);
	c->damage = NULL;
	c->findings = NULL;
	c->count = 0;
}

void store_cursor_row_release(struct store_cursor_row *r)
{
	free(r->cursor);
	free(r->failure);
	r->cursor = r->failure = NULL;
}

const char *store_walk_state(const struct store_cursor_row *r)
{
	if (!r)
		return "never";
	if (r->stopped)
		return "stopped";
	if (!r->done && !r->full)
		return "going";
	if (r->unfinished > 0)
		return "finishing";
	return r->full ? "limit" : "done";
}

static void release_cursors(struct store_cursors *l)
{
	while (l->count > 0)
		store_cursor_row_release(&l->rows[--l->count]);
	free(l->rows);
	l->rows = NULL;
}

static void release_backups(struct store_backups *l)
{
	while (l->count > 0) {
		struct store_backup_row *row = &l->rows[--l->count];

		free(row->host);
		free(row->name);
	}
	free(l->rows);
	l->rows = NULL;
}

static void release_nodes(struct store_nodes *l)
{
	while (l->count > 0) {
		struct store_node_row *r = &l->rows[--l->count];

		free(r->name);
		free(r->version);
		free(r->settings);
	}
	free(l->rows);
	l->rows = NULL;
}

void store_op_release(struct store_op *op)
{
	switch (op->kind) {
	case STORE_CLAIM:
		release_jobs(&op->u.claim.jobs, &op->u.claim.count);
		break;
	case STORE_FOLD:
		release_jobs(&op->u.fold.taken,
			     &(size_t){op->u.fold.taken != NULL});
		break;
	case STORE_LOOK:
		free(op->u.look.rows);
		op->u.look.rows = NULL;
		break;
	case STORE_JOBS:
		release_jobs(&op->u.jobs.jobs, &op->u.jobs.count);
		break;
	case STORE_JOURNAL:
		release_journal(&op->u.journal);
		break;
	case STORE_REVIEWS:
		release_reviews(&op->u.reviews);
		break;
	case STORE_ACCOUNT:
		release_account(&op->u.account);
		break;
	case STORE_FIND:
		release_find(&op->u.find);
		break;
	case STORE_CHECK:
		release_check(&op->u.check);
		break;
	case STORE_READINESS:
		free(op->u.readiness.report);
		op->u.readiness.report = NULL;
		break;
	case STORE_CURSOR:
		store_cursor_row_release(&op->u.cursor.row);
		break;
	case STORE_CURSORS:
		release_cursors(&op->u.cursors);
		break;
	case STORE_BACKUPS:
		release_backups(&op->u.backups);
		break;
	case STORE_NODES:
		release_nodes(&op->u.nodes);
		break;
	case STORE_NOTE:
		journal_entry_release(&op->u.note_claim.note.entry);
		break;
	default:
		break;
	}
}

bool store_op_reads(enum store_op_kind kind)
{
	switch (kind) {
	case STORE_LOOK:
	case STORE_RECALL:
	case STORE_JOBS:
	case STORE_JOURNAL:
	case STORE_REVIEWS:
	case STORE_STATS:
	case STORE_HEALTH:
	case STORE_FIND:
	case STORE_CHECK:
	case STORE_READINESS:
	case STORE_CURSORS:
	case STORE_BACKUPS:
	case STORE_NODES:
		return true;
	default:
		return false;
	}
}

bool store_op_erased(const struct store_op *op)
{
	if (op->result != RESULT_OK)
		return false;
	switch (op->kind) {
	case STORE_ACCEPT:
		return op->u.accept.erased > 0;
	case STORE_SETTLE:
		return op->u.settle.erased;
	case STORE_PRUNE:
		return op->u.prune.removed > 0;
	default:
		return op->kind == STORE_ERASE;
	}
}

/* An account's row may be only read, a clock only asked. */
static bool op_writes(const struct store_op *op)
{
	const struct store_account *a = &op->u.account;

	if (op->kind == STORE_ACCOUNT)
		return a->set_paused || a->set_breaker || a->set_hold ||
		       a->set_token || a->set_webhook;
	if (op->kind == STORE_CLOCK)
		return op->u.clock.now_ms != 0;
	return !store_op_reads(op->kind);
}

static void release_all(struct store_op **ops, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		store_op_release(ops[i]);
}

static void fail_all(struct store_op **ops, size_t count, enum result r,
		     const struct error *err)
{
	size_t i;

	release_all(ops, count);
	for (i = 0; i < count; i++) {
		ops[i]->result = r;
		ops[i]->error = *err;
	}
}

#define REPEATS_MAX 5 /* of a batch that others were in the way of */

enum attempt {
	ATTEMPT_DONE,	/* every result is final */
	ATTEMPT_SPOILT, /* rolled back; the results say why */
	ATTEMPT_REPEAT, /* rolled back; the next one may well succeed */
};

/* Rolled back: what now? */
static enum attempt spoilt(struct store_backend *b, struct store_op **ops,
			   size_t count, const struct error *why)
{
	enum store_failure f = b->ops->failure != NULL ? b->ops->failure(b)
						       : STORE_FAILED_BY_ONE;

	if (f == STORE_FAILED_BY_ONE)
		return ATTEMPT_SPOILT;
	fail_all(ops, count, RESULT_TEMP, why);
	return f == STORE_FAILED_BY_MOMENT ? ATTEMPT_REPEAT : ATTEMPT_DONE;
}

/* *why: of the first that failed. */
static bool apply_all(struct store_backend *b, struct store_op **ops,
		      size_t count, struct error *why)
{
	size_t i;

	for (i = 0; i < count; i++) {
		store_op_release(ops[i]);
		ops[i]->error.text[0] = '\0';
		b->ops->apply(b, ops[i]);
		if (ops[i]->result == RESULT_TEMP) {
			*why = ops[i]->error;
			return false;
		}
	}
	return true;
}

static bool is_of_the_moment(struct store_backend *b)
{
	return b->ops->failure != NULL &&
	       b->ops->failure(b) == STORE_FAILED_BY_MOMENT;
}

static bool any_writes(struct store_op *const *ops, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (op_writes(ops[i]))
			return true;
	return false;
}

static enum attempt attempt(struct store_backend *b, struct store_op **ops,
			    size_t count)
{
	const struct store_batch batch = {ops, count, any_writes(ops, count)};
	struct error err = {""};
	enum result r = b->ops->begin(b, &batch, &err);

	if (r != RESULT_OK) {
		fail_all(ops, count, r, &err);
		return is_of_the_moment(b) ? ATTEMPT_REPEAT : ATTEMPT_DONE;
	}
	if (!apply_all(b, ops, count, &err)) {
		b->ops->rollback(b);
		release_all(ops, count);
		return spoilt(b, ops, count, &err);
	}
	if (batch.writes)
		CRASH_POINT("store_before_commit");
	r = b->ops->commit(b, &err);
	if (batch.writes)
		CRASH_POINT("store_after_commit");
	if (r == RESULT_OK)
		return ATTEMPT_DONE;
	b->ops->rollback(b);
	fail_all(ops, count, r, &err);
	return spoilt(b, ops, count, &err);
}

/* Whether it is the ops' turn alone. Others may be in the way for ever. */
static bool attempt_all(struct store_backend *b, struct store_op **ops,
			size_t count)
{
	enum attempt a = ATTEMPT_REPEAT;

	for (int i = 0; a == ATTEMPT_REPEAT && i < REPEATS_MAX; i++)
		a = attempt(b, ops, count);
	return a == ATTEMPT_SPOILT;
}

/* Ops whose inputs are wrong have their result already. */
static size_t keep_valid(const struct store *s, struct store_op **ops,
			 size_t count, struct store_op **valid)
{
	size_t i, n = 0;

	for (i = 0; i < count; i++) {
		ops[i]->result = store_op_check(ops[i]);
		if (ops[i]->result == RESULT_OK && s->mode == STORE_READ &&
		    op_writes(ops[i]))
			ops[i]->result =
				error_set(&ops[i]->error, RESULT_INVALID,
					  "the store is read only");
		if (ops[i]->result == RESULT_OK)
			valid[n++] = ops[i];
	}
	return n;
}

void store_run(struct store *s, struct store_op **ops, size_t count)
{
	struct store_op **valid = xcalloc(count + 1, sizeof(struct store_op *));
	size_t n = keep_valid(s, ops, count, valid), i;

	if (n > 0 && attempt_all(s->backend, valid, n) && n > 1)
		for (i = 0; i < n; i++)
			(void)attempt_all(s->backend, &valid[i], 1);
	free(valid);
}

enum result store_do(struct store *s, struct store_op *op)
{
	store_run(s, &op, 1);
	return op->result;
}

static const struct store_backend_ops *backend_for(const char *url,
						   const char **location)
{
	const char *colon = strchr(url, ':');
	size_t i, n = colon != NULL ? (size_t)(colon - url) : 0;

	for (i = 0; i < ARRAY_LEN(backends); i++) {
		if (strlen(backends[i]->scheme) == n &&
		    strncmp(backends[i]->scheme, url, n) == 0) {
			*location = colon + 1;
			return backends[i];
		}
	}
	return NULL;
}

static bool is_url(const struct store_backend_ops *ops, const char *location)
{
	return ops != NULL && *location != '\0' &&
	       (ops->is_location == NULL || ops->is_location(location));
}

bool store_url_ok(const char *url)
{
	const char *location = NULL;
	const struct store_backend_ops *ops = backend_for(url, &location);

	return is_url(ops, location);
}

size_t store_copies(const char *url, struct store_copy **out)
{
	const char *location = NULL;
	const struct store_backend_ops *ops = backend_for(url, &location);

	*out = NULL;
	return ops != NULL ? ops->copies(location, out) : 0;
}

struct store *store_over(struct store_backend *b)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->backend = b;
	s->mode = STORE_SERVE;
	return s;
}

struct store_backend *store_backend(struct store *s)
{
	return s->backend;
}

enum result store_open(struct store **out, const char *url,
		       enum store_mode mode, int64_t now_ms, struct error *err)
{
	struct store_backend *b = NULL;
	const char *location = NULL;
	const struct store_backend_ops *ops = backend_for(url, &location);
	enum result r;

	if (!is_url(ops, location))
		return error_set(err, RESULT_INVALID,
				 "the store's url is neither like sqlite:PATH "
				 "nor like postgresql://HOST/DATABASE");
	r = ops->open(&b, location, mode, now_ms, err);
	if (r != RESULT_OK)
		return r;
	*out = store_over(b);
	(*out)->mode = mode;
	return RESULT_OK;
}

void store_close(struct store *s)
{
	s->backend->ops->close(s->backend);
	free(s);
}

void store_leave(struct store *s)
{
	if (s->backend->ops->leave != NULL)
		s->backend->ops->leave(s->backend);
}

bool store_is_left(const char *url)
{
	const char *location = NULL;
	const struct store_backend_ops *ops = backend_for(url, &location);

	return ops != NULL && ops->is_left != NULL && ops->is_left(location);
}

bool store_is_shared(const char *url)
{
	const char *location = NULL;
	const struct store_backend_ops *ops = backend_for(url, &location);

	return ops != NULL && ops->shared;
}

int64_t store_now_ms(struct store *s)
{
	struct store_op op;

	store_op_init(&op, STORE_CLOCK);
	if (store_do(s, &op) != RESULT_OK || op.u.clock.store_ms == 0)
		return clock_wall_ms();
	return op.u.clock.store_ms;
}

bool store_changed(struct store *s)
{
	return s->backend->ops->changed(s->backend);
}

enum result store_watch(struct store *s, struct error *err)
{
	return s->backend->ops->watch(s->backend, err);
}

bool store_empty_log(struct store *s)
{
	return s->backend->ops->empty_log(s->backend);
}

int64_t store_checkpoint(struct store *s)
{
	return s->backend->ops->checkpoint(s->backend);
}

int64_t store_log_bytes(const struct store *s)
{
	return s->backend->ops->log_bytes != NULL
		       ? s->backend->ops->log_bytes(s->backend)
		       : 0;
}

const uint8_t *store_key(const struct store *s)
{
	return s->backend->ops->key(s->backend);
}
