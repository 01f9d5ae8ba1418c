/* Mounts of the cold paths, and what kind of file system a path is on. */
#include "arguments.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

/* mount(2): (source, target, type, flags, data) */
static napi_value js_mount(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path source, target, type, data;
	int64_t flags;

	if (!args_take(env, info, &args, 5) || !arg_path(&args, 0, &source) || !arg_path(&args, 1, &target) || !arg_path(&args, 2, &type) ||
	    !arg_int64(&args, 3, &flags) || !arg_path(&args, 4, &data))
		return NULL;
	return int_value(env, outcome(mount(source.bytes, target.bytes, type.bytes[0] ? type.bytes : NULL, (unsigned long)flags,
					    data.bytes[0] ? data.bytes : NULL)));
}

/* umount2(2): (target, flags) */
static napi_value js_umount2(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path target;
	int32_t flags;

	if (!args_take(env, info, &args, 2) || !arg_path(&args, 0, &target) || !arg_int32(&args, 1, &flags))
		return NULL;
	return int_value(env, outcome(umount2(target.bytes, flags)));
}

/* statfs(2): (path) -> f_type */
static napi_value js_statfs_magic(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path path;
	struct statfs facts;

	if (!args_take(env, info, &args, 1) || !arg_path(&args, 0, &path))
		return NULL;
	return int_value(env, statfs(path.bytes, &facts) < 0 ? -errno : (int64_t)(uint32_t)facts.f_type);
}

/* unshare(2) CLONE_NEWNS of the calling thread, which implies CLONE_FS: () */
static napi_value js_new_mount_namespace(napi_env env, napi_callback_info info)
{
	struct args args;

	if (!args_take(env, info, &args, 0))
		return NULL;
	return int_value(env, outcome(unshare(CLONE_NEWNS)));
}

/* fchdir(2) of the calling thread where it shares no file system context, of the whole process where it does: (fd) */
static napi_value js_fchdir(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(fchdir(fd)));
}

const struct function mount_functions[] = {
	{ "mount", js_mount },
	{ "umount2", js_umount2 },
	{ "newMountNamespace", js_new_mount_namespace },
	{ "fchdir", js_fchdir },
	{ "statfsMagic", js_statfs_magic },
	{ 0 },
};
