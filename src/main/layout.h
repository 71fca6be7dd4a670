/* main/layout: where things lie below the data folder, and what runs there. First threads. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/str.h"

struct arena;
struct err;

#define LAYOUT_DATA_DIR "/var/lib/coxswain"

struct layout {
    const char *dir;
    const char *server_dir; /* of the control plane: keys, database; its own user's */
    const char *node_dir;   /* of the node: certificates, containers, volumes */
    const char *run_dir;    /* lock, pid */
    const char *log_dir;
    const char *lock, *pid; /* of the supervisor */
    const char *kubeconfig; /* of the administrator */
    const char *node_token; /* with which the node of this machine joins */
};

void layout_make(const char *dir, struct arena *a, struct layout *ret);

/* The folders, with their modes. */
int layout_create(const struct layout *l, struct err *err);

/* Pid of the supervisor that runs there; 0: none does. */
pid_t layout_running(const struct layout *l);
