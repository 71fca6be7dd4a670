/* A server whose answers a test writes, for tests of the remote transport. Plain HTTP on loopback. */
#pragma once

#include "base/buf.h"
#include "base/thread.h"
#include "client/client.h"
#include "net/http.h"

struct scripted;

/* Answers request number n (from 0), on the server's thread. */
typedef void (*scripted_fn)(struct scripted *s, struct http_request *r, unsigned n);

struct scripted {
    struct http_server *server;
    scripted_fn answer;
    void *arg;
    struct mutex lock;
    unsigned n;
    struct buf log, shown;     /* "GET /api/v1/pods?x=y\n" */
    struct http_request *held; /* a stream the test goes on with */
};

void scripted_start(struct scripted *s, scripted_fn answer, void *arg);
void scripted_stop(struct scripted *s);
/* The requests so far; valid until the next call. */
const char *scripted_log(struct scripted *s);
/* Waits until there were so many requests. */
void scripted_await(struct scripted *s, unsigned n);

void reply_json(struct http_request *r, int code, const char *text);
/* A Status of that reason. */
void reply_status(struct http_request *r, int code, const char *reason);
/* Begins a stream of JSON watch events, writes some; `hold`: it stays open. */
void reply_events(struct scripted *s, struct http_request *r, const char *events, bool hold);

/* A client of it; with_dead: another address that nobody listens on comes first. */
struct client *scripted_client(const struct scripted *s, bool with_dead, const char *token_path);
