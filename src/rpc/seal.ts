import { createHash } from 'node:crypto';
import { clearField, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';

/** Makes opaque texts out of bytes that only mean something together with a question, and reads them back. */
export type Seal = {
  /** The bytes as a text that is good for this question and no other. */
  close(body: Buffer): string;
  /** The bytes again; undefined when the text was made for another question, or not by this service. */
  open(text: string): Buffer | undefined;
};

// Enough to tell queries apart; it is no secret and keeps nobody from making a text up.
const CHECK_BYTES = 8;

/** The question is the request without the fields named, which may differ from call to call. */
export function sealOf<S extends DescMessage>(
  schema: S,
  request: MessageShape<S>,
  notPartOfIt: ReadonlySet<string>,
): Seal {
  const query: MessageShape<S> = { ...request };
  for (const field of schema.fields) if (notPartOfIt.has(field.name)) clearField(query, field);
  const question = createHash('sha256')
    .update(toBinary(schema, query, { writeUnknownFields: false }))
    .update(schema.typeName);
  const checkOf = (body: Buffer) => question.copy().update(body).digest().subarray(0, CHECK_BYTES);
  return {
    close: (body) => Buffer.concat([checkOf(body), body]).toString('base64url'),
    open: (text) => {
      const bytes = Buffer.from(text, 'base64url');
      // What decoding passes over stands in no text that was closed here.
      if (bytes.toString('base64url') !== text) return undefined;
      const body = bytes.subarray(CHECK_BYTES);
      return checkOf(body).equals(bytes.subarray(0, CHECK_BYTES)) ? body : undefined;
    },
  };
}
