/*
 * Power failures at any moment, on a disk whose writes and syncs fail, too:
 * whatever was acknowledged is there afterwards, and the database is whole.
 * The worst of it is a sync that fails, loses what it was to write, and
 * succeeds the next time.
 *
 * REUNITE_TEST_SEED=n repeats a run.
 */
#include "contract.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "power_vfs.h"

#define ROUNDS	   40
#define STEPS	   60
#define BATCH	   6
#define EVENTS_MAX (STEPS * BATCH)
#define CALLS	   400 /* of the disk, within which it is cut */

struct day {
	struct contract_dir dir;
	struct store *writer;
	struct store *reader;
	bool acknowledged[EVENTS_MAX];
	bool at_cut[EVENTS_MAX];
	bool was_cut;
	int next;
	sqlite3 *other;
	bool looks;
};

static void on_cut(void *arg)
{
	struct day *d = arg;

	memcpy(d->at_cut, d->acknowledged, sizeof(d->at_cut));
	d->was_cut = true;
}

static struct event event_of(int n)
{
	struct event e = {.kind = EVENT_CONVERSATION_CREATE, .key.len = 2};

	e.key.bytes[0] = (uint8_t)n;
	e.key.bytes[1] = (uint8_t)(n >> 8);
	snprintf(e.sunco_id, sizeof(e.sunco_id), "p%d", n);
	return e;
}

/* True when every one of them was taken. */
static bool intake(struct day *d)
{
	struct store_op op[BATCH], *ops[BATCH];
	struct event events[BATCH];
	int n = 1 + (int)power_random(BATCH), ok = 0;

	for (int i = 0; i < n; i++) {
		events[i] = event_of(d->next + i);
		ct_accept_op(&op[i], &events[i], CT_START);
		ops[i] = &op[i];
	}
	store_run(d->writer, ops, (size_t)n);
	for (int i = 0; i < n; i++) {
		d->acknowledged[d->next + i] = op[i].result == RESULT_OK;
		ok += op[i].result == RESULT_OK;
	}
	d->next += n;
	return ok == n;
}

/* Somebody who reads keeps the log from being moved to its end. */
static void look(struct day *d)
{
	const char *sql =
		d->looks ? "COMMIT" : "BEGIN; SELECT count(*) FROM events";

	if (sqlite3_exec(d->other, sql, NULL, NULL, NULL) == SQLITE_OK)
		d->looks = !d->looks;
}

static void step(struct day *d)
{
	switch (power_random(8)) {
	case 0:
		(void)store_checkpoint(d->reader);
		break;
	case 1:
		(void)store_empty_log(d->reader);
		break;
	case 2:
		(void)store_checkpoint(d->writer);
		break;
	case 3:
		look(d);
		break;
	default:
		(void)intake(d);
	}
}

static void check(struct day *d)
{
	const bool *safe = d->was_cut ? d->at_cut : d->acknowledged;
	struct contract_dir after;
	struct store_op op;
	struct store *s;
	struct event e;

	contract_dir_make(&after);
	power_image(d->dir.path, after.path);
	power_off();
	s = contract_open_url(after.url, STORE_SERVE); /* and it is whole */
	for (int i = 0; i < d->next; i++) {
		if (!safe[i])
			continue;
		e = event_of(i);
		ct_accept_op(&op, &e, CT_START);
		assert_int_equal(store_do(s, &op), RESULT_OK);
		if (op.u.accept.duplicate != 1)
			fail_msg("event %d was acknowledged and is lost", i);
	}
	store_close(s);
	contract_dir_remove(&after);
}

static void one_day(uint32_t seed, int fail_one_in)
{
	struct day *d = xcalloc(1, sizeof(*d));

	contract_dir_make(&d->dir);
	power_on(seed);
	power.on_cut = on_cut;
	power.arg = d;
	d->writer = contract_open_url(d->dir.url, STORE_SERVE);
	d->reader = contract_open_url(d->dir.url, STORE_READ);
	(void)intake(d); /* there is an account */
	assert_int_equal(sqlite3_open(d->dir.path, &d->other), SQLITE_OK);
	power.cut_at = power.calls + 1 + power_random(CALLS);
	power.fail_one_in = fail_one_in;
	for (int i = 0; i < STEPS - 2; i++)
		step(d);
	power.fail_one_in = 0;
	/* the same handles go on */
	assert_true(intake(d));
	sqlite3_close(d->other);
	store_close(d->reader);
	store_close(d->writer);
	assert_true((fail_one_in == 0) == (power.failed == 0));
	check(d);
	contract_dir_remove(&d->dir);
	free(d);
}

static uint32_t first_seed(void)
{
	const char *env = getenv("REUNITE_TEST_SEED");
	uint32_t seed = env != NULL ? (uint32_t)strtoul(env, NULL, 10)
				    : (uint32_t)clock_mono_us();

	print_message("seed %u\n", seed);
	return seed;
}

static void what_was_acknowledged_survives_the_cut(void **state)
{
	uint32_t seed = first_seed();

	(void)state;
	for (uint32_t i = 0; i < ROUNDS; i++)
		one_day(seed + i, 0);
}

static void so_it_does_on_a_disk_that_fails(void **state)
{
	uint32_t seed = first_seed();

	(void)state;
	for (uint32_t i = 0; i < ROUNDS; i++)
		one_day(seed + i, i % 2 ? 10 : 4);
}

/* The store tells of every failure. */
static int be_quiet(void **state)
{
	(void)state;
	log_setup(LOG_ERROR, LOG_TEXT, open("/dev/null", O_WRONLY | O_CLOEXEC));
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_acknowledged_survives_the_cut),
		cmocka_unit_test(so_it_does_on_a_disk_that_fails),
	};

	return cmocka_run_group_tests(tests, be_quiet, NULL);
}
