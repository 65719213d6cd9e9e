/*
 * See teller_rig.h.
 */
#include "teller_rig.h"

#include "unit.h"

#include "base/metrics.h"
#include "base/str.h"

void tell_start(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	flow_start(&r->f);
	r->f.account.zendesk_url = xstrdup("https://acme.example");
	r->f.account.ticket_note = NOTE_ALL;
	r->t = teller_new(r->f.loop, r->f.q);
}

void tell_stop(struct rig *r)
{
	teller_free(r->t);
	free(r->f.account.zendesk_url);
	flow_stop(&r->f);
}

void tell_begin(struct rig *r)
{
	teller_set_account(r->t, &r->f.account, r->f.api->api);
}

void tell_decide(struct rig *r, enum action action, enum reason why)
{
	struct journal_entry e;
	struct job job = flow_running(&r->f);
	struct store_op op;

	journal_entry_init(&e);
	e.action = action;
	e.reason = why;
	e.reasons = REASON_BIT(why);
	e.applied = action == ACTION_MERGE;
	e.evidence = EVIDENCE_VERIFIED;
	e.messaging_user_id = 11;
	e.profile_id = 22;
	store_op_init(&op, STORE_SETTLE);
	op.u.settle.job_id = job.id;
	op.u.settle.token = job.token;
	op.u.settle.gen = job.gen;
	op.u.settle.state = JOB_DONE;
	op.u.settle.ticket_id = 77;
	op.u.settle.now_ms = loop_wall_ms(r->f.loop);
	op.u.settle.entry = &e;
	op.u.settle.note = true;
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	assert_true(op.u.settle.noted);
	r->journal_id = op.u.settle.journal_id;
	store_op_release(&op);
	job_release(&job);
}

void tell_merge(struct rig *r)
{
	tell_decide(r, ACTION_MERGE, REASON_EMAIL_MATCH_VERIFIED);
}

double tell_counted(const char *outcome)
{
	return metric_value(metric_get(METRIC_NOTES, "acme", outcome));
}

struct wanted {
	const char *outcome;
	int count;
};

static bool is_counted(struct flow *f, void *arg)
{
	const struct wanted *w = arg;

	(void)f;
	return (int)tell_counted(w->outcome) >= w->count;
}

void tell_until(struct rig *r, const char *outcome, int count)
{
	struct wanted w = {outcome, count};
	struct store_op op;

	flow_until(&r->f, is_counted, &w);
	store_op_init(&op, STORE_PROBE); /* it works in order */
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	flow_settle(&r->f);
}

int tell_asked(const struct rig *r, const char *what)
{
	return api_fixture_count(r->f.api, what);
}

bool tell_is_due(struct rig *r, int64_t at_ms, bool *unsure)
{
	struct store_op op;
	bool due;

	store_op_init(&op, STORE_NOTE);
	op.u.note_claim.account = "acme";
	op.u.note_claim.now_ms = at_ms;
	op.u.note_claim.lease_ms = 1000;
	assert_int_equal(flow_do(&r->f, &op), RESULT_OK);
	due = op.u.note_claim.note.id != 0;
	*unsure = op.u.note_claim.note.unsure;
	store_op_release(&op);
	return due;
}
