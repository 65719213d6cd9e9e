/*
 * Lists in one text: see words.h. Words compare exactly.
 */
#include "sandbox/words.h"

#include <stddef.h>
#include <string.h>

bool words_have(const char *list, char separator, const char *word)
{
	size_t len = strlen(word);

	while (list && *list) {
		const char *end = strchr(list, separator);
		size_t n = end ? (size_t)(end - list) : strlen(list);

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list = end ? end + 1 : NULL;
	}
	return false;
}
