/* main: the multi-call entry.
 *
 * One binary, many programs: the first argument, or the name it was called by, chooses one. Every program is
 * a row of `applets`; each parses its own arguments. Runs on the main thread.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "main/applet.h"
#include "main/version.h"
#include "network/cni.h"

struct applet {
    const char *name;
    const char *help;
    int (*run)(int argc, char **argv);
};

static int run_version(int argc, char **argv) {
    (void)argc;
    (void)argv;
    printf("coxswain %s, Kubernetes %s\n", COXSWAIN_VERSION, KUBERNETES_VERSION);
    return 0;
}

static const struct applet applets[] = {
    {"cni", "connect pods to the node's network, for container runtimes", cni_main},
    {"coxswain-cni", "the same, by the name runtimes use", cni_main},
    {"loopback", "the loopback plugin of container runtimes", cni_main},
    {"kubectl", "work on the objects of a cluster", applet_kubectl},
    {"kubelet", "run the pods of a node, with a runtime and a network of others", applet_kubelet},
    {"kube-proxy", "bring packets for services to their endpoints", applet_kube_proxy},
    {"dns", "serve the names of the cluster", applet_dns},
    {"version", "print the versions", run_version},
    {"up", "start a cluster on this machine", applet_up},
    {"down", "end the cluster of this machine", applet_down},
    {"token", "make, list and delete tokens for machines that join", applet_token},
    {"backup", "write the state of the control plane to a file", applet_backup},
    {"restore", "put a backup in its place", applet_restore},
    {"supervise", "keep both processes of a cluster running; started by up", applet_supervise},
    {"agent", "run a node", applet_agent},
    {"server", "run the control plane: API server, controllers, scheduler", applet_server},
    {"apiserver", "serve the Kubernetes API", applet_apiserver},
    {"kube-apiserver", "the same, under upstream's name", applet_apiserver},
    {"controller-manager", "run the controllers against a remote API server", applet_controller_manager},
    {"kube-controller-manager", "the same, under upstream's name", applet_controller_manager},
    {"simulate", "play the kubelets of many nodes, for rehearsing at scale", applet_simulate},
    {"scheduler", "run the scheduler against a remote API server", applet_kube_scheduler},
    {"kube-scheduler", "the same, under upstream's name", applet_kube_scheduler},
};

#define APPLET_COUNT (sizeof applets / sizeof *applets)

static const struct applet *applet_find(const char *name) {
    for (size_t i = 0; i < APPLET_COUNT; i++)
        if (strcmp(applets[i].name, name) == 0)
            return &applets[i];
    return NULL;
}

static void print_usage(FILE *to) {
    fputs("usage: coxswain COMMAND [flags]\n\n", to);
    for (size_t i = 0; i < APPLET_COUNT; i++)
        fprintf(to, "  %-20s %s\n", applets[i].name, applets[i].help);
}

int main(int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/');
    const struct applet *a = applet_find(slash ? slash + 1 : argv[0]);
    if (a)
        return a->run(argc, argv);
    if (argc > 1 && (a = applet_find(argv[1])))
        return a->run(argc - 1, argv + 1);
    bool asked = argc > 1 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0);
    if (argc > 1 && !asked)
        fprintf(stderr, "coxswain: unknown command \"%s\"\n", argv[1]);
    print_usage(asked ? stdout : stderr);
    return asked ? 0 : 2;
}
