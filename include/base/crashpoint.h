/*
 * Named crash points: places where the crash tests kill the process.
 *
 * With REUNITE_CRASH_POINTS compiled in, a process whose environment has
 * REUNITE_CRASH_AT=name[:n] raises SIGKILL at the n-th passage (default 1) of
 * that name; with REUNITE_CRASH_TRACE=file it appends the name of every
 * passage to the file. Otherwise CRASH_POINT() is nothing.
 */
#ifndef REUNITE_BASE_CRASHPOINT_H
#define REUNITE_BASE_CRASHPOINT_H

#ifdef REUNITE_CRASH_POINTS
void crash_point(const char *name);
#define CRASH_POINT(name) crash_point(name)
#else
#define CRASH_POINT(name) ((void)0)
#endif

#endif
