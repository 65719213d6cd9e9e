/*
 * Inputs of operations, checked once for all backends: names that fit, people
 * that are named, texts that end. See store_check.h.
 */
#include "store_check.h"

#include <string.h>

#include "base/str.h"

static bool is_account_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool account_ok(const char *name)
{
	size_t i;

	if (str_is_empty(name))
		return false;
	for (i = 0; name[i] != '\0'; i++) {
		if (i >= ACCOUNT_SIZE - 1 || !is_account_char(name[i]))
			return false;
	}
	return true;
}

static bool all_or_account(const char *name)
{
	return name == NULL || account_ok(name);
}

static bool sunco_ok(const char *id)
{
	return id != NULL && sunco_id_valid(id, strlen(id));
}

static bool text_ok(const char *s)
{
	return s == NULL || strnlen(s, STORE_TEXT_MAX + 1) <= STORE_TEXT_MAX;
}

static bool entry_ok(const struct journal_entry *e)
{
	return e != NULL && text_ok(e->note) && text_ok(e->before_image) &&
	       text_ok(e->decided_by);
}

static bool event_ok(const struct event *e)
{
	return e->key.len > 0 && e->key.len <= sizeof(e->key.bytes);
}

static bool accept_ok(const struct store_op *op)
{
	const struct store_accept *a = &op->u.accept;
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (!event_ok(&a->events[i]))
			return false;
	}
	return account_ok(a->account);
}

static bool enqueue_ok(const struct store_op *op)
{
	const struct store_enqueue *e = &op->u.enqueue;
	bool named = str_is_empty(e->sunco_id) ? e->zendesk_user_id != 0
					       : sunco_ok(e->sunco_id);

	return account_ok(e->account) && named && e->lane < LANE_COUNT;
}

static bool claim_ok(const struct store_op *op)
{
	return account_ok(op->u.claim.account);
}

static bool fold_ok(const struct store_op *op)
{
	return sunco_ok(op->u.fold.sunco_id);
}

static bool intent_ok(const struct store_op *op)
{
	return entry_ok(op->u.intent.entry) && text_ok(op->u.intent.progress);
}

static bool step_ok(const struct store_op *op)
{
	return text_ok(op->u.step.progress);
}

static bool settle_ok(const struct store_op *op)
{
	const struct store_settle *s = &op->u.settle;

	return s->state != JOB_RUNNING && s->state < JOB_STATE_COUNT &&
	       text_ok(s->progress) && text_ok(s->last_error) &&
	       (s->entry == NULL ? !s->note : entry_ok(s->entry)) &&
	       (s->link == NULL || sunco_ok(s->link->sunco_id)) &&
	       (s->review == NULL || text_ok(s->review->facts));
}

static bool recall_ok(const struct store_op *op)
{
	return account_ok(op->u.recall.account);
}

static bool jobs_ok(const struct store_op *op)
{
	return all_or_account(op->u.jobs.account) &&
	       op->u.jobs.state < JOB_STATE_COUNT;
}

static bool journal_ok(const struct store_op *op)
{
	return all_or_account(op->u.journal.account);
}

static bool reviews_ok(const struct store_op *op)
{
	return all_or_account(op->u.reviews.account);
}

static bool decide_ok(const struct store_op *op)
{
	return !str_is_empty(op->u.decide.by) && text_ok(op->u.decide.by);
}

static bool reject_ok(const struct store_op *op)
{
	return !str_is_empty(op->u.reject.by) && text_ok(op->u.reject.by);
}

static bool retry_ok(const struct store_op *op)
{
	return all_or_account(op->u.retry.account);
}

/* Fit for a terminal as it is; NULL, too. */
static bool line_ok(const char *s)
{
	for (; s && *s; s++) {
		if ((unsigned char)*s < ' ' || *s == '\177')
			return false;
	}
	return true;
}

static bool row_ok(const struct store_op *op)
{
	const struct store_account *a = &op->u.account;
	bool answered =
		!(a->set_paused || a->set_breaker) || !str_is_empty(a->by);

	return account_ok(a->account) && answered && text_ok(a->by) &&
	       line_ok(a->by) && text_ok(a->why) && line_ok(a->why) &&
	       text_ok(a->hold) && text_ok(a->hold_api) &&
	       text_ok(a->hold_text) && text_ok(a->oauth_token);
}

static bool note_claim_ok(const struct store_op *op)
{
	return account_ok(op->u.note_claim.account);
}

static bool note_done_ok(const struct store_op *op)
{
	return text_ok(op->u.note_done.outcome);
}

static bool find_ok(const struct store_op *op)
{
	const struct store_find *f = &op->u.find;
	bool named = f->zendesk_user_id != 0 || !str_is_empty(f->address);

	return account_ok(f->account) && (named || sunco_ok(f->sunco_id));
}

static bool erase_ok(const struct store_op *op)
{
	return account_ok(op->u.erase.account) && op->u.erase.who != NULL;
}

static bool stats_ok(const struct store_op *op)
{
	return account_ok(op->u.stats.account);
}

static bool sample_ok(const struct store_op *op)
{
	const struct store_sample *s = &op->u.sample;

	return account_ok(s->account) && s->now_ms >= 0 && s->unverified >= 0 &&
	       s->end_users >= 0;
}

static bool readiness_ok(const struct store_op *op)
{
	const struct store_readiness *r = &op->u.readiness;

	return account_ok(r->account) && r->since_ms >= 0 &&
	       r->since_ms <= r->now_ms && r->patience_ms >= 0;
}

static bool name_ok(const char *name)
{
	return !str_is_empty(name) &&
	       strnlen(name, STORE_CURSOR_NAME_SIZE) < STORE_CURSOR_NAME_SIZE;
}

static bool cursor_ok(const struct store_op *op)
{
	const struct store_cursor *c = &op->u.cursor;

	return account_ok(c->account) && name_ok(c->name) &&
	       text_ok(c->failure) && line_ok(c->failure) && c->every_ms >= 0 &&
	       c->lease_ms >= 0 && c->crowd >= 0;
}

static bool found_ok(const struct store_op *op)
{
	const struct store_found *f = &op->u.found;
	size_t i;

	for (i = 0; i < f->count; i++) {
		if (!sunco_ok(f->people[i].sunco_id) ||
		    f->people[i].zendesk_user_id == 0)
			return false;
	}
	return account_ok(f->account) && name_ok(f->name) &&
	       (f->cursor ? f->cursor[0] != '\0' : f->end) &&
	       text_ok(f->cursor) && f->crowd >= 0;
}

static bool cursors_ok(const struct store_op *op)
{
	return all_or_account(op->u.cursors.account);
}

static bool walk_ok(const struct store_op *op)
{
	const struct store_walk *w = &op->u.walk;

	return account_ok(w->account) && w->since_ms >= 0 &&
	       w->woken_max >= 0 && w->total >= 0;
}

static bool extend_ok(const struct store_op *op)
{
	const struct store_extend *e = &op->u.extend;
	size_t i;

	for (i = 0; i < e->count && i < STORE_EXTEND_MAX; i++) {
		if (i > 0 && e->leases[i - 1].job_id > e->leases[i].job_id)
			return false;
	}
	return i == e->count;
}

static bool backup_ok(const struct store_op *op)
{
	const struct store_backup *b = &op->u.backup;

	return !str_is_empty(b->host) && !str_is_empty(b->name) &&
	       text_ok(b->host) && text_ok(b->name) && b->made_ms >= 0;
}

static bool id_ok(const char *id)
{
	return !str_is_empty(id) &&
	       strnlen(id, STORE_NODE_ID_SIZE) < STORE_NODE_ID_SIZE;
}

static bool node_ok(const struct store_op *op)
{
	const struct store_node *n = &op->u.node;
	size_t i;

	for (i = 0; i < n->stake_count; i++) {
		if (!account_ok(n->stakes[i].account))
			return false;
	}
	return id_ok(n->id) && text_ok(n->name) && line_ok(n->name) &&
	       text_ok(n->version) && line_ok(n->version) &&
	       text_ok(n->settings);
}

static bool turn_ok(const struct store_op *op)
{
	const struct store_turn *t = &op->u.turn;

	return !str_is_empty(t->name) && text_ok(t->name) && id_ok(t->node);
}

static bool lock_ok(const struct store_op *op)
{
	const struct store_lock *l = &op->u.lock;

	for (size_t i = 1; i < l->count && i < STORE_LOCK_MAX; i++)
		if (l->users[i] <= l->users[i - 1])
			return false;
	return account_ok(l->account) && l->owner < 0 &&
	       l->count <= STORE_LOCK_MAX;
}

static bool (*const checks[STORE_OP_COUNT])(const struct store_op *op) = {
	[STORE_ACCEPT] = accept_ok,	  [STORE_ENQUEUE] = enqueue_ok,
	[STORE_CLAIM] = claim_ok,	  [STORE_EXTEND] = extend_ok,
	[STORE_FOLD] = fold_ok,		  [STORE_INTENT] = intent_ok,
	[STORE_STEP] = step_ok,		  [STORE_SETTLE] = settle_ok,
	[STORE_RECALL] = recall_ok,	  [STORE_JOBS] = jobs_ok,
	[STORE_JOURNAL] = journal_ok,	  [STORE_REVIEWS] = reviews_ok,
	[STORE_DECIDE] = decide_ok,	  [STORE_REJECT] = reject_ok,
	[STORE_RETRY] = retry_ok,	  [STORE_ACCOUNT] = row_ok,
	[STORE_NOTE] = note_claim_ok,	  [STORE_NOTED] = note_done_ok,
	[STORE_STATS] = stats_ok,	  [STORE_FIND] = find_ok,
	[STORE_ERASE] = erase_ok,	  [STORE_SAMPLE] = sample_ok,
	[STORE_READINESS] = readiness_ok, [STORE_CURSOR] = cursor_ok,
	[STORE_FOUND] = found_ok,	  [STORE_CURSORS] = cursors_ok,
	[STORE_WALK] = walk_ok,		  [STORE_BACKUP] = backup_ok,
	[STORE_NODE] = node_ok,		  [STORE_TURN] = turn_ok,
	[STORE_LOCK] = lock_ok,
};

enum result store_op_check(struct store_op *op)
{
	if ((size_t)op->kind >= STORE_OP_COUNT)
		return error_set(&op->error, RESULT_INVALID,
				 "no such operation of the store");
	if (checks[op->kind] != NULL && !checks[op->kind](op))
		return error_set(&op->error, RESULT_INVALID,
				 "operation %d of the store has wrong inputs",
				 (int)op->kind);
	return RESULT_OK;
}
