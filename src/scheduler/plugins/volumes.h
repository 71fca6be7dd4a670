/* scheduler/plugins/volumes: the claims of a pod, looked up once per cycle, for the plugins about volumes. */
#pragma once

#include "scheduler/scheduler_priv.h"

struct storage_storage_class;

struct claim_view {
    struct str name;
    const struct object *object; /* PersistentVolumeClaim; NULL: there is none */
    const struct core_persistent_volume_claim *claim;
    const struct core_persistent_volume *volume; /* bound to; NULL: none, or not there */
    const struct storage_storage_class *class_;  /* NULL: none, or not there */
    bool bound;
    struct node_selector affinity; /* of the volume */
    bool has_affinity;
};

struct claim_views {
    struct claim_view *v;
    uint32_t n;
};

/* Held by the cycle's arena. */
struct claim_views claim_views_of(struct cycle *c);
bool claim_is_bound(const struct core_persistent_volume_claim *claim);
bool claim_waits_for_pod(const struct claim_view *v);
