import { SHARDS } from '../tables/book-key.ts';

/** Where in the feed of one shard to read on: from the position, or from a place inside it. */
export type FeedPlace = { readonly position: number; readonly inside: Inside | InsideByUuid | null };

/** A transaction that has been told; what is left of its position comes after it, in the order of the books' numbers. */
export type Inside = Told & { readonly bookId: number };

/** The same in the order of the books' uuids, in which a position is told to its end where it was begun in it. */
export type InsideByUuid = Told & { readonly uuid: string };

type Told = { readonly version: number; readonly ordinal: number };

/** How far a stream has come: a place per shard in the feed of a namespace, one place in a customer's book. */
export type FeedCursor =
  | { readonly of: 'namespace'; readonly places: readonly FeedPlace[] }
  | { readonly of: 'customer'; readonly version: number; readonly ordinal: number };

const FORMAT = 2;
/** Of before books had numbers. */
const FORMER = 1;

/** As high as an integer of the database goes: after it nothing is left of a write. */
export const LAST_ORDINAL = 2 ** 31 - 1;

/** All shards inside a position, and all numbers as high as they go: 2,569 bytes. */
const LONGEST = 1 + 8 + SHARDS * (8 + 16 + 8 + 8);

/**
 * A cursor as bytes. Shards move along together, so positions are told from the lowest of them on: some 200 bytes, and
 * with the format's every limit reached still less than the contract allows.
 */
export const writeCursor = (cursor: FeedCursor): Buffer => writeIn(FORMAT, cursor);

function writeIn(format: number, cursor: FeedCursor): Buffer {
  const bytes = Buffer.allocUnsafe(LONGEST);
  bytes[0] = format;
  return bytes.subarray(
    0,
    cursor.of === 'customer' ? writePart(bytes, 1, cursor) : writePlaces(bytes, format, cursor.places),
  );
}

/** How a place goes on behind its position: in a format each way is written as where it stands among the ways. */
const WAYS = { [FORMAT]: ['whole', 'bookId', 'uuid'], [FORMER]: ['whole', 'uuid'] } as const;
type Way = 'whole' | 'bookId' | 'uuid';
const waysOf = (format: number): readonly Way[] => WAYS[format as keyof typeof WAYS];

const wayOf = (inside: FeedPlace['inside']): Way =>
  inside === null ? 'whole' : 'uuid' in inside ? 'uuid' : 'bookId';

function writePlaces(bytes: Buffer, format: number, places: readonly FeedPlace[]): number {
  const ways = waysOf(format);
  let base = Infinity;
  for (const { position } of places) base = Math.min(base, position);
  let at = writeNumber(bytes, 1, base);
  for (const { position, inside } of places) {
    at = writeNumber(bytes, at, (position - base) * ways.length + ways.indexOf(wayOf(inside)));
    if (inside === null) continue;
    if ('uuid' in inside) at += bytes.write(inside.uuid, at, 'hex');
    else at = writeNumber(bytes, at, inside.bookId);
    at = writePart(bytes, at, inside);
  }
  return at;
}

const writePart = (bytes: Buffer, at: number, part: Told): number =>
  writeNumber(bytes, writeNumber(bytes, at, part.version), part.ordinal);

/** The cursor that was written; null when the bytes are not one of this kind. */
export function readCursor(of: FeedCursor['of'], bytes: Buffer): FeedCursor | null {
  const source: Source = { bytes, at: 1 };
  const format = bytes[0];
  if (format !== FORMAT && format !== FORMER) return null;
  const cursor: FeedCursor =
    of === 'customer' ? { of, ...readPart(source) } : { of, places: readPlaces(source, waysOf(format)) };
  // Numbers can be spelled in more bytes than they need: only what is written here is a cursor.
  return source.at === bytes.length && writeIn(format, cursor).equals(bytes) ? cursor : null;
}

/** Where no text ends. */
const NOT_OURS = Infinity;

type Source = { readonly bytes: Buffer; at: number };

function readPlaces(source: Source, ways: readonly Way[]): FeedPlace[] {
  const base = readNumber(source);
  return Array.from({ length: SHARDS }, () => {
    const told = readNumber(source);
    const position = base + Math.floor(told / ways.length);
    if (position > Number.MAX_SAFE_INTEGER) source.at = NOT_OURS;
    const way = ways[told % ways.length];
    if (way === 'whole') return { position, inside: null };
    if (way === 'bookId') return { position, inside: { bookId: readNumber(source), ...readPart(source) } };
    const uuid = source.bytes.subarray(source.at, source.at + 16).toString('hex');
    source.at += 16;
    return { position, inside: { uuid, ...readPart(source) } };
  });
}

function readPart(source: Source): Told {
  const [version, ordinal] = [readNumber(source), readNumber(source)];
  if (ordinal > LAST_ORDINAL) source.at = NOT_OURS;
  return { version, ordinal };
}

// Seven bits a byte, the lowest first, as protobuf does; by arithmetic, because shifts end at 32 bits.
function writeNumber(bytes: Buffer, from: number, value: number): number {
  let [at, rest] = [from, value];
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) + 0x80;
  bytes[at++] = rest;
  return at;
}

function readNumber(source: Source): number {
  let value = 0;
  for (let place = 1; place < Number.MAX_SAFE_INTEGER; place *= 0x80) {
    const byte = source.bytes[source.at++] ?? 0;
    value += (byte % 0x80) * place;
    if (value > Number.MAX_SAFE_INTEGER) break;
    if (byte < 0x80) return value;
  }
  // Larger than any number there is: not ours.
  source.at = NOT_OURS;
  return 0;
}
