/*
 * See backend_fault.h. An apply fails after the inner one has had its effect,
 * so that only a rollback undoes it; a commit fails instead of happening.
 */
#include "backend_fault.h"

#include <stdlib.h>

#include "base/str.h"
#include "contract.h"

static struct fault *fault_of(struct store_backend *b)
{
	return (struct fault *)b;
}

static bool strikes(struct fault *f)
{
	bool hit;

	f->calls++;
	hit = f->from != 0 && f->calls >= f->from &&
	      f->calls < f->from + f->width;
	f->fired += hit;
	return hit;
}

static void fault_close(struct store_backend *b)
{
	struct fault *f = fault_of(b);

	f->inner->ops->close(f->inner);
	free(f);
}

static enum result fault_begin(struct store_backend *b,
			       const struct store_batch *batch,
			       struct error *err)
{
	struct fault *f = fault_of(b);

	if (strikes(f))
		return error_set(err, RESULT_TEMP, "begin fails");
	return f->inner->ops->begin(f->inner, batch, err);
}

static void fault_apply(struct store_backend *b, struct store_op *op)
{
	struct fault *f = fault_of(b);

	f->inner->ops->apply(f->inner, op);
	if (strikes(f) || (int)op->kind == f->kind)
		op->result = error_set(&op->error, RESULT_TEMP, "apply fails");
}

static enum result fault_commit(struct store_backend *b, struct error *err)
{
	struct fault *f = fault_of(b);

	if (strikes(f))
		return error_set(err, RESULT_TEMP, "commit fails");
	return f->inner->ops->commit(f->inner, err);
}

static void fault_rollback(struct store_backend *b)
{
	fault_of(b)->inner->ops->rollback(fault_of(b)->inner);
}

static enum store_failure fault_failure(struct store_backend *b)
{
	return fault_of(b)->verdict;
}

static bool fault_changed(struct store_backend *b)
{
	return fault_of(b)->inner->ops->changed(fault_of(b)->inner);
}

static enum result fault_watch(struct store_backend *b, struct error *err)
{
	return fault_of(b)->inner->ops->watch(fault_of(b)->inner, err);
}

static bool fault_empty_log(struct store_backend *b)
{
	return fault_of(b)->inner->ops->empty_log(fault_of(b)->inner);
}

static int64_t fault_checkpoint(struct store_backend *b)
{
	return fault_of(b)->inner->ops->checkpoint(fault_of(b)->inner);
}

static const uint8_t *fault_key(const struct store_backend *b)
{
	const struct fault *f = (const struct fault *)b;

	return f->inner->ops->key(f->inner);
}

static const struct store_backend_ops fault_ops = {
	.scheme = "fault",
	.close = fault_close,
	.begin = fault_begin,
	.apply = fault_apply,
	.commit = fault_commit,
	.rollback = fault_rollback,
	.failure = fault_failure,
	.changed = fault_changed,
	.watch = fault_watch,
	.checkpoint = fault_checkpoint,
	.empty_log = fault_empty_log,
	.key = fault_key,
};

struct fault *fault_open(const char *path, int64_t now_ms)
{
	struct fault *f = xcalloc(1, sizeof(*f));
	struct error err = {""};

	f->base.ops = &fault_ops;
	f->kind = -1;
	if (store_sqlite_ops.open(&f->inner, path, STORE_SERVE, now_ms, &err) !=
	    RESULT_OK)
		fail_msg("open: %s", err.text);
	return f;
}
