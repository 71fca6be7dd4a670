/* test/bench/pods: a list of pods as a busy cluster has them, made from their number alone.
 *
 * Each is about five kilobytes of JSON as the API server sends it: one container with environment, probes and
 * resources, the projected token volume, five conditions, and the managed fields of the controller manager
 * and the kubelet.
 */
#pragma once

#include "base/buf.h"

/* Appends the JSON of pod i, and of a PodList with n of them. */
void pods_write_one(struct buf *out, unsigned i);
void pods_write_list(struct buf *out, unsigned n);
