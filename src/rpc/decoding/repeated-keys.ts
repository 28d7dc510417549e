import type { DescMessage } from '@bufbuild/protobuf';
import type { FieldViolation } from '../../refusal.ts';
import { entryOf, fieldOf, pathTo, strangerIn } from './unreadable-json.ts';

/** A place in a request: where it is, and the field that an object or list there would be the value of. */
type Place = { readonly path: string; readonly schema: DescMessage | undefined; readonly isMap: boolean };

/** An object or list that is being read. */
type Frame = Place & {
  /** The keys so far; undefined in a list. */
  readonly keys: Set<string> | undefined;
  /** Where the value that comes next will be. */
  next: Place;
  index: number;
};

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;
const KEY = /"\s*:/g;

/**
 * The keys that objects of a JSON text have more than once. JSON's own reader keeps the last, so that who checks a
 * request and who acts on it may see different ones. The text is valid JSON, and `read` keys came of it.
 */
export function repeatedKeys(schema: DescMessage, text: string, read: number): readonly FieldViolation[] {
  // Where the text shows no more keys than were read, there is no second one; nearly every request ends here.
  if ((text.match(KEY)?.length ?? 0) === read) return [];
  const found: FieldViolation[] = [];
  const frames: Frame[] = [];
  let previous = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const frame = frames.at(-1);
    if (token === '{' || token === '[') {
      const place = frame?.next ?? { path: '', schema, isMap: false };
      const keys = token === '{' ? new Set<string>() : undefined;
      frames.push({ ...place, keys, next: { ...place, path: `${place.path}[0]` }, index: 0 });
    } else if (token === '}' || token === ']') frames.pop();
    else if (token === ',' && frame?.keys === undefined) nextItem(frame);
    else if (token.startsWith('"') && frame?.keys !== undefined && previous !== ':') {
      const key = JSON.parse(token) as string;
      frame.next = valueAt(frame, key);
      if (frame.keys.has(key))
        found.push({ field: frame.next.path, rule: 'twice', message: 'is given twice' });
      frame.keys.add(key);
    }
    previous = token;
  }
  return found;
}

function nextItem(list: Frame | undefined): void {
  if (list === undefined) return;
  list.index += 1;
  list.next = { ...list.next, path: `${list.path}[${list.index}]` };
}

function valueAt({ path, schema, isMap }: Frame, key: string): Place {
  if (isMap) return { path: entryOf(path, key), schema, isMap: false };
  const field = schema === undefined ? undefined : fieldOf(schema, key);
  if (field === undefined) return { path: strangerIn(path, key), schema: undefined, isMap: false };
  return { path: pathTo(path, field.name), schema: field.message, isMap: field.fieldKind === 'map' };
}
