/* scheduler/plugins: the plugins there are, and the settings some of them take. See scheduler/framework.h. */
#pragma once

#include "scheduler/framework.h"

extern const struct plugin_ops plugin_scheduling_gates, plugin_priority_sort, plugin_node_unschedulable,
    plugin_node_name, plugin_taint_toleration, plugin_node_affinity, plugin_node_ports, plugin_fit,
    plugin_balanced_allocation, plugin_pod_topology_spread, plugin_inter_pod_affinity, plugin_image_locality,
    plugin_default_binder, plugin_default_preemption, plugin_volume_restrictions, plugin_volume_binding,
    plugin_volume_zone;

/* All, in the order of the default profile. */
extern const struct plugin_ops *const plugins_default[];
extern const uint32_t n_plugins_default;

enum fit_strategy { FIT_LEAST_ALLOCATED, FIT_MOST_ALLOCATED, FIT_REQUESTED_TO_CAPACITY_RATIO };

struct scored_resource {
    uint32_t resource;
    int64_t weight;
};
struct shape_point {
    int64_t utilization, score; /* percent; 0…100 */
};

#define SCORED_RESOURCES_MAX 16u
#define SHAPE_POINTS_MAX 16u

struct fit_args {
    enum fit_strategy strategy;
    struct scored_resource resources[SCORED_RESOURCES_MAX];
    uint32_t n_resources;
    struct shape_point shape[SHAPE_POINTS_MAX];
    uint32_t n_shape;
    const struct str *ignored, *ignored_groups;
    uint32_t n_ignored, n_ignored_groups;
};

struct balanced_args {
    struct scored_resource resources[SCORED_RESOURCES_MAX];
    uint32_t n_resources;
};

struct inter_pod_args {
    int32_t hard_weight;
    bool ignore_preferred_of_existing;
};

struct node_affinity_args {
    bool has_required;
    struct node_selector required, preferred;
};

struct spread_args {
    bool list; /* the profile's own defaults instead of the system's */
    const struct core_topology_spread_constraint *v;
    uint32_t n;
};

/* Of plugins without settings in the profile. */
extern const struct fit_args fit_args_default;
extern const struct balanced_args balanced_args_default;
extern const struct inter_pod_args inter_pod_args_default;
extern const struct spread_args spread_args_default;

/* The score of one resource, for tests too. */
int64_t fit_score_one(const struct fit_args *a, int64_t requested, int64_t allocatable);
/* Of the fractions that are used: 50 (one full, one empty) to 100 (all alike). */
int64_t balanced_score(const double *fractions, uint32_t n);
