/* coxswain apiserver, also called kube-apiserver: the API server as a process. */
#include <stdio.h>

#include "apiserver/server.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/timefmt.h"
#include "main/api_flags.h"
#include "main/applet.h"
#include "main/signals.h"
#include "main/version.h"

static int serve(const struct api_flags *s) {
    struct apiserver *server;
    struct err err = ERR_INIT;
    struct signals signals;
    signals_block(&signals);
    if (apiserver_start(&s->o, &server, &err) < 0) {
        log_error("the API server cannot start", kv("err", &err));
        return 1;
    }
    log_info("the API server is ready", kv("port", (unsigned)apiserver_port(server)),
             kv("kubeconfig", apiserver_admin_kubeconfig(server)));
    log_info("the API server ends", kv("signal", signals_wait(&signals)));
    apiserver_stop(server, (unsigned)(s->drain_ns / NS_PER_MS));
    return 0;
}

int applet_apiserver(int argc, char **argv) {
    struct api_flags s;
    struct flag table[API_FLAGS_MAX];
    _cleanup_arena struct arena arena = ARENA_INIT;
    struct flags f = {
        .program = "kube-apiserver",
        .about = "Serves the Kubernetes API from an embedded store.",
        .v = table,
        .n = api_flags_add(&s, table, 0),
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
    return api_flags_finish(&s, "kube-apiserver") ? serve(&s) : 1;
}
