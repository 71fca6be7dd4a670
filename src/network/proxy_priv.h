/* network/proxy_priv: what the files of the service proxy share. See proxy.h for thread and memory. */
#pragma once

#include "api/types/core.h"
#include "api/types/discovery.h"
#include "base/buf.h"
#include "base/map.h"
#include "network/packet.h"
#include "network/proxy.h"

#define PROXY_PORT_NAME_MAX 63u

struct proxy_endpoint {
    struct ip ip;
    uint16_t port;
};

/* Endpoints among which is chosen: of one port, one family, all or only this node's. The order is that of
 * their numbers in the kernel. */
struct proxy_group {
    char port_name[PROXY_PORT_NAME_MAX + 1];
    uint16_t port, node_port; /* of the service */
    uint8_t protocol, family;
    bool local;
    bool used; /* by the program being built */
    struct {
        struct proxy_endpoint *v;
        size_t n, cap;
    } endpoints;
};

struct proxy_service {
    struct str key;              /* "ns/name", owned */
    const struct object *object; /* NULL: only slices are known */
    struct {
        const struct object **v;
        size_t n, cap;
    } slices;
    struct {
        struct proxy_group *v;
        size_t n, cap;
    } groups;
    struct buf program; /* records in order, as last planned */
    bool dirty, contested;
    uint16_t health_port;
    unsigned local_ready;
};

struct proxy {
    struct arena arena; /* of the configuration */
    struct proxy_config config;
    struct map services; /* key → struct proxy_service */
    struct map slices;   /* "ns/name", owned → struct proxy_service */
    struct map owners;   /* family, set, key → struct proxy_service; key bytes lie in its program */
    struct map hairpins; /* record key → number of services, owned keys */
    struct {
        struct proxy_service **v;
        size_t n, cap;
    } dirty;
    size_t contested;
    struct {
        struct proxy_class *v;
        size_t n, cap;
    } classes;
    char zone[256];
};

/* -- proxy_endpoints.c: who is chosen from -- */

struct proxy_candidates {
    struct proxy_endpoint *v; /* sorted, each once */
    size_t n, cap;
};
struct proxy_selection {
    struct proxy_candidates all, local;
    struct {
        struct ip *v;
        size_t n, cap;
    } local_ips; /* for hairpin */
    unsigned local_ready;
};
/* For the port of that name. */
void proxy_select(struct arena *a, const struct proxy *p, const struct proxy_service *s, uint8_t family,
                  struct str port_name, uint8_t protocol, struct proxy_selection *ret);

/* -- records: elements as bytes: family, set, key_bytes, data_bytes, has_end, key, data, end -- */

#define RECORD_HEAD 5u
static inline size_t record_bytes(const uint8_t *r) {
    return RECORD_HEAD + r[2] + r[3] + (r[4] ? r[2] : 0u);
}
/* What identifies it: family, set, and the key behind the head. */
int record_cmp(const uint8_t *a, const uint8_t *b);
bool record_same(const uint8_t *a, const uint8_t *b);
struct proxy_element record_element(const uint8_t *r);
struct records {
    struct buf bytes;
    struct {
        uint32_t *v; /* offsets */
        size_t n, cap;
    } at;
};

/* -- proxy_program.c -- */

/* What the service needs, into records (unsorted); groups are brought up to date, and what they lose is noted
 * in the plan. */
void proxy_program(struct proxy *p, struct proxy_service *s, struct proxy_plan *plan, struct records *ret);
