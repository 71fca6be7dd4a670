/* Runs the parts of network/ on objects from files, for tests in network namespaces:
 *
 *     driver overlay NODE MODE FILE     FILE: a JSON list of Node objects
 *     driver proxy NODE                 reads names of two files, of Services and EndpointSlices, from each
 * line of standard input, applies them, prints the plan and "done"
 *     driver node NODE FILE             the node's network and DNS on an API in memory, see driver.h
 */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json.h"
#include "api/object.h"
#include "api/types/core.h"
#include "api/types/discovery.h"
#include "api/types/ids.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/map.h"
#include "network/netlink.h"
#include "network/overlay.h"
#include "network/proxy.h"
#include "network/proxy_apply.h"

#include "driver.h"

static struct arena keep = ARENA_INIT;

static void fail(const struct err *err) {
    fprintf(stderr, "driver: %s\n", err->msg);
    exit(1);
}

static struct str read_text(const char *path) {
    struct buf b = BUF_INIT;
    struct err err = ERR_INIT;
    if (file_read(path, 64u << 20, &b, &err))
        fail(&err);
    struct str text = buf_to_arena(&b, &keep);
    buf_fini(&b);
    return text;
}

/* A list object of that type. */
static void *read_list(const char *path, uint32_t type) {
    void *list;
    struct err err = ERR_INIT;
    if (api_read_json(&keep, &builtin, type, read_text(path), NULL, &list, &err))
        fail(&err);
    return list;
}

static int run_overlay(char **argv) {
    const struct core_node_list *list = read_list(argv[2], TY_CORE_NODE_LIST);
    struct overlay_node *nodes = arena_new_n(&keep, list->items.n, struct overlay_node);
    size_t n = 0;
    for (uint32_t i = 0; i < list->items.n; i++)
        n += overlay_node_of(&list->items.v[i], &nodes[n]);
    struct overlay_config c = {.self = str_from(argv[0]), .mode = (enum overlay_mode)(argv[1][0] - '0')};
    static struct netlink nl = NETLINK_INIT;
    struct err err = ERR_INIT;
    if (netlink_open(&nl, NETLINK_ROUTE, &err) || overlay_apply(&nl, &c, nodes, n, &err))
        fail(&err);
    uint32_t mtu;
    for (size_t i = 0; i < n; i++)
        if (str_eq(nodes[i].name, c.self) && overlay_mtu(&nl, nodes[i].ip, c.mode, &mtu, &err) == 0)
            printf("%u\n", mtu);
    netlink_close(&nl);
    return 0;
}

/* -- proxy -- */

struct known {
    struct map services, slices; /* "ns/name" → 1 */
};

static struct str name_of(const struct meta_object_meta *m) {
    return arena_printf(&keep, "%.*s/%.*s", STR_ARG(m->namespace), STR_ARG(m->name));
}

static struct object *freeze(const struct kind *kind, uint32_t type, const void *body) {
    struct arena a = ARENA_INIT;
    return object_freeze(kind, api_copy(&a, &builtin, type, body), &a);
}

/* What is known and not named any more goes. */
static void remove_others(struct proxy *p, struct map *before, const struct map *now, bool services) {
    map_foreach(e, before) {
        struct str ns, name;
        if (map_has(now, e->key))
            continue;
        (void)str_split(e->key, '/', &ns, &name);
        if (services)
            proxy_remove_service(p, ns, name);
        else
            proxy_remove_slice(p, ns, name);
    }
    map_fini(before);
    *before = *now;
}

static void load(struct proxy *p, struct known *k, const char *services, const char *slices) {
    const struct core_service_list *a = read_list(services, TY_CORE_SERVICE_LIST);
    const struct discovery_endpoint_slice_list *b = read_list(slices, TY_DISCOVERY_ENDPOINT_SLICE_LIST);
    struct map now = MAP_INIT, now_slices = MAP_INIT;
    for (uint32_t i = 0; i < a->items.n; i++) {
        struct object *o = freeze(&kinds[KIND_CORE_SERVICE], TY_CORE_SERVICE, &a->items.v[i]);
        proxy_put_service(p, o);
        map_put_u64(&now, name_of(o->meta), 1);
        object_unref(o);
    }
    for (uint32_t i = 0; i < b->items.n; i++) {
        struct object *o =
            freeze(&kinds[KIND_DISCOVERY_ENDPOINT_SLICE], TY_DISCOVERY_ENDPOINT_SLICE, &b->items.v[i]);
        proxy_put_slice(p, o);
        map_put_u64(&now_slices, name_of(o->meta), 1);
        object_unref(o);
    }
    remove_others(p, &k->services, &now, true);
    remove_others(p, &k->slices, &now_slices, false);
}

static struct cidr cidr_of(const char *text) {
    struct cidr c;
    check(cidr_parse(str_from(text), IP_STRICT, &c));
    return c;
}

static int run_proxy(char **argv) {
    struct cidr pods = cidr_of("10.244.0.0/16"), node_pods = cidr_of("10.244.1.0/24"),
                services = cidr_of("10.96.0.0/16");
    struct proxy_config c = {.node = str_from(argv[0]),
                             .pods = &pods,
                             .n_pods = 1,
                             .node_pods = &node_pods,
                             .n_node_pods = 1,
                             .services = &services,
                             .n_services = 1};
    struct proxy *p = proxy_new(&c);
    static struct proxy_kernel kernel;
    struct known known = {.services = MAP_INIT};
    struct err err = ERR_INIT;
    char a[256], b[256];
    if (proxy_kernel_open(&kernel, &err))
        fail(&err);
    for (bool first = true; scanf("%255s %255s", a, b) == 2; first = false) {
        struct proxy_plan plan;
        load(p, &known, a, b);
        if (first)
            proxy_plan_full(p, &plan);
        else
            proxy_plan_next(p, &plan);
        if (proxy_apply(&kernel, proxy_config(p), &plan, &err))
            fail(&err);
        struct buf text = BUF_INIT;
        proxy_plan_print(&plan, &text);
        printf("%.*sdone\n", STR_ARG(buf_view(&text)));
        (void)fflush(stdout);
        buf_fini(&text);
        proxy_plan_fini(&plan);
    }
    map_fini(&known.services);
    map_fini(&known.slices);
    proxy_kernel_close(&kernel);
    proxy_free(p);
    return 0;
}

int main(int argc, char **argv) {
    int status = 2;
    if (argc == 5 && strcmp(argv[1], "overlay") == 0)
        status = run_overlay(argv + 2);
    if (argc == 3 && strcmp(argv[1], "proxy") == 0)
        status = run_proxy(argv + 2);
    if (argc == 4 && strcmp(argv[1], "node") == 0)
        status = driver_node(argv[2], argv[3]);
    arena_fini(&keep);
    return status;
}
