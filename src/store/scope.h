/*
 * Whose rows an operation may change. Where several processes write, those
 * that change one account's rows take turns; the others do not wait.
 */
#ifndef REUNITE_STORE_SCOPE_H
#define REUNITE_STORE_SCOPE_H

#include "db.h"

struct scope {
	enum {
		SCOPE_NOBODY,  /* reads, or writes what is the process's own */
		SCOPE_ACCOUNT, /* of this name */
		SCOPE_ROW,     /* the account that a row belongs to */
		SCOPE_ALL,
	} kind;
	const char *account;
	enum sql owner; /* asks for the row's account */
	int64_t id;
	/* It only takes what it finds free: no turn among its like. */
	bool claims;
};

struct scope scope_of(const struct store_op *op);

#endif
