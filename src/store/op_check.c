/*
 * `queue check`: is the file whole, and do the rows fit together?
 *
 * One row of the table below per thing that must not be. It walks whole
 * tables, so it is for a command's own handle, never for the daemon's. What
 * the daemon mends by itself at its next start or turn is untidy, not wrong.
 */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define FAR_MS (INT64_C(7) * 24 * 3600 * 1000) /* further than any wait */

/* PostgreSQL is not told that they refer to accounts; see pg_text.c. */
#define ROWS_OF_ACCOUNTS                                                       \
	"SELECT account FROM jobs"                                             \
	" UNION ALL SELECT account FROM locks"                                 \
	" UNION ALL SELECT account FROM journal"                               \
	" UNION ALL SELECT account FROM reservations"                          \
	" UNION ALL SELECT account FROM reviews"                               \
	" UNION ALL SELECT account FROM rejected"                              \
	" UNION ALL SELECT account FROM links"                                 \
	" UNION ALL SELECT account FROM aliases"                               \
	" UNION ALL SELECT account FROM addresses"                             \
	" UNION ALL SELECT account FROM notes"                                 \
	" UNION ALL SELECT account FROM cursors"                               \
	" UNION ALL SELECT account FROM tallies"                               \
	" UNION ALL SELECT account FROM counted"                               \
	" UNION ALL SELECT account FROM agent_merges"                          \
	" UNION ALL SELECT account FROM sunco_merges"

/* ?1: the time before which a lease has ended for good. ?2: the time after
 * which nothing can be due, ?3: now. Answers how many, and the id of one. */
static const struct rule {
	const char *what;
	const char *mend;
	bool wrong;
	const char *sql;
} rules[] = {
	{"jobs whose lease has ended, and nobody took them over",
	 "start `reunite serve`, which does", false,
	 "SELECT count(*), min(id) FROM jobs"
	 " WHERE state = 1 AND lease_until_ms < ?1"},
	{"jobs that are due only far in the future: the clock went back",
	 "`reunite queue retry ID`", true,
	 "SELECT count(*), min(id) FROM jobs WHERE (state IN (0, 2)"
	 " AND run_at_ms > ?2 AND run_at_ms < " DB_PARKED_FROM_MS_TEXT
	 ") OR (state = 1 AND lease_until_ms > ?2)"},
	{"jobs that lock users far into the future: the clock went back",
	 "`reunite queue retry ID`", true,
	 "SELECT count(*), min(job_id) FROM locks WHERE until_ms > ?2"},
	{"jobs that wait for a review that is not open",
	 "`reunite queue retry ID`", true,
	 "SELECT count(*), min(j.id) FROM jobs j"
	 " LEFT JOIN reviews r ON r.id = j.rests_on"
	 " WHERE j.state = 3 AND (r.id IS NULL OR r.state <> 0)"
	 /* once approved they wait for the job that carries it out */
	 " AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.review_id = r.id"
	 " AND o.state <> 4)"},
	{"open reviews whose job is gone",
	 "`reunite review reject ID`, or let them expire", true,
	 "SELECT count(*), min(r.id) FROM reviews r"
	 " LEFT JOIN jobs j ON j.id = r.job_id"
	 " WHERE r.state = 0 AND j.id IS NULL"},
	{"open reviews whose entry of the journal is gone",
	 "`reunite review reject ID`, or let them expire", true,
	 "SELECT count(*), min(r.id) FROM reviews r"
	 " LEFT JOIN journal e ON e.id = r.journal_id"
	 " WHERE r.state = 0 AND r.journal_id > 0 AND e.id IS NULL"},
	{"links under way whose job gave up",
	 "look at `reunite journal show ID`, then `reunite queue retry`", true,
	 "SELECT count(*), min(e.id) FROM journal e"
	 " JOIN jobs j ON j.id = e.job_id"
	 " WHERE e.status IN ('pending', 'uncertain') AND j.state = 4"},
	{"links under way that no job goes on with",
	 "look at `reunite journal show ID` and at the two users in Zendesk",
	 true,
	 "SELECT count(*), min(e.id) FROM journal e"
	 " LEFT JOIN jobs j ON j.id = e.job_id"
	 " WHERE e.status IN ('pending', 'uncertain')"
	 " AND (j.id IS NULL OR j.state IN (3, 5))"},
	{"locks that outlived their job", "nothing: they have expired", false,
	 "SELECT count(*), min(l.zendesk_user_id) FROM locks l"
	 " LEFT JOIN jobs j ON j.id = l.job_id"
	 " WHERE j.id IS NULL AND l.until_ms < ?3"},
	{"places in the breaker without a journal entry",
	 "nothing: they go after a day", false,
	 "SELECT count(*), min(p.journal_id) FROM reservations p"
	 " LEFT JOIN journal e ON e.id = p.journal_id WHERE e.id IS NULL"},
	{"merged users whose survivor was merged, too",
	 "tell the makers of reunite", true,
	 "SELECT count(*), min(a.from_id) FROM aliases a JOIN aliases b"
	 " ON b.account = a.account AND b.from_id = a.to_id"},
	{"people remembered as linked to a user that was merged",
	 "tell the makers of reunite", true,
	 "SELECT count(*), min(l.zendesk_user_id) FROM links l JOIN aliases a"
	 " ON a.account = l.account AND a.from_id = l.zendesk_user_id"},
	{"addresses of a user that was merged", "tell the makers of reunite",
	 true,
	 "SELECT count(*), min(o.zendesk_user_id) FROM addresses o"
	 " JOIN aliases a ON a.account = o.account"
	 " AND a.from_id = o.zendesk_user_id"},
	{"entries of the journal whose status is not their last change",
	 "tell the makers of reunite", true,
	 "SELECT count(*), min(e.id) FROM journal e"
	 " WHERE e.status <> coalesce((SELECT c.status FROM changes c"
	 " WHERE c.journal_id = e.id ORDER BY c.n DESC LIMIT 1), e.status)"},
	{"changes of entries that are not in the journal",
	 "nothing: they say nothing any more", false,
	 "SELECT count(*), min(c.journal_id) FROM changes c"
	 " LEFT JOIN journal e ON e.id = c.journal_id WHERE e.id IS NULL"},
	{"walks through users whose lease has ended, and nobody goes on",
	 "start `reunite serve`, which does", false,
	 "SELECT count(*), min(account) FROM cursors"
	 " WHERE state = 'going' AND lease_until_ms BETWEEN 1 AND ?1"},
	{"walks through users that are due only far in the future: the clock"
	 " went back",
	 "nothing: `reunite serve` sees it", false,
	 "SELECT count(*), min(account) FROM cursors"
	 " WHERE due_ms > ?2 OR lease_until_ms > ?2"},
	{"rows of accounts that are not there", "tell the makers of reunite",
	 true,
	 "SELECT count(*), coalesce(min(account), 1) FROM (" ROWS_OF_ACCOUNTS
	 ") x WHERE account NOT IN (SELECT id FROM accounts)"},
	{"events of accounts that are not there",
	 "nothing: no webhook repeats them", true,
	 "SELECT count(*), min(account) FROM events"
	 " WHERE account NOT IN (SELECT id FROM accounts)"},
	{"notes for tickets without a journal entry",
	 "nothing: they are dropped", false,
	 "SELECT count(*), min(n.id) FROM notes n"
	 " LEFT JOIN journal e ON e.id = n.journal_id WHERE e.id IS NULL"},
};

static size_t values_of(const char *sql)
{
	size_t n = 3;

	while (n > 0 && !strstr(sql, n == 3 ? "?3" : n == 2 ? "?2" : "?1"))
		n--;
	return n;
}

static void ask_rule(struct db *q, struct store_check *c, const struct rule *r)
{
	const struct db_val values[] = {db_int(c->now_ms - c->grace_ms),
					db_int(c->now_ms + FAR_MS),
					db_int(c->now_ms)};
	struct db_rows *st = db_bind_text(q, r->sql, values, values_of(r->sql));

	if (!db_step(q, st))
		return;
	if (db_col_int(st, 0) > 0)
		c->findings[c->count++] = (struct store_finding){
			r->what, r->mend, r->wrong, db_col_int(st, 0),
			db_col_int(st, 1)};
	db_end(st);
}

enum result op_check(struct db *q, struct store_op *op)
{
	struct store_check *c = &op->u.check;
	size_t i;

	c->count = 0;
	c->findings = NULL;
	c->damage = q->driver->damage(q, c->quick);
	if (q->failed || c->damage != NULL)
		return RESULT_OK;
	c->findings = xcalloc(ARRAY_LEN(rules), sizeof(*c->findings));
	for (i = 0; i < ARRAY_LEN(rules) && !q->failed; i++)
		ask_rule(q, c, &rules[i]);
	return RESULT_OK;
}
