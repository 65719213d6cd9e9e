/* The program: see cli/cli.h. */
int main(void);
int main(void)
{
	return 2;
}
