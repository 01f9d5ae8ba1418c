#pragma once
#include <stddef.h>
#include <stdint.h>

/* The target. `at` holds exactly `length` bytes. Returns when all went well, whatever the parser thought of it. */
void try_input(const uint8_t *at, size_t length);
