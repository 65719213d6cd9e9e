/*
 * Private to `reunite doctor`: what its checks share.
 *
 * A check is a row { name, function }. It says one finding or more with
 * doctor_say(): how it stands, in one sentence, and what mends it. Checks
 * read the configuration, files, the store and what the network answered
 * (doctor_net.h); none changes anything.
 */
#ifndef REUNITE_CLI_DOCTOR_H
#define REUNITE_CLI_DOCTOR_H

#include "cli/cli.h"
#include "doctor_net.h"

enum doctor_level {
	DOCTOR_OK,
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
	DOCTOR_UNAVAILABLE, /* a problem, but not of this installation */
	DOCTOR_LEVEL_COUNT
};

struct doctor {
	struct cli *cli;
	const struct config *config;
	struct store *store; /* NULL: there is none to read */
	size_t node_count;   /* at work on a store that may have several */
	const char *check;   /* under way */
	/* of the check under way; NULL: about the whole */
	const struct account_config *account;
	struct store_stats stats; /* the account's, with detail */
	struct store_account row; /* likewise */
	struct doctor_net *net;	  /* NULL: the network is left out */
	const struct doctor_upstream *upstream; /* the account's, with net */
	size_t counts[DOCTOR_LEVEL_COUNT];	/* of findings */
};

struct doctor_check {
	const char *name;
	void (*run)(struct doctor *d);
};

/* mend: what to do about it, or NULL; NAME in it becomes the account's. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *mend,
		const char *fmt, ...) PRINTF_LIKE(4, 5);

#define DOCTOR_AGE_SIZE 24
/* "40 s", "3 h": since then, or until then. */
const char *doctor_age(const struct doctor *d, int64_t wall_ms,
		       char out[DOCTOR_AGE_SIZE]);

/* doctor_nodes.c */
void doctor_check_nodes(struct doctor *d);
/* doctor_access.c: takes no network */
void doctor_check_api_token(struct doctor *d);
/* doctor_tls.c */
void doctor_check_certificate(struct doctor *d);
/* doctor_hosts.c: where the providers reach us */
void doctor_check_public(struct doctor *d);
/* doctor_access.c: did the API say anything? If not, that is told: as a problem
 * where its host is no problem already. */
bool doctor_answered(struct doctor *d, const struct doctor_call *call,
		     enum api a);

/* In the order of the screen. */
extern const struct doctor_check doctor_file_checks[];
extern const size_t doctor_file_check_count;
extern const struct doctor_check doctor_store_checks[];
extern const size_t doctor_store_check_count;
/* Of each account: what was heard of it over the network, then what the store
 * knows. */
extern const struct doctor_check doctor_host_checks[];
extern const size_t doctor_host_check_count;
extern const struct doctor_check doctor_access_checks[];
extern const size_t doctor_access_check_count;
extern const struct doctor_check doctor_registered_checks[];
extern const size_t doctor_registered_check_count;
extern const struct doctor_check doctor_account_checks[];
extern const size_t doctor_account_check_count;

#endif
