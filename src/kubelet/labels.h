/* kubelet/labels: building sorted string maps. Values live in the arena. */
#pragma once

#include "api/value.h"
#include "base/str.h"

struct arena;

/* A map of `extra` more entries than `base`, with those. */
struct str_map labels_begin(struct str_map base, size_t extra, struct arena *a);

/* Appends; labels_end sorts. A key that is there already is replaced. */
void labels_put(struct str_map *m, struct str key, struct str value);
void labels_end(struct str_map *m);
