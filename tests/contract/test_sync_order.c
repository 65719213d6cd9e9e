/*
 * What kill -9 cannot show: that the sync of the log comes before the
 * acknowledgement. This program runs itself under strace; the traced half
 * accepts events through the store's threads and writes ACK to a descriptor in
 * each completion. In the trace, no ACK may stand while the log has writes
 * that no fdatasync has ended after.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/storeq.h"
#include "base/str.h"

#define EVENTS	    20
#define THREADS_MAX 64 /* threads of one traced program */

/* --- the traced half --- */

struct traced {
	struct loop *loop;
	struct storeq *q;
	struct store_op op;
	struct event event;
	int left;
};

static void submit(struct traced *t);

static void on_done(struct store_op *op, void *arg)
{
	struct traced *t = arg;

	if (op->result != RESULT_OK || write(STDOUT_FILENO, "ACK", 3) != 3)
		_exit(3);
	if (--t->left > 0)
		submit(t);
	else
		loop_stop(t->loop);
}

static void submit(struct traced *t)
{
	store_op_init(&t->op, STORE_ACCEPT);
	memset(&t->event, 0, sizeof(t->event));
	t->event.kind = EVENT_CONVERSATION_CREATE;
	t->event.key.len = 1;
	t->event.key.bytes[0] = (uint8_t)t->left;
	snprintf(t->event.sunco_id, sizeof(t->event.sunco_id), "p%d", t->left);
	t->op.u.accept.account = CT_ACCOUNT;
	t->op.u.accept.events = &t->event;
	t->op.u.accept.count = 1;
	t->op.u.accept.now_ms = CT_START;
	storeq_submit(t->q, &t->op, on_done, t);
}

static int traced_main(const char *url)
{
	struct traced t = {.left = EVENTS};
	struct store *writer, *reader;
	struct error err;

	if (store_open(&writer, url, STORE_SERVE, CT_START, &err) !=
		    RESULT_OK ||
	    store_open(&reader, url, STORE_READ, CT_START, &err) != RESULT_OK)
		return 4;
	t.loop = loop_new();
	t.q = storeq_new(t.loop, writer, reader);
	submit(&t);
	loop_run(t.loop);
	storeq_free(t.q);
	loop_free(t.loop);
	return 0;
}

/* --- reading the trace --- */

struct trace {
	bool dirty; /* the log was written, and not synced after */
	int syncs;  /* of the log, since the last ACK */
	int acks;
	long syncing[THREADS_MAX]; /* pids inside a sync of the log */
};

static long *slot_of(struct trace *t, long pid)
{
	size_t i;

	for (i = 0; i < THREADS_MAX; i++) {
		if (t->syncing[i] == pid)
			return &t->syncing[i];
	}
	return NULL;
}

static void sync_ended(struct trace *t)
{
	t->dirty = false;
	t->syncs++;
}

static void on_sync(struct trace *t, long pid, const char *line)
{
	long *slot;

	if (strstr(line, "-wal>") == NULL)
		return;
	if (strstr(line, "<unfinished") == NULL) {
		assert_non_null(strstr(line, "= 0"));
		sync_ended(t);
		return;
	}
	slot = slot_of(t, 0);
	assert_non_null(slot);
	*slot = pid;
}

static void on_resumed(struct trace *t, long pid, const char *line)
{
	long *slot = slot_of(t, pid);

	if (slot == NULL)
		return;
	*slot = 0;
	assert_non_null(strstr(line, "= 0"));
	sync_ended(t);
}

static void on_ack(struct trace *t)
{
	t->acks++;
	if (t->dirty)
		fail_msg("ACK %d came before the sync of the log", t->acks);
	if (t->syncs == 0)
		fail_msg("ACK %d came without a sync of the log", t->acks);
	t->syncs = 0;
}

static void read_line(struct trace *t, const char *line)
{
	char *rest;
	long pid = strtol(line, &rest, 10);

	if (strstr(rest, "sync resumed") != NULL)
		on_resumed(t, pid, rest);
	else if (strstr(rest, " fdatasync(") != NULL ||
		 strstr(rest, " fsync(") != NULL)
		on_sync(t, pid, rest);
	else if (strstr(rest, "write64(") != NULL &&
		 strstr(rest, "-wal>") != NULL)
		t->dirty = true;
	else if (strstr(rest, "\"ACK\"") != NULL)
		on_ack(t);
}

static void read_trace(struct trace *t, const char *path)
{
	char line[1024];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		read_line(t, line);
	fclose(f);
}

static int run_traced(const char *self, const char *trace, const char *url)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		/* The leak checker cannot be traced. */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(126);
		execlp("strace", "strace", "-f", "-y", "-s", "8", "-e",
		       "trace=fdatasync,fsync,pwrite64,write", "-o", trace,
		       self, url, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static const char *own_path;

static void the_log_is_synced_before_the_answer(void **state)
{
	struct trace t = {0};
	struct contract_dir dir;
	char trace[128];
	int code;

	(void)state;
	contract_dir_make(&dir);
	snprintf(trace, sizeof(trace), "%s/trace", dir.dir);
	code = run_traced(own_path, trace, dir.url);
	if (code == 127 || code == 1) {
		print_message("skipped: strace is missing or may not trace\n");
		contract_dir_remove(&dir);
		skip();
	}
	assert_int_equal(code, 0);
	read_trace(&t, trace);
	assert_int_equal(t.acks, EVENTS);
	contract_dir_remove(&dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_log_is_synced_before_the_answer),
	};

	own_path = argv[0];
	if (argc == 2)
		return traced_main(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
