/*
 * The only reader of the clock, and times as text.
 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

int64_t clock_mono_ms(void)
{
	return clock_read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_boot_ms(void)
{
	return clock_read_us(CLOCK_BOOTTIME) / 1000;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	int ms = (int)(wall_ms % 1000);
	time_t seconds = wall_ms / 1000;
	char text[96]; /* what seven ints could need, says the compiler */
	struct tm tm;

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		 tm.tm_min, tm.tm_sec, ms);
	str_copy(out, CLOCK_TEXT_SIZE, text);
}

void clock_format_http_date(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = wall_ms / 1000;
	char text[96];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		 days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
		 tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	str_copy(out, CLOCK_TEXT_SIZE, text);
}

/* Takes exactly count digits off the front. */
static bool take_number(struct slice *s, size_t count, int *out)
{
	int n = 0;

	if (s->len < count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		n = n * 10 + (s->ptr[i] - '0');
	}
	s->ptr += count;
	s->len -= count;
	*out = n;
	return true;
}

/* Takes one character of the set off the front; 0 if there is none. */
static char take_char(struct slice *s, const char *set)
{
	char c;

	if (!s->len || !s->ptr[0] || !strchr(set, s->ptr[0]))
		return '\0';
	c = s->ptr[0];
	s->ptr++;
	s->len--;
	return c;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* year and month as people write them, in tm_year and tm_mon. */
static bool tm_is_possible(const struct tm *tm)
{
	return tm->tm_mon >= 1 && tm->tm_mon <= 12 && tm->tm_mday >= 1 &&
	       tm->tm_mday <= month_days(tm->tm_year, tm->tm_mon) &&
	       tm->tm_hour <= 23 && tm->tm_min <= 59 && tm->tm_sec <= 60;
}

/* Seconds since the epoch; a 60th second only where leap seconds are. */
static bool tm_to_seconds(struct tm *tm, int offset_s, int64_t *out)
{
	bool leap = tm->tm_sec == 60;

	if (!tm_is_possible(tm))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	*out = (int64_t)timegm(tm) - offset_s;
	return !leap || *out % (24 * 60 * 60) == 0;
}

static bool take_date_time(struct slice *s, struct tm *tm)
{
	return take_number(s, 4, &tm->tm_year) && take_char(s, "-") &&
	       take_number(s, 2, &tm->tm_mon) && take_char(s, "-") &&
	       take_number(s, 2, &tm->tm_mday) && take_char(s, "Tt") &&
	       take_number(s, 2, &tm->tm_hour) && take_char(s, ":") &&
	       take_number(s, 2, &tm->tm_min) && take_char(s, ":") &&
	       take_number(s, 2, &tm->tm_sec);
}

static bool take_fraction(struct slice *s, int *out_ms)
{
	int digit = 0, weight = 100;

	*out_ms = 0;
	if (!take_char(s, ".,"))
		return true;
	if (!take_number(s, 1, &digit))
		return false;
	do {
		*out_ms += digit * weight;
		weight /= 10;
	} while (take_number(s, 1, &digit));
	return true;
}

static bool take_offset(struct slice *s, int *out_s)
{
	int hours = 0, minutes = 0;
	char sign = take_char(s, "Zz+-");

	*out_s = 0;
	if (sign == 'Z' || sign == 'z')
		return true;
	if (!sign || !take_number(s, 2, &hours))
		return false;
	if (s->len) {
		take_char(s, ":");
		if (!take_number(s, 2, &minutes))
			return false;
	}
	if (hours > 23 || minutes > 59)
		return false;
	*out_s = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
	return true;
}

bool clock_parse_iso8601(struct slice s, int64_t *out_wall_ms)
{
	struct tm tm = {0};
	int ms = 0, offset_s = 0;
	int64_t seconds;

	if (!take_date_time(&s, &tm) || !take_fraction(&s, &ms) ||
	    !take_offset(&s, &offset_s) || s.len)
		return false;
	if (!tm_to_seconds(&tm, offset_s, &seconds))
		return false;
	*out_wall_ms = seconds * 1000 + ms;
	return true;
}

/* Takes one of the three-letter names off the front; its index or -1. */
static int take_name(struct slice *s, const char *names)
{
	for (int i = 0; s->len >= 3 && names[3 * i]; i++) {
		if (memcmp(s->ptr, names + 3 * (size_t)i, 3))
			continue;
		s->ptr += 3;
		s->len -= 3;
		return i;
	}
	return -1;
}

static bool take_literal(struct slice *s, const char *text)
{
	size_t len = strlen(text);

	if (s->len < len || memcmp(s->ptr, text, len))
		return false;
	s->ptr += len;
	s->len -= len;
	return true;
}

static bool take_http_day(struct slice *s, int *wday, struct tm *tm)
{
	*wday = take_name(s, "SunMonTueWedThuFriSat");
	if (*wday < 0 || !take_literal(s, ", ") ||
	    !take_number(s, 2, &tm->tm_mday) || !take_literal(s, " "))
		return false;
	tm->tm_mon = take_name(s, "JanFebMarAprMayJunJulAugSepOctNovDec") + 1;
	return tm->tm_mon >= 1 && take_literal(s, " ") &&
	       take_number(s, 4, &tm->tm_year) && take_literal(s, " ");
}

bool clock_parse_http_date(struct slice s, int64_t *out_wall_ms)
{
	struct tm tm = {0};
	int64_t seconds;
	int wday = 0;

	if (!take_http_day(&s, &wday, &tm) ||
	    !take_number(&s, 2, &tm.tm_hour) || !take_literal(&s, ":") ||
	    !take_number(&s, 2, &tm.tm_min) || !take_literal(&s, ":") ||
	    !take_number(&s, 2, &tm.tm_sec) || !take_literal(&s, " GMT") ||
	    s.len)
		return false;
	if (!tm_to_seconds(&tm, 0, &seconds) || tm.tm_wday != wday)
		return false;
	*out_wall_ms = seconds * 1000;
	return true;
}
