/* scheduler/pod_facts: the key that equal pods share, and compiling. */
#include "scheduler/pod_facts.h"

#include <stdlib.h>

#include "api/image_ref.h"
#include "api/meta.h"
#include "api/pod_requests.h"
#include "api/proto.h"
#include "api/quantity.h"
#include "api/types/ids.h"
#include "base/err.h"

#define DEFAULT_MILLI_CPU 100
#define DEFAULT_MEMORY_BYTES INT64_C(209715200)

void symbols_init_resources(struct symbols *s) {
    (void)symbol_of(s, S("cpu"));
    (void)symbol_of(s, S("memory"));
    (void)symbol_of(s, S("ephemeral-storage"));
    (void)symbol_of(s, S("pods"));
    check(symbols_count(s) == RESOURCE_OTHERS);
}

void facts_table_init(struct facts_table *t) {
    *t = (struct facts_table){.by_key = MAP_INIT, .resources = SYMBOLS_INIT, .topology = SYMBOLS_INIT};
    symbols_init_resources(&t->resources);
}

void facts_table_fini(struct facts_table *t) {
    check(map_count(&t->by_key) == 0);
    map_fini(&t->by_key);
    map_fini(&t->resources.map);
    map_fini(&t->topology.map);
    vec_fini(&t->by_id);
    vec_fini(&t->free_ids);
    buf_fini(&t->scratch);
}

/* -- the key -- */

static void put_number(struct buf *b, uint64_t v) {
    buf_put(b, &v, sizeof v);
}

static void put_text(struct buf *b, struct str s) {
    put_number(b, s.n);
    buf_str(b, s);
}

static void put_map(struct buf *b, struct str_map m) {
    put_number(b, m.n);
    for (uint32_t i = 0; i < m.n; i++) {
        put_text(b, m.v[i].key);
        put_text(b, m.v[i].value);
    }
}

static void put_amounts(struct buf *b, struct quantity_map m) {
    put_number(b, m.n);
    for (uint32_t i = 0; i < m.n; i++) {
        put_text(b, m.v[i].key);
        put_number(b, (uint64_t)m.v[i].value.units);
        put_number(b, (uint64_t)m.v[i].value.nanos);
    }
}

static void put_containers(struct buf *b, struct core_container_array list) {
    put_number(b, list.n);
    for (uint32_t i = 0; i < list.n; i++) {
        const struct core_container *c = &list.v[i];
        put_text(b, c->image);
        put_text(b, c->restart_policy);
        put_amounts(b, c->resources.requests);
        put_number(b, c->ports.n);
        for (uint32_t j = 0; j < c->ports.n; j++) {
            put_number(b, (uint64_t)c->ports.v[j].host_port);
            put_text(b, c->ports.v[j].host_ip);
            put_text(b, c->ports.v[j].protocol);
        }
    }
}

static void put_message(struct buf *b, uint32_t type, const void *body) {
    put_number(b, body ? api_proto_size(&builtin, type, body) : 0);
    if (body)
        api_write_proto(b, &builtin, type, body);
}

/* Volumes of other sources do not matter here, and may hold names that differ from pod to pod. */
static bool volume_matters(const struct core_volume *v) {
    const struct core_volume_source *s = &v->volume_source;
    return s->persistent_volume_claim || s->ephemeral || s->gce_persistent_disk || s->iscsi || s->rbd ||
           s->aws_elastic_block_store || s->image;
}

static void put_volumes(struct buf *b, const struct core_pod *p) {
    bool ephemeral = false;
    for (uint32_t i = 0; i < p->spec.volumes.n; i++) {
        const struct core_volume *v = &p->spec.volumes.v[i];
        if (volume_matters(v))
            put_message(b, TY_CORE_VOLUME, v);
        ephemeral = ephemeral || v->volume_source.ephemeral;
    }
    put_text(b, ephemeral ? p->metadata.name : STR_NONE); /* it names the claims */
}

static void put_key(struct buf *b, const struct object *o) {
    const struct core_pod *p = o->body;
    const struct core_pod_spec *s = &p->spec;
    put_text(b, o->meta->namespace);
    put_map(b, o->meta->labels);
    put_number(b, meta_is_deleting(o->meta));
    put_number(b, (uint64_t)(uint32_t)s->priority.v);
    put_text(b, s->preemption_policy);
    put_text(b, s->scheduler_name);
    put_containers(b, s->init_containers);
    put_containers(b, s->containers);
    put_amounts(b, s->overhead);
    put_message(b, TY_CORE_RESOURCE_REQUIREMENTS, s->resources);
    put_map(b, s->node_selector);
    put_message(b, TY_CORE_AFFINITY, s->affinity);
    put_number(b, s->tolerations.n);
    for (uint32_t i = 0; i < s->tolerations.n; i++)
        put_message(b, TY_CORE_TOLERATION, &s->tolerations.v[i]);
    put_number(b, s->topology_spread_constraints.n);
    for (uint32_t i = 0; i < s->topology_spread_constraints.n; i++)
        put_message(b, TY_CORE_TOPOLOGY_SPREAD_CONSTRAINT, &s->topology_spread_constraints.v[i]);
    put_volumes(b, p);
}

/* -- what it asks for -- */

static int64_t amount_of(uint32_t resource, const struct quantity *q) {
    return resource == RESOURCE_CPU ? quantity_milli_value(q) : quantity_value(q);
}

static void compile_requests(struct facts_table *t, struct pod_facts *f) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    struct quantity_map m = pod_requests(&f->pod->spec, &scratch);
    struct facts_request *v = arena_new_n(&f->arena, m.n, struct facts_request);
    for (uint32_t i = 0; i < m.n; i++) {
        uint32_t id = symbol_of(&t->resources, m.v[i].key);
        int64_t amount = amount_of(id, &m.v[i].value);
        if (amount > 0 && id != RESOURCE_PODS)
            v[f->n_requests++] = (struct facts_request){id, amount};
    }
    f->requests = v;
    f->best_effort = f->n_requests == 0;
}

static struct core_container_array with_defaults(struct arena *a, struct core_container_array list) {
    struct quantity_entry defaults[] = {
        {S("cpu"), quantity_from_milli(DEFAULT_MILLI_CPU, QUANTITY_DECIMAL_SI)},
        {S("memory"), quantity_from_int(DEFAULT_MEMORY_BYTES, QUANTITY_BINARY_SI)},
    };
    struct core_container_array r = {arena_new_n(a, list.n, struct core_container), list.n};
    for (uint32_t i = 0; i < list.n; i++) {
        r.v[i] = list.v[i];
        struct quantity_map *m = &r.v[i].resources.requests;
        for (unsigned j = 0; j < 2; j++)
            if (!quantity_map_get(*m, defaults[j].key))
                *m = quantity_map_add(*m, (struct quantity_map){&defaults[j], 1}, a);
    }
    return r;
}

/* What scoring counts: containers that ask for nothing still take something. */
static void compile_scored(struct pod_facts *f) {
    _cleanup_arena struct arena scratch = ARENA_INIT;
    struct core_pod_spec s = f->pod->spec;
    s.containers = with_defaults(&scratch, s.containers);
    s.init_containers = with_defaults(&scratch, s.init_containers);
    struct quantity_map m = pod_requests(&s, &scratch);
    const struct quantity *cpu = quantity_map_get(m, S("cpu")), *memory = quantity_map_get(m, S("memory"));
    f->scored_cpu = cpu ? quantity_milli_value(cpu) : 0;
    f->scored_memory = memory ? quantity_value(memory) : 0;
}

int64_t facts_amount(const struct pod_facts *f, uint32_t resource) {
    for (uint32_t i = 0; i < f->n_requests; i++)
        if (f->requests[i].resource == resource)
            return f->requests[i].amount;
    return 0;
}

static bool is_sidecar(const struct core_container *c) {
    return str_eq(c->restart_policy, S("Always"));
}

static void collect_ports(struct pod_facts *f, struct facts_port *v, struct core_container_array list,
                          bool init) {
    for (uint32_t i = 0; i < list.n; i++) {
        if (init && !is_sidecar(&list.v[i]))
            continue;
        for (uint32_t j = 0; j < list.v[i].ports.n; j++) {
            const struct core_container_port *p = &list.v[i].ports.v[j];
            if (p->host_port <= 0)
                continue;
            bool any = !p->host_ip.n || str_eq(p->host_ip, S("0.0.0.0"));
            v[f->n_ports++] = (struct facts_port){.protocol = p->protocol.n ? p->protocol : S("TCP"),
                                                  .ip = any ? STR_NONE : p->host_ip,
                                                  .port = p->host_port};
        }
    }
}

static size_t count_ports(struct core_container_array list) {
    size_t n = 0;
    for (uint32_t i = 0; i < list.n; i++)
        n += list.v[i].ports.n;
    return n;
}

static void compile_ports(struct pod_facts *f) {
    const struct core_pod_spec *s = &f->pod->spec;
    size_t n = count_ports(s->containers) + count_ports(s->init_containers);
    struct facts_port *v = arena_new_n(&f->arena, n, struct facts_port);
    collect_ports(f, v, s->containers, false);
    collect_ports(f, v, s->init_containers, true);
    f->ports = v;
}

static struct str image_name(struct arena *a, struct str image) {
    struct image_ref ref;
    if (image_ref_parse(image, &ref) && !ref.tag.n && !ref.digest.n)
        return arena_printf(a, "%.*s:latest", STR_ARG(image));
    return image;
}

static void compile_images(struct pod_facts *f) {
    const struct core_pod_spec *s = &f->pod->spec;
    uint32_t n = s->init_containers.n + s->containers.n;
    struct str *v = arena_new_n(&f->arena, n + s->volumes.n, struct str);
    f->n_containers = n;
    for (uint32_t i = 0; i < s->init_containers.n; i++)
        v[f->n_images++] = image_name(&f->arena, s->init_containers.v[i].image);
    for (uint32_t i = 0; i < s->containers.n; i++)
        v[f->n_images++] = image_name(&f->arena, s->containers.v[i].image);
    for (uint32_t i = 0; i < s->volumes.n; i++)
        if (s->volumes.v[i].volume_source.image)
            v[f->n_images++] = image_name(&f->arena, s->volumes.v[i].volume_source.image->reference);
    f->images = v;
}

static void compile_volumes(struct pod_facts *f) {
    const struct core_pod_spec *s = &f->pod->spec;
    struct facts_claim *v = arena_new_n(&f->arena, s->volumes.n, struct facts_claim);
    for (uint32_t i = 0; i < s->volumes.n; i++) {
        const struct core_volume_source *source = &s->volumes.v[i].volume_source;
        if (source->persistent_volume_claim)
            v[f->n_claims++] = (struct facts_claim){.name = source->persistent_volume_claim->claim_name};
        else if (source->ephemeral)
            v[f->n_claims++] =
                (struct facts_claim){.name = arena_printf(&f->arena, "%.*s-%.*s", STR_ARG(f->of->meta->name),
                                                          STR_ARG(s->volumes.v[i].name)),
                                     .ephemeral = true};
        f->has_disks = f->has_disks || source->gce_persistent_disk || source->iscsi || source->rbd ||
                       source->aws_elastic_block_store;
    }
    f->claims = v;
}

/* -- where it wants to be -- */

static struct label_selector selector_or_nothing(struct arena *a, const struct meta_label_selector *s) {
    struct label_selector r;
    return label_selector_compile(a, s, &r, NULL) ? LABEL_NOTHING : r;
}

static struct affinity_term compile_term(struct facts_table *t, struct pod_facts *f,
                                         const struct core_pod_affinity_term *from, int32_t weight) {
    struct affinity_term r = {
        .labels = selector_or_nothing(&f->arena, from->label_selector),
        .namespaces = from->namespaces.v,
        .n_namespaces = from->namespaces.n,
        .by_namespace_labels = from->namespace_selector != NULL,
        .topology = symbol_of(&t->topology, from->topology_key),
        .weight = weight,
    };
    if (from->namespace_selector)
        r.namespace_labels = selector_or_nothing(&f->arena, from->namespace_selector);
    else if (!r.n_namespaces) {
        r.namespaces = &f->ns;
        r.n_namespaces = 1;
    }
    return r;
}

static struct affinity_terms compile_required(struct facts_table *t, struct pod_facts *f,
                                              const struct core_pod_affinity_term_array *from) {
    struct affinity_term *v = arena_new_n(&f->arena, from->n, struct affinity_term);
    for (uint32_t i = 0; i < from->n; i++)
        v[i] = compile_term(t, f, &from->v[i], 0);
    return (struct affinity_terms){v, from->n};
}

static void compile_preferred(struct facts_table *t, struct pod_facts *f, const struct core_affinity *a) {
    struct core_weighted_pod_affinity_term_array none = {0}, to = none, away = none;
    if (a->pod_affinity)
        to = a->pod_affinity->preferred_during_scheduling_ignored_during_execution;
    if (a->pod_anti_affinity)
        away = a->pod_anti_affinity->preferred_during_scheduling_ignored_during_execution;
    struct affinity_term *v = arena_new_n(&f->arena, to.n + away.n, struct affinity_term);
    uint32_t n = 0;
    for (uint32_t i = 0; i < to.n; i++)
        v[n++] = compile_term(t, f, &to.v[i].pod_affinity_term, to.v[i].weight);
    for (uint32_t i = 0; i < away.n; i++)
        v[n++] = compile_term(t, f, &away.v[i].pod_affinity_term, -away.v[i].weight);
    f->preferred = (struct affinity_terms){v, n};
}

static void compile_affinity(struct facts_table *t, struct pod_facts *f) {
    const struct core_affinity *a = f->pod->spec.affinity;
    f->node_labels = label_selector_of_map(&f->arena, f->pod->spec.node_selector);
    if (!a)
        return;
    if (a->node_affinity) {
        const struct core_node_affinity *n = a->node_affinity;
        f->has_node_terms = n->required_during_scheduling_ignored_during_execution != NULL;
        node_selector_compile(&f->arena, n->required_during_scheduling_ignored_during_execution,
                              &f->node_terms);
        node_selector_compile_preferred(&f->arena, &n->preferred_during_scheduling_ignored_during_execution,
                                        &f->node_preferred);
    }
    if (a->pod_affinity)
        f->affinity =
            compile_required(t, f, &a->pod_affinity->required_during_scheduling_ignored_during_execution);
    if (a->pod_anti_affinity)
        f->anti_affinity = compile_required(
            t, f, &a->pod_anti_affinity->required_during_scheduling_ignored_during_execution);
    compile_preferred(t, f, a);
}

/* The selector with the pod's own values of matchLabelKeys. */
static struct label_selector spread_selector(struct pod_facts *f,
                                             const struct core_topology_spread_constraint *c) {
    struct label_selector base = selector_or_nothing(&f->arena, c->label_selector);
    if (base.nothing || !c->match_label_keys.n)
        return base;
    uint32_t n = base.n;
    struct label_requirement *v = arena_new_n(&f->arena, n + c->match_label_keys.n, struct label_requirement);
    for (uint32_t i = 0; i < n; i++)
        v[i] = base.v[i];
    for (uint32_t i = 0; i < c->match_label_keys.n; i++) {
        struct str value = str_map_get(f->labels, c->match_label_keys.v[i]);
        if (value.p && label_requirement_make(&f->arena, c->match_label_keys.v[i], LABEL_IN, &value, 1, &v[n],
                                              NULL) == 0)
            n++;
    }
    return label_selector_of(v, n);
}

static void compile_spreads(struct facts_table *t, struct pod_facts *f) {
    const struct core_topology_spread_constraint_array *from = &f->pod->spec.topology_spread_constraints;
    struct spread *v = arena_new_n(&f->arena, from->n, struct spread);
    for (uint32_t i = 0; i < from->n; i++) {
        const struct core_topology_spread_constraint *c = &from->v[i];
        v[i] = (struct spread){
            .labels = spread_selector(f, c),
            .topology = symbol_of(&t->topology, c->topology_key),
            .skew_max = c->max_skew,
            .domains_min = c->min_domains.set ? c->min_domains.v : 1,
            .hard = str_eq(c->when_unsatisfiable, S("DoNotSchedule")),
            .honor_affinity = !str_eq(c->node_affinity_policy, S("Ignore")),
            .honor_taints = str_eq(c->node_taints_policy, S("Honor")),
        };
        v[i].counts_self = label_selector_matches(&v[i].labels, f->labels);
    }
    f->spreads = (struct spreads){v, from->n};
}

/* -- interning -- */

static uint32_t take_id(struct facts_table *t, struct pod_facts *f) {
    if (t->free_ids.n) {
        uint32_t id = t->free_ids.v[--t->free_ids.n];
        t->by_id.v[id] = f;
        return id;
    }
    vec_push(&t->by_id, f);
    return (uint32_t)t->by_id.n - 1;
}

static struct pod_facts *compile(struct facts_table *t, const struct object *o, struct str key) {
    struct pod_facts *f = calloc(1, sizeof *f);
    if (!f)
        panic("out of memory");
    arena_init_sized(&f->arena, 1024);
    f->key = arena_str(&f->arena, key);
    f->of = object_ref(o);
    f->pod = o->body;
    f->refs = 1;
    f->ns = o->meta->namespace;
    f->labels = o->meta->labels;
    f->deleting = meta_is_deleting(o->meta);
    f->priority = f->pod->spec.priority.v;
    f->never_preempts = str_eq(f->pod->spec.preemption_policy, S("Never"));
    compile_requests(t, f);
    compile_scored(f);
    compile_affinity(t, f);
    compile_spreads(t, f);
    compile_ports(f);
    compile_images(f);
    compile_volumes(f);
    f->id = take_id(t, f);
    (void)map_put(&t->by_key, f->key, f);
    return f;
}

struct pod_facts *facts_get(struct facts_table *t, const struct object *pod) {
    t->scratch.n = 0;
    put_key(&t->scratch, pod);
    struct str key = {t->scratch.p, t->scratch.n};
    struct pod_facts *f = map_get(&t->by_key, key);
    if (!f)
        return compile(t, pod, key);
    f->refs++;
    return f;
}

void facts_release(struct facts_table *t, struct pod_facts *f) {
    if (!f || --f->refs)
        return;
    check(f->n_pods == 0);
    (void)map_remove(&t->by_key, f->key);
    t->by_id.v[f->id] = NULL;
    vec_push(&t->free_ids, f->id);
    object_unref(f->of);
    arena_fini(&f->arena);
    free(f);
}

/* -- matching -- */

bool affinity_term_matches(const struct affinity_term *t, const struct pod_facts *f,
                           struct str_map namespace_labels) {
    bool in = t->by_namespace_labels && label_selector_matches(&t->namespace_labels, namespace_labels);
    for (uint32_t i = 0; i < t->n_namespaces && !in; i++)
        in = str_eq(t->namespaces[i], f->ns);
    return in && label_selector_matches(&t->labels, f->labels);
}

bool toleration_matches(const struct core_toleration *t, const struct core_taint *taint) {
    if (t->effect.n && !str_eq(t->effect, taint->effect))
        return false;
    if (t->key.n && !str_eq(t->key, taint->key))
        return false;
    if (str_eq(t->operator, S("Exists")))
        return true;
    bool equal = !t->operator.n || str_eq(t->operator, S("Equal"));
    return equal && t->key.n && str_eq(t->value, taint->value);
}

bool facts_tolerate(const struct pod_facts *f, const struct core_taint *taint) {
    const struct core_toleration_array *list = &f->pod->spec.tolerations;
    for (uint32_t i = 0; i < list->n; i++)
        if (toleration_matches(&list->v[i], taint))
            return true;
    return false;
}
