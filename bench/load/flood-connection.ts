import { connect } from 'node:net';

/**
 * A gRPC client of one connection that does nothing but send calls and look how they end: frames of HTTP/2 written and
 * read by hand. Node's own client takes as long for a call as the service for a refusal, so that no flood could be made
 * on the CPUs they share. It keeps to the rules: the streams it may open, the window it may fill, pings.
 */
export type FloodConnection = {
  /** Sends a call if the service lets it; the number of the stream, or null where it has to wait. */
  send(message: Buffer): number | null;
  /** Tells that nobody waits any more. */
  cancel(stream: number): void;
  close(): void;
};

/** The message a call ended with, as it came; empty: it was refused. */
export type FloodAnswer = readonly Buffer[];

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE] = [0, 1, 3, 4, 6, 7, 8];
const [ACK, END_STREAM, END_HEADERS] = [1, 1, 4];
const HEAD_BYTES = 9;
/** What every connection begins with, and streams as long as the service does not say otherwise. */
const WINDOW = 65_535;
const MAX_CONCURRENT_STREAMS = 3;
const LARGEST_FRAME = 16_384;

export function openFlood(
  url: string,
  { path, deadlineMs }: { readonly path: string; readonly deadlineMs: number | null },
  ended: (stream: number, answer: FloodAnswer) => void,
): Promise<FloodConnection> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname).setNoDelay();
  const headers: readonly (readonly [string, string])[] = [
    [':path', path],
    [':authority', host],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...(deadlineMs === null ? [] : [['grpc-timeout', `${deadlineMs}m`] as const]),
  ];
  let next = 1;
  let [mostStreams, window] = [100, WINDOW];
  /** Streams under way, with what has come of their messages. */
  const open = new Map<number, Buffer[]>();
  let written: Buffer[] = [];

  // What is sent in one turn of the loop goes out in one write.
  const write = (bytes: Buffer) => {
    if (written.push(bytes) > 1) return;
    setImmediate(() => {
      if (!socket.destroyed) socket.write(Buffer.concat(written));
      written = [];
    });
  };
  const finish = (stream: number) => {
    const answer = open.get(stream);
    if (answer === undefined) return;
    open.delete(stream);
    ended(stream, answer);
  };
  const settle = (payload: Buffer) => {
    for (let at = 0; at < payload.length; at += 6)
      if (payload.readUInt16BE(at) === MAX_CONCURRENT_STREAMS) mostStreams = payload.readUInt32BE(at + 2);
    write(frame(SETTINGS, ACK, 0));
  };
  const read = (type: number, flags: number, stream: number, payload: Buffer): void => {
    if (type === DATA) {
      if (payload.length > 0) {
        open.get(stream)?.push(payload);
        write(frame(WINDOW_UPDATE, 0, 0, uint32(payload.length)));
      }
      if ((flags & END_STREAM) !== 0) finish(stream);
    } else if (type === HEADERS) {
      if ((flags & END_STREAM) !== 0) finish(stream);
    } else if (type === RST_STREAM) finish(stream);
    else if (type === SETTINGS && (flags & ACK) === 0) settle(payload);
    else if (type === PING && (flags & ACK) === 0) write(frame(PING, ACK, 0, payload));
    else if (type === WINDOW_UPDATE && stream === 0) window += payload.readUInt32BE(0);
    else if (type === GOAWAY) mostStreams = 0;
  };

  let rest: Buffer = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    let left = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    while (left.length >= HEAD_BYTES && left.length >= HEAD_BYTES + left.readUIntBE(0, 3)) {
      const end = HEAD_BYTES + left.readUIntBE(0, 3);
      read(left[3]!, left[4]!, left.readUInt32BE(5), left.subarray(HEAD_BYTES, end));
      left = left.subarray(end);
    }
    rest = left;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => [...open.keys()].forEach(finish));
  write(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
  write(frame(SETTINGS, 0, 0));
  write(frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 30)));

  const first = headerBlock(headers);
  const later = indexedBlock(headers);
  const connection: FloodConnection = {
    send(message) {
      if (open.size >= mostStreams || window < message.length) return null;
      const stream = next;
      next += 2;
      window -= message.length;
      open.set(stream, []);
      write(frame(HEADERS, END_HEADERS, stream, stream === 1 ? first : later));
      for (let from = 0; from < message.length; from += LARGEST_FRAME) {
        const end = from + LARGEST_FRAME;
        write(frame(DATA, end < message.length ? 0 : END_STREAM, stream, message.subarray(from, end)));
      }
      return stream;
    },
    cancel(stream) {
      if (!open.delete(stream)) return;
      write(frame(RST_STREAM, 0, stream, uint32(8)));
    },
    close: () => socket.destroy(),
  };
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('connect', () => resolve(connection));
  });
}

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** `:method: POST` and `:scheme: http` of HPACK's static table (RFC 7541, appendix A). */
const POST_OVER_HTTP = [0x83, 0x86];

/** The header block of a connection's first call: what is not in the static table goes into the dynamic one. */
const headerBlock = (headers: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat([
    Buffer.from(POST_OVER_HTTP),
    ...headers.flatMap(([name, value]) => [Buffer.from([0x40]), text(name), text(value)]),
  ]);

/** The same of every further call: where the headers lie in the dynamic table, the newest first. */
const indexedBlock = (headers: readonly (readonly [string, string])[]): Buffer =>
  Buffer.from([...POST_OVER_HTTP, ...headers.map((_, i) => 0x80 | (62 + headers.length - 1 - i))]);

/** A string as HPACK has it, not compressed, and shorter than 127 bytes. */
const text = (value: string): Buffer => Buffer.from([value.length, ...Buffer.from(value)]);
