/*
 * Kill -9: a child accepts events and says on a pipe which are acknowledged,
 * until it is killed at a random moment. Whatever was acknowledged is there
 * after the next start, once, with its job; round after round in one store.
 *
 * REUNITE_TEST_SEED=n repeats a run.
 */
#include "contract.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define ROUNDS	   12
#define BATCH_MAX  16
#define SERIAL_MAX 1000000
#define WORD_MS	   20000

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct event event_of(uint32_t serial)
{
	struct event e;

	memset(&e, 0, sizeof(e));
	e.kind = EVENT_CONVERSATION_CREATE;
	e.key.len = 12;
	memcpy(e.key.bytes, &serial, sizeof(serial));
	snprintf(e.sunco_id, sizeof(e.sunco_id), "k%u", serial);
	return e;
}

/* One transaction of some events; tells which of them are safe. */
static void accept_batch(struct store *s, uint32_t first, size_t count, int fd)
{
	struct event events[BATCH_MAX];
	struct store_op op[BATCH_MAX], *ops[BATCH_MAX];
	uint32_t serial;
	size_t i;

	for (i = 0; i < count; i++) {
		events[i] = event_of(first + (uint32_t)i);
		ct_accept_op(&op[i], &events[i], CT_START);
		ops[i] = &op[i];
	}
	store_run(s, ops, count);
	for (i = 0; i < count; i++) {
		serial = first + (uint32_t)i;
		if (op[i].result == RESULT_OK &&
		    write(fd, &serial, sizeof(serial)) != sizeof(serial))
			_exit(4);
	}
}

static void child_main(const char *url, uint32_t first, uint32_t seed, int fd)
{
	struct store *s;
	struct error err;
	size_t n;

	if (store_open(&s, url, STORE_SERVE, CT_START, &err) != RESULT_OK) {
		fprintf(stderr, "the store does not open: %s\n", err.text);
		_exit(3);
	}
	for (;; first += (uint32_t)n) {
		n = 1 + next_random(&seed) % BATCH_MAX;
		accept_batch(s, first, n, fd);
		if (next_random(&seed) % 8 == 0)
			store_checkpoint(s);
	}
}

static void pause_ms(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&t, &t) != 0 && errno == EINTR)
		;
}

/* Everything the child managed to say; the highest serial. */
static uint32_t read_acknowledged(int fd, bool *safe, uint32_t highest)
{
	uint32_t serial;
	ssize_t n;

	while ((n = read(fd, &serial, sizeof(serial))) == sizeof(serial)) {
		assert_true(serial < SERIAL_MAX);
		safe[serial] = true;
		if (serial > highest)
			highest = serial;
	}
	assert_int_equal(n, 0);
	return highest;
}

/* Opening is interrupted, too, but on a slow machine not in every round. */
static void await_first_word(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, WORD_MS), 1);
}

static uint32_t one_round(const char *url, bool *safe, uint32_t first,
			  bool wait, uint32_t *seed)
{
	int fds[2], status;
	uint32_t highest;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fds[0]);
		child_main(url, first, *seed, fds[1]);
	}
	close(fds[1]);
	if (wait)
		await_first_word(fds[0]);
	pause_ms(5 + (long)(next_random(seed) % 60));
	assert_int_equal(kill(pid, SIGKILL), 0);
	highest = read_acknowledged(fds[0], safe, first);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status)); /* it did not give up by itself */
	return highest;
}

/* How often each person has a job. */
static void count_jobs(struct store *s, unsigned char *jobs)
{
	int64_t after = 0;
	struct store_op op;
	size_t i, n;

	do {
		store_op_init(&op, STORE_JOBS);
		op.u.jobs.after_id = after;
		assert_int_equal(store_do(s, &op), RESULT_OK);
		n = op.u.jobs.count;
		for (i = 0; i < n; i++) {
			const struct job *job = &op.u.jobs.jobs[i];
			unsigned long serial =
				strtoul(job->sunco_id + 1, NULL, 10);

			assert_int_equal(job->state, JOB_READY);
			assert_true(serial < SERIAL_MAX);
			jobs[serial]++;
			after = job->id;
		}
		store_op_release(&op);
	} while (n > 0);
}

static void check(const char *url, const bool *safe, uint32_t highest)
{
	struct store *s = contract_open_url(url, STORE_SERVE);
	unsigned char *jobs = xcalloc(SERIAL_MAX, 1);
	struct store_op op;
	struct event e;
	uint32_t i;

	count_jobs(s, jobs);
	for (i = 0; i <= highest; i++) {
		assert_true(jobs[i] <= 1);
		if (!safe[i])
			continue;
		if (jobs[i] != 1)
			fail_msg("event %u was acknowledged and has no job", i);
		e = event_of(i);
		ct_accept_op(&op, &e, CT_START);
		assert_int_equal(store_do(s, &op), RESULT_OK);
		assert_int_equal(op.u.accept.duplicate, 1);
	}
	store_close(s);
	free(jobs);
}

static void acknowledged_is_durable(void **state)
{
	const char *env = getenv("REUNITE_TEST_SEED");
	uint32_t seed = env != NULL ? (uint32_t)strtoul(env, NULL, 10)
				    : (uint32_t)clock_mono_us();
	bool *safe = xcalloc(SERIAL_MAX, sizeof(*safe));
	uint32_t first = 1, i, count = 0;
	struct contract_dir dir;
	int round;

	(void)state;
	print_message("seed %u\n", seed);
	contract_dir_make(&dir);
	for (round = 0; round < ROUNDS; round++)
		first = one_round(dir.url, safe, first, round % 2, &seed) +
			BATCH_MAX;
	check(dir.url, safe, first);
	for (i = 0; i < SERIAL_MAX; i++)
		count += safe[i];
	print_message("%u events acknowledged\n", count);
	assert_true(count > 0);
	contract_dir_remove(&dir);
	free(safe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledged_is_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
