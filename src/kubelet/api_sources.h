/* kubelet/api_sources: the kubelet's pod_sources: objects from the API, kept for a short while; tokens of
 * service accounts, kept until they are to be renewed.
 *
 * Objects are asked for by name, as the node authoriser allows it; what was asked for within the last half
 * minute is answered from memory, so that many pods with the same config map cost one request. Services come
 * from an informer. Any thread; blocks.
 */
#pragma once

#include "kubelet/pod_sources.h"

struct api_sources;
struct client;
struct err;

int api_sources_new(struct client *c, struct api_sources **ret, struct err *err);
void api_sources_free(struct api_sources *s);
struct pod_sources *api_sources_table(struct api_sources *s);

/* The pod is gone: its tokens are forgotten. */
void api_sources_forget(struct api_sources *s, struct str pod_uid);

/* The pod has changed, or is to be refreshed: objects are asked for anew. */
void api_sources_expire(struct api_sources *s);
