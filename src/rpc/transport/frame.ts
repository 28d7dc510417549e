import { READ_MAX_BYTES } from './limits.ts';
import { malformed, tooLarge } from './protocol-errors.ts';

/** A message of gRPC, gRPC-Web, or a Connect stream in its frame: a byte of flags and four of length come before it. */
export type Frame = {
  readonly message: Buffer;
  readonly isCompressed: boolean;
  /** Where it ends in the bytes it was read from. */
  readonly end: number;
};

const HEAD_BYTES = 5;
const COMPRESSED = 1;

/** The most bytes that the frame of a request takes. */
export const LARGEST_FRAME_BYTES = HEAD_BYTES + READ_MAX_BYTES;

/** A message in its frame, uncompressed. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_BYTES + message.byteLength);
  frame[0] = 0;
  frame.writeUInt32BE(message.byteLength, 1);
  frame.set(message, HEAD_BYTES);
  return frame;
}

/**
 * The first frame of what has come of a request; undefined: it has not all come.
 * @throws RefusalError where it cannot be one, or is too large to be read.
 */
export function frameIn(bytes: Buffer): Frame | undefined {
  if (bytes.length === 0) return undefined;
  const flags = bytes[0]!;
  if ((flags & ~COMPRESSED) !== 0)
    throw malformed('framing', `the message's frame begins with ${flags}, where 0 or 1 stands`);
  if (bytes.length < HEAD_BYTES) return undefined;
  const end = HEAD_BYTES + bytes.readUInt32BE(1);
  if (end > LARGEST_FRAME_BYTES) throw tooLarge(READ_MAX_BYTES);
  if (end > bytes.length) return undefined;
  return { message: bytes.subarray(HEAD_BYTES, end), isCompressed: flags === COMPRESSED, end };
}
