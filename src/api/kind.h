/* api/kind: the REST face of API types: what schema/ annotations say of each resource.
 *
 * One constant row per kind that can be served, made by the generator from the .ann files; custom resources
 * make heap rows of the same form. Read-only, any thread.
 *
 * kinds[] holds the resources first, in order of group, version and name; its ids are KIND_* in
 * api/types/ids.h, KIND_RESOURCES many. After them come kinds that only occur as bodies of subresources or as
 * answers (Scale, Eviction, Status): plural is empty, verbs are none; they are there to be found by name.
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

/* A table column. Paths lead through messages of the hub's type ("spec.nodeName", also for other versions). A
 * time is shown as the time that passed since then, unless type is date. */
struct kind_column {
    struct str name, type, format, description;
    struct str path;   /* dotted JSON path when the cell is just a field; empty: made by code */
    struct str absent; /* shown in a string column when that field is absent or empty */
    int priority;      /* 0: always shown, 1: wide */
};

/* A label that fieldSelector accepts, and the JSON path of the hub's type it reads; with an empty path the
 * value is made by code, or there is none. Every kind with a plural has at least metadata.name. */
struct kind_selector {
    struct str label, path;
};

struct kind {
    struct str group, version; /* "" is the core group */
    struct str api_version;    /* "v1", "apps/v1" */
    struct str name;           /* Pod */
    struct str plural, singular;
    const struct str *short_names, *categories;
    const struct kind_subresource *subresources;
    const struct kind_column *columns; /* NULL: Name and Created At */
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
extern const uint32_t n_kinds;           /* resources; later rows are bodies */
extern const uint32_t n_kinds_all;       /* with bodies */
extern const uint16_t kinds_by_plural[]; /* n_kinds indexes in order of group, version, plural */

/* A group version that is, or can be, served, in the order discovery lists them: by place, then by version
 * priority, highest first. Priorities are those of APIService objects; 0: there is none for it. */
struct api_group_row {
    struct str group, version;
    uint16_t group_priority, version_priority;
    uint16_t place;
    bool preferred; /* of its group */
    bool served;    /* by default */
};

extern const struct api_group_row api_groups[];
extern const uint32_t n_api_groups;

/* Group versions ("apps/v1", "/v1") that OpenAPI names for types with TYPE_GVK_EVERYWHERE. */
extern const struct str gvk_everywhere[];
extern const uint32_t n_gvk_everywhere;

/* By group, version and kind (bodies too) / plural name; NULL when there is none. Binary search. */
const struct kind *kind_find(struct str group, struct str version, struct str name);
const struct kind *kind_find_resource(struct str group, struct str version, struct str plural);

/* The apiVersion text of a kind; lives as long as the kind. */
struct str kind_api_version(const struct kind *k);

/* Splits "apps/v1" or "v1". False when malformed (more than one slash), outputs untouched then. */
bool api_version_split(struct str api_version, struct str *ret_group, struct str *ret_version);
