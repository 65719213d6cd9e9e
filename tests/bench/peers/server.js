// A webhook receiver as a good team would write it with fastify: verify over
// the raw body, parse, dedupe by a unique key, store durably, then 200.
//
//   node server.js STORE WHERE      stores: sqlite-each sqlite-group bullmq pg
//
// Prints its port. What is stored of an event is one narrow row: its id, whose
// it is, its type and when it came; reunite stores a job besides.
'use strict';

const crypto = require('node:crypto');
const fastify = require('fastify');

const KEY = Buffer.from(process.env.BENCH_KEY);
const SECRET = crypto.createSecretKey(Buffer.from(process.env.BENCH_SECRET));
const TOLERANCE_MS = 300000;
const MATTERS = new Set(['conversation:create', 'user:update', 'user:merge',
	'conversation:referral', 'switchboard:passControl']);

function same(a, b) {
	return a.length === b.length && crypto.timingSafeEqual(a, b);
}

function suncoVerified(request) {
	const key = request.headers['x-api-key'];

	return key !== undefined && same(Buffer.from(key), KEY);
}

function zendeskVerified(request) {
	const stamp = request.headers['x-zendesk-webhook-signature-timestamp'];
	const given = request.headers['x-zendesk-webhook-signature'];

	if (stamp === undefined || given === undefined ||
		!(Math.abs(Date.now() - Date.parse(stamp)) < TOLERANCE_MS))
		return false;
	const mac = crypto.createHmac('sha256', SECRET)
		.update(stamp).update(request.body).digest();
	return same(Buffer.from(given, 'base64'), mac);
}

// Rows of [key, person, type, received].
function suncoRows(body) {
	const rows = [];
	const now = Date.now();

	for (const event of JSON.parse(body).events) {
		if (MATTERS.has(event.type))
			rows.push([event.id, event.payload.user.id, event.type, now]);
	}
	return rows;
}

function zendeskRows(body) {
	const data = JSON.parse(body);

	if (data.v === 1) {
		const key = crypto.createHash('sha256').update(body).digest('hex');

		return [[key, data.requester_id, 'trigger', Date.now()]];
	}
	return [[data.id, data.detail.id, data.type, Date.now()]];
}

function route(app, path, isVerified, rowsOf, store) {
	app.post(path, (request, reply) => {
		let rows;

		if (!isVerified(request)) {
			reply.code(401).send();
			return;
		}
		try {
			rows = rowsOf(request.body);
		} catch {
			reply.code(400).send();
			return;
		}
		store.add(rows, (error) => {
			if (error)
				reply.code(503).header('Retry-After', '5').send();
			else
				reply.type('application/json')
					.send(`{"accepted":${rows.length}}`);
		});
	});
}

async function main() {
	const store = await require(`./${process.argv[2]}.js`)(process.argv[3]);
	const app = fastify({logger: false, bodyLimit: 1 << 20});

	app.removeAllContentTypeParsers();
	app.addContentTypeParser('application/json', {parseAs: 'buffer'},
		(request, body, done) => done(null, body));
	route(app, '/sunco', suncoVerified, suncoRows, store);
	route(app, '/zendesk', zendeskVerified, zendeskRows, store);
	await app.listen({host: '127.0.0.1', port: 0});
	console.log(app.server.address().port);
}

main();
