/*
 * The contract suite over SQLite, in a file per case.
 */
#include "contract.h"

#include <stdlib.h>

#include "base/str.h"

static void *make(void)
{
	struct contract_dir *d = xcalloc(1, sizeof(*d));

	contract_dir_make(d);
	return d;
}

static struct store *open_mode(void *place, enum store_mode mode,
			       int64_t now_ms)
{
	(void)now_ms;
	return contract_open_url(((struct contract_dir *)place)->url, mode);
}

static void remove_place(void *place)
{
	contract_dir_remove(place);
	free(place);
}

int main(void)
{
	static const struct ct_factory sqlite = {"sqlite", make, open_mode,
						 remove_place};

	return ct_run(&sqlite);
}
