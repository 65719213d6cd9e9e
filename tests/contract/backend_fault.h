/*
 * A backend around another one that fails on demand: the nth of all begins,
 * applies and commits, and as many after it as asked; or every apply of one
 * kind of operation.
 */
#ifndef REUNITE_TESTS_BACKEND_FAULT_H
#define REUNITE_TESTS_BACKEND_FAULT_H

#include "store/backend.h"

struct fault {
	struct store_backend base;
	struct store_backend *inner; /* *owned* */
	long calls;		     /* so far */
	long from;		     /* the first that fails; 0: none */
	long width;		     /* how many fail */
	long fired;
	enum store_failure verdict; /* on what failed by us */
	int kind;		    /* applies of this kind fail; -1: none */
};

/* Over a store in this file, made when it is not there. */
struct fault *fault_open(const char *path, int64_t now_ms);

#endif
