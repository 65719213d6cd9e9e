/*
 * One row a slot, chosen by a hash of the person: whoever comes later to the
 * same slot takes it. Rows are compared whole, so that nobody is ever taken
 * for another.
 */
#include "app/hearsay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/str.h"
#include "core/job.h"

struct row {
	char account[ACCOUNT_SIZE];
	char sunco_id[SUNCO_ID_SIZE]; /* "": free */
	char address[ADDRESS_SIZE];
	int64_t until_ms;
};

struct hearsay {
	struct row rows[HEARSAY_MAX];
};

struct hearsay *hearsay_new(void)
{
	return xcalloc(1, sizeof(struct hearsay));
}

static void row_wipe(struct row *r)
{
	crypto_wipe(r, sizeof(*r));
}

void hearsay_free(struct hearsay *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HEARSAY_MAX; i++)
		if (h->rows[i].sunco_id[0])
			row_wipe(&h->rows[i]);
	free(h);
}

/* FNV-1a over both names. */
static struct row *row_of(struct hearsay *h, const char *account,
			  const char *sunco_id)
{
	uint64_t n = UINT64_C(0xcbf29ce484222325);

	for (const char *p = account; *p; p++)
		n = (n ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	for (const char *p = sunco_id; *p; p++)
		n = (n ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return &h->rows[(n ^ (n >> 32)) % HEARSAY_MAX];
}

static bool is_about(const struct row *r, const char *account,
		     const char *sunco_id)
{
	return r->sunco_id[0] && str_eq(r->sunco_id, sunco_id) &&
	       str_eq(r->account, account);
}

void hearsay_put(struct hearsay *h, const char *account, const char *sunco_id,
		 const char *address, int64_t now_ms)
{
	struct row *r = row_of(h, account, sunco_id);

	row_wipe(r);
	if (!str_copy(r->account, sizeof(r->account), account) ||
	    !str_copy(r->address, sizeof(r->address), address) ||
	    !str_copy(r->sunco_id, sizeof(r->sunco_id), sunco_id))
		row_wipe(r);
	r->until_ms = now_ms + HEARSAY_MS;
}

void hearsay_forget(struct hearsay *h, const char *account,
		    const char *sunco_id)
{
	struct row *r = row_of(h, account, sunco_id);

	if (is_about(r, account, sunco_id))
		row_wipe(r);
}

const char *hearsay_address(struct hearsay *h, const char *account,
			    const char *sunco_id, int64_t now_ms)
{
	struct row *r = row_of(h, account, sunco_id);

	if (r->sunco_id[0] && now_ms >= r->until_ms)
		row_wipe(r);
	return is_about(r, account, sunco_id) ? r->address : NULL;
}
