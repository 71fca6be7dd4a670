/* api/name_generate: names, identifiers and hashes that the system makes up.
 *
 * Random parts come from the caller's struct rand, so that a simulated run repeats. Any thread.
 */
#pragma once

#include "api/value.h"

struct arena;
struct rand;

#define NAME_GENERATE_BASE_MAX 58 /* bytes of a generateName that are used; 63 less the random part */
#define NAME_GENERATE_TRIES 8     /* how often the server tries another name when one is taken */

/* The base, cut to NAME_GENERATE_BASE_MAX bytes, and five random characters. */
struct str name_generate(struct arena *a, struct rand *r, struct str base);

/* A new UID: the text of a random UUID. */
struct str uid_generate(struct arena *a, struct rand *r);

/* The value of the label pod-template-hash: the hash of a stable encoding of the pod template, safe-encoded;
 * a collision count gives another one. CONFORMS: upstream's ComputeHash, but for the encoding that is hashed.
 */
struct str name_template_hash(struct arena *a, struct str encoding, struct opt_i32 collision_count);

/* The value of the label controller-revision-hash, from the revision's data. CONFORMS:
 * HashControllerRevision. */
struct str name_revision_hash(struct arena *a, struct str data, struct opt_i32 collision_count);

/* The name of a ControllerRevision: its parent's name, cut so that a hash fits behind it, a dash, the hash.
 */
struct str name_controller_revision(struct arena *a, struct str parent, struct str hash);
