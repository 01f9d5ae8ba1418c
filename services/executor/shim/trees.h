/* What the steps that mount at once and those that prepare a tree for later share (steps_mount.c). */
#pragma once
#include <sys/stat.h>
#include "plan.h"

int set_attributes(int mount, bool recursive, uint64_t attributes, uint64_t propagation);
/* Of a bind. propagation: with MS_REC for the whole tree; 0: as it comes. */
int set_bind_attributes(int tree, bool recursive, uint64_t attributes, uint32_t propagation);
/* What `below` leads to below the host directory `source`, detached; "": source itself. The path does not leave it. */
int open_part(const char *source, const char *below, bool recursive);
/* As set_bind_attributes; alone: readonly is the topmost mount, and none below it. */
int set_part_attributes(int tree, bool recursive, uint64_t attributes, bool readonly, bool alone, uint32_t propagation);
/* Names are relative to the working directory; base_directory is not looked at. */
int mount_overlay(const struct op_overlay_root *op);
/* By one name in an open directory, where nothing is yet; target is not looked at. */
int make_node(int parent, const char *name, const struct op_make_node *op);
/* Moves a detached tree to an in-root path, made when missing, as a directory or an empty file like the tree's root. */
int attach_in_root(const struct context *at, int tree, const char *path);
/* Of share_mount what is at its source, detached; target is not looked at. */
int copy_shared(const struct op_share_mount *op);
/* Moves it to its target. */
int attach_shared(const struct context *at, int tree, const char *path, bool is_procfs);
