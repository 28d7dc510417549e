import {
  ScalarType,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FeatureSet_FieldPresence as Presence } from '@bufbuild/protobuf/wkt';

/**
 * Messages in protobuf's binary format, byte for byte as protobuf-es writes them, straight from what they are made of:
 * nobody here reads an answer, so none is made first. What a field may hold is known from its type alone, and unknown
 * fields are left out.
 */

type Write<Value = never> = (writer: BinaryWriter, value: Value) => void;
type Fields = Readonly<Record<string, unknown>>;

/** Writes a message, without its length, of what it is made of. */
export type MessageWriter<S extends DescMessage> = Write<MessageInitShape<S> | MessageShape<S>>;

const writers = new WeakMap<DescMessage, Write<Fields>>();

export const writerOf = <S extends DescMessage>(schema: S): MessageWriter<S> => messageWriter(schema);

/** The same without some of its fields, by their proto names. */
export const writerWithout = <S extends DescMessage>(
  schema: S,
  names: ReadonlySet<string>,
): MessageWriter<S> => inTurn(schema.fields.filter(({ name }) => !names.has(name)));

/** Kept to be used again: to grow another for every message is half of what it takes to write a small one. */
let spare: BinaryWriter | undefined = new BinaryWriter();

/** Longer than almost every answer: what one that is longer has grown is given back. */
const KEPT_BYTES = 64 * 1_024;

/** The bytes of what is written meanwhile. */
export function bytesOf(write: (writer: BinaryWriter) => void): Uint8Array {
  const writer = spare ?? new BinaryWriter();
  // Not kept until it is done: what is written within is written elsewhere, and what fails half-way is left behind.
  spare = undefined;
  write(writer);
  const bytes = writer.finish();
  if (bytes.byteLength <= KEPT_BYTES) spare = writer;
  return bytes;
}

function messageWriter(schema: DescMessage): Write<Fields> {
  const known = writers.get(schema);
  if (known !== undefined) return known;
  const all: Write<Fields>[] = [];
  const write = eachOf(all);
  // Known before its fields are, so that a message may hold its own kind.
  writers.set(schema, write);
  all.push(...inOrder(schema.fields));
  return write;
}

const inTurn = (fields: readonly DescField[]): Write<Fields> => eachOf(inOrder(fields));

const inOrder = (fields: readonly DescField[]) =>
  fields.toSorted((a, b) => a.number - b.number).map(fieldWriter);

const eachOf =
  (all: readonly Write<Fields>[]): Write<Fields> =>
  (writer, message) => {
    for (let i = 0; i < all.length; i += 1) all[i]!(writer, message);
  };

function fieldWriter(field: DescField): Write<Fields> {
  const { localName, oneof } = field;
  const write = valueOfField(field) as Write<unknown>;
  if (oneof !== undefined) {
    const { localName: choice } = oneof;
    return (writer, message) => {
      const chosen = message[choice] as { readonly case?: string; readonly value: unknown } | undefined;
      if (chosen?.case === localName) write(writer, chosen.value);
    };
  }
  // Elsewhere what is there is written, be it empty.
  const isZero = field.presence === Presence.IMPLICIT ? zeroTest(field) : () => false;
  return (writer, message) => {
    const value = message[localName];
    if (value !== undefined && value !== null && !isZero(value)) write(writer, value);
  };
}

/** Whether a value is what a field has that is left out. An empty list or map writes nothing by itself. */
function zeroTest(field: DescField): (value: unknown) => boolean {
  if (field.fieldKind === 'enum') return (value) => value === 0;
  if (field.fieldKind !== 'scalar') return () => false;
  if (field.scalar === ScalarType.STRING) return (value) => value === '';
  if (field.scalar === ScalarType.BOOL) return (value) => value === false;
  if (field.scalar === ScalarType.BYTES) return (value) => (value as Uint8Array).byteLength === 0;
  return (value) => value === 0 || value === 0n;
}

/** Writes all that a field holds, each value behind its tag. */
function valueOfField(field: DescField): Write {
  const { number, fieldKind } = field;
  const item = itemOf(field);
  if (fieldKind === 'map') return entries(number, tagged(1, scalarOf(field.mapKey)), tagged(2, item));
  if (fieldKind !== 'list') return tagged(number, item);
  return field.packed ? packed(number, item) : each(tagged(number, item));
}

/** How one value is written behind its tag. */
type Item = { readonly wireType: WireType; readonly write: Write };

const tagged =
  (number: number, { wireType, write }: Item): Write =>
  (writer, value) => {
    writer.tag(number, wireType);
    write(writer, value);
  };

const each =
  (write: Write): Write<readonly never[]> =>
  (writer, items) => {
    for (let i = 0; i < items.length; i += 1) write(writer, items[i]!);
  };

const packed = (number: number, { write }: Item): Write<readonly never[]> => {
  const writeAll = lengthDelimited(each(write)).write as Write<readonly never[]>;
  return (writer, items) => {
    if (items.length === 0) return;
    writer.tag(number, WireType.LengthDelimited);
    writeAll(writer, items);
  };
};

function entries(number: number, writeKey: Write, writeValue: Write): Write<Readonly<Record<string, never>>> {
  return (writer, map) => {
    for (const key of Object.keys(map)) {
      writer.tag(number, WireType.LengthDelimited).fork();
      writeKey(writer, key as never);
      writeValue(writer, map[key]!);
      writer.join();
    }
  };
}

/** The value of a field, an item of a list or a value of a map. */
function itemOf({ scalar, message }: DescField): Item {
  if (message !== undefined) return lengthDelimited(messageWriter(message));
  // Besides messages and scalars there are enums, which are numbers.
  return scalarOf(scalar ?? ScalarType.INT32);
}

const lengthDelimited = <Value>(write: Write<Value>): Item => ({
  wireType: WireType.LengthDelimited,
  write: (writer, value) => {
    writer.fork();
    write(writer, value);
    writer.join();
  },
});

const SCALARS: { readonly [Type in ScalarType]?: Item } = {
  [ScalarType.STRING]: { wireType: WireType.LengthDelimited, write: (writer, text) => writer.string(text) },
  [ScalarType.BYTES]: { wireType: WireType.LengthDelimited, write: (writer, bytes) => writer.bytes(bytes) },
  [ScalarType.BOOL]: { wireType: WireType.Varint, write: (writer, is) => writer.bool(is) },
  [ScalarType.INT32]: { wireType: WireType.Varint, write: (writer, number) => writer.int32(number) },
  [ScalarType.INT64]: { wireType: WireType.Varint, write: (writer, number) => writer.int64(number) },
};

function scalarOf(type: ScalarType): Item {
  const item = SCALARS[type];
  if (item === undefined) throw new Error(`no message here has a ${ScalarType[type]}`);
  return item;
}
