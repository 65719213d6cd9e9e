/*
 * The loop: order of deferred and posted calls, timers, descriptors, signals.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include "unit.h"

#include "base/clock.h"
#include "base/str.h"
#include "net/loop.h"

#define POSTERS	    4
#define POSTS	    5000
#define TRACE_LIMIT 16

struct trace {
	struct loop *loop;
	char text[TRACE_LIMIT + 1];
	size_t len;
};

static void trace_add(struct trace *t, char c)
{
	assert_true(t->len < TRACE_LIMIT);
	t->text[t->len++] = c;
}

static void trace_a(void *arg)
{
	trace_add(arg, 'a');
}

static void trace_b(void *arg)
{
	trace_add(arg, 'b');
}

static void trace_stop(void *arg)
{
	struct trace *t = arg;

	trace_add(t, '.');
	loop_stop(t->loop);
}

static void trace_defer_more(void *arg)
{
	struct trace *t = arg;

	trace_add(t, '(');
	loop_defer(t->loop, trace_a, t);
	loop_defer(t->loop, trace_stop, t);
	trace_add(t, ')');
}

static void deferred_run_in_order_and_not_inside(void **state)
{
	struct trace t = {.loop = loop_new()};

	(void)state;
	loop_defer(t.loop, trace_b, &t);
	assert_string_equal(t.text, "");
	loop_defer(t.loop, trace_defer_more, &t);
	loop_run(t.loop);
	assert_string_equal(t.text, "b()a.");
	loop_free(t.loop);
}

static void posted_from_the_loop_come_later(void **state)
{
	struct trace t = {.loop = loop_new()};

	(void)state;
	loop_post(t.loop, trace_a, &t);
	loop_post(t.loop, trace_b, &t);
	loop_post(t.loop, trace_defer_more, &t);
	assert_string_equal(t.text, "");
	loop_run(t.loop);
	assert_string_equal(t.text, "ab()a.");
	loop_free(t.loop);
}

static void free_runs_what_is_left(void **state)
{
	struct trace t = {.loop = loop_new()};

	(void)state;
	loop_post(t.loop, trace_defer_more, &t);
	loop_defer(t.loop, trace_b, &t);
	loop_free(t.loop);
	assert_int_equal(strlen(t.text), strlen("()ba."));
	assert_non_null(strstr(t.text, "()"));
	assert_non_null(strstr(t.text, "a."));
	assert_non_null(strchr(t.text, 'b'));
}

static void a_stop_before_run_is_kept(void **state)
{
	struct trace t = {.loop = loop_new()};

	(void)state;
	loop_stop(t.loop);
	loop_run(t.loop);
	loop_defer(t.loop, trace_stop, &t);
	loop_run(t.loop);
	assert_string_equal(t.text, ".");
	loop_free(t.loop);
}

struct forever {
	struct loop *loop;
	struct loop_timer *timer;
	bool fired;
};

static void forever_again(void *arg)
{
	struct forever *f = arg;

	if (!f->fired)
		loop_defer(f->loop, forever_again, f);
}

static void forever_fire(void *arg)
{
	struct forever *f = arg;

	f->fired = true;
	loop_stop(f->loop);
}

/* A call that defers itself again and again must not starve the rest. */
static void deferring_does_not_starve_timers(void **state)
{
	struct forever f = {.loop = loop_new()};

	(void)state;
	f.timer = loop_timer_new(f.loop, forever_fire, &f);
	loop_timer_set(f.timer, 5);
	loop_defer(f.loop, forever_again, &f);
	loop_run(f.loop);
	assert_true(f.fired);
	loop_timer_free(f.timer);
	loop_free(f.loop);
}

struct poster {
	struct loop *loop;
	pthread_t thread;
	struct inbox *inbox;
	int numbers[POSTS];
	int next; /* touched on the loop only */
};

struct inbox {
	struct poster posters[POSTERS];
	struct loop *loop;
	int total;
};

struct message {
	struct poster *from;
	int number;
};

static void inbox_take(void *arg)
{
	struct message *m = arg;
	struct inbox *in = m->from->inbox;

	assert_int_equal(m->number, m->from->next);
	m->from->next++;
	free(m);
	if (++in->total == POSTERS * POSTS)
		loop_stop(in->loop);
}

static void *poster_main(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < POSTS; i++) {
		struct message *m = xcalloc(1, sizeof(*m));

		m->from = p;
		m->number = i;
		loop_post(p->loop, inbox_take, m);
	}
	return NULL;
}

static void posts_of_threads_arrive_all_and_in_order(void **state)
{
	struct inbox *in = xcalloc(1, sizeof(*in));

	(void)state;
	in->loop = loop_new();
	for (int i = 0; i < POSTERS; i++) {
		struct poster *p = &in->posters[i];

		p->loop = in->loop;
		p->inbox = in;
		assert_int_equal(
			pthread_create(&p->thread, NULL, poster_main, p), 0);
	}
	loop_run(in->loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(in->posters[i].thread, NULL);
	assert_int_equal(in->total, POSTERS * POSTS);
	loop_free(in->loop);
	free(in);
}

static void *stop_from_thread(void *arg)
{
	loop_stop(arg);
	return NULL;
}

static void a_thread_stops_a_sleeping_loop(void **state)
{
	struct loop *l = loop_new();
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, stop_from_thread, l), 0);
	loop_run(l);
	pthread_join(thread, NULL);
	loop_free(l);
}

struct ticker {
	struct loop *loop;
	struct loop_timer *timer;
	int64_t due_ms;
	int count;
};

static void ticker_tick(void *arg)
{
	struct ticker *t = arg;

	assert_true(loop_now_ms(t->loop) >= t->due_ms);
	if (++t->count == 20) {
		loop_timer_free(t->timer); /* from inside its callback */
		loop_stop(t->loop);
		return;
	}
	t->due_ms = loop_now_ms(t->loop) + 3;
	loop_timer_set(t->timer, 3);
}

static void a_timer_is_never_early(void **state)
{
	struct ticker t = {.loop = loop_new()};

	(void)state;
	t.timer = loop_timer_new(t.loop, ticker_tick, &t);
	loop_timer_set(t.timer, 0);
	assert_int_equal(t.count, 0);
	loop_run(t.loop);
	assert_int_equal(t.count, 20);
	loop_free(t.loop);
}

static void a_timer_moves_and_clears(void **state)
{
	struct trace t = {.loop = loop_new()};
	struct loop_timer *moved = loop_timer_new(t.loop, trace_a, &t);
	struct loop_timer *cleared = loop_timer_new(t.loop, trace_b, &t);
	struct loop_timer *last = loop_timer_new(t.loop, trace_stop, &t);

	(void)state;
	loop_timer_set(moved, 60000);
	loop_timer_set(moved, 1);
	loop_timer_set(cleared, 1);
	loop_timer_clear(cleared);
	loop_timer_set(last, 10);
	loop_run(t.loop);
	assert_string_equal(t.text, "a.");
	loop_timer_free(moved);
	loop_timer_free(cleared);
	loop_timer_free(last);
	loop_timer_free(NULL);
	loop_free(t.loop);
}

/* The clock stands still in one turn and goes on in the next. */
struct clock_probe {
	struct loop *loop;
	int64_t first_ms;
	int64_t wall_ms;
};

static void clock_probe_second(void *arg)
{
	struct clock_probe *p = arg;

	assert_true(loop_now_ms(p->loop) >= p->first_ms + 5);
	assert_true(loop_wall_ms(p->loop) >= p->wall_ms);
	loop_stop(p->loop);
}

static void clock_probe_first(void *arg)
{
	struct clock_probe *p = arg;

	p->first_ms = loop_now_ms(p->loop);
	p->wall_ms = loop_wall_ms(p->loop);
	usleep(5000);
	assert_int_equal(loop_now_ms(p->loop), p->first_ms);
	loop_post(p->loop, clock_probe_second, p);
}

static void the_clock_is_read_once_a_turn(void **state)
{
	struct clock_probe p = {.loop = loop_new()};
	int64_t before_ms;

	(void)state;
	loop_post(p.loop, clock_probe_first, &p);
	loop_run(p.loop);
	before_ms = clock_mono_ms();
	assert_true(loop_now_ms(p.loop) >= before_ms);
	loop_free(p.loop);
}

struct pipes {
	struct loop *loop;
	struct loop_io *io;
	int fds[2];
	int reads;
};

static void pipes_open(struct pipes *p, loop_io_fn *fn)
{
	assert_int_equal(pipe(p->fds), 0);
	p->io = loop_io_new(p->loop, p->fds[0], LOOP_READ, fn, p);
	assert_int_equal(write(p->fds[1], "x", 1), 1);
}

static void pipes_close(struct pipes *p)
{
	loop_io_free(p->io);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void pipes_second(int fd, int what, void *arg)
{
	struct pipes *p = arg;

	assert_int_equal(fd, p->fds[0]);
	assert_int_equal(what, LOOP_READ);
	p->reads++;
	pipes_close(p);
	loop_stop(p->loop);
}

/* Closed and opened again in one turn: the number is the same, the file is
 * another one, and epoll must be told. */
static void pipes_first(int fd, int what, void *arg)
{
	struct pipes *p = arg;

	assert_int_equal(what, LOOP_READ);
	p->reads++;
	pipes_close(p);
	pipes_open(p, pipes_second);
	assert_int_equal(p->fds[0], fd);
}

static void a_reused_descriptor_is_watched(void **state)
{
	struct pipes p = {.loop = loop_new()};

	(void)state;
	pipes_open(&p, pipes_first);
	loop_run(p.loop);
	assert_int_equal(p.reads, 2);
	loop_free(p.loop);
}

static void pipes_writable(int fd, int what, void *arg)
{
	struct pipes *p = arg;

	assert_int_equal(fd, p->fds[1]);
	assert_int_equal(what, LOOP_WRITE);
	if (++p->reads == 3)
		loop_stop(p->loop);
}

static void io_is_persistent_and_says_write(void **state)
{
	struct pipes p = {.loop = loop_new()};

	(void)state;
	assert_int_equal(pipe(p.fds), 0);
	p.io = loop_io_new(p.loop, p.fds[1], LOOP_WRITE, pipes_writable, &p);
	loop_run(p.loop);
	assert_int_equal(p.reads, 3);
	pipes_close(&p);
	loop_io_free(NULL);
	loop_free(p.loop);
}

struct ends {
	struct loop *loop;
	struct loop_io *io;
	int fds[2];
	int seen[3];
	int count;
};

/* The other direction, then nothing, which ends the run. */
static void ends_ready(int fd, int what, void *arg)
{
	struct ends *e = arg;

	(void)fd;
	assert_true(e->count < (int)ARRAY_LEN(e->seen));
	e->seen[e->count++] = what;
	loop_io_watch(e->io, what == LOOP_READ ? LOOP_WRITE : 0);
}

static void what_is_watched_can_change(void **state)
{
	struct ends e = {.loop = loop_new()};
	struct trace t = {.loop = e.loop};
	struct loop_timer *end = loop_timer_new(e.loop, trace_stop, &t);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, e.fds), 0);
	assert_int_equal(write(e.fds[1], "x", 1), 1);
	e.io = loop_io_new(e.loop, e.fds[0], LOOP_READ, ends_ready, &e);
	loop_timer_set(end, 20);
	loop_run(e.loop);
	assert_int_equal(e.count, 2);
	assert_int_equal(e.seen[0], LOOP_READ);
	assert_int_equal(e.seen[1], LOOP_WRITE);
	loop_io_watch(e.io, LOOP_READ | LOOP_WRITE);
	loop_timer_set(end, 20);
	loop_run(e.loop);
	assert_int_equal(e.count, 3);
	assert_int_equal(e.seen[2], LOOP_READ | LOOP_WRITE);
	loop_timer_free(end);
	loop_io_free(e.io);
	close(e.fds[0]);
	close(e.fds[1]);
	loop_free(e.loop);
}

static void raise_usr1(void *arg)
{
	(void)arg;
	raise(SIGUSR1);
}

static void a_signal_is_a_callback(void **state)
{
	struct trace t = {.loop = loop_new()};
	struct loop_signal *s =
		loop_signal_new(t.loop, SIGUSR1, trace_stop, &t);

	(void)state;
	for (int i = 0; i < 2; i++) {
		loop_defer(t.loop, raise_usr1, NULL);
		loop_run(t.loop);
	}
	assert_string_equal(t.text, "..");
	loop_signal_free(s);
	loop_signal_free(NULL);
	loop_free(t.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deferred_run_in_order_and_not_inside),
		cmocka_unit_test(posted_from_the_loop_come_later),
		cmocka_unit_test(free_runs_what_is_left),
		cmocka_unit_test(a_stop_before_run_is_kept),
		cmocka_unit_test(deferring_does_not_starve_timers),
		cmocka_unit_test(posts_of_threads_arrive_all_and_in_order),
		cmocka_unit_test(a_thread_stops_a_sleeping_loop),
		cmocka_unit_test(a_timer_is_never_early),
		cmocka_unit_test(a_timer_moves_and_clears),
		cmocka_unit_test(the_clock_is_read_once_a_turn),
		cmocka_unit_test(a_reused_descriptor_is_watched),
		cmocka_unit_test(io_is_persistent_and_says_write),
		cmocka_unit_test(what_is_watched_can_change),
		cmocka_unit_test(a_signal_is_a_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
