/*
 * Golden files under tests/fixtures, for the tests that read them.
 */
#ifndef REUNITE_TESTS_UNIT_FIXTURE_H
#define REUNITE_TESTS_UNIT_FIXTURE_H

#include "base/str.h"

/* "sunco/user_update.json" whole; ptr is *new*, free(). Fails the test when
 * it is not there. */
struct slice fixture_read(const char *name);
/* Calls fn for every *.json in a folder of fixtures, in any order; the text
 * is borrowed. Returns how many there were. */
size_t fixture_each(const char *folder,
		    void (*fn)(const char *name, struct slice text, void *arg),
		    void *arg);

#endif
