/* scheduler/profiles: which plugins run under which scheduler's name, with what weights and settings. */
#include <stdlib.h>

#include "base/err.h"
#include "scheduler/scheduler_priv.h"

#define DEFAULT_SCHEDULER "default-scheduler"

/* In the order of upstream's default profile. */
const struct plugin_ops *const plugins_default[] = {
    &plugin_scheduling_gates,    &plugin_priority_sort,
    &plugin_node_unschedulable,  &plugin_node_name,
    &plugin_taint_toleration,    &plugin_node_affinity,
    &plugin_node_ports,          &plugin_fit,
    &plugin_volume_restrictions, &plugin_volume_binding,
    &plugin_volume_zone,         &plugin_pod_topology_spread,
    &plugin_inter_pod_affinity,  &plugin_default_preemption,
    &plugin_balanced_allocation, &plugin_image_locality,
    &plugin_default_binder,
};
const uint32_t n_plugins_default = sizeof plugins_default / sizeof *plugins_default;

static void fill_default(struct profile *p, struct str name) {
    *p = (struct profile){.name = name};
    for (uint32_t i = 0; i < n_plugins_default; i++)
        p->plugins[p->n_plugins++] =
            (struct plugin){.ops = plugins_default[i], .weight = plugins_default[i]->weight, .index = i};
}

int profiles_make(struct scheduler *s, struct err *err) {
    (void)err;
    s->profiles = calloc(PROFILES_MAX, sizeof *s->profiles);
    if (!s->profiles)
        panic("out of memory");
    fill_default(&s->profiles[0], S(DEFAULT_SCHEDULER));
    s->n_profiles = 1;
    for (uint32_t i = 0; i < s->profiles[0].n_plugins; i++)
        if (s->profiles[0].plugins[i].ops->before)
            s->queue.before = s->profiles[0].plugins[i].ops->before;
    return 0;
}

const struct profile *profile_find(const struct scheduler *s, struct str name) {
    for (uint32_t i = 0; i < s->n_profiles; i++)
        if (str_eq(s->profiles[i].name, name.n ? name : S(DEFAULT_SCHEDULER)))
            return &s->profiles[i];
    return NULL;
}
