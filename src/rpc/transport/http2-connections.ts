import {
  performServerHandshake,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { createClock, type Clock } from '../../db/clock.ts';
import * as limits from './limits.ts';

/** Answers one stream of HTTP/2, which is one call. */
export type StreamListener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** The connections that speak HTTP/2, from their preface to their end. */
export type Http2Connections = {
  /** Takes over a connection that opens with the preface; nothing of it has been consumed. */
  accept(socket: Duplex): void;
  /** Tells clients to go elsewhere (GOAWAY). Connections close when their streams are done, or after `graceMs`. */
  drain(graceMs: number): void;
  destroy(): void;
};

const OPTIONS = {
  settings: { maxConcurrentStreams: limits.MAX_CONCURRENT_CALLS },
  /**
   * Node counts a stream for a turn of the loop after it has ended. So of a client that has as many open as it may, cancels
   * some and opens others at once, it resets the others (ENHANCE_YOUR_CALM, which is RESOURCE_EXHAUSTED to gRPC: nothing
   * was begun), and after a hundred of them the whole connection. The resets stay with the crowd that they come from; to
   * cut it off would fail calls that are under way.
   */
  maxSessionRejectedStreams: 2 ** 31 - 1,
  // Megabytes. Requests and unsent messages are bounded one by one; a bound on a connection fails whichever call is next.
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
};

export type Http2ConnectionsOptions = {
  /** What a drain waits by. */
  readonly clock: Clock;
  /** What pings, ages and idleness go by; default the process's: a peer answers in its own time, whatever a test makes of ours. */
  readonly network?: Clock;
  /** Spreads the ages at which connections end: those of one moment are not to come back in one. */
  readonly random?: () => number;
};

export function createHttp2Connections(
  answer: StreamListener,
  { clock, network = createClock(), random = Math.random }: Http2ConnectionsOptions,
): Http2Connections {
  const sessions = new Set<ServerHttp2Session>();

  /** Looks after a connection until it is closed: whether its peer is there, has anything to ask, and has had it long enough. */
  function attend(session: ServerHttp2Session): void {
    const beganMs = network.monotonic();
    const agedMs = beganMs + limits.CONNECTION_AGE_MS * (0.9 + 0.2 * random());
    let streams = 0;
    let idleSinceMs = beganMs;
    session.on('stream', (stream, headers) => {
      // Reset in the breath in which it came: it has no session any more, and nobody waits for it.
      if (stream.destroyed) return;
      streams += 1;
      stream.once('close', () => {
        streams -= 1;
        idleSinceMs = network.monotonic();
      });
      answer(stream, headers);
    });
    const look = () => {
      const nowMs = network.monotonic();
      const isIdle = streams === 0 && nowMs - idleSinceMs >= limits.CONNECTION_IDLE_MS;
      // Told once; its streams go on, and so do pings.
      if ((isIdle || nowMs >= agedMs) && !session.closed) session.close();
      if (session.destroyed) return;
      const giveUp = network.after(limits.KEEPALIVE_TIMEOUT_MS, () => session.destroy());
      session.ping(giveUp);
      const sleep = network.after(limits.KEEPALIVE_EVERY_MS, look);
      callOff = () => {
        giveUp();
        sleep();
      };
    };
    let callOff = network.after(limits.KEEPALIVE_EVERY_MS, look);
    session.once('close', () => {
      callOff();
      sessions.delete(session);
    });
  }

  return {
    accept(socket) {
      const session = performServerHandshake(socket, OPTIONS);
      // A peer that breaks the protocol, or its connection: Node has ended it, and its calls hear of it by their streams.
      session.on('error', () => undefined);
      sessions.add(session);
      attend(session);
    },
    drain(graceMs) {
      for (const session of sessions) session.close();
      clock.after(graceMs, () => sessions.forEach((session) => session.destroy()));
    },
    destroy: () => sessions.forEach((session) => session.destroy()),
  };
}
