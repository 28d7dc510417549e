import {
  create,
  fromBinary,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { bytesOf, writerOf } from './encode.ts';

/**
 * An answer as its bytes in protobuf's binary format, made once: it is kept under a key, sent to each of many streams, or
 * becomes a part of another answer as what it is.
 */
export class Encoded {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

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

/** Makes the bytes of one message those of another that has fields of the same names under other numbers. */
export function renumbering(from: DescMessage, to: DescMessage): (bytes: Uint8Array) => Uint8Array {
  const named = new Map(to.fields.map(({ name, number }) => [name, number]));
  const numbers = new Map(from.fields.map(({ name, number }) => [number, named.get(name)]));
  return (bytes) =>
    bytesOf((writer) => {
      const reader = new BinaryReader(bytes);
      while (reader.pos < reader.len) {
        const [number, wireType] = reader.tag();
        const value = reader.skip(wireType, number);
        const there = numbers.get(number);
        // A release after this one may have kept an answer that has more.
        if (there !== undefined) writer.tag(there, wireType).raw(value);
      }
    });
}

/** The bytes of a message that holds messages as one list and nothing else. */
export const listOf = ({ number }: DescField, messages: readonly Uint8Array[]): Uint8Array =>
  bytesOf((writer) => {
    for (const message of messages) writer.tag(number, WireType.LengthDelimited).bytes(message);
  });
