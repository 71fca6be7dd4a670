/* net/spdy_header: SPDY's header blocks: name and value pairs, compressed with one zlib stream per direction
 * and connection. Inside net/.
 *
 * CONFORMS: SPDY draft 3, 2.6.10. One thread.
 */
#pragma once

#include <stddef.h>
#include <zlib.h>

#include "net/http.h"

struct arena;
struct buf;

struct spdy_inflate {
    z_stream z;
    bool broken;
};

void spdy_inflate_init(struct spdy_inflate *i);
void spdy_inflate_fini(struct spdy_inflate *i);

/* Every block must go through, also of streams that are refused: each continues the one before. Names become
 * lower case. 0, ERR_INVALID, or ERR_TOO_LARGE (headers or bytes; the connection cannot go on either). */
int spdy_headers_read(struct spdy_inflate *i, struct str block, struct arena *a, struct http_header **ret,
                      size_t *ret_n);

struct spdy_deflate {
    z_stream z;
};

void spdy_deflate_init(struct spdy_deflate *d);
void spdy_deflate_fini(struct spdy_deflate *d);
void spdy_headers_write(struct spdy_deflate *d, const struct http_header *headers, size_t n, struct buf *out);
