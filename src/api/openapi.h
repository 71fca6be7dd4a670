/* api/openapi: OpenAPI documents made from the schema.
 *
 * Version 2 is one document over all served groups; version 3 is one document for each path of the index
 * ("api/v1", "apis/apps/v1"). Definition names and x-kubernetes-* extensions are upstream's, descriptions
 * ours. The documents are made anew by each call: callers keep (and compress) them. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct buf;
struct kind;

struct openapi_options {
    const struct kind *const *kinds; /* resources to describe: rows with a plural */
    uint32_t n_kinds;
    struct str server_version; /* of the info block: v1.36.2 */
};

void openapi_v2(struct buf *out, const struct openapi_options *o);

/* Only the kinds of one group version (and what they refer to). */
void openapi_v3(struct buf *out, const struct openapi_options *o, struct str group, struct str version);
