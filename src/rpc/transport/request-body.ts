import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import type { Clock } from '../../db/clock.ts';
import { hungUp } from '../call/admission.ts';
import { atDeadline, tooLate } from '../call/deadline.ts';
import type { WireFormat } from './wire-format.ts';
import { READ_MAX_BYTES } from './limits.ts';
import { malformed, tooLarge, unsupported } from './protocol-errors.ts';
import { quoted } from './timeout-header.ts';

const FRAME_HEAD_BYTES = 5;
const COMPRESSED = 1;

const DECOMPRESS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: READ_MAX_BYTES }),
  br: (bytes) => promisify(brotliDecompress)(bytes, { maxOutputLength: READ_MAX_BYTES }),
};

/** The most bytes that are read of a request in this format. */
export const mostBytes = ({ framed }: WireFormat): number => READ_MAX_BYTES + (framed ? FRAME_HEAD_BYTES : 0);

/**
 * All bytes of a request's body.
 * @throws RefusalError where they are more than `most`, or have not come by the deadline; hungUp where they break off.
 */
export function bodyOf(
  body: IncomingMessage,
  most: number,
  clock: Clock,
  deadlineMs: number,
): Promise<Buffer> {
  // Nobody need send all of it to hear that it is too much.
  if (Number(body.headers['content-length'] ?? 0) > most) throw tooLarge(READ_MAX_BYTES);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const end = () => {
      callOff();
      body.off('data', take).off('end', whole);
    };
    const refuse = (reason: unknown) => {
      end();
      reject(reason);
    };
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length > most) refuse(tooLarge(READ_MAX_BYTES));
      else chunks.push(chunk);
    };
    const whole = () => {
      end();
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length));
    };
    const callOff = atDeadline(clock, deadlineMs, () => refuse(tooLate()));
    // A body breaks off where its caller leaves; whether that was heard before or after its end.
    body
      .on('data', take)
      .on('end', whole)
      .on('error', () => refuse(hungUp()));
  });
}

/**
 * The one message that a request holds, out of its frame and its compression.
 * @throws RefusalError where there is none, more than one, too much, or not what the headers say it is.
 */
export function messageIn(
  bytes: Buffer,
  { framed }: WireFormat,
  compression = 'identity',
): Uint8Array | Promise<Uint8Array> {
  if (!framed) return bytes.length === 0 ? bytes : decompressed(bytes, compression);
  const { message, isCompressed } = unframed(bytes);
  if (!isCompressed) return message;
  if (compression === 'identity')
    throw malformed('compression', 'the message is marked as compressed, and no header says how');
  return decompressed(message, compression);
}

function unframed(bytes: Buffer) {
  if (bytes.length === 0)
    throw unsupported('messages', 'the request holds no message, and this call takes one');
  const flags = bytes[0]!;
  if ((flags & ~COMPRESSED) !== 0)
    throw malformed('framing', `the message's frame begins with ${flags}, where 0 or 1 stands`);
  const end = bytes.length < FRAME_HEAD_BYTES ? Infinity : FRAME_HEAD_BYTES + bytes.readUInt32BE(1);
  if (end > FRAME_HEAD_BYTES + READ_MAX_BYTES && Number.isFinite(end)) throw tooLarge(READ_MAX_BYTES);
  if (end > bytes.length) throw malformed('framing', 'the request ends in the middle of its message');
  if (end < bytes.length)
    throw unsupported('messages', 'the request holds more than one message, and this call takes one');
  return { message: bytes.subarray(FRAME_HEAD_BYTES), isCompressed: flags === COMPRESSED };
}

function decompressed(bytes: Uint8Array, compression: string): Uint8Array | Promise<Uint8Array> {
  if (compression === 'identity') return bytes;
  const decompress = Object.hasOwn(DECOMPRESS, compression) ? DECOMPRESS[compression] : undefined;
  if (decompress === undefined)
    throw unsupported(
      'compression',
      `the request is compressed by ${quoted(compression)}: ${Object.keys(DECOMPRESS).join(' and ')} are read`,
    );
  return decompress(bytes).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(READ_MAX_BYTES);
    throw malformed('compression', `the request is not what ${compression} makes`);
  });
}
