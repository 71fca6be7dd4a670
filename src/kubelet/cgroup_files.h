/* kubelet/cgroup_files: the files of cgroups, version 1 (a hierarchy for each controller) and 2 (one for
 * all). See cgroup.h. Paths are below the mount and begin with a slash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/value.h"
#include "base/str.h"

struct arena;
struct cgroup_files;
struct cgroup_usage;
struct err;

/* -1 in a field: no limit; for shares: as it is. */
struct cgroup_values {
    int64_t shares;        /* in terms of version 1 */
    int64_t quota, period; /* microseconds */
    int64_t memory;
    int64_t pids;
};

int cgroup_files_new(const char *mount, struct cgroup_files **ret, struct err *err);
void cgroup_files_free(struct cgroup_files *f);
bool cgroup_files_v2(const struct cgroup_files *f);

/* Makes it with its parents where it is missing, and sets the values. */
int cgroup_files_make(struct cgroup_files *f, struct str path, const struct cgroup_values *v,
                      struct err *err);

/* Removes it and all below; fine when it is not there. ERR_AGAIN when processes are in it. */
int cgroup_files_remove(struct cgroup_files *f, struct str path, struct err *err);

/* Names of its children. */
int cgroup_files_list(struct cgroup_files *f, struct str path, struct arena *a, struct str_array *ret,
                      struct err *err);

unsigned cgroup_files_processes(struct cgroup_files *f, struct str path, int32_t *ret_pids, unsigned max);
void cgroup_files_usage(const struct cgroup_files *f, struct str path, struct cgroup_usage *ret);
