/*
 * The buckets: values below 256 exactly, then 128 to each power of two.
 */
#include "load_histogram.h"

#define EXACT (2 * LOAD_HISTOGRAM_STEPS)

static unsigned int shift_of(uint64_t value)
{
	return value < EXACT ? 0 : 56 - (unsigned int)__builtin_clzll(value);
}

void load_histogram_add(struct load_histogram *h, uint64_t value)
{
	unsigned int shift = shift_of(value);

	h->buckets[shift * LOAD_HISTOGRAM_STEPS + (value >> shift)]++;
	h->count++;
	if (value > h->max)
		h->max = value;
}

static uint64_t middle_of(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < EXACT)
		return bucket;
	shift = bucket / LOAD_HISTOGRAM_STEPS - 1;
	return ((uint64_t)(bucket - shift * LOAD_HISTOGRAM_STEPS) << shift) +
	       (UINT64_C(1) << shift) / 2;
}

uint64_t load_histogram_at(const struct load_histogram *h, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)h->count + 0.5), seen = 0;

	for (unsigned int i = 0; i < LOAD_HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted && seen > 0)
			return middle_of(i);
	}
	return 0;
}
