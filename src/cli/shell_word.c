/*
 * Words for a shell: see shell_word.h.
 */
#include "shell_word.h"

#include <ctype.h>
#include <string.h>

static bool is_plain(const char *word)
{
	for (; *word; word++)
		if (!isalnum((unsigned char)*word) && !strchr("_-./:+", *word))
			return false;
	return true;
}

void shell_put_word(struct buf *out, const char *word)
{
	if (is_plain(word)) {
		buf_puts(out, word);
		return;
	}
	buf_putc(out, '\'');
	for (; *word; word++)
		if (*word == '\'')
			buf_puts(out, "'\\''");
		else
			buf_putc(out, *word);
	buf_putc(out, '\'');
}

void shell_put_option(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_printf(out, " %s ", name);
	shell_put_word(out, value);
}
