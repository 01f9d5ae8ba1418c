/* Arguments and results of the addon's functions. A failed conversion leaves a TypeError pending and returns false. */
#pragma once
#define _GNU_SOURCE
#define NAPI_VERSION 8
#include <errno.h>
#include <limits.h>
#include <node_api.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { MAX_ARGS = 8 };

struct args {
	napi_env env;
	size_t count;
	napi_value value[MAX_ARGS];
};

struct path {
	char bytes[PATH_MAX];
};

struct bytes {
	uint8_t *data;
	size_t length;
};

struct int32s {
	int32_t *data;
	size_t length;
};

bool args_take(napi_env env, napi_callback_info info, struct args *args, size_t wanted);
bool arg_int32(struct args *args, size_t at, int32_t *out);
bool arg_int64(struct args *args, size_t at, int64_t *out);
/* Text as UTF-8, or bytes as they are: file names of an archive need not be UTF-8. A NUL inside is refused, never cut at. */
bool arg_path(struct args *args, size_t at, struct path *out);
bool arg_bytes(struct args *args, size_t at, struct bytes *out);
bool arg_int32s(struct args *args, size_t at, struct int32s *out);

napi_value int_value(napi_env env, int64_t value);
/* A promise of what `execute` does on a thread of libuv and `complete` settles. NULL: it could not be queued, and `data` is the caller's to free. */
struct promised {
	napi_async_work handle;
	napi_deferred deferred;
};
napi_value queued(napi_env env, const char *name, napi_async_execute_callback execute, napi_async_complete_callback complete, void *data, struct promised *promised);
napi_value copied_bytes(napi_env env, const void *data, size_t length);

/* A system call's -1 as -errno. */
static inline int64_t outcome(int64_t result)
{
	return result < 0 ? -errno : result;
}

/* One table a file, joined in addon.c. */
struct function {
	const char *name;
	napi_callback call;
};

extern const struct function process_functions[];
extern const struct function network_functions[];
extern const struct function file_functions[];
extern const struct function mount_functions[];
extern const struct function user_functions[];
