/* kubelet/pod_gc: what is left behind: dead containers beyond the last of each name, sandboxes without
 * containers, folders and runtime pods of pods that are gone, images nobody uses. Blocks; its caller's
 * thread.
 *
 * CONFORMS: kubelet.tsv, container gc and image garbage collection.
 */
#pragma once

struct kubelet;

/* Pods that the runtime or the disk still has although no source names them: they are ended. Only when
 * sources are known.
 */
void gc_orphans(struct kubelet *k);

/* Containers and sandboxes. */
void gc_dead(struct kubelet *k);

/* Logs that have grown too large. CONFORMS: containerLogMaxSize 10Mi, containerLogMaxFiles 5. */
void gc_logs(struct kubelet *k);

/* high_percent 0: all images that are not in use. */
void gc_images(struct kubelet *k, unsigned high_percent, unsigned low_percent);
