/* api/meta: the parts of metadata that code works with: resource versions, labels, owners, finalizers.
 *
 * Functions that change something build new lists and maps in the arena and leave the old ones alone, since
 * these may belong to a frozen object. Texts are borrowed. Any thread.
 */
#pragma once

#include <stdint.h>

#include "api/types/meta.h"

struct arena;
struct err;
struct kind;

/* Resource versions are decimal numbers below 2⁶⁴; "" and "0" are both 0, which means none or any. What is no
 * number is ERR_INVALID, with the message of a field error. CONFORMS: the rules of watch and list options. */
int rv_parse(struct str text, uint64_t *ret, struct err *err);

/* Which of two versions that objects carry is the later one: <0, 0, >0 in *ret. Both must be proper: no "",
 * no "0", no leading zeros; of any length. CONFORMS: resourceversion.CompareResourceVersion. */
int rv_compare(struct str a, struct str b, int *ret, struct err *err);

/* Room for any version, with the NUL. */
#define RV_TEXT_MAX 21

/* 0 is "0". Returns the length; a NUL follows. */
size_t rv_format(uint64_t rv, char out[RV_TEXT_MAX]);

/* A copy of the map with the key set, or without it; m itself when that changes nothing. */
struct str_map str_map_with(struct arena *a, struct str_map m, struct str key, struct str value);
struct str_map str_map_without(struct arena *a, struct str_map m, struct str key);

/* Both maps; where a key is in both, over wins. */
struct str_map str_map_merge(struct arena *a, struct str_map under, struct str_map over);

bool str_map_equal(struct str_map a, struct str_map b);

/* Bytes of all keys and values: what is limited for annotations. */
size_t str_map_bytes(struct str_map m);

static inline bool meta_is_deleting(const struct meta_object_meta *m) {
    return m->deletion_timestamp.set;
}

/* The owner that controls the object, or NULL. */
const struct meta_owner_reference *meta_controller(const struct meta_object_meta *m);

/* The owner with that uid, or NULL. An empty uid finds none. */
const struct meta_owner_reference *meta_owner(const struct meta_object_meta *m, struct str uid);

static inline bool meta_is_controlled_by(const struct meta_object_meta *m, struct str uid) {
    const struct meta_owner_reference *controller = meta_controller(m);
    return controller && uid.n && str_eq(controller->uid, uid);
}

/* A reference to a controller of that kind, which is deleted after what it controls. */
struct meta_owner_reference meta_controller_ref(const struct kind *kind,
                                                const struct meta_object_meta *owner);

/* Sets or removes the reference to the owner with that uid. */
void meta_set_owner(struct arena *a, struct meta_object_meta *m, const struct meta_owner_reference *owner);
bool meta_remove_owner(struct arena *a, struct meta_object_meta *m, struct str uid);

bool meta_has_finalizer(const struct meta_object_meta *m, struct str finalizer);

/* False when it was there already, or was not there. */
bool meta_add_finalizer(struct arena *a, struct meta_object_meta *m, struct str finalizer);
bool meta_remove_finalizer(struct arena *a, struct meta_object_meta *m, struct str finalizer);
