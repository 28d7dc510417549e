/** One message of Postgres' protocol. */
export type Message = {
  /** The letter; empty for the client's first message, which has none. */
  readonly type: string;
  readonly body: Buffer;
  /** Where it begins in the piece that completes it; negative if in an earlier one. */
  readonly at: number;
};

/**
 * Cuts what one side says into the messages of Postgres' protocol: a letter, the length, the body. Only the client's
 * first has no letter. Give it every piece in order; it tells whether a message is there in part.
 */
export function readMessages(
  startsUntyped: boolean,
  seen: (message: Message) => void,
): (piece: Buffer) => boolean {
  let rest: Buffer = Buffer.alloc(0);
  let untyped = startsUntyped;
  return (piece) => {
    let at = -rest.length;
    rest = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    for (;;) {
      const header = untyped ? 4 : 5;
      if (rest.length < header) return rest.length > 0;
      const length = rest.readUInt32BE(header - 4) + header - 4;
      if (length < header || length > LARGEST) throw new Error('this is not the protocol of Postgres');
      if (rest.length < length) return true;
      const type = untyped ? '' : String.fromCharCode(rest[0]!);
      untyped = false;
      seen({ type, body: rest.subarray(header, length), at });
      rest = rest.subarray(length);
      at += length;
    }
  };
}

/** As Postgres has it: no message is longer. */
const LARGEST = 2 ** 30;

/** The zero-terminated text at this place of a body, and where the next begins. */
export function textAt(body: Buffer, start: number): { readonly text: string; readonly next: number } {
  const end = body.indexOf(0, start);
  return { text: body.toString('utf8', start, end), next: end + 1 };
}
