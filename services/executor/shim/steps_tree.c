/*
 * Trees: mounts that only the host's rights can make, prepared before the user namespace is entered and moved to their places in it, or where an installed runtime finds
 * them. Until then they are descriptors, mounted nowhere, but for what an overlay is made of: that lies on the stage, since kernels before 6.15 take no detached layers.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include "mount_calls.h"
#include "trees.h"

int do_stage(struct context *at, const struct op_stage *op)
{
	if (op->trees > PLAN_STEPS_LIMIT || at->trees)
		return -EINVAL;
	at->trees = calloc(op->trees + 1, sizeof *at->trees); /* goes with the process, at its exec */
	if (!at->trees)
		return -ENOMEM;
	at->tree_limit = op->trees;
	if (mount("tmpfs", op->target, "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=700") < 0)
		return -errno;
	at->stage_fd = open(op->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return at->stage_fd < 0 ? -errno : 0;
}

/* Takes over the descriptor; -1: the call that was to make it has failed. */
static int keep_tree(struct context *at, int tree)
{
	if (tree < 0)
		return -errno;
	if (at->tree_count < at->tree_limit) {
		at->trees[at->tree_count++] = tree;
		return 0;
	}
	close(tree);
	return -EINVAL;
}

static int with_namespace_ids(const struct context *at, int tree, bool recursive)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = at->userns_fd };
	if (at->userns_fd < 0)
		return -EINVAL;
	return sys_mount_setattr(tree, recursive ? AT_RECURSIVE : 0, &attr) < 0 ? -errno : 0;
}

/* The host directory `source`, with the namespace's ids, as `name` on the stage. */
static int put_on_stage(const struct context *at, const char *source, const char *name)
{
	if (mkdirat(at->stage_fd, name, 0700) < 0)
		return -errno;
	autoclose int target = openat(at->stage_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	autoclose int tree = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (target < 0 || tree < 0)
		return -errno;
	int result = with_namespace_ids(at, tree, false);
	return result < 0 ? result : sys_move_mount(tree, target) < 0 ? -errno : 0;
}

/* In the layers' directory names are short, so that many fit in a page; the rest lies beside it. */
static int overlay_on_stage(const struct context *at, const struct op_overlay_tree *op)
{
	char upper[300], work[300];
	autoclose int layers = openat(at->stage_fd, "layers", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layers < 0 || fchdir(layers) < 0)
		return -errno;
	if ((size_t)snprintf(upper, sizeof upper, "../own/%s", op->upper) >= sizeof upper || (size_t)snprintf(work, sizeof work, "../own/%s", op->work) >= sizeof work)
		return -ENAMETOOLONG;
	struct op_overlay_root overlay = { .lower = op->lower, .upper = upper, .work = work, .target = "../merged", .options = op->options };
	return mount_overlay(&overlay);
}

int do_overlay_tree(struct context *at, const struct op_overlay_tree *op)
{
	if (at->stage_fd < 0)
		return -EINVAL;
	if (mkdirat(at->stage_fd, "merged", 0700) < 0)
		return -errno;
	int result = put_on_stage(at, op->layers, "layers");
	if (!result)
		result = put_on_stage(at, op->own, "own");
	/* What the overlay makes for itself (whiteouts, its working directory) it makes as who mounts it, and the layers know no ids but the namespace's. */
	if (!result)
		result = act_as(op->uid, op->gid);
	if (!result)
		result = overlay_on_stage(at, op);
	int back = act_as(0, 0);
	if (chdir("/") < 0 && !result)
		result = -errno;
	if (result < 0 || back < 0)
		return result < 0 ? result : back;
	return keep_tree(at, sys_open_tree(at->stage_fd, "merged", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

int do_bind_tree(struct context *at, const struct op_bind_tree *op)
{
	int tree = sys_open_tree(AT_FDCWD, op->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (op->recursive ? AT_RECURSIVE : 0));
	if (tree < 0)
		return -errno;
	int result = op->mapped ? with_namespace_ids(at, tree, op->recursive) : 0;
	if (!result)
		result = set_bind_attributes(tree, op->recursive, op->attributes | (op->readonly ? MOUNT_ATTR_RDONLY : 0), op->propagation);
	if (!result)
		return keep_tree(at, tree);
	close(tree);
	return result;
}

int do_part_tree(struct context *at, const struct op_part_tree *op)
{
	int tree = open_part(op->source, op->below, op->recursive);
	if (tree < 0)
		return tree;
	int result = op->mapped ? with_namespace_ids(at, tree, op->recursive) : 0;
	if (!result)
		result = set_part_attributes(tree, op->recursive, op->attributes, op->readonly, op->alone, op->propagation);
	if (!result)
		return keep_tree(at, tree);
	close(tree);
	return result;
}

int do_node_tree(struct context *at, const struct op_node_tree *op)
{
	char name[16];
	if (at->stage_fd < 0)
		return -EINVAL;
	snprintf(name, sizeof name, "node%u", at->tree_count);
	struct op_make_node node = { .type = op->type, .mode = op->mode, .major = op->major, .minor = op->minor, .uid = op->uid, .gid = op->gid };
	int result = make_node(at->stage_fd, name, &node);
	return result < 0 ? result : keep_tree(at, sys_open_tree(at->stage_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

/* -EINVAL: there is none of that number, or none any more. */
static int take_tree(struct context *at, uint32_t number)
{
	if (number >= at->tree_count || at->trees[number] < 0)
		return -EINVAL;
	int tree = at->trees[number];
	at->trees[number] = -1;
	return tree;
}

int do_shared_tree(struct context *at, const struct op_shared_tree *op)
{
	struct op_share_mount share = { .mount_namespace = op->mount_namespace, .pid_namespace = op->pid_namespace, .source = op->source, .attributes = op->attributes };
	int tree = copy_shared(&share);
	return tree < 0 ? tree : keep_tree(at, tree);
}

int do_attach_shared(struct context *at, const struct op_attach_shared *op)
{
	autoclose int tree = take_tree(at, op->tree);
	return tree < 0 ? tree : attach_shared(at, tree, op->target, op->procfs);
}

int do_place_tree(struct context *at, const struct op_place_tree *op)
{
	struct stat root;
	autoclose int tree = take_tree(at, op->tree);
	if (tree < 0)
		return tree;
	if (fstat(tree, &root) < 0)
		return -errno;
	if ((S_ISDIR(root.st_mode) ? mkdir(op->target, 0755) : mknod(op->target, S_IFREG | 0644, 0)) < 0 && errno != EEXIST)
		return -errno;
	autoclose int target = open(op->target, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return target < 0 || sys_move_mount(tree, target) < 0 ? -errno : 0;
}

int do_attach_tree(struct context *at, const struct op_attach_tree *op)
{
	autoclose int tree = take_tree(at, op->tree);
	return tree < 0 ? tree : attach_in_root(at, tree, op->target);
}

int do_attach_root(struct context *at, const struct op_attach_root *op)
{
	int tree = take_tree(at, op->tree);
	if (tree < 0)
		return tree;
	close_held(&at->root_fd);
	at->root_fd = tree;
	return sys_move_mount(tree, AT_FDCWD) < 0 ? -errno : 0;
}
