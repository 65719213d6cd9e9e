/*
 * A load generator for webhooks: one thread, raw epoll, keep-alive, one
 * request at a time on each connection; every request is a new one and rightly
 * signed (load_request.h).
 *
 * Closed loop: each connection sends as soon as it is answered. Open loop
 * (--rate): requests are due at fixed times, whatever the server does, and a
 * latency counts from when a request was due, so what waited for an answer
 * before is not forgotten ("coordinated omission").
 *
 * Prints one JSON object. Whatever is not a whole 200 is an error, also an
 * answer that did not come within ten seconds of the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "load_histogram.h"
#include "load_request.h"

#define SECOND_NS  UINT64_C(1000000000)
#define PATIENCE_S 10
#define SETTLE_NS  200000000
#define REPLY_SIZE 4096
#define MAX_KINDS  64
#define MAX_EVENTS 256

struct connection {
	int fd;
	uint64_t since_ns; /* when its request was sent, or due */
	size_t got;
	char reply[REPLY_SIZE + 1];
	struct connection *next_idle;
};

struct load {
	const char *key, *secret_text;
	uint64_t seed, port, rate, connections;
	double seconds;
	struct load_request *requests; /* every kind to every path, in turns */
	size_t request_count;
	struct crypto_hmac *secret;
	struct connection *all, *idle;
	struct load_histogram *latencies;
	int epoll;
	uint64_t begin_ns, end_ns, last_ns;
	uint64_t sent, answered, errors;
	char first_error[128];
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "loadgen: %s\n", what);
	exit(1);
}

/* The connection is not used any more: a run with an error counts for
 * nothing, so it need not be beautiful. */
static void fail(struct load *l, struct connection *c, const char *what)
{
	if (l->errors++ == 0)
		snprintf(l->first_error, sizeof(l->first_error), "%.100s",
			 what);
	close(c->fd);
	c->fd = -1;
}

static void connect_one(struct load *l, struct connection *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)l->port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = c}};
	int yes = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die(strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e) != 0)
		die(strerror(errno));
	c->next_idle = l->idle;
	l->idle = c;
}

/* One request is far smaller than what a socket takes at once. */
static void send_next(struct load *l, struct connection *c, uint64_t since_ns)
{
	struct load_request *r = &l->requests[l->sent % l->request_count];

	load_request_next(r, l->secret, l->seed, l->sent);
	l->sent++;
	c->since_ns = since_ns;
	c->got = 0;
	if (send(c->fd, r->text, r->len, MSG_NOSIGNAL) != (ssize_t)r->len)
		fail(l, c, "a request was not taken");
}

/* The length of a whole reply; 0 as long as it is none. */
static size_t reply_len(const struct connection *c)
{
	const char *end = strstr(c->reply, "\r\n\r\n"), *field;

	if (!end)
		return 0;
	field = strcasestr(c->reply, "\r\nContent-Length:");
	if (!field || field > end)
		return REPLY_SIZE + 1;
	return (size_t)(end - c->reply) + 4 +
	       strtoul(field + strlen("\r\nContent-Length:"), NULL, 10);
}

static void answered(struct load *l, struct connection *c, uint64_t now)
{
	if (strncmp(c->reply, "HTTP/1.1 200 ", 13) != 0) {
		c->reply[strcspn(c->reply, "\r\n")] = '\0';
		fail(l, c, c->reply);
		return;
	}
	l->answered++;
	l->last_ns = now;
	load_histogram_add(l->latencies, now - c->since_ns);
	if (!l->rate && now < l->end_ns) {
		send_next(l, c, now);
		return;
	}
	c->next_idle = l->idle;
	l->idle = c;
}

static void readable(struct load *l, struct connection *c)
{
	ssize_t n = recv(c->fd, c->reply + c->got, REPLY_SIZE - c->got,
			 MSG_DONTWAIT);
	size_t len;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		fail(l, c, "a connection was closed");
		return;
	}
	c->got += (size_t)n;
	c->reply[c->got] = '\0';
	len = reply_len(c);
	if (len > REPLY_SIZE || (len > 0 && c->got > len))
		fail(l, c, "a reply that is not understood");
	else if (len > 0 && c->got == len)
		answered(l, c, now_ns());
}

static uint64_t due_ns(const struct load *l)
{
	return l->begin_ns + (uint64_t)((double)l->sent * (double)SECOND_NS /
					(double)l->rate);
}

/* Sends what is due while somebody is free to send it. */
static void send_due(struct load *l)
{
	uint64_t now = now_ns();

	while (l->idle && (l->rate ? due_ns(l) <= now && due_ns(l) < l->end_ns
				   : now < l->end_ns)) {
		struct connection *c = l->idle;

		l->idle = c->next_idle;
		send_next(l, c, l->rate ? due_ns(l) : now);
	}
}

static bool all_sent(const struct load *l)
{
	return (l->rate ? due_ns(l) : now_ns()) >= l->end_ns;
}

/* Until something comes or the next request is due. */
static int wait_for_events(const struct load *l, struct epoll_event *events)
{
	uint64_t now = now_ns(), until = l->end_ns + PATIENCE_S * SECOND_NS;
	struct timespec pause = {0, 0};

	if (l->rate && l->idle && !all_sent(l))
		until = due_ns(l);
	if (until > now) {
		pause.tv_sec = (time_t)((until - now) / SECOND_NS);
		pause.tv_nsec = (long)((until - now) % SECOND_NS);
	}
	return epoll_pwait2(l->epoll, events, MAX_EVENTS, &pause, NULL);
}

/* Some servers accept one connection a turn of their loop: that is not what
 * is measured, so they may finish before the first request. */
static void let_accept(void)
{
	const struct timespec pause = {0, SETTLE_NS};

	nanosleep(&pause, NULL);
}

static void run(struct load *l)
{
	struct epoll_event events[MAX_EVENTS];

	l->begin_ns = l->last_ns = now_ns();
	l->end_ns = l->begin_ns + (uint64_t)(l->seconds * (double)SECOND_NS);
	for (;;) {
		int n;

		send_due(l);
		if (all_sent(l) && l->answered + l->errors == l->sent)
			break;
		if (now_ns() >= l->end_ns + PATIENCE_S * SECOND_NS ||
		    l->errors == l->connections)
			break;
		n = wait_for_events(l, events);
		for (int i = 0; i < n; i++)
			readable(l, events[i].data.ptr);
	}
}

static double cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return 1e6 * (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static double percentile_ms(const struct load *l, double share)
{
	return (double)load_histogram_at(l->latencies, share) / 1e6;
}

static void report(const struct load *l, double used_us)
{
	double seconds = (double)(l->last_ns - l->begin_ns) / (double)SECOND_NS;
	uint64_t lost = l->sent - l->answered;

	printf("{\"requests\":%" PRIu64 ",\"seconds\":%.6f,\"rate\":%.1f,"
	       "\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"p999_ms\":%.4f,"
	       "\"max_ms\":%.4f,\"errors\":%" PRIu64 ",\"error\":\"",
	       l->answered, seconds,
	       seconds > 0 ? (double)l->answered / seconds : 0,
	       percentile_ms(l, 0.5), percentile_ms(l, 0.99),
	       percentile_ms(l, 0.999), (double)l->latencies->max / 1e6, lost);
	for (const char *p = l->first_error; *p; p++)
		putchar(*p == '"' || *p == '\\' || *p < ' ' ? '?' : *p);
	if (lost && !l->errors)
		printf("no answer");
	printf("\",\"client_us\":%.2f,\"request_bytes\":%zu}\n",
	       l->answered ? used_us / (double)l->answered : 0,
	       l->requests[0].len);
}

/* Kinds and paths may both be several, with commas: requests take turns. */
static void make_requests(struct load *l, char *kinds, char *paths)
{
	char *next_kind, *next_path, copy[1024];

	l->requests = xcalloc(MAX_KINDS, sizeof(*l->requests));
	for (char *k = strtok_r(kinds, ",", &next_kind); k;
	     k = strtok_r(NULL, ",", &next_kind)) {
		snprintf(copy, sizeof(copy), "%s", paths);
		for (char *p = strtok_r(copy, ",", &next_path); p;
		     p = strtok_r(NULL, ",", &next_path)) {
			if (l->request_count == MAX_KINDS ||
			    !load_request_init(&l->requests[l->request_count++],
					       k, p, l->key))
				die("unknown kind, or too many");
		}
	}
	if (!l->request_count)
		die("nothing to send");
}

static void usage(void)
{
	fprintf(stderr,
		"usage: loadgen --port N [--path P,...] [--kind K,...]\n"
		"  [--key KEY] [--secret SECRET] [--connections N]\n"
		"  [--seconds S] [--rate N] [--seed N]\n"
		"kinds: %s. Without --rate each connection sends as fast as\n"
		"it is answered.\n",
		load_request_kinds());
	exit(2);
}

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!str_parse_u64(slice_of(text), &n))
		usage();
	return n;
}

static const struct option options[] = {
	{"port", required_argument, NULL, 'p'},
	{"path", required_argument, NULL, 'P'},
	{"kind", required_argument, NULL, 'k'},
	{"key", required_argument, NULL, 'K'},
	{"secret", required_argument, NULL, 'S'},
	{"connections", required_argument, NULL, 'c'},
	{"seconds", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"seed", required_argument, NULL, 'n'},
	{NULL, 0, NULL, 0},
};

static void read_options(struct load *l, int argc, char **argv)
{
	char sunco[] = "sunco", root[] = "/", *kinds = sunco, *paths = root;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			l->port = number(optarg);
			break;
		case 'P':
			paths = optarg;
			break;
		case 'k':
			kinds = optarg;
			break;
		case 'K':
			l->key = optarg;
			break;
		case 'S':
			l->secret_text = optarg;
			break;
		case 'c':
			l->connections = number(optarg);
			break;
		case 's':
			l->seconds = strtod(optarg, NULL);
			break;
		case 'r':
			l->rate = number(optarg);
			break;
		case 'n':
			l->seed = number(optarg) << 24;
			break;
		default:
			usage();
		}
	}
	if (!l->port || !l->connections || !(l->seconds > 0) || optind != argc)
		usage();
	make_requests(l, kinds, paths);
}

int main(int argc, char **argv)
{
	struct load l = {.key = "none",
			 .secret_text = "none",
			 .seconds = 1,
			 .connections = 1,
			 .latencies = NULL};
	double used_us;

	prctl(PR_SET_TIMERSLACK, 1);
	read_options(&l, argc, argv);
	l.latencies = xcalloc(1, sizeof(*l.latencies));
	l.secret = crypto_hmac_new(l.secret_text, strlen(l.secret_text));
	l.epoll = epoll_create1(EPOLL_CLOEXEC);
	l.all = xcalloc(l.connections, sizeof(*l.all));
	for (uint64_t i = 0; i < l.connections; i++)
		connect_one(&l, &l.all[i]);
	let_accept();
	used_us = cpu_us();
	run(&l);
	report(&l, cpu_us() - used_us);
	crypto_hmac_free(l.secret);
	free(l.latencies);
	free(l.requests);
	free(l.all);
	return 0;
}
