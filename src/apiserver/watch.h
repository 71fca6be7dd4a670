/* apiserver/watch: HTTP watches: a cursor into the cache's ring, and a stream of what it reads.
 *
 * A watch belongs to the loop of its connection. It reads events only as fast as its peer takes them; what it
 * has not read stays in the ring, and when it falls off the end it is told so (410) and ends. Bytes of
 * objects are borrowed from the objects, so a thousand watchers send the same bytes.
 *
 *     first states (resourceVersion "" or "0", or sendInitialEvents) ──▶ events ──▶ time-out, drain, 410: end
 *
 * CONFORMS: upstream's watches: resourceVersion, sendInitialEvents, bookmarks, transitions into and out of a
 * selection, timeoutSeconds, JSON, protobuf, Table and PartialObjectMetadata.
 */
#pragma once

struct front_call;
struct watches;

/* All watches of a server, by loop. */
struct watches *watches_new(void);
/* After all have ended. */
void watches_free(struct watches *w);
/* Ends all, on their loops. Any thread. New ones end at once. */
void watches_drain(struct watches *w);
unsigned watches_count(struct watches *w);

/* Answers with a stream, or with a status. Negotiated already. */
void watch_serve(struct front_call *f);
