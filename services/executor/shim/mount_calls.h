/* The mount interface of kernel 5.2 and later, which musl has no functions for. Like system calls: -1 and errno. */
#pragma once
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static inline int sys_open_tree(int at, const char *path, unsigned flags) { return syscall(SYS_open_tree, at, path, flags); }
static inline int sys_move_mount(int from, int to) { return syscall(SYS_move_mount, from, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH); }
static inline int sys_mount_setattr(int at, unsigned flags, struct mount_attr *attr) { return syscall(SYS_mount_setattr, at, "", AT_EMPTY_PATH | flags, attr, sizeof *attr); }
static inline int sys_fsopen(const char *type) { return syscall(SYS_fsopen, type, FSOPEN_CLOEXEC); }
static inline int sys_fsconfig(int fd, unsigned command, const char *key, const char *value) { return syscall(SYS_fsconfig, fd, command, key, value, 0); }
static inline int sys_fsmount(int fd, unsigned attributes) { return syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes); }
static inline int sys_openat2(int at, const char *path, struct open_how *how) { return syscall(SYS_openat2, at, path, how, sizeof *how); }
