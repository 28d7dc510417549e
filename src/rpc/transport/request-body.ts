import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { hungUp } from '../call/admission.ts';
import { frameIn, LARGEST_FRAME_BYTES, type Frame } from './frame.ts';
import type { WireFormat } from './wire-format.ts';
import { READ_MAX_BYTES } from './limits.ts';
import { malformed, tooLarge, unsupported } from './protocol-errors.ts';
import { quoted } from './timeout-header.ts';

const DECOMPRESS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: READ_MAX_BYTES }),
  deflate: (bytes) => promisify(inflate)(bytes, { maxOutputLength: READ_MAX_BYTES }),
  br: (bytes) => promisify(brotliDecompress)(bytes, { maxOutputLength: READ_MAX_BYTES }),
};

/** What a message may be compressed by. */
export const COMPRESSIONS: readonly string[] = Object.keys(DECOMPRESS);

/** The most bytes that are read of a request in this format. */
export const mostBytes = ({ framed }: Pick<WireFormat, 'framed'>): number =>
  framed ? LARGEST_FRAME_BYTES : READ_MAX_BYTES;

/**
 * All bytes of a request's body.
 * @throws RefusalError where they are more than `most`; hungUp where they break off.
 */
export function bodyOf(body: Readable, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer | undefined;
    let rest: Buffer[] | undefined;
    let length = 0;
    const take = (chunk: Buffer) => {
      length += chunk.length;
      if (length > most) {
        body.off('data', take);
        reject(tooLarge(READ_MAX_BYTES));
      } else if (bytes === undefined) bytes = chunk;
      else (rest ??= [bytes]).push(chunk);
    };
    const whole = () => {
      resolve(rest === undefined ? (bytes ?? EMPTY) : Buffer.concat(rest, length));
      // The stream knows these listeners for as long as it lives.
      bytes = rest = undefined;
    };
    // A body breaks off where its caller leaves, whether that was heard before or after its end. Over HTTP/2 it says so, and
    // then ends as if it were whole.
    const breakOff = () => reject(hungUp());
    body.on('data', take).on('end', whole).on('error', breakOff).on('aborted', breakOff);
  });
}

const EMPTY = Buffer.alloc(0);

/**
 * The one message that a request holds, out of its frame and its compression.
 * @throws RefusalError where there is none, more than one, too much, or not what the headers say it is.
 */
export function messageIn(
  bytes: Buffer,
  { framed }: Pick<WireFormat, 'framed'>,
  compression = 'identity',
): Uint8Array | Promise<Uint8Array> {
  if (!framed) return bytes.length === 0 ? bytes : decompressed(bytes, compression);
  if (bytes.length === 0)
    throw unsupported('messages', 'the request holds no message, and this call takes one');
  const frame = frameIn(bytes);
  if (frame === undefined) throw endsEarly();
  if (frame.end < bytes.length)
    throw unsupported('messages', 'the request holds more than one message, and this call takes one');
  return unpacked(frame, compression);
}

/** Of a frame whose rest never came. */
export const endsEarly = () => malformed('framing', 'the request ends in the middle of its message');

/**
 * The message in a frame, out of its compression.
 * @throws RefusalError where it is not what the header says it is.
 */
export function unpacked(
  { message, isCompressed }: Frame,
  compression = 'identity',
): Uint8Array | Promise<Uint8Array> {
  const decompress = decompressionBy(compression);
  if (!isCompressed) return message;
  if (decompress === undefined)
    throw malformed('compression', 'the message is marked as compressed, and no header says how');
  return decompress(message);
}

function decompressed(bytes: Uint8Array, compression: string): Uint8Array | Promise<Uint8Array> {
  const decompress = decompressionBy(compression);
  return decompress === undefined ? bytes : decompress(bytes);
}

/** Undefined where there is nothing to do. */
function decompressionBy(compression: string) {
  if (compression === 'identity') return undefined;
  const decompress = Object.hasOwn(DECOMPRESS, compression) ? DECOMPRESS[compression] : undefined;
  if (decompress === undefined)
    throw unsupported(
      'compression',
      `the request is compressed by ${quoted(compression)}: ${COMPRESSIONS.join(', ')} are read`,
    );
  return (bytes: Uint8Array) =>
    decompress(bytes).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(READ_MAX_BYTES);
      throw malformed('compression', `the request is not what ${compression} makes`);
    });
}
