/*
 * The statements about people: what is remembered of them, who had an
 * address, forgetting, retention; see sql.h, which includes this.
 */
#ifndef REUNITE_STORE_SQL_PEOPLE_H
#define REUNITE_STORE_SQL_PEOPLE_H

#define SQL_PEOPLE_TABLE(X)                                                    \
	/* people */                                                           \
	X(REJECTED_PUT,                                                        \
	  "INSERT INTO rejected(account, sunco_id, profile_id,"                \
	  " address_hash, at_ms, decided_by) VALUES(?1, ?2, ?3, ?4, ?5,"       \
	  " ?6) ON CONFLICT DO NOTHING")                                       \
	X(REJECTED_HAS,                                                        \
	  "SELECT 1 FROM rejected WHERE account = ?1 AND sunco_id IN (?2, ?5)" \
	  " AND profile_id = ?3 AND address_hash IN (?4, ?6)"                  \
	  " LIMIT 1")                                                          \
	X(REJECTED_COPY,                                                       \
	  "INSERT INTO rejected(account, sunco_id, profile_id,"                \
	  " address_hash, at_ms, decided_by) SELECT account, ?3,"              \
	  " profile_id, address_hash, at_ms, decided_by FROM rejected"         \
	  " WHERE account = ?1 AND sunco_id = ?2 ON CONFLICT DO NOTHING")      \
	X(REJECTED_MOVE,                                                       \
	  "INSERT INTO rejected(account, sunco_id, profile_id,"                \
	  " address_hash, at_ms, decided_by) SELECT account, sunco_id,"        \
	  " CAST(?3 AS INTEGER), address_hash, at_ms, decided_by FROM"         \
	  " rejected WHERE account = ?1 AND profile_id BETWEEN ?2 AND"         \
	  " ?2 ON CONFLICT DO NOTHING")                                        \
	X(LINK_GET, "SELECT zendesk_user_id, print, checked_ms FROM links"     \
		    " WHERE account = ?1 AND sunco_id = ?2")                   \
	X(LINK_PUT,                                                            \
	  "INSERT INTO links(account, sunco_id, zendesk_user_id, print,"       \
	  " checked_ms) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(account,"       \
	  " sunco_id) DO UPDATE SET zendesk_user_id = ?3, print = ?4,"         \
	  " checked_ms = ?5")                                                  \
	X(LINK_DELETE, "DELETE FROM links WHERE account = ?1"                  \
		       " AND sunco_id = ?2")                                   \
	X(LINK_FRESH,                                                          \
	  "SELECT sunco_id FROM links WHERE account = ?1 AND"                  \
	  " zendesk_user_id BETWEEN ?2 AND ?2 AND +checked_ms > ?3"            \
	  " LIMIT 1")                                                          \
	X(LINKS_MOVE, "UPDATE links SET zendesk_user_id = ?3"                  \
		      " WHERE account = ?1 AND zendesk_user_id = ?2")          \
	X(ALIAS_GET, "SELECT to_id FROM aliases WHERE account = ?1"            \
		     " AND from_id = ?2")                                      \
	X(ALIAS_ENDED_IN, "SELECT 1 FROM aliases WHERE account = ?1"           \
			  " AND to_id = ?2 LIMIT 1")                           \
	X(MERGE_OPEN, "SELECT 1 FROM journal WHERE messaging_user_id = ?2"     \
		      " AND account = ?1 AND action = 'merge'"                 \
		      " AND status IN ('pending', 'uncertain') LIMIT 1")       \
	X(ALIAS_PUT,                                                           \
	  "INSERT INTO aliases(account, from_id, to_id, at_ms)"                \
	  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(account, from_id) DO"           \
	  " UPDATE SET to_id = ?3, at_ms = ?4")                                \
	X(ALIAS_FLATTEN, "UPDATE aliases SET to_id = ?3 WHERE account = ?1"    \
			 " AND to_id = ?2")                                    \
	X(LINKS_OF_ZENDESK,                                                    \
	  "SELECT sunco_id FROM links WHERE account = ?1 AND"                  \
	  " zendesk_user_id = ?2 LIMIT ?3")                                    \
	X(SUNCO_MERGE_PUT,                                                     \
	  "INSERT INTO sunco_merges(account, from_id, to_id, at_ms)"           \
	  " VALUES(?1, ?2, ?3, ?4) ON CONFLICT(account, from_id) DO"           \
	  " UPDATE SET to_id = ?3, at_ms = ?4")                                \
	X(SUNCO_MERGE_GET, "SELECT to_id FROM sunco_merges WHERE account = ?1" \
			   " AND from_id = ?2 AND at_ms > ?3")                 \
	X(SUNCO_MERGE_ERASE, "DELETE FROM sunco_merges WHERE account = ?1"     \
			     " AND from_id = ?2")                              \
	X(SUNCO_MERGES_ERASE,                                                  \
	  "DELETE FROM sunco_merges WHERE account = ?1 AND from_id IN"         \
	  " (SELECT from_id FROM sunco_merges WHERE account = ?1 AND"          \
	  " to_id = ?2)")                                                      \
	/* addresses */                                                        \
	X(ADDRESS_GET, "SELECT proven, seen_ms, lost_ms, at_ms"                \
		       " FROM addresses WHERE account = ?1"                    \
		       " AND address_hash = ?2 AND zendesk_user_id = ?3")      \
	X(ADDRESS_PUT,                                                         \
	  "INSERT INTO addresses(account, address_hash,"                       \
	  " zendesk_user_id, proven, seen_ms, lost_ms, at_ms)"                 \
	  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(account,"           \
	  " address_hash, zendesk_user_id) DO UPDATE SET proven = ?4,"         \
	  " seen_ms = ?5, lost_ms = ?6, at_ms = ?7")                           \
	X(ADDRESS_OWNERS,                                                      \
	  "SELECT zendesk_user_id, proven, seen_ms, lost_ms, at_ms"            \
	  " FROM addresses WHERE account = ?1 AND address_hash = ?2"           \
	  " LIMIT ?3")                                                         \
	X(ADDRESSES_OF_USER,                                                   \
	  "SELECT address_hash, proven, seen_ms, lost_ms, at_ms FROM"          \
	  " addresses WHERE account = ?1 AND zendesk_user_id BETWEEN ?2"       \
	  " AND ?2")                                                           \
	X(ADDRESSES_ERASE,                                                     \
	  "DELETE FROM addresses WHERE account = ?1 AND zendesk_user_id"       \
	  " = ?2")                                                             \
	/* forgetting: the FIND ones walk, in a command's own handle */        \
	X(FIND_OWNERS, "SELECT zendesk_user_id FROM addresses"                 \
		       " WHERE account = ?1 AND address_hash = ?2")            \
	X(FIND_ABSORBED, "SELECT from_id FROM aliases"                         \
			 " WHERE account = ?1 AND to_id = ?2")                 \
	X(FIND_LINKS, "SELECT sunco_id FROM links"                             \
		      " WHERE account = ?1 AND zendesk_user_id = ?2")          \
	X(FIND_LINKED, "SELECT count(*) FROM links"                            \
		       " WHERE account = ?1 AND sunco_id = ?2")                \
	X(FIND_JOBS, "SELECT person FROM jobs WHERE account = ?1"              \
		     " AND zendesk_user_id = ?2 AND person LIKE 's:%'")        \
	X(FIND_REVIEWS_USER,                                                   \
	  "SELECT id FROM reviews WHERE account = ?1"                          \
	  " AND (messaging_user_id = ?2 OR profile_id = ?2)")                  \
	X(FIND_REVIEWS_ADDRESS,                                                \
	  "SELECT id FROM reviews WHERE account = ?1 AND (address_hash"        \
	  " = ?2 OR replace(lower(facts), ?3, '') <> lower(facts))")           \
	X(FIND_ENTRIES_USER,                                                   \
	  "SELECT id FROM journal WHERE account = ?1"                          \
	  " AND (messaging_user_id = ?2 OR profile_id = ?2)")                  \
	X(FIND_ENTRIES_SUNCO, "SELECT id FROM journal WHERE account = ?1"      \
			      " AND sunco_id = ?2")                            \
	X(FIND_ENTRIES_ADDRESS,                                                \
	  "SELECT id FROM journal WHERE account = ?1 AND before_image"         \
	  " IS NOT NULL AND replace(lower(before_image), ?2, '') <>"           \
	  " lower(before_image)")                                              \
	X(FORGET_ENTRY, "UPDATE journal SET before_image = NULL,"              \
			" sunco_id = NULL WHERE id = ?1")                      \
	X(FORGET_OF_JOB, "UPDATE journal SET before_image = NULL,"             \
			 " sunco_id = NULL WHERE job_id = ?1")                 \
	X(FORGET_PAIRS_SUNCO, "DELETE FROM rejected WHERE account = ?1"        \
			      " AND sunco_id = ?2")                            \
	X(FORGET_PAIRS, "DELETE FROM rejected WHERE account = ?1"              \
			" AND profile_id = ?2")                                \
	X(FORGET_PAIRS_ADDRESS, "DELETE FROM rejected WHERE account = ?1"      \
				" AND address_hash = ?2")                      \
	X(FORGET_AGENT_MERGES,                                                 \
	  "DELETE FROM agent_merges"                                           \
	  " WHERE account = ?1 AND (user_id = ?2 OR other_id = ?2)")           \
	X(FORGET_ADDRESS, "DELETE FROM addresses"                              \
			  " WHERE account = ?1 AND address_hash = ?2")         \
	/* retention */                                                        \
	/* by the only order that there is: see op_prune.c */                  \
	X(EVENTS_UPTO,                                                         \
	  "SELECT key FROM events WHERE account = ?1 AND key > ?2"             \
	  " ORDER BY key LIMIT 1 OFFSET ?3")                                   \
	X(PRUNE_EVENTS,                                                        \
	  "DELETE FROM events WHERE account = ?1 AND key IN (SELECT key"       \
	  " FROM events WHERE account = ?1 AND key > ?2 AND key <= ?3"         \
	  " AND received_ms < ?4 LIMIT ?5)")                                   \
	X(PRUNE_JOBS, "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs"      \
		      " WHERE account = ?1 AND state = ?2 AND lane = ?3"       \
		      " AND run_at_ms < ?4 AND NOT EXISTS (SELECT 1"           \
		      " FROM journal e WHERE e.job_id = jobs.id"               \
		      " AND e.status IN ('pending', 'uncertain'))"             \
		      " ORDER BY run_at_ms LIMIT ?5)")                         \
	X(PRUNE_LOCKS,                                                         \
	  "DELETE FROM locks WHERE account = ?1 AND until_ms < ?2"             \
	  " AND NOT EXISTS (SELECT 1 FROM jobs WHERE id = locks.job_id)")      \
	X(PRUNE_IMAGES,                                                        \
	  "UPDATE journal SET before_image = NULL WHERE id IN"                 \
	  " (SELECT id FROM journal WHERE before_image IS NOT NULL"            \
	  " AND at_ms < ?1 AND status NOT IN ('pending', 'uncertain')"         \
	  " ORDER BY at_ms LIMIT ?2)")                                         \
	X(PRUNE_FACTS,                                                         \
	  "UPDATE reviews SET facts = NULL WHERE id IN"                        \
	  " (SELECT id FROM reviews WHERE state <> 0 AND facts IS NOT NULL"    \
	  " AND closed_ms < ?1 LIMIT ?2)")                                     \
	X(PRUNE_REVIEWS,                                                       \
	  "DELETE FROM reviews WHERE id IN (SELECT id FROM reviews"            \
	  " WHERE state <> 0 AND closed_ms < ?1 LIMIT ?2)")                    \
	/* when the clock is set */                                            \
	X(CLOCK_GET, "SELECT ms FROM clocks WHERE name = ?1")                  \
	X(CLOCK_PUT, "INSERT INTO clocks(name, ms) VALUES(?1, ?2) ON"          \
		     " CONFLICT(name) DO UPDATE SET ms = ?2")                  \
	X(SHIFT_JOBS,                                                          \
	  "UPDATE jobs SET created_ms = created_ms + ?2,"                      \
	  " run_at_ms = run_at_ms + ?2, deadline_ms = deadline_ms + ?2,"       \
	  " lease_until_ms = lease_until_ms + ?2, looked_ms ="                 \
	  " CASE WHEN looked_ms > 0 THEN looked_ms + ?2 ELSE 0 END,"           \
	  " read_ms = CASE WHEN read_ms > 0 THEN read_ms + ?2 ELSE 0 END"      \
	  " WHERE account = ?1 AND state = ?3")                                \
	X(SHIFT_LOCKS, "UPDATE locks SET until_ms = until_ms + ?2"             \
		       " WHERE account = ?1")                                  \
	X(SHIFT_NOTES,                                                         \
	  "UPDATE notes SET created_ms = created_ms + ?2,"                     \
	  " due_ms = due_ms + ?2 WHERE account = ?1 AND due_ms > 0"            \
	  " AND ticket_id IS NOT NULL AND outcome IS NULL")                    \
	X(SHIFT_REVIEWS, "UPDATE reviews SET expires_ms = expires_ms + ?2"     \
			 " WHERE account = ?1 AND state = 0")                  \
	X(SHIFT_RESERVED, "UPDATE reservations SET at_ms = at_ms + ?2"         \
			  " WHERE account = ?1")                               \
	X(SHIFT_CURSORS,                                                       \
	  "UPDATE cursors SET due_ms = due_ms + ?2,"                           \
	  " lease_until_ms = lease_until_ms + ?2 WHERE account = ?1")          \
	X(SHIFT_ACCOUNT,                                                       \
	  "UPDATE accounts SET oauth_expires_ms ="                             \
	  " CASE WHEN oauth_expires_ms > 0 THEN oauth_expires_ms + ?2"         \
	  " ELSE 0 END, breaker_since_ms ="                                    \
	  " CASE WHEN breaker_since_ms > 0 THEN breaker_since_ms + ?2"         \
	  " ELSE 0 END WHERE id = ?1")                                         \
	X(PRUNE_NOTES, "DELETE FROM notes WHERE id IN (SELECT id FROM notes"   \
		       " WHERE created_ms < ?1 ORDER BY created_ms LIMIT ?2)") \
	X(PRUNE_WAITING_NOTES,                                                 \
	  "DELETE FROM notes WHERE id IN (SELECT id FROM notes"                \
	  " WHERE ticket_id IS NULL AND created_ms < ?1"                       \
	  " ORDER BY created_ms LIMIT ?2)")                                    \
	/* what is under way or asked stays, however old */                    \
	X(JOURNAL_EXPIRED,                                                     \
	  "SELECT id FROM journal WHERE at_ms < ?1"                            \
	  " AND status NOT IN ('pending', 'uncertain')"                        \
	  " AND NOT EXISTS (SELECT 1 FROM reviews r"                           \
	  " WHERE r.job_id = journal.job_id AND r.journal_id = journal.id"     \
	  " AND r.state = 0) ORDER BY at_ms LIMIT ?2")                         \
	X(JOURNAL_DELETE, "DELETE FROM journal WHERE id = ?1")                 \
	X(CHANGES_DELETE, "DELETE FROM changes WHERE journal_id = ?1")         \
	X(PRUNE_LINKS,                                                         \
	  "DELETE FROM links WHERE account = ?1 AND sunco_id IN (SELECT"       \
	  " sunco_id FROM links WHERE account = ?1 AND checked_ms < ?2"        \
	  " ORDER BY checked_ms LIMIT ?3)")                                    \
	X(PRUNE_COUNTED,                                                       \
	  "DELETE FROM counted WHERE account = ?1 AND sunco_id IN"             \
	  " (SELECT sunco_id FROM counted WHERE account = ?1 AND day <"        \
	  " ?2 ORDER BY day LIMIT ?3)")                                        \
	X(PRUNE_TALLIES,                                                       \
	  "DELETE FROM tallies WHERE account = ?1 AND day < ?2")               \
	X(PRUNE_AGENT_MERGES,                                                  \
	  "DELETE FROM agent_merges WHERE account = ?1 AND user_id IN"         \
	  " (SELECT user_id FROM agent_merges WHERE account = ?1 AND"          \
	  " at_ms < ?2 ORDER BY at_ms LIMIT ?3) AND at_ms < ?2")               \
	X(PRUNE_SUNCO_MERGES,                                                  \
	  "DELETE FROM sunco_merges WHERE account = ?1 AND from_id IN"         \
	  " (SELECT from_id FROM sunco_merges WHERE account = ?1 AND"          \
	  " at_ms < ?2 ORDER BY at_ms LIMIT ?3)")                              \
	X(PRUNE_ADDRESSES,                                                     \
	  "DELETE FROM addresses WHERE account = ?1 AND (address_hash,"        \
	  " zendesk_user_id) IN (SELECT address_hash, zendesk_user_id"         \
	  " FROM addresses WHERE account = ?1 AND at_ms < ?2 ORDER BY"         \
	  " at_ms LIMIT ?3)")

#endif
