/*
 * `backfill --status` and `--stop`.
 */
#include "backfill.h"
#include "backfill_watch.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "list.h"

/* --- status --- */

static void set_time(struct json_t *v, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	clock_format(wall_ms, text);
	json_set_str(v, key, wall_ms ? text : NULL);
}

static struct json_t *encode(struct watch *w)
{
	const struct store_cursor_row *r = &w->row;
	struct json_t *v = json_new_obj();
	char why[PROGRESS_NOTE_SIZE];

	watch_why(w, clock_wall_ms(), why);
	json_set_str(v, "account", w->config->name);
	json_set_str(v, "state", watch_state(w));
	if (!w->there)
		return v;
	set_time(v, "started_at", r->started_ms);
	set_time(v, "moved_at", r->moved_ms);
	set_time(v, "done_at", r->done_ms);
	json_set_int(v, "total", r->total);
	json_set_int(v, "users", r->scanned);
	json_set_int(v, "conversations", r->found);
	json_set_int(v, "woken", r->woken);
	json_set(v, "limit",
		 r->woken_max ? json_new_int(r->woken_max) : json_new_null());
	json_set_int(v, "unfinished", r->unfinished);
	json_set_str(v, "waits", why[0] ? why : NULL);
	json_set(v, "decisions", tally_encode_actions(&w->tally));
	return v;
}

static int report_one(struct cli *c, struct store *store,
		      const struct account_config *a)
{
	struct watch w;
	int code = CLI_DONE;

	watch_init(&w, store, a);
	if (watch_read(&w, WATCH_END, c->now_ms) == RESULT_OK)
		cli_object(c, encode(&w));
	else
		code = cli_error(c, "the store failed");
	watch_release(&w);
	return code;
}

int backfill_status(struct cli *c)
{
	const char *only = cli_text(c, "account");
	struct config *config;
	struct store *store;
	int code = cli_store(c, STORE_READ, &config, &store);

	if (code != CLI_DONE)
		return code;
	code = cli_check_account(c, config, only);
	for (size_t i = 0; code == CLI_DONE && i < config->account_count; i++)
		if (!only || str_eq(only, config->accounts[i].name))
			code = report_one(c, store, &config->accounts[i]);
	store_close(store);
	config_free(config);
	return code;
}

/* --- stop --- */

static int stop_one(struct cli *c, struct store *store, const char *account)
{
	struct store_op op;

	store_op_init(&op, STORE_WALK);
	op.u.walk.account = account;
	op.u.walk.now_ms = c->now_ms;
	op.u.walk.stop = true;
	if (store_do(store, &op) != RESULT_OK)
		return cli_store_failed(c, &op);
	if (c->json) {
		struct json_t *v = json_new_obj();

		json_set_str(v, "account", account);
		json_set_bool(v, "stopped", op.u.walk.was_going);
		json_set_int(v, "waiting", op.u.walk.parked);
		cli_json(c, v);
	} else if (op.u.walk.was_going) {
		fprintf(c->out,
			"stopped; %lld who were found wait until --apply goes "
			"on, what has begun ends\n",
			(long long)op.u.walk.parked);
	} else {
		fprintf(c->out, "there is nothing to stop\n");
	}
	return CLI_DONE;
}

int backfill_stop(struct cli *c)
{
	struct config *config;
	struct store *store;
	const char *account;
	int code = cli_store(c, STORE_WRITE, &config, &store);

	if (code != CLI_DONE)
		return code;
	account = backfill_account(c, config);
	code = account ? stop_one(c, store, account) : CLI_USAGE;
	store_close(store);
	config_free(config);
	return code;
}
