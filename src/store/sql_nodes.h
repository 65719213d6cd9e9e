/*
 * The statements about the processes that serve a store; see sql.h, which
 * includes this.
 */
#ifndef REUNITE_STORE_SQL_NODES_H
#define REUNITE_STORE_SQL_NODES_H

#define SQL_NODES_TABLE(X)                                                     \
	X(NODE_PUT, "INSERT INTO nodes(id, name, version, started_ms, "        \
		    "beat_ms, until_ms, settings) VALUES(?1, ?2, ?3, ?4, ?5, " \
		    "?6, ?7) ON CONFLICT(id) DO UPDATE SET beat_ms = ?5, "     \
		    "until_ms = ?6, settings = coalesce(?7, nodes.settings)")  \
	X(NODE_DELETE, "DELETE FROM nodes WHERE id = ?1")                      \
	X(NODES_OTHERS, "DELETE FROM nodes WHERE id <> ?1")                    \
	X(NODES_OLD, "DELETE FROM nodes WHERE until_ms < ?1")                  \
	X(NODES_ALIVE, "SELECT count(*) FROM nodes WHERE until_ms > ?1")       \
	X(NODES_LIST,                                                          \
	  "SELECT id, name, version, started_ms, beat_ms, until_ms, settings " \
	  "FROM nodes WHERE until_ms > ?1 ORDER BY started_ms, id LIMIT ?2")   \
	X(STAKE_LOCK, "SELECT id FROM accounts WHERE id = ?1" SQL_SKIP_LOCKED) \
	X(STAKES_GET, "SELECT node, need, claim, floor, floor_ms, held, "      \
		      "at_ms, zendesk_ms, sunco_ms FROM stakes WHERE account " \
		      "= ?1 ORDER BY node LIMIT ?2")                           \
	X(STAKE_PUT,                                                           \
	  "INSERT INTO stakes(account, node, need, claim, floor, floor_ms, "   \
	  "held, at_ms, zendesk_ms, sunco_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, " \
	  "?7, ?8, ?9, ?10) ON CONFLICT(account, node) DO UPDATE SET need = "  \
	  "?3, claim = ?4, floor = ?5, floor_ms = ?6, held = ?7, at_ms = ?8, " \
	  "zendesk_ms = ?9, sunco_ms = ?10")                                   \
	X(STAKES_OLD, "DELETE FROM stakes WHERE at_ms < ?1")                   \
	X(TURN_TAKE,                                                           \
	  "INSERT INTO turns(name, node, until_ms) VALUES(?1, ?2, ?3) ON "     \
	  "CONFLICT(name) DO UPDATE SET node = ?2, until_ms = ?3 WHERE "       \
	  "turns.node = ?2 OR turns.until_ms <= ?4 OR turns.until_ms > ?5")    \
	X(TURN_BACK,                                                           \
	  "UPDATE turns SET until_ms = 0 WHERE name = ?1 AND node = ?2")       \
	X(TURN_UNTIL, "SELECT until_ms FROM turns WHERE name = ?1")

#endif
