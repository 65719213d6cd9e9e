/*
 * Everything between the store and the APIs: queue, clients, scheduler, teller.
 *
 * The daemon puts listeners in front of it; `link --apply` and the other
 * commands that work without a daemon use it as it is. Owned by the loop
 * thread.
 */
#ifndef REUNITE_APP_ENGINE_H
#define REUNITE_APP_ENGINE_H

#include "app/config.h"
#include "app/node.h"
#include "app/scheduler.h"
#include "app/storeq.h"
#include "app/teller.h"
#include "core/remote_clock.h"

struct engine;

/* Takes the config. mode STORE_SERVE: holds the store's lock, and has a
 * scheduler if watch is not NULL; STORE_READ: for dry runs, and a store that
 * is not there yet is no error. On failure the config is still the
 * caller's. */
MUST_CHECK enum result engine_new(struct engine **out, struct loop *loop,
				  struct config *config, enum store_mode mode,
				  scheduler_watch_fn *watch, void *arg,
				  struct error *err);
void engine_free(struct engine *e);
const struct config *engine_config(const struct engine *e);
/* Takes the new configuration; runs under way keep the one they began with. */
void engine_reload(struct engine *e, struct config *config);
/* Frees configurations that no run needs any more. */
void engine_tidy(struct engine *e);
/* Known if the store has a clock of its own, which the loop's wall clock goes
 * by then. */
struct remote_clock *engine_clock(struct engine *e);
struct storeq *engine_storeq(const struct engine *e); /* NULL: no store */
struct node *engine_node(const struct engine *e);     /* NULL: it only reads */
struct scheduler *engine_scheduler(const struct engine *e); /* or NULL */
struct teller *engine_teller(const struct engine *e); /* like the scheduler */
/* Something may be due: jobs, notes. account NULL: of all. */
void engine_wake(struct engine *e, const char *account);
struct api_client *engine_api(const struct engine *e, const char *account);
/* What time it is by the clock of an API that answered last; false: none. */
bool engine_date_ms(const struct engine *e, int64_t *out);
/* For run_start(), but for when the job was claimed; false if there is no such
 * account. */
bool engine_env(const struct engine *e, const char *account,
		struct run_env *out);

#endif
