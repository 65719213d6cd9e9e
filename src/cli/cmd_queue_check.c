/*
 * `reunite queue check`: is the store whole, and what in it does not fit?
 *
 * Reads only, beside a daemon or without one. Exit code 1 if something is
 * wrong; what goes away by itself is told, too, but does not count.
 */
#include "app/runner.h"
#include "base/json.h"
#include "commands.h"
#include "list.h"

static void print_finding(struct cli *c, const struct store_finding *f)
{
	struct json_t *v;

	if (!c->json) {
		fprintf(c->out, "%s: %lld %s (one of them: %lld)\n    %s\n",
			f->wrong ? "wrong" : "untidy", (long long)f->count,
			f->what, (long long)f->example, f->mend);
		return;
	}
	v = json_new_obj();
	json_set_str(v, "level", f->wrong ? "wrong" : "untidy");
	json_set_str(v, "what", f->what);
	json_set_int(v, "count", f->count);
	json_set_int(v, "example", f->example);
	json_set_str(v, "mend", f->mend);
	cli_json(c, v);
}

static int print_damage(struct cli *c, const char *damage)
{
	struct json_t *v;

	if (c->json) {
		v = json_new_obj();
		json_set_str(v, "level", "damage");
		json_set_str(v, "what", damage);
		json_set_str(v, "mend", "go back to a copy");
		cli_json(c, v);
	}
	return cli_error(c,
			 "the store is damaged: %s. Stop the daemon, keep a "
			 "copy of the file, and go back to a backup",
			 damage);
}

static int print_all(struct cli *c, const struct store_check *check)
{
	int code = CLI_DONE;

	if (check->damage)
		return print_damage(c, check->damage);
	for (size_t i = 0; i < check->count; i++) {
		print_finding(c, &check->findings[i]);
		if (check->findings[i].wrong)
			code = CLI_FAILED;
	}
	if (check->count == 0 && !c->json)
		fprintf(c->out, "the store is sound\n");
	return code;
}

static int run(struct cli *c)
{
	struct config *config;
	struct store *store;
	struct store_op op;
	int code = cli_store(c, STORE_READ, &config, &store);

	if (code != CLI_DONE)
		return code;
	store_op_init(&op, STORE_CHECK);
	op.u.check.now_ms = c->now_ms;
	op.u.check.grace_ms = RUN_GRACE_MS;
	op.u.check.quick = cli_given(c, "quick");
	code = store_do(store, &op) == RESULT_OK ? print_all(c, &op.u.check)
						 : cli_store_failed(c, &op);
	store_op_release(&op);
	store_close(store);
	config_free(config);
	return code;
}

static const struct cli_option options[] = {
	{"quick", CLI_FLAG, NULL, "leave out whether the indexes are right"},
	{NULL, CLI_FLAG, NULL, NULL},
};

const struct cli_command cmd_queue_check = {
	.name = "queue check",
	.summary = "is the store whole, and what in it does not fit",
	.example = "queue check --json",
	.takes = CLI_TAKES_CONFIG | CLI_TAKES_JSON,
	.options = options,
	.run = run,
};
