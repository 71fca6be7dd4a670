/* Defaults of pods and what they run. See defaults_priv.h. */
#include "api/defaults/defaults_priv.h"
#include "api/image_ref.h"
#include "api/types/core.h"

/* CONFORMS: images that a later push may move are pulled every time; what cannot be read is not. */
static struct str pull_policy(struct str image) {
    struct image_ref ref;
    bool always = image_ref_parse(image, &ref) && image_ref_is_latest(&ref);
    return always ? CORE_PULL_ALWAYS : CORE_PULL_IF_NOT_PRESENT;
}

static void run_defaults(struct str image, struct str *policy, struct str *message_path,
                         struct str *message_policy) {
    if (!policy->n)
        *policy = pull_policy(image);
    default_empty(message_path, CORE_TERMINATION_MESSAGE_PATH_DEFAULT);
    default_empty(message_policy, CORE_TERMINATION_MESSAGE_READ_FILE);
}

DEFAULTER(container, core_container, c) {
    run_defaults(c->image, &c->image_pull_policy, &c->termination_message_path,
                 &c->termination_message_policy);
}

DEFAULTER(ephemeral_container, core_ephemeral_container_common, c) {
    run_defaults(c->image, &c->image_pull_policy, &c->termination_message_path,
                 &c->termination_message_policy);
}

DEFAULTER(probe, core_probe, p) {
    default_zero(&p->timeout_seconds, 1);
    default_zero(&p->period_seconds, 10);
    default_zero(&p->success_threshold, 1);
    default_zero(&p->failure_threshold, 3);
}

DEFAULTER(http_get_action, core_http_get_action, h) {
    default_empty(&h->path, S("/"));
    default_empty(&h->scheme, CORE_URI_SCHEME_HTTP);
}

DEFAULTER(object_field_selector, core_object_field_selector, s) {
    default_empty(&s->api_version, S("v1"));
}

DEFAULTER(pod_spec, core_pod_spec, s) {
    default_empty(&s->dns_policy, CORE_DNS_CLUSTER_FIRST);
    default_empty(&s->restart_policy, CORE_RESTART_POLICY_ALWAYS);
    default_new(a, s->security_context);
    default_i64(&s->termination_grace_period_seconds, CORE_DEFAULT_TERMINATION_GRACE_PERIOD_SECONDS);
    default_empty(&s->scheduler_name, CORE_DEFAULT_SCHEDULER_NAME);
}

static void requests_from_limits(struct arena *a, struct core_container_array containers) {
    for (uint32_t i = 0; i < containers.n; i++) {
        struct core_resource_requirements *r = &containers.v[i].resources;
        resources_missing(a, &r->requests, r->limits);
    }
}

/* A container of a pod in the host's network has its ports there, and nowhere else. */
static void host_ports(struct core_container_array containers) {
    for (uint32_t i = 0; i < containers.n; i++)
        for (uint32_t k = 0; k < containers.v[i].ports.n; k++) {
            struct core_container_port *p = &containers.v[i].ports.v[k];
            default_zero(&p->host_port, p->container_port);
        }
}

/* What all containers together need: those that run side by side summed up, or the largest need while
 * containers start one by one, if that is more. `limits` picks limits instead of requests. */
static struct quantity_map sum_of_containers(struct arena *a, const struct core_pod_spec *s, bool limits) {
    struct quantity_map sum = {0}, sidecars = {0}, start = {0};
    for (uint32_t i = 0; i < s->containers.n; i++) {
        const struct core_resource_requirements *r = &s->containers.v[i].resources;
        resources_add(a, &sum, limits ? r->limits : r->requests);
    }
    for (uint32_t i = 0; i < s->init_containers.n; i++) {
        const struct core_container *c = &s->init_containers.v[i];
        struct quantity_map own = limits ? c->resources.limits : c->resources.requests, now = {0};
        resources_add(a, &now, sidecars);
        resources_add(a, &now, own);
        if (str_eq(c->restart_policy, CORE_CONTAINER_RESTART_POLICY_ALWAYS)) {
            resources_add(a, &sum, own);
            sidecars = now;
        }
        resources_max(a, &start, now);
    }
    resources_max(a, &sum, start);
    return sum;
}

static bool is_huge_pages(struct str resource) {
    return str_has_prefix(resource, CORE_RESOURCE_HUGE_PAGES_PREFIX);
}

static bool is_cpu_or_memory(struct str resource) {
    return str_eq(resource, CORE_RESOURCE_CPU) || str_eq(resource, CORE_RESOURCE_MEMORY);
}

/* The entries of m that `keep` picks. */
static struct quantity_map picked(struct arena *a, struct quantity_map m, bool (*keep)(struct str resource)) {
    struct quantity_map out = {arena_new_n(a, m.n, struct quantity_entry), 0};
    for (uint32_t i = 0; i < m.n; i++)
        if (keep(m.v[i].key))
            out.v[out.n++] = m.v[i];
    return out;
}

static bool is_pod_level(struct str resource) {
    return is_cpu_or_memory(resource) || is_huge_pages(resource);
}

/* CONFORMS: huge pages cannot be promised twice, so a pod-level limit is the sum of the containers', unless a
 * request says otherwise. */
static void pod_huge_page_limits(struct arena *a, const struct core_pod_spec *s,
                                 struct core_resource_requirements *pod) {
    struct quantity_map sum = picked(a, sum_of_containers(a, s, true), is_huge_pages), open = {sum.v, 0};
    for (uint32_t i = 0; i < sum.n; i++)
        if (!quantity_map_get(pod->requests, sum.v[i].key))
            open.v[open.n++] = sum.v[i];
    resources_missing(a, &pod->limits, open);
}

static void pod_requests(struct arena *a, const struct core_pod_spec *s,
                         struct core_resource_requirements *pod) {
    if (!pod->limits.n)
        return;
    resources_missing(a, &pod->requests, picked(a, sum_of_containers(a, s, false), is_cpu_or_memory));
    resources_missing(a, &pod->requests, picked(a, pod->limits, is_pod_level));
}

/* Of pods only, not of the templates that pods are made from. */
DEFAULTER(pod, core_pod, p) {
    struct core_pod_spec *s = &p->spec;
    requests_from_limits(a, s->containers);
    requests_from_limits(a, s->init_containers);
    if (s->resources && (s->resources->limits.n || s->resources->requests.n)) {
        pod_huge_page_limits(a, s, s->resources);
        pod_requests(a, s, s->resources);
    }
    default_bool(&s->enable_service_links, CORE_DEFAULT_ENABLE_SERVICE_LINKS);
    if (s->host_network) {
        host_ports(s->containers);
        host_ports(s->init_containers);
    }
}

/* An image volume is pulled like a container's image; a volume without a source is an empty directory. */
DEFAULTER(volume, core_volume, v) {
    const void *const *sources = (const void *const *)(const void *)&v->volume_source;
    _Static_assert(sizeof v->volume_source % sizeof *sources == 0, "volume sources are pointers");
    bool any = false;
    for (size_t i = 0; i < sizeof v->volume_source / sizeof *sources; i++)
        any = any || sources[i];
    if (!any)
        default_new(a, v->volume_source.empty_dir);
    struct core_image_volume_source *image = v->volume_source.image;
    if (image && !image->pull_policy.n)
        image->pull_policy = pull_policy(image->reference);
}

static const struct default_rule table[] = {
    {TY_CORE_CONTAINER, container},
    {TY_CORE_EPHEMERAL_CONTAINER_COMMON, ephemeral_container},
    {TY_CORE_HTTP_GET_ACTION, http_get_action},
    {TY_CORE_OBJECT_FIELD_SELECTOR, object_field_selector},
    {TY_CORE_POD, pod},
    {TY_CORE_POD_SPEC, pod_spec},
    {TY_CORE_PROBE, probe},
    {TY_CORE_VOLUME, volume},
};
DEFAULT_RULES(core_pod_defaults, table);
