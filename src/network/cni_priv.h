/* network/cni_priv: what the files of the CNI plugin share. One thread; memory is the request's arena. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/ip.h"
#include "base/buf.h"
#include "network/hostport.h"
#include "network/link.h"

struct arena;
struct err;
struct jval;

#define CNI_SUBNETS_MAX 2u /* one of each family */
#define CNI_PORTS_MAX 256u
#define CNI_CONFIG_BYTES_MAX (1u << 20)
#define CNI_STATE_BYTES_MAX (4u << 20)
#define CNI_ID_MAX 256u
#define CNI_DEFAULT_BRIDGE "cox0"
#define CNI_DEFAULT_STATE_DIR "/run/coxswain/cni"

/* Error codes. CONFORMS: CNI spec, "Error", 100 and more are ours. */
enum cni_code {
    CNI_OK = 0,
    CNI_INCOMPATIBLE_VERSION = 1,
    CNI_UNSUPPORTED_FIELD = 2,
    CNI_UNKNOWN_CONTAINER = 3,
    CNI_INVALID_ENVIRONMENT = 4,
    CNI_IO_FAILURE = 5,
    CNI_UNDECODABLE = 6,
    CNI_INVALID_CONFIG = 7,
    CNI_TRY_LATER = 11,
    CNI_NETWORK = 100,
    CNI_NO_ADDRESS = 101,
    CNI_BROKEN = 102, /* CHECK: the pod's network is not what was made */
};

/* -- configuration -- */

struct cni_config {
    struct str version, name, type;
    char bridge[LINK_NAME_MAX + 1];
    uint32_t mtu; /* 0: the kernel's */
    struct cidr subnets[CNI_SUBNETS_MAX];
    unsigned n_subnets;
    const char *state_dir;
    struct hostport *ports; /* pod address not filled in */
    size_t n_ports;
    const struct jval *valid; /* of GC: attachments that stay; NULL: not there */
};

bool cni_version_known(struct str version);
/* Versions with the ip version in results. */
bool cni_version_old(struct str version);

/* Everything is copied into the arena. *ret_code says what is wrong with it. */
int cni_config_read(struct arena *a, struct str text, struct cni_config *ret, enum cni_code *ret_code,
                    struct err *err);

/* What has the shape of a container id. CONFORMS: ^[a-zA-Z0-9][a-zA-Z0-9_.\-]*$ */
bool cni_id_ok(struct str id);

/* -- state: who has which address -- */

struct cni_attachment {
    struct str container, ifname;
    struct ip ips[CNI_SUBNETS_MAX];
    unsigned n_ips;
    struct hostport *ports;
    size_t n_ports;
};

/* One file for all attachments of the node, read and replaced as a whole under a lock. */
struct cni_state {
    struct arena *arena;
    const char *path;
    int lock;
    struct {
        struct cni_attachment *v;
        size_t n, cap;
    } attachments;
    struct ip
        last[CNI_SUBNETS_MAX]; /* what was given out last, so that addresses are not used again at once */
};

/* Waits for the lock. */
int cni_state_open(struct arena *a, const char *dir, struct cni_state *ret, struct err *err);
int cni_state_save(struct cni_state *s, struct err *err);
void cni_state_close(struct cni_state *s);
#define _cleanup_cni_state __attribute__((cleanup(cni_state_close)))

int cni_state_parse(struct cni_state *s, struct str text, struct err *err);
void cni_state_print(const struct cni_state *s, struct buf *out);

struct cni_attachment *cni_state_find(struct cni_state *s, struct str container, struct str ifname);
void cni_state_remove(struct cni_state *s, struct cni_attachment *a);

/* The next free address of each subnet, and the host ports, for a new attachment; *ret is in the state.
 * ERR_NO_SPACE when a subnet is full, ERR_CONFLICT when a host port is taken. */
int cni_state_add(struct cni_state *s, const struct cni_config *c, struct str container, struct str ifname,
                  struct cni_attachment **ret, struct err *err);

/* All ports of all attachments. */
int cni_state_apply_ports(struct cni_state *s, struct err *err);

/* -- the kernel -- */

struct cni_plug {
    const struct cni_config *config;
    const struct cni_attachment *attachment;
    int netns; /* -1: none */
    char host_name[LINK_NAME_MAX + 1];
    /* results */
    uint8_t bridge_mac[LINK_MAC_BYTES], host_mac[LINK_MAC_BYTES], pod_mac[LINK_MAC_BYTES];
};

/* The name of the host's end, from container and interface. */
void cni_host_name(struct str container, struct str ifname, char ret[LINK_NAME_MAX + 1]);
/* The node's address in the subnet. */
struct ip cni_gateway(struct cidr subnet);

/* *ret_fd is a network namespace. ERR_NOT_FOUND. */
int cni_netns_open(const char *path, int *ret_fd, struct err *err);
/* Whether the namespace has such an interface already. */
int cni_plug_exists(int netns, struct str ifname, bool *ret, struct err *err);
int cni_plug_in(struct cni_plug *p, struct err *err);
int cni_plug_check(struct cni_plug *p, struct err *err);
int cni_plug_out(const char *host_name, struct err *err);
int cni_loopback_up(int netns, bool only_check, struct err *err);
