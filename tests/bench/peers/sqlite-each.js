// The usual way: a transaction for each request.
'use strict';

module.exports = (path) => {
	const {db, insert} = require('./database.js')(path);
	const addAll = db.transaction((rows) => {
		for (const row of rows)
			insert.run(row);
	}).immediate;

	return {
		add(rows, done) {
			try {
				// one statement is a transaction by itself
				if (rows.length === 1)
					insert.run(rows[0]);
				else if (rows.length)
					addAll(rows);
			} catch (error) {
				done(error);
				return;
			}
			done();
		},
	};
};
