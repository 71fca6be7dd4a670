/* controller/rootca: every active namespace has the ConfigMap kube-root-ca.crt, with which pods check the API
 * server. Keys are names of namespaces.
 */
#include "api/meta.h"
#include "api/types/core.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

#define ROOT_CA_NAME S("kube-root-ca.crt")

static void map_config(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)arg;
    reconciler_enqueue(rc, e->object->meta->namespace);
}

static struct str_map data_of(struct arena *a, struct str ca) {
    return str_map_with(a, (struct str_map){.n = 0}, S("ca.crt"), ca);
}

static int create(struct reconcile *r, struct controller *c, struct str ns, struct err *err) {
    struct core_config_map config = {.metadata = {.name = ROOT_CA_NAME, .namespace = ns},
                                     .data = data_of(r->arena, c->options->root_ca_pem)};
    config.metadata.annotations =
        str_map_with(r->arena, (struct str_map){.n = 0}, S("kubernetes.io/description"),
                     S("The authority that signed the certificate of the API server, for use by pods that "
                       "reach it by the cluster's own addresses and names."));
    int rc = client_create(c->client, KIND(CORE_CONFIG_MAP), ns, &config, NULL, err);
    return rc == ERR_EXISTS || rc == ERR_NOT_FOUND ? 0 : rc;
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    if (!namespace_is_active(world_get_key(&r->world, KIND(CORE_NAMESPACE), key)))
        return 0;
    const struct object *o = world_get(&r->world, KIND(CORE_CONFIG_MAP), key, ROOT_CA_NAME);
    if (!o)
        return create(r, c, key, err);
    struct core_config_map config = *(const struct core_config_map *)o->body;
    struct str_map data = data_of(r->arena, c->options->root_ca_pem);
    if (str_map_equal(config.data, data))
        return 0;
    config.data = data;
    return unless_gone(client_update(c->client, o->kind, &config, NULL, err));
}

int rootca_start(struct controller *c, struct err *err) {
    if (!c->options->root_ca_pem.n)
        return 0;
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_NAMESPACE, map_self, NULL),
        {.of = {.kind = KIND(CORE_CONFIG_MAP), .field_selector = S("metadata.name=kube-root-ca.crt")},
         .map = map_config},
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}
