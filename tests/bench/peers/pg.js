// PostgreSQL over its socket, a pool of 16, prepared statements.
'use strict';

const {Pool} = require('pg');

module.exports = async (where) => {
	const [host, port, database, user] = where.split(',');
	const pool = new Pool({host, port, database, user, max: 16,
		idleTimeoutMillis: 0});

	await pool.query('CREATE TABLE IF NOT EXISTS events (key TEXT PRIMARY KEY,' +
		' person TEXT NOT NULL, type TEXT NOT NULL,' +
		' received BIGINT NOT NULL)');
	return {
		add(rows, done) {
			Promise.all(rows.map((values) => pool.query({
				name: 'add',
				text: 'INSERT INTO events VALUES ($1, $2, $3, $4)' +
					' ON CONFLICT DO NOTHING',
				values,
			}))).then(() => done(), done);
		},
	};
};
