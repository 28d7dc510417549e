import {
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  type JsonObject,
  type JsonValue,
} from '@bufbuild/protobuf';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { FieldViolation } from '../../refusal.ts';
import { INSTANT_RULE, isInstantText } from './instants.ts';

/** What a look at a request in JSON has found. */
export type Look = {
  readonly violations: FieldViolation[];
  /** How many keys its objects have; fewer than its text has, where one is written twice. */
  keys: number;
};

/** Looks at a value at a place in a request. */
type Reader = (json: JsonValue, path: string, look: Look) => void;

/** The rule that what is no value of its type breaks, be it a field or the whole request. */
export const UNREADABLE = 'decodable';

/** More than anybody corrects at once; a list of four million wrong items ends here. */
const MOST_VIOLATIONS = 100;

/** Enough to recognize a key by that should not be there. */
const KEY_CHARACTERS = 64;

const readers = new WeakMap<DescMessage, Reader>();

/**
 * Looks for everything in a request that is no value of its field: protobuf-es stops at the first, names the field
 * without its path, and takes 30 February for 2 March.
 */
export function lookAt(schema: DescMessage, json: JsonValue): Look {
  const look: Look = { violations: [], keys: 0 };
  messageReader(schema)(json, '', look);
  return look;
}

/** The field that a key of an object in JSON names: by its proto name or in lowerCamelCase. */
export const fieldOf = (schema: DescMessage, key: string): DescField | undefined =>
  schema.fields.find(({ name, jsonName }) => name === key || jsonName === key);

/** The path of a field of the message at a path. */
export const pathTo = (path: string, name: string) => (path === '' ? name : `${path}.${name}`);

/** A path that ends with a key nobody knows. */
export const strangerIn = (path: string, key: string) => pathTo(path, key.slice(0, KEY_CHARACTERS));

/** The path of an entry of the map at a path, as protovalidate writes it. */
export const entryOf = (path: string, key: string) =>
  `${path}[${JSON.stringify(key.slice(0, KEY_CHARACTERS))}]`;

function messageReader(schema: DescMessage): Reader {
  const known = readers.get(schema);
  if (known !== undefined) return known;
  const fields = new Map<string, { readonly field: DescField; readonly read: Reader }>();
  const reader: Reader = (json, path, look) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      return wrong(look, path, UNREADABLE, 'must be a JSON object');
    for (const key in json) {
      if (look.violations.length >= MOST_VIOLATIONS) return;
      look.keys += 1;
      const entry = fields.get(key);
      if (entry === undefined) {
        wrong(look, strangerIn(path, key), 'unknown', `is no field of ${schema.name}`);
        continue;
      }
      const { field, read } = entry;
      const value = json[key]!;
      const here = pathTo(path, field.name);
      if (key !== field.name && Object.hasOwn(json, field.name)) wrong(look, here, 'twice', 'is given twice');
      if (field.oneof !== undefined) checkAlone(field, field.oneof, json, path, look);
      if (value !== null) read(value, here, look);
    }
  };
  // Before its fields, so that a message may hold its own kind.
  readers.set(schema, reader);
  for (const field of schema.fields) {
    const entry = { field, read: fieldReader(field) };
    fields.set(field.name, entry).set(field.jsonName, entry);
  }
  return reader;
}

/** Of fields that exclude each other, those after the first are one too many. */
function checkAlone(field: DescField, oneof: DescOneof, json: JsonObject, path: string, look: Look): void {
  // protobuf-es takes null for a choice, but not of a scalar.
  const isGiven = ({ name, jsonName, fieldKind }: DescField) => {
    const value = Object.hasOwn(json, name) ? json[name] : json[jsonName];
    return value !== undefined && (value !== null || fieldKind !== 'scalar');
  };
  if (!isGiven(field)) return;
  const first = oneof.fields.find((one) => one === field || isGiven(one));
  if (first === undefined || first === field) return;
  const message = `must not be given together with ${pathTo(path, first.name)}`;
  wrong(look, pathTo(path, field.name), 'oneof.exclusive', message);
}

function fieldReader(field: DescField): Reader {
  const read = valueReader(field);
  if (field.fieldKind === 'list') return listReader(read);
  return field.fieldKind === 'map' ? mapReader(read) : read;
}

const listReader =
  (readItem: Reader): Reader =>
  (json, path, look) => {
    if (!Array.isArray(json)) return wrong(look, path, UNREADABLE, 'must be a list in brackets');
    for (const [i, item] of json.entries()) {
      if (look.violations.length >= MOST_VIOLATIONS) return;
      readItem(item, `${path}[${i}]`, look);
    }
  };

const mapReader =
  (readValue: Reader): Reader =>
  (json, path, look) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      return wrong(look, path, UNREADABLE, 'must be a JSON object');
    for (const key in json) {
      if (look.violations.length >= MOST_VIOLATIONS) return;
      look.keys += 1;
      const here = entryOf(path, key);
      if (!key.isWellFormed()) wrong(look, here, 'unicode', 'its key must be valid Unicode');
      readValue(json[key]!, here, look);
    }
  };

/** The reader of one value, whether a field, an item of a list or a value of a map holds it. */
function valueReader({ scalar, enum: values, message }: DescField): Reader {
  if (values !== undefined) return enumReader(values);
  if (message?.typeName === TimestampSchema.typeName) return readInstant;
  // What else has a form of its own in JSON, no request of ours has.
  if (message?.typeName.startsWith('google.protobuf.') === true) return () => undefined;
  if (message !== undefined) return messageReader(message);
  return (scalar === undefined ? undefined : SCALARS[scalar]) ?? (() => undefined);
}

const SCALARS: { readonly [Type in ScalarType]?: Reader } = {
  [ScalarType.STRING]: (json, path, look) => {
    if (typeof json !== 'string') wrong(look, path, UNREADABLE, 'must be a text in quotes');
    else if (!json.isWellFormed())
      wrong(look, path, 'unicode', 'must be valid Unicode, without half a surrogate pair');
  },
  [ScalarType.BOOL]: (json, path, look) => {
    if (typeof json !== 'boolean') wrong(look, path, UNREADABLE, 'must be true or false');
  },
  [ScalarType.INT32]: integerReader(32, 'must be a whole number of 32 bits'),
  [ScalarType.INT64]: integerReader(
    64,
    'must be a whole number of 64 bits, in quotes if above 9007199254740991',
  ),
};

/** Numbers that JSON's readers round are none of ours, so large ones come in quotes. */
function integerReader(bits: number, message: string): Reader {
  return (json, path, look) => {
    const isNumber = typeof json === 'number' && Number.isSafeInteger(json);
    const isText = typeof json === 'string' && /^-?\d{1,19}$/.test(json);
    const fits = (isNumber || isText) && BigInt.asIntN(bits, BigInt(json)) === BigInt(json);
    if (!fits) wrong(look, path, UNREADABLE, message);
  };
}

function enumReader({ values }: DescEnum): Reader {
  const names = new Set(values.map(({ name }) => name));
  const choices = values.flatMap(({ name, number }) => (number === 0 ? [] : [name])).join(', ');
  return (json, path, look) => {
    const isNumber = typeof json === 'number' && Number.isInteger(json) && (json | 0) === json;
    // Which numbers there are is a rule of the proto.
    if (isNumber || (typeof json === 'string' && names.has(json))) return;
    wrong(look, path, 'enum.defined_only', `must be one of ${choices}`);
  };
}

const readInstant: Reader = (json, path, look) => {
  if (typeof json === 'string' && isInstantText(json)) return;
  wrong(look, path, INSTANT_RULE, 'must be an instant of the years 1 to 9999 such as "2027-02-28T09:30:00Z"');
};

function wrong({ violations }: Look, field: string, rule: string, message: string): void {
  violations.push({ field, rule, message });
}
