/*
 * People by number, as both platforms would describe them: everything about
 * one follows from the number, so that an upstream for a million of them keeps
 * nothing. Each is signed in at the help center with an address that one
 * profile has, too, and their first conversation made a duplicate of it.
 */
#ifndef REUNITE_BENCH_CROWD_H
#define REUNITE_BENCH_CROWD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define CROWD_SUNCO_SIZE   25 /* with the NUL */
#define CROWD_ADDRESS_SIZE 64

void crowd_sunco_id(int64_t n, char out[CROWD_SUNCO_SIZE]);
void crowd_address(int64_t n, char out[CROWD_ADDRESS_SIZE]);
uint64_t crowd_messaging_user(int64_t n);
uint64_t crowd_profile(int64_t n);
/* -1: nobody. */
int64_t crowd_by_sunco_id(struct slice id);
int64_t crowd_by_address(struct slice query); /* in a search's words */
int64_t crowd_by_user(uint64_t user, bool *is_profile);

/* A webhook about the conversation that they began. */
void crowd_webhook(int64_t n, struct buf *out);
/* The answers, as JSON. */
void crowd_sunco_user(int64_t n, struct buf *out);
/* Of a profile: after the merge, so with what moved to it. */
void crowd_user(int64_t n, bool profile, struct buf *out);
void crowd_users(const uint64_t *users, size_t count, struct buf *out);
void crowd_merged(int64_t n, struct buf *out);
void crowd_found(int64_t n, struct buf *out); /* before; -1: nobody */

#endif
