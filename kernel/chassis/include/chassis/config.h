/* config.h - configuration is a table of environment variables, read once at start.
 *
 * Each NAME may be given as NAME or as NAME_FILE (a path whose content is the value, for secrets).
 * A bad value names the variable, the value (masked when secret) and what is allowed on stderr and
 * ends the process with exit status 78 (EX_CONFIG). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_STRING = 1,  /* const char *; min and max bound its length when given */
    CONFIG_INT,         /* int64_t; plain digits */
    CONFIG_BOOL,        /* bool; "true" or "false" */
    CONFIG_DURATION_MS, /* int64_t milliseconds; "250ms", "15s", "10m", "2h", "7d" */
    CONFIG_BYTES,       /* int64_t; "64KiB", "1MiB", plain digits */
};

struct config_field {
    const char *name;
    enum config_type type;
    size_t offset;             /* into the daemon's state struct */
    const char *default_value; /* NULL: required */
    int64_t min, max;          /* both 0: unbounded */
    bool secret;
    const char *doc;
};
