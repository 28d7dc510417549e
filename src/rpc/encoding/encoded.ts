import {
  create,
  fromBinary,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { BinaryReader, WireType, type BinaryWriter } from '@bufbuild/protobuf/wire';
import { bytesOf, writerOf } from './encode.ts';

/**
 * An answer as its bytes in protobuf's binary format, made once: it is kept under a key, sent to each of many streams, or
 * becomes a part of another answer as what it is.
 */
export class Encoded {
  readonly bytes: Uint8Array;
  /** What the log tells of it. */
  readonly made: MadeByCall | undefined;

  constructor(bytes: Uint8Array, made?: MadeByCall) {
    this.bytes = bytes;
    this.made = made;
  }
}

/** What a write has made or changed, or a batch of them, as the log tells it. */
export type MadeByCall = {
  readonly grantId?: string | undefined;
  readonly chargeId?: string | undefined;
  readonly transactionId?: string | undefined;
  readonly version?: number;
  /** It was answered what the first with its key was. */
  readonly replayed?: true;
  /** How many items of a batch were refused. */
  readonly refused?: number;
};

/** What a handler answers with: what a message is made of, or its bytes. */
export type Outgoing = MessageInitShape<DescMessage> | Encoded;

export const encodedAs = <S extends DescMessage>(schema: S, made: MessageInitShape<S>): Encoded =>
  new Encoded(binaryOf(schema, made));

/** The bytes of an answer, for those who speak binary. */
export function binaryOf(schema: DescMessage, answer: Outgoing): Uint8Array {
  if (answer instanceof Encoded) return answer.bytes;
  const write = writerOf(schema);
  return bytesOf((writer) => write(writer, answer));
}

/** The message that an answer is, for those who do not. */
export const messageOf = (schema: DescMessage, answer: Outgoing): Message =>
  answer instanceof Encoded ? fromBinary(schema, answer.bytes) : create(schema, answer);

/** The bytes of a message that has left out a flag, its last field, with the flag raised. */
export const raised = (bytes: Uint8Array, { number }: DescField): Uint8Array =>
  bytesOf((writer) => writer.raw(bytes).tag(number, WireType.Varint).bool(true));

/** Writes the bytes of one message as another that has fields of the same names under other numbers. */
export function renumbering(
  from: DescMessage,
  to: DescMessage,
): (writer: BinaryWriter, bytes: Uint8Array) => void {
  const named = new Map(to.fields.map(({ name, number }) => [name, number]));
  const numbers = new Map(from.fields.map(({ name, number }) => [number, named.get(name)]));
  return (writer, bytes) => {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, wireType] = reader.tag();
      const value = reader.skip(wireType, number);
      const there = numbers.get(number);
      // A release after this one may have kept an answer that has more.
      if (there !== undefined) writer.tag(there, wireType).raw(value);
    }
  };
}

/** A message that holds messages as one list and nothing else, each of which writes itself. */
export const encodedList = (
  { number }: DescField,
  messages: readonly ((writer: BinaryWriter) => void)[],
  made?: MadeByCall,
): Encoded =>
  new Encoded(
    bytesOf((writer) => {
      for (const write of messages) {
        writer.tag(number, WireType.LengthDelimited).fork();
        write(writer);
        writer.join();
      }
    }),
    made,
  );
