// The best-tuned way: what came in one turn of the event loop is one
// transaction, and is answered after it.
'use strict';

module.exports = (path, prepare) => {
	const {db, insert} = require('./database.js')(path);
	const store = prepare ? prepare(db, insert) : (row) => insert.run(row);
	let waiting = [];

	const storeAll = db.transaction((batch) => {
		for (const {rows} of batch)
			for (const row of rows)
				store(row);
	}).immediate;

	function commit() {
		const batch = waiting;
		let failed;

		waiting = [];
		try {
			storeAll(batch);
		} catch (error) {
			failed = error;
		}
		for (const {done} of batch)
			done(failed);
	}

	return {
		add(rows, done) {
			if (rows.length === 0) {
				done();
				return;
			}
			if (waiting.push({rows, done}) === 1)
				setImmediate(commit);
		},
	};
};
