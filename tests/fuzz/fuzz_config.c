/*
 * A configuration's text: walked, then parsed by libconfuse.
 *
 * What the walk lets pass, libconfuse must read the same way: without an
 * error, with a value for every key, none that the walk did not see, and no
 * secret in an error.
 */
#include <stdlib.h>
#include <string.h>

#include "../../src/app/config_raw.h"
#include "base/str.h"
#include "fuzz.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* What begins with HUNTER stands for a secret in the corpus; names of
 * variables are shown, and so are accounts'. */
static void check_error(const struct error *err)
{
	require(str_starts(err->text, "fuzz:"));
	require(!strchr(err->text, '\n'));
	require(!strstr(err->text, "HUNTER") ||
		strstr(err->text, "the variable ") ||
		strstr(err->text, "the account "));
}

static void check_values(const struct config_raws *raws)
{
	for (size_t i = 0; i < raws->count; i++) {
		const struct config_raw *raw = &raws->items[i];
		bool list = config_row_is_list(raw->row) && !raw->is_file;

		require(list || raw->count == 1);
		for (size_t k = 0; k < raw->count; k++)
			require(raw->items[k] && !strchr(raw->items[k], '\n'));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);
	struct config_raws raws;
	struct error err;

	config_raws_init(&raws);
	if (config_scan(text, "fuzz", &raws, &err) != RESULT_OK) {
		check_error(&err);
	} else {
		require(config_parse(text, "fuzz", &raws, &err) == RESULT_OK);
		check_values(&raws);
	}
	config_raws_release(&raws);
	free(text);
	return 0;
}
