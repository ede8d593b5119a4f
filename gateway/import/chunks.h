/* chunks.h - an uploaded file, as catalog keeps it: pieces of one size, by number. */
#pragma once

#include "import/csv.h"

#include "chassis/ctx.h"

enum { CHUNK_BYTES = 256 * 1024 }; /* the last one may be shorter */

struct chunks {
    struct csv_source source;
    struct ctx ctx; /* of the chunk that is read now */
    const char *import_id;
    int64_t count;
};

/* The file of a sealed import. chunks_close accepts a zeroed one. */
void chunks_open(struct chunks *chunks, struct daemon *daemon, const char *import_id,
                 int64_t count);
void chunks_close(struct chunks *chunks);
