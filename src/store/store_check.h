/*
 * What the front refuses before a backend sees it.
 */
#ifndef REUNITE_STORE_STORE_CHECK_H
#define REUNITE_STORE_STORE_CHECK_H

#include "store/store.h"

/* RESULT_INVALID with a text in op->error, or RESULT_OK. */
enum result store_op_check(struct store_op *op);

#endif
