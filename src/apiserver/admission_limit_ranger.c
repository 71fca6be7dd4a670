/* LimitRanger: what containers, pods and claims of a namespace may ask for, and what they get when they do
 * not ask. See admission.h. CONFORMS: upstream's messages. */
#include "api/meta.h"
#include "api/pod_amounts.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "apiserver/admission_priv.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define ANNOTATION S("kubernetes.io/limit-ranger")

/* -- what a namespace has -- */

struct ranges {
    VEC(const struct core_limit_range *) all;
};

static struct ranges ranges_of(const struct admission_request *r) {
    struct ranges found = {0};
    struct arena *a = admission_arena(r);
    const struct cache_snapshot *s = call_snapshot(r->call, KIND_CORE_LIMIT_RANGE);
    struct str prefix = arena_printf(a, "%.*s/", STR_ARG(r->ns));
    struct cow_iter it;
    cow_foreach (item, &it, cow_prefix(&it, &s->tree, prefix)) {
        const struct core_limit_range *range = ((const struct object *)item->value)->body;
        vec_push_in(a, &found.all, range);
    }
    return found;
}

/* -- defaults -- */

struct filling {
    struct arena *arena;
    struct buf *note; /* for the annotation */
};

static int by_key(const void *a, const void *b) {
    const struct quantity_entry *x = a, *y = b;
    return str_cmp(x->key, y->key);
}

/* Adds what is missing; the names added are written down. */
static void fill(struct filling *f, struct quantity_map *to, struct quantity_map from, const char *what,
                 bool is_init, struct str container) {
    struct quantity_entry *v = arena_new_n(f->arena, (size_t)to->n + from.n + 1, struct quantity_entry);
    uint32_t n = to->n;
    if (n)
        memcpy(v, to->v, n * sizeof *v);
    for (uint32_t i = 0; i < from.n; i++) {
        if (quantity_map_get(*to, from.v[i].key))
            continue;
        buf_str(f->note, n > to->n ? S(", ") : f->note->n ? S("; ") : S(""));
        buf_str(f->note, from.v[i].key);
        v[n++] = from.v[i];
    }
    if (n == to->n)
        return;
    buf_printf(f->note, " %s for %scontainer %.*s", what, is_init ? "init " : "", STR_ARG(container));
    qsort(v, n, sizeof *v, by_key);
    *to = (struct quantity_map){v, n};
}

static void fill_containers(struct filling *f, struct core_container_array *containers, bool is_init,
                            const struct core_limit_range_item *item) {
    for (uint32_t i = 0; i < containers->n; i++) {
        struct core_container *c = &containers->v[i];
        fill(f, &c->resources.requests, item->default_request, "request", is_init, c->name);
        fill(f, &c->resources.limits, item->default_, "limit", is_init, c->name);
    }
}

static void fill_pod(const struct admission_request *r, struct core_pod *p) {
    _cleanup_buf struct buf note = BUF_INIT;
    struct filling f = {admission_arena(r), &note};
    struct ranges ranges = ranges_of(r);
    vec_foreach (range, &ranges.all)
        for (uint32_t i = 0; i < (*range)->spec.limits.n; i++) {
            const struct core_limit_range_item *item = &(*range)->spec.limits.v[i];
            if (!str_eq(item->type, S("Container")))
                continue;
            fill_containers(&f, &p->spec.containers, false, item);
            fill_containers(&f, &p->spec.init_containers, true, item);
        }
    if (note.n == 0)
        return;
    struct str text = arena_printf(f.arena, "LimitRanger plugin set: %.*s", STR_ARG(buf_view(&note)));
    p->metadata.annotations = str_map_with(f.arena, p->metadata.annotations, ANNOTATION, text);
}

static enum admission_verdict mutate(struct admission *a, struct admission_request *r,
                                     struct status **ret_status) {
    (void)a;
    (void)ret_status;
    if (r->operation == ADMIT_CREATE && admission_is_main(r, KIND_CORE_POD))
        fill_pod(r, r->object);
    return ADMIT_NEXT;
}

/* -- limits -- */

#define FAULTS_MAX 64u

struct faults {
    struct arena *arena;
    VEC(struct str) all;
};

static void fault(struct faults *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct faults *f, const char *fmt, ...) {
    if (f->all.n == FAULTS_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    struct str text = arena_vprintf(f->arena, fmt, ap);
    va_end(ap);
    vec_push_in(f->arena, &f->all, text);
}

/* One resource of one thing. */
struct measured {
    struct str type, resource;
    struct quantity request, limit;
};

struct shown {
    char text[QUANTITY_TEXT_MAX];
};

static struct shown show(const struct quantity *q) {
    struct shown s;
    quantity_format(q, s.text);
    return s;
}

static void check_min(struct faults *f, const struct measured *m, const struct quantity *min) {
    struct shown want = show(min);
    if (!m->request.set)
        fault(f, "minimum %.*s usage per %.*s is %s.  No request is specified", STR_ARG(m->resource),
              STR_ARG(m->type), want.text);
    else if (quantity_cmp(&m->request, min) < 0)
        fault(f, "minimum %.*s usage per %.*s is %s, but request is %s", STR_ARG(m->resource),
              STR_ARG(m->type), want.text, show(&m->request).text);
    else if (m->limit.set && quantity_cmp(&m->limit, min) < 0)
        fault(f, "minimum %.*s usage per %.*s is %s, but limit is %s", STR_ARG(m->resource), STR_ARG(m->type),
              want.text, show(&m->limit).text);
}

static void check_max(struct faults *f, const struct measured *m, const struct quantity *max) {
    struct shown want = show(max);
    if (!m->limit.set)
        fault(f, "maximum %.*s usage per %.*s is %s.  No limit is specified", STR_ARG(m->resource),
              STR_ARG(m->type), want.text);
    else if (quantity_cmp(&m->limit, max) > 0)
        fault(f, "maximum %.*s usage per %.*s is %s, but limit is %s", STR_ARG(m->resource), STR_ARG(m->type),
              want.text, show(&m->limit).text);
    else if (m->request.set && quantity_cmp(&m->request, max) > 0)
        fault(f, "maximum %.*s usage per %.*s is %s, but request is %s", STR_ARG(m->resource),
              STR_ARG(m->type), want.text, show(&m->request).text);
}

static void check_ratio(struct faults *f, const struct measured *m, const struct quantity *max) {
    struct shown want = show(max);
    double request = quantity_as_double(&m->request), limit = quantity_as_double(&m->limit);
    if (!m->request.set || !(request > 0))
        fault(f,
              "%.*s max limit to request ratio per %.*s is %s, but no request is specified or request is 0",
              STR_ARG(m->resource), STR_ARG(m->type), want.text);
    else if (!m->limit.set || !(limit > 0))
        fault(f, "%.*s max limit to request ratio per %.*s is %s, but no limit is specified or limit is 0",
              STR_ARG(m->resource), STR_ARG(m->type), want.text);
    else if (limit / request > quantity_as_double(max))
        fault(f, "%.*s max limit to request ratio per %.*s is %s, but provided ratio is %f",
              STR_ARG(m->resource), STR_ARG(m->type), want.text, limit / request);
}

/* How much of a resource the thing asks for. */
typedef struct measured (*measure_fn)(const void *thing, struct str resource);

static void check_item(struct faults *f, const struct core_limit_range_item *item, measure_fn measure,
                       const void *thing) {
    for (uint32_t i = 0; i < item->min.n; i++) {
        struct measured m = measure(thing, item->min.v[i].key);
        check_min(f, &m, &item->min.v[i].value);
    }
    for (uint32_t i = 0; i < item->max.n; i++) {
        struct measured m = measure(thing, item->max.v[i].key);
        check_max(f, &m, &item->max.v[i].value);
    }
    for (uint32_t i = 0; i < item->max_limit_request_ratio.n; i++) {
        struct measured m = measure(thing, item->max_limit_request_ratio.v[i].key);
        check_ratio(f, &m, &item->max_limit_request_ratio.v[i].value);
    }
}

static struct quantity amount(struct quantity_map map, struct str resource) {
    const struct quantity *q = quantity_map_get(map, resource);
    struct quantity found = q ? *q : (struct quantity){0};
    found.set = q != NULL;
    return found;
}

static struct measured measure_container(const void *thing, struct str resource) {
    const struct core_container *c = thing;
    return (struct measured){
        .type = S("Container"),
        .resource = resource,
        .request = amount(c->resources.requests, resource),
        .limit = amount(c->resources.limits, resource),
    };
}

static struct measured measure_pod(const void *thing, struct str resource) {
    const struct core_pod *p = thing;
    return (struct measured){
        .type = S("Pod"),
        .resource = resource,
        .request = pod_spec_amount(&p->spec, POD_REQUEST, resource),
        .limit = pod_spec_amount(&p->spec, POD_LIMIT, resource),
    };
}

/* Claims have requests only; these are looked at as limits, too. */
static struct measured measure_claim(const void *thing, struct str resource) {
    const struct core_persistent_volume_claim *c = thing;
    struct quantity q = amount(c->spec.resources.requests, resource);
    return (struct measured){
        .type = S("PersistentVolumeClaim"),
        .resource = resource,
        .request = q,
        .limit = q,
    };
}

static void check_pod(struct faults *f, const struct core_pod *p, const struct core_limit_range_item *item) {
    if (str_eq(item->type, S("Container"))) {
        for (uint32_t i = 0; i < p->spec.containers.n; i++)
            check_item(f, item, measure_container, &p->spec.containers.v[i]);
        for (uint32_t i = 0; i < p->spec.init_containers.n; i++)
            check_item(f, item, measure_container, &p->spec.init_containers.v[i]);
    } else if (str_eq(item->type, S("Pod"))) {
        check_item(f, item, measure_pod, p);
    }
}

static void check_claim(struct faults *f, const struct core_persistent_volume_claim *c,
                        const struct core_limit_range_item *item) {
    if (!str_eq(item->type, S("PersistentVolumeClaim")))
        return;
    for (uint32_t i = 0; i < item->min.n; i++) {
        struct measured m = measure_claim(c, item->min.v[i].key);
        check_min(f, &m, &item->min.v[i].value);
    }
    for (uint32_t i = 0; i < item->max.n; i++) {
        struct measured m = measure_claim(c, item->max.v[i].key);
        struct shown want = show(&item->max.v[i].value);
        if (!m.request.set)
            fault(f, "maximum %.*s usage per %.*s is %s.  No request is specified", STR_ARG(m.resource),
                  STR_ARG(m.type), want.text);
        else if (quantity_cmp(&m.request, &item->max.v[i].value) > 0)
            fault(f, "maximum %.*s usage per %.*s is %s, but request is %s", STR_ARG(m.resource),
                  STR_ARG(m.type), want.text, show(&m.request).text);
    }
}

static bool concerns_pod(const struct admission_request *r) {
    if (!admission_is(r, KIND_CORE_POD))
        return false;
    return r->operation == ADMIT_CREATE ? str_empty(r->subresource) : str_eq(r->subresource, S("resize"));
}

static enum admission_verdict validate(struct admission *a, struct admission_request *r,
                                       struct status **ret_status) {
    (void)a;
    bool pod = concerns_pod(r), claim = admission_is_main(r, KIND_CORE_PERSISTENT_VOLUME_CLAIM);
    if (!pod && !claim)
        return ADMIT_NEXT;
    struct faults f = {.arena = admission_arena(r)};
    struct ranges ranges = ranges_of(r);
    vec_foreach (range, &ranges.all)
        for (uint32_t i = 0; i < (*range)->spec.limits.n; i++)
            if (pod)
                check_pod(&f, r->object, &(*range)->spec.limits.v[i]);
            else
                check_claim(&f, r->object, &(*range)->spec.limits.v[i]);
    if (f.all.n == 0)
        return ADMIT_NEXT;
    struct str text = arena_join(f.arena, f.all.v, f.all.n, S(", "));
    return admission_forbid(r, ret_status, f.all.n > 1 ? "[%.*s]" : "%.*s", STR_ARG(text));
}

const struct admission_plugin admission_limit_ranger = {
    .name = "LimitRanger",
    .operations = ADMIT_CREATE | ADMIT_UPDATE,
    .mutate = mutate,
    .validate = validate,
};
