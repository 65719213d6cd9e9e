/*
 * What the server knows: how the store is kept, for `doctor`, what time it is,
 * and which ids it gave.
 */
#include "pg.h"

#include <stdio.h>
#include <string.h>

#define SIZE                                                                   \
	"SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS"       \
	" BIGINT) FROM pg_class c JOIN pg_namespace n ON n.oid ="              \
	" c.relnamespace WHERE n.nspname = current_schema()"                   \
	" AND c.relkind = 'r'"
/* synchronous_commit is on in every transaction; see pg.c. */
#define KEPT                                                                   \
	"SELECT current_setting('fsync') = 'on'"                               \
	" AND current_setting('full_page_writes') = 'on',"                     \
	" split_part(current_setting('server_version'), ' ', 1),"              \
	" current_setting('synchronous_standby_names') <> '',"                 \
	" pg_is_in_recovery(),"                                                \
	" 'fsync ' || current_setting('fsync')"                                \
	" || ', full_page_writes ' || current_setting('full_page_writes')"     \
	" || ', synchronous_commit ' || current_setting('synchronous_commit')"

void pg_health(struct db *d, struct store_health *out)
{
	struct db_rows *r;

	out->size_bytes = db_first(d, db_bind_text(d, SIZE, NULL, 0), 0);
	r = db_bind_text(d, KEPT, NULL, 0);
	if (!db_step(d, r))
		return;
	out->durable = db_col_int(r, 0) != 0;
	snprintf(out->mode, sizeof(out->mode), "postgresql %.8s%s",
		 db_col_chars(r, 1),
		 db_col_int(r, 3) != 0	 ? ", standby"
		 : db_col_int(r, 2) != 0 ? ", sync standby"
					 : "");
	db_col_str(r, 4, out->settings, sizeof(out->settings));
	db_end(r);
}

int64_t pg_now_ms(struct db *d)
{
	return db_first(d,
			db_bind_text(d,
				     "SELECT CAST(extract(epoch FROM"
				     " clock_timestamp()) * 1000 AS BIGINT)",
				     NULL, 0),
			0);
}

/* NULL before the first. */
int64_t pg_last_id(struct db *d, const char *table)
{
	const struct db_val name = db_text(table);

	return db_first(d,
			db_bind_text(d,
				     "SELECT pg_sequence_last_value(CAST("
				     "pg_get_serial_sequence(?1, 'id')"
				     " AS regclass))",
				     &name, 1),
			0);
}

void pg_set_last_id(struct db *d, const char *table, int64_t id)
{
	const struct db_val values[] = {db_text(table), db_int(id)};

	(void)db_run(d, db_bind_text(d,
				     "SELECT setval(CAST("
				     "pg_get_serial_sequence(?1, 'id')"
				     " AS regclass), ?2)",
				     values, ARRAY_LEN(values)));
}
