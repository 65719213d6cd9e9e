// The SQLite database of both stores on better-sqlite3: durable as ours is,
// checkpoints seldom, one B-tree for the rows and their unique key.
'use strict';

const Database = require('better-sqlite3');

module.exports = (path) => {
	const db = new Database(path);

	db.pragma('journal_mode = WAL');
	db.pragma('synchronous = FULL');
	db.pragma('cache_size = -65536');
	db.pragma('wal_autocheckpoint = 10000');
	db.exec('CREATE TABLE IF NOT EXISTS events (key TEXT PRIMARY KEY,' +
		' person TEXT NOT NULL, type TEXT NOT NULL,' +
		' received INTEGER NOT NULL) WITHOUT ROWID');
	return {db, insert: db.prepare('INSERT INTO events VALUES (?, ?, ?, ?)' +
		' ON CONFLICT DO NOTHING')};
};
