/*
 * What shadow mode is tested with: decisions about a person, merges by hand,
 * and the report.
 */
#ifndef REUNITE_TESTS_SHADOW_KIT_H
#define REUNITE_TESTS_SHADOW_KIT_H

#include "contract.h"

enum { PERSON = 501, PROFILE = 902, OTHER = 903, SECOND = 502, THIRD = 904 };
#define SUNCO	"5ce1000000000000000000a1"
#define SUNCO_2 "5ce1000000000000000000a2"

/* With evidence verified, linked under every setting; owns nothing. */
struct journal_entry shadow_decision(enum action action, uint64_t user,
				     uint64_t profile);
/* A job of the person, claimed again whatever it rested in. */
struct job shadow_running(struct ct *c, const char *sunco_id);
/* Runs it to this decision; its entry. gone: a user that the run saw gone. */
int64_t shadow_settle(struct ct *c, const char *sunco_id,
		      struct journal_entry e, uint64_t gone);
int64_t shadow_decide(struct ct *c, const char *sunco_id, enum action action,
		      uint64_t user, uint64_t profile);
struct event shadow_merge_event(uint64_t detail, uint64_t other);
void shadow_agents_merge(struct ct *c, uint64_t detail, uint64_t other);
/* SUNCO logs in and goes on as SUNCO_2. */
void shadow_log_in(struct ct *c);
struct readiness shadow_report_since(struct ct *c, int64_t since_ms);
struct readiness shadow_report(struct ct *c); /* since the beginning */

#endif
