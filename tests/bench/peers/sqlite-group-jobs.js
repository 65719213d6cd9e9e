// Group commit of what reunite stores: the event's key, and one job for each
// person, which a second event refreshes and which is found when it is due.
'use strict';

function prepare(db, insert) {
	db.exec('CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY,' +
		' person TEXT NOT NULL UNIQUE, gen INTEGER NOT NULL,' +
		' due INTEGER NOT NULL);' +
		'CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due)');
	const wake = db.prepare('INSERT INTO jobs (person, gen, due)' +
		' VALUES (?, 1, ?) ON CONFLICT (person) DO UPDATE' +
		' SET gen = gen + 1');

	return (row) => {
		if (insert.run(row).changes)
			wake.run(row[1], row[3]);
	};
}

module.exports = (path) => require('./sqlite-group.js')(path, prepare);
