/* managedFields seen through the scale subresource. See managed.h.
 *
 * A manager on the Scale and one on the parent are the same when name, operation and subresource are: the
 * version of a Scale says nothing about the parent's.
 */
#include "api/managed_priv.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/vec.h"

static const struct str scale_version = STR_INIT("autoscaling/v1");

static struct fieldset spec_replicas(struct arena *a) {
    struct fieldset set = {0};
    fieldset_insert_names(a, &set, "spec.replicas");
    return set;
}

static const struct fieldset *replicas_of(const struct managed_scale *map, size_t n_map,
                                          struct str api_version) {
    for (size_t i = 0; i < n_map; i++)
        if (str_eq(map[i].api_version, api_version))
            return map[i].replicas;
    return NULL;
}

static bool same_but_version(const struct manager *x, const struct manager *y) {
    return x->applied == y->applied && str_eq(x->name, y->name) && str_eq(x->subresource, y->subresource);
}

static struct manager *find_any_version(struct managers *m, const struct manager *who) {
    vec_foreach (manager, m)
        if (same_but_version(manager, who))
            return manager;
    return NULL;
}

struct meta_managed_fields_entry_array managed_scale_view(struct arena *a,
                                                          struct meta_managed_fields_entry_array parent,
                                                          const struct managed_scale *map, size_t n_map) {
    struct managers m = {0};
    if (managers_read(a, parent, &m, NULL) < 0)
        return (struct meta_managed_fields_entry_array){0};
    struct managers out = {.v = arena_new_n(a, m.n, struct manager), .cap = m.n};
    vec_foreach (manager, &m) {
        const struct fieldset *replicas = replicas_of(map, n_map, manager->api_version);
        if (!replicas || !fieldset_overlaps(&manager->set, replicas) || find_any_version(&out, manager))
            continue;
        struct manager seen = *manager;
        seen.api_version = scale_version;
        manager_set(&seen, spec_replicas(a));
        out.v[out.n++] = seen;
    }
    return managers_write(a, &out);
}

/* Who had the field on the parent and has it no more on the Scale loses it; who still has it keeps its entry.
 */
static void take_back(struct arena *a, struct managers *m, struct managers *scale,
                      const struct managed_scale *map, size_t n_map) {
    for (size_t i = m->n; i-- > 0;) {
        struct manager *manager = &m->v[i];
        const struct fieldset *replicas = replicas_of(map, n_map, manager->api_version);
        if (!replicas || !fieldset_overlaps(&manager->set, replicas))
            continue;
        struct manager *still = find_any_version(scale, manager);
        if (still) {
            manager->time = still->time;
            managers_remove(scale, still);
            continue;
        }
        manager_set(manager, fieldset_difference(a, &manager->set, replicas));
        if (fieldset_empty(&manager->set))
            managers_remove(m, manager);
    }
}

int managed_scale_back(struct arena *a, struct meta_managed_fields_entry_array parent,
                       struct meta_managed_fields_entry_array scale, const struct managed_scale *map,
                       size_t n_map, struct str api_version,
                       struct meta_managed_fields_entry_array *ret_entries, struct err *err) {
    struct managers m, seen;
    int rc = managers_read(a, parent, &m, err);
    if (rc == 0)
        rc = managers_read(a, scale, &seen, err);
    if (rc < 0)
        return rc;
    const struct fieldset *own = replicas_of(map, n_map, api_version);
    struct fieldset in_scale = spec_replicas(a);
    take_back(a, &m, &seen, map, n_map);
    vec_foreach (manager, &seen) {
        if (!own || !fieldset_overlaps(&manager->set, &in_scale))
            continue;
        manager->api_version = api_version;
        struct manager *known = managers_find(&m, manager);
        if (!known) {
            struct manager new = *manager;
            manager_set(&new, *own);
            vec_push_in(a, &m, new);
            continue;
        }
        manager_set(known, fieldset_union(a, &known->set, own));
        known->time = manager->time;
    }
    *ret_entries = managers_write(a, &m);
    return 0;
}
