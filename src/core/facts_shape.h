/*
 * The shape of `explain --facts`, checked before anything is read.
 * Private to facts_json.c.
 */
#ifndef REUNITE_SRC_CORE_FACTS_SHAPE_H
#define REUNITE_SRC_CORE_FACTS_SHAPE_H

#include "base/error.h"

struct json_t;

/* RESULT_INVALID: a key that is not known or a value of the wrong type; err
 * names it by its path ("profiles[0].identities[1].verified"), never by
 * value. */
MUST_CHECK enum result facts_shape_check(const struct json_t *v,
					 struct error *err);

#endif
