/* api/validation: custom resource definitions and the schemas in them. */
#pragma once

#include "api/types/apiextensions.h"
#include "api/validation/validation.h"

/* crd_schema.c: one version's schema, at p. CONFORMS: structural schemas. CEL rules are compiled elsewhere.
 */
void check_crd_schema(struct field_errors *e, const struct field_path *p,
                      const struct apiextensions_json_schema_props *schema);

/* The schema of ".spec.a.b" in a schema, or NULL; keys with dots are not reached. */
const struct apiextensions_json_schema_props *
crd_schema_at(const struct apiextensions_json_schema_props *schema, struct str path);
