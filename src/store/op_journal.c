/*
 * The journal's writes: one entry a decision. An entry that was written ahead
 * (pending) is finished in place; its before-image and time stay.
 */
#include "ops.h"

#include "base/str.h"

int64_t db_journal_add(struct db *q, int64_t account,
		       const struct journal_entry *e, int64_t now_ms)
{
	char reasons[DB_REASONS_SIZE];

	db_reasons_write(e->reasons, reasons);
	return db_add(
		q, JOURNAL_INSERT, db_int(account),
		db_int(e->at_ms != 0 ? e->at_ms : now_ms),
		db_str(action_name(e->action)), db_str(reason_code(e->reason)),
		db_str(reasons), db_int(e->applied),
		db_str(journal_status_name(e->status)),
		db_str(evidence_name(e->evidence)), db_id(e->messaging_user_id),
		db_id(e->profile_id), db_text(e->sunco_id), db_id(e->ticket_id),
		db_int(e->source), db_int(e->job_id), db_int(e->api_calls),
		db_text(e->note), db_text(e->decided_by),
		db_text(e->before_image), db_int(e->linked),
		db_id((uint64_t)e->review_id));
}

bool db_journal_is(struct db *q, int64_t id, int64_t job_id)
{
	return db_get(q, 0, JOURNAL_IS, db_int(id), db_int(job_id)) != 0;
}

static void append(struct db *q, int64_t id, enum journal_status status,
		   int64_t now_ms)
{
	db_do(q, CHANGE_ADD, db_int(id), db_int(now_ms),
	      db_str(journal_status_name(status)));
}

void db_journal_change(struct db *q, int64_t id, enum journal_status status,
		       int64_t now_ms)
{
	db_do(q, JOURNAL_STATUS, db_int(id),
	      db_str(journal_status_name(status)));
	append(q, id, status, now_ms);
}

void db_journal_finish(struct db *q, const struct journal_entry *e,
		       int64_t now_ms)
{
	char reasons[DB_REASONS_SIZE];

	append(q, e->id, e->status, now_ms);
	db_reasons_write(e->reasons, reasons);
	db_do(q, JOURNAL_FINISH, db_int(e->id), db_str(action_name(e->action)),
	      db_str(reason_code(e->reason)), db_str(reasons),
	      db_int(e->applied), db_str(journal_status_name(e->status)),
	      db_str(evidence_name(e->evidence)), db_id(e->ticket_id),
	      db_int(e->api_calls), db_text(e->note), db_text(e->decided_by),
	      db_int(e->linked), db_id((uint64_t)e->review_id));
	db_do(q, JOURNAL_PEOPLE, db_int(e->id), db_id(e->messaging_user_id),
	      db_id(e->profile_id));
	if (e->before_image != NULL)
		db_do(q, JOURNAL_IMAGE, db_int(e->id),
		      db_text(e->before_image));
}

void db_journal_changes(struct db *q, struct journal_entry *e)
{
	struct db_rows *st = db_query(q, CHANGES_OF, db_int(e->id));
	struct journal_change c;

	while (db_step(q, st)) {
		c.at_ms = db_col_int(st, 0);
		c.status = JOURNAL_DONE;
		(void)journal_status_parse(db_col_chars(st, 1), &c.status);
		journal_entry_changed(e, &c);
	}
	c = (struct journal_change){e->at_ms, e->status};
	if (e->change_count == 0)
		journal_entry_changed(e, &c);
}
