/*
 * Private to `reunite probe`: one run of it.
 *
 * Made of steps, one after the other (probe_steps.c), each of calls, one
 * after the other (probe_call.c): the loop runs inside a call or a pause, and
 * nowhere else. What was made is known from before it is made until it is
 * gone, so that it can always be taken away again (probe_clean.c).
 */
#ifndef REUNITE_CLI_PROBE_H
#define REUNITE_CLI_PROBE_H

#include "api/trial.h"
#include "cli/cli.h"
#include "core/user.h"
#include "progress.h"

#define PROBE_TEXT_SIZE 96
#define PROBE_NOTE_SIZE 240
#define PROBE_WAIT_S	300 /* --wait: for a search to find somebody */
/* Parts of it, for what comes sooner if it comes at all. */
#define PROBE_WAIT_CONVERSATION 2
#define PROBE_WAIT_IDENTITY	5
#define PROBE_WAIT_EVENTS	5
#define PROBE_WAIT_ZENDESK_ID	20
#define PROBE_TICKETS_MAX	20
#define PROBE_STEPS		6

/* X(NAME, name, question): the table's rows, in its order. */
#define PROBE_ROWS(X)                                                          \
	X(CONVERSATION, "conversation_by_api",                                 \
	  "does a conversation made over the API get a Zendesk user")          \
	X(ZENDESK_ID, "sunco_zendesk_id",                                      \
	  "does the SunCo user get its zendeskId at the hand-off")             \
	X(SIDE_LOAD_USER, "side_load_user",                                    \
	  "does users/{id} side-load identities")                              \
	X(SIDE_LOAD_SEARCH, "side_load_search",                                \
	  "does users/search side-load identities")                            \
	X(FOUND_ADDRESS, "found_by_address",                                   \
	  "does a search by address find a new user")                          \
	X(FOUND_EXTERNAL_ID, "found_by_external_id",                           \
	  "does a search by external id find a new user")                      \
	X(MERGE_PLAIN, "merge_without_address",                                \
	  "is a user merged that has no address and no conversation")          \
	X(EXTERNAL_ID_KEPT, "external_id_kept",                                \
	  "does the survivor keep its own external id")                        \
	X(EXTERNAL_ID_FREE, "external_id_free",                                \
	  "can the merged user's external id be given to the survivor")        \
	X(MERGE_MESSAGING, "merge_messaging_only",                             \
	  "is an unverified user merged that has only a conversation")         \
	X(IDENTITY_MOVES, "messaging_identity_moves",                          \
	  "does the messaging identity move to the survivor")                  \
	X(ZENDESK_ID_AFTER, "zendesk_id_after_merge",                          \
	  "whom does the SunCo user's zendeskId name after the merge")         \
	X(MERGED_SHOWN, "merged_user_shown",                                   \
	  "how is the user shown that was merged away")                        \
	X(MERGE_ITSELF, "merge_into_itself",                                   \
	  "how is a merge of a user into itself answered")                     \
	X(MERGE_AGAIN, "merge_again",                                          \
	  "how is a merge answered that has been made already")                \
	X(IDENTITY_EVENT, "identity_created_event",                            \
	  "does user.identity_created come for type messaging")                \
	X(MERGED_EVENT, "merged_event_detail", "whom does user.merged describe")

#define PROBE_ROW_NAME(id, name, question) PROBE_##id,
enum probe_row_id { PROBE_ROWS(PROBE_ROW_NAME) PROBE_ROW_COUNT };
#undef PROBE_ROW_NAME

#define PROBE_NOT_SEEN "not seen"
struct probe_row {
	const char *answer; /* a word, static; NULL: not seen */
	int64_t after_ms;   /* how soon; -1: it is not about that */
	int status;	    /* of a refusal; 0: none */
	char *body;	    /* likewise, without what is personal; *owned* */
	char note[PROBE_NOTE_SIZE];
};

/* What is known of somebody, or something, that the probe made. */
enum probe_state { PROBE_NONE, PROBE_UNSURE, PROBE_THERE, PROBE_GONE };
struct probe_user {
	const char *what;
	enum probe_state state; /* UNSURE: perhaps made, its id not known */
	uint64_t id;
	int64_t since_ms; /* clock_mono_ms() */
	char name[PROBE_TEXT_SIZE];
	char external_id[PROBE_TEXT_SIZE];
	char address[PROBE_TEXT_SIZE];
};
struct probe_person {
	enum probe_state state;
	char id[SUNCO_ID_SIZE];
	char external_id[PROBE_TEXT_SIZE];
	char talk[SUNCO_ID_SIZE]; /* the conversation */
	uint64_t zendesk_id;
	int64_t handed_off_ms; /* clock_mono_ms(); 0: not */
};

struct probe_answer {
	struct api_result r;
	struct json_t *json; /* *owned* */
};

struct probe {
	struct cli *cli;
	const struct config *config;
	const struct account_config *account;
	char run[9]; /* names everything that is made */
	int64_t wait_ms;
	struct loop *loop;
	struct http_client *http;
	struct api_client *api;
	struct loop_signal *signals[3];
	struct loop_timer *timer, *tick;
	struct progress progress;
	char doing[PROBE_NOTE_SIZE];
	int step; /* of PROBE_STEPS */
	/* the call or pause under way */
	bool ready;
	bool pausing;
	struct api_request *request;
	struct http_transfer *transfer;
	struct probe_answer answer; /* of the last call */
	bool limited;	/* a rate limit held up what is being measured */
	int interrupts; /* since the cleaning began, or the start */
	bool cleaning;
	/* whom it made */
	struct probe_user profile, plain, messaging;
	struct probe_person person;
	bool given;	 /* the conversation is a person's own: --messaging */
	uint64_t merged; /* somebody who was merged into the profile */
	int left;	 /* what could not be taken away */
	struct probe_row rows[PROBE_ROW_COUNT];
};

/* --- probe_call.c --- */

void probe_open(struct probe *p);
void probe_close(struct probe *p);
/* What is being done, for the progress on a terminal. */
void probe_doing(struct probe *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The answer, borrowed until the next call. Tried again while that is
 * harmless, some minutes at most; body is *taken*. */
const struct probe_answer *probe_call(struct probe *p, enum trial what,
				      uint64_t id, const char *text,
				      struct json_t *body);
/* The daemon's admin API on this machine; calls as few as need be. */
const struct probe_answer *probe_ask_daemon(struct probe *p, const char *path);
/* Between two looks at the same thing, which began at since_ms: longer and
 * longer ones; false: it has been the longest wait, or somebody interrupted. */
bool probe_pause(struct probe *p, int64_t since_ms, int64_t wait_ms);
/* Somebody wants it to end. */
bool probe_stopped(const struct probe *p);

/* --- probe_report.c --- */

/* Seen after so long (clock_mono_ms() of the beginning), unless a limit held
 * the looks up: then the note says so. */
void probe_say_soon(struct probe *p, enum probe_row_id id, const char *answer,
		    int64_t since_ms);
/* answer: static; after_ms -1: none; fmt NULL: no note. */
void probe_say(struct probe *p, enum probe_row_id id, const char *answer,
	       int64_t after_ms, const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The same of a refusal, with its status and body. */
void probe_say_refusal(struct probe *p, enum probe_row_id id,
		       const char *answer, const struct probe_answer *a);
void probe_report(struct probe *p);
void probe_report_release(struct probe *p);

/* --- probe_talk.c --- */

/* Makes one; what fails is noted, and nothing more. */
void probe_talk_begin(struct probe *p);
/* Takes that of --messaging-user; else the exit code, the error printed. */
int probe_talk_take(struct probe *p);
/* Is a messaging identity of this value (NULL: of any) among them? user 0: of
 * whomever. */
bool probe_has_identity(const struct json_t *identities, uint64_t user,
			const char *value);

/* --- probe_steps.c, probe_merge.c, probe_events.c, probe_clean.c --- */

/* Everything up to the cleaning; the exit code. */
int probe_run(struct probe *p);
void probe_merges(struct probe *p);
void probe_events(struct probe *p);
/* The hand-off's user: in the search, or in an export; true: found.
 * export_ms: when an export was looked at last, 0: never. */
bool probe_look_for_messaging(struct probe *p, int64_t *export_ms);
void probe_clean(struct probe *p);

/* --- probe_plan.c --- */

void probe_plan(struct probe *p);

#endif
