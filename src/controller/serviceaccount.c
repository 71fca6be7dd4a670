/* controller/serviceaccount: every active namespace has a service account named default.
 *
 * Keys are names of namespaces.
 */
#include "api/meta.h"
#include "api/types/core.h"
#include "controller/controller_priv.h"
#include "controller/rows.h"

static void map_account(struct reconciler *rc, const struct informer_event *e, void *arg) {
    (void)arg;
    if (e->type == INFORMER_DELETED)
        reconciler_enqueue(rc, e->object->meta->namespace);
}

static int reconcile(struct reconcile *r, struct str key, struct err *err) {
    struct controller *c = r->arg;
    const struct object *ns = world_get_key(&r->world, KIND(CORE_NAMESPACE), key);
    if (!namespace_is_active(ns) || world_get(&r->world, KIND(CORE_SERVICE_ACCOUNT), key, S("default")))
        return 0;
    struct core_service_account account = {.metadata = {.name = S("default"), .namespace = key}};
    int rc = client_create(c->client, KIND(CORE_SERVICE_ACCOUNT), key, &account, NULL, err);
    /* there by now, or the namespace has gone since */
    return rc == ERR_EXISTS || rc == ERR_NOT_FOUND ? 0 : rc;
}

int serviceaccount_start(struct controller *c, struct err *err) {
    const struct reconciler_watch watches[] = {
        WATCH_ALL(CORE_NAMESPACE, map_self, NULL),
        {.of = {.kind = KIND(CORE_SERVICE_ACCOUNT), .field_selector = S("metadata.name=default")},
         .map = map_account},
    };
    return controller_add(
        c, &(struct reconciler_options){.watches = watches, .n_watches = 2, .reconcile = reconcile}, NULL,
        err);
}
