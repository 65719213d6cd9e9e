/*
 * One run of one job: from a person's ids to a decision, and through its
 * saga. Pure: commands out, answers in, the time with every answer.
 *
 *	START ──────────> READ ──> LOCATE ──> OWNERS ──> WEIGH ──> decide
 *	  │ no SunCo id    ^│ known, gone        │       ^   │ no owner  │
 *	  └> IDENTIFY ─> FOLD          no search └───────┤   v           │
 *	                                                 └ FORMER        │
 *	                                        saga.h <── DOING <───────┤
 *	                a question for a person: GATHER <────────────────┘
 *	  every state ── answer that is no answer ──────────> FINISHED
 *
 * START      a saga in the job's progress: RESUME
 * RESUME     read the SunCo user again: does it still say what the pin rests
 *            on? Then DOING; the saga looks first
 * IDENTIFY   read the requester, or its survivor: the messaging identity
 *            names the person
 * FOLD       the job becomes the person's, or goes on as the one that they have;
 *            or ends, if that cannot be taken over now
 * READ       the SunCo user, and what is remembered (survivors, the link, what
 *            webhooks said), at the same time; as soon as that is known, the
 *            user of the hint, only if need be where a link is remembered,
 *            and the owners of the address that a webhook named
 * LOCATE     zendeskId, else the user last linked, else the holder of the
 *            external id; beside a user, the owners of the address
 * OWNERS     searches by address and external id, at the same time; that by
 *            address is spared if READ did it
 * WEIGH      breaker, rejections, earlier merges, former owners; then
 *            policy_decide()
 * FORMER     where nobody owns the address of somebody who signed in: reads
 *            who had it, the last one first, until one is there. Has it still:
 *            an owner that the search did not show. Has it not: displaced.
 * DOING      the saga
 * GATHER     a new question for a person: how many tickets both users have,
 *            and which other SunCo users hold what a sync would move. Two
 *            more Zendesk calls and at most two of SunCo; no answer is
 *            "unknown", never a failure. A question that is open already
 *            (asked by this or another conversation) gathers nothing.
 *
 * What precedes what: every read begins in this run, so after the events that
 * the run is about; the read-back begins when the merge was answered. In READ the reads are of the same moment. What an early search
 * (of READ or LOCATE) found counts if the SunCo user, as it was read, has the
 * very address, and if it is no older than LINKJOB_EARLY_MS when it is used;
 * else it is forgotten, and OWNERS searches. What it failed with never counts.
 *
 * Invariants (linkjob_check): 1. what a decision rests on was read in this
 * run, at most LINKJOB_FRESH_MS before the intent is stored. 2. no command is
 * out in FINISHED. 3. the messaging user of the facts holds the messaging identity
 * with this SunCo id. 4. in a dry run no command changes anything. 5. the
 * displaced profile of the facts is somebody else, there, and does not have
 * the address; what it had is as recalled, when it lost it as owner.h says.
 */
#ifndef REUNITE_CORE_LINKJOB_H
#define REUNITE_CORE_LINKJOB_H

#include "core/command.h"
#include "core/job.h"
#include "core/pair.h"
#include "core/policy.h"
#include "core/saga.h"

#define LINKJOB_FRESH_MS	60000
#define LINKJOB_EARLY_MS	2000
#define LINKJOB_ADOPT_TRIES	3
#define LINKJOB_CONFLICTS	5  /* 409 or 404 to changes: then no is no */
#define LINKJOB_OTHERS_MAX	20 /* SunCo users that a review shows */
#define LINKJOB_GONE_MS		5000 /* a requester that is gone is looked for again, */
#define LINKJOB_GONE_LONGEST_MS 45000 /* while a merge of it is under way */

/*
 * A person said yes. It counts for the same SunCo user, messaging user and
 * profile while nothing that matters changed (pair.h); else it has expired
 * and the rules decide as if it had not been given.
 */
struct linkjob_approval {
	int64_t review_id; /* 0: none */
	reason_set waived; /* what the review listed */
	bool pin;	   /* it names the pin */
	uint64_t user;
	uint64_t profile;
	char sunco_id[SUNCO_ID_SIZE];
	struct pair_print print;
	const char *by; /* borrowed */
};
enum linkjob_approved {
	LINKJOB_NOT_APPROVED,
	LINKJOB_APPROVED,
	LINKJOB_EXPIRED, /* another pair, or a side changed: see changes */
	LINKJOB_SHORT,	 /* more reasons came up than it was given for */
};

struct linkjob_settings {
	struct policy_rules rules;
	int64_t settle_after_ms;
	int64_t recheck_ms; /* a link is believed so long; 0: never */
	bool sync;	    /* tell SunCo about merges */
	bool dry;	    /* decide, change nothing, store nothing */
	struct linkjob_approval approval;
};

enum linkjob_state {
	LINKJOB_START,
	LINKJOB_RESUME,
	LINKJOB_IDENTIFY,
	LINKJOB_FOLDING,
	LINKJOB_READ,
	LINKJOB_LOCATE,
	LINKJOB_OWNERS,
	LINKJOB_WEIGH,
	LINKJOB_FORMER,
	LINKJOB_DOING,
	LINKJOB_GATHER,
	LINKJOB_FINISHED,
};
const char *linkjob_state_name(enum linkjob_state s);

enum linkjob_end {
	LINKJOB_END_NONE,
	LINKJOB_END_KNOWN,   /* linked before, nothing changed: no record */
	LINKJOB_END_MOVED,   /* the person's own job goes on with it */
	LINKJOB_END_WAIT,    /* look again later */
	LINKJOB_END_DECIDED, /* decided; done, if the decision says so */
	LINKJOB_END_RETRY,   /* why, told_ms: the same again later */
	LINKJOB_END_AGAIN,   /* decide anew at once, or after delay_ms */
};

/* What GATHER found. */
struct linkjob_gathered {
	int64_t tickets[2]; /* of the messaging user, the profile; -1 unknown */
	bool asked_sunco;   /* there was something to ask for */
	bool sunco_failed;
	struct sunco_user *others; /* *owned*: not the conversation's own */
	size_t other_count;
};

/* The search for the owners of an address before the messaging user is known,
 * or the SunCo user, whose address only a webhook named so far. */
struct linkjob_early {
	char address[ADDRESS_SIZE]; /* "": none was searched */
	bool answered;
	int64_t at_ms;
	struct zd_user *users; /* *owned* */
	size_t user_count;
};

struct linkjob {
	struct linkjob_settings settings;
	/* what is known when it starts; copies */
	char sunco_id[SUNCO_ID_SIZE];
	uint64_t hint; /* Zendesk user that it may be */
	uint64_t ticket_id;
	int64_t deadline_ms;
	bool nobody_waits; /* it is history: what it waits for will not come */
	int64_t due_ms;	   /* since when a look is owed; 0: not known */
	/* the run */
	enum linkjob_state state;
	unsigned waiting; /* commands without an answer */
	struct facts facts;
	uint64_t located; /* zendeskId that LOCATE reads; 0: searches */
	bool read_hint;	  /* the user of the hint */
	uint64_t gone;	  /* that user, when it turned out to be gone */
	bool read_linked; /* where the store last knew the person */
	bool searched_external;
	struct linkjob_early early;
	size_t former;	       /* how many former owners were read, in vain */
	struct sightings seen; /* everybody whom answers of this run showed */
	bool sunco_gone;
	bool changed; /* resumed, and the person says something else now */
	int64_t oldest_read_ms; /* of what the decision rests on */
	struct recall recall;
	uint64_t weighed[RECALL_MAX]; /* whom WEIGH asked about */
	struct decision decision;
	unsigned linked;	 /* policy_linked_under() of it */
	struct pair_print print; /* of what was decided on */
	enum linkjob_approved approved;
	pair_parts changes; /* since the approval */
	struct linkjob_gathered gathered;
	char address[ADDRESS_SIZE];
	struct saga saga;
	/* across runs; stored as progress */
	int64_t first_search_ms; /* fruitless, for first_address_print */
	uint8_t first_search_hash[16];
	int looks;
	int adopt_tries;
	int conflicts;
	int64_t late_ms; /* that looks came late by: the wait is longer by it */
	/* the end */
	enum linkjob_end end;
	enum result why;
	int64_t told_ms;
	int64_t run_at_ms;
	int api_calls;
	struct error error;
};

/* job: borrowed for the call. */
void linkjob_init(struct linkjob *l, const struct job *job,
		  const struct linkjob_settings *s);
void linkjob_release(struct linkjob *l);
void linkjob_start(struct linkjob *l, int64_t now_ms, struct commands *out);
/* The answer to one command; out is what to do next, if anything. */
void linkjob_step(struct linkjob *l, const struct answer *a,
		  struct commands *out);
void linkjob_check(const struct linkjob *l);
/* What is stored between runs and before each step: *new* JSON text, or NULL
 * when there is nothing to keep. */
char *linkjob_progress(const struct linkjob *l);
/* Who the person is now, as settled by this run, to be remembered until
 * something changes; 0: not settled, or not seen to be so yet. */
uint64_t linkjob_settled_user(const struct linkjob *l);
/* The decision as a journal entry, with the status that the end of the run
 * leaves it in (account and job id are the caller's). */
void linkjob_entry(const struct linkjob *l, struct journal_entry *out);
/* Both users as read, for the journal: *new* JSON text. */
char *linkjob_before_image(const struct linkjob *l);
/* A review's facts: the before-image, what was gathered, what an approval
 * would be given for; see review_card.h: *new* JSON text. */
char *linkjob_review_facts(const struct linkjob *l);
/* What became of an approval that did not carry: *new*, or NULL. Names who
 * gave it, nobody else. */
char *linkjob_approval_note(const struct linkjob *l);

#endif
