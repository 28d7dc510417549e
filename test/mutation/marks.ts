import { parseAst } from 'vitest/node';
import { stripTypeScriptTypes } from 'node:module';

/** A place of a source by which one sees whether tests run it. */
export type Mark = {
  readonly name: string;
  readonly kind: 'file' | 'statement' | 'answer of an arrow function';
  readonly from: number;
  readonly until: number;
};

declare global {
  /** The names of the marks that have been run. */
  var marksRun: Set<string> | undefined;
}

type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly body?: Node | readonly Node[];
  readonly consequent?: readonly Node[];
};

function* nodesOf(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return;
  if ('type' in value && 'start' in value) yield value as Node;
  for (const child of Array.isArray(value) ? value : Object.values(value)) yield* nodesOf(child);
}

/** The whole file, the statements of its functions, and what its arrow functions answer. */
export function marksOf(path: string, source: string): readonly Mark[] {
  // Types are blanks: everything else stands where it stood.
  // oxlint-disable-next-line typescript/no-deprecated -- what takes its place vitest does not hand on
  const program = parseAst(stripTypeScriptTypes(source));
  const mark =
    (kind: Mark['kind']) =>
    ({ start, end }: Pick<Node, 'start' | 'end'>): Mark => ({
      name: `${path}:${start}`,
      kind,
      from: start,
      until: end,
    });
  return [
    mark('file')({ start: -1, end: Infinity }),
    ...[...nodesOf(program)].flatMap(({ type, body, consequent }) => {
      if (type === 'BlockStatement') return (body as readonly Node[]).map(mark('statement'));
      if (type === 'SwitchCase') return consequent!.map(mark('statement'));
      const isAnswer = type === 'ArrowFunctionExpression' && (body as Node).type !== 'BlockStatement';
      return isAnswer ? [mark('answer of an arrow function')(body as Node)] : [];
    }),
  ];
}

/** The one that is nearest around a place. */
export const markAt = (marks: readonly Mark[], at: number): Mark =>
  marks
    .filter(({ from, until }) => from <= at && at < until)
    .reduce((a, b) => (b.until - b.from < a.until - a.from ? b : a));

/** The source, which notes what of it is run. */
export function marked(source: string, marks: readonly Mark[]): string {
  let text = stripTypeScriptTypes(source);
  const puts = marks.flatMap(({ name, kind, from, until }): [number, string][] => {
    const note = `(globalThis.marksRun ??= new Set()).add('${name}')`;
    if (kind === 'file') return [[text.length, `\n;${note};`]];
    if (kind === 'statement') return [[from, `;${note};`]];
    return [
      [from, `(${note}, `],
      [until, ')'],
    ];
  });
  for (const [at, put] of puts.toSorted(([a], [b]) => b - a)) text = text.slice(0, at) + put + text.slice(at);
  return text;
}
