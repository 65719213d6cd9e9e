/*
 * A multimap from byte strings to borrowed pointers, for look-ups.
 *
 * Values of one key keep the order in which they were added.
 */
#ifndef REUNITE_SANDBOX_INDEX_H
#define REUNITE_SANDBOX_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct index;

struct index *index_new(void);
void index_free(struct index *x); /* the values stay; NULL is allowed */
void index_add(struct index *x, struct slice key, void *value);
/* Removes one occurrence; nothing happens if there is none. */
void index_remove(struct index *x, struct slice key, const void *value);
/* NULL and *count = 0 if there is none; valid until the next change. */
void *const *index_find(const struct index *x, struct slice key, size_t *count);
void *index_first(const struct index *x, struct slice key);

/* Numbers as keys. */
void index_add_id(struct index *x, uint64_t id, void *value);
void index_remove_id(struct index *x, uint64_t id, const void *value);
void *index_first_id(const struct index *x, uint64_t id);

#endif
