/*
 * The schema, step by step; see migrate.h.
 *
 * Conventions of the tables: times are milliseconds since the epoch; ids of
 * Zendesk are integers and NULL when unknown; what is an enum in the code and
 * hot in the database (state, lane, kind, source) is its number, which never
 * changes; everything else (action, reason, evidence, status) is its name.
 * Accounts have small numbers, because every row and every index carries one.
 */
#include "migrate.h"

#include <stdio.h>
#include <string.h>

#include "base/crashpoint.h"
#include "base/str.h"

static const char *const step_1[] = {
	"CREATE TABLE meta("
	" name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",

	"CREATE TABLE accounts("
	" id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE,"
	" paused INTEGER NOT NULL DEFAULT 0,"
	" hold TEXT,"
	" oauth_token TEXT,"
	" oauth_expires_ms INTEGER NOT NULL DEFAULT 0,"
	" sunco_webhook_ms INTEGER NOT NULL DEFAULT 0,"
	" zendesk_webhook_ms INTEGER NOT NULL DEFAULT 0)",

	/* The hottest table: one narrow row an event, nothing points at it. */
	"CREATE TABLE events("
	" account INTEGER NOT NULL,"
	" key BLOB NOT NULL,"
	" received_ms INTEGER NOT NULL,"
	" kind INTEGER NOT NULL,"
	" PRIMARY KEY(account, key)) WITHOUT ROWID",
	"CREATE INDEX events_received ON events(account, received_ms)",

	/* rests_on: the review that a job in state review waits for.
	 * erase: the person is gone; the row goes when its run ends. */
	"CREATE TABLE jobs("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" person TEXT NOT NULL,"
	" state INTEGER NOT NULL,"
	" lane INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL,"
	" run_at_ms INTEGER NOT NULL,"
	" deadline_ms INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" gen INTEGER NOT NULL DEFAULT 1,"
	" token INTEGER NOT NULL DEFAULT 0,"
	" lease_until_ms INTEGER NOT NULL DEFAULT 0,"
	" zendesk_user_id INTEGER,"
	" ticket_id INTEGER,"
	" conversation_id TEXT,"
	" source INTEGER NOT NULL,"
	" review_id INTEGER NOT NULL DEFAULT 0,"
	" rests_on INTEGER,"
	" erase INTEGER NOT NULL DEFAULT 0,"
	" progress TEXT,"
	" last_error TEXT)",
	"CREATE UNIQUE INDEX jobs_person ON jobs(account, person)",
	/* Claims, gauges, lists by state and retention all use this one. */
	"CREATE INDEX jobs_due ON jobs(account, state, lane, run_at_ms)",
	"CREATE INDEX jobs_zendesk ON jobs(account, zendesk_user_id)"
	" WHERE zendesk_user_id IS NOT NULL",
	"CREATE INDEX jobs_conversation ON jobs(account, conversation_id)"
	" WHERE conversation_id IS NOT NULL AND state = 2",
	"CREATE INDEX jobs_rests ON jobs(rests_on) WHERE rests_on IS NOT NULL",

	"CREATE TABLE locks("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" zendesk_user_id INTEGER NOT NULL,"
	" job_id INTEGER NOT NULL,"
	" token INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, zendesk_user_id)) WITHOUT ROWID",
	"CREATE INDEX locks_job ON locks(job_id)",

	"CREATE TABLE journal("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" at_ms INTEGER NOT NULL,"
	" action TEXT NOT NULL,"
	" reason TEXT NOT NULL,"
	" reasons TEXT NOT NULL,"
	" applied INTEGER NOT NULL,"
	" status TEXT NOT NULL,"
	" evidence TEXT NOT NULL,"
	" messaging_user_id INTEGER,"
	" profile_id INTEGER,"
	" sunco_id TEXT,"
	" ticket_id INTEGER,"
	" source INTEGER NOT NULL,"
	" job_id INTEGER NOT NULL,"
	" api_calls INTEGER NOT NULL,"
	" note TEXT,"
	" decided_by TEXT,"
	" before_image TEXT)",
	"CREATE INDEX journal_at ON journal(at_ms)",
	"CREATE INDEX journal_job ON journal(job_id)",
	/* A job's saga under way; few at any time. */
	"CREATE INDEX journal_open ON journal(job_id)"
	" WHERE status IN ('pending', 'uncertain')",
	"CREATE INDEX journal_user ON journal(messaging_user_id)"
	" WHERE messaging_user_id IS NOT NULL",
	"CREATE INDEX journal_profile ON journal(profile_id)"
	" WHERE profile_id IS NOT NULL",
	"CREATE INDEX journal_sunco ON journal(account, sunco_id)"
	" WHERE sunco_id IS NOT NULL",
	"CREATE INDEX journal_image ON journal(at_ms)"
	" WHERE before_image IS NOT NULL",

	/* The breaker's places: merges and adopts of the last day. */
	"CREATE TABLE reservations("
	" journal_id INTEGER PRIMARY KEY,"
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" profile_id INTEGER,"
	" at_ms INTEGER NOT NULL)",
	"CREATE INDEX reservations_at ON reservations(account, at_ms)",
	"CREATE INDEX reservations_profile"
	" ON reservations(account, profile_id, at_ms)"
	" WHERE profile_id IS NOT NULL",

	/* profile_id 0: an adopt. closed_ms: decided or expired. */
	"CREATE TABLE reviews("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" state INTEGER NOT NULL,"
	" job_id INTEGER NOT NULL,"
	" journal_id INTEGER NOT NULL,"
	" intended TEXT NOT NULL,"
	" reasons TEXT NOT NULL,"
	" evidence TEXT NOT NULL,"
	" messaging_user_id INTEGER NOT NULL,"
	" profile_id INTEGER NOT NULL,"
	" sunco_id TEXT,"
	" ticket_id INTEGER,"
	" address_hash BLOB NOT NULL,"
	" facts_hash BLOB NOT NULL,"
	" facts TEXT,"
	" created_ms INTEGER NOT NULL,"
	" expires_ms INTEGER NOT NULL,"
	" attached INTEGER NOT NULL DEFAULT 0,"
	" closed_ms INTEGER NOT NULL DEFAULT 0,"
	" decided_by TEXT)",
	"CREATE UNIQUE INDEX reviews_profile ON reviews(account, profile_id)"
	" WHERE state = 0 AND profile_id <> 0",
	"CREATE UNIQUE INDEX reviews_user"
	" ON reviews(account, messaging_user_id)"
	" WHERE state = 0 AND profile_id = 0",
	"CREATE INDEX reviews_job ON reviews(job_id)",
	"CREATE INDEX reviews_sunco ON reviews(account, sunco_id)"
	" WHERE sunco_id IS NOT NULL",
	"CREATE INDEX reviews_oldest ON reviews(account, created_ms)"
	" WHERE state = 0",
	"CREATE INDEX reviews_expiry ON reviews(expires_ms) WHERE state = 0",
	"CREATE INDEX reviews_closed ON reviews(closed_ms) WHERE state <> 0",
	"CREATE INDEX reviews_facts ON reviews(closed_ms)"
	" WHERE state <> 0 AND facts IS NOT NULL",

	/* Pairs that a person said are not the same. profile_id 0: adopt. */
	"CREATE TABLE rejected("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" sunco_id TEXT NOT NULL,"
	" profile_id INTEGER NOT NULL,"
	" address_hash BLOB NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" decided_by TEXT,"
	" PRIMARY KEY(account, sunco_id, profile_id, address_hash))"
	" WITHOUT ROWID",

	"CREATE TABLE links("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" sunco_id TEXT NOT NULL,"
	" zendesk_user_id INTEGER NOT NULL,"
	" print BLOB,"
	" checked_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, sunco_id)) WITHOUT ROWID",
	"CREATE INDEX links_zendesk ON links(account, zendesk_user_id)",
	"CREATE INDEX links_checked ON links(account, checked_ms)",

	/* Merged user -> survivor; kept flat: to_id is never a from_id. */
	"CREATE TABLE aliases("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" from_id INTEGER NOT NULL,"
	" to_id INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, from_id)) WITHOUT ROWID",
	"CREATE INDEX aliases_to ON aliases(account, to_id)",

	"CREATE TABLE schema_version(version INTEGER NOT NULL)",
	"INSERT INTO schema_version(version) VALUES(0)",
	NULL,
};

static const char *const step_2[] = {
	/* When the last run ended: messages hasten a wait only so often. */
	"ALTER TABLE jobs ADD COLUMN looked_ms INTEGER NOT NULL DEFAULT 0",
	NULL,
};

static const char *const step_3[] = {
	/* Who had an address, by its keyed hash; see core/owner.h. at_ms: the
	 * time of the last word about it, by its own clock. */
	"CREATE TABLE addresses("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" address_hash BLOB NOT NULL,"
	" zendesk_user_id INTEGER NOT NULL,"
	" proven INTEGER NOT NULL,"
	" seen_ms INTEGER NOT NULL,"
	" lost_ms INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, address_hash, zendesk_user_id)) WITHOUT ROWID",
	"CREATE INDEX addresses_user ON addresses(account, zendesk_user_id)",
	"CREATE INDEX addresses_at ON addresses(account, at_ms)",

	/* What agents are told on tickets: an outbox, and what came of it
	 * (outcome; NULL: still to be told). Without a ticket it waits for the
	 * job to learn it. A lease moves due_ms to its end. unsure: it may
	 * have been sent. */
	"CREATE TABLE notes("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" job_id INTEGER NOT NULL,"
	" journal_id INTEGER NOT NULL,"
	" ticket_id INTEGER,"
	" created_ms INTEGER NOT NULL,"
	" due_ms INTEGER NOT NULL,"
	" token INTEGER NOT NULL DEFAULT 0,"
	" unsure INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" outcome TEXT)",
	"CREATE UNIQUE INDEX notes_once ON notes(journal_id, ticket_id)",
	"CREATE INDEX notes_due ON notes(account, due_ms)"
	" WHERE ticket_id IS NOT NULL AND outcome IS NULL",
	"CREATE INDEX notes_job ON notes(job_id, ticket_id)",
	"CREATE INDEX notes_ticket ON notes(account, ticket_id)"
	" WHERE ticket_id IS NOT NULL",
	"CREATE INDEX notes_created ON notes(created_ms)",
	"CREATE INDEX notes_waiting ON notes(created_ms)"
	" WHERE ticket_id IS NULL",

	/* The SunCo user that the person went on as, while the job is busy. */
	"ALTER TABLE jobs ADD COLUMN moves_to TEXT",
	"CREATE INDEX jobs_moves ON jobs(account, moves_to)"
	" WHERE moves_to IS NOT NULL",

	/* What is counted by day, for trends; day: days since the epoch, UTC.
	 * See op_tally.c for the names. */
	"CREATE TABLE tallies("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" day INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" value INTEGER NOT NULL,"
	" PRIMARY KEY(account, day, name)) WITHOUT ROWID",

	/* How each person was counted last: once a day, as last decided. */
	"CREATE TABLE counted("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" sunco_id TEXT NOT NULL,"
	" day INTEGER NOT NULL,"
	" name TEXT NOT NULL,"
	" PRIMARY KEY(account, sunco_id)) WITHOUT ROWID",
	"CREATE INDEX counted_day ON counted(account, day)",

	/* Whom agents merged with whom, either way round: which of the two
	 * survived is not always told. */
	"CREATE TABLE agent_merges("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" user_id INTEGER NOT NULL,"
	" other_id INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, user_id, other_id)) WITHOUT ROWID",
	"CREATE INDEX agent_merges_at ON agent_merges(account, at_ms)",

	/* The breaker counts places taken after this: a person closed it. */
	"ALTER TABLE accounts"
	" ADD COLUMN breaker_since_ms INTEGER NOT NULL DEFAULT 0",

	/* Who paused the account; all of it is in the journal, too. */
	"ALTER TABLE accounts"
	" ADD COLUMN paused_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE accounts ADD COLUMN paused_by TEXT",
	"ALTER TABLE accounts ADD COLUMN paused_why TEXT",

	/* linked: a bit per email_identities setting under which the decision
	 * would have linked. outcome: what the account's own agents did about
	 * it later, when that was seen, and with whom they merged the user. */
	"ALTER TABLE journal ADD COLUMN linked INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE journal ADD COLUMN outcome TEXT",
	"ALTER TABLE journal"
	" ADD COLUMN outcome_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE journal ADD COLUMN outcome_user INTEGER",
	"CREATE INDEX journal_outcome ON journal(account, outcome, outcome_ms)"
	" WHERE outcome IS NOT NULL",
	/* Merges that were only observed. */
	"CREATE INDEX journal_would ON journal(account, at_ms)"
	" WHERE action = 'merge' AND applied = 0",

	/* The review that an entry opened, decided or carried out. */
	"ALTER TABLE journal ADD COLUMN review_id INTEGER",
	/* Whether the profile would get the person's external id. */
	"ALTER TABLE reviews ADD COLUMN pin TEXT NOT NULL DEFAULT 'none'",
	/* A rejected profile that is merged away: its survivor is, too. */
	"CREATE INDEX rejected_profile ON rejected(account, profile_id)",
	NULL,
};

static const char *const step_4[] = {
	/* How far what webhooks missed was looked for ("users", "tickets"),
	 * and how far a walk over all of history came ("backfill"): one row an
	 * account and name; see store/cursor.h. state: going, done. cursor: the
	 * API's own; NULL: from since_ms on. */
	"CREATE TABLE cursors("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" name TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" since_ms INTEGER NOT NULL,"
	" cursor TEXT,"
	" due_ms INTEGER NOT NULL,"
	" token INTEGER NOT NULL DEFAULT 0,"
	" lease_until_ms INTEGER NOT NULL DEFAULT 0,"
	" started_ms INTEGER NOT NULL,"
	" moved_ms INTEGER NOT NULL DEFAULT 0,"
	" done_ms INTEGER NOT NULL DEFAULT 0,"
	" failure TEXT,"
	" total INTEGER NOT NULL DEFAULT 0,"
	" scanned INTEGER NOT NULL DEFAULT 0,"
	" found INTEGER NOT NULL DEFAULT 0,"
	" woken INTEGER NOT NULL DEFAULT 0,"
	" woken_max INTEGER NOT NULL DEFAULT 0,"
	" PRIMARY KEY(account, name)) WITHOUT ROWID",

	/* Every status that an entry of the journal had, from 1 on, when it is
	 * about something under way; an entry that is over at once has only
	 * its own. */
	"CREATE TABLE changes("
	" journal_id INTEGER NOT NULL,"
	" n INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" status TEXT NOT NULL,"
	" PRIMARY KEY(journal_id, n)) WITHOUT ROWID",
	"INSERT INTO changes(journal_id, n, at_ms, status)"
	" SELECT id, 1, at_ms, status FROM journal"
	" WHERE status IN ('pending', 'uncertain')",

	/* The newest that either source told of the person, by its own clock,
	 * and when the last look at the person that led somewhere began. */
	"ALTER TABLE jobs ADD COLUMN told_sunco_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE jobs"
	" ADD COLUMN told_zendesk_ms INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE jobs ADD COLUMN read_ms INTEGER NOT NULL DEFAULT 0",
	/* What events said while the job ran, each once, and how many of its
	 * wakes said only such: whom the conversation belongs to, and the
	 * print of the person (empty: none). */
	"ALTER TABLE jobs ADD COLUMN heard INTEGER NOT NULL DEFAULT 0",
	/* How many wakes of a job without a SunCo user only named its user. */
	"ALTER TABLE jobs ADD COLUMN named INTEGER NOT NULL DEFAULT 0",
	"CREATE TABLE heard("
	" job_id INTEGER NOT NULL,"
	" zendesk_user_id INTEGER NOT NULL,"
	" print BLOB NOT NULL,"
	" PRIMARY KEY(job_id, zendesk_user_id, print)) WITHOUT ROWID",

	/* Discarded SunCo users, for as long as their events may still be
	 * under way. */
	"CREATE TABLE sunco_merges("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" from_id TEXT NOT NULL,"
	" to_id TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, from_id)) WITHOUT ROWID",
	"CREATE INDEX sunco_merges_to ON sunco_merges(account, to_id)",
	"CREATE INDEX sunco_merges_at ON sunco_merges(account, at_ms)",

	/* Beside accounts.hold, its reason: which API, since when, in words. */
	"ALTER TABLE accounts ADD COLUMN hold_api TEXT",
	"ALTER TABLE accounts ADD COLUMN hold_text TEXT",
	"ALTER TABLE accounts"
	" ADD COLUMN hold_ms INTEGER NOT NULL DEFAULT 0",
	NULL,
};

static const char *const step_5[] = {
	/* Moments by name; meta keeps what is no number. */
	"CREATE TABLE clocks("
	" name TEXT PRIMARY KEY,"
	" ms INTEGER NOT NULL) WITHOUT ROWID",
	MIGRATE_EMBEDDED "INSERT INTO clocks(name, ms)"
			 " SELECT name, value FROM meta WHERE name <> 'key'",
	"DELETE FROM meta WHERE name <> 'key'",
	/* The last transaction of each process, where there are several; see
	 * pg_batch.c. */
	"CREATE TABLE commits("
	" id TEXT PRIMARY KEY,"
	" n INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL) WITHOUT ROWID",
	/* Whole copies of the store elsewhere, by machine and file: they keep
	 * what is erased here. */
	"CREATE TABLE backups("
	" host TEXT NOT NULL,"
	" name TEXT NOT NULL,"
	" made_ms INTEGER NOT NULL,"
	" PRIMARY KEY(host, name)) WITHOUT ROWID",

	/* Who serves the store, by a random id; until_ms: then it is gone. */
	"CREATE TABLE nodes("
	" id TEXT PRIMARY KEY,"
	" name TEXT NOT NULL,"
	" version TEXT NOT NULL,"
	" started_ms INTEGER NOT NULL,"
	" beat_ms INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL,"
	" settings TEXT) WITHOUT ROWID",
	"CREATE INDEX nodes_until ON nodes(until_ms)",
	/* Which part of an account's requests each of them takes, as of at_ms
	 * (core/stake.h), and until when an API refused it. */
	"CREATE TABLE stakes("
	" account INTEGER NOT NULL REFERENCES accounts(id),"
	" node TEXT NOT NULL,"
	" need INTEGER NOT NULL,"
	" claim INTEGER NOT NULL,"
	" floor INTEGER NOT NULL,"
	" floor_ms INTEGER NOT NULL,"
	" held INTEGER NOT NULL,"
	" at_ms INTEGER NOT NULL,"
	" zendesk_ms INTEGER NOT NULL,"
	" sunco_ms INTEGER NOT NULL,"
	" PRIMARY KEY(account, node)) WITHOUT ROWID",
	"CREATE INDEX stakes_at ON stakes(at_ms)",
	/* What one node does for all, and until when it is the one. */
	"CREATE TABLE turns("
	" name TEXT PRIMARY KEY,"
	" node TEXT NOT NULL,"
	" until_ms INTEGER NOT NULL) WITHOUT ROWID",
	/* Whose word the hold is. */
	"ALTER TABLE accounts ADD COLUMN hold_node TEXT",
	NULL,
};

static const char *const step_6[] = {
	/* Every event paid for it. Retention walks through the events. */
	"DROP INDEX events_received",
	NULL,
};

static const char *const *const steps[] = {step_1, step_2, step_3,
					   step_4, step_5, step_6};

int migrate_newest(void)
{
	return (int)ARRAY_LEN(steps);
}

enum result migrate_check(int have, bool may_migrate, struct error *err)
{
	if (have > migrate_newest())
		return error_set(err, RESULT_PERM,
				 "the store was written by a newer version: "
				 "its schema is %d, this program knows %d",
				 have, migrate_newest());
	if (!may_migrate && have < migrate_newest())
		return error_set(err, RESULT_PERM,
				 "the store's schema is %d, this program needs "
				 "%d: start the daemon once",
				 have, migrate_newest());
	return RESULT_OK;
}

static bool is_embedded(const char *sql)
{
	return strncmp(sql, MIGRATE_EMBEDDED, strlen(MIGRATE_EMBEDDED)) == 0;
}

static enum result run_step(const struct migrate_db *db, int version,
			    struct error *err)
{
	const char *const *sql = steps[version - 1];
	char number[64];
	enum result r = RESULT_OK;

	for (; *sql != NULL && r == RESULT_OK; sql++)
		if (!is_embedded(*sql))
			r = db->exec(db->arg, *sql, err);
		else if (db->embedded)
			r = db->exec(db->arg, *sql + strlen(MIGRATE_EMBEDDED),
				     err);
	if (r != RESULT_OK)
		return r;
	snprintf(number, sizeof(number),
		 "UPDATE schema_version SET version = %d", version);
	return db->exec(db->arg, number, err);
}

enum result migrate_run(const struct migrate_db *db, int have,
			struct error *err)
{
	enum result r;
	int v;

	for (v = have + 1; v <= migrate_newest(); v++) {
		r = db->exec(db->arg, db->begin, err);
		if (r != RESULT_OK)
			return r;
		r = run_step(db, v, err);
		if (have > 0) /* a new store has nothing to lose */
			CRASH_POINT("migrate_before_commit");
		if (r == RESULT_OK)
			r = db->exec(db->arg, "COMMIT", err);
		if (have > 0)
			CRASH_POINT("migrate_after_commit");
		if (r != RESULT_OK) {
			(void)db->exec(db->arg, "ROLLBACK", NULL);
			return r;
		}
	}
	return RESULT_OK;
}
