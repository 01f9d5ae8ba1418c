/*
 * Runs one target on mutated seeds until its time is over: `fuzz SECONDS SEED LAST FILE...`, or once on each file: `fuzz replay FILE...`.
 * LAST holds the input that is being tried, length first: after a crash it is there to be kept.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "mutate.h"

#define LONGEST (256u << 10)
#define MOST_SEEDS 256

struct seed { uint8_t *at; size_t length; };
static struct seed seeds[MOST_SEEDS];
static size_t seeds_count;
static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t value = state += 0x9e3779b97f4a7c15;
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
	value = (value ^ value >> 27) * 0x94d049bb133111eb;
	return value ^ value >> 31;
}
static size_t below(size_t limit) { return limit ? draw() % limit : 0; }

static void add_seed(const char *path)
{
	static uint8_t bytes[LONGEST];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
	if (length < 0 || seeds_count == MOST_SEEDS) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(2);
	}
	close(fd);
	seeds[seeds_count].at = malloc(length + 1);
	memcpy(seeds[seeds_count].at, bytes, length);
	seeds[seeds_count++].length = length;
}

/* Numbers that lengths, counts and offsets go wrong with. */
static uint32_t odd_number(void)
{
	static const uint32_t odd[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x1ff, 0x200, 0x201, 0x1000, 0xffff, 0x10000, 0xfffff, 0x100000, 0x100001, 0x7fffffff, 0x80000000, 0xfffffffc, 0xfffffffe, 0xffffffff };
	return odd[below(sizeof odd / sizeof *odd)];
}

static size_t mutate(uint8_t *at, size_t length)
{
	uint32_t number = odd_number();
	size_t where = below(length), part = below(32) + 1;
	switch (below(9)) {
	case 0: if (length) at[where] ^= 1 << below(8); break;
	case 1: if (length) at[where] = draw(); break;
	case 2: if (length >= 4) memcpy(at + below(length - 3), &number, 4); break;
	case 3: if (length >= 4) { size_t place = below(length - 3); memcpy(&number, at + place, 4); number += below(9) - 4; memcpy(at + place, &number, 4); } break;
	case 4: return where; /* cut off */
	case 5: /* take out */
		if (where + part < length) { memmove(at + where, at + where + part, length - where - part); length -= part; }
		break;
	case 6: /* put in */
		if (length + part < LONGEST) { memmove(at + where + part, at + where, length - where); memset(at + where, below(2) ? draw() : ':', part); length += part; }
		break;
	case 7: /* repeat */
		if (where + part <= length && length + part < LONGEST) { memmove(at + where + part, at + where, length - where); length += part; }
		break;
	case 8: { /* the end of another */
		const struct seed *other = &seeds[below(seeds_count)];
		size_t from = below(other->length), rest = other->length - from;
		if (where + rest < LONGEST) { memcpy(at + where, other->at + from, rest); length = where + rest; }
		break;
	}
	}
	return length;
}

/* In memory of its own length, so that one byte too far is seen. */
static void run_on(const uint8_t *bytes, size_t length)
{
	uint8_t *exact = malloc(length ? length : 1);
	memcpy(exact, bytes, length);
	try_input(exact, length);
	free(exact);
}

int main(int count, char **args)
{
	if (count > 2 && !strcmp(args[1], "replay")) {
		for (int i = 2; i < count; i++)
			add_seed(args[i]);
		for (size_t i = 0; i < seeds_count; i++)
			run_on(seeds[i].at, seeds[i].length);
		return 0;
	}
	if (count < 5)
		return 2;
	time_t until = time(NULL) + atoi(args[1]);
	unsigned long long runs = 0;
	state = strtoull(args[2], NULL, 10);
	int file = open(args[3], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, LONGEST + 8) < 0)
		return 2;
	uint8_t *last = mmap(NULL, LONGEST + 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (last == MAP_FAILED)
		return 2;
	for (int i = 4; i < count; i++)
		add_seed(args[i]);
	do {
		const struct seed *seed = &seeds[below(seeds_count)];
		uint64_t length = seed->length;
		memcpy(last + 8, seed->at, length);
		for (size_t steps = below(6); steps > 0; steps--)
			length = mutate(last + 8, length);
		memcpy(last, &length, 8);
		run_on(last + 8, length);
		runs++;
	} while (time(NULL) < until);
	printf("%llu\n", runs);
	return 0;
}
