/*
 * Typed getters and builders over jansson (whose header stays in json.c).
 *
 * Trees are reference-counted by jansson; here every tree has one owner: what
 * json_parse() and json_new_*() return is *new*, json_free() ends it, getters
 * return *borrowed* values that live as long as their tree, and setters
 * *take* the value. Getters accept NULL and wrong types and then return the
 * default, so paths can be walked without checks.
 */
#ifndef REUNITE_BASE_JSON_H
#define REUNITE_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

struct json_t; /* jansson's own type */

/*
 * Any value at the top. Lone surrogates and \u0000 become U+FFFD, invalid
 * UTF-8 is refused, numbers out of range become null-like (getters return
 * their default). err names line and column, never the text.
 */
struct json_t *json_parse(const char *text, size_t len, struct error *err);
void json_free(struct json_t *v);		   /* NULL is allowed */
struct json_t *json_clone(const struct json_t *v); /* *new*, deep */

struct json_t *json_get(const struct json_t *obj, const char *key);
struct json_t *json_at(const struct json_t *arr, size_t i);
size_t json_len(const struct json_t *arr_or_obj); /* 0 for others */
bool json_is_obj(const struct json_t *v);
bool json_is_arr(const struct json_t *v);
bool json_is_str(const struct json_t *v);
bool json_is_null(const struct json_t *v); /* absent counts as null */
bool json_is_bool(const struct json_t *v);
bool json_is_num(const struct json_t *v);

const char *json_str(const struct json_t *v); /* NULL if not one */
int64_t json_int(const struct json_t *v, int64_t def);
bool json_bool(const struct json_t *v, bool def);
const char *json_get_str(const struct json_t *obj, const char *key);
int64_t json_get_int(const struct json_t *obj, const char *key, int64_t def);
bool json_get_bool(const struct json_t *obj, const char *key, bool def);
/* An id as Zendesk and SunCo write them: a number or a string of digits; 0 if
 * neither. */
uint64_t json_get_id(const struct json_t *obj, const char *key);
/* A string as it is, a number in decimal, anything else NULL: *new*. */
char *json_get_text(const struct json_t *obj, const char *key);

struct json_t *json_new_obj(void);
struct json_t *json_new_arr(void);
struct json_t *json_new_str(const char *s); /* NULL gives null */
struct json_t *json_new_int(int64_t n);
struct json_t *json_new_bool(bool b);
struct json_t *json_new_null(void);
/* obj is returned for nothing; a NULL value is stored as null. */
void json_set(struct json_t *obj, const char *key, struct json_t *value);
void json_set_str(struct json_t *obj, const char *key, const char *value);
void json_set_int(struct json_t *obj, const char *key, int64_t value);
void json_set_bool(struct json_t *obj, const char *key, bool value);
/* 0 is written as null: ids are never 0. */
void json_set_id(struct json_t *obj, const char *key, uint64_t id);
void json_push(struct json_t *arr, struct json_t *value);
/* Walks an object in the order of insertion; start with *iter = NULL. */
bool json_next(const struct json_t *obj, void **iter, const char **key,
	       struct json_t **value);

/* Compact, one line, keys in the order they were set. */
void json_write(const struct json_t *v, struct buf *out);
/* The same as a *new* string, free(). */
char *json_text(const struct json_t *v);

#endif
