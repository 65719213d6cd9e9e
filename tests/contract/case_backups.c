/*
 * Where copies of the store are: noted, listed, gone.
 */
#include "contract.h"

#include <stdio.h>

#include "base/str.h"

static void note(struct ct *c, const char *host, const char *name,
		 int64_t made_ms)
{
	struct store_op op;

	store_op_init(&op, STORE_BACKUP);
	op.u.backup.host = host;
	op.u.backup.name = name;
	op.u.backup.made_ms = made_ms;
	CT_DO(c, &op);
}

/* As "host:name@made host:name@made ...". */
static void expect(struct ct *c, const char *want)
{
	struct store_op op;
	char text[512] = "", *at = text;

	store_op_init(&op, STORE_BACKUPS);
	CT_DO(c, &op);
	for (size_t i = 0; i < op.u.backups.count; i++)
		at += snprintf(at, sizeof(text) - (size_t)(at - text),
			       "%s%s:%s@%lld", i > 0 ? " " : "",
			       op.u.backups.rows[i].host,
			       op.u.backups.rows[i].name,
			       (long long)op.u.backups.rows[i].made_ms);
	assert_string_equal(text, want);
	store_op_release(&op);
}

static void the_newest_is_first(struct ct *c)
{
	expect(c, "");
	note(c, "one", "/a", 10);
	note(c, "two", "/a", 30);
	note(c, "one", "/b", 20);
	expect(c, "two:/a@30 one:/b@20 one:/a@10");
	note(c, "one", "/a", 40); /* another in its place */
	expect(c, "one:/a@40 two:/a@30 one:/b@20");
}

static void what_is_gone_goes(struct ct *c)
{
	note(c, "one", "/a", 10);
	note(c, "two", "/a", 20);
	note(c, "one", "/a", 0);
	note(c, "one", "/never", 0);
	expect(c, "two:/a@20");
}

static void wrong_notes_are_refused(struct ct *c)
{
	struct store_op op;

	store_op_init(&op, STORE_BACKUP);
	op.u.backup.made_ms = 1;
	op.u.backup.host = "one";
	CT_REFUSED(c, &op, RESULT_INVALID);
	op.u.backup.host = "";
	op.u.backup.name = "/a";
	CT_REFUSED(c, &op, RESULT_INVALID);
	op.u.backup.host = "one";
	op.u.backup.made_ms = -1;
	CT_REFUSED(c, &op, RESULT_INVALID);
	expect(c, "");
}

static const struct ct_case cases[] = {
	CT_CASE(the_newest_is_first),
	CT_CASE(what_is_gone_goes),
	CT_CASE(wrong_notes_are_refused),
};
const struct ct_group ct_backup_cases = {cases, ARRAY_LEN(cases)};
