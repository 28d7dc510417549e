import { SHARDS } from '../book/book-key.ts';

/** Where in the feed of one shard to read on: from the position, or from a place inside it. */
export type Place = { readonly position: number; readonly inside: Inside | null };

/** A transaction that has been told; what is left of its position comes after it. */
export type Inside = { readonly bookId: string; readonly version: number; readonly ordinal: number };

/** How far a stream has come: a place per shard in the feed of a namespace, one place in a customer's book. */
export type Cursor =
  | { readonly of: 'namespace'; readonly places: readonly Place[] }
  | { readonly of: 'customer'; readonly version: number; readonly ordinal: number };

const FORMAT = 1;

/**
 * A cursor as bytes. Shards move along together, so positions are told from the lowest of them on: some 200 bytes for a
 * stream that keeps up, at most 2,300.
 */
export function writeCursor(cursor: Cursor): Buffer {
  const bytes: number[] = [FORMAT];
  if (cursor.of === 'customer') {
    for (const part of [cursor.version, cursor.ordinal]) writeNumber(bytes, part);
    return Buffer.from(bytes);
  }
  const base = Math.min(...cursor.places.map(({ position }) => position));
  writeNumber(bytes, base);
  for (const { position, inside } of cursor.places) {
    writeNumber(bytes, (position - base) * 2 + (inside === null ? 0 : 1));
    if (inside === null) continue;
    bytes.push(...Buffer.from(inside.bookId.replaceAll('-', ''), 'hex'));
    for (const part of [inside.version, inside.ordinal]) writeNumber(bytes, part);
  }
  return Buffer.from(bytes);
}

/** The cursor that was written; null when the bytes are not one of this kind. */
export function readCursor(of: Cursor['of'], bytes: Buffer): Cursor | null {
  const source: Source = { bytes, at: 1 };
  if (bytes[0] !== FORMAT) return null;
  const cursor: Cursor =
    of === 'customer'
      ? { of, version: readNumber(source), ordinal: readNumber(source) }
      : { of, places: readPlaces(source) };
  return source.at === bytes.length ? cursor : null;
}

type Source = { readonly bytes: Buffer; at: number };

function readPlaces(source: Source): Place[] {
  const base = readNumber(source);
  return Array.from({ length: SHARDS }, () => {
    const told = readNumber(source);
    const position = base + Math.floor(told / 2);
    if (told % 2 === 0) return { position, inside: null };
    const bookId = source.bytes.subarray(source.at, source.at + 16).toString('hex');
    source.at += 16;
    return { position, inside: { bookId, version: readNumber(source), ordinal: readNumber(source) } };
  });
}

// Seven bits a byte, the lowest first, as protobuf does; by arithmetic, because shifts end at 32 bits.
function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80);
  bytes.push(rest);
}

function readNumber(source: Source): number {
  let value = 0;
  for (let place = 1; ; place *= 0x80) {
    const byte = source.bytes[source.at++] ?? 0;
    value += (byte % 0x80) * place;
    if (byte < 0x80) return value;
  }
}
