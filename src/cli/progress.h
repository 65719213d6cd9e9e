/*
 * How far long work has come: a bar on a terminal, a line now and then
 * elsewhere. Writes to one stream, standard error as a rule.
 */
#ifndef REUNITE_CLI_PROGRESS_H
#define REUNITE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRESS_NOTE_SIZE 160

struct progress {
	FILE *out;
	bool terminal;
	bool counts;	  /* steps of unlike length: no rate, no time left */
	int64_t start_ms; /* monotonic */
	int64_t start_done;
	bool begun;
	int64_t shown_ms; /* monotonic; of the last line */
	bool open;	  /* a bar stands in the last line */
};
void progress_init(struct progress *p, FILE *out);
/* total 0: not known. note: what else there is to say, one line. Shows it if
 * it is time to. The rate counts from the first call. */
void progress_show(struct progress *p, int64_t done, int64_t total,
		   const char *note, int64_t now_ms);
/* The bar goes; what is printed next begins a line. */
void progress_clear(struct progress *p);

/* "2h 05m", "12m", "40s"; "" below a second. Pure. */
#define PROGRESS_TIME_SIZE 32
void progress_time(int64_t seconds, char out[PROGRESS_TIME_SIZE]);
/* The line without bar and end, at most size; for progress_show(), and tests:
 * done/total, percent, rate, time left, note. */
void progress_line(int64_t done, int64_t total, double per_second,
		   const char *note, char *out, size_t size);

#endif
