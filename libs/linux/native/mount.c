/* Mounts of the cold paths, and what kind of file system a path is on. */
#include "arguments.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
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

/* setns(2) of the calling thread, whose root and working directory become the namespace's: (fd) */
static napi_value js_set_mount_namespace(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(setns(fd, CLONE_NEWNS)));
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

/* fsopen(2): (type) -> descriptor of a file system that is yet to be made */
static napi_value js_fsopen(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path type;

	if (!args_take(env, info, &args, 1) || !arg_path(&args, 0, &type))
		return NULL;
	return int_value(env, outcome(syscall(SYS_fsopen, type.bytes, FSOPEN_CLOEXEC)));
}

/* fsconfig(2): (fd, command, key, value), of which a command takes what it takes */
static napi_value js_fsconfig(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path key, value;
	int32_t fd, command;

	if (!args_take(env, info, &args, 4) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &command) || !arg_path(&args, 2, &key) || !arg_path(&args, 3, &value))
		return NULL;
	return int_value(env, outcome(syscall(SYS_fsconfig, fd, command, key.bytes[0] ? key.bytes : NULL, value.bytes[0] ? value.bytes : NULL, 0)));
}

/* fsmount(2): (fd, attributes) -> descriptor of a mount of it, which is mounted nowhere */
static napi_value js_fsmount(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd, attributes;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &attributes))
		return NULL;
	return int_value(env, outcome(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes)));
}

/* open_tree(2): (path, recursive) -> descriptor of a copy of the mount there, and of that alone or with all below it, which is mounted nowhere */
static napi_value js_clone_mount(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path path;
	int32_t recursive;

	if (!args_take(env, info, &args, 2) || !arg_path(&args, 0, &path) || !arg_int32(&args, 1, &recursive))
		return NULL;
	return int_value(env, outcome(syscall(SYS_open_tree, AT_FDCWD, path.bytes, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0))));
}

/* open_tree(2): (descriptor of a directory) -> the same of what is mounted there and below it */
static napi_value js_clone_mounts_at(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH)));
}

/* mount_setattr(2) MOUNT_ATTR_IDMAP, which such a copy alone may be given: (fd, user namespace) */
static napi_value js_set_mount_ids(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd, namespace;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &namespace))
		return NULL;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)namespace };
	return int_value(env, outcome(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof attr)));
}

/* mount_setattr(2) MOUNT_ATTR_RDONLY: (fd, recursive) */
static napi_value js_set_mount_read_only(napi_env env, napi_callback_info info)
{
	struct args args;
	int32_t fd, recursive;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &recursive))
		return NULL;
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	return int_value(env, outcome(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr, sizeof attr)));
}

/* move_mount(2), which follows symlinks in the target as mount(2) does: (fd, target) */
static napi_value js_attach_mount(napi_env env, napi_callback_info info)
{
	struct args args;
	struct path target;
	int32_t fd;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_path(&args, 1, &target))
		return NULL;
	return int_value(env, outcome(syscall(SYS_move_mount, fd, "", AT_FDCWD, target.bytes, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS)));
}

const struct function mount_functions[] = {
	{ "cloneMount", js_clone_mount },
	{ "cloneMountsAt", js_clone_mounts_at },
	{ "setMountIds", js_set_mount_ids },
	{ "setMountReadOnly", js_set_mount_read_only },
	{ "attachMount", js_attach_mount },
	{ "fsopen", js_fsopen },
	{ "fsconfig", js_fsconfig },
	{ "fsmount", js_fsmount },
	{ "mount", js_mount },
	{ "umount2", js_umount2 },
	{ "newMountNamespace", js_new_mount_namespace },
	{ "setMountNamespace", js_set_mount_namespace },
	{ "fchdir", js_fchdir },
	{ "statfsMagic", js_statfs_magic },
	{ 0 },
};
