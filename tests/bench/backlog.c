/*
 * A backlog for the benchmark of jobs: so many people of crowd.h have begun a
 * conversation, and nobody has looked yet. Through the store's own intake, a
 * batch a transaction, into a store that no daemon serves.
 *
 * usage: bench_backlog STORE_URL ACCOUNT COUNT
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crowd.h"
#include "store/store.h"

#define BATCH	256
#define WAIT_MS (INT64_C(24) * 3600 * 1000)

static void make_event(int64_t n, int64_t now_ms, struct event *e)
{
	memset(e, 0, sizeof(*e));
	e->kind = EVENT_CONVERSATION_CREATE;
	e->source = EVENT_FROM_SUNCO;
	e->at_ms = now_ms;
	e->zendesk_user_id = crowd_messaging_user(n);
	e->key.len = 12;
	snprintf((char *)e->key.bytes, sizeof(e->key.bytes), "%011" PRIx64,
		 (uint64_t)n);
	crowd_sunco_id(n, e->sunco_id);
	snprintf(e->conversation_id, sizeof(e->conversation_id),
		 "6d%022" PRIx64, (uint64_t)n);
}

/* As old as if they had come in the order of their numbers, a millisecond
 * apart. */
static bool fill(struct store *s, const char *account, int64_t from,
		 size_t count, int64_t now_ms)
{
	struct event events[BATCH];
	struct store_op ops[BATCH], *list[BATCH];
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		make_event(from + (int64_t)i, now_ms + (int64_t)i, &events[i]);
		store_op_init(&ops[i], STORE_ACCEPT);
		ops[i].u.accept = (struct store_accept){
			.account = account,
			.events = &events[i],
			.count = 1,
			.now_ms = now_ms + (int64_t)i,
			.wait_ms = WAIT_MS,
		};
		list[i] = &ops[i];
	}
	store_run(s, list, count);
	for (size_t i = 0; i < count; i++) {
		ok = ok && ops[i].result == RESULT_OK;
		if (ops[i].result != RESULT_OK && i == 0)
			fprintf(stderr, "%s\n", ops[i].error.text);
		store_op_release(&ops[i]);
	}
	return ok;
}

int main(int argc, char **argv)
{
	int64_t count = argc == 4 ? atoll(argv[3]) : 0;
	int64_t now_ms = clock_wall_ms() - count;
	struct store *s;
	struct error err;
	bool ok = true;

	if (count <= 0)
		return 2;
	if (store_open(&s, argv[1], STORE_SERVE, now_ms, &err) != RESULT_OK) {
		fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	for (int64_t n = 0; n < count && ok; n += BATCH) {
		size_t some = count - n < BATCH ? (size_t)(count - n) : BATCH;

		ok = fill(s, argv[2], n, some, now_ms + n);
		if (n / BATCH % 64 == 0)
			(void)store_checkpoint(s);
	}
	(void)store_checkpoint(s);
	store_close(s);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
