/* scheduler/nodes: arrays of amounts, counts of pods, topology values, and the order of candidates. */
#include "scheduler/nodes.h"

#include <stdlib.h>

#include "api/equal.h"
#include "api/meta.h"
#include "api/quantity.h"
#include "api/types/ids.h"
#include "base/err.h"
#include "scheduler/pod.h"

#define NODES_CAP_MIN 16u

static void *grown(void *old, size_t n_old, size_t n, size_t item_bytes) {
    char *p = reallocarray(old, n, item_bytes);
    if (!p)
        panic("out of memory");
    memset(p + n_old * item_bytes, 0, (n - n_old) * item_bytes);
    return p;
}

void nodes_init(struct nodes *n, struct facts_table *facts) {
    *n = (struct nodes){.facts = facts, .by_name = MAP_INIT, .images = MAP_INIT_OWNING};
}

/* -- rows of amounts -- */

static void grow(struct nodes *n) {
    size_t cap = n->cap ? n->cap * 2 : NODES_CAP_MIN;
    vec_foreach (r, &n->resources)
        if (r->allocatable) {
            r->allocatable = grown(r->allocatable, n->cap, cap, sizeof(int64_t));
            r->requested = grown(r->requested, n->cap, cap, sizeof(int64_t));
        }
    n->scored_cpu = grown(n->scored_cpu, n->cap, cap, sizeof(int64_t));
    n->scored_memory = grown(n->scored_memory, n->cap, cap, sizeof(int64_t));
    n->cap = cap;
}

/* A resource that a node has for the first time: what pods already take of it is summed up now. */
static struct node_resource *row_of(struct nodes *n, uint32_t id) {
    while (n->resources.n <= id)
        vec_push(&n->resources, ((struct node_resource){0}));
    struct node_resource *r = &n->resources.v[id];
    if (r->allocatable)
        return r;
    r->allocatable = grown(NULL, 0, n->cap, sizeof(int64_t));
    r->requested = grown(NULL, 0, n->cap, sizeof(int64_t));
    vec_foreach (node, &n->v)
        vec_foreach (k, &(*node)->kinds)
            r->requested[(*node)->index] += (int64_t)k->n * facts_amount(k->facts, id);
    return r;
}

static void set_allocatable(struct nodes *n, struct sched_node *node) {
    vec_foreach (r, &n->resources)
        if (r->allocatable)
            r->allocatable[node->index] = 0;
    const struct quantity_map *m = &node->node->status.allocatable;
    for (uint32_t i = 0; i < m->n; i++) {
        uint32_t id = symbol_of(&n->facts->resources, m->v[i].key);
        int64_t v =
            id == RESOURCE_CPU ? quantity_milli_value(&m->v[i].value) : quantity_value(&m->v[i].value);
        row_of(n, id)->allocatable[node->index] = v;
    }
}

static void move_row(struct nodes *n, uint32_t from, uint32_t to) {
    vec_foreach (r, &n->resources)
        if (r->allocatable) {
            r->allocatable[to] = r->allocatable[from];
            r->requested[to] = r->requested[from];
            r->allocatable[from] = r->requested[from] = 0;
        }
    n->scored_cpu[to] = n->scored_cpu[from];
    n->scored_memory[to] = n->scored_memory[from];
    n->scored_cpu[from] = n->scored_memory[from] = 0;
}

/* -- topology -- */

static uint32_t topology_value(struct nodes *n, uint32_t key, struct str value) {
    struct map *m = &n->topology.v[key];
    uint32_t next = (uint32_t)map_count(m);
    bool is_new;
    struct map_entry *e = map_upsert(m, value, &is_new);
    if (is_new)
        e->u64 = next;
    return (uint32_t)e->u64;
}

static void set_topology(struct nodes *n, struct sched_node *node, uint32_t key) {
    struct str label = symbol_text(&n->facts->topology, key);
    struct str value = node->object ? str_map_get(node->object->meta->labels, label) : STR_NONE;
    while (node->topology.n <= key)
        vec_push(&node->topology, TOPOLOGY_NONE);
    node->topology.v[key] = value.p ? topology_value(n, key, value) : TOPOLOGY_NONE;
}

void nodes_know_topology(struct nodes *n) {
    uint32_t keys = symbols_count(&n->facts->topology);
    for (uint32_t key = (uint32_t)n->topology.n; key < keys; key++) {
        vec_push(&n->topology, ((struct map)MAP_INIT_OWNING));
        vec_foreach (node, &n->v)
            set_topology(n, *node, key);
    }
}

uint32_t nodes_topology_values(const struct nodes *n, uint32_t key) {
    return key < n->topology.n ? (uint32_t)map_count(&n->topology.v[key]) : 0;
}

/* Values of nodes that are long gone are forgotten when they outnumber those that can be there. */
static void tidy_topology(struct nodes *n) {
    for (uint32_t key = 0; key < n->topology.n; key++) {
        if (map_count(&n->topology.v[key]) <= 4 * n->v.n + 1024)
            continue;
        map_fini(&n->topology.v[key]);
        n->topology.v[key] = (struct map)MAP_INIT_OWNING;
        vec_foreach (node, &n->v)
            set_topology(n, *node, key);
    }
}

/* -- images -- */

static void count_image(struct nodes *n, struct str name, int64_t size_bytes) {
    bool is_new;
    struct map_entry *e = map_upsert(&n->images, name, &is_new);
    if (is_new)
        e->value = grown(NULL, 0, 1, sizeof(struct node_image));
    struct node_image *image = e->value;
    image->size_bytes = size_bytes;
    image->n_nodes++;
}

static void uncount_image(struct nodes *n, struct str name) {
    struct map_entry *e = map_find(&n->images, name);
    struct node_image *image = e ? e->value : NULL;
    if (!image || --image->n_nodes)
        return;
    free(image);
    map_remove_entry(&n->images, e);
}

static void count_images(struct nodes *n, const struct core_node *node, bool add) {
    const struct core_container_image_array *list = &node->status.images;
    for (uint32_t i = 0; i < list->n; i++)
        for (uint32_t j = 0; j < list->v[i].names.n; j++) {
            if (add)
                count_image(n, list->v[i].names.v[j], list->v[i].size_bytes);
            else
                uncount_image(n, list->v[i].names.v[j]);
        }
}

const struct node_image *nodes_image(const struct nodes *n, struct str name) {
    return map_get(&n->images, name);
}

/* -- nodes -- */

struct sched_node *nodes_find(const struct nodes *n, struct str name) {
    return map_get(&n->by_name, name);
}

struct sched_node *nodes_get(struct nodes *n, struct str name) {
    struct sched_node *node = nodes_find(n, name);
    if (node)
        return node;
    if (n->v.n == n->cap)
        grow(n);
    node = grown(NULL, 0, 1, sizeof *node);
    node->own_name = grown(NULL, 0, name.n + 1, 1);
    memcpy(node->own_name, name.p, name.n);
    node->name = str_make(node->own_name, name.n);
    node->index = (uint32_t)n->v.n;
    vec_push(&n->v, node);
    (void)map_put(&n->by_name, node->name, node);
    return node;
}

static void node_free(struct sched_node *node) {
    vec_fini(&node->pods);
    vec_fini(&node->kinds);
    vec_fini(&node->topology);
    object_unref(node->object);
    free(node->own_name);
    free(node);
}

static void drop_if_unused(struct nodes *n, struct sched_node *node) {
    if (node->object || node->pods.n || node->n_nominated)
        return;
    (void)map_remove(&n->by_name, node->name);
    struct sched_node *last = n->v.v[--n->v.n];
    if (last != node) {
        move_row(n, last->index, node->index);
        last->index = node->index;
        n->v.v[last->index] = last;
    } else {
        n->scored_cpu[node->index] = n->scored_memory[node->index] = 0;
    }
    node_free(node);
}

void nodes_fini(struct nodes *n) {
    vec_foreach (node, &n->v) {
        check((*node)->pods.n == 0);
        if ((*node)->object)
            count_images(n, (*node)->node, false);
        node_free(*node);
    }
    vec_foreach (r, &n->resources) {
        free(r->allocatable);
        free(r->requested);
    }
    vec_foreach (m, &n->topology)
        map_fini(m);
    map_fini(&n->by_name);
    map_fini(&n->images);
    vec_fini(&n->v);
    vec_fini(&n->resources);
    vec_fini(&n->topology);
    vec_fini(&n->order);
    vec_fini(&n->with_affinity);
    vec_fini(&n->nominated);
    free(n->scored_cpu);
    free(n->scored_memory);
}

static bool amounts_equal(struct quantity_map a, struct quantity_map b) {
    bool equal = a.n == b.n;
    for (uint32_t i = 0; i < a.n && equal; i++)
        equal = str_eq(a.v[i].key, b.v[i].key) && quantity_equal(&a.v[i].value, &b.v[i].value);
    return equal;
}

static bool taints_equal(const struct core_node_spec *a, const struct core_node_spec *b) {
    bool equal = a->unschedulable == b->unschedulable && a->taints.n == b->taints.n;
    for (uint32_t i = 0; i < a->taints.n && equal; i++)
        equal = str_eq(a->taints.v[i].key, b->taints.v[i].key) &&
                str_eq(a->taints.v[i].value, b->taints.v[i].value) &&
                str_eq(a->taints.v[i].effect, b->taints.v[i].effect);
    return equal;
}

static unsigned compare(const struct core_node *was, const struct core_node *is) {
    unsigned changed = 0;
    if (!amounts_equal(was->status.allocatable, is->status.allocatable))
        changed |= NODE_ALLOCATABLE;
    if (!str_map_equal(was->metadata.labels, is->metadata.labels))
        changed |= NODE_LABELS;
    if (!taints_equal(&was->spec, &is->spec))
        changed |= NODE_TAINTS;
    return changed;
}

/* The name moves into the object. */
static void set_object(struct nodes *n, struct sched_node *node, const struct object *object) {
    (void)map_remove(&n->by_name, node->name);
    object_unref(node->object);
    free(node->own_name);
    node->own_name = NULL;
    node->object = object_ref(object);
    node->node = object->body;
    node->name = object->meta->name;
    (void)map_put(&n->by_name, node->name, node);
}

unsigned nodes_set(struct nodes *n, const struct object *object) {
    struct sched_node *node = nodes_get(n, object->meta->name);
    bool is_new = !node->object;
    unsigned changed = is_new ? NODE_ADDED : compare(node->node, object->body);
    if (!is_new)
        count_images(n, node->node, false);
    set_object(n, node, object);
    count_images(n, node->node, true);
    if (changed & (NODE_ADDED | NODE_ALLOCATABLE))
        set_allocatable(n, node);
    if (changed & (NODE_ADDED | NODE_LABELS)) {
        for (uint32_t key = 0; key < n->topology.n; key++)
            set_topology(n, node, key);
        tidy_topology(n);
        n->order_stale = true;
    }
    return changed;
}

void nodes_remove(struct nodes *n, struct str name) {
    struct sched_node *node = nodes_find(n, name);
    if (!node || !node->object)
        return;
    count_images(n, node->node, false);
    node->own_name = grown(NULL, 0, name.n + 1, 1);
    memcpy(node->own_name, node->name.p, node->name.n);
    (void)map_remove(&n->by_name, node->name);
    node->name = str_make(node->own_name, node->name.n);
    (void)map_put(&n->by_name, node->name, node);
    object_unref(node->object);
    node->object = NULL;
    node->node = NULL;
    vec_foreach (r, &n->resources)
        if (r->allocatable)
            r->allocatable[node->index] = 0;
    for (uint32_t key = 0; key < node->topology.n; key++)
        node->topology.v[key] = TOPOLOGY_NONE;
    n->order_stale = true;
    drop_if_unused(n, node);
}

/* -- pods -- */

static void count_kind(struct nodes *n, struct sched_node *node, struct pod_facts *f) {
    if (f->n_pods++ == 0 && facts_have_pod_affinity(f))
        vec_push(&n->with_affinity, f);
    vec_foreach (k, &node->kinds)
        if (k->facts == f) {
            k->n++;
            return;
        }
    vec_push(&node->kinds, ((struct facts_count){f, 1}));
}

static void uncount_kind(struct nodes *n, struct sched_node *node, struct pod_facts *f) {
    size_t i = 0;
    while (i < node->kinds.n && node->kinds.v[i].facts != f)
        i++;
    check(i < node->kinds.n && f->n_pods);
    if (--node->kinds.v[i].n == 0)
        node->kinds.v[i] = node->kinds.v[--node->kinds.n];
    if (--f->n_pods || !facts_have_pod_affinity(f))
        return;
    for (i = 0; n->with_affinity.v[i] != f;)
        i++;
    n->with_affinity.v[i] = n->with_affinity.v[--n->with_affinity.n];
}

static void add_amounts(struct nodes *n, struct sched_node *node, const struct pod_facts *f, int64_t sign) {
    for (uint32_t i = 0; i < f->n_requests; i++) {
        uint32_t id = f->requests[i].resource;
        if (id < n->resources.n && n->resources.v[id].requested)
            n->resources.v[id].requested[node->index] += sign * f->requests[i].amount;
    }
    n->scored_cpu[node->index] += sign * f->scored_cpu;
    n->scored_memory[node->index] += sign * f->scored_memory;
    node->n_ports += (uint32_t)(f->n_ports ? sign : 0);
    node->n_disks += (uint32_t)(f->has_disks ? sign : 0);
}

void nodes_add_pod(struct nodes *n, struct sched_node *node, struct sched_pod *pod) {
    pod->node_place = (uint32_t)node->pods.n;
    vec_push(&node->pods, pod);
    add_amounts(n, node, pod->facts, 1);
    count_kind(n, node, pod->facts);
}

void nodes_remove_pod(struct nodes *n, struct sched_node *node, struct sched_pod *pod) {
    check(node->pods.v[pod->node_place] == pod);
    struct sched_pod *last = node->pods.v[--node->pods.n];
    node->pods.v[pod->node_place] = last;
    last->node_place = pod->node_place;
    add_amounts(n, node, pod->facts, -1);
    uncount_kind(n, node, pod->facts);
    drop_if_unused(n, node);
}

void nodes_nominate(struct nodes *n, struct sched_pod *pod, struct str name) {
    struct sched_node *was = pod->nominated;
    pod->nominated = name.n ? nodes_get(n, name) : NULL;
    if (pod->nominated) {
        pod->nominated->n_nominated++;
        vec_push(&n->nominated, pod);
    }
    if (was) {
        size_t i = 0;
        while (n->nominated.v[i] != pod)
            i++;
        vec_remove(&n->nominated, i);
        was->n_nominated--;
        drop_if_unused(n, was);
    }
}

/* -- the order of candidates -- */

static struct str zone_of(const struct sched_node *node) {
    struct str_map labels = node->object->meta->labels;
    struct str zone = str_map_get(labels, S("topology.kubernetes.io/zone"));
    return zone.p ? zone : str_map_get(labels, S("failure-domain.beta.kubernetes.io/zone"));
}

struct zone_list {
    VEC(struct sched_node *) nodes;
};

static void add_to_zone(struct map *zones, struct sched_node *node) {
    bool is_new;
    struct str zone = zone_of(node);
    struct map_entry *e = map_upsert(zones, zone.p ? zone : S(""), &is_new);
    if (is_new)
        e->value = grown(NULL, 0, 1, sizeof(struct zone_list));
    struct zone_list *list = e->value;
    vec_push(&list->nodes, node);
}

/* One of each zone in turn, so that a part of the list has all zones in it. */
static void make_order(struct nodes *n) {
    _cleanup_map struct map zones = MAP_INIT;
    n->order.n = 0;
    size_t wanted = 0;
    vec_foreach (node, &n->v)
        if ((*node)->object) {
            add_to_zone(&zones, *node);
            wanted++;
        }
    for (size_t round = 0; n->order.n < wanted; round++)
        map_foreach(e, &zones) {
            const struct zone_list *list = e->value;
            if (round < list->nodes.n)
                vec_push(&n->order, list->nodes.v[round]);
        }
    map_foreach(e, &zones) {
        struct zone_list *list = e->value;
        vec_fini(&list->nodes);
        free(list);
    }
    n->order_stale = false;
}

size_t nodes_order(struct nodes *n, struct sched_node *const **ret) {
    if (n->order_stale)
        make_order(n);
    *ret = n->order.v;
    return n->order.n;
}

void nodes_check(const struct nodes *n) {
    vec_foreach (node, &n->v) {
        size_t pods = 0;
        vec_foreach (k, &(*node)->kinds)
            pods += k->n;
        check(pods == (*node)->pods.n && n->v.v[(*node)->index] == *node);
        check(map_get(&n->by_name, (*node)->name) == *node);
        for (uint32_t id = 0; id < n->resources.n; id++) {
            int64_t sum = 0;
            vec_foreach (k, &(*node)->kinds)
                sum += (int64_t)k->n * facts_amount(k->facts, id);
            check(!n->resources.v[id].requested || n->resources.v[id].requested[(*node)->index] == sum);
        }
    }
}
