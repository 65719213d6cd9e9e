/*
 * A SQLite store in a folder of its own that can be made to wait, to fail,
 * and to fail at one kind of operation.
 */
#ifndef REUNITE_TESTS_STORE_GATE_H
#define REUNITE_TESTS_STORE_GATE_H

#include "store/store.h"

struct store_gate {
	char dir[64];
	char path[96];
	char url[128];
};

/* Makes the folder and opens the store for serving. One at a time. */
struct store *store_gate_open(struct store_gate *g);
/* The store has been closed. */
void store_gate_remove(struct store_gate *g);

/* It waits before it begins a transaction, or it fails to. */
void store_gate_hold(bool hold);
void store_gate_fail(bool fail);
/* It waits before it carries out an operation of this kind; -1: no more. */
void store_gate_hold_at(int kind);
/* Waits until the store is held up in a transaction. */
void store_gate_await_held(void);
/* The next operations of this kind fail, so many times. */
void store_gate_spoil(enum store_op_kind kind, int times);
/* It has a clock of its own, ahead of clock_boot_ms() by so much; 0: none. */
void store_gate_clock(int64_t ahead_ms);
/* How many operations of this kind there were. */
int store_gate_count(enum store_op_kind kind);

#endif
