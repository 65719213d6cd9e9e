/*
 * Private to config: between a setting's text and its value.
 */
#ifndef REUNITE_APP_CONFIG_VALUE_H
#define REUNITE_APP_CONFIG_VALUE_H

#include "base/str.h"
#include "config_raw.h"

#define CONFIG_MASK "********" /* in the place of a secret */

/* One setting into its field of base (a struct config or account_config). */
MUST_CHECK enum result
config_value_set(void *base, const struct config_raw *raw, struct error *err);
void config_value_default(void *base, const struct config_row *row);
void config_value_release(void *base, const struct config_row *row);

bool config_url_is_loopback(const char *url);
/* The i-th word of the row, empty behind the last. */
struct slice config_word(const struct config_row *row, size_t i);
/* As it would be written: "7d", "1024". */
void config_number_print(char *out, size_t size, const struct config_row *row,
			 int64_t number);

/* As config_each(), but secrets as they are: for what keeps only a hash. */
void config_each_plain(const struct config *c, config_visit *visit, void *arg);

#endif
