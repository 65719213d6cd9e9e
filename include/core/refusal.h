/*
 * An API's refusal as it may be shown to others: its shape, its codes and its
 * sentences, but nobody's address, number, id or name.
 *
 * Pure.
 */
#ifndef REUNITE_CORE_REFUSAL_H
#define REUNITE_CORE_REFUSAL_H

#include <stddef.h>

struct json_t;

#define REFUSAL_TEXT_MAX  200 /* bytes of one text; the rest is cut off */
#define REFUSAL_ITEMS_MAX 20  /* of one object or array */
#define REFUSAL_DEPTH_MAX 6

/*
 * The same tree, *new*. In texts, words with an `@` become <address>, words
 * with four digits or more <number>, and names, word for word, <name>. Numbers
 * above 9999 become 0. What is more than the limits is left out.
 */
struct json_t *refusal_show(const struct json_t *v, const char *const *names,
			    size_t name_count);

#endif
