/*
 * What libFuzzer and replay.c call: one input; it returns 0 or crashes.
 */
#ifndef REUNITE_TESTS_FUZZ_H
#define REUNITE_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
