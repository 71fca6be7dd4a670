/* kubelet/static_pods: pods out of a folder of manifests, and their mirrors in the API.
 *
 * The folder is looked at every 20 s, and at once when inotify says that it changed. A file is one pod, in
 * YAML or JSON; a file that cannot be read is told of and passed over, pods of files that vanish are ended.
 * Each static pod has a mirror in the API, made again when it is deleted or differs. CONFORMS: kubelet.tsv,
 * static pod.
 *
 * One thread of its own.
 */
#pragma once

#include "base/str.h"

struct arena;
struct core_pod;
struct err;
struct kubelet;
struct static_pods;

int static_pods_start(struct kubelet *k, struct static_pods **ret, struct err *err);
void static_pods_stop(struct static_pods *s);

/* Reads one manifest: decoded, defaulted, named after the node, with its annotations and a uid of its own.
 * The pod lies in the arena. */
int static_pod_read(struct arena *a, struct str text, struct str path, struct str node_name,
                    const struct core_pod **ret, struct err *err);
