/* apiserver/documents: discovery and OpenAPI, as documents that are made when somebody first asks and kept
 * compressed.
 *
 * All are functions of the schema, so they never change while the process lives; what is kept is their gzip
 * form and a hash of their content. Any thread; two threads that ask first may both make one.
 *
 * CONFORMS: /api, /apis and what is below; aggregated discovery (APIGroupDiscoveryList v2) with its ETag;
 * /openapi/v2; /openapi/v3 with its index of content-hash URLs.
 */
#pragma once

#include <stdbool.h>

#include "base/str.h"

struct documents;
struct front_call;

#define KUBERNETES_GIT_VERSION "v1.36.2"
#define KUBERNETES_MAJOR "1"
#define KUBERNETES_MINOR "36"

struct documents *documents_new(void);
void documents_free(struct documents *d);

/* Each answers the request. path: below /openapi/v3, without slashes around it. */
void documents_openapi_v2(struct front_call *f);
void documents_openapi_v3_index(struct front_call *f);
void documents_openapi_v3(struct front_call *f, struct str path);

/* -- discovery (discovery.c) -- */

/* /api, /apis, /apis/GROUP, /api/v1 and /apis/GROUP/VERSION: false: there is no such group or version. */
bool discovery_serve(struct front_call *f, struct str path);

/* The aggregated form of /api (core) or /apis, when the Accept header asks for it and it was answered. */
bool documents_aggregated(struct front_call *f, bool core);
