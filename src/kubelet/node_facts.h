/* kubelet/node_facts: what the machine is: read from the system once, and what changes each time it is asked
 * for.
 *
 * Blocks shortly (files of /proc, /sys, /etc). Any thread.
 */
#pragma once

#include <stdint.h>

#include "base/str.h"

struct arena;
struct err;

struct node_facts {
    struct str machine_id, system_uuid, boot_id, kernel_version, os_image, architecture;
    uint32_t cpus; /* that this process may use */
    uint64_t memory_bytes, swap_bytes;
    uint64_t disk_bytes; /* of the file system of the given folder */
    struct str hostname;
};

/* dir: where the kubelet keeps its data. Texts in the arena. */
int node_facts_read(const char *dir, struct arena *a, struct node_facts *ret, struct err *err);

/* What is free now; all that cannot be read is 0. */
struct node_free {
    uint64_t memory_bytes; /* available: capacity less the working set */
    uint64_t disk_bytes, disk_inodes, disk_inodes_total;
    uint64_t pids, pids_max;
};
void node_free_read(const char *dir, const struct node_facts *facts, struct node_free *ret);
