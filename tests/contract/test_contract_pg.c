/*
 * The contract suite over PostgreSQL, in a database per case.
 */
#include "pg_factory.h"

int main(void)
{
	return ct_run(&pg_factory);
}
