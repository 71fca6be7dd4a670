/* See driver.h: a node's network and DNS on an API in memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/types/core.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "codec/json.h"
#include "dns/dns.h"
#include "driver.h"
#include "network/network.h"
#include "unit/client/fake_client.h"

static const struct kind *kind_of(const char *name) {
    static const struct {
        const char *name;
        uint16_t kind;
    } rows[] = {{"Node", KIND_CORE_NODE},
                {"Service", KIND_CORE_SERVICE},
                {"EndpointSlice", KIND_DISCOVERY_ENDPOINT_SLICE},
                {"Namespace", KIND_CORE_NAMESPACE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &kinds[rows[i].kind];
    fprintf(stderr, "driver: no kind %s\n", name);
    exit(2);
}

/* The items of a List, of any of the kinds. */
static void put_all(struct fake *f, const char *path) {
    _cleanup_arena struct arena a = ARENA_INIT;
    _cleanup_buf struct buf text = BUF_INIT, one = BUF_INIT;
    struct jval list;
    struct err err = ERR_INIT;
    if (file_read(path, 64u << 20, &text, &err) || json_parse(&a, buf_view(&text), NULL, NULL, &list, &err)) {
        fprintf(stderr, "driver: %s: %s\n", path, err.msg);
        exit(1);
    }
    const struct jval *items = jval_get(&list, S("items"));
    for (uint32_t i = 0; items && i < items->n; i++) {
        buf_clear(&one);
        json_write(&one, &items->items[i]);
        char kind[64];
        (void)snprintf(kind, sizeof kind, "%.*s", STR_ARG(jval_get_str(&items->items[i], S("kind"))));
        fake_put(f, kind_of(kind), buf_cstr(&one));
    }
}

static void serve(struct fake *f, const struct network *n, const struct dns *d) {
    char word[16], a[256], b[256], c[256];
    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "put") == 0 && scanf("%255s", a) == 1)
            put_all(f, a);
        else if (strcmp(word, "remove") == 0 && scanf("%255s %255s %255s", a, b, c) == 3)
            fake_remove(f, kind_of(a), strcmp(b, "-") == 0 ? "" : b, c);
        else if (strcmp(word, "ready") == 0)
            while (!network_ready(n) || !dns_ready(d))
                clock_sleep_ns(clock_system(), 1000000);
        printf("ok\n");
        (void)fflush(stdout);
    }
}

int driver_node(const char *node, const char *file) {
    struct fake *f = fake_new(NULL);
    struct cidr pods, services;
    struct ip dns_ip;
    check(cidr_parse(S("10.244.0.0/16"), IP_STRICT, &pods) &&
          cidr_parse(S("10.96.0.0/16"), IP_STRICT, &services) &&
          ip_parse(S("10.96.0.10"), IP_STRICT, &dns_ip));
    char conf[64], state[64];
    (void)snprintf(conf, sizeof conf, "/run/%s/net.d", node);
    (void)snprintf(state, sizeof state, "/run/%s/cni", node);
    struct network_options no = {.client = fake_client(f),
                                 .node = str_from(node),
                                 .pods = &pods,
                                 .n_pods = 1,
                                 .services = &services,
                                 .n_services = 1,
                                 .local = &dns_ip,
                                 .n_local = 1,
                                 .cni_conf_dir = conf,
                                 .cni_state_dir = state,
                                 .health_port = NETWORK_HEALTH_PORT};
    struct dns_options dns_o = {
        .client = fake_client(f), .addresses = &dns_ip, .n_addresses = 1, .resolv_conf = "/run/resolv.conf"};
    struct network *n = NULL;
    struct dns *d = NULL;
    struct err err = ERR_INIT;
    put_all(f, file);
    if (network_start(&no, &n, &err) || dns_start(&dns_o, &d, &err)) {
        fprintf(stderr, "driver: %s\n", err.msg);
        return 1;
    }
    serve(f, n, d);
    dns_stop(d);
    network_stop(n);
    fake_free(f);
    return 0;
}
