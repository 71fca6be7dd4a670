/* coxswain down: ends the cluster of this machine; the machine is as it was, but for the data. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/process.h"
#include "main/applet.h"
#include "main/flags.h"
#include "main/layout.h"

#define WAIT_MS 180000

/* Data of pods may be mounted somewhere below: rm stays on this file system. */
static int purge(const struct layout *l) {
    const char *const argv[] = {"rm", "-rf", "--one-file-system", l->dir, NULL};
    struct err err = ERR_INIT;
    if (process_run_ok(&(struct process_options){.argv = argv}, &(struct process_io){0}, &err) < 0) {
        fprintf(stderr, "coxswain down: %s\n", err.msg);
        return 1;
    }
    printf("%s is removed.\n", l->dir);
    return 0;
}

static bool is_supervisor(pid_t pid) {
    _cleanup_buf struct buf b = BUF_INIT;
    return process_command(pid, &b, NULL) == 0 && str_find(buf_view(&b), S("supervise")) >= 0;
}

static int end(pid_t pid, bool keep_pods) {
    struct process *p = NULL;
    struct err err = ERR_INIT;
    if (process_adopt(pid, &p, &err) < 0)
        return 0; /* it has just ended */
    int status = 0;
    if (!is_supervisor(pid)) {
        fprintf(stderr, "coxswain down: process %d is no supervisor; nothing is done\n", (int)pid);
        status = 1;
    } else if (process_kill(p, keep_pods ? SIGTERM : SIGUSR1, &err) < 0 ||
               process_wait(p, WAIT_MS, NULL, &err) < 0) {
        fprintf(stderr, "coxswain down: %s\n", err.msg);
        status = 1;
    }
    process_release(p);
    return status;
}

int applet_down(int argc, char **argv) {
    const char *data_dir = LAYOUT_DATA_DIR;
    bool purge_data = false, keep_pods = false;
    const struct flag table[] = {
        {"data-dir", 0, FLAG_STRING, &data_dir, "where everything is kept"},
        {"purge", 0, FLAG_BOOL, &purge_data, "remove the data, too"},
        {"keep-pods", 0, FLAG_BOOL, &keep_pods, "leave containers running, to go on with coxswain up"},
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    struct flags f = {.program = "coxswain down",
                      .about =
                          "Ends the cluster of this machine: its pods, rules, mounts and links are removed.",
                      .v = table,
                      .n = sizeof table / sizeof *table,
                      .arena = &a};
    struct flag_list args;
    struct layout l;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    layout_make(data_dir, &a, &l);
    pid_t pid = layout_running(&l);
    if (pid)
        status = end(pid, keep_pods);
    if (!status)
        puts(pid ? "The cluster is stopped." : "No cluster runs here.");
    return status || !purge_data ? status : purge(&l);
}
