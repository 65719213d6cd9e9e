/*
 * Latencies in nanoseconds, counted in buckets that are at most 1/128 of
 * their value wide: percentiles of any length without keeping every value.
 */
#ifndef REUNITE_BENCH_LOAD_HISTOGRAM_H
#define REUNITE_BENCH_LOAD_HISTOGRAM_H

#include <stdint.h>

#define LOAD_HISTOGRAM_STEPS   128 /* in each power of two */
#define LOAD_HISTOGRAM_BUCKETS (58 * LOAD_HISTOGRAM_STEPS)

struct load_histogram {
	uint64_t count, max;
	uint64_t buckets[LOAD_HISTOGRAM_BUCKETS];
};

void load_histogram_add(struct load_histogram *h, uint64_t value);
/* The middle of the bucket that the share (0 to 1) of all values ends in;
 * 0 without any. */
uint64_t load_histogram_at(const struct load_histogram *h, double share);

#endif
