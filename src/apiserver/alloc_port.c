/* NodePorts. See alloc_port.h. */
#include "apiserver/alloc_port.h"

#include <stdlib.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/cache.h"
#include "apiserver/server_priv.h"
#include "base/err.h"
#include "base/rand.h"
#include "base/thread.h"
#include "base/vec.h"

struct hold {
    int port;
    const void *holder;
};

struct service_ports {
    struct apiserver *server;
    int first, last;
    struct mutex lock;
    uint8_t used[65536 / 8]; /* by stored services; ports out of the range too */
    VEC(struct hold) held;
};

int service_ports_new(struct apiserver *server, struct str range, struct service_ports **ret,
                      struct err *err) {
    struct str low, high;
    int64_t first, last;
    if (!str_split(range, '-', &low, &high) || !str_to_i64(low, &first) || !str_to_i64(high, &last) ||
        first < 1 || last < first || last > 65535)
        return err_set(err, ERR_INVALID, "node port range \"%.*s\": give two ports, such as 30000-32767",
                       STR_ARG(range));
    struct service_ports *s = calloc(1, sizeof *s);
    if (!s)
        panic("out of memory");
    s->server = server;
    s->first = (int)first;
    s->last = (int)last;
    mutex_init(&s->lock);
    *ret = s;
    return 0;
}

void service_ports_free(struct service_ports *s) {
    if (!s)
        return;
    vec_fini(&s->held);
    mutex_fini(&s->lock);
    free(s);
}

static bool is_used(const struct service_ports *s, int port) {
    return s->used[port / 8] >> (port % 8) & 1;
}

static void set_used(struct service_ports *s, int port, bool used) {
    if (port < 1 || port > 65535)
        return;
    uint8_t bit = (uint8_t)(1u << (port % 8));
    if (used)
        s->used[port / 8] |= bit;
    else
        s->used[port / 8] &= (uint8_t)~bit;
}

static const struct hold *hold_of(const struct service_ports *s, int port) {
    vec_foreach (h, &s->held)
        if (h->port == port)
            return h;
    return NULL;
}

static void hold(struct service_ports *s, int port, const void *holder) {
    struct hold h = {.port = port, .holder = holder};
    vec_push(&s->held, h);
}

int service_ports_take(struct service_ports *s, int port, const void *holder, struct err *err) {
    if (port < s->first || port > s->last)
        return err_set(err, ERR_INVALID,
                       "provided port is not in the valid range. The range of valid ports is %d-%d", s->first,
                       s->last);
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    const struct hold *h = hold_of(s, port);
    if (h && h->holder == holder)
        return 0;
    if (h || is_used(s, port))
        return err_set(err, ERR_EXISTS, "provided port is already allocated");
    hold(s, port, holder);
    return 0;
}

/* Ports at the beginning that are left for those who choose. CONFORMS: KEP-3668. */
static int static_band(int size) {
    if (size < 16)
        return 0;
    int n = size / 32;
    return n < 16 ? 16 : n > 128 ? 128 : n;
}

static bool find_free(struct service_ports *s, int from, int to, int *ret_port) {
    if (from >= to)
        return false;
    int n = to - from, start = (int)rand_below(s->server->rand, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        int port = from + (start + i) % n;
        if (!is_used(s, port) && !hold_of(s, port)) {
            *ret_port = port;
            return true;
        }
    }
    return false;
}

int service_ports_take_any(struct service_ports *s, const void *holder, int *ret_port, struct err *err) {
    int band = s->first + static_band(s->last - s->first + 1);
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    if (!find_free(s, band, s->last + 1, ret_port) && !find_free(s, s->first, band, ret_port))
        return err_set(err, ERR_NO_SPACE, "range is full");
    hold(s, *ret_port, holder);
    return 0;
}

void service_ports_drop(struct service_ports *s, const void *holder) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    for (size_t i = s->held.n; i-- > 0;)
        if (s->held.v[i].holder == holder)
            vec_remove(&s->held, i);
}

static void store_port(struct service_ports *s, int port) {
    set_used(s, port, true);
    for (size_t i = s->held.n; i-- > 0;)
        if (s->held.v[i].port == port)
            vec_remove(&s->held, i);
}

void service_ports_stored(struct service_ports *s, int port) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    store_port(s, port);
}

void service_ports_released(struct service_ports *s, int port) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    set_used(s, port, false);
}

void service_ports_repair(struct service_ports *s) {
    struct cache_snapshot services;
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    cache_snapshot(cache_of(s->server->cache, &kinds[KIND_CORE_SERVICE]), &services);
    memset(s->used, 0, sizeof s->used);
    struct cow_iter it;
    cow_foreach (item, &it, cow_all(&it, &services.tree)) {
        const struct core_service_spec *spec =
            &((const struct core_service *)((const struct object *)item->value)->body)->spec;
        for (uint32_t i = 0; i < spec->ports.n; i++)
            store_port(s, spec->ports.v[i].node_port);
        store_port(s, spec->health_check_node_port);
    }
    cache_snapshot_fini(&services);
}

unsigned service_ports_count(struct service_ports *s) {
    _cleanup_unlock struct mutex *held = mutex_hold(&s->lock);
    unsigned n = (unsigned)s->held.n;
    for (int port = 1; port < 65536; port++)
        n += is_used(s, port);
    return n;
}
