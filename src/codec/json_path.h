/* codec/json_path: the path of a place in JSON as upstream writes it: spec.containers[0].image.
 *
 * Built on the stack when there is something to report; cut with "…" when long, since keys come from outside.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

#define JSON_PATH_MAX 256

struct json_path {
    char text[JSON_PATH_MAX + 4]; /* room for the ellipsis */
    size_t n;
    bool cut;
};

#define JSON_PATH_INIT                                                                                       \
    { .n = 0 }

void json_path_key(struct json_path *path, struct str key);
void json_path_index(struct json_path *path, size_t i);

static inline struct str json_path_str(const struct json_path *path) {
    return (struct str){path->text, path->n};
}
