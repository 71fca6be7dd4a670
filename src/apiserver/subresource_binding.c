/* pods/binding and bindings: a pod gets its node, once. See subresource.h. CONFORMS: strategy.tsv. */
#include "api/field_error.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/registry.h"
#include "apiserver/strategy_priv.h"
#include "apiserver/subresource_priv.h"

static struct status *check_target(struct call *c, const struct core_binding *b) {
    static const struct str kinds_known[] = {STR_INIT("Node"), STR_INIT("<empty>")};
    struct field_errors e = FIELD_ERRORS_INIT(c->arena);
    if (!str_empty(b->target.kind) && !str_eq(b->target.kind, S("Node")))
        field_not_supported(&e, at_field(NULL, "target.kind"), bad(b->target.kind), kinds_known, 2);
    if (str_empty(b->target.name))
        field_required(&e, at_field(NULL, "target.name"));
    if (field_errors_count(&e) == 0)
        return NULL;
    struct status_target t = {.resource = S("bindings"), .kind = S("Binding"), .name = b->metadata.name};
    return status_invalid(c->arena, t, &e);
}

static int conflict(struct call *c, const struct core_binding *b, struct status **ret_status, const char *fmt,
                    ...) __attribute__((format(printf, 4, 5)));

static int conflict(struct call *c, const struct core_binding *b, struct status **ret_status, const char *fmt,
                    ...) {
    va_list ap;
    va_start(ap, fmt);
    struct str why = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    struct status_target t = {.resource = S("pods/binding"), .kind = S("Pod"), .name = b->metadata.name};
    *ret_status = status_conflict(c->arena, t, why);
    return -1;
}

static void set_scheduled(struct call *c, struct core_pod *p) {
    struct core_pod_condition_array *list = &p->status.conditions;
    uint32_t at = 0;
    while (at < list->n && !str_eq(list->v[at].type, S("PodScheduled")))
        at++;
    if (at == list->n) {
        struct core_pod_condition *v = arena_new_n(c->arena, list->n + 1u, struct core_pod_condition);
        if (list->n)
            memcpy(v, list->v, list->n * sizeof *v);
        list->v = v;
        list->n++;
    }
    struct core_pod_condition *old = &list->v[at];
    bool was = str_eq(old->status, S("True"));
    list->v[at] = (struct core_pod_condition){
        .type = S("PodScheduled"),
        .status = S("True"),
        .last_probe_time = old->last_probe_time,
        .last_transition_time = was ? old->last_transition_time : strategy_now(c),
        .observed_generation = old->observed_generation,
    };
}

static int bind_pod(struct call *c, void *arg, void *object, struct arena *arena,
                    struct status **ret_status) {
    const struct core_binding *b = arg;
    struct core_pod *p = object;
    struct str name = p->metadata.name;
    if (p->metadata.deletion_timestamp.set)
        return conflict(c, b, ret_status, "pod %.*s is being deleted, cannot be assigned to a host",
                        STR_ARG(name));
    if (!str_empty(p->spec.node_name))
        return conflict(c, b, ret_status, "pod %.*s is already assigned to node \"%.*s\"", STR_ARG(name),
                        STR_ARG(p->spec.node_name));
    if (p->spec.scheduling_gates.n)
        return conflict(c, b, ret_status, "pod %.*s has non-empty .spec.schedulingGates", STR_ARG(name));
    p->spec.node_name = b->target.name;
    p->metadata.annotations = str_map_merge(arena, p->metadata.annotations, b->metadata.annotations);
    p->metadata.labels = str_map_merge(arena, p->metadata.labels, b->metadata.labels);
    p->status.nominated_node_name = STR_NONE;
    set_scheduled(c, p);
    return 0;
}

static void after(struct call *c, void *arg, struct object *object, struct status *failure) {
    (void)arg;
    (void)object;
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    struct status_target nothing = {.name = S("")};
    struct status *st = status_success(c->arena, nothing, STR_NONE);
    st->body.code = 201;
    call_answer_status(c, st);
}

static void admitted(struct call *c, void *arg) {
    struct core_binding *b = arg;
    uint64_t rv = 0;
    (void)str_to_u64(b->metadata.resource_version, &rv);
    registry_update(c, &(struct registry_change){
                           .kind = &kinds[KIND_CORE_POD],
                           .ns = c->info.access.ns,
                           .name = b->metadata.name,
                           .subresource = S("binding"),
                           .expect_rv = rv,
                           .expect_uid = b->metadata.uid,
                           .skip_admission = true,
                           .change = bind_pod,
                           .after = after,
                           .arg = b,
                       });
}

void subresource_bind(struct call *c) {
    struct core_binding *b = subresource_body(c);
    if (!b)
        return;
    struct str name = c->info.access.name;
    if (!str_empty(name) && !str_empty(b->metadata.name) && !str_eq(name, b->metadata.name)) {
        call_answer_status(c,
                           status_bad_request(c->arena, "name in URL does not match name in Binding object"));
        return;
    }
    if (str_empty(b->metadata.name))
        b->metadata.name = name;
    struct status *failure = check_target(c, b);
    if (failure) {
        call_answer_status(c, failure);
        return;
    }
    subresource_admit(&(struct subresource_walk){
        .call = c,
        .object = b,
        .object_type = TY_CORE_BINDING,
        .name = b->metadata.name,
        .next = admitted,
        .arg = b,
    });
}
