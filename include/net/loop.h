/*
 * The event loop: libevent behind a small contract.
 *
 * One loop, one thread: everything here is called on it, except loop_post()
 * and loop_stop(), which any thread may call. Callbacks never run from inside
 * the call that arms them.
 */
#ifndef REUNITE_NET_LOOP_H
#define REUNITE_NET_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct event_base;
typedef void loop_fn(void *arg);

/* Aborts when there is no descriptor left. Ignores SIGPIPE from then on. */
struct loop *loop_new(void);
/* Runs what is deferred and posted first; nobody may post any more. */
void loop_free(struct loop *l);
/* Until loop_stop(), which may come before: then it returns at once. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
struct event_base *loop_base(struct loop *l); /* for http_server only */
/* Monotonic, read once in each turn; and the wall clock likewise. */
int64_t loop_now_ms(const struct loop *l);
int64_t loop_wall_ms(const struct loop *l);
/* clock_boot_ms(), read just before the wall clock. */
int64_t loop_boot_ms(const struct loop *l);
/* From the next reading on loop_wall_ms() is loop_boot_ms() plus so much,
 * whatever the machine's clock says, and nobody's steps are told. */
void loop_set_wall(struct loop *l, int64_t ahead_ms);
/* Somebody set the machine's clock, by so much. */
#define LOOP_STEP_MS 1000 /* less is no step */
typedef void loop_step_fn(int64_t by_ms, void *arg);
/* While the loop runs, loop_wall_ms() goes with the monotonic clock from
 * now on; it takes a step over between two turns, and fn is the first to see
 * the new time. A turn that asks for no time notices none. fn
 * NULL: steps are nobody's business again. */
void loop_on_step(struct loop *l, loop_step_fn *fn, void *arg);

/* Runs fn after the current callback, before the loop sleeps again. */
void loop_defer(struct loop *l, loop_fn *fn, void *arg);
/* The same from any thread; wakes the loop. In order per thread. */
void loop_post(struct loop *l, loop_fn *fn, void *arg);

/* One-shot timer, never early by loop_now_ms(); setting it again moves it. */
struct loop_timer;
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg);
void loop_timer_set(struct loop_timer *t, int64_t delay_ms);
void loop_timer_clear(struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is allowed */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
struct loop_io;
typedef void loop_io_fn(int fd, int what, void *arg);
struct loop_io *loop_io_new(struct loop *l, int fd, int what, loop_io_fn *fn,
			    void *arg); /* persistent */
/* From now on this; 0: nothing. Costs nothing when nothing changes. */
void loop_io_watch(struct loop_io *io, int what);
void loop_io_free(struct loop_io *io);

struct loop_signal;
struct loop_signal *loop_signal_new(struct loop *l, int signo, loop_fn *fn,
				    void *arg);
void loop_signal_free(struct loop_signal *s);

#endif
