/* kubelet/hooks: what a container's lifecycle asks for after its start and before its end. Blocks: workers
 * only.
 *
 * CONFORMS: kubelet.tsv, termination hooks; KEP-3960 sleep.
 */
#pragma once

#include <stdint.h>

struct container_ref;
struct container_view;
struct err;
struct kubelet;
struct object;
struct stop_under_way;
struct str;

/* 0, or what went wrong: the container is to be killed. */
int hook_post_start(struct kubelet *k, const struct object *pod, const struct container_ref *c, struct str id,
                    struct str pod_ip, struct err *err);

/* Its failure is an event and no more. Takes at most so long; a sleep ends earlier when the stop is to. */
void hook_pre_stop(struct kubelet *k, const struct object *pod, const struct container_ref *c,
                   const struct container_view *v, const struct stop_under_way *stop, int64_t timeout_ms);
