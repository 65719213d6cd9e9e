/*
 * A walk over the configuration's text before libconfuse parses it.
 *
 * libconfuse reads an unset ${VAR} as "", drops single backslashes, lets the
 * last of repeated keys win, takes a section that the end of the file cuts
 * off, and puts words of the file (a misplaced secret) into its messages.
 * All of this is refused here, with the line and without the text. What is
 * left is plain enough that both read it the same way.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config_raw.h"

enum token_kind {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING, /* text without its quotes */
	TOKEN_ASSIGN,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_COMMA,
};

struct token {
	enum token_kind kind;
	struct slice text;
	int line;
};

struct scan {
	char *at;
	int line;
	const char *path;
	struct config_raws *out;
	size_t account; /* of the section around, or CONFIG_GLOBAL */
	struct error *err;
};

static enum result scan_fail(struct scan *s, int line, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static enum result scan_fail(struct scan *s, int line, const char *fmt, ...)
{
	char text[192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(s->err, RESULT_INVALID, "%s:%d: %s", s->path, line,
			 text);
}

static enum result misplaced(struct scan *s, int line)
{
	return scan_fail(s, line,
			 "here only a setting or an account's "
			 "section can stand");
}

static char *place(const struct scan *s, int line)
{
	size_t size = strlen(s->path) + 16;
	char *text = xcalloc(size, 1);

	snprintf(text, size, "%s:%d", s->path, line);
	return text;
}

static void blank_line(struct scan *s)
{
	while (*s->at && *s->at != '\n')
		*s->at++ = ' ';
}

static enum result blank_block(struct scan *s)
{
	int line = s->line;
	char *end = strstr(s->at + 2, "*/");

	if (!end)
		return scan_fail(s, line, "the comment is not closed");
	for (; s->at < end + 2; s->at++) {
		if (*s->at == '\n')
			s->line++;
		else
			*s->at = ' ';
	}
	return RESULT_OK;
}

/* White space and comments. */
static enum result skip(struct scan *s)
{
	enum result r = RESULT_OK;

	while (r == RESULT_OK) {
		if (*s->at == '#' || strncmp(s->at, "//", 2) == 0) {
			blank_line(s);
		} else if (strncmp(s->at, "/*", 2) == 0) {
			r = blank_block(s);
		} else if (*s->at && strchr(" \t\r\n", *s->at)) {
			s->line += *s->at == '\n';
			s->at++;
		} else {
			break;
		}
	}
	return r;
}

/* At a '$' in double quotes. */
static enum result scan_variable(struct scan *s)
{
	size_t len = 0;
	char name[128];
	const char *value;

	if (s->at[1] != '{' && s->at[1] != '_' &&
	    !isalpha((unsigned char)s->at[1])) {
		s->at++;
		return RESULT_OK;
	}
	if (s->at[1] == '{')
		while (isalnum((unsigned char)s->at[2 + len]) ||
		       s->at[2 + len] == '_')
			len++;
	if (len == 0 || s->at[2 + len] != '}' ||
	    !str_copy_slice(name, sizeof(name), (struct slice){s->at + 2, len}))
		return scan_fail(s, s->line,
				 "a variable is written ${NAME}; single "
				 "quotes keep a $ as it is");
	value = getenv(name);
	if (str_is_empty(value))
		return scan_fail(s, s->line, "the variable %s is %s", name,
				 value ? "empty" : "not set");
	s->at += len + 3;
	return RESULT_OK;
}

static enum result scan_escape(struct scan *s, char quote)
{
	if (quote == '"' && s->at[1] != '"' && s->at[1] != '\\')
		return scan_fail(s, s->line,
				 "a backslash in double quotes is written "
				 "\\\\; single quotes keep it as it is");
	s->at += s->at[1] == quote || s->at[1] == '\\' ? 2 : 1;
	return RESULT_OK;
}

static enum result scan_string(struct scan *s, struct token *t)
{
	char quote = *s->at++;
	enum result r = RESULT_OK;

	t->kind = TOKEN_STRING;
	t->text.ptr = s->at;
	while (r == RESULT_OK && *s->at != quote) {
		if (*s->at == '\0' || *s->at == '\n')
			return scan_fail(s, t->line,
					 "the text is not closed on its line");
		if (*s->at == '\\')
			r = scan_escape(s, quote);
		else if (*s->at == '$' && quote == '"')
			r = scan_variable(s);
		else
			s->at++;
	}
	t->text.len = (size_t)(s->at - t->text.ptr);
	s->at++;
	return r;
}

/* libconfuse drops some characters of a bare word ("*@x.example"). */
static enum result scan_word(struct scan *s, struct token *t)
{
	t->kind = TOKEN_WORD;
	t->text.ptr = s->at;
	t->text.len = strspn(s->at, "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-.:/@%");
	s->at += t->text.len;
	if (*s->at == '$')
		return scan_fail(s, s->line,
				 "a variable needs double quotes around it");
	if (*s->at && !strchr(" \t\r\n\"'{}=,#", *s->at))
		return scan_fail(s, s->line,
				 "what is more than letters, "
				 "digits and _-.:/@%% needs quotes");
	return RESULT_OK;
}

static enum result next(struct scan *s, struct token *t)
{
	static const char marks[] = "={},";
	static const enum token_kind kinds[] = {TOKEN_ASSIGN, TOKEN_OPEN,
						TOKEN_CLOSE, TOKEN_COMMA};
	enum result r = skip(s);
	const char *mark;

	*t = (struct token){.line = s->line};
	if (r != RESULT_OK || *s->at == '\0')
		return r;
	mark = strchr(marks, *s->at);
	if (mark) {
		t->kind = kinds[mark - marks];
		s->at++;
		return RESULT_OK;
	}
	return *s->at == '"' || *s->at == '\'' ? scan_string(s, t)
					       : scan_word(s, t);
}

static bool is_value(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_STRING;
}

static enum result scan_list(struct scan *s, const char *key)
{
	enum result r;
	struct token t;

	do {
		r = next(s, &t);
		if (r != RESULT_OK || t.kind == TOKEN_CLOSE)
			return r;
		if (!is_value(&t))
			break;
		r = next(s, &t);
	} while (r == RESULT_OK && t.kind == TOKEN_COMMA);
	if (r == RESULT_OK && t.kind != TOKEN_CLOSE)
		r = scan_fail(s, t.line, "%s: a list is written {\"a\", \"b\"}",
			      key);
	return r;
}

static enum result scan_value(struct scan *s, const char *key, bool list)
{
	struct token t;
	enum result r = next(s, &t);

	if (r != RESULT_OK)
		return r;
	if (t.kind != TOKEN_ASSIGN)
		return scan_fail(s, t.line, "%s: = is missing", key);
	r = next(s, &t);
	if (r != RESULT_OK || is_value(&t))
		return r;
	if (t.kind != TOKEN_OPEN)
		return scan_fail(s, t.line, "%s: the value is missing", key);
	if (!list)
		return scan_fail(s, t.line, "%s takes one value, no list", key);
	return scan_list(s, key);
}

/* A word before "=" may be the end of a secret ("c2VjcmV0=="): only what
 * looks like a setting's name is shown. */
static bool is_name(const char *key)
{
	return key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
}

static enum result unknown_key(struct scan *s, const struct token *t,
			       const char *key)
{
	bool in_account = s->account != CONFIG_GLOBAL;
	struct token after;
	bool is_file;
	enum result r;

	if (config_row_find(key, !in_account, &is_file))
		return scan_fail(s, t->line, "%s belongs %s", key,
				 in_account ? "before the accounts' sections"
					    : "into an account's section");
	r = next(s, &after);
	if (r != RESULT_OK)
		return r;
	if (after.kind != TOKEN_ASSIGN)
		return misplaced(s, t->line);
	return scan_fail(s, t->line, "unknown setting%s%s",
			 is_name(key) ? " " : "", is_name(key) ? key : "");
}

static enum result scan_setting(struct scan *s, const struct token *t)
{
	const struct config_row *row;
	char key[64] = "";
	bool is_file;

	if (!str_copy_slice(key, sizeof(key), t->text))
		return scan_fail(s, t->line, "no setting has so long a name");
	row = config_row_find(key, s->account != CONFIG_GLOBAL, &is_file);
	if (!row)
		return unknown_key(s, t, key);
	for (size_t i = 0; i < s->out->count; i++) {
		const struct config_raw *raw = &s->out->items[i];

		if (raw->account == s->account && raw->row == row &&
		    raw->is_file == is_file)
			return scan_fail(s, t->line,
					 "%s is repeated (first at %s)", key,
					 raw->where);
	}
	config_raws_add(s->out, s->account, row, is_file, place(s, t->line));
	return scan_value(s, key, config_row_is_list(row) && !is_file);
}

bool config_account_name_ok(struct slice name)
{
	if (name.len == 0 || name.len >= ACCOUNT_SIZE)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!isalnum((unsigned char)name.ptr[i]) &&
		    !strchr("_-", name.ptr[i]))
			return false;
	return true;
}

static enum result scan_account(struct scan *s, int line)
{
	struct config_raws *out = s->out;
	struct token t;
	enum result r = next(s, &t);

	if (r != RESULT_OK)
		return r;
	if (!is_value(&t) || !config_account_name_ok(t.text))
		return scan_fail(s, t.line,
				 "an account's name has 1 to 63 letters, "
				 "digits, _ and -");
	for (size_t i = 0; i < out->account_count; i++)
		if (slice_eq(t.text, slice_of(out->accounts[i].name)))
			return scan_fail(s, t.line,
					 "the account %s is repeated (first "
					 "at %s)",
					 out->accounts[i].name,
					 out->accounts[i].where);
	s->account = out->account_count;
	config_raws_add_account(out, t.text, place(s, line));
	r = next(s, &t);
	if (r == RESULT_OK && t.kind != TOKEN_OPEN)
		r = scan_fail(s, t.line,
			      "{ is missing behind the account's "
			      "name");
	return r;
}

static enum result scan_statement(struct scan *s, const struct token *t)
{
	bool global = s->account == CONFIG_GLOBAL;

	if (t->kind == TOKEN_CLOSE && !global) {
		s->account = CONFIG_GLOBAL;
		return RESULT_OK;
	}
	if (t->kind == TOKEN_WORD && global &&
	    slice_eq(t->text, SLICE("account")))
		return scan_account(s, t->line);
	if (t->kind == TOKEN_WORD)
		return scan_setting(s, t);
	return misplaced(s, t->line);
}

/* Characters that the two readers could take differently. */
static enum result check_characters(struct scan *s)
{
	int line = 1;

	for (const char *p = s->at; *p; p++) {
		bool line_end = *p == '\n' || (*p == '\r' && p[1] == '\n');

		if (!line_end && *p != '\t' &&
		    ((unsigned char)*p < ' ' || *p == '\177'))
			return scan_fail(s, line, "a control character");
		line += *p == '\n';
	}
	return RESULT_OK;
}

enum result config_scan(char *text, const char *path, struct config_raws *out,
			struct error *err)
{
	struct scan s = {.at = text,
			 .line = 1,
			 .path = path,
			 .out = out,
			 .account = CONFIG_GLOBAL,
			 .err = err};
	enum result r = check_characters(&s);
	struct token t;

	while (r == RESULT_OK) {
		r = next(&s, &t);
		if (r != RESULT_OK || t.kind == TOKEN_END)
			break;
		r = scan_statement(&s, &t);
	}
	if (r == RESULT_OK && s.account != CONFIG_GLOBAL)
		r = scan_fail(&s, s.line,
			      "the section of the account %s is not closed",
			      out->accounts[s.account].name);
	if (r == RESULT_OK)
		out->where = place(&s, s.line);
	return r;
}
