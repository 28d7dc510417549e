import { promisify } from 'node:util';
import { brotliDecompress, gunzip } from 'node:zlib';
import { hungUp } from './call-scope.ts';
import type { Dialect } from './dialect.ts';
import { READ_MAX_BYTES } from './limits.ts';
import { malformed, tooLarge, unsupported } from './malformed.ts';
import { quoted } from './timeout-header.ts';

const FRAME_HEAD_BYTES = 5;
const COMPRESSED = 1;

const DECOMPRESS: Readonly<Record<string, (bytes: Uint8Array) => Promise<Uint8Array>>> = {
  gzip: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: READ_MAX_BYTES }),
  br: (bytes) => promisify(brotliDecompress)(bytes, { maxOutputLength: READ_MAX_BYTES }),
};

/**
 * The one message in the body of a request, or in the query of a GET, out of its frame and its compression.
 * @throws RefusalError where there is none, more than one, too much, or not what the headers say it is.
 */
export async function readMessage(
  body: AsyncIterable<Uint8Array>,
  { framed }: Dialect,
  { compression, length }: { readonly compression: string | undefined; readonly length: number },
): Promise<Uint8Array> {
  const most = READ_MAX_BYTES + (framed ? FRAME_HEAD_BYTES : 0);
  // Nobody need send all of it to hear that it is too much.
  if (length > most) throw tooLarge(READ_MAX_BYTES);
  const bytes = await readAll(body, most);
  if (!framed) return bytes.length === 0 ? bytes : decompressed(bytes, compression ?? 'identity');
  const { message, isCompressed } = unframed(bytes);
  if (!isCompressed) return message;
  if (compression === undefined || compression === 'identity')
    throw malformed('compression', 'the message is marked as compressed, and no header says how');
  return decompressed(message, compression);
}

async function readAll(body: AsyncIterable<Uint8Array>, most: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of untilHungUp(body)) {
    length += chunk.length;
    if (length > most) throw tooLarge(READ_MAX_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

// A body breaks off where its caller leaves.
async function* untilHungUp(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw hungUp();
  }
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

async function decompressed(bytes: Uint8Array, compression: string): Promise<Uint8Array> {
  if (compression === 'identity') return bytes;
  const decompress = Object.hasOwn(DECOMPRESS, compression) ? DECOMPRESS[compression] : undefined;
  if (decompress === undefined)
    throw unsupported(
      'compression',
      `the request is compressed by ${quoted(compression)}: ${Object.keys(DECOMPRESS).join(' and ')} are read`,
    );
  try {
    return await decompress(bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(READ_MAX_BYTES);
    throw malformed('compression', `the request is not what ${compression} makes`);
  }
}
