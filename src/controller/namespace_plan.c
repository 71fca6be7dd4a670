/* controller/namespace_plan: what is left of a namespace that is being deleted. */
#include "controller/namespace_plan.h"

#include <stdlib.h>

#include "api/object.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/buf.h"

void leftovers_init(struct leftovers *l, struct arena *a) {
    *l = (struct leftovers){.a = a, .kinds = MAP_INIT, .finalizers = MAP_INIT, .failures = MAP_INIT};
}

void leftovers_fini(struct leftovers *l) {
    map_fini(&l->kinds);
    map_fini(&l->finalizers);
    map_fini(&l->failures);
}

void leftovers_add_more(struct leftovers *l, const struct kind *k, uint64_t n) {
    struct str key = arena_printf(l->a, "%.*s.%.*s", STR_ARG(k->plural), STR_ARG(k->group));
    map_upsert(&l->kinds, key, NULL)->u64 += n;
    l->total += n;
}

void leftovers_add(struct leftovers *l, const struct object *o) {
    leftovers_add_more(l, o->kind, 1);
    for (uint32_t i = 0; i < o->meta->finalizers.n; i++)
        map_upsert(&l->finalizers, arena_str(l->a, o->meta->finalizers.v[i]), NULL)->u64++;
    if (o->kind == &kinds[KIND_CORE_POD] && o->meta->deletion_grace_period_seconds.set &&
        o->meta->deletion_grace_period_seconds.v > l->grace_seconds)
        l->grace_seconds = o->meta->deletion_grace_period_seconds.v;
}

void leftovers_fail(struct leftovers *l, struct str message) {
    map_upsert(&l->failures, arena_str(l->a, message), NULL)->u64 = 1;
}

static int cmp_entry(const void *a, const void *b) {
    return str_cmp(((const struct map_entry *)a)->key, ((const struct map_entry *)b)->key);
}

static struct str list_counts(const struct leftovers *l, const struct map *m, const char *intro,
                              const char *format) {
    _cleanup_buf struct buf out = BUF_INIT;
    struct map_entry *v = arena_new_n(l->a, m->n + 1, struct map_entry);
    if (m->n) {
        memcpy(v, m->entries, m->n * sizeof *v);
        qsort(v, m->n, sizeof *v, cmp_entry);
    }
    buf_printf(&out, "%s", intro);
    for (uint32_t i = 0; i < m->n; i++)
        buf_printf(&out, "%s%.*s %s %llu resource instances", i ? ", " : "", STR_ARG(v[i].key), format,
                   (unsigned long long)v[i].u64);
    return buf_to_arena(&out, l->a);
}

static struct str list_failures(const struct leftovers *l) {
    _cleanup_buf struct buf out = BUF_INIT;
    buf_lit(&out, "Failed to delete all resource types, ");
    buf_printf(&out, "%u remaining: ", l->failures.n);
    map_foreach(e, &l->failures)
        buf_printf(&out, "%s%.*s", e == l->failures.entries ? "" : ", ", STR_ARG(e->key));
    return buf_to_arena(&out, l->a);
}

static struct core_namespace_condition condition(const char *type, bool status, const char *reason,
                                                 struct str message, struct timestamp now) {
    return (struct core_namespace_condition){.type = str_from(type),
                                             .status = status ? S("True") : S("False"),
                                             .reason = str_from(reason),
                                             .message = message,
                                             .last_transition_time = now};
}

static void set_condition(struct core_namespace_condition_array *list, struct core_namespace_condition c) {
    for (uint32_t i = 0; i < list->n; i++) {
        struct core_namespace_condition *old = &list->v[i];
        if (!str_eq(old->type, c.type))
            continue;
        if (str_eq(old->status, c.status))
            c.last_transition_time = old->last_transition_time;
        *old = c;
        return;
    }
    list->v[list->n++] = c;
}

struct core_namespace_condition_array namespace_conditions(const struct core_namespace_condition_array *from,
                                                           const struct leftovers *l, struct timestamp now) {
    struct core_namespace_condition_array out = {
        arena_new_n(l->a, from->n + 5, struct core_namespace_condition), from->n};
    if (from->n)
        memcpy(out.v, from->v, from->n * sizeof *out.v);
    set_condition(&out, condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered",
                                  S("All resources successfully discovered"), now));
    set_condition(&out, condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions",
                                  S("All legacy kube types successfully parsed"), now));
    bool failed = l->failures.n > 0, remain = l->total > 0, held = l->finalizers.n > 0;
    set_condition(&out,
                  condition("NamespaceDeletionContentFailure", failed,
                            failed ? "ContentDeletionFailed" : "ContentDeleted",
                            failed ? list_failures(l)
                                   : S("All content successfully deleted, may be waiting on finalization"),
                            now));
    set_condition(&out, condition("NamespaceContentRemaining", remain,
                                  remain ? "SomeResourcesRemain" : "ContentRemoved",
                                  remain ? list_counts(l, &l->kinds, "Some resources are remaining: ", "has")
                                         : S("All content successfully removed"),
                                  now));
    set_condition(
        &out, condition("NamespaceFinalizersRemaining", held,
                        held ? "SomeFinalizersRemain" : "ContentHasNoFinalizers",
                        held ? list_counts(l, &l->finalizers,
                                           "Some content in the namespace has finalizers remaining: ", "in")
                             : S("All content-preserving finalizers finished"),
                        now));
    return out;
}
