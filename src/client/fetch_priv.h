/* What else sets up curl handles. Inside client/ only. */
#pragma once

#include <curl/curl.h>

#include "client/fetch.h"

/* Trust, certificate, TLS version; t (may be NULL) outlives the handle. */
void fetch_set_tls(CURL *easy, const struct fetch_tls *t);

/* The URL; where the certificate must have another name than the URL's host, that name is what is talked to
 * at the host's address. The list (may be NULL) is freed after the handle; texts lie in the arena. */
struct curl_slist *fetch_set_url(CURL *easy, const struct fetch_tls *t, struct str url, struct arena *a);
