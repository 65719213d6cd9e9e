/*
 * Files of SQLite stores that are made to be kept.
 */
#ifndef REUNITE_STORE_SQLITE_SAVE_H
#define REUNITE_STORE_SQLITE_SAVE_H

#include "base/error.h"

/* One file, without a log beside it; nobody has it open. */
MUST_CHECK enum result sq_save_alone(const char *file, struct error *err);

#endif
