import type { ServerHttp2Stream } from 'node:http2';
import type { Readable } from 'node:stream';
import { frameIn, LARGEST_FRAME_BYTES } from './frame.ts';
import { bodyOf, endsEarly, messageIn, unpacked } from './request-body.ts';

/**
 * The one message of a call.
 * @throws RefusalError, hungUp, as reading and unpacking a body do.
 */
export async function messageOf(
  stream: ServerHttp2Stream,
  compression: string | undefined,
): Promise<Uint8Array> {
  return messageIn(await bodyOf(stream, LARGEST_FRAME_BYTES), { framed: true }, compression);
}

/** Each message of a stream of requests as it comes, read no faster than they are asked for. */
export async function* messagesOf<T>(
  stream: Readable,
  compression: string | undefined,
  decode: (bytes: Uint8Array) => T,
): AsyncGenerator<T, void, undefined> {
  let bytes: Buffer = Buffer.alloc(0);
  // Not destroyed on return: the other direction is still being written.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    bytes = bytes.length === 0 ? (chunk as Buffer) : Buffer.concat([bytes, chunk as Buffer]);
    for (let frame = frameIn(bytes); frame !== undefined; frame = frameIn(bytes)) {
      bytes = bytes.subarray(frame.end);
      yield decode(await unpacked(frame, compression));
    }
  }
  if (bytes.length > 0) throw endsEarly();
}
