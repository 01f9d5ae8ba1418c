/* Steps that build the container's tree. They run in the child, in its own mount namespace, and die with it. */
#define _GNU_SOURCE
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include "plan.h"
#include "mount_calls.h"
#include "trees.h"

/* A mount's target named by its descriptor. /proc is the host's until pivot_root, so this magic link is ours. */
struct fd_path { char text[32]; };
static struct fd_path path_of(int fd)
{
	struct fd_path path;
	snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", fd);
	return path;
}

int set_attributes(int mount, bool recursive, uint64_t attributes, uint64_t propagation)
{
	struct mount_attr attr = { .attr_set = attributes, .propagation = propagation };
	return sys_mount_setattr(mount, recursive ? AT_RECURSIVE : 0, &attr) < 0 ? -errno : 0;
}

int set_bind_attributes(int tree, bool recursive, uint64_t attributes, uint32_t propagation)
{
	int result = attributes ? set_attributes(tree, recursive, attributes, 0) : 0;
	return result < 0 || !propagation ? result : set_attributes(tree, propagation & MS_REC, 0, propagation & ~(unsigned)MS_REC);
}

static int keep_root(struct context *at, const char *target)
{
	at->root_fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return at->root_fd < 0 ? -errno : 0;
}

int do_private_propagation(struct context *at, const struct op_private_propagation *op)
{
	(void)at; (void)op;
	return mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ? -errno : 0;
}

/* mount(2) takes one page of options; more layers go in one by one (kernel 6.5, "lowerdir+"). */
static int overlay_layer_by_layer(const struct op_overlay_root *op)
{
	autoclose int fs = sys_fsopen("overlay");
	if (fs < 0)
		return -errno;
	struct strings lower = op->lower;
	for (const char *layer; (layer = next_string(&lower));)
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir+", layer) < 0)
			return -errno;
	if (*op->upper && (sys_fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", op->upper) < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "workdir", op->work) < 0))
		return -errno;
	char options[512];
	if (strlen(op->options) >= sizeof options)
		return -E2BIG;
	strcpy(options, op->options);
	for (char *rest, *option = strtok_r(options, ",", &rest); option; option = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(option, '=');
		if (value)
			*value++ = 0;
		if (sys_fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value) < 0)
			return -errno;
	}
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -errno;
	autoclose int mount = sys_fsmount(fs, 0);
	autoclose int target = open(op->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0 || target < 0)
		return -errno;
	return sys_move_mount(mount, target) < 0 ? -errno : 0;
}

/* Names are relative to the working directory. */
int mount_overlay(const struct op_overlay_root *op)
{
	char data[4096];
	size_t used = snprintf(data, sizeof data, "lowerdir=");
	struct strings lower = op->lower;
	for (const char *layer; used < sizeof data && (layer = next_string(&lower));)
		used += snprintf(data + used, sizeof data - used, "%s%s", used > 9 ? ":" : "", layer);
	if (used < sizeof data && *op->upper)
		used += snprintf(data + used, sizeof data - used, ",upperdir=%s,workdir=%s", op->upper, op->work);
	if (used < sizeof data && *op->options)
		used += snprintf(data + used, sizeof data - used, ",%s", op->options);
	if (used < sizeof data)
		return mount("overlay", op->target, "overlay", 0, data) < 0 ? -errno : 0;
	return overlay_layer_by_layer(op);
}

int do_overlay_root(struct context *at, const struct op_overlay_root *op)
{
	if (chdir(op->base_directory) < 0)
		return -errno;
	int result = mount_overlay(op);
	if (chdir("/") < 0 && !result)
		result = -errno;
	return result < 0 ? result : keep_root(at, op->target);
}

int do_bind_root(struct context *at, const struct op_bind_root *op)
{
	autoclose int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return -errno;
	autoclose int target = open(op->target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0 || sys_move_mount(tree, target) < 0)
		return -errno;
	int result = op->readonly ? set_attributes(tree, false, MOUNT_ATTR_RDONLY, 0) : 0;
	return result < 0 ? result : keep_root(at, op->target);
}

static bool is_plain_directory(const struct context *at, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	autoclose int fd = sys_openat2(at->root_fd, path, &how);
	return fd >= 0;
}

/* known: what masks and is read-only below it, as below /proc and /sys, is found by its name: an image may not have put a symlink there (CVE-2019-19921). */
static int make_target(const struct context *at, const char *path, bool known)
{
	int target = make_directories_in_root(at, path, 0755, 0, 0);
	if (target >= 0 && known && !is_plain_directory(at, path)) {
		close(target);
		return -ENOTDIR;
	}
	return target;
}

/* A tmpfs has the mode of the directory that it comes to lie on, unless it is told one: what is said last counts. */
static int tmpfs_data(const struct context *at, const struct op_mount_fs *op, char *data, size_t size)
{
	struct stat file;
	autoclose int found = open_in_root(at, op->target, O_PATH | O_DIRECTORY);
	if (found >= 0 && fstat(found, &file) < 0)
		return -errno;
	int length = found < 0 ? snprintf(data, size, "%s", op->data) : snprintf(data, size, "mode=%o%s%s", file.st_mode & 07777, *op->data ? "," : "", op->data);
	return (size_t)length < size ? 0 : -E2BIG;
}

int do_mount_fs(struct context *at, const struct op_mount_fs *op)
{
	char data[4096] = "";
	int result = strcmp(op->type, "tmpfs") ? 0 : tmpfs_data(at, op, data, sizeof data);
	if (result < 0)
		return result;
	const char *options = *data ? data : op->data;
	autoclose int target = make_target(at, op->target, !strcmp(op->type, "proc") || !strcmp(op->type, "sysfs"));
	if (target < 0)
		return target;
	return mount(op->source, path_of(target).text, op->type, op->flags, *options ? options : NULL) < 0 ? -errno : 0;
}

static bool is_procfs_root(int fd)
{
	struct statfs file_system;
	struct stat file;
	return fstatfs(fd, &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC && fstat(fd, &file) == 0 && file.st_ino == 1;
}

int attach_in_root(const struct context *at, int tree, const char *path)
{
	struct stat source, place;
	if (fstat(tree, &source) < 0)
		return -errno;
	int found = open_in_root(at, path, O_PATH);
	if (found == -ENOENT)
		found = S_ISDIR(source.st_mode) ? make_directories_in_root(at, path, 0755, 0, 0) : make_file_in_root(at, path);
	autoclose int target = found;
	if (target < 0)
		return target;
	if (is_procfs_root(target) && !is_procfs_root(tree))
		return -EINVAL; /* by whatever name: who reads /proc must find procfs there (CVE-2019-16884) */
	if (fstat(target, &place) < 0)
		return -errno;
	if (S_ISDIR(source.st_mode) != S_ISDIR(place.st_mode))
		return -ENOTDIR; /* as mount(2) has it; move_mount(2) has EINVAL, as for much else */
	return sys_move_mount(tree, target) < 0 ? -errno : 0;
}

/*
 * The mount at `source` where we are, a copy that no later mount reaches. Links are not followed: whose namespace this is may have put one there. -errno.
 * The procfs of a pid namespace is told by its first process, which is of that namespace for as long as there is one.
 */
static int take_mount(const struct op_share_mount *op, const struct stat *pid_namespace)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS };
	struct stat of_first;
	autoclose int found = sys_openat2(AT_FDCWD, op->source, &how);
	if (found < 0)
		return -errno;
	int tree = sys_open_tree(found, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return -errno;
	int result = set_attributes(tree, false, op->attributes, MS_PRIVATE);
	if (!result && pid_namespace && (!is_procfs_root(tree) || fstatat(tree, "1/ns/pid", &of_first, 0) < 0 ||
	                                 of_first.st_dev != pid_namespace->st_dev || of_first.st_ino != pid_namespace->st_ino))
		result = -EINVAL;
	if (result < 0)
		close(tree);
	return result < 0 ? result : tree;
}

/* The kernel copies mounts of one's own mount namespace alone (open_tree(2)): who asks goes there and comes back, with what it had for "/". */
int copy_shared(const struct op_share_mount *op)
{
	struct stat pid_namespace;
	if (*op->pid_namespace && stat(op->pid_namespace, &pid_namespace) < 0)
		return -errno;
	autoclose int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int own = open_namespace("/proc/self/ns/mnt");
	autoclose int there = open_namespace(op->mount_namespace);
	if (root < 0 || own < 0 || there < 0)
		return root < 0 ? -EIO : own < 0 ? own : there;
	if (setns(there, CLONE_NEWNS) < 0)
		return -errno;
	int tree = take_mount(op, *op->pid_namespace ? &pid_namespace : NULL);
	if (setns(own, CLONE_NEWNS) == 0 && fchdir(root) == 0 && chroot(".") == 0)
		return tree;
	int result = -errno;
	close_held(&tree);
	return result;
}

int attach_shared(const struct context *at, int tree, const char *path, bool is_procfs)
{
	autoclose int target = make_target(at, path, is_procfs);
	if (target < 0)
		return target;
	return sys_move_mount(tree, target) < 0 ? -errno : 0;
}

int do_share_mount(struct context *at, const struct op_share_mount *op)
{
	autoclose int tree = copy_shared(op);
	return tree < 0 ? tree : attach_shared(at, tree, op->target, *op->pid_namespace);
}

int do_bind_mount(struct context *at, const struct op_bind_mount *op)
{
	autoclose int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op->recursive ? AT_RECURSIVE : 0));
	if (tree < 0)
		return -errno;
	int result = set_bind_attributes(tree, op->recursive, op->attributes | (op->readonly ? MOUNT_ATTR_RDONLY : 0), op->propagation);
	return result < 0 ? result : attach_in_root(at, tree, op->target);
}

int open_part(const char *source, const char *below, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int tree;
	if (!*below) {
		tree = sys_open_tree(AT_FDCWD, source, flags);
		return tree < 0 ? -errno : tree;
	}
	autoclose int directory = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	autoclose int part = open_beneath(directory, below, O_PATH);
	if (part < 0)
		return part;
	tree = sys_open_tree(part, "", AT_EMPTY_PATH | flags);
	return tree < 0 ? -errno : tree;
}

int set_part_attributes(int tree, bool recursive, uint64_t attributes, bool readonly, bool alone, uint32_t propagation)
{
	int result = set_bind_attributes(tree, recursive, attributes | (readonly && !alone ? MOUNT_ATTR_RDONLY : 0), propagation);
	return result < 0 || !readonly || !alone ? result : set_attributes(tree, false, MOUNT_ATTR_RDONLY, 0);
}

int do_bind_part(struct context *at, const struct op_bind_part *op)
{
	autoclose int tree = open_part(op->source, op->below, op->recursive);
	if (tree < 0)
		return tree;
	int result = set_part_attributes(tree, op->recursive, op->attributes, op->readonly, op->alone, op->propagation);
	return result < 0 ? result : attach_in_root(at, tree, op->target);
}

int make_node(int parent, const char *name, const struct op_make_node *op)
{
	mode_t type = op->type[0] == 'c' ? S_IFCHR : op->type[0] == 'b' ? S_IFBLK : op->type[0] == 'p' ? S_IFIFO : 0;
	if (!type)
		return -EINVAL;
	mode_t mask = umask(0); /* chmod(2) by name would follow what a container puts in its place */
	int made = mknodat(parent, name, type | (op->mode & 07777), makedev(op->major, op->minor));
	umask(mask);
	return made < 0 || fchownat(parent, name, op->uid, op->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Whether what is there is the root's own: neither a mount nor in one, which may be the host's, or another container's. */
static bool is_of_root(const struct context *at, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV };
	autoclose int fd = sys_openat2(at->root_fd, path, &how);
	return fd >= 0;
}

/* What is there already stays, as with runc. Only what the root itself has may be of an earlier run, or of the image, and its device be another today. */
int do_make_node(struct context *at, const struct op_make_node *op)
{
	const char *name;
	autoclose int parent = open_parent_in_root(at, op->target, &name);
	if (parent < 0)
		return parent;
	int made = make_node(parent, name, op);
	if (made != -EEXIST)
		return made;
	if (!is_of_root(at, op->target))
		return 0;
	if (unlinkat(parent, name, 0) < 0)
		return errno == EISDIR ? 0 : -errno;
	return make_node(parent, name, op);
}

int do_make_symlink(struct context *at, const struct op_make_symlink *op)
{
	const char *name;
	autoclose int parent = open_parent_in_root(at, op->link, &name);
	if (parent < 0)
		return parent;
	return symlinkat(op->target, parent, name) < 0 && errno != EEXIST ? -errno : 0;
}

int do_mkdir_in_root(struct context *at, const struct op_mkdir_in_root *op)
{
	autoclose int fd = make_directories_in_root(at, op->path, op->mode, op->uid, op->gid);
	return fd < 0 ? fd : 0;
}

int do_mask_path(struct context *at, const struct op_mask_path *op)
{
	struct stat file;
	autoclose int target = open_in_root(at, op->path, O_PATH);
	if (target < 0)
		return target == -ENOENT || target == -ENOTDIR ? 0 : target;
	if (at->pivoted)
		return -EINVAL; /* the host's /dev/null is out of reach, the container's is not to be trusted */
	if (fstat(target, &file) < 0)
		return -errno;
	if (S_ISDIR(file.st_mode))
		return mount("tmpfs", path_of(target).text, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=0k,nr_inodes=2") < 0 ? -errno : 0;
	if (at->null_fd < 0)
		return -ENODEV;
	autoclose int null = sys_open_tree(at->null_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return null < 0 || sys_move_mount(null, target) < 0 ? -errno : 0;
}

int do_readonly_path(struct context *at, const struct op_readonly_path *op)
{
	autoclose int target = open_in_root(at, op->path, O_PATH);
	if (target < 0)
		return target == -ENOENT || target == -ENOTDIR ? 0 : target;
	autoclose int tree = sys_open_tree(target, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		return -errno;
	int result = set_attributes(tree, true, MOUNT_ATTR_RDONLY, 0);
	if (result < 0)
		return result;
	return sys_move_mount(tree, target) < 0 ? -errno : 0;
}

int do_readonly_root(struct context *at, const struct op_readonly_root *op)
{
	(void)op;
	return at->root_fd < 0 ? -EINVAL : set_attributes(at->root_fd, false, MOUNT_ATTR_RDONLY, 0);
}

/* pivot_root(".", "."): the old root comes to lie on the new one and is detached, so no directory for it is needed (pivot_root(2), NOTES). */
int do_pivot_root(struct context *at, const struct op_pivot_root *op)
{
	(void)op;
	if (at->root_fd < 0)
		return -EINVAL;
	if (fchdir(at->root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	close(at->root_fd);
	at->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	at->pivoted = true;
	return at->root_fd < 0 ? -errno : 0;
}
