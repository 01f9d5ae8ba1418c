/* Who a container's user is, read from its own /etc/passwd and /etc/group by us: no NSS, nothing of the image is loaded (hardening classes B and E). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include "passwd.h"

#define FILE_LIMIT (1u << 20)
/* Docker's, of what is asked for by number */
#define LARGEST_ASKED 0x7fffffff

/* 1: a file that may be read; 0: none. */
static int is_plain_file(int fd, struct stat *file)
{
	struct statfs file_system;
	if (fstat(fd, file) < 0)
		return -errno;
	if (!S_ISREG(file->st_mode))
		return 0;
	if (fstatfs(fd, &file_system) < 0)
		return -errno;
	/* a symlink to /proc/kmsg: we have more rights than the container, and reading there is doing */
	return file_system.f_type != PROC_SUPER_MAGIC && file_system.f_type != SYSFS_MAGIC;
}

/*
 * The file's text with a final NUL, in a mapping of FILE_LIMIT + 1. What is missing is empty, and so is what is no file, as with runc: who is asked for by
 * numbers needs none. It is looked at before it is opened: a pipe, a device or a socket may not let itself be opened, or do something then.
 */
static int read_file(const struct context *at, const char *path, char **text)
{
	struct stat file;
	*text = NULL;
	autoclose int found = open_in_root(at, path, O_PATH);
	if (found == -ENOENT || found == -ENOTDIR || found == -ELOOP)
		return 0;
	if (found < 0)
		return found;
	int plain = is_plain_file(found, &file);
	if (plain <= 0)
		return plain;
	autoclose int fd = open_in_root(at, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fd;
	/* another thing may have the name by now */
	plain = is_plain_file(fd, &file);
	if (plain <= 0)
		return plain;
	if (file.st_size > FILE_LIMIT)
		return -EFBIG;
	char *map = mmap(NULL, FILE_LIMIT + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return -errno;
	for (size_t used = 0; used < FILE_LIMIT;) {
		ssize_t length = read(fd, map + used, FILE_LIMIT - used);
		if (length <= 0)
			break;
		used += length;
	}
	*text = map;
	return 0;
}

static void forget(char *text)
{
	if (text)
		munmap(text, FILE_LIMIT + 1);
}

bool parse_id(const char *text, uint32_t *id)
{
	uint64_t value = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (*text - '0');
		if (value > 0xfffffffe)
			return false;
	}
	*id = value;
	return true;
}

static bool all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* Cuts the next line out of *rest and splits it at colons; the number of fields. */
static int next_entry(char **rest, char *field[7], int most)
{
	char *line = strsep(rest, "\n");
	int count = 0;
	while (count < most && line)
		field[count++] = strsep(&line, ":");
	return count;
}

static void add_group(struct user *user, uint32_t gid)
{
	for (size_t i = 0; i < user->groups_count; i++)
		if (user->groups[i] == gid)
			return;
	if (user->groups_count < GROUPS_LIMIT)
		user->groups[user->groups_count++] = gid;
}

static bool lists_member(char *members, const char *name)
{
	for (char *member; (member = strsep(&members, ","));)
		if (!strcmp(member, name))
			return true;
	return false;
}

static int find_user(const struct context *at, const char *who, struct user *user, char *name, size_t size)
{
	char *text, *field[7];
	bool numeric = all_digits(who);
	if (numeric && (!parse_id(who, &user->uid) || user->uid > LARGEST_ASKED))
		return -ERANGE;
	int result = read_file(at, "/etc/passwd", &text);
	if (result < 0)
		return result;
	bool found = false;
	for (char *rest = text; !found && rest;) {
		uint32_t uid, gid;
		if (next_entry(&rest, field, 7) < 4 || !parse_id(field[2], &uid) || !parse_id(field[3], &gid))
			continue;
		/* numeric means numeric: a user called "1000" is not uid 1000 */
		if (numeric ? uid != user->uid : strcmp(field[0], who) != 0)
			continue;
		found = true;
		user->uid = uid;
		user->gid = gid;
		if (strlen(field[0]) < size)
			strcpy(name, field[0]);
	}
	forget(text);
	return found || numeric ? 0 : -ENOENT;
}

static int find_home(const struct context *at, uint32_t uid, char *home, size_t size)
{
	char *text, *field[7];
	int result = read_file(at, "/etc/passwd", &text);
	strcpy(home, "/");
	for (char *rest = text; !result && rest;) {
		uint32_t id;
		if (next_entry(&rest, field, 7) < 6 || !parse_id(field[2], &id) || id != uid)
			continue;
		if (*field[5] == '/' && strlen(field[5]) < size)
			strcpy(home, field[5]);
		break;
	}
	forget(text);
	return result;
}

/* A number, or a name of the container's /etc/group. */
static int find_group(const struct context *at, const char *group, uint32_t *gid)
{
	char *text, *field[7];
	if (all_digits(group))
		return parse_id(group, gid) && *gid <= LARGEST_ASKED ? 0 : -ERANGE;
	int result = read_file(at, "/etc/group", &text);
	if (result < 0)
		return result;
	result = -ESRCH; /* ENOENT is a user that is not there */
	for (char *rest = text; rest;) {
		if (next_entry(&rest, field, 4) >= 3 && !strcmp(field[0], group) && parse_id(field[2], gid)) {
			result = 0;
			break;
		}
	}
	forget(text);
	return result;
}

static int add_memberships(const struct context *at, const char *name, struct user *user)
{
	char *text, *field[7];
	int result = read_file(at, "/etc/group", &text);
	for (char *rest = text; !result && rest;) {
		uint32_t gid;
		if (next_entry(&rest, field, 4) >= 4 && parse_id(field[2], &gid) && lists_member(field[3], name))
			add_group(user, gid);
	}
	forget(text);
	return result;
}

int resolve_user(const struct context *at, const char *spec, struct strings extra, struct user *user)
{
	char who[256], name[256] = "";
	const char *colon = strchr(spec, ':');
	size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
	if (length >= sizeof who)
		return -ENAMETOOLONG;
	memcpy(who, spec, length);
	strcpy(who + length, "");
	*user = (struct user){ 0 };
	int result = find_user(at, length ? who : "0", user, name, sizeof name);
	if (!result && colon && colon[1])
		result = find_group(at, colon + 1, &user->gid);
	else if (!result && *name)
		result = add_memberships(at, name, user);
	for (const char *group; !result && (group = next_string(&extra));) {
		uint32_t gid;
		result = find_group(at, group, &gid);
		if (!result)
			add_group(user, gid);
	}
	add_group(user, user->gid);
	return result < 0 ? result : find_home(at, user->uid, user->home, sizeof user->home);
}
