/* What a container prints, in pieces, into its log: every line of the log is JSON of one shape, which the test checks in the file that is left. */
#define _GNU_SOURCE
#include <stdbool.h>
#include "mutate.h"
#include "shim.h"

void try_input(const uint8_t *at, size_t length)
{
	static bool opened;
	if (!opened)
		log_open("log", 1 << 16, 2); /* in the working directory */
	opened = true;
	size_t piece = length ? at[0] * 97 + 1 : 1;
	for (size_t done = 0; done < length; done += piece)
		log_write(at[done] & 1, at + done, length - done < piece ? length - done : piece);
	log_end(0);
	log_end(1);
}
