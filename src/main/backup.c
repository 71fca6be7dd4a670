/* coxswain backup and restore: the control plane of this machine in a file, and back. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/process.h"
#include "base/timefmt.h"
#include "base/vec.h"
#include "main/applet.h"
#include "main/backup_file.h"
#include "main/flags.h"
#include "main/layout.h"
#include "main/version.h"
#include "store/store.h"

#define DATABASE "state.db"

struct files {
    struct archived *v;
    size_t n, cap;
};

static struct str now_text(struct arena *a, bool compact) {
    char text[TIME_TEXT_SIZE];
    int64_t sec = clock_wall_sec(clock_system());
    struct civil t = time_to_civil(sec);
    if (compact)
        return arena_printf(a, "%04lld%02d%02dT%02d%02d%02dZ", (long long)t.year, t.month, t.day, t.hour,
                            t.minute, t.second);
    return arena_str(a, str_make(text, time_format(text, sec, 0, TIME_SECONDS)));
}

static int remove_tree(const char *path, struct err *err) {
    const char *const argv[] = {"rm", "-rf", "--one-file-system", path, NULL};
    return process_run_ok(&(struct process_options){.argv = argv}, &(struct process_io){0}, err);
}

/* -- backup -- */

/* All plain files but the database, which is copied on its own. */
static int collect(const char *dir, const char *name, struct arena *a, struct files *ret, struct err *err) {
    DIR *d = opendir(dir);
    if (!d)
        return err_errno(err, errno, "open %s", dir);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(d));) {
        struct stat st;
        struct str path = arena_printf(a, "%s/%s", dir, e->d_name),
                   below = arena_printf(a, "%s/%s", name, e->d_name);
        if (e->d_name[0] == '.' || strncmp(e->d_name, DATABASE, sizeof DATABASE - 1) == 0 ||
            lstat(path.p, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode)) {
            rc = collect(path.p, below.p, a, ret, err);
        } else if (S_ISREG(st.st_mode)) {
            struct archived f = {below, path.p};
            vec_push_in(a, ret, f);
        }
    }
    (void)closedir(d);
    return rc;
}

static int back_up(const struct layout *l, const char *to, struct arena *a, struct err *err) {
    struct files files = {0};
    struct str database = arena_printf(a, "%s/" DATABASE, l->server_dir),
               copy = arena_printf(a, "%s/backup-%lld.db", l->server_dir, (long long)getpid());
    if (access(database.p, F_OK) < 0)
        return err_set(err, ERR_NOT_FOUND, "%s has no control plane: there is no %s", l->dir, database.p);
    int rc = collect(l->server_dir, "server", a, &files, err);
    if (rc == 0)
        rc = store_sqlite_copy(database.p, copy.p, err);
    struct archived f = {S("server/" DATABASE), copy.p};
    vec_push_in(a, &files, f);
    if (rc == 0)
        rc = backup_file_write(to, files.v, files.n, S(KUBERNETES_VERSION), S(COXSWAIN_VERSION),
                               now_text(a, false), err);
    (void)unlink(copy.p);
    return rc;
}

/* -- restore -- */

/* What was unpacked becomes a control plane's folder: the database is checked and continues far above the
 * revisions that clients may have seen. */
static int prepare(const char *folder, struct arena *a, struct err *err) {
    struct str database = arena_printf(a, "%s/server/" DATABASE, folder),
               saved = arena_printf(a, "%s/saved.db", folder);
    if (rename(database.p, saved.p) < 0)
        return err_errno(err, errno, "the backup has no database: %s", database.p);
    return store_sqlite_restore(saved.p, database.p, err);
}

/* The old folder is kept aside. */
static int put_in_place(const struct layout *l, const char *folder, struct arena *a, struct str *ret_aside,
                        struct err *err) {
    struct str server = arena_printf(a, "%s/server", folder);
    *ret_aside = S("");
    if (access(l->server_dir, F_OK) == 0) {
        *ret_aside = arena_printf(a, "%s-before-%.*s", l->server_dir, STR_ARG(now_text(a, true)));
        if (rename(l->server_dir, ret_aside->p) < 0)
            return err_errno(err, errno, "move %s aside", l->server_dir);
    }
    if (rename(server.p, l->server_dir) < 0) {
        int e = errno;
        if (ret_aside->n)
            (void)rename(ret_aside->p, l->server_dir);
        return err_errno(err, e, "move %s to %s", server.p, l->server_dir);
    }
    return file_sync_dir(l->dir, err);
}

static int restore(const struct layout *l, const char *from, struct arena *a, struct err *err) {
    struct str folder = arena_printf(a, "%s/restore-%lld", l->dir, (long long)getpid()), time = {0},
               aside = {0};
    struct err ignored = ERR_INIT;
    pid_t pid = layout_running(l);
    if (pid)
        return err_set(err, ERR_EXISTS,
                       "the cluster runs (process %d); end it first: coxswain down --data-dir %s", (int)pid,
                       l->dir);
    int rc = file_mkdir_p(l->dir, 0711, err);
    if (rc == 0)
        rc = file_mkdir_p(folder.p, 0700, err);
    if (rc == 0)
        rc = backup_file_read(from, folder.p, a, &time, err);
    if (rc == 0)
        rc = prepare(folder.p, a, err);
    if (rc == 0)
        rc = put_in_place(l, folder.p, a, &aside, err);
    (void)remove_tree(folder.p, &ignored);
    if (rc < 0)
        return rc;
    printf("The control plane is as it was at %.*s.\n", STR_ARG(time));
    if (aside.n)
        printf("What was there before is in %.*s; remove it when all is well.\n", STR_ARG(aside));
    printf("Go on with: coxswain up --data-dir %s\n", l->dir);
    return 0;
}

/* -- programs -- */

static int run(int argc, char **argv, const char *program, const char *about,
               int (*act)(const struct layout *l, const char *file, struct arena *a, struct err *err)) {
    const char *data_dir = LAYOUT_DATA_DIR;
    const struct flag table[] = {
        {"data-dir", 0, FLAG_STRING, &data_dir, "where the cluster of this machine is kept"},
    };
    _cleanup_arena struct arena a = ARENA_INIT;
    struct flags f = {
        .program = program, .about = about, .arguments = "FILE.tar.gz", .v = table, .n = 1, .arena = &a};
    struct flag_list args;
    struct layout l;
    struct err err = ERR_INIT;
    int status = 0;
    if (!flags_parse_or_end(&f, argc, argv, &args, &status))
        return status;
    if (args.n != 1) {
        flags_usage(&f, stderr);
        return 2;
    }
    layout_make(data_dir, &a, &l);
    if (act(&l, args.v[0], &a, &err) == 0)
        return 0;
    fprintf(stderr, "%s: %s\n", program, err.msg);
    return 1;
}

static int back_up_and_say(const struct layout *l, const char *to, struct arena *a, struct err *err) {
    if (back_up(l, to, a, err) < 0)
        return err->code;
    printf("%s holds the control plane of %s: objects, keys and certificates. Keep it secret.\n", to, l->dir);
    return 0;
}

int applet_backup(int argc, char **argv) {
    return run(argc, argv, "coxswain backup",
               "Writes the state of the control plane on this machine to a file, while it runs or not.",
               back_up_and_say);
}

int applet_restore(int argc, char **argv) {
    return run(argc, argv, "coxswain restore",
               "Puts a backup in place of the control plane on this machine, which must not run. What was "
               "there is kept "
               "aside.",
               restore);
}
