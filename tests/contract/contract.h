/*
 * The suite that every backend must pass, as cases over a factory, and small
 * helpers that make operations readable.
 */
#ifndef REUNITE_TESTS_CONTRACT_H
#define REUNITE_TESTS_CONTRACT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "store/store.h"

/* A folder of its own per test. */
struct contract_dir {
	char dir[64];
	char path[96];
	char url[128];
};
void contract_dir_make(struct contract_dir *d);
void contract_dir_remove(struct contract_dir *d);
struct store *contract_open_url(const char *url, enum store_mode mode);

#endif
