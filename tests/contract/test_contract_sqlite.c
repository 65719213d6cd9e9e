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
	const struct contract_dir *d = place;

	return contract_open_at(d->url, mode, now_ms);
}

static void remove_place(void *place)
{
	contract_dir_remove(place);
	free(place);
}

int main(void)
{
	static const struct ct_factory sqlite = {
		.name = "sqlite",
		.make = make,
		.open = open_mode,
		.remove = remove_place,
		.durable = true,
	};

	return ct_run(&sqlite);
}
