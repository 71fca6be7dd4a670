/* PUT, of an object or of a part of one. */
#include "apiserver/registry_priv.h"

#include "api/default.h"
#include "apiserver/body.h"
#include "apiserver/server_priv.h"
#include "base/err.h"

static int make(struct write *w) {
    struct call *c = w->call;
    struct status *failure;
    void *asked;
    if (body_decode(c, &w->body, &asked, &failure) < 0)
        return write_refuse(w, failure);
    if (!w->old)
        meta_clear_status(w->asked, asked);
    api_default(c->arena, &builtin, w->asked->type, asked, c->server->clock);
    struct meta_object_meta *sent = object_meta_in(w->asked, asked);
    if (meta_check_name(w, sent) < 0 || meta_check_namespace(w, sent) < 0)
        return ERR_INVALID;
    return write_to_hub(w, asked, &w->object);
}

void registry_put(struct call *c) {
    struct write *w = write_new(c);
    w->may_create = w->kind->put_creates && !w->subresource.n;
    w->make = make;
    if (meta_check_manager(w, "UpdateOptions") < 0)
        write_fail(w, w->failure);
    else
        write_start(w);
}
