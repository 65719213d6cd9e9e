/*
 * The pool of databases, all made like one that the store itself migrated.
 */
#include "pg_factory.h"

#include <stdlib.h>

#include "base/str.h"

#define POOL_MAX 8

/* The rows with which a migrated store begins are kept in a schema beside
 * it. */
static const char remember[] =
	"CREATE SCHEMA pristine;"
	"DO $$ DECLARE t text; n int; BEGIN"
	" FOR t IN SELECT tablename FROM pg_tables"
	"  WHERE schemaname = 'public' LOOP"
	"  EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %I LIMIT 1) x',"
	"   t) INTO n;"
	"  IF n > 0 THEN"
	"   EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I',"
	"    t, t);"
	"  END IF;"
	" END LOOP; END $$";

static const char forget[] =
	"DO $$ DECLARE t text; s text; n int; BEGIN"
	" FOR t IN SELECT tablename FROM pg_tables"
	"  WHERE schemaname = 'public' LOOP"
	"  EXECUTE format('SELECT count(*) FROM (SELECT 1 FROM %I LIMIT 1) x',"
	"   t) INTO n;"
	"  IF n > 0 THEN EXECUTE format('TRUNCATE %I CASCADE', t); END IF;"
	" END LOOP;"
	" FOR t IN SELECT tablename FROM pg_tables"
	"  WHERE schemaname = 'pristine' LOOP"
	"  EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE"
	"   TABLE pristine.%I', t, t);"
	" END LOOP;"
	" FOR s IN SELECT sequencename FROM pg_sequences"
	"  WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP"
	"  EXECUTE format('ALTER SEQUENCE %I RESTART', s);"
	" END LOOP; END $$";

static struct {
	struct pg_database like; /* a migrated store, and nobody there */
	struct pg_database *spare[POOL_MAX];
	size_t spares;
} pool;

void pg_store_make(struct pg_database *d)
{
	if (pool.like.name[0] == '\0') {
		pg_database_make(&pool.like, NULL);
		store_close(contract_open_url(pool.like.url, STORE_SERVE));
		pg_database_sql(&pool.like, remember);
	}
	pg_database_make(d, pool.like.name);
}

static void *make(void)
{
	struct pg_database *d;

	if (pool.spares > 0)
		return pool.spare[--pool.spares];
	d = xcalloc(1, sizeof(*d));
	pg_store_make(d);
	return d;
}

static struct store *open_mode(void *place, enum store_mode mode,
			       int64_t now_ms)
{
	const struct pg_database *d = place;

	return contract_open_at(d->url, mode, now_ms);
}

static void remove_place(void *place)
{
	struct pg_database *d = place;

	if (pool.spares < POOL_MAX) {
		pg_database_sql(d, forget);
		pool.spare[pool.spares++] = d;
		return;
	}
	pg_database_drop(d);
	free(d);
}

const struct ct_factory pg_factory = {
	.name = "postgresql",
	.make = make,
	.open = open_mode,
	.remove = remove_place,
	.shared = true,
};
