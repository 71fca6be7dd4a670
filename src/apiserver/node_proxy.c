/* Requests to kubelets. See node_proxy.h. */
#include "apiserver/node_proxy.h"

#include "api/status.h"
#include "apiserver/front_priv.h"
#include "apiserver/respond.h"

bool node_proxy_wants(const struct request_info *i) {
    static const struct str names[] = {STR_INIT("log"), STR_INIT("exec"), STR_INIT("attach"),
                                       STR_INIT("portforward"), STR_INIT("proxy")};
    for (size_t k = 0; i->subresource && k < sizeof names / sizeof *names; k++)
        if (str_eq(i->subresource->name, names[k]))
            return true;
    return false;
}

void node_proxy_serve(struct front_call *f) {
    respond_status(f, status_unavailable(&f->arena, S("this server cannot reach kubelets yet")));
}
