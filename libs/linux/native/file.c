/* Files below a directory descriptor, as an unpacker of foreign archives needs them. */
#include "arguments.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FUNCTION(name) static napi_value name(napi_env env, napi_callback_info info)

/* openat2(2): (dirfd, path, flags, mode, resolve) -> fd, always close-on-exec */
FUNCTION(js_openat2)
{
	struct args args;
	struct path path;
	int32_t dir, mode;
	int64_t flags, resolve;

	if (!args_take(env, info, &args, 5) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int64(&args, 2, &flags) ||
	    !arg_int32(&args, 3, &mode) || !arg_int64(&args, 4, &resolve))
		return NULL;
	struct open_how how = { .flags = (uint64_t)flags | O_CLOEXEC, .mode = (uint64_t)mode, .resolve = (uint64_t)resolve };
	return int_value(env, outcome(syscall(SYS_openat2, dir, path.bytes, &how, sizeof how)));
}

/* mkdirat(2): (dirfd, path, mode) */
FUNCTION(js_mkdirat)
{
	struct args args;
	struct path path;
	int32_t dir, mode;

	if (!args_take(env, info, &args, 3) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int32(&args, 2, &mode))
		return NULL;
	return int_value(env, outcome(mkdirat(dir, path.bytes, (mode_t)mode)));
}

/* mknodat(2): (dirfd, path, mode with type, major, minor) */
FUNCTION(js_mknodat)
{
	struct args args;
	struct path path;
	int32_t dir, mode, major, minor;

	if (!args_take(env, info, &args, 5) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int32(&args, 2, &mode) ||
	    !arg_int32(&args, 3, &major) || !arg_int32(&args, 4, &minor))
		return NULL;
	return int_value(env, outcome(mknodat(dir, path.bytes, (mode_t)mode, makedev((unsigned)major, (unsigned)minor))));
}

/* symlinkat(2): (target, dirfd, path) */
FUNCTION(js_symlinkat)
{
	struct args args;
	struct path target, path;
	int32_t dir;

	if (!args_take(env, info, &args, 3) || !arg_path(&args, 0, &target) || !arg_int32(&args, 1, &dir) || !arg_path(&args, 2, &path))
		return NULL;
	return int_value(env, outcome(symlinkat(target.bytes, dir, path.bytes)));
}

/* linkat(2): (olddirfd, oldpath, newdirfd, newpath, flags) */
FUNCTION(js_linkat)
{
	struct args args;
	struct path from, to;
	int32_t from_dir, to_dir, flags;

	if (!args_take(env, info, &args, 5) || !arg_int32(&args, 0, &from_dir) || !arg_path(&args, 1, &from) || !arg_int32(&args, 2, &to_dir) ||
	    !arg_path(&args, 3, &to) || !arg_int32(&args, 4, &flags))
		return NULL;
	return int_value(env, outcome(linkat(from_dir, from.bytes, to_dir, to.bytes, flags)));
}

/* unlinkat(2): (dirfd, path, flags) */
FUNCTION(js_unlinkat)
{
	struct args args;
	struct path path;
	int32_t dir, flags;

	if (!args_take(env, info, &args, 3) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int32(&args, 2, &flags))
		return NULL;
	return int_value(env, outcome(unlinkat(dir, path.bytes, flags)));
}

/* renameat2(2): (olddirfd, oldpath, newdirfd, newpath, flags) */
FUNCTION(js_renameat2)
{
	struct args args;
	struct path from, to;
	int32_t from_dir, to_dir, flags;

	if (!args_take(env, info, &args, 5) || !arg_int32(&args, 0, &from_dir) || !arg_path(&args, 1, &from) || !arg_int32(&args, 2, &to_dir) ||
	    !arg_path(&args, 3, &to) || !arg_int32(&args, 4, &flags))
		return NULL;
	return int_value(env, outcome(syscall(SYS_renameat2, from_dir, from.bytes, to_dir, to.bytes, flags)));
}

/* fchownat(2): (dirfd, path, uid, gid, flags); ids by int64, since 4294967294 is one */
FUNCTION(js_fchownat)
{
	struct args args;
	struct path path;
	int32_t dir, flags;
	int64_t uid, gid;

	if (!args_take(env, info, &args, 5) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int64(&args, 2, &uid) ||
	    !arg_int64(&args, 3, &gid) || !arg_int32(&args, 4, &flags))
		return NULL;
	return int_value(env, outcome(fchownat(dir, path.bytes, (uid_t)uid, (gid_t)gid, flags)));
}

/* utimensat(2): (dirfd, path, atime s, atime ns, mtime s, mtime ns, flags) */
FUNCTION(js_utimensat)
{
	struct args args;
	struct path path;
	int32_t dir, flags;
	int64_t at[4];

	if (!args_take(env, info, &args, 7) || !arg_int32(&args, 0, &dir) || !arg_path(&args, 1, &path) || !arg_int64(&args, 2, &at[0]) ||
	    !arg_int64(&args, 3, &at[1]) || !arg_int64(&args, 4, &at[2]) || !arg_int64(&args, 5, &at[3]) || !arg_int32(&args, 6, &flags))
		return NULL;
	struct timespec times[2] = { { at[0], at[1] }, { at[2], at[3] } };
	return int_value(env, outcome(utimensat(dir, path.bytes, times, flags)));
}

/* fsetxattr(2): (fd, name, value, flags) */
FUNCTION(js_fsetxattr)
{
	struct args args;
	struct path name;
	struct bytes value;
	int32_t fd, flags;

	if (!args_take(env, info, &args, 4) || !arg_int32(&args, 0, &fd) || !arg_path(&args, 1, &name) || !arg_bytes(&args, 2, &value) ||
	    !arg_int32(&args, 3, &flags))
		return NULL;
	return int_value(env, outcome(fsetxattr(fd, name.bytes, value.data, value.length, flags)));
}

/* lsetxattr(2): (path, name, value, flags) */
FUNCTION(js_lsetxattr)
{
	struct args args;
	struct path path, name;
	struct bytes value;
	int32_t flags;

	if (!args_take(env, info, &args, 4) || !arg_path(&args, 0, &path) || !arg_path(&args, 1, &name) || !arg_bytes(&args, 2, &value) ||
	    !arg_int32(&args, 3, &flags))
		return NULL;
	return int_value(env, outcome(lsetxattr(path.bytes, name.bytes, value.data, value.length, flags)));
}

/* lgetxattr(2): (path, name) -> Buffer or -errno. xattr(7): a value has at most 64 KiB. */
FUNCTION(js_lgetxattr)
{
	static __thread uint8_t value[65536];
	struct args args;
	struct path path, name;
	ssize_t length;

	if (!args_take(env, info, &args, 2) || !arg_path(&args, 0, &path) || !arg_path(&args, 1, &name))
		return NULL;
	length = lgetxattr(path.bytes, name.bytes, value, sizeof value);
	return length < 0 ? int_value(env, -errno) : copied_bytes(env, value, (size_t)length);
}

/* llistxattr(2): (path) -> Buffer of names, each ended by a NUL, or -errno. xattr(7): the list has at most 64 KiB. */
FUNCTION(js_llistxattr)
{
	static __thread char names[65536];
	struct args args;
	struct path path;
	ssize_t length;

	if (!args_take(env, info, &args, 1) || !arg_path(&args, 0, &path))
		return NULL;
	length = llistxattr(path.bytes, names, sizeof names);
	return length < 0 ? int_value(env, -errno) : copied_bytes(env, names, (size_t)length);
}

/* memfd_create(2): (name) -> fd that can be sealed */
FUNCTION(js_memfd_create)
{
	struct args args;
	struct path name;

	if (!args_take(env, info, &args, 1) || !arg_path(&args, 0, &name))
		return NULL;
	return int_value(env, outcome(memfd_create(name.bytes, MFD_CLOEXEC | MFD_ALLOW_SEALING)));
}

/* fcntl(2) F_ADD_SEALS: (fd, seals) */
FUNCTION(js_add_seals)
{
	struct args args;
	int32_t fd, seals;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &seals))
		return NULL;
	return int_value(env, outcome(fcntl(fd, F_ADD_SEALS, seals)));
}

/* sendfile(2): (out, in, count) -> bytes moved, 0 at the end of `in` */
FUNCTION(js_sendfile)
{
	struct args args;
	int32_t out, in;
	int64_t count;

	if (!args_take(env, info, &args, 3) || !arg_int32(&args, 0, &out) || !arg_int32(&args, 1, &in) || !arg_int64(&args, 2, &count))
		return NULL;
	return int_value(env, outcome(sendfile(out, in, NULL, (size_t)count)));
}

/* pread(2) of each from its beginning: (fds, room, lengths) -> 0. What they hold lies in `room` without a gap; `lengths`: bytes of each, or -errno. Each may take its share of `room`. */
FUNCTION(js_pread_each)
{
	struct args args;
	struct int32s fds, lengths;
	struct bytes room;
	size_t used = 0;

	if (!args_take(env, info, &args, 3) || !arg_int32s(&args, 0, &fds) || !arg_bytes(&args, 1, &room) || !arg_int32s(&args, 2, &lengths))
		return NULL;
	if (lengths.length < fds.length)
		return int_value(env, -EINVAL);
	for (size_t at = 0; at < fds.length; at++) {
		lengths.data[at] = (int32_t)outcome(pread(fds.data[at], room.data + used, room.length / fds.length, 0));
		if (lengths.data[at] > 0)
			used += (size_t)lengths.data[at];
	}
	return int_value(env, 0);
}

/* syncfs(2): (fd of anything on the file system) */
FUNCTION(js_syncfs)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(syncfs(fd)));
}

/* flock(2): (fd, operation); the lock belongs to the open file and ends with its last descriptor */
FUNCTION(js_flock)
{
	struct args args;
	int32_t fd, operation;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &operation))
		return NULL;
	return int_value(env, outcome(flock(fd, operation)));
}

/* fcntl(2) F_DUPFD_CLOEXEC: (fd) -> another of the same open file */
FUNCTION(js_duplicate)
{
	struct args args;
	int32_t fd;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, outcome(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
}

/* ioctl_iflags(2) FS_IOC_GETFLAGS: (fd) -> flags */
FUNCTION(js_inode_flags)
{
	struct args args;
	int32_t fd;
	int flags;

	if (!args_take(env, info, &args, 1) || !arg_int32(&args, 0, &fd))
		return NULL;
	return int_value(env, ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ? -errno : flags);
}

/* ioctl_iflags(2) FS_IOC_SETFLAGS: (fd, flags) */
FUNCTION(js_set_inode_flags)
{
	struct args args;
	int32_t fd, flags;

	if (!args_take(env, info, &args, 2) || !arg_int32(&args, 0, &fd) || !arg_int32(&args, 1, &flags))
		return NULL;
	return int_value(env, outcome(ioctl(fd, FS_IOC_SETFLAGS, &flags)));
}

const struct function file_functions[] = {
	{ "openat2", js_openat2 },
	{ "mkdirat", js_mkdirat },
	{ "mknodat", js_mknodat },
	{ "symlinkat", js_symlinkat },
	{ "linkat", js_linkat },
	{ "unlinkat", js_unlinkat },
	{ "renameat2", js_renameat2 },
	{ "fchownat", js_fchownat },
	{ "utimensat", js_utimensat },
	{ "fsetxattr", js_fsetxattr },
	{ "lsetxattr", js_lsetxattr },
	{ "lgetxattr", js_lgetxattr },
	{ "llistxattr", js_llistxattr },
	{ "memfdCreate", js_memfd_create },
	{ "addSeals", js_add_seals },
	{ "sendfile", js_sendfile },
	{ "preadEach", js_pread_each },
	{ "syncfs", js_syncfs },
	{ "flock", js_flock },
	{ "duplicate", js_duplicate },
	{ "inodeFlags", js_inode_flags },
	{ "setInodeFlags", js_set_inode_flags },
	{ 0 },
};
