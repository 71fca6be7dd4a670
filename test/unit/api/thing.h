/* A custom resource for tests: a ty_set as one made from a CustomResourceDefinition looks, with every kind of
 * list and map in it.
 *
 *     Thing { apiVersion kind metadata spec status }
 *     spec  { number text struct{x y z} items[](name){name value tags set, sub struct}
 * ports[](port,protocol=TCP) tags set, order atomic list, labels map, options atomic map, frozen atomic
 * struct, subs map of structs, free (anything), open { known, and unknown fields } } status{ phase ready }
 */
#pragma once

#include "api/ref.h"

/* The position of a Thing. Made once, kept until the process ends. */
struct pos thing_pos(void);
