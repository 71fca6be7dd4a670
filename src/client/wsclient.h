/* client/wsclient: a WebSocket to the API server: what exec, attach and port-forward run over.
 *
 * Opening blocks (not on the loop); afterwards everything happens on the loop: callbacks, and the calls
 * below. Only clients of the remote transport can do it; others answer ERR_UNSUPPORTED.
 *
 * CONFORMS: RFC 6455, framing by wslay.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct client;
struct err;
struct loop;
struct wsclient;

#define WSCLIENT_MESSAGE_MAX ((size_t)32 << 20)
#define WSCLIENT_QUEUE_MAX ((size_t)1 << 20) /* bytes that wait to be sent */

struct wsclient_ops {
    void (*on_message)(void *user, bool text, struct str bytes);
    /* There is room again after wsclient_send said ERR_AGAIN. May be NULL. */
    void (*on_writable)(void *user);
    /* Last call; nothing is to be done with it afterwards. why NULL: closed as one does. */
    void (*on_close)(void *user, const struct err *why);
};

struct wsclient_options {
    struct client *client; /* only for the opening */
    struct loop *loop;
    struct str path;             /* with query, escaped */
    const struct str *protocols; /* best first */
    size_t n_protocols;
    unsigned timeout_ms; /* of the opening; 0: CLIENT_TIMEOUT_MS */
    const struct wsclient_ops *ops;
    void *user;
};

/* On refusal the code and text of the server's Status. */
int wsclient_open(const struct wsclient_options *o, struct wsclient **ret, struct err *err);

/* The protocol that the server chose; any thread. */
struct str wsclient_protocol(const struct wsclient *w);

/* Sends a message made of a copy of the parts. 0, ERR_AGAIN when too much waits, ERR_CLOSED. */
int wsclient_send(struct wsclient *w, bool text, const struct str *parts, size_t n);
/* Delivers nothing more (or again). */
void wsclient_pause(struct wsclient *w, bool pause);
/* Says goodbye; on_close follows, at the latest when the peer has had two seconds for its own. */
void wsclient_close(struct wsclient *w);
