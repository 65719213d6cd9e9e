/*
 * A tiny Zendesk, SunCo and store in memory, which answers the commands of a
 * linkjob at once, with faults and crashes at any command.
 */
#ifndef REUNITE_TESTS_WORLD_H
#define REUNITE_TESTS_WORLD_H

#include "core/linkjob.h"

#define WORLD_USERS   6
#define WORLD_PERSON  11 /* the messaging user */
#define WORLD_PROFILE 22
#define WORLD_ADDRESS "pat@customer.example"
#define WORLD_SUNCO   "5aa000000000000000000001"

enum world_fault {
	FAULT_NONE,
	FAULT_UNSENT,	   /* TEMP, certainly not sent */
	FAULT_LOST_BEFORE, /* TEMP, sent, no effect */
	FAULT_LOST_AFTER,  /* TEMP, sent, with effect */
	FAULT_RATE,
	FAULT_AUTH,
	FAULT_PERM,
	FAULT_GONE, /* NOTFOUND */
	FAULT_CONFLICT,
	FAULT_CRASH_BEFORE, /* the process dies before the effect */
	FAULT_CRASH_AFTER,  /* ... after the effect, before the answer */
	FAULT_COUNT
};

struct world {
	struct zd_user users[WORLD_USERS];
	size_t user_count;
	struct sunco_user sunco;
	bool sunco_gone;
	struct recall recall; /* what the store knows beside aliases */
	int64_t now_ms;
	int64_t sleep_ms; /* asked for in all */
	/* the fault at the at-th command (from 1) of the whole life, or, if
	 * at_kind is not COMMAND_NONE, at the at-th of that kind */
	enum world_fault fault;
	enum command_kind at_kind;
	int at;
	bool always;   /* and at every later one */
	bool personal; /* FAULT_AUTH is a 403, for this person only */
	int commands;
	enum command_kind last; /* the command that the fault hit */
	/* a merge that the fault hit was still at work: it is done so long
	 * after its end */
	int64_t late_ms;
	int64_t late_at_ms; /* 0: nothing is */
	struct command late;
	int64_t store_ms; /* an intent takes so long */
	/* Which of the commands that are out is answered next, digit by digit;
	 * 0: the one that has been out longest. And how long each takes. */
	unsigned order;
	int64_t turn_ms;
	/* the record */
	int merges, adopts, names, pins, intents, verified, syncs;
	int releases, returns; /* of the messaging user's external id */
	int counts[COMMAND_KIND_COUNT];
	/* the job as stored */
	struct job job;
	struct linkjob_settings settings;
	bool crashed;
	bool search_hides;  /* the search index lags */
	bool search_is_old; /* hits do not show their identities */
	bool address_taken; /* 422 on adopt */
	bool refuses_merge; /* 422 */
	bool refuses_ids;   /* 422 for users who have an external id */
	bool takes_id;	    /* somebody takes a freed external id at once */
	bool verify_refused;
	bool sync_refused;
	bool identity_stays; /* the identity does not move */
	bool pin_refused;
	bool breaker_open; /* the intent finds it so */
	bool profile_goes; /* somebody else merges the profile, right after */
	int64_t search_ms; /* how far the clock goes with a search */
	const char *words; /* of every answer that is not OK */
	const struct job *taken; /* FOLD finds the person's own row */
	bool merged_before_fold; /* by the run that had that row */
	uint64_t merged_into;	 /* what the store knows of WORLD_PERSON */
	struct sunco_user other; /* another SunCo user; id "": there is none */
	bool silent;		 /* nothing that GATHER asks is answered */
	char asked[200];	 /* of SunCo by GATHER: "address external_id" */
};

void world_init(struct world *w);
void world_release(struct world *w);
struct zd_user *world_user(struct world *w, uint64_t id);
struct zd_user *world_add(struct world *w, uint64_t id, const char *address,
			  enum verification method);
/* A verified address that a profile without external id owns. */
void world_make_merge(struct world *w);
/* A verified address that nobody owns. */
void world_make_adopt(struct world *w);
/* The address that the profile proved is the messaging user's since half a
 * minute, and the store knows; recover_displaced is on. */
void world_make_displaced(struct world *w);
void world_assert_merged_once(struct world *w);
/* The review that the run ended in, approved; for the next run. */
void world_approve(struct world *w, const struct linkjob *l);
/* One run: from the job as stored to its end or a crash. l is released by the
 * caller; its progress has been stored. */
void world_run(struct world *w, struct linkjob *l);
/* Runs until the job rests (decided, known, moved) or max runs. Returns the
 * last end. */
enum linkjob_end world_live(struct world *w, int max);

#endif
