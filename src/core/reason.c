/*
 * The table of reasons, as look-ups in both directions.
 */
#include "core/reason.h"

#include "base/str.h"

static const struct {
	const char *code;
	const char *text;
} reasons[REASON_COUNT] = {
#define REASON_ROW(id, code, text) [REASON_##id] = {code, text},
	REASON_TABLE(REASON_ROW)
#undef REASON_ROW
};

const char *reason_code(enum reason r)
{
	return reasons[(unsigned)r < REASON_COUNT ? r : REASON_NONE].code;
}

const char *reason_text(enum reason r)
{
	return reasons[(unsigned)r < REASON_COUNT ? r : REASON_NONE].text;
}

bool reason_parse(const char *code, enum reason *out)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		if (!str_eq(code, reasons[i].code))
			continue;
		*out = (enum reason)i;
		return true;
	}
	return false;
}
