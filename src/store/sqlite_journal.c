/*
 * The journal's writes: one entry a decision. An entry that was written ahead
 * (pending) is finished in place; its before-image and time stay.
 */
#include "sqlite_ops.h"

#include "base/str.h"

int64_t sq_journal_add(struct sq *q, int64_t account,
		       const struct journal_entry *e, int64_t now_ms)
{
	char reasons[SQ_REASONS_SIZE];

	sq_reasons_write(e->reasons, reasons);
	sq_exec(q, JOURNAL_INSERT, sq_int(account),
		sq_int(e->at_ms != 0 ? e->at_ms : now_ms),
		sq_str(action_name(e->action)), sq_str(reason_code(e->reason)),
		sq_str(reasons), sq_int(e->applied),
		sq_str(journal_status_name(e->status)),
		sq_str(evidence_name(e->evidence)), sq_id(e->messaging_user_id),
		sq_id(e->profile_id), sq_text(e->sunco_id), sq_id(e->ticket_id),
		sq_int(e->source), sq_int(e->job_id), sq_int(e->api_calls),
		sq_text(e->note), sq_text(e->decided_by),
		sq_text(e->before_image), sq_int(e->linked),
		sq_id((uint64_t)e->review_id));
	return q->failed ? 0 : sqlite3_last_insert_rowid(q->db);
}

bool sq_journal_is(struct sq *q, int64_t id, int64_t job_id)
{
	return sq_get(q, 0, JOURNAL_IS, sq_int(id), sq_int(job_id)) != 0;
}

static void append(struct sq *q, int64_t id, enum journal_status status,
		   int64_t now_ms)
{
	sq_exec(q, CHANGE_ADD, sq_int(id), sq_int(now_ms),
		sq_str(journal_status_name(status)));
}

void sq_journal_change(struct sq *q, int64_t id, enum journal_status status,
		       int64_t now_ms)
{
	sq_exec(q, JOURNAL_STATUS, sq_int(id),
		sq_str(journal_status_name(status)));
	append(q, id, status, now_ms);
}

void sq_journal_finish(struct sq *q, const struct journal_entry *e,
		       int64_t now_ms)
{
	char reasons[SQ_REASONS_SIZE];

	append(q, e->id, e->status, now_ms);
	sq_reasons_write(e->reasons, reasons);
	sq_exec(q, JOURNAL_FINISH, sq_int(e->id),
		sq_str(action_name(e->action)), sq_str(reason_code(e->reason)),
		sq_str(reasons), sq_int(e->applied),
		sq_str(journal_status_name(e->status)),
		sq_str(evidence_name(e->evidence)), sq_id(e->messaging_user_id),
		sq_id(e->profile_id), sq_id(e->ticket_id), sq_int(e->api_calls),
		sq_text(e->note), sq_text(e->decided_by),
		sq_text(e->before_image), sq_int(e->linked),
		sq_id((uint64_t)e->review_id));
}

void sq_journal_changes(struct sq *q, struct journal_entry *e)
{
	sqlite3_stmt *st = sq_query(q, CHANGES_OF, sq_int(e->id));
	struct journal_change c;

	while (sq_step(q, st)) {
		c.at_ms = sqlite3_column_int64(st, 0);
		c.status = JOURNAL_DONE;
		(void)journal_status_parse(
			(const char *)sqlite3_column_text(st, 1), &c.status);
		journal_entry_changed(e, &c);
	}
	c = (struct journal_change){e->at_ms, e->status};
	if (e->change_count == 0)
		journal_entry_changed(e, &c);
}
