/*
 * Every statement of the store, one row each; prepared at its first
 * use and kept. The plan test runs EXPLAIN QUERY PLAN over this table: what
 * runs while the daemon works may not walk a table.
 *
 * Job states: 0 ready, 1 running, 2 waiting, 3 review, 4 dead, 5 done.
 * Review states: 0 open, 1 approved, 2 rejected, 3 expired, 4 merged by hand.
 * WOULD_MERGE: pairs that were only observed, each by its first decision, as
 * long as nothing else came of the person.
 */
#ifndef REUNITE_STORE_SQL_H
#define REUNITE_STORE_SQL_H

#include "sql_lists.h"
#include "sql_nodes.h"
#include "sql_people.h"

/* For a database of many writers only; the others take it for a comment. */
#define SQL_SKIP_LOCKED " /*+ FOR UPDATE SKIP LOCKED */"

#define SQL_JOB_ROW                                                            \
	"SELECT id, account, person, state, lane, created_ms, run_at_ms,"      \
	" deadline_ms, lease_until_ms, attempts, gen, token,"                  \
	" zendesk_user_id, ticket_id, conversation_id, source, review_id,"     \
	" rests_on, erase, looked_ms, moves_to, told_sunco_ms,"                \
	" told_zendesk_ms, read_ms, heard, named FROM jobs"

#define SQL_JOB_FULL                                                           \
	"SELECT j.id, a.name, j.person, j.state, j.lane, j.created_ms,"        \
	" j.run_at_ms, j.deadline_ms, j.attempts, j.gen, j.token,"             \
	" j.zendesk_user_id, j.ticket_id, j.conversation_id, j.source,"        \
	" j.review_id, j.progress, j.last_error,"                              \
	" (SELECT max(id) FROM journal WHERE job_id = j.id"                    \
	" AND status IN ('pending', 'uncertain'))"                             \
	" FROM jobs j JOIN accounts a ON a.id = j.account"

/* A decision as far as agents' own merges are compared with it. */
#define SQL_DECIDED                                                            \
	"SELECT id, action, reason, applied, status, evidence,"                \
	" messaging_user_id, profile_id, outcome, outcome_ms FROM journal"

#define SQL_CURSOR_ROW                                                         \
	"SELECT a.name, c.name, c.state, c.since_ms, c.cursor, c.due_ms,"      \
	" c.token, c.lease_until_ms, c.started_ms, c.moved_ms, c.done_ms,"     \
	" c.failure, c.total, c.scanned, c.found, c.woken, c.woken_max"        \
	" FROM cursors c JOIN accounts a ON a.id = c.account"

#define SQL_TABLE(X)                                                           \
	X(BEGIN_READ, "BEGIN")                                                 \
	X(BEGIN_WRITE, "BEGIN IMMEDIATE")                                      \
	X(COMMIT, "COMMIT")                                                    \
	X(ROLLBACK, "ROLLBACK")                                                \
	X(DATA_VERSION, "PRAGMA data_version")                                 \
	X(SYNCHRONOUS, "PRAGMA synchronous")                                   \
	X(JOURNAL_MODE, "PRAGMA journal_mode")                                 \
	X(PAGE_COUNT, "PRAGMA page_count")                                     \
	X(PAGE_SIZE, "PRAGMA page_size")                                       \
	X(SCHEMA, "SELECT version FROM schema_version")                        \
	X(PROBE, "INSERT INTO clocks(name, ms) VALUES('probe', 1) ON"          \
		 " CONFLICT(name) DO UPDATE SET ms = clocks.ms + 1")           \
	X(KEY_PUT, "INSERT INTO meta(name, value) VALUES('key', ?1)"           \
		   " ON CONFLICT DO NOTHING")                                  \
	X(KEY_GET, "SELECT value FROM meta WHERE name = 'key'")                \
	X(BACKUP_PUT,                                                          \
	  "INSERT INTO backups(host, name, made_ms) VALUES(?1, ?2, ?3)"        \
	  " ON CONFLICT(host, name) DO UPDATE SET made_ms = ?3")               \
	X(BACKUP_DELETE, "DELETE FROM backups WHERE host = ?1 AND name = ?2")  \
	X(BACKUPS, "SELECT host, name, made_ms FROM backups"                   \
		   " ORDER BY made_ms DESC, host, name LIMIT ?1")              \
	/* an unfinished copy; see mark.c */                                   \
	X(MARK_GET, "SELECT value FROM meta WHERE name = 'copy'")              \
	X(MARK_PUT, "INSERT INTO meta(name, value) VALUES('copy', ?1)")        \
	X(MARK_TAKE,                                                           \
	  "UPDATE meta SET value = ?1 WHERE name = 'copy' AND value = ?2")     \
	X(MARK_DROP, "DELETE FROM meta WHERE name = 'copy' AND value = ?1")    \
	/* accounts */                                                         \
	X(ACCOUNT_ID, "SELECT id FROM accounts WHERE name = ?1")               \
	X(ACCOUNT_IDS, "SELECT id FROM accounts")                              \
	X(ACCOUNTS_BEHIND, "SELECT id FROM accounts WHERE id > ?1"             \
			   " ORDER BY id LIMIT ?2")                            \
	X(ACCOUNT_INSERT, "INSERT INTO accounts(name) VALUES(?1)")             \
	X(JOB_ACCOUNT, "SELECT account FROM jobs WHERE id = ?1")               \
	X(REVIEW_ACCOUNT, "SELECT account FROM reviews WHERE id = ?1")         \
	X(ENTRY_ACCOUNT, "SELECT account FROM journal WHERE id = ?1")          \
	X(NOTE_ACCOUNT, "SELECT account FROM notes WHERE id = ?1")             \
	X(ACCOUNT_READ,                                                        \
	  "SELECT paused, hold, oauth_token, oauth_expires_ms,"                \
	  " sunco_webhook_ms, zendesk_webhook_ms, paused_ms, paused_by,"       \
	  " paused_why, hold_api, hold_text, hold_ms, hold_node"               \
	  " FROM accounts WHERE id = ?1")                                      \
	X(ACCOUNT_PAUSED, "SELECT paused FROM accounts WHERE id = ?1")         \
	X(ACCOUNT_PAUSE,                                                       \
	  "UPDATE accounts SET paused = ?2, paused_ms = ?3, paused_by = ?4,"   \
	  " paused_why = ?5 WHERE id = ?1 AND paused <> ?2")                   \
	X(BREAKER_SINCE,                                                       \
	  "SELECT breaker_since_ms FROM accounts WHERE id = ?1")               \
	X(BREAKER_CLOSE, "UPDATE accounts SET breaker_since_ms = ?2"           \
			 " WHERE id = ?1")                                     \
	X(BREAKER_FORGET, "UPDATE accounts SET breaker_since_ms = 0"           \
			  " WHERE id = ?1 AND breaker_since_ms > ?2")          \
	X(ACCOUNT_HOLD,                                                        \
	  "UPDATE accounts SET hold = ?2, hold_api = ?3, hold_text = ?4,"      \
	  " hold_ms = ?5, hold_node = CASE WHEN CAST(?2 AS TEXT) IS NULL"      \
	  " THEN NULL ELSE ?6 END WHERE id = ?1"                               \
	  " AND (CAST(?6 AS TEXT) IS NULL OR hold_node IS NULL"                \
	  " OR hold_node = ?6 OR NOT EXISTS (SELECT 1 FROM nodes n"            \
	  " WHERE n.id = accounts.hold_node AND n.until_ms > ?7))")            \
	X(ACCOUNT_TOKEN,                                                       \
	  "UPDATE accounts SET oauth_token = ?2, oauth_expires_ms = ?3"        \
	  " WHERE id = ?1 AND (CAST(?4 AS TEXT) IS NULL"                       \
	  " OR oauth_token = ?4)")                                             \
	X(ACCOUNT_SUNCO,                                                       \
	  "UPDATE accounts SET sunco_webhook_ms = CASE WHEN"                   \
	  " sunco_webhook_ms > ?2 THEN sunco_webhook_ms ELSE ?2 END"           \
	  " WHERE id = ?1")                                                    \
	X(ACCOUNT_ZENDESK,                                                     \
	  "UPDATE accounts SET zendesk_webhook_ms = CASE WHEN"                 \
	  " zendesk_webhook_ms > ?2 THEN zendesk_webhook_ms ELSE ?2 END"       \
	  " WHERE id = ?1")                                                    \
	/* intake */                                                           \
	X(EVENT_INSERT, "INSERT INTO events(account, key, received_ms, kind)"  \
			" VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")      \
	/* jobs */                                                             \
	X(JOB_BY_ID, SQL_JOB_ROW " WHERE id = ?1")                             \
	X(JOB_BY_PERSON, SQL_JOB_ROW " WHERE account = ?1 AND person = ?2")    \
	X(JOB_BY_ZENDESK,                                                      \
	  SQL_JOB_ROW " WHERE account = ?1 AND zendesk_user_id = ?2"           \
		      " AND substr(person, 1, 2) = 's:'"                       \
		      " ORDER BY id DESC LIMIT 1")                             \
	X(JOB_INSERT,                                                          \
	  "INSERT INTO jobs(account, person, state, lane, created_ms,"         \
	  " run_at_ms, deadline_ms, zendesk_user_id, ticket_id,"               \
	  " conversation_id, source, review_id, told_sunco_ms,"                \
	  " told_zendesk_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9,"   \
	  " ?10, ?11, ?12, ?13)")                                              \
	X(JOB_GEN, "UPDATE jobs SET gen = gen + 1, deadline_ms = ?2,"          \
		   " told_sunco_ms = ?3, told_zendesk_ms = ?4 WHERE id = ?1")  \
	X(JOB_WAKE,                                                            \
	  "UPDATE jobs SET state = ?2, lane = ?3, created_ms = ?4,"            \
	  " run_at_ms = ?5, deadline_ms = ?6, attempts = ?7, gen = gen + 1,"   \
	  " zendesk_user_id = ?8, ticket_id = ?9, conversation_id = ?10,"      \
	  " source = ?11, review_id = ?12, told_sunco_ms = ?13,"               \
	  " told_zendesk_ms = ?14 WHERE id = ?1")                              \
	X(JOB_HEARD, "UPDATE jobs SET heard = heard + 1 WHERE id = ?1")        \
	X(JOB_NAMED, "UPDATE jobs SET named = named + 1 WHERE id = ?1")        \
	X(HEARD_PUT, "INSERT INTO heard(job_id, zendesk_user_id, print)"       \
		     " VALUES(?1, ?2, ?3) ON CONFLICT DO NOTHING")             \
	X(HEARD_OF, "SELECT zendesk_user_id, print FROM heard"                 \
		    " WHERE job_id = ?1")                                      \
	X(HEARD_CLEAR, "DELETE FROM heard WHERE job_id = ?1")                  \
	X(JOB_RENAME, "UPDATE jobs SET person = ?2 WHERE id = ?1")             \
	X(JOB_MOVE, "UPDATE jobs SET person = ?2, moves_to = NULL,"            \
		    " review_id = 0, rests_on = NULL, told_sunco_ms = 0,"      \
		    " told_zendesk_ms = 0, read_ms = 0 WHERE id = ?1")         \
	X(JOB_MOVES_TO, "UPDATE jobs SET moves_to = ?2 WHERE id = ?1")         \
	X(JOBS_MOVE_ON,                                                        \
	  "UPDATE jobs SET moves_to = nullif(?3, substr(person, 3))"           \
	  " WHERE account = ?1 AND moves_to = ?2")                             \
	X(JOBS_MOVED_ERASE,                                                    \
	  "UPDATE jobs SET erase = CASE WHEN erase > 1 THEN erase ELSE"        \
	  " 1 END, moves_to = NULL WHERE account = ?1 AND moves_to = ?2")      \
	X(JOB_RUN_AT, "UPDATE jobs SET run_at_ms = ?2 WHERE id = ?1")          \
	X(JOB_DEADLINE,                                                        \
	  "UPDATE jobs SET deadline_ms = CASE WHEN deadline_ms > ?2"           \
	  " THEN deadline_ms ELSE ?2 END WHERE id = ?1")                       \
	X(NOTES_FOLLOW, "UPDATE notes SET job_id = ?2 WHERE job_id = ?1"       \
			" AND ticket_id IS NULL")                              \
	X(JOB_ERASE,                                                           \
	  "UPDATE jobs SET erase = CASE WHEN erase > 1 THEN erase ELSE"        \
	  " 1 END, gen = gen + 1 WHERE id = ?1")                               \
	X(JOB_FORGET, "UPDATE jobs SET erase = 2, gen = gen + 1"               \
		      " WHERE id = ?1")                                        \
	X(JOB_DELETE, "DELETE FROM jobs WHERE id = ?1")                        \
	X(JOB_END, "UPDATE jobs SET state = 5, run_at_ms = ?2,"                \
		   " review_id = 0, rests_on = NULL, progress = NULL,"         \
		   " last_error = NULL WHERE id = ?1")                         \
	X(JOB_CLAIM, "UPDATE jobs SET state = 1, token = ?2,"                  \
		     " lease_until_ms = ?3, heard = 0 WHERE id = ?1"           \
		     " AND state = ?4 AND token = ?5"                          \
		     " AND (state <> 1 OR lease_until_ms <= ?6)")              \
	X(JOB_EXTEND,                                                          \
	  "UPDATE jobs SET lease_until_ms = CASE WHEN lease_until_ms >"        \
	  " ?2 THEN lease_until_ms ELSE ?2 END WHERE id = ?1 AND token = ?3")  \
	X(JOB_TICKET, "UPDATE jobs SET ticket_id = ?2 WHERE id = ?1")          \
	X(JOB_UNTOLD,                                                          \
	  "SELECT j.id FROM jobs j WHERE j.account = ?1"                       \
	  " AND j.zendesk_user_id = ?2 AND EXISTS (SELECT 1 FROM notes n"      \
	  " WHERE n.job_id = j.id AND n.ticket_id IS NULL)"                    \
	  " ORDER BY j.id DESC LIMIT 1")                                       \
	X(JOB_PROGRESS, "UPDATE jobs SET progress = ?2 WHERE id = ?1")         \
	X(JOB_SETTLE,                                                          \
	  "UPDATE jobs SET state = ?2, run_at_ms = ?3, created_ms = ?4,"       \
	  " attempts = ?5, progress = ?6, last_error = ?7,"                    \
	  " zendesk_user_id = ?8, ticket_id = ?9, review_id = ?10,"            \
	  " rests_on = ?11, looked_ms = ?12, token = 0, lease_until_ms = 0,"   \
	  " heard = 0, read_ms = ?13 WHERE id = ?1")                           \
	X(JOB_READ, SQL_JOB_FULL " WHERE j.id = ?1")                           \
	X(JOBS_LIST,                                                           \
	  SQL_JOB_FULL " WHERE j.account IN"                                   \
		       " (SELECT id FROM accounts WHERE CAST(?1 AS INTEGER) "  \
		       "IS NULL OR id = ?1)"                                   \
		       " AND j.state BETWEEN ?2 AND ?3 AND j.id > ?4"          \
		       " ORDER BY j.id LIMIT ?5")                              \
	X(JOBS_COUNT, "SELECT account, state, count(*) FROM jobs"              \
		      " GROUP BY account, state")                              \
	X(JOBS_DEAD, "SELECT id FROM jobs WHERE account = ?1 AND state = 4")   \
	X(JOBS_OF_CONVERSATION,                                                \
	  "SELECT id FROM jobs WHERE account = ?1 AND conversation_id ="       \
	  " ?2 AND state = 2 LIMIT ?3")                                        \
	X(JOBS_RESTING_OF_ZENDESK,                                             \
	  "SELECT id FROM jobs WHERE account = ?1 AND zendesk_user_id = ?2"    \
	  " AND state IN (2, 3) LIMIT ?3")                                     \
	X(JOBS_RUNNING_OF_ZENDESK,                                             \
	  "SELECT id FROM jobs WHERE account = ?1 AND zendesk_user_id = ?2"    \
	  " AND state = 1 LIMIT ?3")                                           \
	X(JOBS_RESTING_ON, "SELECT id FROM jobs WHERE rests_on = ?1"           \
			   " AND state = 3")                                   \
	X(JOBS_LOSE_LEASE, "UPDATE jobs SET token = 0, lease_until_ms = 0"     \
			   " WHERE account = ?1 AND state = 1")                \
	X(CLAIM_DUE,                                                           \
	  "SELECT id, run_at_ms, token FROM jobs WHERE account = ?1"           \
	  " AND state = ?2 AND lane = ?3 AND run_at_ms <= ?4"                  \
	  " ORDER BY run_at_ms, id LIMIT ?5" SQL_SKIP_LOCKED)                  \
	X(CLAIM_RUNNING, "SELECT id, run_at_ms, lane, lease_until_ms, token"   \
			 " FROM jobs WHERE account = ?1 AND state = 1")        \
	/* + 0: a job by its id, whatever a planner thinks of the queue */     \
	X(CLAIM_SAGAS,                                                         \
	  "SELECT j.id, j.run_at_ms, j.state, j.token FROM journal e"          \
	  " CROSS JOIN jobs j WHERE j.id = e.job_id AND j.account = ?1"        \
	  " AND j.state + 0 IN (0, 2) AND j.lane + 0 = 2"                      \
	  " AND e.status IN ('pending', 'uncertain')")                         \
	X(LOOK,                                                                \
	  "SELECT name, paused, due FROM (SELECT a.name AS name,"              \
	  " a.paused AS paused, CASE WHEN"                                     \
	  " (SELECT j.id FROM jobs j WHERE j.account = a.id"                   \
	  " AND j.state IN (0, 2) AND j.lane IN (0, 1, 2)"                     \
	  " AND j.run_at_ms <= ?1 LIMIT 1) IS NOT NULL OR"                     \
	  " (SELECT j.id FROM jobs j WHERE j.account = a.id"                   \
	  " AND j.state = 1 LIMIT 1) IS NOT NULL THEN 1 ELSE 0 END AS due"     \
	  " FROM accounts a) AS l WHERE paused <> 0 OR due <> 0"               \
	  " ORDER BY name LIMIT ?2")                                           \
	X(NEXT_DUE,                                                            \
	  "SELECT run_at_ms FROM jobs WHERE account = ?1 AND state = ?2"       \
	  " AND lane = ?3 ORDER BY run_at_ms LIMIT 1")                         \
	/* locks and the breaker */                                            \
	X(LOCK_OF_ANOTHER,                                                     \
	  "SELECT 1 FROM locks WHERE account = ?1 AND zendesk_user_id = ?2"    \
	  " AND job_id <> ?3 AND until_ms > ?4")                               \
	X(LOCK_PUT,                                                            \
	  "INSERT INTO locks(account, zendesk_user_id, job_id, token,"         \
	  " until_ms) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(account,"         \
	  " zendesk_user_id) DO UPDATE SET job_id = ?3, token = ?4,"           \
	  " until_ms = ?5")                                                    \
	X(LOCKS_EXTEND,                                                        \
	  "UPDATE locks SET until_ms = CASE WHEN until_ms > ?2 THEN"           \
	  " until_ms ELSE ?2 END WHERE job_id = ?1")                           \
	X(LOCKS_SHARED, "SELECT 1 FROM locks a, locks b WHERE a.account = ?1"  \
			" AND a.zendesk_user_id = ?2 AND a.until_ms > ?4"      \
			" AND b.account = ?1 AND b.zendesk_user_id = ?3"       \
			" AND b.job_id = a.job_id")                            \
	X(LOCKS_RELEASE, "DELETE FROM locks WHERE job_id = ?1")                \
	X(RESERVED_PUT, "INSERT INTO reservations(journal_id, account,"        \
			" profile_id, at_ms) VALUES(?1, ?2, ?3, ?4)")          \
	X(RESERVED_DELETE, "DELETE FROM reservations WHERE journal_id = ?1")   \
	X(RESERVED_PRUNE,                                                      \
	  "DELETE FROM reservations WHERE account = ?1 AND at_ms <= ?2")       \
	X(RESERVED_SINCE, "SELECT count(*) FROM reservations"                  \
			  " WHERE account = ?1 AND at_ms > ?2")                \
	X(RESERVED_NTH, "SELECT at_ms FROM reservations"                       \
			" WHERE account = ?1 AND at_ms > ?2"                   \
			" ORDER BY at_ms LIMIT 1 OFFSET ?3")                   \
	X(RESERVED_PROFILE,                                                    \
	  "SELECT count(*) FROM reservations WHERE account = ?1"               \
	  " AND profile_id = ?2 AND at_ms > ?3")                               \
	X(RESERVED_PROFILE_NTH,                                                \
	  "SELECT at_ms FROM reservations WHERE account = ?1"                  \
	  " AND profile_id = ?2 AND at_ms > ?3"                                \
	  " ORDER BY at_ms LIMIT 1 OFFSET ?4")                                 \
	X(RESERVED_FULL,                                                       \
	  "SELECT profile_id, count(*) FROM reservations"                      \
	  " WHERE account = ?1 AND profile_id IS NOT NULL AND at_ms > ?2"      \
	  " GROUP BY profile_id HAVING count(*) >= ?3")                        \
	/* journal */                                                          \
	X(JOURNAL_INSERT,                                                      \
	  "INSERT INTO journal(account, at_ms, action, reason, reasons,"       \
	  " applied, status, evidence, messaging_user_id, profile_id,"         \
	  " sunco_id, ticket_id, source, job_id, api_calls, note,"             \
	  " decided_by, before_image, linked, review_id) VALUES(?1, ?2, ?3,"   \
	  " ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"   \
	  " ?18, ?19, ?20)")                                                   \
	X(JOURNAL_IS, "SELECT 1 FROM journal WHERE id = ?1 AND job_id = ?2")   \
	X(JOURNAL_OPEN_OF, "SELECT 1 FROM journal WHERE job_id = ?1"           \
			   " AND status IN ('pending', 'uncertain') LIMIT 1")  \
	X(JOURNAL_UNFINISHED,                                                  \
	  "SELECT count(*), min(at_ms) FROM journal"                           \
	  " WHERE account = ?1 AND status IN ('pending', 'uncertain')")        \
	X(JOURNAL_SAME,                                                        \
	  "SELECT id FROM journal WHERE action = ?2 AND reason = ?3 AND"       \
	  " id = (SELECT max(id) FROM journal WHERE job_id = ?1) AND"          \
	  " reasons = ?4 AND evidence = ?5 AND"                                \
	  " coalesce(messaging_user_id, 0) = coalesce(CAST(?6 AS"              \
	  " INTEGER), 0) AND coalesce(profile_id, 0) = coalesce(CAST(?7"       \
	  " AS INTEGER), 0)")                                                  \
	X(JOURNAL_STATUS, "UPDATE journal SET status = ?2 WHERE id = ?1")      \
	X(CHANGE_ADD,                                                          \
	  "INSERT INTO changes(journal_id, n, at_ms, status)"                  \
	  " SELECT id, 1 + (SELECT count(*) FROM changes"                      \
	  " WHERE journal_id = ?1), ?2, ?3 FROM journal WHERE id = ?1"         \
	  " AND ?3 <> coalesce((SELECT status FROM changes"                    \
	  " WHERE journal_id = ?1 ORDER BY n DESC LIMIT 1), '')")              \
	X(CHANGES_OF, "SELECT at_ms, status FROM changes"                      \
		      " WHERE journal_id = ?1 ORDER BY n")                     \
	X(JOURNAL_FINISH,                                                      \
	  "UPDATE journal SET action = ?2, reason = ?3, reasons = ?4,"         \
	  " applied = ?5, status = ?6, evidence = ?7, ticket_id = ?8,"         \
	  " api_calls = ?9, note = ?10, decided_by ="                          \
	  " CASE WHEN ?2 = 'review' THEN NULL"                                 \
	  " ELSE coalesce(?11, decided_by) END,"                               \
	  " linked = ?12, review_id = coalesce(?13, review_id)"                \
	  " WHERE id = ?1")                                                    \
	/* whoever names an indexed column pays for its index */               \
	X(JOURNAL_PEOPLE,                                                      \
	  "UPDATE journal SET messaging_user_id = ?2, profile_id = ?3"         \
	  " WHERE id = ?1 AND (coalesce(messaging_user_id, 0) <>"              \
	  " coalesce(CAST(?2 AS INTEGER), 0) OR coalesce(profile_id, 0) <>"    \
	  " coalesce(CAST(?3 AS INTEGER), 0))")                                \
	X(JOURNAL_IMAGE, "UPDATE journal SET before_image = ?2 WHERE id = ?1") \
	X(JOURNAL_REVIEW, "UPDATE journal SET review_id = ?2 WHERE id = ?1")   \
	X(JOURNAL_ERASE, "UPDATE journal SET sunco_id = NULL"                  \
			 " WHERE account = ?1 AND sunco_id = ?2")              \
	X(JOURNAL_READ, SQL_JOURNAL_FULL " WHERE j.id = ?1")                   \
	/* hindsight */                                                        \
	X(DECIDED_OF_USER,                                                     \
	  SQL_DECIDED " WHERE messaging_user_id = ?2 AND account = ?1"         \
		      " ORDER BY id DESC LIMIT 1")                             \
	X(DECIDED_OF_SUNCO, SQL_DECIDED                                        \
	  " WHERE account = ?1 AND sunco_id = ?2 ORDER BY id DESC LIMIT 1")    \
	X(JOURNAL_OUTCOME, "UPDATE journal SET outcome = ?2, outcome_ms = ?3," \
			   " outcome_user = ?4 WHERE id = ?1")                 \
	X(HINDSIGHT_OF,                                                        \
	  SQL_JOURNAL_FULL " WHERE j.account = ?1 AND j.outcome = ?2"          \
			   " AND j.outcome_ms >= ?3"                           \
			   " ORDER BY j.outcome_ms DESC LIMIT ?4")             \
	X(WOULD_MERGE,                                                         \
	  "SELECT j.id FROM journal j"                                         \
	  " WHERE j.account = ?1 AND j.action = 'merge' AND j.applied = 0"     \
	  " AND j.at_ms >= ?2 AND j.at_ms < ?3 AND j.sunco_id IS NOT NULL"     \
	  " AND j.outcome IS NULL"                                             \
	  " AND NOT EXISTS (SELECT 1 FROM journal o"                           \
	  " WHERE o.account = j.account AND o.sunco_id = j.sunco_id"           \
	  " AND o.id < j.id AND o.profile_id = j.profile_id"                   \
	  " AND o.action = 'merge' AND o.applied = 0)"                         \
	  " AND NOT EXISTS (SELECT 1 FROM journal n"                           \
	  " WHERE n.account = j.account AND n.sunco_id = j.sunco_id"           \
	  " AND n.id > j.id AND (n.outcome IS NOT NULL OR n.applied <> 0"      \
	  " OR n.profile_id IS NULL OR n.profile_id <> j.profile_id))"         \
	  " LIMIT ?4")                                                         \
	X(AGENT_MERGE_PUT,                                                     \
	  "INSERT INTO agent_merges(account, user_id, other_id, at_ms)"        \
	  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")                    \
	X(AGENT_MERGES_OF,                                                     \
	  "SELECT other_id FROM agent_merges WHERE account = ?1"               \
	  " AND user_id = ?2 LIMIT ?3")                                        \
	X(TALLY_ADD, "INSERT INTO tallies(account, day, name, value)"          \
		     " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(account, day, name)" \
		     " DO UPDATE SET value = tallies.value + excluded.value")  \
	X(TALLY_SET, "INSERT INTO tallies(account, day, name, value)"          \
		     " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(account, day, name)" \
		     " DO UPDATE SET value = excluded.value")                  \
	X(TALLY_CLAIM, "INSERT INTO tallies(account, day, name, value)"        \
		       " VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING")       \
	X(TALLY_DROP, "DELETE FROM tallies WHERE account = ?1 AND day = ?2"    \
		      " AND name = ?3")                                        \
	X(TALLIES_BETWEEN,                                                     \
	  "SELECT day, name, value FROM tallies WHERE account = ?1"            \
	  " AND day BETWEEN ?2 AND ?3 ORDER BY day")                           \
	X(COUNTED_GET, "SELECT day, name FROM counted WHERE account = ?1"      \
		       " AND sunco_id = ?2")                                   \
	X(COUNTED_PUT,                                                         \
	  "INSERT INTO counted(account, sunco_id, day, name)"                  \
	  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(account, sunco_id)"             \
	  " DO UPDATE SET day = excluded.day, name = excluded.name")           \
	X(COUNTED_ERASE, "DELETE FROM counted WHERE account = ?1"              \
			 " AND sunco_id = ?2")                                 \
	/* reviews */                                                          \
	X(REVIEW_OF_PROFILE,                                                   \
	  "SELECT id, job_id, ticket_id, address_hash, sunco_id, facts_hash,"  \
	  " reasons FROM reviews"                                              \
	  " WHERE account = ?1"                                                \
	  " AND profile_id = ?2 AND state = 0 AND profile_id <> 0")            \
	X(REVIEW_OF_USER,                                                      \
	  "SELECT id, job_id, ticket_id, address_hash, sunco_id, facts_hash,"  \
	  " reasons FROM reviews"                                              \
	  " WHERE account = ?1"                                                \
	  " AND messaging_user_id = ?2 AND state = 0 AND profile_id = 0")      \
	X(REVIEW_OF_PAIR,                                                      \
	  "SELECT id, job_id FROM reviews WHERE account = ?1"                  \
	  " AND profile_id = ?2 AND messaging_user_id = ?3 AND state = 0"      \
	  " AND profile_id <> 0")                                              \
	X(REVIEW_INSERT,                                                       \
	  "INSERT INTO reviews(account, state, job_id, journal_id, intended,"  \
	  " reasons, evidence, messaging_user_id, profile_id, sunco_id,"       \
	  " ticket_id, address_hash, facts_hash, facts, created_ms,"           \
	  " expires_ms, pin) VALUES(?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"    \
	  " ?10, ?11, ?12, ?13, ?14, ?15, ?16)")                               \
	X(REVIEW_REFRESH,                                                      \
	  "UPDATE reviews SET journal_id = ?2,"                                \
	  " ticket_id = coalesce(?3, ticket_id) WHERE id = ?1")                \
	X(REVIEW_SUCCEED,                                                      \
	  "UPDATE reviews SET"                                                 \
	  " attached = (SELECT attached FROM reviews WHERE id = ?2),"          \
	  " ticket_id = coalesce(ticket_id,"                                   \
	  " (SELECT ticket_id FROM reviews WHERE id = ?2)) WHERE id = ?1")     \
	X(JOBS_REST_MOVE, "UPDATE jobs SET rests_on = ?2 WHERE rests_on = ?1"  \
			  " AND state = 3")                                    \
	X(REVIEW_ATTACH, "UPDATE reviews SET attached = attached + 1"          \
			 " WHERE id = ?1")                                     \
	X(REVIEW_CLOSE, "UPDATE reviews SET state = ?2, closed_ms = ?3,"       \
			" decided_by = ?4 WHERE id = ?1")                      \
	X(REVIEW_PIN, "UPDATE reviews SET pin = ?2 WHERE id = ?1")             \
	X(REVIEW_DELETE, "DELETE FROM reviews WHERE id = ?1")                  \
	X(REVIEW_DECIDE,                                                       \
	  "SELECT state, expires_ms, job_id, messaging_user_id, profile_id,"   \
	  " sunco_id, ticket_id, address_hash, evidence, reasons, pin,"        \
	  " account FROM reviews"                                              \
	  " WHERE id = ?1")                                                    \
	X(REVIEW_OLDEST, "SELECT min(created_ms) FROM reviews"                 \
			 " WHERE account = ?1 AND state = 0")                  \
	X(REVIEWS_OPEN, "SELECT count(*) FROM reviews"                         \
			" WHERE account = ?1 AND state = 0")                   \
	X(REVIEW_READ, SQL_REVIEW_FULL " WHERE r.id = ?1")                     \
	X(REVIEWS_OPEN_OF, "SELECT id FROM reviews WHERE job_id = ?1"          \
			   " AND state = 0 AND id <> ?2")                      \
	X(REVIEWS_EXPIRED, "SELECT id FROM reviews WHERE state = 0"            \
			   " AND expires_ms <= ?1 ORDER BY expires_ms"         \
			   " LIMIT ?2")                                        \
	X(REVIEWS_OF_SUNCO, "SELECT id FROM reviews WHERE account = ?1"        \
			    " AND sunco_id = ?2")                              \
	/* notes */                                                            \
	X(NOTE_INSERT,                                                         \
	  "INSERT INTO notes(account, job_id, journal_id, ticket_id,"          \
	  " created_ms, due_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?5) ON"             \
	  " CONFLICT(journal_id, ticket_id) DO UPDATE SET outcome ="           \
	  " NULL, created_ms = ?5, due_ms = ?5 WHERE notes.outcome IN"         \
	  " ('outdated', 'given_up')")                                         \
	X(NOTE_WAITS, "SELECT 1 FROM notes WHERE job_id = ?1"                  \
		      " AND ticket_id IS NULL AND journal_id = ?2 LIMIT 1")    \
	X(NOTE_SAID,                                                           \
	  "SELECT 1 FROM journal o JOIN journal e ON e.id = ?3 WHERE"          \
	  " o.id = (SELECT n.journal_id FROM notes n WHERE n.id ="             \
	  " (SELECT max(m.id) FROM notes m WHERE m.job_id = ?1 AND"            \
	  " coalesce(m.ticket_id, 0) = coalesce(CAST(?2 AS INTEGER),"          \
	  " 0))) AND o.applied = 0 AND o.action = e.action AND o.reason"       \
	  " = e.reason AND o.reasons = e.reasons AND o.evidence ="             \
	  " e.evidence AND coalesce(o.messaging_user_id, 0) ="                 \
	  " coalesce(e.messaging_user_id, 0) AND coalesce(o.profile_id,"       \
	  " 0) = coalesce(e.profile_id, 0)")                                   \
	X(NOTES_TAKE,                                                          \
	  "UPDATE notes SET ticket_id = ?2, due_ms = ?3 WHERE job_id = ?1"     \
	  " AND ticket_id IS NULL AND NOT EXISTS (SELECT 1 FROM notes o"       \
	  " WHERE o.journal_id = notes.journal_id AND o.ticket_id = ?2)")      \
	X(NOTE_DUE, "SELECT id FROM notes WHERE account = ?1"                  \
		    " AND ticket_id IS NOT NULL AND outcome IS NULL"           \
		    " AND due_ms <= ?2 ORDER BY due_ms, id LIMIT 1")           \
	X(NOTE_NEXT, "SELECT due_ms FROM notes WHERE account = ?1"             \
		     " AND ticket_id IS NOT NULL AND outcome IS NULL"          \
		     " AND due_ms > 0 ORDER BY due_ms LIMIT 1")                \
	X(NOTE_READ,                                                           \
	  "SELECT n.token, n.journal_id, n.ticket_id, n.created_ms,"           \
	  " n.attempts, n.unsure,"                                             \
	  " (n.token > 0 AND n.attempts = 0 AND n.unsure = 0) OR"              \
	  " EXISTS (SELECT 1 FROM notes o WHERE o.account = n.account"         \
	  " AND o.ticket_id = n.ticket_id AND o.id <> n.id"                    \
	  " AND o.outcome IN ('told', 'given_up')),"                           \
	  " EXISTS (SELECT 1 FROM notes o WHERE o.job_id = n.job_id"           \
	  " AND o.ticket_id = n.ticket_id AND o.id > n.id),"                   \
	  " (SELECT r.id FROM jobs j JOIN reviews r ON r.id = j.rests_on"      \
	  " WHERE j.id = n.job_id AND r.state = 0),"                           \
	  " EXISTS (SELECT 1 FROM jobs j WHERE j.id = n.job_id"                \
	  " AND j.state = 4)"                                                  \
	  " FROM notes n WHERE n.id = ?1")                                     \
	X(NOTE_LEASE, "UPDATE notes SET token = ?2, due_ms = ?3, unsure = 1"   \
		      " WHERE id = ?1")                                        \
	X(NOTE_END, "UPDATE notes SET outcome = ?3, due_ms = ?4, unsure = ?5," \
		    " attempts = ?6 WHERE id = ?1 AND token = ?2"              \
		    " AND outcome IS NULL")                                    \
	X(NOTES_LOSE_LEASE, "UPDATE notes SET due_ms = ?2 WHERE account = ?1"  \
			    " AND ticket_id IS NOT NULL AND outcome IS NULL"   \
			    " AND due_ms > ?2 AND unsure = 1")                 \
	X(NOTES_MOVE, "UPDATE notes SET job_id = ?2 WHERE job_id = ?1")        \
	X(NOTES_TICKETS, "SELECT ticket_id FROM notes WHERE journal_id = ?1"   \
			 " AND ticket_id IS NOT NULL")                         \
	X(NOTES_OPEN,                                                          \
	  "SELECT count(*), min(created_ms) FROM notes WHERE account = ?1"     \
	  " AND ticket_id IS NOT NULL AND outcome IS NULL AND due_ms > 0")     \
	X(NOTES_REFUSED,                                                       \
	  "SELECT count(*) FROM notes WHERE account = ?1 AND created_ms"       \
	  " > ?2 AND outcome = 'refused'")                                     \
	X(NOTES_ERASE, "DELETE FROM notes WHERE journal_id IN"                 \
		       " (SELECT id FROM journal WHERE account = ?1"           \
		       " AND sunco_id = ?2)")                                  \
	/* walks through people */                                             \
	X(CURSOR_GET, SQL_CURSOR_ROW " WHERE c.account = ?1 AND c.name = ?2")  \
	X(CURSORS_LIST,                                                        \
	  SQL_CURSOR_ROW " WHERE CAST(?1 AS TEXT) IS NULL OR a.name = ?1"      \
			 " ORDER BY a.name, c.name LIMIT ?2")                  \
	X(CURSOR_INSERT,                                                       \
	  "INSERT INTO cursors(account, name, state, since_ms, due_ms,"        \
	  " started_ms) VALUES(?1, ?2, 'going', ?3, ?4, ?4)")                  \
	X(CURSOR_TOKEN, "SELECT 1 FROM cursors WHERE account = ?1"             \
			" AND name = ?2 AND token = ?3")                       \
	X(CURSOR_LEASE, "UPDATE cursors SET token = ?3, lease_until_ms = ?4"   \
			" WHERE account = ?1 AND name = ?2")                   \
	X(CURSOR_BACK, "UPDATE cursors SET failure = ?3, due_ms = ?4,"         \
		       " lease_until_ms = 0"                                   \
		       " WHERE account = ?1 AND name = ?2")                    \
	X(CURSOR_REWIND, "UPDATE cursors SET cursor = NULL"                    \
			 " WHERE account = ?1 AND name = ?2")                  \
	X(CURSOR_MOVE,                                                         \
	  "UPDATE cursors SET state = ?3, since_ms = CASE WHEN since_ms"       \
	  " > ?4 THEN since_ms ELSE ?4 END, cursor = ?5, moved_ms = ?6,"       \
	  " lease_until_ms = ?7, failure = NULL, scanned = scanned +"          \
	  " ?8, found = found + ?9, woken = woken + ?10 WHERE account ="       \
	  " ?1 AND name = ?2")                                                 \
	X(CURSOR_DONE, "UPDATE cursors SET done_ms = ?3"                       \
		       " WHERE account = ?1 AND name = ?2")                    \
	X(CURSORS_LOSE_LEASE,                                                  \
	  "UPDATE cursors SET lease_until_ms = 0 WHERE account = ?1"           \
	  " AND name IN ('users', 'tickets', 'backfill')")                     \
	X(CURSOR_FULL,                                                         \
	  "UPDATE cursors SET state = 'full', moved_ms = ?3,"                  \
	  " lease_until_ms = 0, failure = NULL, woken = woken + ?4"            \
	  " WHERE account = ?1 AND name = ?2")                                 \
	X(WALK_BEGIN,                                                          \
	  "INSERT INTO cursors(account, name, state, since_ms, due_ms,"        \
	  " started_ms, total, woken_max) VALUES(?1, ?2, 'going', ?3,"         \
	  " ?4, ?4, ?5, ?6) ON CONFLICT(account, name) DO UPDATE SET"          \
	  " state = 'going', since_ms = ?3, cursor = NULL, due_ms = ?4,"       \
	  " token = cursors.token + 1, lease_until_ms = 0, started_ms ="       \
	  " ?4, moved_ms = 0, done_ms = 0, failure = NULL, total = ?5,"        \
	  " scanned = 0, found = 0, woken = 0, woken_max = ?6")                \
	X(WALK_GO_ON, "UPDATE cursors SET state = ?5, due_ms = ?3,"            \
		      " failure = NULL,"                                       \
		      " woken_max = ?4 WHERE account = ?1 AND name = ?2")      \
	X(WALK_STOP, "UPDATE cursors SET state = 'stopped', failure = NULL,"   \
		     " token = token + 1, lease_until_ms = 0"                  \
		     " WHERE account = ?1 AND name = ?2")                      \
	X(JOBS_PARK,                                                           \
	  "UPDATE jobs SET state = 2, run_at_ms = ?3 WHERE account = ?1"       \
	  " AND state = ?2 AND lane = 2 AND source = 3"                        \
	  " AND NOT EXISTS (SELECT 1 FROM journal e"                           \
	  " WHERE e.job_id = jobs.id"                                          \
	  " AND e.status IN ('pending', 'uncertain'))")                        \
	X(JOBS_UNPARK,                                                         \
	  "UPDATE jobs SET state = 0, run_at_ms = ?2 WHERE account = ?1"       \
	  " AND state = 2 AND lane = 2 AND run_at_ms >= ?3")                   \
	X(JOBS_WALKED, "SELECT count(*) FROM jobs WHERE account = ?1"          \
		       " AND state = ?2 AND lane = 2 AND source = 3")          \
	X(JOBS_CROWD, "SELECT 1 FROM jobs WHERE account = ?1 AND state = ?2"   \
		      " AND lane = ?3 LIMIT 1 OFFSET ?4")                      \
	SQL_LISTS_TABLE(X)                                                     \
	SQL_NODES_TABLE(X)                                                     \
	SQL_PEOPLE_TABLE(X)

#endif
