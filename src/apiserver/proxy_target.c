/* Where proxied requests go. See proxy_target.h. */
#include "apiserver/proxy_target.h"

#include "api/ip.h"
#include "api/status.h"
#include "api/types/core.h"
#include "api/types/discovery.h"
#include "api/types/ids.h"
#include "api/types/meta.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/vec.h"
#include "codec/url.h"

#define KUBELET_PORT 10250

struct finding {
    struct apiserver *server;
    const struct access *what;
    struct str query, rest;
    struct arena *arena;
    struct proxy_target *target;
    struct status **ret_status;
};

static int refuse(struct finding *f, struct status *st) {
    *f->ret_status = st;
    return ERR_INVALID;
}

static const struct object *find(struct finding *f, unsigned kind, struct str ns, struct str name) {
    struct object *o = cache_get(cache_of(f->server->cache, &kinds[kind]), ns, name);
    if (o)
        arena_hold(f->arena, object_release_any, o);
    else
        *f->ret_status = status_not_found(f->arena, status_of(&kinds[kind], name));
    return o;
}

/* -- paths -- */

/* CONFORMS: RFC 3986 3.3: what may stand in a path as it is. */
static void put_path(struct buf *out, struct str path) {
    static const char plain[] = "-._~!$&'()*+,;=:@/";
    for (size_t i = 0; i < path.n; i++) {
        unsigned char c = (unsigned char)path.p[i];
        bool letter = (c | 32) >= 'a' && (c | 32) <= 'z', digit = c >= '0' && c <= '9';
        if (letter || digit || (c && memchr(plain, c, sizeof plain - 1)))
            buf_byte(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

static void put_segment(struct buf *out, struct str s) {
    buf_byte(out, '/');
    put_path(out, s);
}

/* Raw pairs may hold what would end the line. */
static bool is_clean(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
            return false;
    return true;
}

static bool is_true(struct str v) {
    return str_eq(v, S("true")) || str_eq(v, S("1")) || str_eq(v, S("True")) || str_eq(v, S("TRUE"));
}

/* The kubelet's names of exec's and attach's options. */
static void put_stream_pair(struct buf *out, struct str key, struct str value, struct str pair,
                            struct translate_streams *streams) {
    const struct {
        struct str ours, theirs;
        bool *has;
    } names[] = {{S("stdin"), S("input"), &streams->in},
                 {S("stdout"), S("output"), &streams->out},
                 {S("stderr"), S("error"), &streams->err},
                 {S("tty"), S("tty"), &streams->tty}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(key, names[i].ours)) {
            if (is_true(value) && !*names[i].has)
                buf_printf(out, "&%.*s=1", STR_ARG(names[i].theirs));
            *names[i].has |= is_true(value);
            return;
        }
    buf_byte(out, '&');
    buf_str(out, pair);
}

/* Appends what the kubelet is to know, with a question mark. streams: of exec and attach, else NULL. */
static void put_query(struct buf *out, struct str query, struct translate_streams *streams) {
    size_t before = out->n;
    while (query.n) {
        struct str pair, key, value;
        str_split(query, '&', &pair, &query);
        str_split(pair, '=', &key, &value);
        if (key.n == 0 || !is_clean(pair) || str_eq(key, S("container")) ||
            str_eq(key, S("insecureSkipTLSVerifyBackend")))
            continue;
        if (streams) {
            put_stream_pair(out, key, value, pair, streams);
        } else {
            buf_byte(out, '&');
            buf_str(out, pair);
        }
    }
    if (out->n > before)
        out->p[before] = '?';
}

/* -- nodes -- */

static struct str address_of(const struct core_node *n, const char *type) {
    for (uint32_t i = 0; i < n->status.addresses.n; i++) {
        const struct core_node_address *a = &n->status.addresses.v[i];
        struct ip ip;
        if (str_eq(a->type, str_from(type)) && ip_parse(a->address, IP_LEGACY, &ip))
            return a->address;
    }
    return STR_NONE;
}

/* The first address of the best type. */
static int to_node(struct finding *f, struct str name) {
    static const char *const types[] = {"InternalIP", "ExternalIP", "Hostname"};
    const struct object *o = find(f, KIND_CORE_NODE, S(""), name);
    if (!o)
        return ERR_NOT_FOUND;
    const struct core_node *n = o->body;
    for (size_t i = 0; i < sizeof types / sizeof *types && !f->target->address.p; i++)
        f->target->address = address_of(n, types[i]);
    int32_t port = n->status.daemon_endpoints.kubelet_endpoint.port;
    f->target->port = (uint16_t)(port > 0 && port < 65536 ? port : KUBELET_PORT);
    f->target->tls = f->target->kubelet = true;
    if (f->target->address.p)
        return 0;
    return refuse(f, status_internal_error(
                         f->arena, arena_printf(f->arena, "node %.*s has no address that can be reached",
                                                STR_ARG(name))));
}

/* -- pods by way of their kubelet -- */

struct containers {
    VEC(struct str) names; /* those a container may be chosen from */
    struct str only;       /* the one that counts when none is named */
};

static struct containers containers_of(struct finding *f, const struct core_pod *p) {
    struct containers c = {.only = STR_NONE};
    for (uint32_t i = 0; i < p->spec.containers.n; i++)
        vec_push_in(f->arena, &c.names, p->spec.containers.v[i].name);
    if (p->spec.containers.n == 1)
        c.only = p->spec.containers.v[0].name;
    for (uint32_t i = 0; i < p->spec.init_containers.n; i++)
        vec_push_in(f->arena, &c.names, p->spec.init_containers.v[i].name);
    for (uint32_t i = 0; i < p->spec.ephemeral_containers.n; i++)
        vec_push_in(f->arena, &c.names, p->spec.ephemeral_containers.v[i].ephemeral_container_common.name);
    return c;
}

static int choose_container(struct finding *f, const struct core_pod *p, struct str *ret) {
    struct containers c = containers_of(f, p);
    struct str asked = url_query(f->arena, f->query, S("container")), pod = p->metadata.name;
    if (asked.n == 0 && c.only.p) {
        *ret = c.only;
        return 0;
    }
    struct str all = arena_join(f->arena, c.names.v, p->spec.containers.n, S(" "));
    if (asked.n == 0)
        return refuse(
            f, status_bad_request(f->arena,
                                  "a container name must be specified for pod %.*s, choose one of: [%.*s]",
                                  STR_ARG(pod), STR_ARG(all)));
    for (size_t i = 0; i < c.names.n; i++)
        if (str_eq(c.names.v[i], asked)) {
            *ret = asked;
            return 0;
        }
    return refuse(f, status_bad_request(f->arena, "container %.*s is not valid for pod %.*s", STR_ARG(asked),
                                        STR_ARG(pod)));
}

static const struct kubelet_path {
    struct str subresource;
    const char *path;
    bool container, streams, upgrade;
} kubelet_paths[] = {
    {STR_INIT("log"), "/containerLogs", true, false, false},
    {STR_INIT("exec"), "/exec", true, true, true},
    {STR_INIT("attach"), "/attach", true, true, true},
    {STR_INIT("portforward"), "/portForward", false, false, true},
};

static int to_kubelet(struct finding *f, const struct kubelet_path *k) {
    const struct object *o = find(f, KIND_CORE_POD, f->what->ns, f->what->name);
    struct str container = STR_NONE;
    if (!o)
        return ERR_NOT_FOUND;
    const struct core_pod *p = o->body;
    int r = k->container ? choose_container(f, p, &container) : 0;
    if (r < 0)
        return r;
    if (p->spec.node_name.n == 0) /* CONFORMS: not an error for logs of pods that wait */
        return refuse(f, status_bad_request(f->arena, "pod %.*s does not have a host assigned",
                                            STR_ARG(f->what->name)));
    r = to_node(f, p->spec.node_name);
    if (r < 0)
        return r;
    _cleanup_buf struct buf path = BUF_INIT;
    buf_str(&path, str_from(k->path));
    put_segment(&path, f->what->ns);
    put_segment(&path, f->what->name);
    if (k->container)
        put_segment(&path, container);
    put_query(&path, f->query, k->streams ? &f->target->streams : NULL);
    f->target->streams_named = k->streams;
    f->target->path = buf_to_arena(&path, f->arena);
    f->target->must_upgrade = k->upgrade;
    return 0;
}

/* -- names with scheme and port -- */

struct named {
    struct str scheme, name, port;
};

/* [scheme:]name[:port] */
static struct named split_name(struct str text) {
    struct named n = {.scheme = S(""), .name = text, .port = S("")};
    struct str first, rest, second, third;
    if (!str_split(text, ':', &first, &rest))
        return n;
    if (str_split(rest, ':', &second, &third))
        return (struct named){first, second, third};
    if (str_eq(first, S("http")) || str_eq(first, S("https")))
        return (struct named){first, rest, S("")};
    return (struct named){S(""), first, rest};
}

static int check_reachable(struct finding *f) {
    struct ip ip;
    if (ip_parse(f->target->address, IP_LEGACY, &ip) && !ip_is_unspecified(ip) && !ip_is_loopback(ip) &&
        !ip_is_link_local(ip) && !ip_is_multicast(ip))
        return 0;
    return refuse(f, status_bad_request(f->arena, "address not allowed"));
}

static void set_rest(struct finding *f) {
    _cleanup_buf struct buf path = BUF_INIT;
    if (f->rest.n == 0 || f->rest.p[0] != '/')
        buf_byte(&path, '/');
    put_path(&path, f->rest);
    if (f->query.n && is_clean(f->query)) {
        buf_byte(&path, '?');
        buf_str(&path, f->query);
    }
    f->target->path = buf_to_arena(&path, f->arena);
}

static bool read_port(struct str text, uint16_t *ret) {
    int64_t v;
    if (!str_to_i64(text, &v) || v < 1 || v > 65535)
        return false;
    *ret = (uint16_t)v;
    return true;
}

/* A port of the pod by name; the first one when none is named. */
static uint16_t pod_port(const struct core_pod *p, struct str name) {
    for (uint32_t i = 0; i < p->spec.containers.n; i++)
        for (uint32_t k = 0; k < p->spec.containers.v[i].ports.n; k++) {
            const struct core_container_port *port = &p->spec.containers.v[i].ports.v[k];
            if (name.n == 0 || str_eq(port->name, name))
                return (uint16_t)port->container_port;
        }
    return name.n == 0 ? 80 : 0;
}

static int pod_proxy(struct finding *f) {
    struct named n = split_name(f->what->name);
    const struct object *o = find(f, KIND_CORE_POD, f->what->ns, n.name);
    if (!o)
        return ERR_NOT_FOUND;
    const struct core_pod *p = o->body;
    if (p->status.pod_ip.n == 0)
        return refuse(f, status_bad_request(f->arena, "pod %.*s has no address yet", STR_ARG(n.name)));
    f->target->address = p->status.pod_ip;
    f->target->tls = str_eq(n.scheme, S("https"));
    if (!read_port(n.port, &f->target->port))
        f->target->port = pod_port(p, n.port);
    if (f->target->port == 0)
        return refuse(
            f, status_bad_request(f->arena, "pod %.*s has no port %.*s", STR_ARG(n.name), STR_ARG(n.port)));
    set_rest(f);
    return check_reachable(f);
}

static int node_proxy(struct finding *f) {
    struct named n = split_name(f->what->name);
    int r = to_node(f, n.name);
    if (r < 0)
        return r;
    uint16_t port;
    if (n.port.n && read_port(n.port, &port) && port != f->target->port) {
        f->target->port = port;
        f->target->kubelet = false;
        f->target->tls = str_eq(n.scheme, S("https"));
    }
    set_rest(f);
    return 0;
}

/* -- services -- */

static const struct core_service_port *service_port(const struct core_service *s, struct str port) {
    uint16_t number = 0;
    (void)read_port(port, &number);
    for (uint32_t i = 0; i < s->spec.ports.n; i++) {
        const struct core_service_port *p = &s->spec.ports.v[i];
        if ((port.n == 0 && s->spec.ports.n == 1) || str_eq(p->name, port) || (number && p->port == number))
            return p;
    }
    return NULL;
}

static uint16_t slice_port(const struct discovery_endpoint_slice *s, struct str name) {
    for (uint32_t i = 0; i < s->ports.n; i++)
        if (s->ports.v[i].port.set && str_eq(s->ports.v[i].name, name))
            return (uint16_t)s->ports.v[i].port.v;
    return 0;
}

static void drop_snapshot(void *snapshot) {
    cache_snapshot_fini(snapshot);
}

/* One of all ready endpoints, each as likely as the others. */
static bool choose_endpoint(struct finding *f, struct str service, struct str port_name) {
    struct cache_snapshot *snapshot = arena_new(f->arena, struct cache_snapshot);
    cache_snapshot(cache_of(f->server->cache, &kinds[KIND_DISCOVERY_ENDPOINT_SLICE]), snapshot);
    arena_hold(f->arena, drop_snapshot, snapshot);
    struct cow_iter it;
    uint64_t seen = 0;
    struct str prefix = arena_join(f->arena, (struct str[]){f->what->ns, S("")}, 2, S("/"));
    cow_foreach (item, &it, cow_prefix(&it, &snapshot->tree, prefix)) {
        const struct discovery_endpoint_slice *s = ((const struct object *)item->value)->body;
        uint16_t port = slice_port(s, port_name);
        if (!port || !str_eq(str_map_get(s->metadata.labels, S("kubernetes.io/service-name")), service))
            continue;
        for (uint32_t i = 0; i < s->endpoints.n; i++) {
            const struct discovery_endpoint *e = &s->endpoints.v[i];
            bool ready = !e->conditions.ready.set || e->conditions.ready.v;
            if (!ready || e->addresses.n == 0 || rand_below(f->server->rand, ++seen) != 0)
                continue;
            f->target->address = e->addresses.v[0];
            f->target->port = port;
        }
    }
    return seen > 0;
}

static int service_proxy(struct finding *f) {
    struct named n = split_name(f->what->name);
    const struct object *o = find(f, KIND_CORE_SERVICE, f->what->ns, n.name);
    if (!o)
        return ERR_NOT_FOUND;
    const struct core_service_port *port = service_port(o->body, n.port);
    if (!port)
        return refuse(
            f, status_unavailable(f->arena,
                                  arena_printf(f->arena, "no service port %.*s found for service \"%.*s\"",
                                               STR_ARG(n.port), STR_ARG(n.name))));
    if (!choose_endpoint(f, n.name, port->name))
        return refuse(f, status_unavailable(
                             f->arena, arena_printf(f->arena, "no endpoints available for service \"%.*s\"",
                                                    STR_ARG(n.name))));
    f->target->tls = str_eq(n.scheme, S("https"));
    set_rest(f);
    return check_reachable(f);
}

int proxy_target_find(struct apiserver *s, const struct request_info *i, struct str query, struct arena *a,
                      struct proxy_target *ret, struct status **ret_status) {
    *ret = (struct proxy_target){.address = STR_NONE};
    struct finding f = {.server = s,
                        .what = &i->access,
                        .query = query,
                        .rest = i->rest,
                        .arena = a,
                        .target = ret,
                        .ret_status = ret_status};
    for (size_t k = 0; k < sizeof kubelet_paths / sizeof *kubelet_paths; k++)
        if (str_eq(i->access.subresource, kubelet_paths[k].subresource))
            return to_kubelet(&f, &kubelet_paths[k]);
    switch (i->kind->hub->index) {
    case KIND_CORE_NODE: return node_proxy(&f);
    case KIND_CORE_SERVICE: return service_proxy(&f);
    default: return pod_proxy(&f);
    }
}
