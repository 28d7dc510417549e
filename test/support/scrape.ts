/** The text of metrics, read as Prometheus reads it. */

export type Series = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};

export type Scrape = {
  readonly text: string;
  readonly series: readonly Series[];
  /** The type of each family, by name. */
  readonly types: ReadonlyMap<string, string>;
  /** The sum over the series of the name that have these labels, among others; undefined: there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
};

export async function scrape(url: string): Promise<Scrape> {
  const response = await fetch(url);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`);
  return parseScrape(text);
}

const LINE = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\.)*)"/g;

/** @throws where a line is none of Prometheus' format. */
export function parseScrape(text: string): Scrape {
  const types = new Map<string, string>();
  const series: Series[] = [];
  for (const line of text.split('\n')) {
    const [, family, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (family !== undefined) types.set(family, type!);
    if (line === '' || line.startsWith('#')) continue;
    const found = LINE.exec(line)?.groups;
    if (found === undefined) throw new Error(`no line of metrics: ${line}`);
    const labels = Object.fromEntries(
      [...(found['labels'] ?? '').matchAll(LABEL)].map(([, name, value]) => [name!, value!]),
    );
    const value = found['value'] === '+Inf' ? Infinity : Number(found['value']);
    series.push({ name: found['name']!, labels, value });
  }
  const has = (one: Series, labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).every(([name, value]) => (one.labels[name] ?? '') === value);
  return {
    text,
    series,
    types,
    value(name, labels = {}) {
      const found = series.filter((one) => one.name === name && has(one, labels));
      return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

/** The family a series belongs to: of a histogram's several names the one it is declared by. */
export const familyOf = ({ types }: Pick<Scrape, 'types'>, name: string): string => {
  const base = name.replace(/_(bucket|sum|count)$/, '');
  return types.get(base) === 'histogram' ? base : name;
};
