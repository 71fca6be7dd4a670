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
    if (w->tries > 1)
        c->warnings.n = 0; /* each try reads the body anew, and complains anew */
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
    write_start(w);
}
