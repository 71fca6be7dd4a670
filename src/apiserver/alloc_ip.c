/* ClusterIPs. See alloc_ip.h. */
#include "apiserver/alloc_ip.h"

#include <stdlib.h>

#include "api/meta.h"
#include "api/types/core.h"
#include "api/types/ids.h"
#include "api/types/networking.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/thread.h"
#include "base/vec.h"

#define FAMILY_LABEL S("ipaddress.kubernetes.io/ip-family")
#define MANAGER_LABEL S("ipaddress.kubernetes.io/managed-by")
#define MANAGER S("ipallocator.k8s.io")
#define RANGES_MAX 64u

struct hold {
    struct ip ip;
    const void *holder;
};

struct service_ips {
    struct apiserver *server;
    struct cidr ranges[2];
    unsigned n_ranges;
    struct mutex lock;
    struct map taken; /* addresses of stored services, as text */
    VEC(struct hold) held;
};

static int parse_range(struct service_ips *s, struct str text, struct err *err) {
    struct cidr c;
    struct ip_range hosts;
    if (s->n_ranges == 2 || !cidr_parse(str_trim(text), IP_STRICT, &c) || !cidr_hosts(c, &hosts))
        return err_set(
            err, ERR_INVALID,
            "service IP range \"%.*s\": give one network such as 10.96.0.0/12, or one of each family "
            "with a comma between them",
            STR_ARG(text));
    if (s->n_ranges && s->ranges[0].ip.family == c.ip.family)
        return err_set(err, ERR_INVALID, "service IP range: both networks are IPv%d", c.ip.family);
    s->ranges[s->n_ranges++] = c;
    return 0;
}

int service_ips_new(struct apiserver *server, struct str range, struct service_ips **ret, struct err *err) {
    struct service_ips *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    *s = (struct service_ips){.server = server, .taken = MAP_INIT_OWNING};
    mutex_init(&s->lock);
    struct str one;
    bool more = true;
    int r = 0;
    while (r == 0 && more) {
        more = str_split(range, ',', &one, &range);
        r = parse_range(s, one, err);
    }
    if (r < 0) {
        service_ips_free(s);
        return r;
    }
    *ret = s;
    return 0;
}

void service_ips_free(struct service_ips *s) {
    if (!s)
        return;
    map_fini(&s->taken);
    vec_fini(&s->held);
    mutex_fini(&s->lock);
    free(s);
}

int service_ips_family(const struct service_ips *s, unsigned i) {
    return i < s->n_ranges ? s->ranges[i].ip.family : 0;
}

struct cidr service_ips_range(const struct service_ips *s, int family) {
    unsigned i = s->n_ranges > 1 && s->ranges[1].ip.family == family;
    return s->ranges[i];
}

/* -- the networks: that of the server, and those of ServiceCIDR objects -- */

static bool is_ready(const struct networking_service_cidr *c) {
    if (c->metadata.deletion_timestamp.set)
        return false;
    for (uint32_t i = 0; i < c->status.conditions.n; i++)
        if (str_eq(c->status.conditions.v[i].type, S("Ready")))
            return str_eq(c->status.conditions.v[i].status, S("True"));
    return true;
}

static unsigned add_range(struct cidr *ranges, unsigned n, struct cidr c) {
    for (unsigned i = 0; i < n; i++)
        if (cidr_cmp(ranges[i], c) == 0)
            return n;
    if (n < RANGES_MAX)
        ranges[n++] = c;
    return n;
}

/* Of one family; the server's own comes first. */
static unsigned ranges_of(struct service_ips *s, int family, struct cidr ranges[RANGES_MAX]) {
    unsigned n = 0;
    for (unsigned i = 0; i < s->n_ranges; i++)
        if (s->ranges[i].ip.family == family)
            n = add_range(ranges, n, s->ranges[i]);
    struct cache_snapshot snap;
    cache_snapshot(cache_of(s->server->cache, &kinds[KIND_NETWORKING_SERVICE_CIDR]), &snap);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &snap.tree)) {
        const struct networking_service_cidr *o = ((const struct object *)item->value)->body;
        struct cidr c;
        for (uint32_t i = 0; is_ready(o) && i < o->spec.cidrs.n; i++)
            if (cidr_parse(o->spec.cidrs.v[i], IP_LEGACY, &c) && c.ip.family == family)
                n = add_range(ranges, n, c);
    }
    cache_snapshot_fini(&snap);
    return n;
}

/* -- who has it -- */

static bool is_stored(struct service_ips *s, struct str text) {
    if (map_has(&s->taken, text))
        return true;
    struct object *o = cache_get(cache_of(s->server->cache, &kinds[KIND_NETWORKING_IP_ADDRESS]), S(""), text);
    object_unref(o);
    return o != NULL;
}

static const struct hold *hold_of(const struct service_ips *s, struct ip ip) {
    vec_foreach (h, &s->held)
        if (ip_equal(h->ip, ip))
            return h;
    return NULL;
}

static bool is_taken(struct service_ips *s, struct ip ip) {
    char text[IP_TEXT_MAX];
    size_t n = ip_format(ip, text);
    return hold_of(s, ip) || is_stored(s, str_make(text, n));
}

static void hold(struct service_ips *s, struct ip ip, const void *holder) {
    struct hold h = {.ip = ip, .holder = holder};
    vec_push(&s->held, h);
}

/* Removes the holds of a call, or of an address when ip is given. */
static void unhold(struct service_ips *s, const void *holder, const struct ip *ip) {
    for (size_t i = s->held.n; i-- > 0;)
        if (ip ? ip_equal(s->held.v[i].ip, *ip) : s->held.v[i].holder == holder)
            vec_remove(&s->held, i);
}

/* -- taking -- */

static bool in_a_range(struct service_ips *s, struct ip ip) {
    struct cidr ranges[RANGES_MAX];
    unsigned n = ranges_of(s, ip.family, ranges);
    struct ip_range hosts;
    for (unsigned i = 0; i < n; i++)
        if (cidr_hosts(ranges[i], &hosts) && ip_range_contains(hosts, ip))
            return true;
    return false;
}

int service_ips_take(struct service_ips *s, struct ip ip, const void *holder, struct err *err) {
    char text[IP_TEXT_MAX], range[CIDR_TEXT_MAX];
    (void)ip_format(ip, text);
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    if (!in_a_range(s, ip)) {
        cidr_format(service_ips_range(s, ip.family), range);
        return err_set(err, ERR_INVALID,
                       "the provided IP (%s) is not in the valid range. The range of valid IPs is %s", text,
                       range);
    }
    const struct hold *h = hold_of(s, ip);
    if (h && h->holder == holder)
        return 0;
    if (h || is_stored(s, str_from(text)))
        return err_set(err, ERR_EXISTS, "provided IP is already allocated");
    hold(s, ip, holder);
    return 0;
}

/* Addresses at the beginning that are left for those who choose. CONFORMS: KEP-3070. */
static uint64_t static_band(uint64_t size) {
    if (size < 16)
        return 0;
    uint64_t n = size / 16;
    return n < 16 ? 16 : n > 256 ? 256 : n;
}

/* The first free address of [from, to), looking from a place at random on, around the end. */
static bool find_free(struct service_ips *s, struct ip first, uint64_t from, uint64_t to, struct ip *ret) {
    if (from >= to)
        return false;
    uint64_t n = to - from, start = rand_below(s->server->rand, n);
    for (uint64_t i = 0; i < n; i++) {
        struct ip ip;
        if (ip_add(first, from + (start + i) % n, &ip) && !is_taken(s, ip)) {
            *ret = ip;
            return true;
        }
    }
    return false;
}

static bool find_in(struct service_ips *s, struct cidr c, struct ip *ret) {
    struct ip_range hosts;
    if (!cidr_hosts(c, &hosts))
        return false;
    uint64_t size = ip_range_size(hosts), band = static_band(size);
    return find_free(s, hosts.first, band, size, ret) || find_free(s, hosts.first, 0, band, ret);
}

int service_ips_take_any(struct service_ips *s, int family, const void *holder, struct ip *ret_ip,
                         struct err *err) {
    struct cidr ranges[RANGES_MAX];
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    unsigned n = ranges_of(s, family, ranges);
    for (unsigned i = 0; i < n; i++)
        if (find_in(s, ranges[i], ret_ip)) {
            hold(s, *ret_ip, holder);
            return 0;
        }
    return err_set(err, ERR_NO_SPACE, "range is full");
}

void service_ips_drop(struct service_ips *s, const void *holder) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    unhold(s, holder, NULL);
}

/* -- the objects -- */

static void ignore_outcome(void *arg, int code, const struct object *object, const struct err *err) {
    (void)arg, (void)code, (void)object, (void)err; /* what fails is repaired later */
}

static void fill_object(struct service_ips *s, struct arena *a, struct networking_ip_address *o,
                        struct str text, struct str ns, struct str name) {
    char uuid[RAND_UUID_SIZE];
    rand_uuid(s->server->rand, uuid);
    bool is_v6 = str_find_byte(text, ':') >= 0;
    o->metadata.name = arena_str(a, text);
    o->metadata.uid = arena_str(a, str_from(uuid));
    o->metadata.creation_timestamp = (struct timestamp){.sec = clock_wall_sec(s->server->clock), .set = true};
    o->metadata.labels = str_map_with(a, o->metadata.labels, FAMILY_LABEL, is_v6 ? S("IPv6") : S("IPv4"));
    o->metadata.labels = str_map_with(a, o->metadata.labels, MANAGER_LABEL, MANAGER);
    o->spec.parent_ref = arena_new(a, struct networking_parent_reference);
    *o->spec.parent_ref = (struct networking_parent_reference){
        .group = S(""),
        .resource = S("services"),
        .namespace = arena_str(a, ns),
        .name = arena_str(a, name),
    };
}

static void create_object(struct service_ips *s, struct str text, struct str ns, struct str name) {
    struct arena a = ARENA_INIT;
    struct networking_ip_address *o = arena_new(&a, struct networking_ip_address);
    fill_object(s, &a, o, text, ns, name);
    (void)cache_submit(s->server->cache,
                       &(struct cache_write){
                           .op = CACHE_CREATE,
                           .kind = &kinds[KIND_NETWORKING_IP_ADDRESS],
                           .name = o->metadata.name,
                           .body = o,
                           .arena = &a,
                           .done = ignore_outcome,
                       },
                       NULL);
}

static void delete_object(struct service_ips *s, const struct object *o) {
    (void)cache_submit(s->server->cache,
                       &(struct cache_write){
                           .op = CACHE_DELETE,
                           .kind = &kinds[KIND_NETWORKING_IP_ADDRESS],
                           .name = o->meta->name,
                           .expect_rv = o->rv,
                           .done = ignore_outcome,
                       },
                       NULL);
}

static bool belongs_to(const struct object *o, struct str ns, struct str name) {
    const struct networking_parent_reference *p =
        ((const struct networking_ip_address *)o->body)->spec.parent_ref;
    return p && str_empty(p->group) && str_eq(p->resource, S("services")) && str_eq(p->namespace, ns) &&
           str_eq(p->name, name);
}

static struct object *object_of(struct service_ips *s, struct str text) {
    return cache_get(cache_of(s->server->cache, &kinds[KIND_NETWORKING_IP_ADDRESS]), S(""), text);
}

void service_ips_stored(struct service_ips *s, struct ip ip, struct str ns, struct str name) {
    char buf[IP_TEXT_MAX];
    struct str text = str_make(buf, ip_format(ip, buf));
    mutex_lock(&s->lock);
    bool is_new = false;
    map_upsert(&s->taken, text, &is_new)->u64 = 1;
    unhold(s, NULL, &ip);
    mutex_unlock(&s->lock);
    struct object *o = is_new ? object_of(s, text) : NULL;
    if (is_new && !o)
        create_object(s, text, ns, name);
    object_unref(o);
}

void service_ips_released(struct service_ips *s, struct ip ip, struct str ns, struct str name) {
    char buf[IP_TEXT_MAX];
    struct str text = str_make(buf, ip_format(ip, buf));
    mutex_lock(&s->lock);
    (void)map_remove(&s->taken, text);
    struct object *o = object_of(s, text);
    if (o && belongs_to(o, ns, name))
        delete_object(s, o);
    mutex_unlock(&s->lock);
    object_unref(o);
}

uint64_t service_ips_count(struct service_ips *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    return map_count(&s->taken) + s->held.n;
}

/* -- repair -- */

static void take_stored(struct service_ips *s, const struct object *service, const struct cow *addresses) {
    const struct core_service *o = service->body;
    struct ip ip;
    for (uint32_t i = 0; i < o->spec.cluster_ips.n; i++) {
        char buf[IP_TEXT_MAX];
        if (!ip_parse(o->spec.cluster_ips.v[i], IP_LEGACY, &ip))
            continue; /* None */
        struct str text = str_make(buf, ip_format(ip, buf));
        map_put_u64(&s->taken, text, 1);
        unhold(s, NULL, &ip);
        if (!cow_get(addresses, text))
            create_object(s, text, o->metadata.namespace, o->metadata.name);
    }
}

/* Addresses that were made here and whose service is gone. */
static void delete_leaked(struct service_ips *s, const struct cow *addresses) {
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, addresses)) {
        const struct object *o = item->value;
        if (!map_has(&s->taken, o->meta->name) &&
            str_eq(str_map_get(o->meta->labels, MANAGER_LABEL), MANAGER))
            delete_object(s, o);
    }
}

/* The addresses are read first: an address is stored after its service, so one whose service is not there
 * later has lost it. */
void service_ips_repair(struct service_ips *s) {
    struct cache_snapshot addresses, services;
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    cache_snapshot(cache_of(s->server->cache, &kinds[KIND_NETWORKING_IP_ADDRESS]), &addresses);
    cache_snapshot(cache_of(s->server->cache, &kinds[KIND_CORE_SERVICE]), &services);
    map_clear(&s->taken);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &services.tree))
        take_stored(s, item->value, &addresses.tree);
    delete_leaked(s, &addresses.tree);
    cache_snapshot_fini(&addresses);
    cache_snapshot_fini(&services);
}
