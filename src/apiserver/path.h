/* apiserver/path: what is served at paths that are no resources: health, versions, discovery, OpenAPI,
 * metrics, the documents of the token issuer. On the request's loop, after authorisation.
 */
#pragma once

struct front_call;

/* Answers, in any case: 404 for what is not there. */
void path_serve(struct front_call *f);
