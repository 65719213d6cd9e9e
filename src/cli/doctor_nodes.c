/*
 * `reunite doctor`: the processes that serve the store, and whether they are
 * set alike. They tell keyed hashes of their settings (app/node.h): what
 * differs is named, never its value.
 */
#include <string.h>

#include "app/node.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "doctor.h"

#define LINE_MAX_BYTES 400

/* A machine's own business. */
static const char *const own[] = {
	"listen",	   "tls_certificate", "tls_key",    "admin_listen",
	"store",	   "log_level",	      "log_format", "max_connections",
	"request_timeout", "drain_timeout",
};

struct nodes {
	struct doctor *d;
	const struct store_nodes *list;
	struct json_t *settings[STORE_NODES_MAX]; /* NULL: not told */
};

static const struct config_setting *setting_named(const char *name)
{
	size_t count;
	const struct config_setting *s = config_settings(&count);

	for (size_t i = 0; i < count; i++)
		if (str_eq(s[i].name, name))
			return &s[i];
	return NULL;
}

static enum doctor_level level_of(const char *name)
{
	const struct config_setting *s = setting_named(name);

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_eq(own[i], name))
			return DOCTOR_OK;
	return s && s->secret ? DOCTOR_PROBLEM : DOCTOR_WARNING;
}

static const char *print_at(const struct nodes *n, size_t i,
			    const char *account, const char *name)
{
	const struct json_t *of = json_get(n->settings[i], account);

	return of ? json_get_str(of, name) : NULL;
}

/* Who has the same value as the i-th, if nobody before it has. */
static void put_group(const struct nodes *n, size_t i, const char *account,
		      const char *name, struct buf *out)
{
	const char *print = print_at(n, i, account, name);

	for (size_t k = 0; k < i; k++)
		if (str_eq(print_at(n, k, account, name), print))
			return;
	if (!print)
		return;
	buf_puts(out, out->len > 0 ? " | " : "");
	for (size_t k = i; k < n->list->count; k++)
		if (str_eq(print_at(n, k, account, name), print))
			buf_printf(out, "%s%s", k > i ? ", " : "",
				   n->list->rows[k].name);
}

static bool differs(const struct nodes *n, const char *account,
		    const char *name)
{
	const char *first = NULL;

	for (size_t i = 0; i < n->list->count; i++) {
		const char *print = print_at(n, i, account, name);

		if (print && first && !str_eq(print, first))
			return true;
		first = first ? first : print;
	}
	return false;
}

static void compare(const struct nodes *n, const char *account,
		    const char *name)
{
	enum doctor_level level = level_of(name);
	bool one = *account && str_eq(name, "*");
	struct buf who;

	if (!differs(n, account, name))
		return;
	buf_init(&who, LINE_MAX_BYTES);
	for (size_t i = 0; i < n->list->count; i++)
		put_group(n, i, account, name, &who);
	doctor_say(n->d, level,
		   level == DOCTOR_OK
			   ? NULL
			   : "give all nodes the same configuration, and "
			     "reload or restart those that have another",
		   "%s%s%s%s differs between nodes: %s",
		   *account ? "account " : "", account, *account ? ": " : "",
		   one ? "some setting" : name, who.data ? who.data : "");
	buf_release(&who);
}

/* Who does not know it answers its webhooks with 404, which is final. */
static void check_known(const struct nodes *n, const char *account)
{
	for (size_t i = 0; i < n->list->count; i++)
		if (n->settings[i] && !json_get(n->settings[i], account))
			doctor_say(n->d, DOCTOR_PROBLEM,
				   "give all nodes the same accounts: without "
				   "one its webhooks are lost",
				   "account %s: %s does not have it", account,
				   n->list->rows[i].name);
}

static bool seen_before(const struct nodes *n, size_t at, const char *account,
			const char *name)
{
	for (size_t i = 0; i < at; i++)
		if (name ? print_at(n, i, account, name) != NULL
			 : json_get(n->settings[i], account) != NULL)
			return true;
	return false;
}

static void compare_all(const struct nodes *n)
{
	for (size_t i = 0; i < n->list->count; i++) {
		const char *account, *name;
		struct json_t *of, *print;
		void *a = NULL, *s;

		while (json_next(n->settings[i], &a, &account, &of)) {
			if (!seen_before(n, i, account, NULL))
				check_known(n, account);
			s = NULL;
			while (json_next(of, &s, &name, &print))
				if (!seen_before(n, i, account, name))
					compare(n, account, name);
		}
	}
}

static void say_each(const struct nodes *n, int64_t now_ms)
{
	const char *version = n->list->rows[0].version;
	bool same = true;

	for (size_t i = 0; i < n->list->count; i++) {
		const struct store_node_row *r = &n->list->rows[i];

		same = same && str_eq(r->version, version);
		doctor_say(n->d, DOCTOR_OK, NULL,
			   "%s is at work, version %s, for %lld s, heard of "
			   "%lld s ago",
			   r->name, r->version,
			   (long long)(now_ms - r->started_ms) / 1000,
			   (long long)(now_ms - r->beat_ms) / 1000);
	}
	if (!same)
		doctor_say(n->d, DOCTOR_WARNING,
			   "let all run the same one, unless you are about to",
			   "nodes run different versions");
}

void doctor_check_nodes(struct doctor *d)
{
	struct nodes n = {.d = d};
	struct store_op op;
	struct error err;

	if (!d->store || !store_is_shared(d->config->store))
		return;
	store_op_init(&op, STORE_NODES);
	op.u.nodes.now_ms = store_now_ms(d->store);
	n.list = &op.u.nodes;
	if (store_do(d->store, &op) != RESULT_OK)
		doctor_say(d, DOCTOR_PROBLEM, NULL,
			   "the store does not answer: %s", op.error.text);
	for (size_t i = 0; i < n.list->count; i++)
		if (n.list->rows[i].settings)
			n.settings[i] = json_parse(
				n.list->rows[i].settings,
				strlen(n.list->rows[i].settings), &err);
	d->node_count = n.list->count;
	if (n.list->count > 0) {
		say_each(&n, op.u.nodes.now_ms);
		compare_all(&n);
	} else if (op.result == RESULT_OK) {
		doctor_say(d, DOCTOR_WARNING, "reunite serve",
			   "none is at work on the store");
	}
	for (size_t i = 0; i < n.list->count; i++)
		json_free(n.settings[i]);
	store_op_release(&op);
}
