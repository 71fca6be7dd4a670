/* Creation by POST. */
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
    meta_clear_status(w->asked, asked);
    api_default(c->arena, &builtin, w->asked->type, asked, c->server->clock);
    if (meta_check_namespace(w, object_meta_in(w->asked, asked)) < 0)
        return ERR_INVALID;
    return write_to_hub(w, asked, &w->object);
}

void registry_create(struct call *c) {
    struct write *w = write_new(c);
    if (w->asked->namespaced && !w->ns.n) {
        call_answer_status(c, status_method_not_supported(c->arena, call_target(c), S("create")));
        return;
    }
    w->create = true;
    w->make = make;
    if (meta_check_manager(w, "CreateOptions") < 0)
        write_fail(w, w->failure);
    else
        write_start(w);
}
