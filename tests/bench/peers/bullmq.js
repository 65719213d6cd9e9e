// A queue on Redis over its socket; what comes in one turn of the event loop
// goes to it together. The event's id is the job's, so a second one adds none.
'use strict';

const {Queue} = require('bullmq');

module.exports = async (path) => {
	const queue = new Queue('events', {
		connection: {path, enableAutoPipelining: true},
		// what this peer could do without, it does without
		defaultJobOptions: {attempts: 1},
		skipMetasUpdate: true,
	});

	await queue.waitUntilReady();
	return {
		add(rows, done) {
			Promise.all(rows.map(([key, person, type, received]) =>
				queue.add(type, {person, received}, {jobId: `e-${key}`}),
			)).then(() => done(), done);
		},
	};
};
