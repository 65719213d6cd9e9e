/*
 * Operations about the store as a whole: gauges, health, retention, checking
 * it, forgetting a person. See store.h, which includes this.
 */
#ifndef REUNITE_STORE_UPKEEP_H
#define REUNITE_STORE_UPKEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/job.h"
#include "core/user.h"

/* A profile that as many conversations joined today as may. */
#define STORE_FULL_MAX 16
struct store_full {
	uint64_t profile_id;
	int64_t merges;
	int64_t ends_ms; /* when the day has a place again, at the earliest */
};

struct store_stats {
	const char *account;
	int64_t now_ms;
	/* Of the breaker; INT64_MAX: not asked. */
	int64_t max_per_hour;
	int64_t max_per_profile;
	bool detail; /* and what is not worth a look every few seconds */
	/* out */
	int64_t jobs[JOB_STATE_COUNT];
	int64_t oldest_due_ms;	  /* run_at of the oldest due job, 0: none */
	int64_t oldest_review_ms; /* created, 0: none */
	int64_t merges_this_hour;
	/* At the limit: when the hour has a place again, at the earliest; 0:
	 * it has one, or never will (a limit of 0). */
	int64_t hour_ends_ms;
	struct store_full full[STORE_FULL_MAX]; /* some of them, by id */
	size_t full_count;			/* all of them */
	int64_t breaker_since_ms; /* a person closed it then; 0: never */
	/* detail */
	int64_t reviews_open;
	int64_t unfinished;	     /* entries that are pending or uncertain */
	int64_t unfinished_since_ms; /* the oldest's; 0: none */
	int64_t notes_open;	     /* to be told on a ticket that is known */
	int64_t oldest_note_ms;	     /* created; 0: none */
	int64_t notes_refused;	     /* of those of the last day */
};

struct store_health {
	/* out */
	int64_t schema;
	int64_t size_bytes; /* of the database; its log comes on top */
	bool durable;	    /* what is committed survives a power failure */
	char mode[40];	    /* how it writes: "wal" */
	char settings[96];  /* that this rests on, as they are in force */
};

/*
 * Everything that speaks of a person named in one way. Walks journal and
 * reviews: not for the daemon's own handle.
 */
struct store_find {
	const char *account;
	const char *sunco_id;	  /* or NULL */
	uint64_t zendesk_user_id; /* or 0 */
	const char *address;	  /* normalised, or NULL */
	/* out, all *owned* */
	char (*sunco_ids)[SUNCO_ID_SIZE];
	size_t sunco_count;
	uint64_t *users;
	size_t user_count;
	int64_t *reviews;
	size_t review_count;
	int64_t *entries; /* of the journal */
	size_t entry_count;
};

/* Erases jobs, links, reviews, rejected pairs and addresses; of the journal's
 * entries the before-images and SunCo ids: that something was done, and to
 * which ids of Zendesk, stays until its retention. */
struct store_erase {
	const char *account;
	const struct store_find *who; /* borrowed */
	int64_t now_ms;
	/* out: how many */
	int jobs;
	int busy; /* jobs that run: they go when their run ends */
	int links;
	int reviews;
	int pairs;
	int addresses;
	int entries;
};

/* Something that must not be; the texts are static. */
struct store_finding {
	const char *what;
	const char *mend;
	bool wrong; /* else it goes away by itself */
	int64_t count;
	int64_t example; /* an id: of what the text speaks of */
};

/* Walks everything: not for the daemon's own handle. */
struct store_check {
	int64_t now_ms;
	int64_t grace_ms; /* so long after its lease a job is taken over */
	bool quick;	  /* the file only roughly */
	/* out; of a damaged file nothing but that */
	char *damage;			/* *owned*: where; NULL: it is whole */
	struct store_finding *findings; /* *owned* */
	size_t count;
};

/*
 * Whole copies elsewhere: backups, and files that the store was copied from.
 * They keep what is erased here. A name is a path on that host.
 */
struct store_backup { /* STORE_BACKUP: one is there, or not any more */
	const char *host;
	const char *name;
	int64_t made_ms; /* 0: it is gone */
};

struct store_backup_row {
	char *host;
	char *name;
	int64_t made_ms;
};
struct store_backups {
	struct store_backup_row *rows; /* out, *owned*: the newest first */
	size_t count;		       /* at most STORE_LIST_MAX */
};

/* From the one daemon that has the store, every so often and when its clock
 * was set, before it does anything by the new time. A store with a clock of its
 * own (a database that many daemons share) says what time it is: then that is
 * everybody's, and by_ms is 0. */
struct store_clock {
	int64_t now_ms; /* 0: only to hear of the store's; nothing is written */
	int64_t by_ms;	/* it was set by so much; 0: it goes on */
	int64_t store_ms; /* out: the store's own; 0: it has none */
	/* The latest time that is known to have come, which retention goes by:
	 * in: 0: leave; out: as kept. */
	int64_t sure_ms;
};

struct store_prune {
	int64_t events_before_ms;  /* 0: they are not looked at */
	int64_t jobs_before_ms;	   /* done and dead */
	int64_t journal_before_ms; /* closed reviews, links, addresses, too */
	int64_t images_before_ms;  /* before-images, facts of reviews */
	int64_t reviews_expire_ms; /* now: open ones past expiry close */
	int64_t notes_before_ms;   /* notes whose ticket never came */
	size_t max;
	int64_t after_account; /* of some accounts a call: where it goes on */
	int64_t next_account;  /* out: that for the next call; 0: it is over */
	size_t removed;	       /* out; call again while it equals max, too */
	bool more_events;      /* out: likewise; not all were looked at */
};

#endif
