/* scheduler/profiles: which plugins run under which scheduler's name, with what weights and settings.
 *
 * A profile begins with all default plugins. multiPoint takes plugins out and adds them again with another
 * weight; score changes weights alone. The other extension points cannot be changed one by one, and a
 * configuration that asks for that is refused rather than half obeyed.
 */
#include <stdlib.h>

#include "api/json.h"
#include "api/types/ids.h"
#include "api/types/scheduler_config.h"
#include "base/err.h"
#include "base/timefmt.h"
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

/* -- sets of plugins -- */

static void add_plugin(struct profile *p, const struct plugin_ops *ops, int32_t weight) {
    p->plugins[p->n_plugins] = (struct plugin){.ops = ops, .weight = weight, .index = p->n_plugins};
    p->n_plugins++;
}

static const struct plugin_ops *find_ops(struct str name) {
    for (uint32_t i = 0; i < n_plugins_default; i++)
        if (str_eq(str_from(plugins_default[i]->name), name))
            return plugins_default[i];
    return NULL;
}

static struct plugin *find_plugin(struct profile *p, struct str name) {
    for (uint32_t i = 0; i < p->n_plugins; i++)
        if (str_eq(str_from(p->plugins[i].ops->name), name))
            return &p->plugins[i];
    return NULL;
}

static bool names(const struct scheduler_config_plugin_array *list, struct str name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (str_eq(list->v[i].name, S("*")) || str_eq(list->v[i].name, name))
            return true;
    return false;
}

static int check_names(const struct scheduler_config_plugin_set *set, struct err *err) {
    for (uint32_t i = 0; i < set->enabled.n; i++)
        if (!find_ops(set->enabled.v[i].name))
            return err_set(err, ERR_INVALID, "there is no scheduler plugin named \"%.*s\"",
                           STR_ARG(set->enabled.v[i].name));
    return 0;
}

static int take_multi_point(struct profile *p, const struct scheduler_config_plugin_set *set,
                            struct err *err) {
    for (uint32_t i = 0; i < n_plugins_default; i++)
        if (!names(&set->disabled, str_from(plugins_default[i]->name)))
            add_plugin(p, plugins_default[i], plugins_default[i]->weight);
    for (uint32_t i = 0; i < set->enabled.n && p->n_plugins < PLUGINS_MAX; i++) {
        const struct scheduler_config_plugin *from = &set->enabled.v[i];
        const struct plugin_ops *ops = find_ops(from->name);
        struct plugin *there = find_plugin(p, from->name);
        int32_t weight = from->weight.set && from->weight.v ? from->weight.v : ops ? ops->weight : 0;
        if (there)
            there->weight = weight;
        else if (ops)
            add_plugin(p, ops, weight);
    }
    return check_names(set, err);
}

static int take_score(struct profile *p, const struct scheduler_config_plugin_set *set, struct err *err) {
    for (uint32_t i = 0; i < p->n_plugins; i++)
        if (names(&set->disabled, str_from(p->plugins[i].ops->name)))
            p->plugins[i].weight = 0;
    for (uint32_t i = 0; i < set->enabled.n; i++) {
        const struct scheduler_config_plugin *from = &set->enabled.v[i];
        struct plugin *there = find_plugin(p, from->name);
        if (there)
            there->weight = from->weight.set && from->weight.v ? from->weight.v : there->ops->weight;
    }
    return check_names(set, err);
}

static bool is_empty(const struct scheduler_config_plugin_set *set) {
    return !set->enabled.n && !set->disabled.n;
}

static int take_plugins(struct profile *p, const struct scheduler_config_plugins *from, struct err *err) {
    const struct scheduler_config_plugins none = {0};
    const struct scheduler_config_plugins *f = from ? from : &none;
    if (!is_empty(&f->pre_enqueue) || !is_empty(&f->queue_sort) || !is_empty(&f->pre_filter) ||
        !is_empty(&f->filter) || !is_empty(&f->post_filter) || !is_empty(&f->pre_score) ||
        !is_empty(&f->reserve) || !is_empty(&f->permit) || !is_empty(&f->pre_bind) || !is_empty(&f->bind) ||
        !is_empty(&f->post_bind))
        return err_set(err, ERR_UNSUPPORTED,
                       "profile \"%.*s\": plugins can be chosen under multiPoint and score only",
                       STR_ARG(p->name));
    int rc = take_multi_point(p, &f->multi_point, err);
    return rc ? rc : take_score(p, &f->score, err);
}

/* -- settings -- */

static uint32_t take_resources(struct scheduler *s, const struct scheduler_config_resource_spec_array *from,
                               struct scored_resource *to) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < from->n && n < SCORED_RESOURCES_MAX; i++)
        to[n++] = (struct scored_resource){symbol_of(&s->facts.resources, from->v[i].name),
                                           from->v[i].weight ? from->v[i].weight : 1};
    return n;
}

static enum fit_strategy strategy_of(struct str type) {
    if (str_eq(type, S("MostAllocated")))
        return FIT_MOST_ALLOCATED;
    return str_eq(type, S("RequestedToCapacityRatio")) ? FIT_REQUESTED_TO_CAPACITY_RATIO
                                                       : FIT_LEAST_ALLOCATED;
}

static void take_shape(struct fit_args *a,
                       const struct scheduler_config_utilization_shape_point_array *from) {
    for (uint32_t i = 0; i < from->n && a->n_shape < SHAPE_POINTS_MAX; i++)
        a->shape[a->n_shape++] = (struct shape_point){from->v[i].utilization, 10 * from->v[i].score};
}

static const void *fit_args_of(struct scheduler *s, const void *body) {
    const struct scheduler_config_node_resources_fit_args *from = body;
    struct fit_args *a = arena_new(&s->arena, struct fit_args);
    *a = fit_args_default;
    a->ignored = from->ignored_resources.v;
    a->n_ignored = from->ignored_resources.n;
    a->ignored_groups = from->ignored_resource_groups.v;
    a->n_ignored_groups = from->ignored_resource_groups.n;
    const struct scheduler_config_scoring_strategy *strategy = from->scoring_strategy;
    if (!strategy)
        return a;
    a->strategy = strategy_of(strategy->type);
    if (strategy->resources.n)
        a->n_resources = take_resources(s, &strategy->resources, a->resources);
    if (strategy->requested_to_capacity_ratio)
        take_shape(a, &strategy->requested_to_capacity_ratio->shape);
    return a;
}

static const void *balanced_args_of(struct scheduler *s, const void *body) {
    const struct scheduler_config_node_resources_balanced_allocation_args *from = body;
    struct balanced_args *a = arena_new(&s->arena, struct balanced_args);
    *a = balanced_args_default;
    if (from->resources.n)
        a->n_resources = take_resources(s, &from->resources, a->resources);
    return a;
}

static const void *inter_pod_args_of(struct scheduler *s, const void *body) {
    const struct scheduler_config_inter_pod_affinity_args *from = body;
    struct inter_pod_args *a = arena_new(&s->arena, struct inter_pod_args);
    a->hard_weight = from->hard_pod_affinity_weight.set ? from->hard_pod_affinity_weight.v : 1;
    a->ignore_preferred_of_existing = from->ignore_preferred_terms_of_existing_pods;
    return a;
}

static const void *node_affinity_args_of(struct scheduler *s, const void *body) {
    const struct scheduler_config_node_affinity_args *from = body;
    const struct core_node_affinity *added = from->added_affinity;
    struct node_affinity_args *a = arena_new(&s->arena, struct node_affinity_args);
    if (!added)
        return a;
    a->has_required = added->required_during_scheduling_ignored_during_execution != NULL;
    node_selector_compile(&s->arena, added->required_during_scheduling_ignored_during_execution,
                          &a->required);
    node_selector_compile_preferred(&s->arena, &added->preferred_during_scheduling_ignored_during_execution,
                                    &a->preferred);
    return a;
}

static const void *spread_args_of(struct scheduler *s, const void *body) {
    const struct scheduler_config_pod_topology_spread_args *from = body;
    struct spread_args *a = arena_new(&s->arena, struct spread_args);
    a->list = str_eq(from->defaulting_type, S("List"));
    a->v = from->default_constraints.v;
    a->n = from->default_constraints.n;
    return a;
}

static const struct {
    const struct plugin_ops *ops;
    uint16_t type;
    const void *(*make)(struct scheduler *s, const void *body);
} settings[] = {
    {&plugin_fit, TY_SCHEDULER_CONFIG_NODE_RESOURCES_FIT_ARGS, fit_args_of},
    {&plugin_balanced_allocation, TY_SCHEDULER_CONFIG_NODE_RESOURCES_BALANCED_ALLOCATION_ARGS,
     balanced_args_of},
    {&plugin_inter_pod_affinity, TY_SCHEDULER_CONFIG_INTER_POD_AFFINITY_ARGS, inter_pod_args_of},
    {&plugin_node_affinity, TY_SCHEDULER_CONFIG_NODE_AFFINITY_ARGS, node_affinity_args_of},
    {&plugin_pod_topology_spread, TY_SCHEDULER_CONFIG_POD_TOPOLOGY_SPREAD_ARGS, spread_args_of},
};

static int take_setting(struct scheduler *s, struct profile *p,
                        const struct scheduler_config_plugin_config *from, struct err *err) {
    struct plugin *plugin = find_plugin(p, from->name);
    for (size_t i = 0; plugin && from->args.n && i < sizeof settings / sizeof *settings; i++) {
        void *body;
        if (settings[i].ops != plugin->ops)
            continue;
        int rc = api_read_json(&s->arena, &builtin, settings[i].type, from->args, NULL, &body, err);
        if (rc) {
            (void)err_wrap(err, "settings of the plugin %.*s", STR_ARG(from->name));
            return rc;
        }
        plugin->args = settings[i].make(s, body);
    }
    return 0;
}

/* -- profiles -- */

static int add_profile(struct scheduler *s, const struct scheduler_config_kube_scheduler_profile *from,
                       struct err *err) {
    if (s->n_profiles == PROFILES_MAX)
        return err_set(err, ERR_TOO_LARGE, "a scheduler has at most %u profiles", PROFILES_MAX);
    struct str name = from->scheduler_name.n ? from->scheduler_name : S(DEFAULT_SCHEDULER);
    for (uint32_t i = 0; i < s->n_profiles; i++)
        if (str_eq(s->profiles[i].name, name))
            return err_set(err, ERR_INVALID, "there are two profiles named \"%.*s\"", STR_ARG(name));
    struct profile *p = &s->profiles[s->n_profiles++];
    *p = (struct profile){.name = name, .percentage_of_nodes = from->percentage_of_nodes_to_score.v};
    int rc = take_plugins(p, from->plugins, err);
    for (uint32_t i = 0; i < from->plugin_config.n && !rc; i++)
        rc = take_setting(s, p, &from->plugin_config.v[i], err);
    return rc;
}

static void take_queue_settings(struct scheduler *s,
                                const struct scheduler_config_kube_scheduler_configuration *config) {
    if (config->pod_initial_backoff_seconds.v > 0)
        s->queue.backoff_min_ns = config->pod_initial_backoff_seconds.v * NS_PER_SEC;
    if (config->pod_max_backoff_seconds.v > 0)
        s->queue.backoff_max_ns = config->pod_max_backoff_seconds.v * NS_PER_SEC;
}

int profiles_make(struct scheduler *s, struct err *err) {
    const struct scheduler_config_kube_scheduler_configuration *config = s->options.config;
    const struct scheduler_config_kube_scheduler_profile plain = {0};
    int rc = 0;
    s->profiles = calloc(PROFILES_MAX, sizeof *s->profiles);
    if (!s->profiles)
        panic("out of memory");
    for (uint32_t i = 0; config && i < config->profiles.n && !rc; i++)
        rc = add_profile(s, &config->profiles.v[i], err);
    if (!rc && !s->n_profiles)
        rc = add_profile(s, &plain, err);
    for (uint32_t i = 0; config && i < s->n_profiles; i++)
        if (!s->profiles[i].percentage_of_nodes)
            s->profiles[i].percentage_of_nodes = config->percentage_of_nodes_to_score.v;
    if (config)
        take_queue_settings(s, config);
    for (uint32_t i = 0; i < s->n_profiles; i++)
        for (uint32_t j = 0; j < s->profiles[i].n_plugins; j++)
            if (s->profiles[i].plugins[j].ops->before)
                s->queue.before = s->profiles[i].plugins[j].ops->before;
    return rc;
}

const struct profile *profile_find(const struct scheduler *s, struct str name) {
    for (uint32_t i = 0; i < s->n_profiles; i++)
        if (str_eq(s->profiles[i].name, name.n ? name : S(DEFAULT_SCHEDULER)))
            return &s->profiles[i];
    return NULL;
}
