/* controller/common: small things that every controller does. */
#include "api/meta.h"
#include "api/time.h"
#include "api/types/core.h"
#include "base/clock.h"
#include "controller/controller_priv.h"

int64_t now_ns(const struct reconcile *r) {
    return clock_wall_ns(r->clock);
}

struct timestamp now_stamp(const struct reconcile *r) {
    return timestamp_from_ns_in_seconds(now_ns(r));
}

struct str key_of(struct arena *a, struct str ns, struct str name) {
    return ns.n ? arena_printf(a, "%.*s/%.*s", STR_ARG(ns), STR_ARG(name)) : arena_str(a, name);
}

struct str object_key_of(struct arena *a, const struct object *o) {
    return key_of(a, o->meta->namespace, o->meta->name);
}

void key_split(struct str key, struct str *ret_ns, struct str *ret_name) {
    if (str_split(key, '/', ret_ns, ret_name))
        return;
    *ret_ns = S("");
    *ret_name = key;
}

int delete_object(struct client *c, const struct object *o, struct str propagation, struct err *err) {
    struct client_delete options = CLIENT_DELETE_DEFAULT;
    options.uid = o->meta->uid;
    options.propagation = propagation;
    int rc = client_delete(c, o->kind, o->meta->namespace, o->meta->name, &options, err);
    return rc == ERR_NOT_FOUND || rc == ERR_CONFLICT ? 0 : rc;
}

bool namespace_is_active(const struct object *ns) {
    return ns && !meta_is_deleting(ns->meta) &&
           !str_eq(((const struct core_namespace *)ns->body)->status.phase, S("Terminating"));
}
