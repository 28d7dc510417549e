import type { Distribution } from './distribution.ts';

/** By name. Values are of sets that are known beforehand: never a customer, a namespace, a key. */
export type Labels = Readonly<Record<string, string>>;

/** A metric with all its series, read when somebody asks for the metrics. */
export type Family = {
  readonly name: string;
  readonly help: string;
} & (
  | { readonly type: 'counter' | 'gauge'; read(): Iterable<readonly [labels: Labels, value: number]> }
  | {
      readonly type: 'histogram';
      readonly bounds: readonly number[];
      read(): Iterable<readonly [labels: Labels, values: Distribution]>;
    }
);

const NONE: Labels = {};

export const gauge = (name: string, help: string, value: () => number): Family => ({
  name,
  help,
  type: 'gauge',
  read: () => [[NONE, value()]],
});

export const counter = (name: string, help: string, value: () => number): Family => ({
  name,
  help,
  type: 'counter',
  read: () => [[NONE, value()]],
});

/** Something for each of some labels, made when they are first met. */
export function byLabels<T>(make: () => T) {
  const known = new Map<string, readonly [Labels, T]>();
  return {
    of(key: string, labels: () => Labels): T {
      const found = known.get(key);
      if (found !== undefined) return found[1];
      const made = make();
      known.set(key, [labels(), made]);
      return made;
    },
    all: (): Iterable<readonly [Labels, T]> => known.values(),
  };
}

/** One value for each of a set of names, under one label. */
export const byEach = (
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  label: string,
  values: () => Readonly<Record<string, number>>,
): Family => ({
  name,
  help,
  type,
  read: () => Object.entries(values()).map(([value, count]) => [{ [label]: value }, count] as const),
});
