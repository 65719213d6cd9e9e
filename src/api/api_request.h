/*
 * Requests of an account and their lists: see api_client.c for the states,
 * api_batch.c for those that ride.
 */
#ifndef REUNITE_API_API_REQUEST_H
#define REUNITE_API_API_REQUEST_H

#include <sys/queue.h>

#include "api_limits.h"
#include "oauth.h"

enum request_state { WAITING, RIDING, SENT, FINISHED, DELIVERING };

TAILQ_HEAD(request_list, api_request);

struct api_request {
	TAILQ_ENTRY(api_request) entry;
	struct api_client *client;
	enum request_state state;
	struct api_toll toll;
	const char *name;
	const char *method;
	bool once;
	char *path;
	uint64_t user;
	char *body;
	int64_t since_ms;
	int64_t send_by_ms;	   /* clock_boot_ms(); 0: whenever */
	uint64_t token_generation; /* 0: not under OAuth */
	bool again;		   /* after a 401 */
	/* a user who may be read beside others; 0: is sent alone */
	uint64_t share;
	struct api_request *driver; /* RIDING */
	bool drives;		    /* riders: who gets a part of its answer */
	struct request_list riders;
	struct http_transfer *transfer;
	struct api_result result;
	struct json_t *json;
	api_done *done;
	api_drop *drop;
	void *arg;
};

struct api_client {
	struct loop *loop;
	struct http_client *http;
	struct api_config config; /* its strings are ours */
	struct api_limits limits;
	int64_t date_ms;      /* of the last answer; 0: none */
	int64_t date_mono_ms; /* when it came */
	struct api_holds holds;
	struct oauth *oauth;
	loop_fn *needed; /* or NULL: the limits are ours alone */
	void *needed_arg;
	struct loop_timer *pump_timer;
	struct request_list waiting[LANE_COUNT];
	struct request_list sent;
	struct request_list finished;
	bool batches; /* they work on this account, as far as is known */
	bool boarded; /* the lists of those waiting changed */
	bool delivering;
	bool dead; /* freed from inside a callback */
};

/* api_client.c */
void api_request_free(struct api_request *q);
void api_request_move(struct api_request *q, enum request_state to);
/* From RIDING back to WAITING, to be sent alone: next of those of its lane
 * that may be repeated. */
void api_request_alight(struct api_request *q);

/* api_batch.c */
/* The limits let q go: what goes, q or a request that takes it and others
 * along. */
struct api_request *api_batch_board(struct api_request *q);
/* The request is over: its riders are FINISHED, or WAITING again. */
void api_batch_answered(struct api_request *q);
/* Its riders are cancelled. */
void api_batch_drop(struct api_request *q);

#endif
