#pragma once
#include "plan.h"

#define GROUPS_LIMIT 256

struct user {
	uint32_t uid, gid;
	uint32_t groups[GROUPS_LIMIT];
	size_t groups_count;
	char home[256];
};

/* Decimal, 0 to 2^32-2: 2^32-1 means "leave as it is" to setresuid(2). */
bool parse_id(const char *text, uint32_t *id);
/* Docker's `user[:group]` and more groups. -ENOENT: a name that is not there; -ERANGE: a number out of bounds. */
int resolve_user(const struct context *at, const char *spec, struct strings extra, struct user *user);
