/* When each step of a plan was done, for traces and metrics: a page that shim and child share until the child executes. Without it nothing is timed. */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <time.h>
#include "plan.h"

uint64_t monotonic_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

int do_time_steps(struct context *at, const struct op_time_steps *op)
{
	(void)op;
	void *map = mmap(NULL, sizeof *at->times, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return 0; /* a start does not fail for want of its times */
	at->times = map;
	at->times->begun = monotonic_ns();
	return 0;
}

void forget_times(struct context *at)
{
	if (at->times)
		munmap(at->times, sizeof *at->times);
	at->times = NULL;
}
