/*
 * Routes: which row answers, and which rows are no routes.
 */
#include "unit.h"

#include "../../src/net/http_route.h"

static void handler(struct http_request *r, void *arg)
{
	(void)r;
	(void)arg;
}

static const struct http_route table[] = {
	{"GET", "/", handler, false},
	{"GET", "/users/search", handler, false},
	{"HEAD", "/users/{id}", handler, false},
	{"GET", "/users/{id}", handler, false},
	{"PUT", "/users/{id}", handler, false},
	{"POST", "/users/{id}/{what...}", handler, false},
	{"GET", "/{any}/x", handler, false},
};

/* The number of the row, or minus the status. */
static int find(const char *method, const char *path, struct http_match *m,
		struct buf *allow)
{
	struct http_path p;
	int status;

	http_path_init(&p, 1024);
	status = http_path_decode(&p, slice_of(path));
	if (status == 0)
		status = http_route_find(table, ARRAY_LEN(table), method, &p, m,
					 allow);
	http_path_release(&p);
	return status == 200 ? (int)(m->route - table) : -status;
}

static void the_first_row_that_fits_answers(void **state)
{
	static const struct {
		const char *method, *path;
		int row;
	} rows[] = {
		{"GET", "/", 0},
		{"HEAD", "/", 0},
		{"GET", "/users/search", 1},
		{"HEAD", "/users/search", 1},
		{"GET", "/users/searc", 3},
		{"GET", "/users/x", 3},
		{"PUT", "/users/search", 4},
		{"HEAD", "/users/7", 2},
		{"POST", "/users/7/a/b", 5},
		{"POST", "/users/7/a", 5},
		{"GET", "/y/x", 6},
		{"DELETE", "/", -405},
		{"POST", "/users/7", -405},
		{"POST", "/users/7/", -404},
		{"GET", "/users", -404},
		{"GET", "/users/", -404},
		{"GET", "//x", -404},
		{"GET", "/Users/search", -404},
		{"GET", "/users/..", -404},
		{"GET", "/users/%gg", -400},
	};
	struct http_match m;
	struct buf allow;

	(void)state;
	buf_init(&allow, 256);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int row = find(rows[i].method, rows[i].path, &m, &allow);

		if (row != rows[i].row)
			fail_msg("%s %s: %d instead of %d", rows[i].method,
				 rows[i].path, row, rows[i].row);
	}
	buf_release(&allow);
}

static void allowed_methods_are_told_once_each(void **state)
{
	struct http_match m;
	struct buf allow;

	(void)state;
	buf_init(&allow, 256);
	assert_int_equal(find("PATCH", "/users/search", &m, &allow), -405);
	assert_string_equal(allow.data, "GET, HEAD, PUT");
	assert_null(m.route);
	assert_int_equal(find("GET", "/nowhere", &m, &allow), -404);
	assert_string_equal(allow.data, "");
	buf_release(&allow);
}

static void a_row_that_cannot_match_is_no_route(void **state)
{
	static const struct {
		const char *path;
		bool valid;
	} rows[] = {
		{"/", true},
		{"/a/{b}/{c...}", true},
		{"/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}", true},
		{"", false},
		{"a", false},
		{"/a{b}", false},
		{"/{b", false},
		{"/{}", false},
		{"/{a...}/b", false},
		{"/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}", false},
	};
	const struct http_route no_handler = {"GET", "/", NULL, false};
	const struct http_route no_method = {"", "/", handler, false};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_route r = {"GET", rows[i].path, handler, false};

		if (http_route_is_valid(&r) != rows[i].valid)
			fail_msg("\"%s\"", rows[i].path);
	}
	assert_false(http_route_is_valid(&no_handler));
	assert_false(http_route_is_valid(&no_method));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_fits_answers),
		cmocka_unit_test(allowed_methods_are_told_once_each),
		cmocka_unit_test(a_row_that_cannot_match_is_no_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
