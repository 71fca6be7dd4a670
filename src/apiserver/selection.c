/* Labels and fields. See selection.h. */
#include "apiserver/selection.h"

#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

int selection_make(struct arena *a, const struct kind *kind, struct str label_selector,
                   struct str field_selector, struct selection *ret, struct err *err) {
    struct selection s = {.name = STR_NONE};
    struct field_selector fields;
    int r = label_selector_parse(a, label_selector, &s.labels, err);
    if (r < 0)
        return err_wrap(err, "unable to parse requirement");
    r = field_selector_parse(a, field_selector, &fields, err);
    if (r == 0)
        r = field_selector_resolve(a, &fields, kind, &s.fields, err);
    if (r < 0)
        return r;
    (void)field_selector_requires(&s.fields, S("metadata.name"), &s.name);
    if (kind->hub->index == KIND_CORE_POD)
        (void)field_selector_requires(&s.fields, S("spec.nodeName"), &s.node);
    s.everything = label_selector_is_everything(&s.labels) && s.fields.n == 0;
    *ret = s;
    return 0;
}

/* -- fields that are made by code -- */

/* CONFORMS: status.podIPs reads as [{1.2.3.4} {::1}]. */
static struct str pod_ips(const struct core_pod *pod, struct arena *scratch) {
    _cleanup_buf struct buf out = BUF_INIT;
    buf_byte(&out, '[');
    for (uint32_t i = 0; i < pod->status.pod_ips.n; i++)
        buf_printf(&out, "%s{%.*s}", i ? " " : "", STR_ARG(pod->status.pod_ips.v[i].ip));
    buf_byte(&out, ']');
    return buf_to_arena(&out, scratch);
}

static struct str event_source(const struct core_event *e) {
    return e->source.component.n ? e->source.component : e->reporting_component;
}

struct made {
    const struct object *object;
    struct arena *scratch;
};

static struct str made_value(void *ctx, const struct field_term *term) {
    const struct made *m = ctx;
    unsigned kind = m->object->kind->index;
    if (kind == KIND_CORE_POD && str_eq(term->field, S("status.podIPs")))
        return pod_ips(m->object->body, m->scratch);
    if (kind == KIND_CORE_EVENT && str_eq(term->field, S("source")))
        return event_source(m->object->body);
    return S("");
}

/* -- matching -- */

static bool fields_match(const struct selection *s, const struct object *o, struct arena *scratch) {
    if (s->name.p && !str_eq(o->meta->name, s->name))
        return false;
    if (s->node.p && !str_eq(((const struct core_pod *)o->body)->spec.node_name, s->node))
        return false;
    if (s->fields.n == (s->name.p && !s->by_path) + (size_t)(s->node.p != NULL))
        return true; /* these were all */
    struct made m = {o, scratch};
    struct ref whole = ref_packed(o->kind->set, o->kind->type, o->body);
    return field_selector_matches_ref(&s->fields, whole, made_value, &m, scratch);
}

bool selection_matches(const struct selection *s, const struct object *o, struct arena *scratch) {
    return s->everything ||
           (label_selector_matches(&s->labels, o->meta->labels) && fields_match(s, o, scratch));
}
