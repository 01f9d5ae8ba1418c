#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "json.h"

static bool first = true;
static char file[1 << 18];

static void put_text(const char *value, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = value[i];
		if (byte == '"' || byte == '\\')
			printf("\\%c", byte);
		else if (byte < 0x20 || byte > 0x7e)
			printf("\\u%04x", byte);
		else
			putchar(byte);
	}
	putchar('"');
}

static void name_it(const char *name)
{
	if (!first)
		putchar(',');
	first = false;
	if (name) {
		put_text(name, strlen(name));
		putchar(':');
	}
}

void json_open(const char *name, char bracket)
{
	name_it(name);
	putchar(bracket);
	first = true;
}

void json_close(char bracket)
{
	putchar(bracket);
	first = false;
}

void json_number(const char *name, long long value)
{
	name_it(name);
	printf("%lld", value);
}

void json_flag(const char *name, bool value)
{
	name_it(name);
	fputs(value ? "true" : "false", stdout);
}

void json_hex(const char *name, unsigned long long value)
{
	name_it(name);
	printf("\"%llx\"", value);
}

void json_text(const char *name, const char *value)
{
	name_it(name);
	put_text(value, strlen(value));
}

static ssize_t read_file(const char *path)
{
	size_t used = 0;
	ssize_t length;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	while (used < sizeof file - 1 && (length = read(fd, file + used, sizeof file - 1 - used)) > 0)
		used += length;
	close(fd);
	file[used] = 0;
	return used;
}

void json_file(const char *name, const char *path)
{
	ssize_t length = read_file(path);
	name_it(name);
	if (length < 0)
		fputs("null", stdout);
	else
		put_text(file, length);
}

void json_file_lines(const char *name, const char *path)
{
	json_open(name, '{');
	char *rest = read_file(path) < 0 ? NULL : file;
	for (char *line; (line = strsep(&rest, "\n"));) {
		char *value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = 0;
		json_text(line, value + strspn(value, " \t"));
	}
	json_close('}');
}

int json_end(void)
{
	putchar('\n');
	return fflush(stdout) == 0 ? 0 : 1;
}
