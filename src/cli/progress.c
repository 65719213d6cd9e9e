/*
 * Progress: see progress.h.
 */
#include "progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TERMINAL_EVERY_MS 200
#define LINE_EVERY_MS	  30000
#define BAR_WIDTH	  20
#define LINE_SIZE	  512
#define WIDTH_DEFAULT	  80

void progress_init(struct progress *p, FILE *out)
{
	*p = (struct progress){.out = out, .terminal = isatty(fileno(out))};
}

void progress_time(int64_t seconds, char out[PROGRESS_TIME_SIZE])
{
	int64_t minutes = seconds / 60;
	int64_t hours = minutes / 60;

	if (hours >= 48)
		snprintf(out, PROGRESS_TIME_SIZE, "%lldd %02lldh",
			 (long long)(hours / 24), (long long)(hours % 24));
	else if (hours > 0)
		snprintf(out, PROGRESS_TIME_SIZE, "%lldh %02lldm",
			 (long long)hours, (long long)(minutes % 60));
	else if (minutes > 0)
		snprintf(out, PROGRESS_TIME_SIZE, "%lldm", (long long)minutes);
	else
		snprintf(out, PROGRESS_TIME_SIZE, "%llds", (long long)seconds);
}

static size_t add(char *out, size_t size, size_t used, const char *text)
{
	size_t len = strlen(text);

	if (len >= size - used)
		len = size - used - 1;
	memcpy(out + used, text, len);
	out[used + len] = '\0';
	return used + len;
}

void progress_line(int64_t done, int64_t total, double per_second,
		   const char *note, char *out, size_t size)
{
	char text[96], left[PROGRESS_TIME_SIZE];
	size_t used;

	if (done > total && total > 0)
		total = done; /* some came meanwhile */
	if (total > 0)
		snprintf(text, sizeof(text), "%lld/%lld %d%%", (long long)done,
			 (long long)total, (int)(done * 100 / total));
	else
		snprintf(text, sizeof(text), "%lld", (long long)done);
	used = add(out, size, 0, text);
	if (per_second > 0) {
		snprintf(text, sizeof(text), " %.1f/s", per_second);
		used = add(out, size, used, text);
	}
	if (per_second > 0 && total > done) {
		progress_time((int64_t)((double)(total - done) / per_second),
			      left);
		used = add(out, size, used, " ETA ");
		used = add(out, size, used, left);
	}
	if (note && *note) {
		used = add(out, size, used, "  ");
		(void)add(out, size, used, note);
	}
}

static int width_of(const struct progress *p)
{
	struct winsize size;

	if (ioctl(fileno(p->out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

static void draw(struct progress *p, int64_t done, int64_t total,
		 const char *line)
{
	char bar[BAR_WIDTH + 1];
	int full = total > 0 ? (int)(done * BAR_WIDTH / total) : 0;
	int room = width_of(p) - BAR_WIDTH - 4; /* brackets, space, edge */

	if (full > BAR_WIDTH)
		full = BAR_WIDTH;
	memset(bar, '-', BAR_WIDTH);
	memset(bar, '#', (size_t)full);
	bar[BAR_WIDTH] = '\0';
	fprintf(p->out, "\r[%s] %.*s\033[K", bar, room > 0 ? room : 0, line);
	fflush(p->out);
	p->open = true;
}

void progress_show(struct progress *p, int64_t done, int64_t total,
		   const char *note, int64_t now_ms)
{
	int64_t every_ms = p->terminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS;
	char line[LINE_SIZE];
	double per_second = 0;

	if (!p->begun) {
		p->begun = true;
		p->start_ms = p->shown_ms = now_ms;
		p->start_done = done;
		if (!p->terminal)
			return;
	} else if (now_ms - p->shown_ms < every_ms) {
		return;
	}
	p->shown_ms = now_ms;
	if (now_ms > p->start_ms && !p->counts)
		per_second = (double)(done - p->start_done) * 1000 /
			     (double)(now_ms - p->start_ms);
	progress_line(done, total, per_second, note, line, sizeof(line));
	if (p->terminal)
		draw(p, done, total, line);
	else
		fprintf(p->out, "%s\n", line);
}

void progress_clear(struct progress *p)
{
	if (p->open)
		fputs("\r\033[K", p->out);
	p->open = false;
	fflush(p->out);
}
