/* See zone.h: from objects to what is asked for. */
#include "dns/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/object.h"
#include "api/types/core.h"
#include "api/types/discovery.h"
#include "api/value.h"
#include "base/err.h"
#include "base/vec.h"
#include "dns/zone_priv.h"

struct dns_zone *dns_zone_new(const struct dns_zone_options *options) {
    struct dns_zone *z = calloc(1, sizeof *z);
    check(z != NULL);
    z->domain_bytes = dns_name_from_text(options->domain, z->domain);
    z->ttl = options->ttl ? options->ttl : DNS_ZONE_TTL;
    z->services = (struct map)MAP_INIT;
    z->slices = (struct map)MAP_INIT_OWNING;
    z->namespaces = (struct map)MAP_INIT_OWNING;
    z->addresses = (struct map)MAP_INIT;
    for (size_t i = 0; z->domain_bytes && z->domain[i]; i += 1u + z->domain[i])
        z->domain_labels++;
    if (z->domain_labels && z->domain_bytes < 128) // room for the names below it
        return z;
    dns_zone_free(z);
    return NULL;
}

static void service_free(struct zone_service *s) {
    object_unref(s->object);
    for (size_t i = 0; i < s->slices.n; i++)
        object_unref(s->slices.v[i]);
    vec_fini(&s->slices);
    arena_fini(&s->arena);
    free((char *)s->key.p);
    free(s);
}

void dns_zone_free(struct dns_zone *z) {
    if (!z)
        return;
    map_foreach(e, &z->services) service_free(e->value);
    map_foreach(e, &z->addresses) {
        struct zone_owners *o = e->value;
        vec_fini(&o->list);
        free(o);
    }
    map_fini(&z->services);
    map_fini(&z->slices);
    map_fini(&z->namespaces);
    map_fini(&z->addresses);
    free(z);
}

size_t dns_zone_services(const struct dns_zone *z) {
    return map_count(&z->services);
}

/* -- keys -- */

struct key_text {
    char p[2 * (ZONE_LABEL_MAX + 1) + 512];
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* "name.ns" of labels; longer ones can be in no name. STR_NONE then. */
static struct str make_key(struct key_text *k, struct str name, struct str ns) {
    size_t n = 0;
    if (name.n > ZONE_LABEL_MAX || ns.n > ZONE_LABEL_MAX)
        return STR_NONE;
    for (size_t i = 0; i < name.n; i++)
        k->p[n++] = lower(name.p[i]);
    k->p[n++] = '.';
    for (size_t i = 0; i < ns.n; i++)
        k->p[n++] = lower(ns.p[i]);
    return str_make(k->p, n);
}

static struct str slice_key(struct key_text *k, struct str ns, struct str name) {
    int n = snprintf(k->p, sizeof k->p, "%.*s/%.*s", STR_ARG(str_cut(ns, 255)), STR_ARG(str_cut(name, 255)));
    return str_make(k->p, (size_t)n);
}

struct zone_service *zone_find(const struct dns_zone *z, struct str name, struct str ns) {
    struct key_text k;
    struct str key = make_key(&k, name, ns);
    return key.p ? map_get(&z->services, key) : NULL;
}

static struct zone_service *get_service(struct dns_zone *z, struct str name, struct str ns) {
    struct key_text k;
    struct str key = make_key(&k, name, ns);
    if (!key.p)
        return NULL;
    struct zone_service *s = map_get(&z->services, key);
    if (s)
        return s;
    s = calloc(1, sizeof *s);
    char *copy = malloc(key.n);
    check(s != NULL && copy != NULL);
    memcpy(copy, key.p, key.n);
    s->key = str_make(copy, key.n);
    (void)str_split(s->key, '.', &s->name, &s->ns);
    arena_init(&s->arena);
    (void)map_put(&z->services, s->key, s);
    return s;
}

/* -- addresses back to names -- */

static struct str address_key(struct ip ip, uint8_t out[17]) {
    out[0] = ip.family;
    return str_make((const char *)out, 1 + ip_to_bytes(ip, out + 1));
}

const struct zone_owners *zone_owners_of(const struct dns_zone *z, struct ip ip) {
    uint8_t bytes[17];
    return map_get(&z->addresses, address_key(ip, bytes));
}

static void add_owner(struct dns_zone *z, struct ip ip, const struct zone_service *s, struct str host) {
    uint8_t bytes[17];
    struct zone_owners *o = map_get(&z->addresses, address_key(ip, bytes));
    if (!o) {
        o = calloc(1, sizeof *o);
        check(o != NULL);
        (void)map_put(&z->addresses, address_key(ip, o->key), o);
    }
    vec_push(&o->list, ((struct zone_owner){s, host}));
}

static void remove_owner(struct dns_zone *z, struct ip ip, const struct zone_service *s) {
    uint8_t bytes[17];
    struct str key = address_key(ip, bytes);
    struct zone_owners *o = map_get(&z->addresses, key);
    if (!o)
        return;
    for (size_t i = o->list.n; i-- > 0;)
        if (o->list.v[i].service == s)
            vec_remove(&o->list, i);
    if (o->list.n)
        return;
    (void)map_remove(&z->addresses, key);
    vec_fini(&o->list);
    free(o);
}

static void index_addresses(struct dns_zone *z, const struct zone_service *s, bool add) {
    for (uint32_t i = 0; i < s->n_ips; i++) {
        if (add)
            add_owner(z, s->ips[i], s, STR_NONE);
        else
            remove_owner(z, s->ips[i], s);
    }
    for (uint32_t i = 0; i < s->n_endpoints; i++) {
        if (add)
            add_owner(z, s->endpoints[i].ip, s, s->endpoints[i].host);
        else
            remove_owner(z, s->endpoints[i].ip, s);
    }
}

/* -- what is made of a service -- */

static struct str lower_label(struct arena *a, struct str text) {
    char *p = arena_bytes(a, text.n ? text.n : 1);
    for (size_t i = 0; i < text.n; i++)
        p[i] = lower(text.p[i]);
    return str_make(p, text.n);
}

static uint8_t protocol_of(struct str text) {
    return str_eq(text, S("UDP")) ? 'u' : str_eq(text, S("SCTP")) ? 's' : 't';
}

struct ports {
    struct zone_port *v;
    size_t n, cap;
};

static void add_port(struct zone_service *s, struct ports *ports, struct str name, struct str protocol,
                     int32_t port) {
    if (str_empty(name) || name.n > ZONE_LABEL_MAX || port < 1 || port > 65535)
        return; // only named ports have names
    struct zone_port p = {lower_label(&s->arena, name), protocol_of(protocol), (uint16_t)port};
    vec_push_in(&s->arena, ports, p);
}

static void make_cluster(struct zone_service *s, const struct core_service_spec *spec) {
    uint32_t n = spec->cluster_ips.n ? spec->cluster_ips.n : 1;
    const struct str *texts = spec->cluster_ips.n ? spec->cluster_ips.v : &spec->cluster_ip;
    struct ip *ips = arena_new_n(&s->arena, n, struct ip);
    struct ports ports = {.n = 0};
    s->kind = ZONE_CLUSTER;
    for (uint32_t i = 0; i < n; i++)
        s->n_ips += ip_parse(texts[i], IP_LEGACY, &ips[s->n_ips]);
    s->ips = ips;
    for (uint32_t i = 0; i < spec->ports.n; i++)
        add_port(s, &ports, spec->ports.v[i].name, spec->ports.v[i].protocol, spec->ports.v[i].port);
    s->ports = ports.v;
    s->n_ports = (uint32_t)ports.n;
}

struct endpoints {
    struct zone_endpoint *v;
    size_t n, cap;
};

/* The host name it was given, else its address with dashes. */
static struct str host_of(struct zone_service *s, const struct discovery_endpoint *e, struct ip ip) {
    if (!str_empty(e->hostname) && e->hostname.n <= ZONE_LABEL_MAX)
        return lower_label(&s->arena, e->hostname);
    char text[IP_TEXT_MAX];
    size_t n = ip_format(ip, text);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '.' || text[i] == ':')
            text[i] = '-';
    return arena_str(&s->arena, str_make(text, n));
}

static void add_slice(struct zone_service *s, const struct discovery_endpoint_slice *slice,
                      struct endpoints *out, struct ports *ports) {
    uint32_t from = (uint32_t)ports->n;
    for (uint32_t i = 0; i < slice->ports.n; i++)
        add_port(s, ports, slice->ports.v[i].name, slice->ports.v[i].protocol,
                 slice->ports.v[i].port.set ? slice->ports.v[i].port.v : 0);
    for (uint32_t i = 0; i < slice->endpoints.n; i++) {
        const struct discovery_endpoint *e = &slice->endpoints.v[i];
        if (e->conditions.ready.set && !e->conditions.ready.v)
            continue;
        for (uint32_t k = 0; k < e->addresses.n; k++) {
            struct zone_endpoint x = {.ports_from = from, .ports_n = (uint32_t)ports->n - from};
            if (!ip_parse(e->addresses.v[k], IP_LEGACY, &x.ip))
                continue;
            x.host = host_of(s, e, x.ip);
            vec_push_in(&s->arena, out, x);
        }
    }
}

static int by_host(const void *a, const void *b) {
    const struct zone_endpoint *x = a, *y = b;
    int c = str_cmp(x->host, y->host);
    return c ? c : ip_cmp(x->ip, y->ip);
}

static void make_headless(struct zone_service *s) {
    struct endpoints out = {.n = 0};
    struct ports ports = {.n = 0};
    s->kind = ZONE_HEADLESS;
    for (size_t i = 0; i < s->slices.n; i++)
        add_slice(s, s->slices.v[i]->body, &out, &ports);
    if (out.n > 1)
        qsort(out.v, out.n, sizeof *out.v, by_host);
    s->endpoints = out.v;
    s->n_endpoints = (uint32_t)out.n;
    s->ports = ports.v;
    s->n_ports = (uint32_t)ports.n;
}

static void make_alias(struct zone_service *s, struct str to) {
    uint8_t name[DNS_NAME_MAX];
    size_t n = dns_name_from_text(to, name);
    s->kind = ZONE_ALIAS;
    if (!n)
        return;
    uint8_t *copy = arena_alloc(&s->arena, n);
    memcpy(copy, name, n);
    s->alias = copy;
    s->alias_bytes = n;
}

static void remake(struct dns_zone *z, struct zone_service *s) {
    const struct core_service *service = s->object ? s->object->body : NULL;
    index_addresses(z, s, false);
    arena_fini(&s->arena);
    arena_init(&s->arena);
    s->kind = ZONE_NONE;
    s->n_ips = s->n_ports = s->n_endpoints = 0;
    s->alias = NULL;
    s->alias_bytes = 0;
    if (!service && !s->slices.n) {
        (void)map_remove(&z->services, s->key);
        service_free(s);
        return;
    }
    if (!service)
        return;
    if (str_eq(service->spec.type, S("ExternalName")))
        make_alias(s, service->spec.external_name);
    else if (str_eq(service->spec.cluster_ip, S("None")))
        make_headless(s);
    else if (!str_empty(service->spec.cluster_ip))
        make_cluster(s, &service->spec);
    index_addresses(z, s, true);
}

uint32_t zone_host(const struct zone_service *s, struct str host, uint32_t *ret_first) {
    uint32_t low = 0, high = s->n_endpoints;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (str_cmp(s->endpoints[mid].host, host) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_first = low;
    while (high < s->n_endpoints && str_eq(s->endpoints[high].host, host))
        high++;
    return high - low;
}

/* -- objects -- */

void dns_zone_put_service(struct dns_zone *z, const struct object *service) {
    struct zone_service *s = get_service(z, service->meta->name, service->meta->namespace);
    if (!s)
        return;
    const struct object *old = s->object;
    s->object = object_ref(service);
    object_unref(old);
    remake(z, s);
}

void dns_zone_remove_service(struct dns_zone *z, struct str ns, struct str name) {
    struct zone_service *s = zone_find(z, name, ns);
    if (!s || !s->object)
        return;
    object_unref(s->object);
    s->object = NULL;
    remake(z, s);
}

void dns_zone_put_slice(struct dns_zone *z, const struct object *slice) {
    struct str ns = slice->meta->namespace, name = slice->meta->name;
    struct str owner = str_map_get(slice->meta->labels, S("kubernetes.io/service-name"));
    struct key_text k;
    dns_zone_remove_slice(z, ns, name);
    struct zone_service *s = str_empty(owner) ? NULL : get_service(z, owner, ns);
    if (!s)
        return;
    vec_push(&s->slices, object_ref(slice));
    (void)map_put(&z->slices, slice_key(&k, ns, name), s);
    remake(z, s);
}

void dns_zone_remove_slice(struct dns_zone *z, struct str ns, struct str name) {
    struct key_text k;
    struct zone_service *s = map_take(&z->slices, slice_key(&k, ns, name));
    if (!s)
        return;
    for (size_t i = 0; i < s->slices.n; i++)
        if (str_eq(s->slices.v[i]->meta->name, name)) {
            object_unref(s->slices.v[i]);
            vec_remove(&s->slices, i);
            break;
        }
    remake(z, s);
}

void dns_zone_put_namespace(struct dns_zone *z, struct str name) {
    map_put_u64(&z->namespaces, name, 1);
}

void dns_zone_remove_namespace(struct dns_zone *z, struct str name) {
    (void)map_remove(&z->namespaces, name);
}

void dns_zone_set_namespaces_known(struct dns_zone *z) {
    z->namespaces_known = true;
}
