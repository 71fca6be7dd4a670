/* The service `kubernetes`, its endpoints, the range of service addresses, and what tells others of the
 * cluster's authority. */
#include "api/ip.h"
#include "api/json.h"
#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/discovery.h"
#include "api/types/ids.h"
#include "api/types/networking.h"
#include "apiserver/first_objects_priv.h"
#include "apiserver/kubeconfig_file.h"
#include "apiserver/server_priv.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/timefmt.h"
#include "codec/json.h"

#define NAME S("kubernetes")
#define NS S("default")

static void *read_body(const struct kind *k, struct buf *text, struct arena *a) {
    struct err err = ERR_INIT;
    void *body;
    if (api_read_json(a, k->set, k->type, buf_view(text), NULL, &body, &err) < 0)
        panic("first object %.*s: %s", STR_ARG(k->name), err.msg);
    return body;
}

static bool is_there(struct first_batch *b, const struct kind *k, struct str ns, struct str name) {
    struct object *there = first_find(b->server, k, ns, name);
    object_unref(there);
    return there != NULL;
}

static void make_text(struct first_batch *b, unsigned kind, struct str ns, struct str name,
                      struct buf *text) {
    const struct kind *k = &kinds[kind];
    struct arena a = ARENA_INIT;
    if (!is_there(b, k, ns, name))
        first_write(b, k, read_body(k, text, &a), &a, NULL);
}

static const char *family_of(struct str address) {
    return str_find_byte(address, ':') >= 0 ? "IPv6" : "IPv4";
}

static void make_service(struct first_batch *b, const struct first_objects *o) {
    _cleanup_buf struct buf t = BUF_INIT;
    buf_printf(&t,
               "{\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":{\"component\":"
               "\"apiserver\","
               "\"provider\":\"kubernetes\"}},\"spec\":{\"type\":\"ClusterIP\",\"clusterIP\":\"%.*s\","
               "\"clusterIPs\":[\"%.*s\"],\"ipFamilies\":[\"%s\"],\"ipFamilyPolicy\":\"SingleStack\","
               "\"sessionAffinity\":\"None\",\"internalTrafficPolicy\":\"Cluster\","
               "\"ports\":[{\"name\":\"https\",\"protocol\":\"TCP\",\"port\":443,\"targetPort\":%u}]}}",
               STR_ARG(o->service_address), STR_ARG(o->service_address), family_of(o->service_address),
               o->port);
    make_text(b, KIND_CORE_SERVICE, NS, NAME, &t);
}

static void make_cidr(struct first_batch *b, const struct first_objects *o) {
    _cleanup_buf struct buf t = BUF_INIT, cidrs = BUF_INIT;
    char now[TIME_TEXT_SIZE];
    int64_t sec;
    int32_t nsec;
    time_split_ns(clock_wall_ns(b->server->clock), &sec, &nsec);
    (void)time_format(now, sec, 0, TIME_SECONDS);
    struct str rest = o->service_cidr, cidr;
    while (rest.n) {
        str_split(rest, ',', &cidr, &rest);
        buf_printf(&cidrs, "%s\"%.*s\"", cidrs.n ? "," : "", STR_ARG(cidr));
    }
    buf_printf(
        &t,
        "{\"metadata\":{\"name\":\"kubernetes\",\"finalizers\":[\"networking.k8s.io/"
        "service-cidr-finalizer\"]},"
        "\"spec\":{\"cidrs\":[%.*s]},\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\","
        "\"lastTransitionTime\":\"%s\",\"reason\":\"\","
        "\"message\":\"Kubernetes Service CIDR is ready\"}]}}",
        STR_ARG(buf_view(&cidrs)), now);
    make_text(b, KIND_NETWORKING_SERVICE_CIDR, S(""), NAME, &t);
}

/* CONFORMS: where aggregated API servers and nodes that join find the authority. */
static void make_authority(struct first_batch *b, const struct first_objects *o) {
    _cleanup_buf struct buf t = BUF_INIT;
    buf_lit(&t,
            "{\"metadata\":{\"name\":\"extension-apiserver-authentication\",\"namespace\":\"kube-system\"},"
            "\"data\":{\"client-ca-file\":");
    json_write_string(&t, o->ca_pem);
    buf_lit(&t, "}}");
    make_text(b, KIND_CORE_CONFIG_MAP, S("kube-system"), S("extension-apiserver-authentication"), &t);
}

/* Makes the object, or gives the one there the right content. */
static void put_named(struct first_batch *b, unsigned kind, struct str ns, struct str name, struct buf *text,
                      bool (*right)(const struct object *, const struct first_objects *),
                      const struct first_objects *o) {
    const struct kind *k = &kinds[kind];
    struct object *there = first_find(b->server, k, ns, name);
    if (there && right(there, o)) {
        object_unref(there);
        return;
    }
    struct arena a = ARENA_INIT;
    void *body = read_body(k, text, &a);
    struct meta_object_meta *m = object_meta_in(k, body);
    if (there) {
        m->uid = arena_str(&a, there->meta->uid);
        m->creation_timestamp = there->meta->creation_timestamp;
    }
    first_write(b, k, body, &a, there);
    object_unref(there);
}

static bool info_right(const struct object *there, const struct first_objects *o) {
    const struct core_config_map *m = there->body;
    return str_find(str_map_get(m->data, S("kubeconfig")), o->url) >= 0;
}

/* CONFORMS: cluster-info: where the cluster is, for nodes that join; its signatures are a controller's. */
static void make_cluster_info(struct first_batch *b, const struct first_objects *o) {
    _cleanup_buf struct buf config = BUF_INIT, t = BUF_INIT;
    struct kubeconfig_file k = {
        .server = o->url, .cluster = S("kubernetes"), .user = S("none"), .ca_pem = o->ca_pem};
    kubeconfig_file_print(&k, &config);
    buf_lit(
        &t,
        "{\"metadata\":{\"name\":\"cluster-info\",\"namespace\":\"kube-public\"},\"data\":{\"kubeconfig\":");
    json_write_string(&t, buf_view(&config));
    buf_lit(&t, "}}");
    put_named(b, KIND_CORE_CONFIG_MAP, S("kube-public"), S("cluster-info"), &t, info_right, o);
}

void first_kubernetes(struct first_batch *b, const struct first_objects *o) {
    make_service(b, o);
    make_cidr(b, o);
    make_authority(b, o);
    make_cluster_info(b, o);
}

/* -- endpoints -- */

static bool endpoints_right(const struct object *there, const struct first_objects *o) {
    const struct core_endpoints *e = there->body;
    const struct core_endpoint_subset *s = e->subsets.v;
    return e->subsets.n == 1 && s->addresses.n == 1 && str_eq(s->addresses.v[0].ip, o->advertise_address) &&
           s->ports.n == 1 && s->ports.v[0].port == o->port && str_eq(s->ports.v[0].name, S("https"));
}

static bool slice_right(const struct object *there, const struct first_objects *o) {
    const struct discovery_endpoint_slice *e = there->body;
    return e->endpoints.n == 1 && e->endpoints.v[0].addresses.n == 1 &&
           str_eq(e->endpoints.v[0].addresses.v[0], o->advertise_address) && e->ports.n == 1 &&
           e->ports.v[0].port.set && e->ports.v[0].port.v == o->port;
}

void first_endpoints(struct first_batch *b, const struct first_objects *o) {
    _cleanup_buf struct buf t = BUF_INIT, slice = BUF_INIT;
    buf_printf(&t,
               "{\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":"
               "{\"endpointslice.kubernetes.io/"
               "skip-mirror\":\"true\"}},\"subsets\":[{\"addresses\":[{\"ip\":\"%.*s\"}],"
               "\"ports\":[{\"name\":\"https\",\"port\":%u,\"protocol\":\"TCP\"}]}]}",
               STR_ARG(o->advertise_address), o->port);
    put_named(b, KIND_CORE_ENDPOINTS, NS, NAME, &t, endpoints_right, o);
    buf_printf(&slice,
               "{\"metadata\":{\"name\":\"kubernetes\",\"namespace\":\"default\",\"labels\":"
               "{\"kubernetes.io/"
               "service-name\":\"kubernetes\"},\"generation\":1},\"addressType\":\"%s\",\"endpoints\":"
               "[{\"addresses\":[\"%.*s\"],\"conditions\":{\"ready\":true}}],"
               "\"ports\":[{\"name\":\"https\",\"protocol\":\"TCP\",\"port\":%u}]}",
               family_of(o->advertise_address), STR_ARG(o->advertise_address), o->port);
    put_named(b, KIND_DISCOVERY_ENDPOINT_SLICE, NS, NAME, &slice, slice_right, o);
}
