import type { Socket } from 'node:net';
import { FIRST_BYTES_MS } from './limits.ts';

// Every HTTP/2 connection starts with these bytes (RFC 9113 §3.4), and no HTTP/1.1 request does:
// the method PRI was reserved for the purpose.
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export type Protocols = {
  http2(socket: Socket): void;
  http1(socket: Socket): void;
};

/** Hands each new connection to the server of the protocol it speaks, nothing of it consumed. */
export const createSniffer =
  (protocols: Protocols) =>
  (socket: Socket): void => {
    let seen: Buffer = Buffer.alloc(0);
    const giveUp = () => socket.destroy();
    const read = (bytes: Buffer) => {
      seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
      const length = Math.min(seen.length, HTTP2_PREFACE.length);
      const matches = seen.compare(HTTP2_PREFACE, 0, length, 0, length) === 0;
      if (matches && length < HTTP2_PREFACE.length) return;
      socket.off('data', read).off('timeout', giveUp).off('error', giveUp);
      socket.setTimeout(0);
      socket.pause();
      socket.unshift(seen);
      if (matches) return protocols.http2(socket);
      protocols.http1(socket);
      socket.resume();
    };
    // A reset before the first byte (a port scan, a TCP probe) must not surface as an uncaught error.
    socket.on('data', read).on('error', giveUp);
    socket.setTimeout(FIRST_BYTES_MS).on('timeout', giveUp);
  };
