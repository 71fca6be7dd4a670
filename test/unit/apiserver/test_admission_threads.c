/* Admission and allocation with real threads: quotas hold, addresses and ports are unique. */
#include <stdatomic.h>
#include <stdio.h>

#include "api/types/core.h"
#include "api/types/ids.h"
#include "apiserver/admission.h"
#include "apiserver/alloc_ip.h"
#include "apiserver/alloc_port.h"
#include "apiserver/authz.h"
#include "apiserver/cache.h"
#include "apiserver/client_local.h"
#include "apiserver/server_priv.h"
#include "apiserver/user.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/map.h"
#include "base/rand.h"
#include "base/thread.h"
#include "client/client.h"
#include "store/store.h"
#include "unit/unit.h"

#define WRITERS 6
#define ROUNDS 10 /* of each writer */
#define LOOPS 2
#define HARD 25

struct threads {
    struct apiserver server;
    struct loop *loops[LOOPS];
    struct client *clients[LOOPS];
    atomic_uint next, made, refused;
};

static void start(struct threads *t) {
    static struct str masters[] = {STR_INIT("system:masters")};
    struct err err = ERR_INIT;
    struct user user = {.name = S("admin"), .uid = S(""), .groups = {masters, 1}};
    struct apiserver *s = &t->server;
    *s = (struct apiserver){.store = store_memory_new(false), .clock = clock_system(), .rand = rand_system()};
    assert_ok(cache_open(s->store, &s->cache, &err), &err);
    assert_ok(authz_new(s->cache, &s->authz, &err), &err);
    assert_ok(service_ips_new(s, S("10.96.0.0/24"), &s->service_ips, &err), &err);
    assert_ok(service_ports_new(s, S("30000-30063"), &s->service_ports, &err), &err);
    s->admission = admission_new(s);
    for (int i = 0; i < LOOPS; i++) {
        assert_ok(loop_start(&(struct loop_options){.name = "calls"}, &t->loops[i], &err), &err);
        assert_ok(client_local_new(s, &user, t->loops[i], &t->clients[i], &err), &err);
    }
    struct core_namespace ns = {.metadata = {.name = S("ns")}};
    assert_ok(client_create(t->clients[0], &kinds[KIND_CORE_NAMESPACE], S(""), &ns, NULL, &err), &err);
}

static void stop(struct threads *t) {
    for (int i = 0; i < LOOPS; i++)
        client_free(t->clients[i]);
    for (int i = 0; i < LOOPS; i++)
        loop_stop(t->loops[i]);
    admission_free(t->server.admission);
    service_ips_free(t->server.service_ips);
    service_ports_free(t->server.service_ports);
    authz_free(t->server.authz);
    cache_close(t->server.cache);
    store_close(t->server.store);
}

static void run(struct threads *t, void (*work)(void *arg)) {
    struct thread writers[WRITERS];
    struct err err = ERR_INIT;
    for (int i = 0; i < WRITERS; i++)
        assert_ok(thread_start(&writers[i], &(struct thread_options){.name = "writer"}, work, t, &err), &err);
    for (int i = 0; i < WRITERS; i++)
        thread_join(&writers[i]);
}

/* -- quotas -- */

static void make_maps(void *arg) {
    struct threads *t = arg;
    unsigned mine = atomic_fetch_add(&t->next, 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        struct err err = ERR_INIT;
        (void)snprintf(name, sizeof name, "m-%u-%u", mine, i);
        struct core_config_map m = {.metadata = {.name = str_from(name), .namespace = S("ns")}};
        int code =
            client_create(t->clients[mine % LOOPS], &kinds[KIND_CORE_CONFIG_MAP], S("ns"), &m, NULL, &err);
        check(code == 0 || code == ERR_FORBIDDEN);
        atomic_fetch_add(code == 0 ? &t->made : &t->refused, 1);
    }
}

TEST(test_admission_threads__quotas_hold) {
    static struct threads t;
    struct err err = ERR_INIT;
    start(&t);
    struct quantity_entry hard = {.key = S("configmaps"), .value = {.units = HARD, .set = true}};
    struct core_resource_quota q = {.metadata = {.name = S("q"), .namespace = S("ns")},
                                    .spec = {.hard = {&hard, 1}}};
    assert_ok(client_create(t.clients[0], &kinds[KIND_CORE_RESOURCE_QUOTA], S("ns"), &q, NULL, &err), &err);
    run(&t, make_maps);
    assert_int_equal(atomic_load(&t.made), HARD);
    assert_int_equal(atomic_load(&t.refused), WRITERS * ROUNDS - HARD);
    struct object *o = NULL;
    assert_ok(client_get(t.clients[0], &kinds[KIND_CORE_RESOURCE_QUOTA], S("ns"), S("q"), &o, &err), &err);
    const struct quantity *used =
        quantity_map_get(((const struct core_resource_quota *)o->body)->status.used, S("configmaps"));
    assert_non_null(used);
    assert_int_equal(used->units, HARD);
    object_unref(o);
    stop(&t);
}

/* -- services -- */

static void make_services(void *arg) {
    struct threads *t = arg;
    unsigned mine = atomic_fetch_add(&t->next, 1);
    struct client *c = t->clients[mine % LOOPS];
    for (unsigned i = 0; i < ROUNDS; i++) {
        char name[32];
        struct err err = ERR_INIT;
        (void)snprintf(name, sizeof name, "s-%u-%u", mine, i);
        struct core_service_port port = {
            .port = 80, .protocol = S("TCP"), .target_port = {.i = 80, .set = true}};
        struct core_service s = {.metadata = {.name = str_from(name), .namespace = S("ns")},
                                 .spec = {.type = S("NodePort"), .ports = {&port, 1}}};
        int code = client_create(c, &kinds[KIND_CORE_SERVICE], S("ns"), &s, NULL, &err);
        if (code)
            panic("%s", err.msg);
        if (i % 3 == 0)
            check(client_delete(c, &kinds[KIND_CORE_SERVICE], S("ns"), str_from(name), NULL, &err) == 0);
    }
}

static void no_two(struct map *seen, struct str key) {
    assert_false(map_has(seen, key));
    map_put_u64(seen, key, 1);
}

TEST(test_admission_threads__addresses_and_ports_are_unique) {
    static struct threads t;
    start(&t);
    run(&t, make_services);
    struct cache_snapshot s;
    struct cow_iter it;
    struct map seen = MAP_INIT_OWNING;
    cache_snapshot(cache_of(t.server.cache, &kinds[KIND_CORE_SERVICE]), &s);
    cow_foreach (item, &it, cow_all(&it, &s.tree)) {
        const struct core_service *o = ((const struct object *)item->value)->body;
        char port[16];
        (void)snprintf(port, sizeof port, "%d", o->spec.ports.v[0].node_port);
        no_two(&seen, o->spec.cluster_ip);
        no_two(&seen, str_from(port));
    }
    uint64_t n = cow_count(&s.tree);
    cache_snapshot_fini(&s);
    map_fini(&seen);
    assert_int_equal(n, WRITERS * (ROUNDS - (ROUNDS + 2) / 3));
    assert_int_equal(service_ips_count(t.server.service_ips), n);
    assert_int_equal(service_ports_count(t.server.service_ports), n);
    stop(&t);
}
