/*
 * See shadow_kit.h.
 */
#include "shadow_kit.h"

#include <string.h>

#include "base/str.h"

struct journal_entry shadow_decision(enum action action, uint64_t user,
				     uint64_t profile)
{
	struct journal_entry e;

	journal_entry_init(&e);
	e.action = action;
	e.reason = action == ACTION_MERGE  ? REASON_EMAIL_MATCH_VERIFIED
		   : action == ACTION_NONE ? REASON_NO_EMAIL
					   : REASON_UNAUTHENTICATED_EMAIL;
	e.reasons = REASON_BIT(e.reason);
	e.evidence = EVIDENCE_VERIFIED;
	e.linked = 7;
	e.messaging_user_id = user;
	e.profile_id = profile;
	return e;
}

struct job shadow_running(struct ct *c, const char *sunco_id)
{
	ct_accept(c, ct_event(EVENT_CONVERSATION_CREATE, sunco_id));
	return ct_claim(c);
}

int64_t shadow_settle(struct ct *c, const char *sunco_id,
		      struct journal_entry e, uint64_t gone)
{
	struct job job = shadow_running(c, sunco_id);
	struct review review =
		ct_review(&job, e.messaging_user_id, e.profile_id);
	struct store_op op;

	assert_true(str_copy(e.sunco_id, sizeof(e.sunco_id), sunco_id));
	ct_settle_op(c, &op, &job,
		     e.action == ACTION_REVIEW ? JOB_REVIEW : JOB_DONE);
	op.u.settle.entry = &e;
	op.u.settle.gone_user = gone;
	op.u.settle.zendesk_user_id = e.messaging_user_id;
	if (e.action == ACTION_REVIEW)
		op.u.settle.review = &review;
	CT_DO(c, &op);
	job_release(&job);
	c->now_ms += MINUTE;
	return op.u.settle.journal_id;
}

int64_t shadow_decide(struct ct *c, const char *sunco_id, enum action action,
		      uint64_t user, uint64_t profile)
{
	return shadow_settle(c, sunco_id,
			     shadow_decision(action, user, profile), 0);
}

struct event shadow_merge_event(uint64_t detail, uint64_t other)
{
	struct event e = ct_event(EVENT_ZD_USER_MERGED, "");

	e.zendesk_user_id = detail;
	e.other_zendesk_user_id = other;
	return e;
}

void shadow_agents_merge(struct ct *c, uint64_t detail, uint64_t other)
{
	ct_accept(c, shadow_merge_event(detail, other));
	c->now_ms += MINUTE;
}

struct readiness shadow_report_since(struct ct *c, int64_t since_ms)
{
	struct readiness r;
	struct store_op op;

	store_op_init(&op, STORE_READINESS);
	op.u.readiness.account = CT_ACCOUNT;
	op.u.readiness.since_ms = since_ms;
	op.u.readiness.now_ms = c->now_ms;
	op.u.readiness.patience_ms = 7 * DAY;
	CT_DO(c, &op);
	r = *op.u.readiness.report;
	store_op_release(&op);
	return r;
}

struct readiness shadow_report(struct ct *c)
{
	return shadow_report_since(c, CT_START - DAY);
}

void shadow_log_in(struct ct *c)
{
	struct event e = ct_event(EVENT_SUNCO_MERGE, SUNCO_2);

	assert_true(
		str_copy(e.other_sunco_id, sizeof(e.other_sunco_id), SUNCO));
	ct_accept(c, e);
}
