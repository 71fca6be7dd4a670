/* Table cells of the other core kinds. */
#include "api/quantity.h"
#include "api/table_priv.h"
#include "api/types/core.h"
#include "base/timefmt.h"

/* -- small parts that several kinds share -- */

static void cell_quantity(struct cell *c, const struct quantity *q) {
    char text[QUANTITY_TEXT_MAX];
    if (q)
        cell_str(c, str_make(text, quantity_format(q, text)));
    else
        cell_text(c, "0");
}

static bool has_mode(struct str_array modes, struct str mode) {
    for (uint32_t i = 0; i < modes.n; i++)
        if (str_eq(modes.v[i], mode))
            return true;
    return false;
}

static void cell_access_modes(struct cell *c, struct str_array modes) {
    static const struct {
        struct str mode;
        const char *code;
    } codes[] = {
        {STR_INIT("ReadWriteOnce"), "RWO"},
        {STR_INIT("ReadOnlyMany"), "ROX"},
        {STR_INIT("ReadWriteMany"), "RWX"},
        {STR_INIT("ReadWriteOncePod"), "RWOP"},
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (has_mode(modes, codes[i].mode)) {
            cell_sep(c, ",");
            cell_text(c, codes[i].code);
        }
}

static void cell_storage_class(struct cell *c, const struct meta_object_meta *m, struct str name) {
    struct str annotation = str_map_get(m->annotations, S("volume.beta.kubernetes.io/storage-class"));
    cell_str(c, annotation.p ? annotation : name);
}

static void cell_phase(struct cell *c, const struct meta_object_meta *m, struct str phase) {
    cell_str(c, m->deletion_timestamp.set ? S("Terminating") : phase);
}

/* -- nodes -- */

static void cell_node_status(struct cell *c) {
    const struct core_node *n = c->object;
    const char *text = "Unknown";
    for (uint32_t i = 0; i < n->status.conditions.n; i++)
        if (str_eq(n->status.conditions.v[i].type, S("Ready")))
            text = str_eq(n->status.conditions.v[i].status, S("True")) ? "Ready" : "NotReady";
    cell_text(c, text);
    if (n->spec.unschedulable)
        cell_text(c, ",SchedulingDisabled");
}

static void cell_node_roles(struct cell *c) {
    const struct core_node *n = c->object;
    const struct str prefix = S("node-role.kubernetes.io/");
    struct str roles[64];
    size_t k = 0;
    for (uint32_t i = 0; i < n->metadata.labels.n && k < 64; i++) {
        const struct str_entry *e = &n->metadata.labels.v[i];
        if (str_has_prefix(e->key, prefix) && e->key.n > prefix.n)
            roles[k++] = str_from_byte(e->key, prefix.n);
        else if (str_eq(e->key, S("kubernetes.io/role")) && e->value.n)
            roles[k++] = e->value;
    }
    cell_strs(c, roles, k);
    if (k == 0)
        cell_text(c, "<none>");
}

static void cell_node_address(struct cell *c, struct str type) {
    const struct core_node *n = c->object;
    for (uint32_t i = 0; i < n->status.addresses.n; i++)
        if (str_eq(n->status.addresses.v[i].type, type)) {
            cell_str(c, n->status.addresses.v[i].address);
            return;
        }
    cell_text(c, "<none>");
}

static void cell_node_internal_ip(struct cell *c) {
    cell_node_address(c, S("InternalIP"));
}

static void cell_node_external_ip(struct cell *c) {
    cell_node_address(c, S("ExternalIP"));
}

static void cell_node_kernel(struct cell *c) {
    const struct core_node_system_info *info = &((const struct core_node *)c->object)->status.node_info;
    cell_or(c, info->kernel_version, "<unknown>");
    if (info->architecture.n)
        buf_printf(c->text, " (%.*s)", STR_ARG(info->architecture));
}

/* -- services and endpoints -- */

static void cell_service_cluster_ip(struct cell *c) {
    const struct core_service *s = c->object;
    cell_or(c, s->spec.cluster_ips.n ? s->spec.cluster_ips.v[0] : STR_NONE, "<none>");
}

#define ADDRESSES_MAX 256

static void cell_load_balancer(struct cell *c, const struct core_service *s) {
    const struct core_load_balancer_ingress_array *in = &s->status.load_balancer.ingress;
    struct str all[ADDRESSES_MAX];
    size_t n = 0;
    for (uint32_t i = 0; i < in->n && n < ADDRESSES_MAX; i++)
        if (in->v[i].ip.n || in->v[i].hostname.n)
            all[n++] = in->v[i].ip.n ? in->v[i].ip : in->v[i].hostname;
    cell_strs(c, all, n);
    for (uint32_t i = 0; i < s->spec.external_ips.n; i++) {
        cell_sep(c, ",");
        cell_str(c, s->spec.external_ips.v[i]);
    }
    if (c->text->n == 0)
        cell_text(c, "<pending>");
}

static void cell_service_external_ip(struct cell *c) {
    const struct core_service *s = c->object;
    if (str_eq(s->spec.type, S("ClusterIP")) || str_eq(s->spec.type, S("NodePort")))
        cell_list(c, s->spec.external_ips, ",", "<none>");
    else if (str_eq(s->spec.type, S("LoadBalancer")))
        cell_load_balancer(c, s);
    else if (str_eq(s->spec.type, S("ExternalName")))
        cell_str(c, s->spec.external_name);
    else
        cell_text(c, "<unknown>");
}

static void cell_service_ports(struct cell *c) {
    const struct core_service *s = c->object;
    for (uint32_t i = 0; i < s->spec.ports.n; i++) {
        const struct core_service_port *p = &s->spec.ports.v[i];
        buf_printf(c->text, "%s%d", i ? "," : "", p->port);
        if (p->node_port > 0)
            buf_printf(c->text, ":%d", p->node_port);
        buf_printf(c->text, "/%.*s", STR_ARG(p->protocol));
    }
    if (s->spec.ports.n == 0)
        cell_text(c, "<none>");
}

static void cell_service_selector(struct cell *c) {
    cell_map(c, ((const struct core_service *)c->object)->spec.selector);
}

static void put_host_port(struct cell *c, struct str ip, int32_t port) {
    bool v6 = str_find_byte(ip, ':') >= 0;
    buf_printf(c->text, v6 ? "[%.*s]:%d" : "%.*s:%d", STR_ARG(ip), port);
}

static void cell_endpoints(struct cell *c) {
    const struct core_endpoints *e = c->object;
    uint32_t total = 0;
    for (uint32_t i = 0; i < e->subsets.n; i++) {
        const struct core_endpoint_subset *s = &e->subsets.v[i];
        uint32_t ports = s->ports.n ? s->ports.n : 1;
        for (uint32_t p = 0; p < ports; p++)
            for (uint32_t a = 0; a < s->addresses.n; a++) {
                if (total++ >= 3)
                    continue;
                cell_sep(c, ",");
                if (s->ports.n)
                    put_host_port(c, s->addresses.v[a].ip, s->ports.v[p].port);
                else
                    cell_str(c, s->addresses.v[a].ip);
            }
    }
    if (e->subsets.n == 0)
        cell_text(c, "<none>");
    if (total > 3)
        cell_more(c, total - 3);
}

/* -- events -- */

static void cell_event_first_seen(struct cell *c) {
    const struct core_event *e = c->object;
    cell_since(c, e->first_timestamp.set ? e->first_timestamp : e->event_time, "<unknown>");
}

static void cell_event_last_seen(struct cell *c) {
    const struct core_event *e = c->object;
    if (e->series)
        cell_since(c, e->series->last_observed_time, "<unknown>");
    else if (e->last_timestamp.set)
        cell_since(c, e->last_timestamp, "<unknown>");
    else
        cell_event_first_seen(c);
}

static void cell_event_object(struct cell *c) {
    const struct core_object_reference *o = &((const struct core_event *)c->object)->involved_object;
    cell_lower(c, o->kind);
    if (o->name.n)
        buf_printf(c->text, "/%.*s", STR_ARG(o->name));
}

static void cell_event_source(struct cell *c) {
    const struct core_event *e = c->object;
    struct str instance = e->source.host.n ? e->source.host : e->reporting_instance;
    cell_str(c, e->source.component.n ? e->source.component : e->reporting_component);
    if (instance.n)
        buf_printf(c->text, ", %.*s", STR_ARG(instance));
}

static void cell_event_message(struct cell *c) {
    cell_str(c, str_trim(((const struct core_event *)c->object)->message));
}

static void cell_event_count(struct cell *c) {
    const struct core_event *e = c->object;
    int32_t n = e->series ? e->series->count : e->count;
    buf_i64(c->text, n ? n : 1);
}

/* -- volumes -- */

static void cell_pv_capacity(struct cell *c) {
    cell_quantity(
        c, quantity_map_get(((const struct core_persistent_volume *)c->object)->spec.capacity, S("storage")));
}

static void cell_pv_modes(struct cell *c) {
    cell_access_modes(c, ((const struct core_persistent_volume *)c->object)->spec.access_modes);
}

static void cell_pv_status(struct cell *c) {
    const struct core_persistent_volume *v = c->object;
    cell_phase(c, &v->metadata, v->status.phase);
}

static void cell_pv_claim(struct cell *c) {
    const struct core_object_reference *r =
        ((const struct core_persistent_volume *)c->object)->spec.claim_ref;
    if (r)
        buf_printf(c->text, "%.*s/%.*s", STR_ARG(r->namespace), STR_ARG(r->name));
}

static void cell_pv_class(struct cell *c) {
    const struct core_persistent_volume *v = c->object;
    cell_storage_class(c, &v->metadata, v->spec.storage_class_name);
}

static void cell_pvc_status(struct cell *c) {
    const struct core_persistent_volume_claim *v = c->object;
    cell_phase(c, &v->metadata, v->status.phase);
}

static void cell_pvc_capacity(struct cell *c) {
    const struct core_persistent_volume_claim *v = c->object;
    if (v->spec.volume_name.n)
        cell_quantity(c, quantity_map_get(v->status.capacity, S("storage")));
}

static void cell_pvc_modes(struct cell *c) {
    const struct core_persistent_volume_claim *v = c->object;
    if (v->spec.volume_name.n)
        cell_access_modes(c, v->status.access_modes);
}

static void cell_pvc_class(struct cell *c) {
    const struct core_persistent_volume_claim *v = c->object;
    cell_storage_class(c, &v->metadata, v->spec.storage_class_name);
}

/* -- the rest -- */

static void cell_config_map_data(struct cell *c) {
    const struct core_config_map *m = c->object;
    buf_printf(c->text, "%u", m->data.n + m->binary_data.n);
}

static void cell_secret_data(struct cell *c) {
    buf_printf(c->text, "%u", ((const struct core_secret *)c->object)->data.n);
}

static void cell_quota(struct cell *c, bool limits) {
    const struct core_resource_quota *q = c->object;
    for (uint32_t i = 0; i < q->status.hard.n; i++) {
        const struct quantity_entry *hard = &q->status.hard.v[i];
        if (str_has_prefix(hard->key, S("limits.")) != limits)
            continue;
        cell_sep(c, ", ");
        buf_printf(c->text, "%.*s: ", STR_ARG(hard->key));
        cell_quantity(c, quantity_map_get(q->status.used, hard->key));
        buf_byte(c->text, '/');
        cell_quantity(c, &hard->value);
    }
}

static void cell_quota_request(struct cell *c) {
    cell_quota(c, false);
}

static void cell_quota_limit(struct cell *c) {
    cell_quota(c, true);
}

static const struct core_component_condition *healthy(const struct cell *c) {
    const struct core_component_status *s = c->object;
    for (uint32_t i = 0; i < s->conditions.n; i++)
        if (str_eq(s->conditions.v[i].type, S("Healthy")))
            return &s->conditions.v[i];
    return NULL;
}

static void cell_component_status(struct cell *c) {
    const struct core_component_condition *h = healthy(c);
    cell_text(c, !h ? "Unknown" : str_eq(h->status, S("True")) ? "Healthy" : "Unhealthy");
}

static void cell_component_message(struct cell *c) {
    const struct core_component_condition *h = healthy(c);
    cell_str(c, h ? h->message : STR_NONE);
}

static void cell_component_error(struct cell *c) {
    const struct core_component_condition *h = healthy(c);
    cell_str(c, h ? h->error : STR_NONE);
}

const struct cell_row cells_core[] = {
    {TY_CORE_NODE, "Status", cell_node_status},
    {TY_CORE_NODE, "Roles", cell_node_roles},
    {TY_CORE_NODE, "Internal-IP", cell_node_internal_ip},
    {TY_CORE_NODE, "External-IP", cell_node_external_ip},
    {TY_CORE_NODE, "Kernel-Version", cell_node_kernel},
    {TY_CORE_SERVICE, "Cluster-IP", cell_service_cluster_ip},
    {TY_CORE_SERVICE, "External-IP", cell_service_external_ip},
    {TY_CORE_SERVICE, "Port(s)", cell_service_ports},
    {TY_CORE_SERVICE, "Selector", cell_service_selector},
    {TY_CORE_ENDPOINTS, "Endpoints", cell_endpoints},
    {TY_CORE_EVENT, "Last Seen", cell_event_last_seen},
    {TY_CORE_EVENT, "Object", cell_event_object},
    {TY_CORE_EVENT, "Source", cell_event_source},
    {TY_CORE_EVENT, "Message", cell_event_message},
    {TY_CORE_EVENT, "First Seen", cell_event_first_seen},
    {TY_CORE_EVENT, "Count", cell_event_count},
    {TY_CORE_PERSISTENT_VOLUME, "Capacity", cell_pv_capacity},
    {TY_CORE_PERSISTENT_VOLUME, "Access Modes", cell_pv_modes},
    {TY_CORE_PERSISTENT_VOLUME, "Status", cell_pv_status},
    {TY_CORE_PERSISTENT_VOLUME, "Claim", cell_pv_claim},
    {TY_CORE_PERSISTENT_VOLUME, "StorageClass", cell_pv_class},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM, "Status", cell_pvc_status},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM, "Capacity", cell_pvc_capacity},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM, "Access Modes", cell_pvc_modes},
    {TY_CORE_PERSISTENT_VOLUME_CLAIM, "StorageClass", cell_pvc_class},
    {TY_CORE_CONFIG_MAP, "Data", cell_config_map_data},
    {TY_CORE_SECRET, "Data", cell_secret_data},
    {TY_CORE_RESOURCE_QUOTA, "Request", cell_quota_request},
    {TY_CORE_RESOURCE_QUOTA, "Limit", cell_quota_limit},
    {TY_CORE_COMPONENT_STATUS, "Status", cell_component_status},
    {TY_CORE_COMPONENT_STATUS, "Message", cell_component_message},
    {TY_CORE_COMPONENT_STATUS, "Error", cell_component_error},
    {0, NULL, NULL},
};
