/* coxswain server: the whole control plane in one process. */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "main/api_flags.h"
#include "main/applet.h"
#include "main/control.h"
#include "main/signals.h"
#include "main/version.h"

static int serve(const struct api_flags *s, struct control_options *o) {
    struct control *control;
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    o->api = s->o;
    if (control_start(o, &control, &err) < 0) {
        log_error("the control plane cannot start", kv("err", &err));
        return 1;
    }
    log_info("the control plane is ready", kv("port", (unsigned)apiserver_port(control_apiserver(control))),
             kv("kubeconfig", apiserver_admin_kubeconfig(control_apiserver(control))));
    log_info("the control plane ends", kv("signal", signals_wait(&signals)));
    control_stop(control, (unsigned)(s->drain_ns / NS_PER_MS));
    return 0;
}

int applet_server(int argc, char **argv) {
    struct api_flags s;
    struct control_options o = {0};
    struct flag table[API_FLAGS_MAX] = {
        {"cluster-cidr", 0, FLAG_STRING, &o.cluster_cidr, "network that pods get their addresses from"},
        {"leader-elect", 0, FLAG_BOOL, &o.leader_elect, "several servers share one store: one acts"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {
        .program = "coxswain server",
        .about = "Runs the control plane: the API server, the controllers and the scheduler.",
        .v = table,
        .n = api_flags_add(&s, table, 2),
        .arena = &arena,
    };
    struct flag_list args;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (s.version) {
        puts("Kubernetes " KUBERNETES_VERSION);
        return 0;
    }
    return api_flags_finish(&s, "coxswain server") ? serve(&s, &o) : 1;
}
