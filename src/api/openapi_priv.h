/* The two halves of openapi: openapi.c (definitions) and openapi_paths.c (paths). */
#pragma once

#include "api/kind.h"
#include "api/openapi.h"
#include "base/buf.h"

/* Values whose definition is no message of the schema, but is referred to by name. */
enum oa_leaf {
    OA_TIME,
    OA_MICRO_TIME,
    OA_DURATION,
    OA_QUANTITY,
    OA_INT_OR_STRING,
    OA_RAW,
    OA_FIELDS,
    OA_JSON,
    OA_LEAFS
};

/* One document in the making. */
struct oa {
    struct buf *out;
    const struct openapi_options *options;
    const struct ty_set *set;
    bool v3;
    uint8_t *wanted; /* a flag for each type: a definition is needed */
    uint16_t *queue; /* types wanted, in the order they were met */
    uint32_t n_queue;
    bool leafs[OA_LEAFS];
};

void oa_init(struct oa *d, struct buf *out, const struct openapi_options *o, bool v3);
void oa_fini(struct oa *d);

/* "key": with the comma of all members but the first (the one right behind '{'). */
void oa_key(struct oa *d, const char *key);
void oa_key_str(struct oa *d, struct str key);
void oa_text(struct oa *d, const char *key, const char *text);
void oa_str(struct oa *d, const char *key, struct str text);

/* {"$ref": …} of a type, which then gets a definition. */
void oa_ref_type(struct oa *d, uint32_t type);

/* {"group":…,"kind":…,"version":…} */
void oa_gvk(struct oa *d, struct str group, struct str version, struct str kind);

/* Makes sure the type gets a definition. */
void oa_want(struct oa *d, uint32_t type);

/* A path that is only read: discovery documents, the version. */
void oa_read_path(struct oa *d, const char *path, const char *operation_id, uint32_t type);

/* "paths": {…} of one kind's resource. */
void oa_paths(struct oa *d, const struct kind *k);
