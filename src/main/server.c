/* coxswain server: the whole control plane in one process. */
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "main/api_flags.h"
#include "main/applet.h"
#include "main/control.h"
#include "main/privileges.h"
#include "main/signals.h"
#include "main/version.h"

struct settings {
    struct control_options control;
    const char *run_as;
};

static int serve(const struct api_flags *s, struct settings *o) {
    struct control *control;
    struct err err = ERR_INIT;
    struct signals signals;
    if (o->run_as && drop_privileges(o->run_as, s->o.data_dir, &err) < 0) {
        log_error("the control plane cannot give its privileges up", kv("err", &err));
        return 1;
    }
    signals_block(&signals);
    o->control.api = s->o;
    o->control.api.own_kubelets = true;
    if (control_start(&o->control, &control, &err) < 0) {
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
    struct settings o = {0};
    struct flag table[API_FLAGS_MAX] = {
        {"cluster-cidr", 0, FLAG_STRING, &o.control.cluster_cidr,
         "network that pods get their addresses from"},
        {"node-monitor-grace-period", 0, FLAG_DURATION, &o.control.node_monitor_grace_ns,
         "a node that says nothing for so long is not ready; 0: 50s"},
        {"leader-elect", 0, FLAG_BOOL, &o.control.leader_elect, "several servers share one store: one acts"},
        {"node-token-file", 0, FLAG_STRING, &o.control.node_token_file,
         "keep a join token for this machine's node in this file"},
        {"run-as", 0, FLAG_STRING, &o.run_as, "number of the user to become; its group has the same"},
    };
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {
        .program = "coxswain server",
        .about = "Runs the control plane: the API server, the controllers and the scheduler.",
        .v = table,
        .n = api_flags_add(&s, table, 5),
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
