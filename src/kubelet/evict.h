/* kubelet/evict: when the node runs out of memory, disk or process numbers: says so, frees what can be freed,
 * and ends pods, the least deserving first.
 *
 * Called every 10 s by the housekeeping thread, and blocks it. CONFORMS: kubelet.tsv, eviction.
 */
#pragma once

struct evictor;
struct kubelet;

struct evictor *evictor_new(struct kubelet *k);
void evictor_free(struct evictor *e);
void evictor_run(struct evictor *e);
