import type { DescField, DescMessage, Message } from '@bufbuild/protobuf';
import { TimestampSchema, type Timestamp } from '@bufbuild/protobuf/wkt';
import { EARLIEST, LATEST } from '../../instant.ts';
import type { FieldViolation } from '../../refusal.ts';

/** The id of the rule that every instant in a request keeps, in whatever form it comes. */
export const INSTANT_RULE = 'timestamp.instant';

const DAY = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const HOUR_AND_MINUTE = String.raw`(?:[01]\d|2[0-3]):[0-5]\d`;
const INSTANT = new RegExp(
  String.raw`^${DAY}T${HOUR_AND_MINUTE}:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]${HOUR_AND_MINUTE})$`,
);

/**
 * Whether a text names an instant, as RFC 3339 and protobuf's JSON want it. `Date` is kinder: for it 30 February is
 * 2 March, and 24:00 the next day.
 */
export function isInstantText(text: string): boolean {
  if (!INSTANT.test(text)) return false;
  const day = text.slice(0, 10);
  // Every month has 28 days; only after that it needs a look which has more.
  if (day.slice(8) > '28' && !new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)) return false;
  const instant = Date.parse(text);
  return instant >= EARLIEST && instant <= LATEST;
}

const EARLIEST_SECOND = BigInt(EARLIEST / 1_000);
const LATEST_SECOND = BigInt(Math.floor(LATEST / 1_000));

const isInstant = ({ seconds, nanos }: Timestamp): boolean =>
  seconds >= EARLIEST_SECOND && seconds <= LATEST_SECOND && nanos >= 0 && nanos <= 999_999_999;

/** Adds a violation for every timestamp of a message, or under it, that is no instant. */
export type InstantCheck = (message: Message, path: string, found: FieldViolation[]) => void;

/**
 * Makes the check for a message; undefined when no timestamp is in it. Binary messages hold any number of seconds and
 * nanoseconds, and CEL, which the rules in the proto are written in, does not see nanoseconds that are none.
 * `isApart` tells the fields whose messages are somebody else's to check.
 */
export function instantCheck(
  schema: DescMessage,
  isApart: (field: DescField) => boolean,
): InstantCheck | undefined {
  const checks = schema.fields.flatMap((field) => {
    if (field.message === undefined || isApart(field)) return [];
    const check =
      field.message.typeName === TimestampSchema.typeName ? one : instantCheck(field.message, isApart);
    return check === undefined ? [] : [onField(field, check)];
  });
  if (checks.length === 0) return undefined;
  return (message, path, found) => checks.forEach((check) => check(message, path, found));
}

const one: InstantCheck = (message, path, found) => {
  if (isInstant(message as Timestamp)) return;
  const text = 'must be an instant of the years 1 to 9999, with 0 to 999999999 nanoseconds';
  found.push({ field: path, rule: INSTANT_RULE, message: text });
};

function onField({ name, localName, oneof, fieldKind }: DescField, check: InstantCheck): InstantCheck {
  if (fieldKind === 'map') throw new Error(`${name}: no request has a map of messages`);
  type Chosen = { readonly case: string | undefined; readonly value: unknown };
  const valueOf = (message: Record<string, unknown>) => {
    if (oneof === undefined) return message[localName];
    const chosen = message[oneof.localName] as Chosen;
    return chosen.case === localName ? chosen.value : undefined;
  };
  return (message, path, found) => {
    const value = valueOf(message) as Message | Message[] | undefined;
    if (value === undefined) return;
    const here = path === '' ? name : `${path}.${name}`;
    if (!Array.isArray(value)) check(value, here, found);
    else value.forEach((item, i) => check(item, `${here}[${i}]`, found));
  };
}
