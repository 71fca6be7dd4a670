/* Warnings about pods and their templates: what is deprecated, has no effect, or hides something. See
 * strategy.h. CONFORMS: upstream's texts. */
#include "api/field_error.h"
#include "api/quantity.h"
#include "api/types/core.h"
#include "apiserver/strategy_priv.h"
#include "base/buf.h"

static void warn_at(struct call *c, const struct field_path *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void warn_at(struct call *c, const struct field_path *path, const char *fmt, ...) {
    _cleanup_buf struct buf where = BUF_INIT;
    field_path_text(&where, path);
    va_list ap;
    va_start(ap, fmt);
    struct str why = arena_vprintf(c->arena, fmt, ap);
    va_end(ap);
    call_warn(c, "%.*s: %.*s", STR_ARG(buf_view(&where)), STR_ARG(why));
}

/* -- labels of nodes that have got other names -- */

static const struct {
    struct str old, since, now;
} renamed[] = {
    {STR_INIT("beta.kubernetes.io/arch"), STR_INIT("v1.14"), STR_INIT("kubernetes.io/arch")},
    {STR_INIT("beta.kubernetes.io/instance-type"), STR_INIT("v1.17"),
     STR_INIT("node.kubernetes.io/instance-type")},
    {STR_INIT("beta.kubernetes.io/os"), STR_INIT("v1.14"), STR_INIT("kubernetes.io/os")},
    {STR_INIT("failure-domain.beta.kubernetes.io/region"), STR_INIT("v1.17"),
     STR_INIT("topology.kubernetes.io/region")},
    {STR_INIT("failure-domain.beta.kubernetes.io/zone"), STR_INIT("v1.17"),
     STR_INIT("topology.kubernetes.io/zone")},
};

static void warn_label(struct call *c, const struct field_path *path, struct str label) {
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (str_eq(label, renamed[i].old))
            warn_at(c, path, "deprecated since %.*s; use \"%.*s\" instead", STR_ARG(renamed[i].since),
                    STR_ARG(renamed[i].now));
}

static void warn_spread(struct call *c, const struct field_path *spec, const struct core_pod_spec *s) {
    for (uint32_t i = 0; i < s->topology_spread_constraints.n; i++) {
        const struct core_topology_spread_constraint *t = &s->topology_spread_constraints.v[i];
        const struct field_path *p = at_index(at_field(spec, "topologySpreadConstraints"), i);
        warn_label(c, at_field(p, "topologyKey"), t->topology_key);
        if (!t->label_selector)
            warn_at(c, at_field(p, "labelSelector"), "a null labelSelector results in matching no pod");
    }
}

/* -- volumes -- */

static void warn_volumes(struct call *c, const struct field_path *spec, const struct core_pod_spec *s) {
    for (uint32_t i = 0; i < s->volumes.n; i++) {
        const struct core_volume_source *v = &s->volumes.v[i].volume_source;
        const struct field_path *p = at_index(at_field(spec, "volumes"), i);
        if (v->git_repo)
            warn_at(c, at_field(p, "gitRepo"), "deprecated in v1.11, and disabled by default in v1.33+");
        if (v->scale_io)
            warn_at(c, at_field(p, "scaleIO"), "deprecated in v1.16, non-functional in v1.22+");
        if (v->flocker)
            warn_at(c, at_field(p, "flocker"), "deprecated in v1.22, non-functional in v1.25+");
        if (v->storageos)
            warn_at(c, at_field(p, "storageOS"), "deprecated in v1.22, non-functional in v1.25+");
        if (v->quobyte)
            warn_at(c, at_field(p, "quobyte"), "deprecated in v1.22, non-functional in v1.25+");
        if (v->glusterfs)
            warn_at(c, at_field(p, "glusterfs"), "deprecated in v1.25, non-functional in v1.26+");
        if (v->cephfs)
            warn_at(c, at_field(p, "cephfs"), "deprecated in v1.28, non-functional in v1.31+");
        if (v->rbd)
            warn_at(c, at_field(p, "rbd"), "deprecated in v1.28, non-functional in v1.31+");
    }
}

/* -- containers -- */

static void warn_env(struct call *c, const struct field_path *container, const struct core_container *k) {
    for (uint32_t i = 1; i < k->env.n && i < 512; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(k->env.v[i].name, k->env.v[j].name)) {
                warn_at(c, at_index(at_field(container, "env"), i),
                        "hides previous definition of \"%.*s\", which may be dropped when using apply",
                        STR_ARG(k->env.v[i].name));
                break;
            }
}

static bool same_port(const struct core_container_port *a, const struct core_container_port *b) {
    return a->container_port == b->container_port && str_eq(a->protocol, b->protocol) &&
           a->host_port == b->host_port && str_eq(a->host_ip, b->host_ip);
}

static void warn_ports(struct call *c, const struct field_path *container, const struct core_container *k) {
    for (uint32_t i = 1; i < k->ports.n && i < 512; i++)
        for (uint32_t j = 0; j < i; j++)
            if (same_port(&k->ports.v[i], &k->ports.v[j])) {
                _cleanup_buf struct buf first = BUF_INIT;
                field_path_text(&first, at_index(at_field(container, "ports"), j));
                warn_at(c, at_index(at_field(container, "ports"), i), "duplicate port definition with %.*s",
                        STR_ARG(buf_view(&first)));
                break;
            }
}

static void warn_amounts(struct call *c, const struct field_path *path, struct quantity_map amounts) {
    for (uint32_t i = 0; i < amounts.n; i++) {
        struct str name = amounts.v[i].key;
        char text[QUANTITY_TEXT_MAX];
        if (amounts.v[i].value.nanos == 0 ||
            !(str_eq(name, S("memory")) || str_eq(name, S("ephemeral-storage"))))
            continue;
        quantity_format(&amounts.v[i].value, text);
        warn_at(c, at_key(path, name), "fractional byte value \"%s\" is invalid, must be an integer", text);
    }
}

static void warn_containers(struct call *c, const struct field_path *list,
                            const struct core_container_array *containers) {
    for (uint32_t i = 0; i < containers->n; i++) {
        const struct core_container *k = &containers->v[i];
        const struct field_path *p = at_index(list, i);
        warn_env(c, p, k);
        warn_ports(c, p, k);
        warn_amounts(c, at_field(p, "resources.requests"), k->resources.requests);
        warn_amounts(c, at_field(p, "resources.limits"), k->resources.limits);
    }
}

/* -- metadata -- */

static void warn_annotations(struct call *c, const struct field_path *path,
                             const struct meta_object_meta *m) {
    const struct field_path *p = at_field(at_field(path, "metadata"), "annotations");
    for (uint32_t i = 0; i < m->annotations.n; i++) {
        struct str key = m->annotations.v[i].key;
        if (str_eq(key, S("seccomp.security.alpha.kubernetes.io/pod")) ||
            str_has_prefix(key, S("container.seccomp.security.alpha.kubernetes.io/")))
            warn_at(c, at_key(p, key), "non-functional in v1.27+; use the \"seccompProfile\" field instead");
        else if (str_has_prefix(key, S("container.apparmor.security.beta.kubernetes.io/")))
            warn_at(c, at_key(p, key), "deprecated since v1.30; use the \"appArmorProfile\" field instead");
        else if (str_eq(key, S("scheduler.alpha.kubernetes.io/critical-pod")))
            warn_at(c, at_key(p, key),
                    "non-functional in v1.16+; use the \"priorityClassName\" field instead");
    }
}

static void warn_names(struct call *c, const struct field_path *spec, const struct core_pod_spec *s) {
    for (uint32_t i = 0; i < s->image_pull_secrets.n; i++)
        if (str_empty(s->image_pull_secrets.v[i].name))
            warn_at(c, at_field(at_index(at_field(spec, "imagePullSecrets"), i), "name"),
                    "invalid empty name \"\"");
    for (uint32_t i = 1; i < s->host_aliases.n && i < 512; i++)
        for (uint32_t j = 0; j < i; j++)
            if (str_eq(s->host_aliases.v[i].ip, s->host_aliases.v[j].ip)) {
                warn_at(c, at_field(at_index(at_field(spec, "hostAliases"), i), "ip"),
                        "duplicate ip \"%.*s\"", STR_ARG(s->host_aliases.v[i].ip));
                break;
            }
}

void strategy_warn_pod(struct call *c, const struct field_path *path, const struct core_pod_spec *s,
                       const struct meta_object_meta *meta, const struct core_pod_spec *old) {
    const struct field_path *spec = at_field(path, "spec");
    (void)old;
    for (uint32_t i = 0; i < s->node_selector.n; i++)
        warn_label(c, at_key(at_field(spec, "nodeSelector"), s->node_selector.v[i].key),
                   s->node_selector.v[i].key);
    warn_spread(c, spec, s);
    warn_annotations(c, path, meta);
    warn_volumes(c, spec, s);
    warn_names(c, spec, s);
    warn_containers(c, at_field(spec, "initContainers"), &s->init_containers);
    warn_containers(c, at_field(spec, "containers"), &s->containers);
    warn_amounts(c, at_field(spec, "overhead"), s->overhead);
    if (s->termination_grace_period_seconds.set && s->termination_grace_period_seconds.v < 0)
        warn_at(c, at_field(spec, "terminationGracePeriodSeconds"),
                "must be >= 0; negative values are invalid and will be treated as 1");
}
