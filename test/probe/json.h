/* Writes JSON to standard output. A NULL name: a member of a list. */
#pragma once
#include <stdbool.h>

void json_open(const char *name, char bracket);
void json_close(char bracket);
void json_number(const char *name, long long value);
void json_flag(const char *name, bool value);
void json_hex(const char *name, unsigned long long value);
/* Bytes that are not printable ASCII become \u00xx. */
void json_text(const char *name, const char *value);
/* A file's text, NULs kept; unreadable: null. */
void json_file(const char *name, const char *path);
/* "Key:\tvalue" lines as an object. */
void json_file_lines(const char *name, const char *path);
int json_end(void);
