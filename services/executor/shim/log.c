/* The container's log in Docker's json-file format, rotated as its options say; compressing is the executor's. A line over 16 KiB is written in pieces without the final newline. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "shim.h"

#define LINE_BYTES (16u << 10)

static struct {
	const char *path;
	uint64_t max_bytes, size;
	uint32_t max_files;
	int fd;
	char last; /* byte of the file */
	bool in_record; /* what is written out next begins in the middle of one */
	uint8_t line[2][LINE_BYTES];
	uint32_t held[2];
	char out[32u << 10];
	uint32_t out_used;
	struct log_news news;
} log = { .fd = -1 };

static void open_file(int flags)
{
	struct stat file;
	log.fd = open(log.path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0640);
	log.size = log.fd >= 0 && fstat(log.fd, &file) == 0 ? (uint64_t)file.st_size : 0;
	if (!log.size || pread(log.fd, &log.last, 1, log.size - 1) != 1)
		log.last = '\n';
}

void log_open(const char *path, uint64_t max_bytes, uint32_t max_files)
{
	log.path = path;
	log.max_bytes = max_bytes;
	log.max_files = max_files ? max_files : 1;
	if (*path)
		open_file(0);
}

static ssize_t append(const char *at, uint32_t length)
{
	ssize_t written = write(log.fd, at, length);
	if (written > 0) {
		log.size += written;
		log.last = at[written - 1];
	}
	return written;
}

/* A record that was cut short, by a full disk or with the shim before, ends where it does: with it on one line the next would be lost, too. */
static void write_out(void)
{
	if (!log.out_used)
		return;
	bool begins_cut = !log.in_record && log.last != '\n';
	for (uint32_t done = 0; log.fd >= 0 && done < log.out_used;) {
		ssize_t written = begins_cut ? append("\n", 1) : append(log.out + done, log.out_used - done);
		if (written <= 0) {
			log.news.failed_writes++;
			break; /* a full disk: the container goes on, its log has a gap */
		}
		done += begins_cut ? 0 : written;
		begins_cut = false;
	}
	log.in_record = log.out[log.out_used - 1] != '\n';
	log.out_used = 0;
}

/*
 * Whoever puts a compressed file in the place of a rotated one (the executor, compress-log.ts) holds the log's directory meanwhile, so that no number moves under its
 * hands. Output does not wait for it: false, and the log grows on until the next record. A directory that cannot be opened keeps nobody from rotating.
 */
static bool hold_directory(int *held)
{
	char directory[4096];
	const char *slash = strrchr(log.path, '/');
	snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - log.path) : 1, slash ? log.path : ".");
	*held = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *held < 0 || flock(*held, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static void move_old(uint32_t number, const char *suffix)
{
	char from[4096], to[4096];
	snprintf(from, sizeof from, "%s.%u%s", log.path, number - 1, suffix);
	snprintf(to, sizeof to, "%s.%u%s", log.path, number, suffix);
	rename(from, to);
}

/* path.1 is the youngest of the old ones, path.1.gz if it is compressed. With one file alone a new one takes its place, and whoever reads the old one still has all of it. */
static void rotate(void)
{
	char oldest[4096];
	autoclose int held;
	if (!hold_directory(&held))
		return;
	close(log.fd);
	if (log.max_files == 1)
		unlink(log.path);
	else
		for (int compressed = 0; compressed < 2; compressed++) {
			snprintf(oldest, sizeof oldest, "%s.%u%s", log.path, log.max_files - 1, compressed ? ".gz" : "");
			unlink(oldest); /* of a number that is in the one form before and in the other after, both would stay */
		}
	for (uint32_t number = log.max_files - 1; number > 1; number--) {
		move_old(number, "");
		move_old(number, ".gz");
	}
	if (log.max_files > 1) {
		snprintf(oldest, sizeof oldest, "%s.1", log.path);
		rename(log.path, oldest);
	}
	open_file(O_TRUNC);
	log.news.rotations++;
}

static void put_text(const char *text, size_t length)
{
	if (log.out_used + length > sizeof log.out)
		write_out();
	memcpy(log.out + log.out_used, text, length);
	log.out_used += length;
}

/* Bytes of one well-formed UTF-8 sequence (Unicode 15, table 3-7), 0 if there is none. */
static size_t sequence(const uint8_t *at, size_t left)
{
	uint8_t lead = at[0], low = 0x80, high = 0xbf;
	size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
	if (lead == 0xe0) low = 0xa0;
	if (lead == 0xed) high = 0x9f;
	if (lead == 0xf0) low = 0x90;
	if (lead == 0xf4) high = 0x8f;
	if (!length || length > left || at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (at[i] < 0x80 || at[i] > 0xbf)
			return 0;
	return length;
}

static void put_escaped(const uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t plain = i;
		while (plain < length && at[plain] >= 0x20 && at[plain] < 0x7f && at[plain] != '"' && at[plain] != '\\')
			plain++;
		if (plain > i) {
			put_text((const char *)at + i, plain - i);
			i = plain;
			continue;
		}
		char text[8];
		switch (at[i]) {
		case '"': put_text("\\\"", 2); i++; continue;
		case '\\': put_text("\\\\", 2); i++; continue;
		case '\n': put_text("\\n", 2); i++; continue;
		case '\r': put_text("\\r", 2); i++; continue;
		case '\t': put_text("\\t", 2); i++; continue;
		}
		if (at[i] < 0x80) {
			put_text(text, snprintf(text, sizeof text, "\\u%04x", at[i]));
			i++;
			continue;
		}
		size_t bytes = sequence(at + i, length - i);
		if (bytes)
			put_text((const char *)at + i, bytes);
		else
			put_text("\\ufffd", 6);
		i += bytes ? bytes : 1;
	}
}

/* RFC 3339 with nine digits, in UTC. A second's text is made once: a container may write a million lines in it. */
static void put_time(void)
{
	static char text[80];
	static time_t shown;
	struct timespec now;
	struct tm utc;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != shown || !*text) {
		gmtime_r(&now.tv_sec, &utc);
		snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.000000000Z", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
		shown = now.tv_sec;
	}
	long left = now.tv_nsec;
	for (int digit = 28; digit > 19; digit--, left /= 10)
		text[digit] = '0' + left % 10;
	put_text(text, 30);
}

static void put_record(int which, const uint8_t *at, size_t length, bool whole)
{
	if (log.max_bytes && log.size + log.out_used >= log.max_bytes) {
		write_out();
		if (log.size >= log.max_bytes)
			rotate();
	}
	put_text("{\"log\":\"", 8);
	put_escaped(at, length);
	if (whole)
		put_text("\\n", 2);
	put_text("\",\"stream\":\"", 12);
	put_text(which ? "stderr" : "stdout", 6);
	put_text("\",\"time\":\"", 10);
	put_time();
	put_text("\"}\n", 3);
}

/* A rotation may have found no room for the new file, and the disk may have some by now. */
static bool is_open(void)
{
	if (log.fd < 0)
		open_file(0);
	return log.fd >= 0;
}

void log_write(int which, const uint8_t *at, size_t length)
{
	if (!log.path || !*log.path)
		return;
	if (!is_open()) {
		log.news.failed_writes++; /* as on a full disk: the container goes on, its log has a gap */
		return;
	}
	while (length) {
		const uint8_t *newline = memchr(at, '\n', length);
		size_t part = newline ? (size_t)(newline - at) : length;
		uint32_t room = LINE_BYTES - log.held[which];
		bool whole = newline && part <= room;
		if (part > room)
			part = room;
		if (whole && !log.held[which]) {
			put_record(which, at, part, true); /* the usual case: nothing to copy */
		} else {
			memcpy(log.line[which] + log.held[which], at, part);
			log.held[which] += part;
			if (whole || log.held[which] == LINE_BYTES) {
				put_record(which, log.line[which], log.held[which], whole);
				log.news.long_lines += !whole;
				log.held[which] = 0;
			}
		}
		at += part + whole;
		length -= part + whole;
	}
	write_out();
}

void log_end(int which)
{
	if (log.fd >= 0 && log.held[which])
		put_record(which, log.line[which], log.held[which], false);
	log.held[which] = 0;
	write_out();
}

struct log_news log_news(void) { return log.news; }
