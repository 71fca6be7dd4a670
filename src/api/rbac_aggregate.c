/* The rules of cluster roles that are put together from others. See rbac_aggregate.h. */
#include "api/rbac_aggregate.h"

#include <stdlib.h>

#include "api/label_selector.h"
#include "api/types/rbac.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"

static int cmp_role(const void *a, const void *b) {
    return str_cmp((*(const struct rbac_cluster_role *const *)a)->metadata.name,
                   (*(const struct rbac_cluster_role *const *)b)->metadata.name);
}

static void put_list(struct buf *out, const struct str_array *list) {
    buf_put(out, &list->n, sizeof list->n);
    for (uint32_t i = 0; i < list->n; i++) {
        buf_put(out, &list->v[i].n, sizeof list->v[i].n);
        buf_str(out, list->v[i]);
    }
}

/* Bytes that are the same for equal rules only. CONFORMS: absent lists equal empty ones. */
static struct str fingerprint(const struct rbac_policy_rule *rule, struct buf *scratch) {
    buf_clear(scratch);
    put_list(scratch, &rule->verbs);
    put_list(scratch, &rule->api_groups);
    put_list(scratch, &rule->resources);
    put_list(scratch, &rule->resource_names);
    put_list(scratch, &rule->non_resource_urls);
    return buf_view(scratch);
}

struct merged {
    struct rbac_policy_rule *v;
    uint32_t n;
    struct map seen;
    struct buf scratch;
};

static void merge(struct merged *m, const struct rbac_policy_rule_array *rules) {
    for (uint32_t i = 0; i < rules->n; i++) {
        bool is_new = false;
        (void)map_upsert(&m->seen, fingerprint(&rules->v[i], &m->scratch), &is_new);
        if (is_new)
            m->v[m->n++] = rules->v[i];
    }
}

struct rbac_policy_rule_array rbac_aggregate(const struct rbac_cluster_role *role,
                                             const struct rbac_cluster_role *const *all, uint32_t n,
                                             struct arena *arena) {
    if (!role->aggregation_rule)
        return role->rules;
    const struct rbac_cluster_role **sorted = arena_new_n(arena, n ? n : 1, const struct rbac_cluster_role *);
    size_t rules_max = 1;
    for (uint32_t i = 0; i < n; i++) {
        sorted[i] = all[i];
        rules_max += all[i]->rules.n;
    }
    qsort(sorted, n, sizeof(const struct rbac_cluster_role *), cmp_role);
    struct merged m = {.v = arena_new_n(arena, rules_max, struct rbac_policy_rule),
                       .seen = MAP_INIT_OWNING,
                       .scratch = BUF_INIT};
    const struct meta_label_selector_array *selectors = &role->aggregation_rule->cluster_role_selectors;
    for (uint32_t s = 0; s < selectors->n; s++)
        for (uint32_t i = 0; i < n; i++)
            if (!str_eq(sorted[i]->metadata.name, role->metadata.name) &&
                label_selector_struct_matches(&selectors->v[s], sorted[i]->metadata.labels))
                merge(&m, &sorted[i]->rules);
    map_fini(&m.seen);
    buf_fini(&m.scratch);
    return (struct rbac_policy_rule_array){.v = m.v, .n = m.n};
}
