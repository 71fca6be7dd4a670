/* kubectl: the command line, for the cluster of this machine or any other. */
#include "base/arena.h"
#include "ctl/ctl.h"
#include "main/applet.h"
#include "main/layout.h"
#include "main/version.h"

int applet_kubectl(int argc, char **argv) {
    _cleanup_arena struct arena a = ARENA_INIT;
    struct layout l;
    layout_make(LAYOUT_DATA_DIR, &a, &l);
    struct ctl_setup setup = {
        .program = "kubectl",
        .version = KUBERNETES_VERSION,
        .build = "coxswain " COXSWAIN_VERSION,
        .kubeconfig_own = l.kubeconfig,
    };
    return ctl_main(&setup, argc, argv);
}
