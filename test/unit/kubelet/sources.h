/* test/unit/kubelet/sources: config maps, secrets and all else that pods refer to, in memory. */
#pragma once

#include "base/arena.h"
#include "base/map.h"
#include "kubelet/pod_sources.h"

struct fake_sources {
    struct pod_sources sources;
    struct arena a;
    struct map objects; /* "Kind/ns/name" */
    struct pod_facts facts;
    const char *volumes_dir;
    struct str token; /* given to every request */
    unsigned tokens_asked;
    struct token_request asked; /* the last one */
};

/* Facts: node n1 192.168.0.7, pod addresses 10.1.0.5 and fd00::5, 4 cpus, 2Gi. */
void sources_init(struct fake_sources *s);
void sources_fini(struct fake_sources *s);

/* Adds or replaces an object of core v1, from JSON. */
void sources_add(struct fake_sources *s, const char *kind, const char *json);

/* Reads an object without adding it. */
const void *sources_object(struct fake_sources *s, const char *kind, const char *json);
