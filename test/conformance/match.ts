import { instantOf } from './scenario.ts';

/** Everything remembered of earlier steps, by name. */
export type Memory = ReadonlyMap<string, Record<string, unknown>>;

const camel = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The value of `$g` (an id) or `$g.recorded_at` (an answer's field). */
function symbol(text: string, memory: Memory): unknown {
  const [name = '', ...path] = text.slice(1).split('.');
  const answer = memory.get(name);
  if (answer === undefined) throw new Error(`${text} names no earlier step`);
  if (path.length > 0) return path.reduce<any>((value, part) => value?.[camel(part)], answer);
  return ['grant', 'charge', 'transaction']
    .map((kind) => (answer[kind] as { id?: string } | undefined)?.id)
    .find((id) => id !== undefined);
}

/** A request or expectation with its symbols and instants filled in; keys as Connect's JSON spells them. */
export function resolve(value: unknown, memory: Memory, t0: number): unknown {
  if (typeof value === 'string') {
    if (value.startsWith('$')) return symbol(value, memory);
    const instant = instantOf(value, t0);
    return instant === undefined ? value : new Date(instant).toISOString();
  }
  if (Array.isArray(value)) return value.map((item) => resolve(item, memory, t0));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [camel(key), resolve(item, memory, t0)]),
  );
}

const ENUMERATOR = /^[A-Z][A-Z_]*$/;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT/;

/** What of an expectation an answer does not meet, as paths; empty: it matches. */
export function mismatches(actual: any, expected: any, path = 'answer'): readonly string[] {
  const no = () => [`${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`];
  if (expected === null) return actual === undefined ? [] : no();
  if (expected === false || expected === '') return actual === undefined || actual === expected ? [] : no();
  if (Array.isArray(expected)) {
    const list = actual ?? [];
    if (!Array.isArray(list) || list.length !== expected.length) return no();
    return expected.flatMap((item, i) => mismatches(list[i], item, `${path}[${i}]`));
  }
  if (typeof expected === 'object') {
    if (expected.present === true) return actual === undefined || actual.length === 0 ? no() : [];
    if ('unordered' in expected) return unordered(actual ?? [], expected.unordered, path) ? [] : no();
    return Object.entries(expected).flatMap(([key, item]) =>
      mismatches(actual?.[key], item, `${path}.${key}`),
    );
  }
  return scalar(actual, expected) ? [] : no();
}

function scalar(actual: unknown, expected: unknown): boolean {
  if (actual === expected || (typeof expected === 'number' && String(actual) === String(expected)))
    return true;
  if (typeof actual !== 'string' || typeof expected !== 'string') return false;
  if (TIMESTAMP.test(expected)) return Date.parse(actual) === Date.parse(expected);
  return ENUMERATOR.test(expected) && actual.endsWith(`_${expected}`);
}

function unordered(actual: readonly unknown[], expected: readonly unknown[], path: string): boolean {
  if (actual.length !== expected.length) return false;
  const left = [...actual];
  return expected.every((item) => {
    const found = left.findIndex((candidate) => mismatches(candidate, item, path).length === 0);
    if (found === -1) return false;
    left.splice(found, 1);
    return true;
  });
}
