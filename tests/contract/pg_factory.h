/*
 * Stores on PostgreSQL for the contract suite. A case gets an empty store that
 * is migrated already: databases are used again after everything in them was
 * removed, which is much faster than to make them.
 */
#ifndef REUNITE_TESTS_PG_FACTORY_H
#define REUNITE_TESTS_PG_FACTORY_H

#include "contract.h"
#include "pg_server.h"

/* Its places are struct pg_database. */
extern const struct ct_factory pg_factory;

/* A store's database that is not used again: for what changes the schema. */
void pg_store_make(struct pg_database *d);

#endif
