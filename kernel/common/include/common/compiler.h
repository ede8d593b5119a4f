/* compiler.h - the few compiler attributes and macros every file may use. */
#pragma once

#include <stddef.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The structure that contains `member` at address `pointer`. */
#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Runs `function` with the variable's address when it leaves scope. */
#define _cleanup_(function) __attribute__((__cleanup__(function)))

#define _printf_(format_index, first_index)                                                        \
    __attribute__((__format__(__printf__, format_index, first_index)))
