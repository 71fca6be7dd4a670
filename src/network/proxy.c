/* See proxy.h: what is known, and the difference between one plan and the next. */
#include "network/proxy.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "api/object.h"
#include "api/value.h"
#include "base/err.h"
#include "base/vec.h"
#include "network/proxy_priv.h"

/* -- life -- */

static void *keep(struct arena *a, const void *from, size_t n) {
    void *to = arena_alloc(a, n);
    if (n)
        memcpy(to, from, n);
    return to;
}

struct proxy *proxy_new(const struct proxy_config *config) {
    struct proxy *p = calloc(1, sizeof *p);
    check(p != NULL);
    arena_init(&p->arena);
    p->services = (struct map)MAP_INIT;
    p->slices = (struct map)MAP_INIT_OWNING;
    p->hairpins = (struct map)MAP_INIT_OWNING;
    p->owners = (struct map)MAP_INIT;
    struct proxy_config *c = &p->config;
    *c = *config;
    c->node = arena_str(&p->arena, config->node);
    c->pods = keep(&p->arena, config->pods, config->n_pods * sizeof *config->pods);
    c->node_pods = keep(&p->arena, config->node_pods, config->n_node_pods * sizeof *config->node_pods);
    c->services = keep(&p->arena, config->services, config->n_services * sizeof *config->services);
    c->local = keep(&p->arena, config->local, config->n_local * sizeof *config->local);
    proxy_set_zone(p, config->zone);
    return p;
}

static void service_free(struct proxy_service *s) {
    object_unref(s->object);
    for (size_t i = 0; i < s->slices.n; i++)
        object_unref(s->slices.v[i]);
    vec_fini(&s->slices);
    vec_foreach (g, &s->groups)
        vec_fini(&g->endpoints);
    vec_fini(&s->groups);
    buf_fini(&s->program);
    free((char *)s->key.p);
    free(s);
}

void proxy_free(struct proxy *p) {
    if (!p)
        return;
    map_foreach(e, &p->services) service_free(e->value);
    map_fini(&p->services);
    map_fini(&p->slices);
    map_fini(&p->owners);
    map_fini(&p->hairpins);
    vec_fini(&p->dirty);
    vec_fini(&p->classes);
    arena_fini(&p->arena);
    free(p);
}

const struct proxy_config *proxy_config(const struct proxy *p) {
    return &p->config;
}

size_t proxy_service_count(const struct proxy *p) {
    return map_count(&p->services);
}

bool proxy_dirty(const struct proxy *p) {
    return p->dirty.n > 0;
}

static void mark(struct proxy *p, struct proxy_service *s) {
    if (!s->dirty)
        vec_push(&p->dirty, s);
    s->dirty = true;
}

void proxy_set_zone(struct proxy *p, struct str zone) {
    zone = str_cut(zone, sizeof p->zone - 1);
    if (str_eq(zone, str_from(p->zone)))
        return;
    memcpy(p->zone, zone.p, zone.n);
    p->zone[zone.n] = '\0';
    map_foreach(e, &p->services) mark(p, e->value);
}

bool proxy_set_node_pods(struct proxy *p, const struct cidr *v, unsigned n) {
    struct proxy_config *c = &p->config;
    bool same = c->n_node_pods == n;
    for (unsigned i = 0; same && i < n; i++)
        same = cidr_cmp(c->node_pods[i], v[i]) == 0;
    if (same)
        return false;
    c->node_pods = keep(&p->arena, v, n * sizeof *v); // a few times in a life
    c->n_node_pods = n;
    return true;
}

/* -- objects -- */

/* "ns/name"; a namespace has at most 63 bytes and a name 253. */
struct key_text {
    char p[512];
    size_t n;
};

static struct str make_key(struct key_text *k, struct str ns, struct str name) {
    ns = str_cut(ns, 250);
    name = str_cut(name, 255);
    k->n = 0;
    if (ns.n)
        memcpy(k->p, ns.p, ns.n);
    k->p[ns.n] = '/';
    if (name.n)
        memcpy(k->p + ns.n + 1, name.p, name.n);
    k->n = ns.n + 1 + name.n;
    return str_make(k->p, k->n);
}

static struct proxy_service *get_service(struct proxy *p, struct str key) {
    struct proxy_service *s = map_get(&p->services, key);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    char *copy = malloc(key.n);
    check(s != NULL && copy != NULL);
    memcpy(copy, key.p, key.n);
    s->key = str_make(copy, key.n);
    (void)map_put(&p->services, s->key, s);
    return s;
}

void proxy_put_service(struct proxy *p, const struct object *service) {
    struct key_text k;
    struct proxy_service *s = get_service(p, make_key(&k, service->meta->namespace, service->meta->name));
    const struct object *old = s->object;
    s->object = object_ref(service);
    object_unref(old);
    mark(p, s);
}

void proxy_remove_service(struct proxy *p, struct str ns, struct str name) {
    struct key_text k;
    struct proxy_service *s = map_get(&p->services, make_key(&k, ns, name));
    if (!s || !s->object)
        return;
    object_unref(s->object);
    s->object = NULL;
    mark(p, s);
}

static void drop_slice(struct proxy *p, struct proxy_service *s, struct str name) {
    for (size_t i = 0; i < s->slices.n; i++)
        if (str_eq(s->slices.v[i]->meta->name, name)) {
            object_unref(s->slices.v[i]);
            vec_remove(&s->slices, i);
            break;
        }
    mark(p, s);
}

void proxy_put_slice(struct proxy *p, const struct object *slice) {
    struct str owner = str_map_get(slice->meta->labels, S("kubernetes.io/service-name"));
    struct str ns = slice->meta->namespace;
    struct key_text slice_key, key;
    proxy_remove_slice(p, ns, slice->meta->name);
    if (str_empty(owner))
        return;
    struct proxy_service *s = get_service(p, make_key(&key, ns, owner));
    vec_push(&s->slices, object_ref(slice));
    (void)map_put(&p->slices, make_key(&slice_key, ns, slice->meta->name), s);
    mark(p, s);
}

void proxy_remove_slice(struct proxy *p, struct str ns, struct str name) {
    struct key_text k;
    struct proxy_service *s = map_take(&p->slices, make_key(&k, ns, name));
    if (s)
        drop_slice(p, s, name);
}

/* -- the difference -- */

/* Whose element it is: two services may want the same external address and port; the first gets it. */
static struct str owner_key(const uint8_t *r) {
    return str_make((const char *)r, RECORD_HEAD + r[2]);
}

static void emit(struct proxy_plan *plan, const uint8_t *r, bool add) {
    struct proxy_element e = record_element(r);
    size_t n = record_bytes(r) - RECORD_HEAD;
    e.bytes = keep(&plan->arena, e.bytes, n);
    if (add)
        vec_push_in(&plan->arena, &plan->add, e);
    else
        vec_push_in(&plan->arena, &plan->remove, e);
}

struct proxy_class proxy_element_class(const struct proxy_element *e) {
    uint32_t v[2];
    check(e->set <= PROXY_STICKY_NODE_PORTS && e->data_bytes == sizeof v);
    memcpy(v, e->bytes + e->key_bytes, sizeof v);
    uint8_t set = e->set == PROXY_STICKY_NODE_PORTS ? (uint8_t)PROXY_STICKY : e->set;
    return (struct proxy_class){.family = e->family, .set = set, .endpoints = v[0], .seconds = v[1]};
}

static struct proxy_class *class_get(struct proxy *p, const struct proxy_class *like) {
    vec_foreach (c, &p->classes)
        if (c->family == like->family && c->set == like->set && c->endpoints == like->endpoints &&
            c->seconds == like->seconds)
            return c;
    vec_push(&p->classes, *like);
    return &p->classes.v[p->classes.n - 1];
}

static void class_ref(struct proxy *p, const uint8_t *r, int by) {
    struct proxy_element e = record_element(r);
    if (e.set > PROXY_STICKY_NODE_PORTS)
        return;
    struct proxy_class like = proxy_element_class(&e), *c = class_get(p, &like);
    check(by > 0 || c->refs > 0);
    c->refs = (uint32_t)((int64_t)c->refs + by);
}

/* Hairpin elements are wanted by every service of the endpoint: added by the first, removed by the last. */
static bool count_hairpin(struct proxy *p, const uint8_t *r, bool add) {
    struct str key = owner_key(r);
    if (add)
        return ++map_upsert(&p->hairpins, key, NULL)->u64 == 1;
    struct map_entry *e = map_find(&p->hairpins, key);
    check(e != NULL && e->u64 > 0);
    if (--e->u64)
        return false;
    map_remove_entry(&p->hairpins, e);
    return true;
}

/* UDP senders that were refused, or sent on unchanged, must not stay so when there is somebody now. */
static void note_opened(struct proxy_plan *plan, const uint8_t *r) {
    const uint8_t *key = r + RECORD_HEAD;
    size_t address = r[1] <= PROXY_EXTERNAL ? (r[0] == 4 ? 4u : 16u) : 0u;
    if (r[1] > PROXY_NODE_PORTS_EXTERNAL || key[address] != IPPROTO_UDP)
        return;
    struct proxy_stale s = {.protocol = IPPROTO_UDP,
                            .frontend = address ? ip_from_bytes(key, address) : (struct ip){.family = 0},
                            .port = (uint16_t)(key[address + 4] << 8 | key[address + 5])};
    vec_push_in(&plan->arena, &plan->flows, s);
}

static void take_out(struct proxy *p, struct proxy_plan *plan, const uint8_t *r) {
    if (r[1] != PROXY_HAIRPIN || count_hairpin(p, r, false))
        emit(plan, r, false);
}

static void put_in(struct proxy *p, struct proxy_plan *plan, const uint8_t *r) {
    if (r[1] != PROXY_HAIRPIN || count_hairpin(p, r, true))
        emit(plan, r, true);
    note_opened(plan, r);
}

static void replace(struct proxy_plan *plan, const uint8_t *before, const uint8_t *now) {
    if (record_same(before, now))
        return;
    emit(plan, before, false);
    emit(plan, now, true);
}

/* Both lie in order. */
static void merge(struct proxy *p, struct proxy_plan *plan, const struct buf *before, const struct buf *now) {
    const uint8_t *a = (const uint8_t *)before->p, *a_end = before->n ? a + before->n : a;
    const uint8_t *b = (const uint8_t *)now->p, *b_end = now->n ? b + now->n : b;
    while (a != a_end || b != b_end) {
        int c = a == a_end ? 1 : b == b_end ? -1 : record_cmp(a, b);
        if (c < 0)
            take_out(p, plan, a);
        else if (c > 0)
            put_in(p, plan, b);
        else
            replace(plan, a, b);
        if (c <= 0)
            a += record_bytes(a);
        if (c >= 0)
            b += record_bytes(b);
    }
}

#define record_foreach(r, b)                                                                                 \
    for (const uint8_t *r = (const uint8_t *)(b)->p, *r##_end_ = (b)->n ? r + (b)->n : r; r != r##_end_;     \
         r += record_bytes(r))

static int record_order(const void *a, const void *b, void *bytes) {
    const uint8_t *p = bytes;
    return record_cmp(p + *(const uint32_t *)a, p + *(const uint32_t *)b);
}

static bool is_owned(const uint8_t *r) {
    return r[1] != PROXY_HAIRPIN;
}

/* In order, each once, without what belongs to another service. */
static void settle(struct proxy *p, struct proxy_service *s, struct records *in, struct buf *out) {
    if (in->at.n)
        qsort_r(in->at.v, in->at.n, sizeof *in->at.v, record_order, in->bytes.p);
    const uint8_t *last = NULL;
    bool contested = false;
    for (size_t i = 0; i < in->at.n; i++) {
        const uint8_t *r = (const uint8_t *)in->bytes.p + in->at.v[i];
        if (last && record_cmp(last, r) == 0)
            continue;
        last = r;
        const struct proxy_service *owner = is_owned(r) ? map_get(&p->owners, owner_key(r)) : NULL;
        if (owner && owner != s)
            contested = true;
        else
            buf_put(out, r, record_bytes(r));
    }
    p->contested += (size_t)contested - (size_t)s->contested;
    s->contested = contested;
}

/* The bytes of keys lie in the program, so they are taken out before it goes. */
static void own(struct proxy *p, struct proxy_service *s, bool add) {
    record_foreach(r, &s->program) {
        class_ref(p, r, add ? 1 : -1);
        if (!is_owned(r))
            continue;
        if (add)
            (void)map_put(&p->owners, owner_key(r), s);
        else
            (void)map_take(&p->owners, owner_key(r));
    }
}

static void plan_service(struct proxy *p, struct proxy_service *s, struct proxy_plan *plan) {
    struct records records = {.at = {.n = 0}};
    struct buf now = BUF_INIT;
    s->dirty = false;
    proxy_program(p, s, plan, &records);
    settle(p, s, &records, &now);
    merge(p, plan, &s->program, &now);
    own(p, s, false);
    buf_fini(&s->program);
    s->program = now;
    own(p, s, true);
    vec_fini(&records.at);
    buf_fini(&records.bytes);
    if (s->object || s->slices.n)
        return;
    check(s->program.n == 0 && !s->contested);
    (void)map_remove(&p->services, s->key);
    service_free(s);
}

/* Those who were second may be first now. */
static void mark_contested(struct proxy *p) {
    map_foreach(e, &p->services) {
        struct proxy_service *s = e->value;
        if (s->contested)
            mark(p, s);
    }
}

static void plan_dirty(struct proxy *p, struct proxy_plan *plan) {
    for (size_t i = 0; i < p->dirty.n; i++)
        plan_service(p, p->dirty.v[i], plan);
    p->dirty.n = 0;
}

static void plan_classes(struct proxy *p, struct proxy_plan *plan) {
    for (size_t i = p->classes.n; i-- > 0;) {
        struct proxy_class *c = &p->classes.v[i];
        if (c->refs && !c->programmed) {
            c->programmed = true;
            vec_push_in(&plan->arena, &plan->chains_add, *c);
        } else if (!c->refs) {
            if (c->programmed)
                vec_push_in(&plan->arena, &plan->chains_remove, *c);
            p->classes.v[i] = p->classes.v[--p->classes.n];
        }
    }
}

void proxy_plan_next(struct proxy *p, struct proxy_plan *ret) {
    *ret = (struct proxy_plan)PROXY_PLAN_INIT;
    plan_dirty(p, ret);
    if (p->contested && ret->remove.n) {
        mark_contested(p);
        plan_dirty(p, ret);
    }
    plan_classes(p, ret);
}

void proxy_plan_full(struct proxy *p, struct proxy_plan *ret) {
    proxy_plan_next(p, ret); // brings everything up to date; what it says besides is part of the whole
    *ret = (struct proxy_plan){
        .arena = ret->arena, .full = true, .flows = {ret->flows.v, ret->flows.n, ret->flows.cap}};
    map_foreach(e, &p->services) {
        const struct proxy_service *s = e->value;
        record_foreach(r, &s->program) if (r[1] != PROXY_HAIRPIN) emit(ret, r, true);
    }
    map_foreach(e, &p->hairpins) emit(ret, (const uint8_t *)e->key.p, true);
    vec_foreach (c, &p->classes)
        vec_push_in(&ret->arena, &ret->chains_add, *c);
}

bool proxy_plan_empty(const struct proxy_plan *plan) {
    return !plan->full && !plan->remove.n && !plan->add.n && !plan->chains_add.n && !plan->chains_remove.n &&
           !plan->flows.n && !plan->clients.n;
}

void proxy_plan_fini(struct proxy_plan *plan) {
    arena_fini(&plan->arena);
}

size_t proxy_health(const struct proxy *p, struct proxy_health *ret, size_t max) {
    size_t n = 0;
    map_foreach(e, &p->services) {
        const struct proxy_service *s = e->value;
        if (!s->health_port || !s->object)
            continue;
        if (n < max)
            ret[n] = (struct proxy_health){s->health_port, s->object->meta->namespace, s->object->meta->name,
                                           s->local_ready};
        n++;
    }
    return n;
}
