/* The parts of a node, in the order in which they need each other. */
#include "main/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/ip.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "client/client.h"
#include "kubelet/kubelet.h"
#include "main/node_identity.h"
#include "main/node_net.h"
#include "runtime/containerd.h"
#include "runtime/cri.h"
#include "runtime/image_load.h"
#include "runtime/pause_image.h"
#include "runtime/runtime.h"

#define REMOVE_GRACE_MS 10000

struct node {
    const struct node_options *o;
    struct arena arena;
    struct node_identity id;
    struct containerd *containerd; /* NULL: somebody else's runtime */
    struct runtime *runtime;
    struct client *client;
    struct kubelet *kubelet;
    struct node_net *net;
    struct identity_renewal *renewal;
};

static const char *in_dir(struct node *n, const char *name) {
    return arena_printf(&n->arena, "%s/%s", n->o->data_dir, name).p;
}

/* -- the runtime -- */

static void image_failed(void *arg, const char *file, const struct err *err) {
    (void)arg;
    log_warn("an image archive could not be loaded", kv_text("file", file), kv_err("err", err));
}

static int load_images(struct node *n, const char *socket, struct err *err) {
    struct image_loader l = {.socket = socket, .runtime = n->runtime};
    unsigned loaded = 0;
    int rc = pause_image_ensure(&l, err);
    if (rc == 0)
        rc = image_load_dir(&l, in_dir(n, "images"), image_failed, NULL, &loaded, err);
    if (rc == 0 && loaded)
        log_info("images loaded", kv_u64("count", loaded));
    return rc;
}

static int start_runtime(struct node *n, struct err *err) {
    const char *endpoint = n->o->runtime_endpoint;
    int rc = 0;
    if (!endpoint) {
        struct containerd_options co = {.dir = in_dir(n, "containerd"),
                                        .cni_bin_dir = in_dir(n, "cni/bin"),
                                        .cni_conf_dir = in_dir(n, "cni/net.d")};
        rc = containerd_start(&co, &n->containerd, err);
        if (rc < 0)
            return err_wrap(err, "the container runtime");
        endpoint = containerd_socket(n->containerd);
    }
    rc = cri_new(&(struct cri_options){.endpoint = endpoint}, &n->runtime, err);
    if (rc == 0 && n->containerd)
        rc = load_images(n, endpoint, err);
    return rc;
}

/* -- the kubelet -- */

static int start_kubelet(struct node *n, struct err *err) {
    struct str ip = n->id.ip, dns = str_from(n->o->cluster_dns ? n->o->cluster_dns : "10.96.0.10");
    struct kubelet_options ko = {
        .client = n->client,
        .runtime = n->runtime,
        .node_name = n->id.name,
        .node_ips = {&ip, 1},
        .root_dir = str_from(in_dir(n, "kubelet")),
        .pod_logs_dir = str_from(in_dir(n, "logs/pods")),
        .container_logs_dir = str_from(in_dir(n, "logs/containers")),
        .static_pod_dir = str_from(n->o->static_pod_dir ? n->o->static_pod_dir : in_dir(n, "static-pods")),
        .cluster_domain = str_from(n->o->cluster_domain ? n->o->cluster_domain : "cluster.local"),
        .cluster_dns = {&dns, 1},
        .resolv_conf = str_from(n->o->resolv_conf),
        .node_labels = node_identity_labels(n->o->labels, &n->arena),
        .register_node = true,
        .max_pods = n->o->max_pods,
        .cert_path = n->id.serving_cert,
        .key_path = n->id.serving_key,
        .client_ca_path = n->id.ca,
        .port = n->o->kubelet_port,
        .healthz_port = n->o->healthz_port,
        .image_name_pause = S(PAUSE_IMAGE),
    };
    return kubelet_start(&ko, &n->kubelet, err);
}

/* -- all -- */

int node_start(const struct node_options *o, struct node **ret, struct err *err) {
    struct node *n = calloc(1, sizeof *n);
    if (!n)
        panic("out of memory");
    n->o = o;
    arena_init(&n->arena);
    int rc = node_identity_make(o, &n->arena, &n->id, err);
    if (rc == 0)
        rc = node_identity_client(o, &n->id, &n->client, err);
    if (rc == 0 && !o->no_network)
        rc = node_net_prepare(o, &n->id, err);
    if (rc == 0)
        rc = start_runtime(n, err);
    if (rc == 0)
        rc = start_kubelet(n, err);
    if (rc == 0 && !o->no_network)
        rc = node_net_start(o, &n->id, n->client, &n->net, err);
    if (rc == 0) /* the node is registered by now or soon: only then its addresses are known to be its own */
        rc = node_identity_serving(n->client, &n->id, err);
    if (rc == 0)
        rc = kubelet_serve(n->kubelet, err);
    if (rc == 0)
        rc = identity_renewal_start(n->client, &n->id, &n->renewal, err);
    if (rc < 0) {
        node_stop(n);
        return rc;
    }
    *ret = n;
    return 0;
}

static void end_parts(struct node *n) {
    identity_renewal_stop(n->renewal);
    node_net_stop(n->net);
    kubelet_stop(n->kubelet);
    client_free(n->client);
    runtime_free(n->runtime);
}

void node_stop(struct node *n) {
    if (!n)
        return;
    end_parts(n);
    containerd_release(n->containerd);
    arena_fini(&n->arena);
    free(n);
}

int node_remove(struct node *n, struct err *err) {
    int rc = kubelet_remove_pods(n->kubelet, REMOVE_GRACE_MS, err);
    struct node_net *net = n->net;
    n->net = NULL;
    if (net)
        node_net_remove(net);
    end_parts(n);
    containerd_stop(n->containerd);
    arena_fini(&n->arena);
    free(n);
    return rc;
}
