/*
 * Lists in one text: "a,b,c".
 */
#ifndef REUNITE_SANDBOX_WORDS_H
#define REUNITE_SANDBOX_WORDS_H

#include <stdbool.h>

/* True when word is one of the list's; NULL is the empty list. */
bool words_have(const char *list, char separator, const char *word);

#endif
