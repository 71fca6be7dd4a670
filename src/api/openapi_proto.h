/* api/openapi_proto: the OpenAPI document of version 2 in its protobuf form, which clients of Kubernetes ask
 * for.
 *
 * Made from the JSON form. What our documents do not use (security, examples, …) is left out. Any thread.
 *
 * CONFORMS: openapi.v2.Document of gnostic; extensions (x-…) are texts that read as YAML.
 */
#pragma once

#include "base/str.h"

struct arena;
struct buf;
struct err;

/* Appends the document. json: what openapi_v2 wrote. */
int openapi_v2_proto(struct buf *out, struct str json, struct arena *scratch, struct err *err);
