/* api/validation: what claims and slices of devices share. */
#pragma once

#include "api/types/resource.h"
#include "api/validation/validation.h"

#define DEVICE_NAMES_MAX 32 /* of most lists in claims and classes */

/* A driver: a DNS subdomain of any case, at most 63 bytes. */
void check_device_driver(struct field_errors *e, const struct field_path *p, struct str driver);

/* DNS subdomains joined by slashes, at most 253 bytes. */
void check_device_pool(struct field_errors *e, const struct field_path *p, struct str pool);

/* A C identifier of at most 32 bytes behind an optional (or, fully, required) subdomain and slash. */
void check_device_qualified(struct field_errors *e, const struct field_path *p, struct str name, bool fully);

/* A JSON object of at most 10240 bytes. */
void check_device_json(struct field_errors *e, const struct field_path *p, struct str json, bool stored);

/* resource_claim.c: p is the list. */
void check_device_selectors(struct field_errors *e, const struct field_path *p,
                            const struct resource_device_selector_array *selectors);
void check_device_configuration(struct field_errors *e, const struct field_path *p,
                                const struct resource_device_configuration *c, bool stored);

/* Each a label key, each once; at most four. */
void check_binding_conditions(struct field_errors *e, const struct field_path *p,
                              const struct str_array *conditions, const struct str_array *failures);

/* Fills names with what constraints, configurations and results may name: requests, and alternatives in them.
 */
void collect_request_names(struct seen *names, const struct resource_device_claim *c);
bool request_names_has(const struct seen *names, struct str ref);

/* List of such names, each once. */
void check_request_refs(struct field_errors *e, const struct field_path *p, const struct str_array *refs,
                        const struct seen *names);

/* resource_status.c */
void status_resource_claim(struct validation *v, const void *object, const void *old);
