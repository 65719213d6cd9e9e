/*
 * Private to config: what was written, before it means anything.
 *
 * A source (config_file.c, config_env.c) fills a config_raws; config.c turns
 * it into a struct config. "where" is what an error begins with.
 */
#ifndef REUNITE_APP_CONFIG_RAW_H
#define REUNITE_APP_CONFIG_RAW_H

#include "config_table.h"

#define CONFIG_FILE_MAX	  ((size_t)1024 * 1024)
#define CONFIG_SECRET_MAX ((size_t)64 * 1024)

struct config_raw {
	size_t account; /* index, or CONFIG_GLOBAL */
	const struct config_row *row;
	bool is_file; /* items[0] is the path of an x_file */
	char *path;   /* what it was, once that is resolved */
	char *where;  /* "reunite.conf:12", "REUNITE_STORE" */
	char **items;
	size_t count;
};
#define CONFIG_GLOBAL ((size_t)-1)

struct config_raw_account {
	char *name;
	char *where;
};

struct config_raws {
	struct config_raw *items;
	size_t count;
	struct config_raw_account *accounts;
	size_t account_count;
	char *where; /* the whole: where to say that an account is missing */
	bool environment;
	bool early; /* secrets of webhooks may be missing */
};
void config_raws_init(struct config_raws *r);
void config_raws_release(struct config_raws *r);
/* where is *taken*; the result is valid until the next call. */
struct config_raw *config_raws_add(struct config_raws *r, size_t account,
				   const struct config_row *row, bool is_file,
				   char *where);
void config_raws_add_account(struct config_raws *r, struct slice name,
			     char *where);
/* The first of this row, x or x_file; NULL if there is none. */
const struct config_raw *config_raws_find(const struct config_raws *r,
					  size_t account,
					  const struct config_row *row);
void config_raw_add_item(struct config_raw *raw, struct slice item);
bool config_account_name_ok(struct slice name);
/* Adds the value of a setting, split where it is a list. */
void config_raw_add_text(struct config_raw *raw, const char *value);
/* Puts the contents of an x_file in the place of its path. */
MUST_CHECK enum result config_raw_resolve(struct config_raw *raw,
					  struct error *err);

/* tls_certificate and tls_key: both or none, and where they stand. */
MUST_CHECK enum result config_pair_tls(struct config *c,
				       const struct config_raws *raws,
				       struct error *err);
/* config.c: makes a configuration of it. */
MUST_CHECK enum result config_build(struct config_raws *raws, const char *path,
				    struct config **out, struct error *err);

/* A whole file, *new*, NUL-terminated; err without a place. */
MUST_CHECK enum result config_read(const char *path, size_t max_bytes,
				   char **out, size_t *len, struct error *err);

/*
 * Walks the text: finds keys and accounts (into out, without their values)
 * and refuses what libconfuse lets pass. Comments become blanks, because
 * libconfuse counts lines wrongly behind them.
 */
MUST_CHECK enum result config_scan(char *text, const char *path,
				   struct config_raws *out, struct error *err);
/* The same text through libconfuse: the values of what the walk found. */
MUST_CHECK enum result config_parse(const char *text, const char *path,
				    struct config_raws *out, struct error *err);
MUST_CHECK enum result
config_from_file(const char *path, struct config_raws *out, struct error *err);
MUST_CHECK enum result config_from_environment(struct config_raws *out,
					       struct error *err);
/* The variables of settings that out does not have yet. */
MUST_CHECK enum result config_read_variables(struct config_raws *out,
					     struct error *err);
#define CONFIG_VARIABLE_SIZE 80
void config_variable(char out[CONFIG_VARIABLE_SIZE],
		     const struct config_row *row, bool is_file);

#endif
