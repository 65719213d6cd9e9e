/*
 * A disk under SQLite that can lose its power, and whose writes and syncs can
 * fail the way disks do. What was written is certain only once it was synced;
 * of what was not, any part may be there after a cut. A sync that fails loses
 * what it was to write, for good: the next one succeeds without it, and what
 * is read may be what was there before.
 */
#ifndef REUNITE_TESTS_POWER_VFS_H
#define REUNITE_TESTS_POWER_VFS_H

#include <stdbool.h>
#include <stdint.h>

struct power {
	uint32_t seed;
	long calls;	 /* writes, syncs, truncations so far */
	long cut_at;	 /* the image is taken before this call; 0: never */
	int fail_one_in; /* calls; 0: none fails */
	bool fail_database_syncs; /* all of them */
	long failed;
	long most_synced;	   /* blocks of a database, by one sync */
	void (*on_cut)(void *arg); /* at the moment of the cut */
	void *arg;
};
extern struct power power;

uint32_t power_random(uint32_t n); /* below n */
/* From here on every database that is opened goes over this disk; the first
 * time, before any is. */
void power_on(uint32_t seed);
/* The files whose names begin so, as they were at the cut, under another
 * name; as they are on the disk by now, when there was none. */
void power_image(const char *from, const char *to);
/* Back to the real one; every file is forgotten. */
void power_off(void);

#endif
