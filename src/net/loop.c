/*
 * The event loop over libevent's event_base.
 *
 * A turn is one event_base_loop(EVLOOP_ONCE) and then the deferred calls. The
 * clock is read at most once a turn, when it is first asked for. Calls from
 * other threads go through one mutex-protected queue and an eventfd, which is
 * written only when the queue was empty, so libevent itself needs no locks
 * and never sees another thread.
 *
 * Refuses: nothing; what cannot be set up (no descriptor, no memory) aborts,
 * since there is no daemon without its loop.
 *
 * Invariants:
 * 1. Deferred and posted calls run in the order they came, each exactly once.
 * 2. While a deferred call waits, the loop polls instead of sleeping.
 * 3. With loop_on_step(), no turn sees two wall clocks: a step is taken over
 *    behind the turn that met it.
 * 4. A timer never fires before loop_now_ms() has reached its time.
 * 5. No descriptor registered here is a duplicate of another one: the batched
 *    epoll changes below (EPOLL_USE_CHANGELIST) rely on it.
 */
#include "net/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#ifdef __SANITIZE_THREAD__
/* A batched change may remove a descriptor after it was closed, when another
 * thread has its number already. The kernel answers ENOENT, since the new one
 * is not in our set; ThreadSanitizer takes it for a race. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:epoll_ctl\n";
}
#endif

struct loop_task {
	loop_fn *fn;
	void *arg;
};

struct loop_queue {
	struct loop_task *tasks;
	size_t count;
	size_t capacity;
};

struct loop_clock {
	bool turning; /* inside loop_run(): one reading a turn is enough */
	bool fresh;   /* read in this turn already */
	int64_t boot_ms;
	int64_t mono_ms;
	int64_t wall_ms;
	bool follows; /* wall is boot and ahead_ms */
	int64_t ahead_ms;
	bool steady;	   /* somebody wants to know of steps */
	int64_t offset_ms; /* wall to monotonic, as used */
	int64_t step_ms;   /* seen in this turn; 0: none */
};

struct loop {
	struct event_base *base;
	struct loop_clock *clock; /* apart: filled through a const loop */
	loop_step_fn *on_step;
	void *step_arg;
	struct loop_queue deferred; /* filled while ... */
	struct loop_queue running;  /* ... this one is walked */
	atomic_bool stop;
	int wake_fd;
	struct event *wake;
	pthread_mutex_t mutex;
	struct loop_queue posted; /* under mutex */
	struct loop_queue draining;
};

struct loop_timer {
	struct loop *loop;
	struct event *event;
	int64_t due_ms;
	loop_fn *fn;
	void *arg;
};

struct loop_io {
	struct event *event;
	int what;
	loop_io_fn *fn;
	void *arg;
};

struct loop_signal {
	struct event *event;
	loop_fn *fn;
	void *arg;
};

static void loop_die(const char *what)
{
	log_error("loop_failed", log_str("call", what),
		  log_int("errno", errno));
	abort();
}

static struct event *loop_event(struct event_base *base, int fd, short what,
				event_callback_fn fn, void *arg)
{
	struct event *ev = event_new(base, fd, what, fn, arg);

	if (!ev)
		loop_die("event_new");
	return ev;
}

static void loop_event_add(struct event *ev, const struct timeval *after)
{
	if (event_add(ev, after) != 0)
		loop_die("event_add");
}

static void queue_push(struct loop_queue *q, loop_fn *fn, void *arg)
{
	if (q->count == q->capacity) {
		q->capacity = q->capacity ? 2 * q->capacity : 64;
		q->tasks = xrealloc(q->tasks, q->capacity * sizeof(*q->tasks));
	}
	q->tasks[q->count++] = (struct loop_task){fn, arg};
}

static void queue_swap(struct loop_queue *a, struct loop_queue *b)
{
	struct loop_queue t = *a;

	*a = *b;
	*b = t;
}

static void queue_run(struct loop_queue *q)
{
	for (size_t i = 0; i < q->count; i++)
		q->tasks[i].fn(q->tasks[i].arg);
	q->count = 0;
}

static void loop_run_deferred(struct loop *l)
{
	queue_swap(&l->deferred, &l->running);
	queue_run(&l->running);
}

/* Returns whether there were any. */
static bool loop_run_posted(struct loop *l)
{
	bool any;

	pthread_mutex_lock(&l->mutex);
	queue_swap(&l->posted, &l->draining);
	pthread_mutex_unlock(&l->mutex);
	any = l->draining.count > 0;
	queue_run(&l->draining);
	return any;
}

static void loop_wake(struct loop *l)
{
	uint64_t one = 1;

	while (write(l->wake_fd, &one, sizeof(one)) < 0) {
		if (errno == EAGAIN) /* the counter is full: awake anyway */
			return;
		if (errno != EINTR)
			loop_die("write");
	}
}

static void loop_on_wake(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;
	ssize_t n;

	(void)what;
	do
		n = read(fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
	loop_run_posted(arg);
}

static struct event_base *loop_new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		loop_die("event_config_new");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST);
	base = event_base_new_with_config(config);
	event_config_free(config);
	if (!base)
		loop_die("event_base_new");
	return base;
}

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	/* Libraries write to sockets with write(2). */
	signal(SIGPIPE, SIG_IGN);
	l->base = loop_new_base();
	l->clock = xcalloc(1, sizeof(*l->clock));
	pthread_mutex_init(&l->mutex, NULL);
	l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (l->wake_fd < 0)
		loop_die("eventfd");
	l->wake = loop_event(l->base, l->wake_fd, EV_READ | EV_PERSIST,
			     loop_on_wake, l);
	loop_event_add(l->wake, NULL);
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	while (loop_run_posted(l) || l->deferred.count > 0)
		loop_run_deferred(l);
	event_free(l->wake);
	close(l->wake_fd);
	event_base_free(l->base);
	pthread_mutex_destroy(&l->mutex);
	free(l->deferred.tasks);
	free(l->running.tasks);
	free(l->posted.tasks);
	free(l->draining.tasks);
	free(l->clock);
	free(l);
}

/* Both at the same moment, however seldom the machine lets us run. */
static void clock_read_both(struct loop_clock *c)
{
	do {
		c->boot_ms = clock_boot_ms();
		c->mono_ms = clock_mono_ms();
		c->wall_ms = clock_wall_ms();
	} while (clock_boot_ms() - c->boot_ms > LOOP_STEP_MS / 10);
}

static void loop_read_clock(struct loop_clock *c)
{
	int64_t by_ms;

	if (c->fresh)
		return;
	clock_read_both(c);
	c->fresh = c->turning;
	if (c->follows) {
		c->wall_ms = c->boot_ms + c->ahead_ms;
		return;
	}
	if (!c->steady || !c->turning)
		return;
	by_ms = c->wall_ms - c->mono_ms - c->offset_ms;
	if (by_ms < LOOP_STEP_MS && by_ms > -LOOP_STEP_MS) {
		c->offset_ms += by_ms;
		return;
	}
	c->step_ms = by_ms;
	c->wall_ms = c->mono_ms + c->offset_ms;
}

static void loop_take_step(struct loop *l)
{
	struct loop_clock *c = l->clock;
	int64_t by_ms = c->step_ms;

	if (by_ms == 0)
		return;
	c->step_ms = 0;
	c->offset_ms += by_ms;
	c->wall_ms += by_ms;
	l->on_step(by_ms, l->step_arg);
}

void loop_on_step(struct loop *l, loop_step_fn *fn, void *arg)
{
	struct loop_clock *c = l->clock;

	clock_read_both(c);
	c->offset_ms = c->wall_ms - c->mono_ms;
	c->steady = fn != NULL;
	c->step_ms = 0;
	l->on_step = fn;
	l->step_arg = arg;
}

void loop_set_wall(struct loop *l, int64_t ahead_ms)
{
	l->clock->follows = true;
	l->clock->ahead_ms = ahead_ms;
}

void loop_run(struct loop *l)
{
	l->clock->turning = true;
	while (!atomic_load(&l->stop)) {
		int flags = EVLOOP_ONCE;

		if (l->deferred.count > 0)
			flags |= EVLOOP_NONBLOCK;
		l->clock->fresh = false;
		if (event_base_loop(l->base, flags) < 0)
			loop_die("event_base_loop");
		loop_run_deferred(l);
		loop_take_step(l);
	}
	*l->clock = (struct loop_clock){.follows = l->clock->follows,
					.ahead_ms = l->clock->ahead_ms};
	atomic_store(&l->stop, false);
}

void loop_stop(struct loop *l)
{
	atomic_store(&l->stop, true);
	loop_wake(l);
}

struct event_base *loop_base(struct loop *l)
{
	return l->base;
}

int64_t loop_now_ms(const struct loop *l)
{
	loop_read_clock(l->clock);
	return l->clock->mono_ms;
}

int64_t loop_wall_ms(const struct loop *l)
{
	loop_read_clock(l->clock);
	return l->clock->wall_ms;
}

int64_t loop_boot_ms(const struct loop *l)
{
	loop_read_clock(l->clock);
	return l->clock->boot_ms;
}

void loop_defer(struct loop *l, loop_fn *fn, void *arg)
{
	queue_push(&l->deferred, fn, arg);
}

void loop_post(struct loop *l, loop_fn *fn, void *arg)
{
	bool was_empty;

	pthread_mutex_lock(&l->mutex);
	was_empty = l->posted.count == 0;
	queue_push(&l->posted, fn, arg);
	pthread_mutex_unlock(&l->mutex);
	if (was_empty)
		loop_wake(l);
}

static void timer_arm(struct loop_timer *t, int64_t delay_ms)
{
	struct timeval tv;

	if (delay_ms < 0)
		delay_ms = 0;
	tv.tv_sec = delay_ms / 1000;
	tv.tv_usec = delay_ms % 1000 * 1000;
	loop_event_add(t->event, &tv);
}

static void timer_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;
	int64_t now_ms = loop_now_ms(t->loop);

	(void)fd;
	(void)what;
	/* libevent counts with the coarse clock, some milliseconds off. */
	if (now_ms < t->due_ms)
		timer_arm(t, t->due_ms - now_ms);
	else
		t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->fn = fn;
	t->arg = arg;
	t->event = loop_event(l->base, -1, 0, timer_on_event, t);
	return t;
}

void loop_timer_set(struct loop_timer *t, int64_t delay_ms)
{
	t->due_ms = loop_now_ms(t->loop) + delay_ms;
	timer_arm(t, delay_ms);
}

void loop_timer_clear(struct loop_timer *t)
{
	event_del(t->event);
}

void loop_timer_free(struct loop_timer *t)
{
	if (!t)
		return;
	event_free(t->event);
	free(t);
}

static void io_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_io *io = arg;
	int flags = 0;

	if (what & EV_READ)
		flags |= LOOP_READ;
	if (what & EV_WRITE)
		flags |= LOOP_WRITE;
	io->fn(fd, flags, io->arg);
}

static short io_flags(int what)
{
	short flags = EV_PERSIST;

	if (what & LOOP_READ)
		flags |= EV_READ;
	if (what & LOOP_WRITE)
		flags |= EV_WRITE;
	return flags;
}

struct loop_io *loop_io_new(struct loop *l, int fd, int what, loop_io_fn *fn,
			    void *arg)
{
	struct loop_io *io = xcalloc(1, sizeof(*io));

	io->fn = fn;
	io->arg = arg;
	io->what = what;
	io->event = loop_event(l->base, fd, io_flags(what), io_on_event, io);
	loop_event_add(io->event, NULL);
	return io;
}

void loop_io_watch(struct loop_io *io, int what)
{
	struct event *ev = io->event;

	if (io->what == what)
		return;
	io->what = what;
	event_del(ev);
	if (event_assign(ev, event_get_base(ev), event_get_fd(ev),
			 io_flags(what), io_on_event, io) != 0)
		loop_die("event_assign");
	if (what)
		loop_event_add(ev, NULL);
}

void loop_io_free(struct loop_io *io)
{
	if (!io)
		return;
	event_free(io->event);
	free(io);
}

static void signal_on_event(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	(void)signo;
	(void)what;
	s->fn(s->arg);
}

struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_fn *fn,
				    void *arg)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->arg = arg;
	s->event = loop_event(l->base, signo, EV_SIGNAL | EV_PERSIST,
			      signal_on_event, s);
	loop_event_add(s->event, NULL);
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (!s)
		return;
	event_free(s->event);
	free(s);
}
