/*
 * Tells as one JSON object what a process sees that runs where it was started: rights, mounts, devices, descriptors, limits.
 * `probe walk` opens every file of /proc and /sys for writing, too, and names those that let it; nothing is written.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "json.h"
#include "look.h"

static void capabilities(void)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	unsigned long long bounding = 0, ambient = 0;
	if (syscall(SYS_capget, &head, data) < 0)
		memset(data, 0xff, sizeof data);
	for (int number = 0; number < 64; number++) {
		bounding |= (unsigned long long)(prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1) << number;
		ambient |= (unsigned long long)(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1) << number;
	}
	json_open("capabilities", '{');
	json_hex("effective", data[0].effective | (unsigned long long)data[1].effective << 32);
	json_hex("permitted", data[0].permitted | (unsigned long long)data[1].permitted << 32);
	json_hex("inheritable", data[0].inheritable | (unsigned long long)data[1].inheritable << 32);
	json_hex("bounding", bounding);
	json_hex("ambient", ambient);
	json_close('}');
}

static void identity(void)
{
	unsigned ids[3];
	gid_t groups[1024];
	struct utsname name;
	char where[4096];
	json_open("uids", '[');
	if (getresuid(&ids[0], &ids[1], &ids[2]) == 0)
		for (int i = 0; i < 3; i++)
			json_number(NULL, ids[i]);
	json_close(']');
	json_open("gids", '[');
	if (getresgid(&ids[0], &ids[1], &ids[2]) == 0)
		for (int i = 0; i < 3; i++)
			json_number(NULL, ids[i]);
	json_close(']');
	json_open("groups", '[');
	int count = getgroups(1024, groups);
	for (int i = 0; i < count; i++)
		json_number(NULL, groups[i]);
	json_close(']');
	uname(&name);
	json_text("hostname", name.nodename);
	json_number("pid", getpid());
	json_number("parent", getppid());
	json_number("session", getsid(0));
	json_text("workingDirectory", syscall(SYS_getcwd, where, sizeof where) < 0 ? "" : where);
	mode_t mask = umask(0);
	umask(mask);
	json_number("umask", mask);
}

static void process_state(void)
{
	int signal = 0;
	prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
	json_number("noNewPrivileges", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	json_number("dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	json_number("parentDeathSignal", signal);
	json_number("secureBits", prctl(PR_GET_SECUREBITS, 0, 0, 0, 0));
	json_file_lines("status", "/proc/self/status");
	json_file("oomScoreAdj", "/proc/self/oom_score_adj");
	json_file("mounts", "/proc/self/mountinfo");
	json_file("cgroups", "/proc/self/cgroup");
	json_file("initCommand", "/proc/1/cmdline");
	json_file("initEnvironment", "/proc/1/environ");
}

static void limits(void)
{
	json_open("limits", '[');
	for (int resource = 0; resource < RLIM_NLIMITS; resource++) {
		struct rlimit limit;
		if (getrlimit(resource, &limit) < 0)
			continue;
		json_open(NULL, '[');
		json_number(NULL, limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur);
		json_number(NULL, limit.rlim_max == RLIM_INFINITY ? -1 : (long long)limit.rlim_max);
		json_close(']');
	}
	json_close(']');
}

/* The session keyring's description: "keyring;uid;gid;permissions;name". One that a filter hides is its errno. */
static void keyring(void)
{
	char text[256] = "";
	json_open("keyring", '{');
	if (syscall(SYS_keyctl, KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, text, sizeof text) < 0)
		json_number("errno", errno);
	json_text("description", text);
	json_number("id", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	json_close('}');
}

static void namespaces(void)
{
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };
	json_open("namespaces", '{');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[64] = "/proc/self/ns/";
		struct stat file;
		strcat(path, names[i]);
		json_number(names[i], stat(path, &file) == 0 ? (long long)file.st_ino : 0);
	}
	json_close('}');
}

int main(int count, char **args)
{
	json_open(NULL, '{');
	look_at_descriptors(); /* first: nothing of ours is open */
	capabilities();
	identity();
	process_state();
	limits();
	keyring();
	namespaces();
	look_at_devices();
	look_at_masks();
	if (count > 1 && !strcmp(args[1], "walk"))
		look_for_writable();
	json_close('}');
	return json_end();
}
