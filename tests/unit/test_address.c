/*
 * What is an address, what is none, and which ones are denied.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/str.h"
#include "core/address.h"

static void addresses_are_trimmed_and_lower_cased(void **state)
{
	static const char *const cases[][2] = {
		{"ann@shop.example", "ann@shop.example"},
		{" \t\r\nAnn@Shop.Example\n ", "ann@shop.example"},
		{"Ann.Lee+tag@sub.shop.example",
		 "ann.lee+tag@sub.shop.example"},
		{"!#$%&'*+-/=?^_`{|}~@a.b", "!#$%&'*+-/=?^_`{|}~@a.b"},
		{"0@0-0.example", "0@0-0.example"},
		{"a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
	};
	char out[ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(address_normalise(cases[i][0], out));
		assert_string_equal(out, cases[i][1]);
	}
}

static const char *const no_addresses[] = {
	"",
	" ",
	"ann",
	"@shop.example",
	"ann@",
	"ann@shop",
	"ann@@shop.example",
	"ann@shop@example.example",
	"ann@.shop.example",
	"ann@shop.example.",
	"ann@shop..example",
	".ann@shop.example",
	"ann.@shop.example",
	"an..n@shop.example",
	"an n@shop.example",
	"ann@shop .example",
	"ann@-shop.example",
	"ann@shop-.example",
	"ann@shop.example-",
	"ann@shop.-example",
	"ann@sh_op.example",
	"\"ann\"@shop.example",
	"ann@[127.0.0.1]",
	"Ann <ann@shop.example>",
	"ann@shop.example,bo@shop.example",
	"ann\n@shop.example",
	"ann(x)@shop.example",
	"ann\\@shop.example",
	/* Cyrillic a, full-width @, Kelvin sign, soft hyphen, NBSP */
	"\xd0\xb0nn@shop.example",
	"ann\xef\xbc\xa0shop.example",
	"\xe2\x84\xaa@shop.example",
	"an\xc2\xadn@shop.example",
	"\xc2\xa0"
	"ann@shop.example",
	"ann@sh\xc3\xb6p.example",
	"ann@shop\xe3\x80\x82"
	"example",
	"\x7f@shop.example",
};

static void anything_else_is_no_address(void **state)
{
	char out[ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_addresses); i++) {
		strcpy(out, "rest");
		assert_false(address_normalise(no_addresses[i], out));
		assert_string_equal(out, "");
	}
	assert_false(address_normalise(NULL, out));
	assert_string_equal(out, "");
}

/* len characters in all, with blanks around them. */
static void make_address(char *out, size_t len)
{
	memset(out, 'a', len);
	memcpy(out + len - 10, "@b.example", 10);
	out[len] = '\0';
}

static void length_is_limited_to_254(void **state)
{
	char raw[300], out[ADDRESS_SIZE];

	(void)state;
	make_address(raw, 254);
	assert_true(address_normalise(raw, out));
	assert_int_equal(strlen(out), 254);
	memmove(raw + 20, raw, 255);
	memset(raw, ' ', 20);
	assert_true(address_normalise(raw, out));
	make_address(raw, 255);
	assert_false(address_normalise(raw, out));
	assert_string_equal(out, "");
}

static void normalising_twice_changes_nothing(void **state)
{
	char once[ADDRESS_SIZE], twice[ADDRESS_SIZE];

	(void)state;
	assert_true(address_normalise(" A.B+c@D.Example ", once));
	assert_true(address_normalise(once, twice));
	assert_string_equal(once, twice);
}

static void role_addresses_are_denied_everywhere(void **state)
{
	static const char *const roles[] = {
		"info",	    "support",	  "sales",  "admin",   "noreply",
		"no-reply", "postmaster", "office", "contact", "hello",
	};
	static const char *const tagged[] = {
		"info+ann@shop.example",
		"info+@shop.example",
		"sales+a+b@shop.example",
		"no-reply+x@eu.shop.example",
	};
	static const char *const people[] = {
		"infos@shop.example", "myinfo@shop.example",
		"in.fo@shop.example", "ann+info@shop.example",
		"ann@info.example",   "i@shop.example",
		"+info@shop.example", "+@shop.example",
	};
	char address[ADDRESS_SIZE], raw[ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		strcpy(raw, roles[i]);
		strcat(raw, "@Shop.example");
		assert_true(address_normalise(raw, address));
		assert_true(address_denied(address, NULL, 0));
	}
	for (size_t i = 0; i < ARRAY_LEN(tagged); i++)
		assert_true(address_denied(tagged[i], NULL, 0));
	for (size_t i = 0; i < ARRAY_LEN(people); i++)
		assert_false(address_denied(people[i], NULL, 0));
}

static void patterns_are_denied(void **state)
{
	static const char *const patterns[] = {
		"*@Throwaway.example", "team-*@shop.example", "bo@shop.example",
		"*@*.wild.example",    "*anywhere.example",
	};
	static const struct {
		const char *address;
		bool denied;
	} cases[] = {
		{"ann@throwaway.example", true},
		{"ann@throwaway.example.org", false},
		{"ann@my.throwaway.example", true},
		{"ann@a.b.c.throwaway.example", true},
		{"ann+x@my.throwaway.example", true},
		{"ann@notthrowaway.example", false},
		{"ann@throwaway.example.shop.example", false},
		{"ann@example", false},
		{"bo+x@shop.example", true},
		{"bo@my.shop.example", true},
		{"team-red+x@shop.example", true},
		{"ann@wild.example", false},
		{"ann@my.wild.example", true},
		{"ann@my.anywhere.example", true},
		{"team-red@shop.example", true},
		{"team@shop.example", false},
		{"bo@shop.example", true},
		{"bob@shop.example", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(address_denied(cases[i].address, patterns,
						ARRAY_LEN(patterns)),
				 cases[i].denied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_trimmed_and_lower_cased),
		cmocka_unit_test(anything_else_is_no_address),
		cmocka_unit_test(length_is_limited_to_254),
		cmocka_unit_test(normalising_twice_changes_nothing),
		cmocka_unit_test(role_addresses_are_denied_everywhere),
		cmocka_unit_test(patterns_are_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
