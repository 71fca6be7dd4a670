/* dns/zone_priv: what the files of the zone share. One thread, see zone.h. */
#pragma once

#include "api/ip.h"
#include "base/arena.h"
#include "base/map.h"
#include "dns/zone.h"

#define ZONE_LABEL_MAX 63u

enum zone_kind {
    ZONE_NONE,     /* only slices are known */
    ZONE_CLUSTER,  /* has addresses of its own */
    ZONE_HEADLESS, /* its endpoints are its addresses */
    ZONE_ALIAS,    /* ExternalName */
};

struct zone_port {
    struct str name;  /* lower case */
    uint8_t protocol; /* 't', 'u', 's' */
    uint16_t port;
};

struct zone_endpoint {
    struct str host; /* lower case, the first label of its name */
    struct ip ip;
    uint32_t ports_from, ports_n; /* among the service's */
};

/* What is asked for, made anew at each change; all of it lies in `arena`. */
struct zone_service {
    struct str key;              /* "name.ns" in lower case, owned */
    struct str name, ns;         /* parts of the key */
    const struct object *object; /* NULL: not known */
    struct {
        const struct object **v;
        size_t n, cap;
    } slices;
    struct arena arena;
    enum zone_kind kind;
    const struct ip *ips;
    uint32_t n_ips;
    const struct zone_port *ports;
    uint32_t n_ports;
    const struct zone_endpoint *endpoints; /* by host */
    uint32_t n_endpoints;
    const uint8_t *alias; /* on the wire */
    size_t alias_bytes;
};

/* Who is called what at an address; host absent: the service itself. */
struct zone_owner {
    const struct zone_service *service;
    struct str host;
};
struct zone_owners {
    uint8_t key[17];
    struct {
        struct zone_owner *v;
        size_t n, cap;
    } list;
};

struct dns_zone {
    uint8_t domain[DNS_NAME_MAX];
    size_t domain_bytes;
    unsigned domain_labels;
    uint32_t ttl;
    uint32_t turn;       /* which of several addresses comes first */
    struct map services; /* key → struct zone_service */
    struct map slices;   /* "ns/name", owned → struct zone_service */
    bool namespaces_known;
    struct map namespaces; /* name, owned → 1 */
    struct map addresses;  /* family and bytes → struct zone_owners */
};

struct zone_service *zone_find(const struct dns_zone *z, struct str name, struct str ns);
const struct zone_owners *zone_owners_of(const struct dns_zone *z, struct ip ip);
/* The endpoints of a host name: first and number. */
uint32_t zone_host(const struct zone_service *s, struct str host, uint32_t *ret_first);
