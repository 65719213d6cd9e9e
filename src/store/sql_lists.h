/*
 * The lists of the journal and of the reviews, with all that they are filtered
 * by; see sql.h, which includes this. Reasons are stored with commas between
 * them.
 */
#ifndef REUNITE_STORE_SQL_LISTS_H
#define REUNITE_STORE_SQL_LISTS_H

#define SQL_JOURNAL_FULL                                                       \
	"SELECT j.id, a.name, j.at_ms, j.action, j.reason, j.reasons,"         \
	" j.applied, j.status, j.evidence, j.messaging_user_id,"               \
	" j.profile_id, j.sunco_id, j.ticket_id, j.source, j.job_id,"          \
	" j.api_calls, j.note, j.decided_by, j.before_image, j.linked,"        \
	" j.outcome, j.outcome_ms, j.outcome_user, j.review_id"                \
	" FROM journal j JOIN accounts a ON a.id = j.account"

#define SQL_JOURNAL_FILTER                                                     \
	" (CAST(?1 AS INTEGER) IS NULL OR j.account = ?1)"                     \
	" AND (CAST(?2 AS TEXT) IS NULL OR j.action = ?2)"                     \
	" AND j.at_ms >= ?3 AND j.id > ?4"                                     \
	" AND (CAST(?6 AS INTEGER) IS NULL OR j.source = ?6)"                  \
	" AND (CAST(?7 AS TEXT) IS NULL OR j.reason = ?7 OR" SQL_IS_AMONG(     \
		"j.reasons",                                                   \
		"?7") ")"                                                      \
		      " AND (CAST(?8 AS INTEGER) IS NULL OR j.ticket_id = ?8)"

#define SQL_IS_AMONG(list, code)                                               \
	" replace(',' || " list " || ',', ',' || " code " || ',', '')"         \
	" <> ',' || " list " || ','"

#define SQL_REVIEW_FULL                                                        \
	"SELECT r.id, a.name, r.state, r.job_id, r.journal_id, r.intended,"    \
	" r.reasons, r.evidence, r.messaging_user_id, r.profile_id,"           \
	" r.sunco_id, r.ticket_id, r.address_hash, r.facts_hash, r.facts,"     \
	" r.created_ms, r.expires_ms, r.attached, r.closed_ms, r.decided_by,"  \
	" e.source, e.api_calls, r.pin"                                        \
	" FROM reviews r JOIN accounts a ON a.id = r.account"                  \
	" LEFT JOIN journal e ON e.id = r.journal_id"

#define SQL_LISTS_TABLE(X)                                                     \
	X(JOURNAL_LIST, SQL_JOURNAL_FULL " WHERE" SQL_JOURNAL_FILTER           \
					 " ORDER BY j.id LIMIT ?5")            \
	X(JOURNAL_OF_JOB, SQL_JOURNAL_FULL                                     \
	  " WHERE j.job_id = ?9 AND" SQL_JOURNAL_FILTER                        \
	  " AND (CAST(?10 AS INTEGER) IS NULL OR j.messaging_user_id = ?10"    \
	  " OR j.profile_id = ?10) ORDER BY j.id LIMIT ?5")                    \
	X(JOURNAL_OF_USER, SQL_JOURNAL_FULL                                    \
	  " WHERE (j.messaging_user_id = ?9 OR j.profile_id = ?9) "            \
	  "AND" SQL_JOURNAL_FILTER " ORDER BY j.id LIMIT ?5")                  \
	X(REVIEWS_LIST, SQL_REVIEW_FULL                                        \
	  " WHERE (CAST(?1 AS INTEGER) IS NULL OR r.account = ?1)"             \
	  " AND (CAST(?2 AS INTEGER) < 0 OR r.state = ?2) AND r.id > ?3"       \
	  " AND r.created_ms >= ?5"                                            \
	  " AND (CAST(?6 AS TEXT) IS NULL OR" SQL_IS_AMONG(                    \
		  "r.reasons", "?6") ")"                                       \
				     " ORDER BY r.id LIMIT ?4")

#endif
