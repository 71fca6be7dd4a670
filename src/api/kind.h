/* api/kind: the REST face of API types: what schema/ annotations say of each resource.
 *
 * One constant row per kind that is served, made by the generator from the .ann files; custom resources make
 * heap rows of the same form. Read-only, any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "api/schema.h"

enum verb {
    VERB_GET = 1 << 0,
    VERB_LIST = 1 << 1,
    VERB_WATCH = 1 << 2,
    VERB_CREATE = 1 << 3,
    VERB_UPDATE = 1 << 4,
    VERB_PATCH = 1 << 5,
    VERB_DELETE = 1 << 6,
    VERB_DELETECOLLECTION = 1 << 7,
};

struct kind_subresource {
    struct str name; /* status, scale, log, … */
    struct str kind; /* of the body: Scale, Eviction, … */
    struct str kind_group, kind_version;
    uint16_t type;  /* of the body, 0: none */
    uint16_t verbs; /* enum verb */
};

struct kind_column {
    struct str name, type, format, description;
    struct str path; /* dotted JSON path when the cell is just a field; empty: made by code */
    int priority;    /* 0: always shown, 1: wide */
};

/* A label that fieldSelector accepts, and the JSON path it reads. */
struct kind_selector {
    struct str label, path;
};

struct kind {
    struct str group, version; /* "" is the core group */
    struct str name;           /* Pod */
    struct str plural, singular;
    const struct str *short_names, *categories;
    const struct kind_subresource *subresources;
    const struct kind_column *columns; /* NULL: Name and Age only */
    const struct kind_selector *selectors;
    uint16_t n_short_names, n_categories, n_subresources, n_columns, n_selectors;
    uint16_t type, list_type; /* ids in set; list_type 0: none */
    uint16_t verbs;           /* enum verb */
    uint16_t index;           /* place in kinds[] */
    bool namespaced;
    bool served;                 /* by default */
    bool put_creates;            /* PUT makes an absent object */
    bool update_without_version; /* PUT may leave resourceVersion out */
    bool virtual_;               /* nothing is stored: reviews, Binding, ComponentStatus */
    const struct kind *hub;      /* stored version of the same resource; itself when it is that */
    struct str storage_version_hash;
    const struct ty_set *set;
};

extern const struct kind kinds[];
extern const uint32_t n_kinds;

/* By group, version and kind / plural name; NULL when there is none. Binary search. */
const struct kind *kind_find(struct str group, struct str version, struct str name);
const struct kind *kind_find_resource(struct str group, struct str version, struct str plural);

/* "v1", "apps/v1": the apiVersion text of a kind, constant. */
struct str kind_api_version(const struct kind *k);

/* Splits "apps/v1" or "v1". False when malformed (more than one slash). */
bool api_version_split(struct str api_version, struct str *ret_group, struct str *ret_version);
