/*
 * See oracle.h.
 */
#include "oracle.h"

#include "unit.h"

#include <inttypes.h>
#include <sqlite3.h>

#include "base/json.h"
#include "base/str.h"

#define PICTURE_MAX (256 * 1024)
#define GRACE_MS    (3600 * 1000) /* longer than any lease */

/* --- the sandbox --- */

static int place_of_user(const struct state *s, uint64_t id)
{
	for (size_t i = 0; i < s->user_count; i++)
		if (s->users[i]->id == id)
			return (int)i;
	return -1;
}

static int place_of_person(const struct state *s, const char *id)
{
	for (size_t i = 0; i < s->sun_user_count; i++)
		if (str_eq(s->sun_users[i]->id, id))
			return (int)i;
	return -1;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of the alphabet, since they move in any. */
static void draw_sorted(struct buf *out, char **items, size_t count)
{
	qsort(items, count, sizeof(*items), by_text);
	for (size_t i = 0; i < count; i++) {
		buf_printf(out, " %s", items[i]);
		free(items[i]);
	}
	free(items);
}

static char *draw_identity(const struct state *s, const struct zen_identity *i)
{
	char text[400];
	bool messaging = str_eq(i->type, "messaging");

	if (messaging)
		snprintf(text, sizeof(text), "messaging=person %d",
			 place_of_person(s, i->value));
	else
		snprintf(text, sizeof(text), "%s=%s/%s%s", i->type, i->value,
			 i->verified ? "verified" : "unverified",
			 i->primary ? "/primary" : "");
	return xstrdup(text);
}

static void draw_user(struct buf *out, const struct state *s,
		      const struct zen_user *u)
{
	char **items = xcalloc(u->identity_count + 1, sizeof(*items));

	buf_printf(out, "%s %s %s external_id=%s into=%d:", u->name, u->role,
		   u->active ? "active" : "inactive",
		   u->external_id ? u->external_id : "-",
		   place_of_user(s, u->merged_into));
	for (size_t i = 0; i < u->identity_count; i++)
		items[i] = draw_identity(s, u->identities[i]);
	draw_sorted(out, items, u->identity_count);
	buf_puts(out, "\n");
}

static void draw_ticket(struct buf *out, const struct state *s,
			const struct zen_ticket *t)
{
	size_t count = json_len(t->tags);
	char **tags = xcalloc(count + 1, sizeof(*tags));

	buf_printf(out, "ticket of %d, %zu comments:",
		   place_of_user(s, t->requester_id), t->comment_count);
	for (size_t i = 0; i < count; i++)
		tags[i] = xstrdup(json_str(json_at(t->tags, i)));
	draw_sorted(out, tags, count);
	buf_puts(out, "\n");
}

char *oracle_picture(const struct machine *m)
{
	const struct state *s = m->sandbox->account.state;
	struct buf out;
	char *text;

	buf_init(&out, PICTURE_MAX);
	for (size_t i = 0; i < s->user_count; i++)
		draw_user(&out, s, s->users[i]);
	for (size_t i = 0; i < s->ticket_count; i++)
		draw_ticket(&out, s, s->tickets[i]);
	for (size_t i = 0; i < s->sun_user_count; i++)
		buf_printf(&out, "person %zu%s is user %d\n", i,
			   s->sun_users[i]->active ? "" : " (gone)",
			   place_of_user(s, s->sun_users[i]->zendesk_id));
	for (size_t i = 0; i < s->merge_count; i++)
		buf_printf(&out, "merge of %d into %d by %s\n",
			   place_of_user(s, s->merges[i].from),
			   place_of_user(s, s->merges[i].into),
			   s->merges[i].by);
	text = buf_detach(&out);
	buf_release(&out);
	return text;
}

/* --- the store --- */

struct tally {
	int merges, adopts, reviews;
};

static struct store_journal *read_journal(const struct machine *m,
					  struct store_op *op)
{
	store_op_init(op, STORE_JOURNAL);
	assert_int_equal(machine_do(m, op), RESULT_OK);
	return &op->u.journal;
}

char *oracle_deeds(const struct machine *m)
{
	struct store_op op;
	const struct store_journal *j = read_journal(m, &op);
	struct tally t = {0};
	char text[96];

	for (size_t i = 0; i < j->count; i++) {
		const struct journal_entry *e = &j->entries[i];

		if (e->status != JOURNAL_DONE)
			continue;
		t.merges += e->applied && e->action == ACTION_MERGE;
		t.adopts += e->applied && e->action == ACTION_ADOPT;
		t.reviews += e->action == ACTION_REVIEW;
	}
	store_op_release(&op);
	snprintf(text, sizeof(text), "%d merges, %d adopts, %d reviews",
		 t.merges, t.adopts, t.reviews);
	return xstrdup(text);
}

void oracle_tell(const struct machine *m, struct buf *out)
{
	struct store_op op;
	const struct store_journal *j = read_journal(m, &op);

	for (size_t i = 0; i < j->count; i++)
		buf_printf(out, "entry: %s, %s, %s%s\n",
			   action_name(j->entries[i].action),
			   reason_code(j->entries[i].reason),
			   j->entries[i].applied ? "" : "not applied, ",
			   journal_status_name(j->entries[i].status));
	store_op_release(&op);
}

static void check_journal(const struct machine *m, struct buf *out)
{
	struct store_op op;
	const struct store_journal *j = read_journal(m, &op);

	for (size_t i = 0; i < j->count; i++) {
		const struct journal_entry *e = &j->entries[i];

		if (e->status == JOURNAL_PENDING ||
		    e->status == JOURNAL_UNCERTAIN)
			buf_printf(out, "entry %" PRId64 " is %s\n", e->id,
				   journal_status_name(e->status));
	}
	store_op_release(&op);
}

static void check_jobs(const struct machine *m, struct buf *out)
{
	const struct store_jobs *jobs;
	struct store_op op;

	store_op_init(&op, STORE_JOBS);
	assert_int_equal(machine_do(m, &op), RESULT_OK);
	jobs = &op.u.jobs;
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->jobs[i].state != JOB_REVIEW)
			buf_printf(out, "job %" PRId64 " is %s: %s\n",
				   jobs->jobs[i].id,
				   job_state_name(jobs->jobs[i].state),
				   jobs->jobs[i].last_error
					   ? jobs->jobs[i].last_error
					   : "no error");
	store_op_release(&op);
}

static void check_store(const struct machine *m, struct buf *out)
{
	const struct store_check *c;
	struct store_op op;

	store_op_init(&op, STORE_CHECK);
	op.u.check.now_ms = loop_wall_ms(m->loop) + GRACE_MS;
	assert_int_equal(machine_do(m, &op), RESULT_OK);
	c = &op.u.check;
	if (c->damage)
		buf_printf(out, "damage: %s\n", c->damage);
	for (size_t i = 0; i < c->count; i++)
		buf_printf(out, "%s (%" PRId64 ")\n", c->findings[i].what,
			   c->findings[i].example);
	store_op_release(&op);
}

static int64_t count_rows(const struct machine *m, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n = -1;

	if (sqlite3_open(m->store, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

/* Every row counts something that must not be there. */
static const struct {
	const char *what;
	const char *sql;
} strays[] = {
	{"locks", "SELECT count(*) FROM locks"},
	{"leases", "SELECT count(*) FROM jobs WHERE token <> 0"},
	{"progress kept", "SELECT count(*) FROM jobs WHERE state NOT IN (0, 2)"
			  " AND progress IS NOT NULL"},
	/* of the last day, as far as it goes */
	{"places without a link",
	 "SELECT count(*) FROM reservations WHERE journal_id NOT IN"
	 " (SELECT id FROM journal WHERE applied AND status = 'done'"
	 " AND action IN ('merge', 'adopt'))"},
	{"links without a place",
	 "SELECT count(*) FROM journal WHERE applied AND status = 'done'"
	 " AND action IN ('merge', 'adopt') AND id NOT IN"
	 " (SELECT journal_id FROM reservations)"},
};

static void check_strays(const struct machine *m, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(strays); i++) {
		int64_t n = count_rows(m, strays[i].sql);

		if (n != 0)
			buf_printf(out, "%" PRId64 " %s\n", n, strays[i].what);
	}
}

void oracle_check(const struct machine *m, struct buf *problems)
{
	check_journal(m, problems);
	check_jobs(m, problems);
	check_strays(m, problems);
	check_store(m, problems);
}
