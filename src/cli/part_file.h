/*
 * A file that is made over several lives of a command.
 *
 * While it is being made it is FILE.part, and FILE.resume is a word about how
 * far it came; when it is through, the first takes FILE's place and the other
 * one goes. So FILE is always whole. Both are their owner's alone, and locked:
 * one command at a time. The lines are on disk before the word that counts
 * them; what is found behind the word's count belongs to nobody.
 */
#ifndef REUNITE_CLI_PART_FILE_H
#define REUNITE_CLI_PART_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "base/error.h"

struct json_t;

struct part_file {
	FILE *out; /* FILE.part, to read and write */
	char *path, *part, *resume;
};

/* What FILE's own name and those beside it end in; NULL at the end. */
extern const char *const part_file_endings[];

/* At its beginning. RESULT_CONFLICT: another command is writing it. */
MUST_CHECK enum result part_file_open(struct part_file *f, const char *path,
				      struct error *err);
/* *new*, or NULL: there is no word, or none that this version writes. */
struct json_t *part_file_word(const struct part_file *f);
/* Are there so many bytes? Fewer are not those that the word is about. */
bool part_file_has(const struct part_file *f, int64_t bytes);
/* Drops what is behind, and goes on there. */
MUST_CHECK enum result part_file_cut(struct part_file *f, off_t bytes,
				     struct error *err);
/* *takes* the word. False: a line or the word could not be written. */
MUST_CHECK bool part_file_keep(struct part_file *f, struct json_t *word);
/* False: it could not be written or put in its place. */
MUST_CHECK bool part_file_finish(struct part_file *f);
/* What is there stays. Harmless after a failed open. */
void part_file_close(struct part_file *f);

#endif
